//! Rows of a CSV file, by a map that fits it.
#![no_main]

#[path = "../properties/csv.rs"]
mod property;

libfuzzer_sys::fuzz_target!(|data: &[u8]| property::holds(data));
