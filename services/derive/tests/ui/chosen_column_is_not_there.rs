use kefu_derive::Columns;

#[derive(Columns)]
#[columns(id, colour)]
struct ThingRow {
    id: u128,
}

fn main() {}
