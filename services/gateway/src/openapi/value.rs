//! Schemas of single values, as the JSON mapping of protobuf writes and reads them and as the field rules bound them.

use kefu_proto::contract::{IDENTIFIER, OUTPUT_ONLY, REQUIRED, Resource, behavior, reference, validation};
use prost_reflect::{DynamicMessage, FieldDescriptor, Kind, Value as Set};
use serde_json::{Value, json};

use super::usage::Use;

/// The length up to which every string is one line, in characters, as the chassis has it.
const LONGEST_LINE: u64 = 200;
/// The characters that no string holds: control characters other than tab and line breaks, and overrides of the
/// direction of writing.
const ACTING: &str = r"\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069";
/// The characters that no string of one line holds: tab and line breaks as well.
const NOT_IN_LINE: &str = r"\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069";
/// An id in a resource's name.
pub const ID: &str = "[A-Za-z0-9._~-]{1,63}";
/// A UUID as text.
pub const UUID: &str = "[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}";
/// A `UUIDv7`, as the services make them.
pub const A_UUID: &str = "0199d4c8-7c00-7a31-9f3e-5b2d6c1a8e47";
/// An e-mail address. The labels of its domain are letters and digits of any script. Classes that every engine knows
/// cannot express that, so this allows every character beyond ASCII.
const EMAIL: &str = r"[^\s@\u0000-\u001f\u007f-\u009f]{1,64}@L+(\.L+)*";
const LABEL: &str = r"[^\s\u0000-,./:-@\[-`{-\u009f\u202a-\u202e\u2066-\u2069]";
/// Base64 of an alphabet `B`, padded or not.
const BASE64: &str = "(B{4})*(B{2}(==)?|B{3}=?)?";
/// The assigned characters of `\p{C}` as ranges, for engines without Unicode classes.
const OTHERS: &str = r"\u0000-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ue000-\uf8ff\ufeff\ufff9-\ufffb";

/// The field rules of a value; a value that is only answered has none.
#[derive(Clone, Debug, Default)]
pub struct Rules {
    /// Whether the value is required; unless it is a message, its default does not count as given.
    pub required: bool,
    /// Whether the value is only answered, and ignored when given.
    pub is_read_only: bool,
    /// Whether the value is the name of the resource that the message describes.
    pub is_identity: bool,
    /// Whether the default counts as not given, whatever the other rules.
    unless_zero: bool,
    /// The form of the resource names that the value holds, e.g. `requests/{request}`.
    pub form: Option<String>,
    /// The forms of the names as a regular expression.
    names: Option<String>,
    pub min_items: u64,
    pub max_items: Option<u64>,
    pub unique: bool,
    min_len: u64,
    max_len: Option<u64>,
    max_bytes: Option<u64>,
    pattern: Option<String>,
    email: bool,
    uuid: bool,
    at_least: Option<i64>,
    at_most: Option<i64>,
}

impl Rules {
    /// Reads the rules of a field as the chassis does.
    pub fn of(field: &FieldDescriptor, resources: &[Resource]) -> Self {
        let behavior = behavior(field);
        if behavior.contains(&OUTPUT_ONLY) {
            return Self { is_read_only: true, ..Self::default() };
        }
        let mut rules = Self {
            required: behavior.contains(&REQUIRED),
            is_identity: behavior.contains(&IDENTIFIER),
            ..Self::default()
        };
        let forms = forms_of(field, rules.is_identity, resources);
        if !forms.is_empty() {
            rules.names = Some(forms.iter().map(|form| name_form(form)).collect::<Vec<_>>().join("|"));
            rules.form = forms.first().cloned();
            rules.unless_zero = true;
        }
        let Some(given) = validation(field) else { return rules };
        rules.required |= is(&given, "required");
        rules.unless_zero |= option(&given, "ignore").and_then(|value| value.as_enum_number()) == Some(1);
        if let Some(list) = message(&given, "repeated") {
            rules.min_items = count(&list, "min_items").unwrap_or(0);
            rules.max_items = count(&list, "max_items");
            rules.unique = is(&list, "unique");
            rules.required |= rules.min_items > 0;
            if let Some(items) = message(&list, "items") {
                rules.of_each(&items);
            }
        } else {
            rules.of_each(&given);
        }
        rules
    }

