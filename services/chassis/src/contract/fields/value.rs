//! Checks of one value, compiled from its kind and from `buf.validate` rules.

use std::sync::LazyLock;

use prost_reflect::{DynamicMessage, EnumDescriptor, FieldDescriptor, Kind, Value};
use regex::Regex;

/// One check of a value.
#[derive(Debug)]
pub enum Check {
    /// A string without characters that act instead of being read: control characters other than tab and line breaks (NUL
    /// among them, which Postgres cannot hold), and overrides of the direction of writing.
    Plain,
    /// A string of one line: without tab and line breaks as well.
    OneLine,
    /// A timestamp from year 1 to the last one that both code and Postgres can hold.
    Timestamp,
    /// At least so many characters.
    MinLen(usize),
    /// At most so many characters.
    MaxLen(usize),
    /// At most so many bytes.
    MaxBytes(usize),
    /// A match of a regular expression.
    Pattern(Regex),
    /// An e-mail address.
    Email,
    /// A UUID.
    Uuid,
    /// The name of a resource of a kind.
    Name(String, Regex),
    /// A value that the enum defines.
    Defined(EnumDescriptor),
    /// Not less than this.
    Gte(i64),
    /// Not more than this.
    Lte(i64),
    /// Longer than this, in microseconds.
    LongerThan(i64),
    /// Not longer than this, in microseconds.
    NotLongerThan(i64),
}

/// One @, no blanks or controls, a dot-separated domain of letters, digits and hyphens (Unicode allowed).
static EMAIL: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"^[^\s@\p{Cc}]{1,64}@[\p{L}\p{N}-]+(\.[\p{L}\p{N}-]+)*$").ok());

impl Check {
    /// Returns the checks that every value of the field's kind has to pass.
    pub fn of_kind(field: &FieldDescriptor) -> Vec<Self> {
        match field.kind() {
            Kind::String => vec![Self::Plain],
            Kind::Message(message) if message.full_name() == "google.protobuf.Timestamp" => vec![Self::Timestamp],
            _ => Vec::new(),
        }
        .into_iter()
        .chain(match field.kind() {
            Kind::Enum(values) if field.full_name().starts_with("kefu.") => Some(Self::Defined(values)),
            _ => None,
        })
        .collect()
    }

    /// Returns the checks that `buf.validate` rules ask for. Fails when a pattern is no regular expression.
    pub fn of_rules(rules: &DynamicMessage) -> Result<Vec<Self>, String> {
        let mut checks = Vec::new();
        if let Some(string) = set_message(rules, "string") {
            checks.extend(count_of(&string, "min_len").map(Self::MinLen));
            let longest = count_of(&string, "max_len");
            checks.extend(longest.map(Self::MaxLen));
            checks.extend(longest.filter(|&longest| longest <= LONGEST_LINE).map(|_| Self::OneLine));
            if let Some(pattern) = set_value(&string, "pattern") {
                let pattern = Regex::new(pattern.as_str().unwrap_or_default()).map_err(|error| error.to_string())?;
                checks.push(Self::Pattern(pattern));
            }
            checks.extend(bool_of(&string, "email").then_some(Self::Email));
            checks.extend(bool_of(&string, "uuid").then_some(Self::Uuid));
        }
        if let Some(bytes) = set_message(rules, "bytes") {
            checks.extend(count_of(&bytes, "max_len").map(Self::MaxBytes));
        }
        for kind in ["int32", "int64"] {
            if let Some(number) = set_message(rules, kind) {
                checks.extend(set_value(&number, "gte").and_then(|value| integer(&value)).map(Self::Gte));
                checks.extend(set_value(&number, "lte").and_then(|value| integer(&value)).map(Self::Lte));
            }
        }
        if let Some(duration) = set_message(rules, "duration") {
            checks.extend(set_value(&duration, "gt").and_then(|value| micros(&value)).map(Self::LongerThan));
            checks.extend(set_value(&duration, "lte").and_then(|value| micros(&value)).map(Self::NotLongerThan));
        }
        Ok(checks)
    }

