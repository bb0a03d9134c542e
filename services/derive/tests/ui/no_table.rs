use kefu_derive::Record;

#[derive(Record)]
#[record(kind = Thing)]
struct ThingRow {
    id: u128,
}

fn main() {}
