//! Whatever a map file holds, it is refused by its key or place, or it reads a file.

use std::error::Error as _;

const FILE: &str = "SRNumber,CreatedDate,UpdatedDate,Owner,RequestType,Status,RequestSource,AssignTo,ServiceDate,ClosedDate,Address,ZipCode
1-1,01/01/2018 12:00:09 AM,,BOS,Bulky Items,Closed,Call,NC,,01/06/2018 10:18:29 AM,\"8 Main St, LA\",90020
1-2,x,,,,,,,,,,
1-3,12/31/9999 11:59:59 PM,01/01/0001 12:00:00 AM,a,b,c,d,e,f,g,h,i
";

pub fn holds(data: &[u8]) {
    let Ok(map) = std::str::from_utf8(data) else { return };
    match kefu::read_import(FILE.as_bytes(), map) {
        Ok((messages, rejected)) => {
            let rows: usize = messages.iter().map(|message| message.rows.len()).sum();
            // Another delimiter or a quote may join lines, and never makes more of them.
            assert!(
                rows + rejected.len() <= 3 && messages.first().is_some_and(|first| !first.source.trim().is_empty())
            );
        }
        Err(error) => assert!(error.source().is_some_and(|why| !why.to_string().is_empty()), "{error}"),
    }
}
