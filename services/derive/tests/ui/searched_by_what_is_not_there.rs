use kefu_derive::Record;

#[derive(Record)]
#[record(table = "things.thing", search("things.thing_search", thing = id, seen_at = seen_at))]
struct ThingRow {
    id: u128,
}

fn main() {}
