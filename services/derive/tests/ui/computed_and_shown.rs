use kefu_derive::Record;

#[derive(Record)]
#[record(table = "things.thing", kind = Thing, shows = Shown, computed(colour = colour_of))]
struct ThingRow {
    id: u128,
    colour: String,
}

fn main() {}
