use kefu_derive::{Columns, Record};

#[derive(Record)]
#[record(table = "things.thing")]
enum ThingRow {
    One,
}

#[derive(Columns)]
struct Pair(u8, u8);

fn main() {}
