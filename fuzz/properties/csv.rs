//! Whatever a file holds, each of its records is sent or set aside with its line, in messages that a server takes.

use prost::Message as _;

const MAP: &str = include_str!("../../deploy/import/my-la-311.toml");
const HEADER: &str = "SRNumber,CreatedDate,UpdatedDate,Owner,RequestType,Status,RequestSource,AssignTo,ServiceDate,ClosedDate,Address,ZipCode\n";
/// What a server takes of one message, in bytes.
const TAKEN: usize = 4 << 20;

/// The first byte says whether the columns that the map wants stand before the rest.
pub fn holds(data: &[u8]) {
    let Some((first, rest)) = data.split_first() else { return };
    let file = if first % 8 == 0 { rest.to_vec() } else { [HEADER.as_bytes(), rest].concat() };
    // What stops a file is its first line.
    let Ok((messages, rejected)) = kefu::read_import(&file, MAP) else {
        assert_eq!(first % 8, 0, "the columns are those of the map");
        return;
    };
    assert!(messages.first().is_some_and(|first| first.source == "my-la-311" && !first.calendar.is_empty()));
    assert!(messages.iter().skip(1).all(|other| other.source.is_empty() && !other.rows.is_empty()));
    assert!(messages.iter().all(|message| message.rows.len() <= 500));
    assert!(messages.iter().all(|message| message.rows.len() == 1 || message.encoded_len() < TAKEN));
    let lines = messages.iter().flat_map(|message| &message.rows).map(|row| row.line).collect::<Vec<_>>();
    assert!(lines.is_sorted() && rejected.is_sorted_by_key(|row| row.line), "{lines:?} {rejected:?}");
    assert!(rejected.iter().all(|row| row.line >= 2 && !row.reason.is_empty()), "{rejected:?}");
    let breaks = file.iter().filter(|&&byte| byte == b'\n' || byte == b'\r').count();
    assert!(lines.len() + rejected.len() <= breaks, "no more records than lines");
}
