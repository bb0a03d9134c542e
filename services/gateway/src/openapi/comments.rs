//! The comments of the contracts, by their place, and the examples in them.

use std::collections::HashMap;

use prost_reflect::{
    DescriptorPool, EnumDescriptor, EnumValueDescriptor, FieldDescriptor, FileDescriptor, MessageDescriptor,
    MethodDescriptor, ServiceDescriptor,
};

/// The comments of a pool that was decoded with them.
pub struct Comments {
    by_path: HashMap<(String, Vec<i32>), String>,
    /// The examples of values in the comments of fields.
    examples: Vec<String>,
}

impl Comments {
    /// Reads the comments of `pool`.
    pub fn read(pool: &DescriptorPool) -> Self {
        let mut by_path = HashMap::new();
        for file in pool.files().filter(|file| file.package_name().starts_with("kefu.")) {
            let source = file.file_descriptor_proto().source_code_info.as_ref();
            for location in source.iter().flat_map(|source| &source.location) {
                if let Some(comment) = location.leading_comments.as_deref().filter(|text| !text.trim().is_empty()) {
                    by_path.insert((file.name().to_owned(), location.path.clone()), paragraphs(comment));
                }
            }
        }
        let mut comments = Self { by_path, examples: Vec::new() };
        for field in pool.all_messages().flat_map(|message| message.fields().collect::<Vec<_>>()) {
            let found: Vec<String> = comments.examples_of(&field).map(str::to_owned).collect();
            comments.examples.extend(found);
        }
        comments
    }

    /// Returns the comment of an element in Markdown; empty when there is none.
    pub fn of(&self, element: &impl Element) -> &str {
        self.by_path.get(&element.path_in_file()).map_or("", String::as_str)
    }

    /// Returns the examples in the comment of a field.
    pub fn examples_of(&self, field: &FieldDescriptor) -> impl Iterator<Item = &str> {
        self.of(field).split("e.g. `").skip(1).filter_map(quoted)
    }

    /// Returns a name of the form `pattern`, such as `staff/{staff}`, if a comment gives one.
    pub fn name_like(&self, pattern: &str) -> Option<&str> {
        let fits = |name: &str| {
            name.split('/').count() == pattern.split('/').count()
                && name
                    .split('/')
                    .zip(pattern.split('/'))
                    .all(|(given, asked)| asked.starts_with('{') || given == asked)
        };
        self.examples.iter().map(String::as_str).find(|text| fits(text))
    }
}

/// Returns the text up to the next backtick, unless it only hints at a value.
fn quoted(rest: &str) -> Option<&str> {
    rest.split_once('`').map(|(text, _)| text).filter(|text| !text.contains(['…', '{']))
}

/// Joins a comment's lines and keeps its paragraphs.
fn paragraphs(comment: &str) -> String {
    let mut text = String::new();
    for line in comment.trim().lines().map(str::trim) {
        if line.is_empty() {
            text.push_str("\n\n");
        } else {
            if !text.is_empty() && !text.ends_with('\n') {
                text.push(' ');
            }
            text.push_str(line);
        }
    }
    text
}

/// An element that may have a comment.
pub trait Element {
    /// Returns the element's file, and its path within it as descriptors number it.
    fn path_in_file(&self) -> (String, Vec<i32>);
}

macro_rules! elements {
    ($($kind:ty: $file:expr;)*) => {$(
        impl Element for $kind {
            fn path_in_file(&self) -> (String, Vec<i32>) {
                let file: fn(&$kind) -> FileDescriptor = $file;
                (file(self).name().to_owned(), self.path().to_vec())
            }
        }
    )*};
}

elements! {
    ServiceDescriptor: Self::parent_file;
    MethodDescriptor: |method| method.parent_service().parent_file();
    MessageDescriptor: Self::parent_file;
    FieldDescriptor: Self::parent_file;
    EnumDescriptor: Self::parent_file;
    EnumValueDescriptor: |value| value.parent_enum().parent_file();
}
