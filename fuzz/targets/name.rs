//! Names of resources.
#![no_main]

#[path = "../properties/name.rs"]
mod property;

libfuzzer_sys::fuzz_target!(|data: &[u8]| property::holds(data));
