//! The rules of a field, read once from its options for everything that enforces or shows them: `google.api.field_behavior`,
//! `google.api.resource_reference`, `buf.validate.field`, and the conditions of `kefu.rules.v1`.

use prost_reflect::{Cardinality, DynamicMessage, ExtensionDescriptor, FieldDescriptor, MessageDescriptor, Value};

use crate::contract::{IDENTIFIER, OUTPUT_ONLY, REQUIRED, behavior, reference, resource_kind, validation};
use crate::rules::v1::{Condition, FieldSet, Limit, Role, ValueSet};

/// The rules of a field. Those of values hold for each item of a list.
#[derive(Clone, Debug, Default)]
pub struct FieldRules {
    /// Whether the field must be given; a text must not be blank, a list not be empty.
    pub required: bool,
    /// Whether the service writes the field, and ignores what a caller gives; such a field has no other rules.
    pub is_output: bool,
    /// Whether the field is the name of the resource that its message describes.
    pub is_identity: bool,
    /// Whether the default value passes as not given, whatever the other rules.
    pub unless_zero: bool,
    /// The kind of resource whose name the field holds, e.g. `kefu/Request`.
    pub names: Option<String>,
    /// The fewest items of a list.
    pub min_items: usize,
    /// The most items of a list.
    pub max_items: Option<usize>,
    /// Whether no two items of a list are equal.
    pub unique: bool,
    /// The fewest characters of a text.
    pub min_len: Option<usize>,
    /// The most characters of a text.
    pub max_len: Option<usize>,
    /// How many bytes a value of bytes has, exactly.
    pub bytes: Option<usize>,
    /// The most bytes of a value of bytes.
    pub max_bytes: Option<usize>,
    /// The regular expression that a text matches.
    pub pattern: Option<String>,
    /// Whether a text is an e-mail address.
    pub email: bool,
    /// Whether a text is a UUID.
    pub uuid: bool,
    /// Whether a text is a telephone number, around which invisible signs are left out.
    pub telephone: bool,
    /// The least number.
    pub at_least: Option<i64>,
    /// The greatest number.
    pub at_most: Option<i64>,
    /// What a length of time is longer than, in microseconds.
    pub longer_than_us: Option<i64>,
    /// What a length of time is not longer than, in microseconds.
    pub at_most_us: Option<i64>,
    /// Conditions of which each demands the field.
    pub required_when: Vec<Condition>,
    /// Conditions of which one must hold where the field is given; none if the field may always be given.
    pub only_when: Vec<Condition>,
    /// The roles whose callers may give the field; all if empty.
    pub for_roles: Vec<Role>,
    /// The roles whose callers leave the field out.
    pub not_for_roles: Vec<Role>,
    /// The roles whose callers must give the field.
    pub required_for_roles: Vec<Role>,
    /// Limits on the value under conditions, or of callers.
    pub limits: Vec<Limit>,
    /// Sets of values of which a list holds at most one each.
    pub at_most_one_of: Vec<ValueSet>,
    /// The time of the same message after which this one lies; none if there is none such.
    pub later_than: Option<String>,
}

impl FieldRules {
    /// Reads the rules of a field.
    #[must_use]
    pub fn of(field: &FieldDescriptor) -> Self {
        let behavior = behavior(field);
        if behavior.contains(&OUTPUT_ONLY) {
            return Self { is_output: true, ..Self::default() };
        }
        let is_identity = behavior.contains(&IDENTIFIER);
        let names = if is_identity { resource_kind(field.parent_message()) } else { reference(field) };
        let mut rules = Self {
            required: behavior.contains(&REQUIRED),
            is_identity,
            unless_zero: names.is_some(),
            names,
            required_when: messages(field, "kefu.rules.v1.required_when"),
            only_when: messages(field, "kefu.rules.v1.only_when"),
            for_roles: roles(field, "kefu.rules.v1.for_roles"),
            not_for_roles: roles(field, "kefu.rules.v1.not_for_roles"),
            required_for_roles: roles(field, "kefu.rules.v1.required_for_roles"),
            limits: messages(field, "kefu.rules.v1.limits"),
            at_most_one_of: messages(field, "kefu.rules.v1.at_most_one_of"),
            later_than: text(field, "kefu.rules.v1.later_than"),
            telephone: flag(field, "kefu.rules.v1.telephone"),
            ..Self::default()
        };
        if let Some(given) = validation(field) {
            rules.apply(field, &given);
        }
        rules
    }

    /// Whether the name that the field holds can be that of a caller, which every caller may give.
    #[must_use]
    pub fn may_be_own(&self) -> bool {
        self.names.as_deref().is_some_and(|kind| ["kefu/Staff", "kefu/Customer", "kefu/Service"].contains(&kind))
    }

