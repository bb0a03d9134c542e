//! Map files, with a CSV file to bind them to.
#![no_main]

#[path = "../properties/map.rs"]
mod property;

libfuzzer_sys::fuzz_target!(|data: &[u8]| property::holds(data));