    fn of_each(&mut self, given: &DynamicMessage) {
        if let Some(text) = message(given, "string") {
            self.min_len = count(&text, "min_len").unwrap_or(0);
            self.max_len = count(&text, "max_len");
            self.pattern = option(&text, "pattern").and_then(|pattern| pattern.as_str().map(str::to_owned));
            self.email = is(&text, "email");
            self.uuid = is(&text, "uuid");
        }
        self.max_bytes = message(given, "bytes").and_then(|bytes| count(&bytes, "max_len"));
        for number in ["int32", "int64"].into_iter().filter_map(|kind| message(given, kind)) {
            self.at_least = option(&number, "gte").and_then(|bound| integer(&bound));
            self.at_most = option(&number, "lte").and_then(|bound| integer(&bound));
            // A value that is left out is 0, which is too small then.
            self.required |= self.at_least.is_some_and(|least| least > 0) && !self.unless_zero;
        }
    }

    /// Returns the rules of an item of the list, where none may be missing.
    pub fn of_items(&self) -> Self {
        Self { required: false, unless_zero: false, ..self.clone() }
    }

    /// Returns the rules where the field may be left out.
    pub fn optional(&self) -> Self {
        Self { required: false, min_items: 0, ..self.clone() }
    }

    /// Returns a text that the rules allow: `given`, or one that the form or the field's name suggests.
    pub fn text_like(&self, given: Option<&str>, field: &str) -> String {
        if self.uuid {
            return A_UUID.to_owned();
        }
        let fits = |text: &&str| self.max_len.is_none_or(|most| text.chars().count() as u64 <= most);
        match (given.filter(fits), self.pattern.as_deref()) {
            (Some(text), _) => text.to_owned(),
            _ if self.email => "lin@example.com".to_owned(),
            (None, Some(pattern)) if pattern.starts_with("^https://") => "https://example.com/".to_owned(),
            (None, Some(pattern)) if pattern.contains(ID) => field.trim_end_matches("_id").to_owned() + "-1",
            _ => field
                .replace('_', " ")
                .chars()
                .take(usize::try_from(self.max_len.unwrap_or(u64::MAX)).unwrap_or(usize::MAX))
                .collect(),
        }
    }

    /// Returns the least number that the rules allow.
    pub fn least(&self) -> i64 {
        self.at_least.unwrap_or(0)
    }

    /// Returns bytes of the greatest length that the rules allow, up to a bound.
    pub fn most_bytes(&self) -> Option<u8> {
        self.max_bytes.map(|most| u8::try_from(most).unwrap_or(u8::MAX))
    }

    /// Makes the schema of a value that is neither a message of ours nor an enum.
    pub fn schema(&self, kind: &Kind, usage: Use) -> Value {
        match kind {
            Kind::String if usage == Use::Answer => json!({"type": "string"}),
            Kind::String => self.text(),
            Kind::Bytes => self.bytes(usage),
            Kind::Bool => json!({"type": "boolean"}),
            Kind::Double | Kind::Float if usage == Use::Request => {
                json!({"type": ["number", "string"], "format": "double"})
            }
            Kind::Double | Kind::Float => json!({"type": "number", "format": "double"}),
            Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => {
                self.number("int32", i32::MIN.into(), i32::MAX.into(), usage)
            }
            Kind::Uint32 | Kind::Fixed32 => self.number("int64", 0, u32::MAX.into(), usage),
            Kind::Message(message) => well_known(message.full_name()),
            _ => self.number("int64", i64::MIN, i64::MAX, usage),
        }
    }

    fn text(&self) -> Value {
        let least = if self.required { self.min_len.max(1) } else { self.min_len };
        let known =
            self.names.clone().or(self.uuid.then(|| UUID.to_owned())).or(self.email.then(|| EMAIL.replace('L', LABEL)));
        let (pattern, is_bounded) = match (known, &self.pattern) {
            (Some(form), _) if self.required || !self.unless_zero => (format!("^({form})$"), true),
            (Some(form), _) => (format!("^({form})?$"), true),
            (None, Some(pattern)) => (pattern.replace(r"\p{C}", OTHERS), false),
            (None, None) => {
                let not = if self.max_len.is_some_and(|most| most <= LONGEST_LINE) { NOT_IN_LINE } else { ACTING };
                let pattern =
                    if self.required { format!(r"^[^{not}]*[^\s{not}][^{not}]*$") } else { format!("^[^{not}]*$") };
                (pattern, false)
            }
        };
        let mut schema = json!({"type": "string", "pattern": pattern});
        if least > 0 && !is_bounded {
            schema["minLength"] = least.into();
        }
        if let Some(most) = self.max_len {
            schema["maxLength"] = most.into();
        }
        schema
    }

