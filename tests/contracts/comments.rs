//! Checks that every element of the contracts has a comment.

use prost_reflect::{DescriptorPool, FileDescriptor};

use super::{comment, holds};

#[test]
fn every_element_has_a_comment() {
    holds(
        problems,
        &[
            &["Thing.title"],
            &["kefu.broken.v1.State ", "no comment"],
            &["State.GONE"],
            &["BrokenService.Bare"],
            &["ListThingsResponse ", "no comment"],
        ],
    );
}

fn problems(pool: &DescriptorPool) -> Vec<String> {
    let mut found = Vec::new();
    for (name, file, path) in elements(pool) {
        if comment(&file, &path).trim().is_empty() {
            found.push(format!("{name} has no comment"));
        }
    }
    found
}

/// Returns the name, the file, and the path in the file of every element of kefu's packages.
fn elements(pool: &DescriptorPool) -> Vec<(String, FileDescriptor, Vec<i32>)> {
    let mut found = Vec::new();
    let mut add = |name: &str, file: FileDescriptor, path: &[i32]| {
        if name.starts_with("kefu.") {
            found.push((name.to_owned(), file, path.to_vec()));
        }
    };
    for service in pool.services() {
        add(service.full_name(), service.parent_file(), service.path());
        service.methods().for_each(|method| add(method.full_name(), service.parent_file(), method.path()));
    }
    for message in pool.all_messages().filter(|message| !message.is_map_entry()) {
        add(message.full_name(), message.parent_file(), message.path());
        message.fields().for_each(|field| add(field.full_name(), message.parent_file(), field.path()));
        message
            .oneofs()
            .filter(|oneof| !oneof.is_synthetic())
            .for_each(|oneof| add(oneof.full_name(), message.parent_file(), oneof.path()));
    }
    for values in pool.all_enums() {
        add(values.full_name(), values.parent_file(), values.path());
        // By protobuf's scoping, the full name of a value does not contain its enum.
        values.values().for_each(|value| {
            add(&format!("{}.{}", values.full_name(), value.name()), values.parent_file(), value.path());
        });
    }
    pool.all_extensions().for_each(|extension| add(extension.full_name(), extension.parent_file(), extension.path()));
    found
}