    fn apply(&mut self, field: &FieldDescriptor, given: &DynamicMessage) {
        self.required |= is(given, "required");
        self.unless_zero |= set(given, "ignore").and_then(|value| value.as_enum_number()) == Some(1);
        match message(given, "repeated") {
            None => self.apply_to_value(given),
            Some(list) => {
                self.min_items = count(&list, "min_items").unwrap_or(0);
                self.max_items = count(&list, "max_items");
                self.unique = is(&list, "unique");
                if let Some(items) = message(&list, "items") {
                    self.apply_to_value(&items);
                }
            }
        }
        if field.cardinality() == Cardinality::Repeated {
            self.required |= self.min_items > 0;
        }
    }

    fn apply_to_value(&mut self, given: &DynamicMessage) {
        if let Some(text) = message(given, "string") {
            self.min_len = count(&text, "min_len");
            self.max_len = count(&text, "max_len");
            self.pattern = set(&text, "pattern").and_then(|pattern| pattern.as_str().map(str::to_owned));
            self.email = is(&text, "email");
            self.uuid = is(&text, "uuid");
        }
        if let Some(bytes) = message(given, "bytes") {
            self.bytes = count(&bytes, "len");
            self.max_bytes = count(&bytes, "max_len");
        }
        for number in ["int32", "int64"].into_iter().filter_map(|kind| message(given, kind)) {
            self.at_least = set(&number, "gte").and_then(|bound| integer(&bound));
            self.at_most = set(&number, "lte").and_then(|bound| integer(&bound));
        }
        if let Some(length) = message(given, "duration") {
            self.longer_than_us = set(&length, "gt").and_then(|bound| micros(&bound));
            self.at_most_us = set(&length, "lte").and_then(|bound| micros(&bound));
        }
    }
}

/// Returns the sets of fields of which exactly one is given in a message.
#[must_use]
pub fn exactly_one_of(message: &MessageDescriptor) -> Vec<FieldSet> {
    sets(message, "kefu.rules.v1.exactly_one_of")
}

/// Returns the sets of fields of which at least one is given in a message.
#[must_use]
pub fn at_least_one_of(message: &MessageDescriptor) -> Vec<FieldSet> {
    sets(message, "kefu.rules.v1.at_least_one_of")
}

fn sets(message: &MessageDescriptor, option: &str) -> Vec<FieldSet> {
    let extension = message.parent_pool().get_extension_by_name(option);
    let sets = extension.map(|extension| list(&message.options(), &extension)).unwrap_or_default();
    sets.iter().filter_map(|set| set.as_message()?.transcode_to().ok()).collect()
}

/// Returns an integer of either width.
#[must_use]
pub fn integer(value: &Value) -> Option<i64> {
    value.as_i64().or_else(|| value.as_i32().map(i64::from))
}

/// Returns a `google.protobuf.Duration` in microseconds.
#[must_use]
pub fn micros(duration: &Value) -> Option<i64> {
    let message = duration.as_message()?;
    let seconds = integer(message.get_field_by_name("seconds")?.as_ref())?;
    let nanos = integer(message.get_field_by_name("nanos")?.as_ref())?;
    seconds.checked_mul(1_000_000)?.checked_add(nanos / 1_000)
}

fn messages<M: prost::Message + Default>(field: &FieldDescriptor, option: &str) -> Vec<M> {
    options(field, option).iter().filter_map(|value| value.as_message()?.transcode_to().ok()).collect()
}

fn roles(field: &FieldDescriptor, option: &str) -> Vec<Role> {
    options(field, option).iter().filter_map(|value| Role::try_from(value.as_enum_number()?).ok()).collect()
}

fn text(field: &FieldDescriptor, option: &str) -> Option<String> {
    let extension = field.parent_file().parent_pool().get_extension_by_name(option)?;
    let text = field.options().get_extension(&extension).as_str().unwrap_or_default().to_owned();
    Some(text).filter(|text| !text.is_empty())
}

fn flag(field: &FieldDescriptor, option: &str) -> bool {
    let extension = field.parent_file().parent_pool().get_extension_by_name(option);
    extension.is_some_and(|extension| field.options().get_extension(&extension).as_bool() == Some(true))
}

fn options(field: &FieldDescriptor, option: &str) -> Vec<Value> {
    let extension = field.parent_file().parent_pool().get_extension_by_name(option);
    extension.map(|extension| list(&field.options(), &extension)).unwrap_or_default()
}

fn list(options: &DynamicMessage, extension: &ExtensionDescriptor) -> Vec<Value> {
    options.get_extension(extension).as_list().map(<[Value]>::to_vec).unwrap_or_default()
}

fn set(rules: &DynamicMessage, name: &str) -> Option<Value> {
    rules.has_field_by_name(name).then(|| rules.get_field_by_name(name).map(std::borrow::Cow::into_owned)).flatten()
}

fn message(rules: &DynamicMessage, name: &str) -> Option<DynamicMessage> {
    set(rules, name)?.as_message().cloned()
}

fn is(rules: &DynamicMessage, name: &str) -> bool {
    set(rules, name).and_then(|value| value.as_bool()).unwrap_or(false)
}

fn count(rules: &DynamicMessage, name: &str) -> Option<usize> {
    set(rules, name)?.as_u64().and_then(|count| usize::try_from(count).ok())
}
