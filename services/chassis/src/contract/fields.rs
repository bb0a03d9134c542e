//! Field rules: `google.api.field_behavior`, `google.api.resource_reference` and the standard `buf.validate` rules, compiled
//! once from the descriptors and checked on every request before a handler gets it.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;

use kefu_proto::contract::{IDENTIFIER, OUTPUT_ONLY, REQUIRED};
use prost_reflect::{
    Cardinality, DescriptorPool, DynamicMessage, ExtensionDescriptor, FieldDescriptor, Kind, MessageDescriptor, Value,
};
use regex::Regex;

use crate::base::error::Violation;
use crate::contract::mask::Mask;
use crate::contract::problem::ContractError;

mod value;

use value::Check;

/// The rules of one message's fields.
#[derive(Debug)]
pub struct Fields {
    message: MessageDescriptor,
    checks: Vec<FieldChecks>,
}

#[derive(Debug)]
struct FieldChecks {
    field: FieldDescriptor,
    required: bool,
    /// Whether the field is the name of the resource that the message describes.
    is_identity: bool,
    /// Whether a field that is not set passes.
    unless_zero: bool,
    min_items: usize,
    max_items: usize,
    unique: bool,
    /// The checks of the value or, in a repeated field, of each item.
    each: Vec<Check>,
    nested: Option<Arc<Fields>>,
}

impl Fields {
    /// Returns the violations of an encoded message (none when it may be handled), and its request id.
    pub fn inspect(&self, encoded: &[u8]) -> Result<(Vec<Violation>, Option<String>), prost::DecodeError> {
        let message = DynamicMessage::decode(self.message.clone(), encoded)?;
        let mut found = Vec::new();
        self.check(&message, "", None, &mut found);
        let request_id = message.get_field_by_name("request_id").and_then(|id| id.as_str().map(str::to_owned));
        Ok((found, request_id))
    }

    /// Adds the violations of `message`, which lies at `path`, to `found`; those of an update only where its mask
    /// reaches.
    fn check(&self, message: &DynamicMessage, path: &str, update: Option<&Mask>, found: &mut Vec<Violation>) {
        let inner = mask_of(message);
        for checks in &self.checks {
            if update.is_some_and(|update| !checks.is_identity && !update.touches(checks.field.name())) {
                continue;
            }
            let path = if path.is_empty() {
                checks.field.name().to_owned()
            } else {
                format!("{path}.{}", checks.field.name())
            };
            let is_required = match update {
                // An update without a mask leaves fields that are not set as they are, required ones too.
                Some(update) => checks.is_identity || checks.required && !matches!(update, Mask::Set),
                None => checks.required,
            };
            checks.check(message, &path, is_required, inner.as_ref(), found);
        }
    }
}

/// Returns the mask of an update; none if the message is no update. Of the resource in an update, only the fields that
/// the mask names and the resource's name are checked.
fn mask_of(message: &DynamicMessage) -> Option<Mask> {
    let value = message.get_field_by_name("update_mask")?;
    let paths = value.as_message()?.get_field_by_name("paths")?;
    Some(Mask::of(paths.as_list()?.iter().filter_map(|path| path.as_str().map(str::to_owned)).collect()))
}

impl FieldChecks {
    fn check(
        &self,
        message: &DynamicMessage,
        path: &str,
        is_required: bool,
        update: Option<&Mask>,
        found: &mut Vec<Violation>,
    ) {
        let mut wrong = |field: &str, reason: String| found.push(Violation { field: field.to_owned(), reason });
        let is_set = message.has_field(&self.field);
        let value = message.get_field(&self.field);
        if is_required && (!is_set || value.as_str().is_some_and(|text| text.trim().is_empty())) {
            wrong(path, "is required".into());
            return;
        }
        if !is_set && (self.unless_zero || self.field.supports_presence()) {
            return;
        }
        if let Some(items) = value.as_list() {
            if items.len() < self.min_items || items.len() > self.max_items {
                wrong(path, format!("must have {} to {} items", self.min_items, self.max_items));
                return;
            }
            for (index, item) in items.iter().enumerate() {
                let path = format!("{path}[{index}]");
                if self.unique && items[..index].contains(item) {
                    found.push(Violation { field: path.clone(), reason: "stands twice".into() });
                }
                self.check_one(item, &path, None, found);
            }
        } else {
            self.check_one(&value, path, update, found);
        }
    }

    fn check_one(&self, value: &Value, path: &str, update: Option<&Mask>, found: &mut Vec<Violation>) {
        for check in &self.each {
            if let Some(reason) = check.refuses(value) {
                found.push(Violation { field: path.to_owned(), reason });
                return;
            }
        }
        if let (Some(nested), Value::Message(message)) = (&self.nested, value) {
            nested.check(message, path, update, found);
        }
    }
}

/// A compiler of the rules of messages.
pub struct Checker {
    behavior: Option<ExtensionDescriptor>,
    reference: Option<ExtensionDescriptor>,
    resource: Option<ExtensionDescriptor>,
    rules: Option<ExtensionDescriptor>,
    names: HashMap<String, Regex>,
    compiled: RefCell<HashMap<String, Arc<Fields>>>,
}

impl Checker {
    /// Creates a compiler for the messages of `pool`.
    #[must_use]
    pub fn new(pool: &DescriptorPool) -> Self {
        Self {
            behavior: pool.get_extension_by_name("google.api.field_behavior"),
            reference: pool.get_extension_by_name("google.api.resource_reference"),
            resource: pool.get_extension_by_name("google.api.resource"),
            rules: pool.get_extension_by_name("buf.validate.field"),
            names: resource_names(pool),
            compiled: RefCell::default(),
        }
    }