    /// Returns why the value fails the check; none if it passes.
    pub fn refuses(&self, value: &Value) -> Option<String> {
        let text = value.as_str().unwrap_or_default();
        let (holds, reason) = match self {
            Self::Plain => (!text.contains(acts), "must not hold control characters or overrides of direction".into()),
            Self::OneLine => (!text.contains(['\t', '\n', '\r']), "must be one line".into()),
            Self::Timestamp => (is_timestamp(value), "must be a time from the year 1 to 9999-12-30T22:00:00Z".into()),
            Self::MinLen(length) => {
                (text.chars().count() >= *length, format!("must have at least {length} characters"))
            }
            Self::MaxLen(length) => (
                text.len() <= *length || text.chars().count() <= *length,
                format!("must have at most {length} characters"),
            ),
            Self::MaxBytes(length) => (
                value.as_bytes().is_none_or(|bytes| bytes.len() <= *length),
                format!("must have at most {length} bytes"),
            ),
            Self::Pattern(pattern) => (pattern.is_match(text), format!("must match {pattern}")),
            Self::Email => (EMAIL.as_ref().is_some_and(|form| form.is_match(text)), "must be an e-mail address".into()),
            Self::Uuid => (text.len() == 36 && uuid::Uuid::try_parse(text).is_ok(), "must be a UUID".into()),
            Self::Name(kind, form) => (form.is_match(text), format!("must be the name of a {kind}")),
            Self::Defined(values) => (
                value.as_enum_number().is_none_or(|number| values.get_value(number).is_some()),
                "must be a value that the contract defines".into(),
            ),
            Self::Gte(bound) => {
                (integer(value).is_none_or(|number| number >= *bound), format!("must be at least {bound}"))
            }
            Self::Lte(bound) => {
                (integer(value).is_none_or(|number| number <= *bound), format!("must be at most {bound}"))
            }
            Self::LongerThan(bound) => {
                (micros(value).is_some_and(|length| length > *bound), format!("must be longer than {bound} µs"))
            }
            Self::NotLongerThan(bound) => {
                (micros(value).is_some_and(|length| length <= *bound), format!("must be at most {bound} µs"))
            }
        };
        (!holds).then_some(reason)
    }
}

/// The limit, in characters, up to which a text must be one line: so short a text is a name, a number or a word.
const LONGEST_LINE: usize = 200;

/// Whether a character acts on the text around it instead of being read.
fn acts(sign: char) -> bool {
    sign.is_control() && !matches!(sign, '\t' | '\n' | '\r')
        || matches!(sign, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// The second of `jiff::Timestamp::MAX`, 26 hours before the end of the year 9999. A later time would be read as not
/// given.
const LAST_SECOND: i64 = 253_402_207_200;

fn is_timestamp(value: &Value) -> bool {
    let part =
        |name| value.as_message().and_then(|message| message.get_field_by_name(name)).and_then(|part| integer(&part));
    let (Some(seconds), Some(nanos)) = (part("seconds"), part("nanos")) else { return false };
    (-62_135_596_800..=LAST_SECOND).contains(&seconds) && (0..1_000_000_000).contains(&nanos)
}

fn integer(value: &Value) -> Option<i64> {
    value.as_i64().or_else(|| value.as_i32().map(i64::from))
}

fn micros(duration: &Value) -> Option<i64> {
    let message = duration.as_message()?;
    let seconds = integer(message.get_field_by_name("seconds")?.as_ref())?;
    let nanos = integer(message.get_field_by_name("nanos")?.as_ref())?;
    seconds.checked_mul(1_000_000)?.checked_add(nanos / 1_000)
}

/// Returns the value of a field, if it is set.
fn set_value(message: &DynamicMessage, name: &str) -> Option<Value> {
    message.has_field_by_name(name).then(|| message.get_field_by_name(name).map(std::borrow::Cow::into_owned)).flatten()
}

/// Returns the message in a field, if it is set.
pub fn set_message(message: &DynamicMessage, name: &str) -> Option<DynamicMessage> {
    match set_value(message, name)? {
        Value::Message(inner) => Some(inner),
        _ => None,
    }
}

/// Returns a flag; false when unset.
pub fn bool_of(message: &DynamicMessage, name: &str) -> bool {
    set_value(message, name).and_then(|value| value.as_bool()).unwrap_or(false)
}

/// Returns a count, if it is set.
pub fn count_of(message: &DynamicMessage, name: &str) -> Option<usize> {
    set_value(message, name).and_then(|value| value.as_u64()).and_then(|count| usize::try_from(count).ok())
}
