use kefu_derive::Record;

#[derive(Record)]
#[record(table = "things.thing", kind = Thing, shows = Shown, state = State)]
struct ThingRow {
    id: u128,
    state: i16,
    version: i64,
    updated_at: i64,
}

fn main() {}
