//! Compiles the contracts without `protoc`: the descriptor set with its options for the pool, and Rust code for the
//! packages of kefu. Messages with fields marked `debug_redact` get a `Debug` that leaves those fields out.

use std::error::Error;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use prost_reflect::prost::Message as _;
use prost_reflect::{DescriptorPool, DynamicMessage, MessageDescriptor, Value};

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
    let redacted: Vec<MessageDescriptor> = pool
        .all_messages()
        .filter(|message| message.full_name().starts_with("kefu.") && has_redacted(message))
        .collect();
    std::fs::write(out.join("redacted.rs"), redacted.iter().map(debug_impl).collect::<String>())?;

    let mut set = compiler.file_descriptor_set();
    set.file.retain(|file| file.package().starts_with("kefu.") || file.package() == "google.protobuf");
    let mut config = prost_build::Config::new();
    config.enable_type_names();
    config.skip_debug(redacted.iter().map(MessageDescriptor::full_name));
    tonic_prost_build::configure().compile_fds_with_config(set, config)?;
    Ok(())
}

/// A descriptor set with only those places in the source that `keeps` says: each costs a process memory for as long as it lives.
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

fn is_redacted(field: &prost_reflect::FieldDescriptor) -> bool {
    field.options().get_field_by_name("debug_redact").is_some_and(|value| value.as_bool() == Some(true))
}

fn has_redacted(message: &MessageDescriptor) -> bool {
    message.fields().any(|field| is_redacted(&field))
}

fn debug_impl(message: &MessageDescriptor) -> String {
    assert!(message.parent_message().is_none(), "{}: debug_redact is for top-level messages", message.full_name());
    let path = message.full_name().trim_start_matches("kefu.").replace('.', "::");
    let mut code = format!(
        "impl ::core::fmt::Debug for crate::{path} {{\n    fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {{\n        f.debug_struct({:?})",
        message.name()
    );
    for field in message.fields().filter(|field| !is_redacted(field)) {
        let _ = write!(code, "\n            .field({:?}, &self.{})", field.name(), field.name());
    }
    code.push_str("\n            .finish_non_exhaustive()\n    }\n}\n");
    code
}
