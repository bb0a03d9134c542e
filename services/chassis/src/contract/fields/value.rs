//! Checks of one value, compiled from its kind and its rules.

use std::sync::LazyLock;

use kefu_proto::field::{FieldRules, integer, micros};
use prost_reflect::{EnumDescriptor, FieldDescriptor, Kind, Value};
use regex::Regex;

use crate::base::error::Wrong;
use crate::base::labels::{help_of_field, of_kind};
use crate::base::language::Language;
use crate::base::text::is_unseen;
use crate::wrong;

/// One check of a value.
#[derive(Debug)]
pub enum Check {
    /// A string without invisible characters that change how text is shown or processed: control characters other than tab
    /// and line breaks (NUL among them, which Postgres cannot hold), and overrides of the direction of writing.
    Plain,
    /// A string like a plain one but for invisible characters around it, which its reader leaves out.
    PlainWithin,
    /// A string of one line: without tab and line breaks as well.
    OneLine,
    /// A timestamp from year 1 to the last one that both code and Postgres can hold.
    Timestamp,
    /// At least so many characters.
    MinLen(usize),
    /// At most so many characters.
    MaxLen(usize),
    /// Exactly so many bytes.
    Bytes(usize),
    /// At most so many bytes.
    MaxBytes(usize),
    /// A match of a regular expression, and what people are told to write.
    Pattern(Regex, &'static str),
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
            Kind::String if FieldRules::of(field).telephone => vec![Self::PlainWithin],
            Kind::String => vec![Self::Plain],
            Kind::Message(message) if message.full_name() == "google.protobuf.Timestamp" => vec![Self::Timestamp],
            Kind::Enum(values) if field.full_name().starts_with("kefu.") => vec![Self::Defined(values)],
            _ => Vec::new(),
        }
    }

    /// Returns the checks that the rules of a field ask for. Fails when a pattern is no regular expression.
    pub fn of_rules(field: &FieldDescriptor, rules: &FieldRules) -> Result<Vec<Self>, String> {
        let form = help_of_field(field, Language::Chinese).trim_end_matches('。');
        let pattern = rules.pattern.as_deref().map(Regex::new).transpose().map_err(|error| error.to_string())?;
        let is_line = rules.max_len.is_some_and(|longest| longest <= LONGEST_LINE);
        let checks = [
            rules.min_len.map(Self::MinLen),
            rules.max_len.map(Self::MaxLen),
            is_line.then_some(Self::OneLine),
            pattern.map(|pattern| Self::Pattern(pattern, form)),
            rules.email.then_some(Self::Email),
            rules.uuid.then_some(Self::Uuid),
            rules.bytes.map(Self::Bytes),
            rules.max_bytes.map(Self::MaxBytes),
            rules.at_least.map(Self::Gte),
            rules.at_most.map(Self::Lte),
            rules.longer_than_us.map(Self::LongerThan),
            rules.at_most_us.map(Self::NotLongerThan),
        ];
        Ok(checks.into_iter().flatten().collect())
    }

    /// Returns what is wrong with a value that does not pass the check; none if it passes.
    pub fn refuses(&self, value: &Value) -> Option<Wrong> {
        let text = value.as_str().unwrap_or_default();
        let holds = match self {
            Self::Plain => !text.contains(acts),
            Self::PlainWithin => !text.trim_matches(is_unseen).contains(acts),
            Self::OneLine => !text.contains(['\t', '\n', '\r']),
            Self::Timestamp => is_timestamp(value),
            Self::MinLen(length) => text.chars().count() >= *length,
            Self::MaxLen(length) => text.len() <= *length || text.chars().count() <= *length,
            Self::Bytes(length) => value.as_bytes().is_none_or(|bytes| bytes.len() == *length),
            Self::MaxBytes(length) => value.as_bytes().is_none_or(|bytes| bytes.len() <= *length),
            Self::Pattern(pattern, _) | Self::Name(_, pattern) => pattern.is_match(text),
            Self::Email => EMAIL.as_ref().is_some_and(|form| form.is_match(text)),
            Self::Uuid => text.len() == 36 && uuid::Uuid::try_parse(text).is_ok(),
            Self::Defined(values) => value.as_enum_number().is_none_or(|number| values.get_value(number).is_some()),
            Self::Gte(bound) => integer(value).is_none_or(|number| number >= *bound),
            Self::Lte(bound) => integer(value).is_none_or(|number| number <= *bound),
            Self::LongerThan(bound) => micros(value).is_some_and(|length| length > *bound),
            Self::NotLongerThan(bound) => micros(value).is_some_and(|length| length <= *bound),
        };
        (!holds).then(|| self.wrong())
    }

    /// What is wrong with a value that does not pass.
    fn wrong(&self) -> Wrong {
        match self {
            Self::Plain | Self::PlainWithin => wrong!(
                Characters,
                "must not hold control characters or overrides of direction",
                "不得包含控制字符或改变书写方向的字符"
            ),
            Self::OneLine => wrong!(OneLine, "must be one line", "须为一行文字"),
            Self::Timestamp => wrong_time(),
            Self::MinLen(length) => wrong!(TooShort, "must have at least {length} characters", "至少{length}个字"),
            Self::MaxLen(length) => wrong!(TooLong, "must have at most {length} characters", "最多{length}个字"),
            Self::Bytes(length) => wrong!(OutOfRange, "must have {length} bytes", "须为{length}个字节"),
            Self::MaxBytes(length) => wrong!(TooLong, "must have at most {length} bytes", "最多{length}个字节"),
            Self::Pattern(pattern, form) => wrong!(Form, "must match {pattern}", "须符合格式：{form}"),
            Self::Email => wrong!(EmailAddress, "must be an e-mail address", "须为电子邮件地址"),
            Self::Uuid => wrong!(Uuid, "must be a UUID", "须为标准的唯一编号"),
            Self::Name(kind, _) => {
                let label = of_kind(kind);
                let zh = label.zh();
                wrong!(ResourceName, "must be the name of a {kind}", "须为{zh}的资源名称")
            }
            Self::Defined(_) => wrong!(Defined, "must be a value that the contract defines", "不在可选值之内"),
            Self::Gte(bound) => wrong!(TooSmall, "must be at least {bound}", "不得小于{bound}"),
            Self::Lte(bound) => wrong!(TooLarge, "must be at most {bound}", "不得大于{bound}"),
            Self::LongerThan(bound) => wrong!(TooSmall, "must be longer than {bound} µs", "须长于{bound}微秒"),
            Self::NotLongerThan(bound) => wrong!(TooLarge, "must be at most {bound} µs", "不得长于{bound}微秒"),
        }
    }
}

/// What is wrong with a time that is none.
pub fn wrong_time() -> Wrong {
    wrong!(
        Time,
        "must be a time from the year 1 to 9999-12-30T22:00:00Z",
        "须为公元1年至9999年12月30日22:00（协调世界时）之间的时间"
    )
}

/// The limit, in characters, up to which a text must be one line: so short a text is a name, a number or a word.
const LONGEST_LINE: usize = 200;

/// Whether a character is invisible and changes how the text around it is shown or processed.
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
