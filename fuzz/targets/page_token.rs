//! Page tokens.
#![no_main]

#[path = "../properties/page_token.rs"]
mod property;

libfuzzer_sys::fuzz_target!(|data: &[u8]| property::holds(data));
