use kefu_derive::Record;

#[derive(Record)]
#[record(table = "things.thing", kind = Thing)]
struct ThingRow {
    name: String,
}

fn main() {}
