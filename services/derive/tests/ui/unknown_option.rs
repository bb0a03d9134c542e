use kefu_derive::Record;

#[derive(Record)]
#[record(table = "things.thing")]
struct ThingRow {
    #[record(fixd)]
    name: String,
}

fn main() {}
