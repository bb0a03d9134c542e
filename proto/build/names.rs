//! Names of the contracts, and what they are called in Rust.

use prost_reflect::MessageDescriptor;

/// Whether an item is of a package of kefu, by its full name.
pub fn is_ours(full_name: &str) -> bool {
    full_name.starts_with("kefu.")
}

/// Returns the path of a message's type below the crate, e.g. `intake::v1::Request`.
pub fn type_path(message: &MessageDescriptor) -> String {
    let name = message.full_name();
    assert!(is_ours(name) && message.parent_message().is_none(), "{name} is no top-level message of kefu");
    name.trim_start_matches("kefu.").replace('.', "::")
}

/// Turns `ListMyQueue` into `list_my_queue`.
pub fn snake_case(name: &str) -> String {
    let mut snake = String::new();
    for letter in name.chars() {
        if letter.is_ascii_uppercase() && !snake.is_empty() {
            snake.push('_');
        }
        snake.push(letter.to_ascii_lowercase());
    }
    snake
}