    /// Compiles the rules of `message` and of every message within it. Must not be called for messages that contain
    /// themselves.
    pub fn fields(&self, message: &MessageDescriptor) -> Result<Arc<Fields>, ContractError> {
        if let Some(known) = self.compiled.borrow().get(message.full_name()) {
            return Ok(known.clone());
        }
        let mut checks = Vec::new();
        for field in message.fields() {
            checks.extend(self.field(&field)?);
        }
        let fields = Arc::new(Fields { message: message.clone(), checks });
        self.compiled.borrow_mut().insert(message.full_name().to_owned(), fields.clone());
        Ok(fields)
    }

    fn field(&self, field: &FieldDescriptor) -> Result<Option<FieldChecks>, ContractError> {
        let fail = |problem: String| ContractError { method: field.full_name().to_owned(), problem };
        let options = field.options();
        let behavior: Vec<i32> = self
            .behavior
            .as_ref()
            .map(|extension| {
                options
                    .get_extension(extension)
                    .as_list()
                    .unwrap_or_default()
                    .iter()
                    .filter_map(Value::as_enum_number)
                    .collect()
            })
            .unwrap_or_default();
        if behavior.contains(&OUTPUT_ONLY) {
            return Ok(None);
        }
        let mut checks = FieldChecks {
            field: field.clone(),
            required: behavior.contains(&REQUIRED),
            is_identity: behavior.contains(&IDENTIFIER),
            unless_zero: false,
            min_items: 0,
            max_items: usize::MAX,
            unique: false,
            each: Check::of_kind(field),
            nested: None,
        };
        if let Some(kind) = self.kind_named_by(field, checks.is_identity) {
            let pattern =
                self.names.get(&kind).ok_or_else(|| fail(format!("refers to {kind}, which no contract declares")))?;
            checks.each.push(Check::Name(kind, pattern.clone()));
            checks.unless_zero = true;
        }
        if let Some(extension) = self.rules.as_ref().filter(|extension| options.has_extension(extension))
            && let Value::Message(rules) = options.get_extension(extension).as_ref()
        {
            checks.apply(rules).map_err(fail)?;
        }
        if let Kind::Message(inner) = field.kind()
            && inner.full_name().starts_with("kefu.")
        {
            checks.nested = Some(self.fields(&inner)?);
        }
        Ok(Some(checks))
    }

    /// Returns the kind of resource whose name the field holds: the one it refers to, or the one that its message describes.
    fn kind_named_by(&self, field: &FieldDescriptor, is_identity: bool) -> Option<String> {
        let (options, extension) = if is_identity {
            (field.parent_message().options(), self.resource.as_ref()?)
        } else {
            (field.options(), self.reference.as_ref()?)
        };
        options.has_extension(extension).then(|| text_of(&options.get_extension(extension), "type"))
    }
}

impl FieldChecks {
    fn apply(&mut self, rules: &DynamicMessage) -> Result<(), String> {
        self.required |= value::bool_of(rules, "required");
        self.unless_zero |= rules.get_field_by_name("ignore").and_then(|value| value.as_enum_number()) == Some(1);
        let rules = value::set_message(rules, "repeated").map_or(Ok(rules.clone()), |repeated| {
            self.min_items = value::count_of(&repeated, "min_items").unwrap_or(0);
            self.max_items = value::count_of(&repeated, "max_items").unwrap_or(usize::MAX);
            self.unique = value::bool_of(&repeated, "unique");
            value::set_message(&repeated, "items").ok_or(())
        });
        if let Ok(rules) = rules {
            self.each.extend(Check::of_rules(&rules)?);
        }
        if self.field.cardinality() == Cardinality::Repeated {
            self.required |= self.min_items > 0;
        }
        Ok(())
    }
}

fn text_of(value: &Value, field: &str) -> String {
    value
        .as_message()
        .and_then(|message| message.get_field_by_name(field))
        .and_then(|text| text.as_str().map(str::to_owned))
        .unwrap_or_default()
}

/// Returns the form of names, by kind of resource, as the pool declares it.
fn resource_names(pool: &DescriptorPool) -> HashMap<String, Regex> {
    let mut names = HashMap::new();
    let mut add = |descriptor: &Value| {
        let patterns = descriptor
            .as_message()
            .and_then(|message| message.get_field_by_name("pattern").map(std::borrow::Cow::into_owned));
        let patterns = patterns.as_ref().and_then(Value::as_list).unwrap_or_default();
        let forms: Vec<String> = patterns.iter().filter_map(Value::as_str).map(name_form).collect();
        if let Ok(form) = Regex::new(&format!("^(?:{})$", forms.join("|"))) {
            names.insert(text_of(descriptor, "type"), form);
        }
    };
    if let Some(extension) = pool.get_extension_by_name("google.api.resource") {
        for message in pool.all_messages().filter(|message| message.options().has_extension(&extension)) {
            add(&message.options().get_extension(&extension));
        }
    }
    if let Some(extension) = pool.get_extension_by_name("google.api.resource_definition") {
        for file in pool.files() {
            file.options().get_extension(&extension).as_list().unwrap_or_default().iter().for_each(&mut add);
        }
    }
    names
}

/// Turns a pattern such as `requests/{request}` into a regular expression.
fn name_form(pattern: &str) -> String {
    let segment = |segment: &str| {
        if segment.starts_with('{') { "[A-Za-z0-9._~-]{1,63}".to_owned() } else { regex::escape(segment) }
    };
    pattern.split('/').map(segment).collect::<Vec<_>>().join("/")
}

#[cfg(test)]
mod tests;
