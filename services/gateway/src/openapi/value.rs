//! Schemas of single values, as the JSON mapping of protobuf writes and reads them and as the field rules bound them.

use std::ops::Deref;

use kefu_proto::contract::Resource;
use kefu_proto::field::FieldRules;
use prost_reflect::{FieldDescriptor, Kind};
use serde_json::{Value, json};

use super::usage::Use;

/// The length up to which every string is one line, in characters, as the chassis has it.
const LONGEST_LINE: usize = 200;
/// The characters that no string holds: control characters other than tab and line breaks, and overrides of the
/// direction of writing.
const ACTING: &str = r"\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069";
/// The characters that no string of one line holds: tab and line breaks as well.
const NOT_IN_LINE: &str = r"\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069";
/// The characters of which nothing is seen, as the chassis has them, up to U+FFFF: what holds only those is not given.
pub const UNSEEN: &str = r"\s\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2060-\u206f\u2800\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb";
/// What may stand around a telephone number, in a class of characters: marks of direction come with a copied one.
const AROUND: &str = r"\u0000-\u0020\u007f-\u00a0\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff";
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

/// The rules of a field, with what schemas say beside: the form of names.
#[derive(Clone, Debug, Default)]
pub struct Rules {
    of_field: FieldRules,
    /// The form of the resource names that the value holds, e.g. `requests/{request}`.
    pub form: Option<String>,
    /// The forms of the names as a regular expression.
    form_pattern: Option<String>,
}

impl Deref for Rules {
    type Target = FieldRules;

    fn deref(&self) -> &FieldRules {
        &self.of_field
    }
}

impl Rules {
    /// Reads the rules of a field.
    pub fn of(field: &FieldDescriptor, resources: &[Resource]) -> Self {
        let mut rules = FieldRules::of(field);
        // A number that is left out is 0, which is too small then.
        rules.required |= rules.at_least.is_some_and(|least| least > 0) && !rules.unless_zero && !field.is_list();
        let named = rules.names.as_ref().and_then(|kind| resources.iter().find(|resource| resource.kind == *kind));
        let forms = named.map_or(&[][..], |resource| &resource.patterns);
        let pattern = forms.iter().map(|form| name_form(form)).collect::<Vec<_>>().join("|");
        Self { of_field: rules, form: forms.first().cloned(), form_pattern: (!pattern.is_empty()).then_some(pattern) }
    }

    /// Returns the rules of an item of the list, where none may be missing.
    pub fn of_items(&self) -> Self {
        let of_field = FieldRules { required: false, unless_zero: false, ..self.of_field.clone() };
        Self { of_field, ..self.clone() }
    }

    /// Returns the rules where the field may be left out.
    pub fn optional(&self) -> Self {
        let of_field = FieldRules { required: false, min_items: 0, ..self.of_field.clone() };
        Self { of_field, ..self.clone() }
    }

    /// Returns a text that the rules allow: `given`, or one that the form or the field's name suggests.
    pub fn text_like(&self, given: Option<&str>, field: &str) -> String {
        if self.uuid {
            return A_UUID.to_owned();
        }
        let fits = |text: &&str| self.max_len.is_none_or(|most| text.chars().count() <= most);
        match (given.filter(fits), self.pattern.as_deref()) {
            (Some(text), _) => text.to_owned(),
            _ if self.email => "lin@example.com".to_owned(),
            (None, Some(pattern)) if pattern.starts_with("^https://") => "https://example.com/".to_owned(),
            (None, Some(pattern)) if pattern.contains(ID) => field.trim_end_matches("_id").to_owned() + "-1",
            _ => field.replace('_', " ").chars().take(self.max_len.unwrap_or(usize::MAX)).collect(),
        }
    }

    /// Returns the least number that the rules allow.
    pub fn least(&self) -> i64 {
        self.at_least.unwrap_or(0)
    }

    /// Returns bytes of the greatest length that the rules allow, up to a bound.
    pub fn most_bytes(&self) -> Option<u8> {
        self.bytes.or(self.max_bytes).map(|most| u8::try_from(most).unwrap_or(u8::MAX))
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
        let least = self.min_len.unwrap_or(0).max(self.required.into());
        let known = self
            .form_pattern
            .clone()
            .or(self.uuid.then(|| UUID.to_owned()))
            .or(self.email.then(|| EMAIL.replace('L', LABEL)));
        let (pattern, is_bounded) = match (known, &self.pattern) {
            (Some(form), _) if self.required || !self.unless_zero => (format!("^({form})$"), true),
            (Some(form), _) => (format!("^({form})?$"), true),
            (None, Some(pattern)) => (pattern.replace(r"\p{C}", OTHERS), false),
            (None, None) => {
                let not = if self.max_len.is_some_and(|most| most <= LONGEST_LINE) { NOT_IN_LINE } else { ACTING };
                let pattern = if self.telephone {
                    format!("^[{AROUND}]*[^{not}]*[{AROUND}]*$")
                } else if self.required {
                    format!(r"^[^{not}]*[^{UNSEEN}{not}][^{not}]*$")
                } else {
                    format!("^[^{not}]*$")
                };
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
            if let Some(most) = self.bytes.or(self.max_bytes) {
                schema["maxLength"] = (most.div_ceil(3) * 4).into();
            }
            if let Some(length) = self.bytes.filter(|_| self.required) {
                // Without padding.
                schema["minLength"] = (length * 4).div_ceil(3).into();
            } else if self.required {
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

/// Turns a form such as `requests/{request}` into a regular expression.
fn name_form(form: &str) -> String {
    form.split('/').map(|segment| if segment.starts_with('{') { ID } else { segment }).collect::<Vec<_>>().join("/")
}