    fn bytes(&self, usage: Use) -> Value {
        let mut schema = json!({"type": "string", "contentEncoding": "base64"});
        if usage != Use::Answer {
            schema["pattern"] =
                format!("^({}|{})$", BASE64.replace('B', "[A-Za-z0-9+/]"), BASE64.replace('B', "[A-Za-z0-9_-]")).into();
            if let Some(most) = self.max_bytes {
                schema["maxLength"] = (most.div_ceil(3) * 4).into();
            }
            if self.required {
                schema["minLength"] = 2.into();
            }
        }
        schema
    }

    /// Makes the schema of a number. A number of 64 bits is text, in requests a number as well; one of 32 bits the
    /// other way round.
    fn number(&self, format: &str, lowest: i64, highest: i64, usage: Use) -> Value {
        let least = self.at_least.unwrap_or(lowest).max(if self.required { 1 } else { lowest });
        let most = self.at_most.unwrap_or(highest);
        let digits = match least {
            ..0 => "^-?[0-9]{1,19}$",
            0 => "^[0-9]{1,19}$",
            1.. => "^0*[1-9][0-9]{0,18}$",
        };
        match (usage, format) {
            (Use::Answer, "int32") => json!({"type": "integer", "format": format}),
            (Use::Answer, _) => json!({"type": "string", "format": format, "pattern": "^-?[0-9]{1,19}$"}),
            (Use::Query, _) => json!({"type": "integer", "format": format, "minimum": least, "maximum": most}),
            (_, "int32") => {
                json!({"type": ["integer", "string"], "format": format, "pattern": digits, "minimum": least, "maximum": most})
            }
            _ => {
                json!({"type": ["string", "integer"], "format": format, "pattern": digits, "minimum": least, "maximum": most})
            }
        }
    }
}

fn well_known(message: &str) -> Value {
    match message {
        "google.protobuf.Timestamp" => json!({"type": "string", "format": "date-time"}),
        "google.protobuf.Duration" => json!({"type": "string", "pattern": r"^-?[0-9]{1,12}(\.[0-9]{1,9})?s$"}),
        "google.protobuf.FieldMask" => json!({"type": "string", "pattern": r"^[A-Za-z0-9.,*]*$"}),
        "google.protobuf.Any" => json!({
            "type": "object",
            "required": ["@type"],
            "properties": {"@type": {"type": "string"}},
            "additionalProperties": true,
        }),
        _ => json!({"type": "object"}),
    }
}

/// Returns the forms of the names that a field holds: of the resource it refers to, or of the one that its message
/// describes.
fn forms_of<'a>(field: &FieldDescriptor, is_identity: bool, resources: &'a [Resource]) -> &'a [String] {
    let found = if is_identity {
        let message = field.parent_message();
        resources.iter().find(|resource| resource.declared_in == message.full_name())
    } else {
        reference(field).and_then(|kind| resources.iter().find(|resource| resource.kind == kind))
    };
    found.map_or(&[], |resource| &resource.patterns)
}

/// Turns a form such as `requests/{request}` into a regular expression.
fn name_form(form: &str) -> String {
    form.split('/').map(|segment| if segment.starts_with('{') { ID } else { segment }).collect::<Vec<_>>().join("/")
}

fn option(rules: &DynamicMessage, name: &str) -> Option<Set> {
    rules.has_field_by_name(name).then(|| rules.get_field_by_name(name).map(std::borrow::Cow::into_owned)).flatten()
}

fn message(rules: &DynamicMessage, name: &str) -> Option<DynamicMessage> {
    option(rules, name)?.as_message().cloned()
}

fn is(rules: &DynamicMessage, name: &str) -> bool {
    option(rules, name).and_then(|value| value.as_bool()).unwrap_or(false)
}

fn count(rules: &DynamicMessage, name: &str) -> Option<u64> {
    option(rules, name)?.as_u64()
}

fn integer(value: &Set) -> Option<i64> {
    value.as_i64().or_else(|| value.as_i32().map(i64::from))
}
