//! Compiles the contracts without `protoc`: the descriptor set with its options for the pool, and Rust code for the
//! packages of kefu. Options of messages and methods yield more code: [`redacted`] (`Debug` without personal data),
//! [`requests`] (targets, pages, resumption), [`changeable`] (what an update changes), [`payloads`] (who sees an event)
//! and [`serve`] (a macro for each server).

use std::error::Error;
use std::path::{Path, PathBuf};

use prost_reflect::prost::Message as _;
use prost_reflect::{DescriptorPool, DynamicMessage, MessageDescriptor, MethodDescriptor, Value};

mod changeable;
mod names;
mod payloads;
mod redacted;
mod requests;
mod serve;

use names::is_ours;

fn main() -> Result<(), Box<dyn Error>> {
    let files = proto_files(Path::new("kefu"))?;
    println!("cargo:rerun-if-changed=kefu");
    println!("cargo:rerun-if-changed=google");
    println!("cargo:rerun-if-changed=buf");

    let mut compiler = protox::Compiler::new(["."])?;
    compiler.include_source_info(true).include_imports(true);
    compiler.open_files(&files)?;
    let out = PathBuf::from(std::env::var_os("OUT_DIR").ok_or("OUT_DIR is not set")?);
    let encoded = compiler.encode_file_descriptor_set();
    let pool = DescriptorPool::decode(encoded.as_slice())?;
    let is_comment = |location: &DynamicMessage| {
        ["leading_comments", "trailing_comments", "leading_detached_comments"]
            .into_iter()
            .any(|field| location.has_field_by_name(field))
    };
    std::fs::write(out.join("descriptors.bin"), with_source(&pool, &encoded, |_| false)?)?;
    std::fs::write(out.join("commented.bin"), with_source(&pool, &encoded, is_comment)?)?;
    let redacted: Vec<MessageDescriptor> = redacted::messages(&pool).collect();
    let requests = methods(&pool).map(|method| {
        let request = method.input();
        [requests::target_impl(&method), requests::paged_impl(&request), requests::resumable_impl(&request)]
            .into_iter()
            .flatten()
            .collect::<String>()
    });
    let services = pool.services().filter(|service| is_ours(service.full_name()));
    let generated = [
        ("redacted.rs", redacted.iter().map(redacted::debug_impl).collect::<String>()),
        ("requests.rs", requests.collect()),
        ("changeable.rs", changeable::changeable_impls(methods(&pool))),
        ("payloads.rs", payloads::payloads(&pool)),
        ("serve.rs", services.map(|service| serve::macro_of(&service)).collect()),
    ];
    for (file, code) in generated {
        std::fs::write(out.join(file), code)?;
    }

    let mut set = compiler.file_descriptor_set();
    set.file.retain(|file| file.package().starts_with("kefu.") || file.package() == "google.protobuf");
    let mut config = prost_build::Config::new();
    config.enable_type_names();
    config.skip_debug(redacted.iter().map(MessageDescriptor::full_name));
    tonic_prost_build::configure().compile_fds_with_config(set, config)?;
    Ok(())
}

/// Returns the descriptor set with only those source locations that `keeps` selects, because a process holds each of
/// them in memory for as long as it runs.
fn with_source(
    pool: &DescriptorPool,
    encoded: &[u8],
    keeps: impl Fn(&DynamicMessage) -> bool,
) -> Result<Vec<u8>, Box<dyn Error>> {
    let kind =
        pool.get_message_by_name("google.protobuf.FileDescriptorSet").ok_or("descriptor.proto is not imported")?;
    let mut set = DynamicMessage::decode(kind, encoded)?;
    let files = set.get_field_by_name_mut("file").and_then(Value::as_list_mut).ok_or("a set has files")?;
    for file in files.iter_mut().filter_map(Value::as_message_mut) {
        let source = file.get_field_by_name_mut("source_code_info").and_then(Value::as_message_mut);
        let locations = source.and_then(|source| source.get_field_by_name_mut("location")).and_then(Value::as_list_mut);
        locations.ok_or("source has places")?.retain(|location| location.as_message().is_some_and(&keeps));
    }
    Ok(set.encode_to_vec())
}

fn proto_files(folder: &Path) -> Result<Vec<PathBuf>, Box<dyn Error>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            found.extend(proto_files(&path)?);
        } else if path.extension().is_some_and(|extension| extension == "proto") {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

/// Returns every method of the packages of kefu.
fn methods(pool: &DescriptorPool) -> impl Iterator<Item = MethodDescriptor> {
    let services: Vec<_> = pool.services().filter(|service| is_ours(service.full_name())).collect();
    services.into_iter().flat_map(|service| service.methods().collect::<Vec<_>>())
}
