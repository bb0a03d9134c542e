use std::sync::atomic::{AtomicU32, Ordering};

use super::*;

const MAP: &str = include_str!("../../../../../deploy/import/my-la-311.toml");
const HEADER: &str = "SRNumber,CreatedDate,UpdatedDate,Owner,RequestType,Status,RequestSource,AssignTo,ServiceDate,ClosedDate,Address,ZipCode\n";

fn line(id: &str, address: &str) -> String {
    format!("{id},01/01/2018 12:00:09 AM,,BOS,Bulky Items,Closed,Call,NC,,01/06/2018 10:18:29 AM,\"{address}\",90020\n")
}

/// Opens a file of these bytes with a map of this text.
fn open(bytes: &[u8], map: &str) -> Result<Rows, ImportError> {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let stem = std::env::temp_dir().join(format!(
        "kefu-import-{}-{}",
        std::process::id(),
        NUMBER.fetch_add(1, Ordering::Relaxed)
    ));
    let (file, map_file) = (stem.with_extension("csv"), stem.with_extension("toml"));
    std::fs::write(&file, bytes).unwrap();
    std::fs::write(&map_file, map).unwrap();
    let rows = Rows::open(&file, &map_file);
    std::fs::remove_file(file).unwrap();
    std::fs::remove_file(map_file).unwrap();
    rows
}

fn all(mut rows: Rows) -> (Vec<ImportRequestsRequest>, Reading) {
    let messages = std::iter::from_fn(|| rows.next_message().unwrap()).collect();
    (messages, rows.into_reading())
}

#[test]
fn rows_come_in_messages_of_at_most_500_and_the_first_one_says_what_is_the_same_for_all() {
    let text: String =
        std::iter::once(HEADER.to_owned()).chain((0..1_001).map(|id| line(&id.to_string(), "x"))).collect();
    let (messages, reading) = all(open(text.as_bytes(), MAP).unwrap());
    let sizes: Vec<usize> = messages.iter().map(|message| message.rows.len()).collect();
    assert_eq!((sizes.as_slice(), reading.sent), ([500, 500, 1].as_slice(), 1_001));
    assert_eq!((messages[0].source.as_str(), messages[1].source.as_str()), ("my-la-311", ""));
    assert!(messages[0].calendar.contains("America/Los_Angeles") && messages[1].calendar.is_empty());
    assert_eq!((messages[0].rows[0].line, messages[2].rows[0].line), (2, 1_002));
}

#[test]
fn messages_stay_below_what_a_server_takes() {
    let long = "长".repeat(2_000);
    let text: String =
        std::iter::once(HEADER.to_owned()).chain((0..600).map(|id| line(&id.to_string(), &long))).collect();
    let (messages, reading) = all(open(text.as_bytes(), MAP).unwrap());
    assert!(messages.iter().all(|message| message.encoded_len() < 2 << 20));
    let ids: Vec<String> = messages.into_iter().flat_map(|message| message.rows).map(|row| row.external_id).collect();
    assert_eq!((ids, reading.sent), ((0..600).map(|id| id.to_string()).collect(), 600));
}

#[test]
fn a_broken_row_is_named_and_stops_nothing() {
    let mut bytes = HEADER.as_bytes().to_vec();
    bytes.extend(line("1", "two\nlines").bytes());
    bytes.extend(b"2,too,short\n");
    bytes.extend(line("3", "x").replace("Closed", "Lost").bytes());
    bytes.extend(b"4,\xff\xfe,,BOS,x,Closed,Call,NC,,,x,1\n");
    bytes.extend(line("5", "x").bytes());
    let (messages, reading) = all(open(&bytes, MAP).unwrap());
    let sent: Vec<(i64, &str)> = messages[0].rows.iter().map(|row| (row.line, row.external_id.as_str())).collect();
    assert_eq!(sent, [(2, "1"), (7, "5")]);
    let rejected: Vec<(i64, &str, &str)> =
        reading.rejected.iter().map(|row| (row.line, row.field.as_str(), row.reason.as_str())).collect();
    assert_eq!(
        rejected,
        [
            (4, "", "has 3 columns instead of 12"),
            (5, "Status", "the map has no word \"Lost\""),
            (6, "", "is not in UTF-8")
        ]
    );
    assert_eq!(reading.rejected[1].external_id, "3");
}

#[test]
fn a_quote_that_is_not_closed_is_suspected() {
    let text = format!("{HEADER}1,\"open,x\n{}{}", line("2", "x"), line("3", "x")).replace("\"x\"", "x");
    let (_, reading) = all(open(text.as_bytes(), MAP).unwrap());
    assert_eq!((reading.rejected.len(), reading.rejected[0].line), (1, 2));
    assert!(reading.rejected[0].reason.contains("is a quote not closed?"), "{}", reading.rejected[0].reason);
}

#[test]
fn a_byte_order_mark_and_a_file_without_rows_are_no_problem() {
    let text = format!("\u{feff}{HEADER}");
    let (messages, _) = all(open(text.as_bytes(), MAP).unwrap());
    assert_eq!((messages.len(), messages[0].rows.len(), messages[0].source.as_str()), (1, 0, "my-la-311"));
}

#[test]
fn files_that_cannot_be_used_say_why() {
    let error = |bytes: &[u8], map: &str| kefu_chassis::error::describe(&open(bytes, map).err().unwrap());
    assert!(
        error(b"a,b\n1,2\n", MAP)
            .contains("fields.external_id.column: the file has no column \"SRNumber\"; it has a, b")
    );
    assert!(error(HEADER.as_bytes(), "source = 7").contains("source"));
    assert!(error(HEADER.as_bytes(), &format!("delimiter = \"，\"\n{MAP}")).contains("delimiter"));
    let missing = Rows::open(Path::new("/nowhere.csv"), Path::new("/nowhere.toml")).err().unwrap();
    assert_eq!(missing.to_string(), "/nowhere.toml cannot be read");
}

#[test]
fn rows_are_numbered_as_an_editor_numbers_them_whatever_ends_a_line() {
    let broken = "3,too,short\n".to_owned();
    let text = [HEADER.to_owned(), line("1", "x"), line("2", "two\nlines"), broken, line("4", "x")].concat();
    for text in [text.clone(), text.replace('\n', "\r\n")] {
        let (messages, reading) = all(open(text.as_bytes(), MAP).unwrap());
        let lines: Vec<i64> = messages[0].rows.iter().map(|row| row.line).collect();
        assert_eq!((lines.as_slice(), reading.rejected[0].line), ([2, 3, 6].as_slice(), 5), "{text:?}");
    }
}
