//! Tests the properties of the fuzzer (`fuzz/`, `tools/fuzz`) without it: on its seeds, and on seeds with small random
//! changes. What the fuzzer finds becomes a seed.

use std::path::Path;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};

#[path = "../fuzz/properties/csv.rs"]
mod csv;
#[path = "../fuzz/properties/jwt.rs"]
mod jwt;
#[path = "../fuzz/properties/map.rs"]
mod map;
#[path = "../fuzz/properties/name.rs"]
mod name;
#[path = "../fuzz/properties/page_token.rs"]
mod page_token;

/// Returns the seeds of a target, in the order of their names.
fn seeds(target: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/seeds").join(target);
    let entries = std::fs::read_dir(folder).expect("the target has seeds");
    let mut paths: Vec<_> = entries.map(|entry| entry.expect("the folder can be read").path()).collect();
    paths.sort();
    assert!(!paths.is_empty(), "{target}");
    paths.into_iter().map(|path| std::fs::read(path).expect("a seed can be read")).collect()
}

/// Generates seeds with some bytes replaced, and a piece cut out or doubled.
fn changed(target: &str) -> impl Strategy<Value = Vec<u8>> {
    let edits = vec((any::<Index>(), any::<u8>()), 0..6);
    let piece = (any::<Index>(), any::<Index>(), any::<bool>());
    (select(seeds(target)), edits, proptest::option::of(piece)).prop_map(|(mut data, edits, piece)| {
        for (place, byte) in edits {
            let place = place.index(data.len());
            data[place] = byte;
        }
        if let Some((from, to, is_doubled)) = piece {
            let (from, to) = (from.index(data.len()), to.index(data.len()));
            let piece = data[from.min(to)..from.max(to)].to_vec();
            let with = if is_doubled { piece.repeat(2) } else { Vec::new() };
            data.splice(from.min(to)..from.max(to), with);
        }
        data
    })
}

macro_rules! hold {
    ($($test:ident: $target:ident)*) => {$(
        #[test]
        fn $test() {
            for seed in seeds(stringify!($target)) {
                $target::holds(&seed);
            }
            proptest!(|(data in changed(stringify!($target)))| $target::holds(&data));
        }
    )*};
}

hold! {
    a_page_token_is_one_of_its_query_and_written_in_one_way: page_token
    a_name_is_one_of_one_kind_and_shown_in_one_way: name
    each_record_of_a_file_is_sent_or_set_aside_with_its_line: csv
    a_map_is_refused_by_its_key_or_reads_a_file: map
    only_the_bytes_that_an_issuer_has_signed_are_a_token: jwt
}
