//! Reads the cells of a record as texts, enum values, resource names and times.

use std::collections::{BTreeMap, HashMap};

use csv::StringRecord;
use jiff::civil::{DateTime, Time as TimeOfDay};
use jiff::fmt::strtime;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};
use kefu_chassis::identity::is_id;

use super::columns::{CellError, Columns, LeftOut, MapError, map_error};
use super::spec;
use crate::language::{pick, told};

/// Reads a text: from a column, or the same for every record.
#[derive(Debug, Default)]
pub struct Text {
    /// Index of the column; none for the same text in every record.
    column_index: Option<usize>,
    column: String,
    /// Text for records without a column or with an empty cell.
    fallback: String,
}

impl Text {
    /// Finds the column of the field `field`. Fails unless the map names either a column of the file or a value.
    pub fn bind(field: &str, spec: &spec::Text, columns: Columns<'_>) -> Result<Self, MapError> {
        Self::of(field, spec.column.as_deref(), spec.value.as_deref(), spec.default.as_deref(), columns)
    }

    fn of(
        field: &str,
        column: Option<&str>,
        value: Option<&str>,
        default: Option<&str>,
        columns: Columns<'_>,
    ) -> Result<Self, MapError> {
        let key = format!("fields.{field}");
        match (column, value, default) {
            (Some(column), None, default) => {
                let column_index = columns.find(&format!("{key}.column"), column)?;
                Ok(Self {
                    column_index: Some(column_index),
                    column: column.to_owned(),
                    fallback: default.unwrap_or_default().to_owned(),
                })
            }
            (None, Some(value), None) => {
                Ok(Self { column_index: None, column: String::new(), fallback: value.to_owned() })
            }
            (None, Some(_), Some(_)) => {
                Err(map_error(format!("{key}.default"), pick("has no use beside a value", "与固定值并用没有意义")))
            }
            _ => Err(map_error(key, pick("needs either a column or a value", "须指定列或固定值，二者取一"))),
        }
    }

    /// Reads the text of a record, without surrounding space.
    pub fn read<'a>(&'a self, record: &'a StringRecord) -> &'a str {
        match self.column_index.and_then(|column_index| record.get(column_index)).map_or("", str::trim) {
            "" => &self.fallback,
            text => text,
        }
    }

    fn cell_error(&self, reason: String) -> CellError {
        CellError { column: self.column.clone(), reason }
    }
}

/// Reads a word that stands for an enum value of the contract.
#[derive(Debug)]
pub struct Choice {
    text: Text,
    words: HashMap<String, i32>,
}

/// An enum of the contract.
pub trait ContractEnum: TryFrom<i32> + Into<i32> + Sized {
    /// Returns the value of this name; none for an unknown name and for the value 0.
    fn named(name: &str) -> Option<Self>;
    /// Returns the name, as the contract writes it.
    fn name(self) -> &'static str;
}

macro_rules! named {
    ($($name:ty),*) => {$(
        impl ContractEnum for $name {
            fn named(name: &str) -> Option<Self> {
                Self::from_str_name(name).filter(|&value| value as i32 != 0)
            }

            fn name(self) -> &'static str {
                self.as_str_name()
            }
        }
    )*};
}

named!(
    kefu_proto::contacts::v1::Channel,
    kefu_proto::intake::v1::request::Kind,
    kefu_proto::intake::v1::request::State
);

impl Choice {
    /// Finds the column of the field `field`, and the enum value of each word of the map.
    pub fn bind<E: ContractEnum>(field: &str, spec: &spec::Choice, columns: Columns<'_>) -> Result<Self, MapError> {
        let key = format!("fields.{field}");
        let value = |key: String, name: &str| {
            E::named(name).map(Into::into).ok_or_else(|| {
                map_error(key, told!("{name:?} is none of {}", "「{name}」不在可选值之内：{}", names::<E>()))
            })
        };
        let text = Text::of(field, spec.column.as_deref(), spec.value.as_deref(), spec.default.as_deref(), columns)?;
        let mut words = HashMap::new();
        for (word, name) in &spec.words {
            words.insert(word.trim().to_owned(), value(format!("{key}.words.{word:?}"), name)?);
        }
        if text.column_index.is_none() && !words.is_empty() {
            return Err(map_error(format!("{key}.words"), pick("have no use beside a value", "与固定值并用没有意义")));
        }
        if text.column_index.is_some() && words.is_empty() {
            return Err(map_error(
                format!("{key}.words"),
                pick("must say what the column's words mean", "须说明该列中各个词的含义"),
            ));
        }
        let (fallback, given_as) =
            (text.fallback.clone(), if text.column_index.is_some() { "default" } else { "value" });
        if !fallback.is_empty() {
            words.insert(fallback.clone(), value(format!("{key}.{given_as}"), &fallback)?);
        } else if text.column_index.is_none() {
            return Err(map_error(format!("{key}.value"), told!("is none of {}", "不在可选值之内：{}", names::<E>())));
        }
        Ok(Self { text, words })
    }

    /// Reads the number of the enum value. Fails for a word that the map does not have.
    pub fn read(&self, record: &StringRecord) -> Result<i32, CellError> {
        let word = self.text.read(record);
        self.words.get(word).copied().ok_or_else(|| match word {
            "" => self.text.cell_error(pick("is empty", "为空").into()),
            _ => self.text.cell_error(told!("the map has no word {word:?}", "映射文件中没有「{word}」一词")),
        })
    }
}

fn names<E: ContractEnum>() -> String {
    let names: Vec<&str> = (1..).map_while(|number| E::try_from(number).ok()).map(E::name).collect();
    names.join(", ")
}

/// Reads the resource name of a department or employee; empty if the map or the record has none.
#[derive(Debug, Default)]
pub struct Name {
    collection: &'static str,
    text: Text,
    ids: BTreeMap<String, String>,
}

impl Name {
    /// Finds the column of the field `field`. Fails for an id of the map that cannot be part of a name.
    pub fn bind(
        field: &str,
        collection: &'static str,
        spec: &spec::Name,
        columns: Columns<'_>,
    ) -> Result<Self, MapError> {
        let text = Text::of(field, spec.column.as_deref(), spec.value.as_deref(), spec.default.as_deref(), columns)?;
        if let Some((name, id)) = spec.ids.iter().find(|(_, id)| !is_id(id)) {
            return Err(map_error(
                format!("fields.{field}.ids.{name:?}"),
                told!(
                    "{id:?} is no id: up to 63 letters, digits and . _ ~ -",
                    "「{id}」不是标识：最多63个字母、数字和 . _ ~ -"
                ),
            ));
        }
        let name = Self { collection, text, ids: spec.ids.clone() };
        let fallback = &name.text.fallback;
        if !fallback.is_empty() && name.id(fallback).is_none() {
            let key = if name.text.column_index.is_some() { "default" } else { "value" };
            return Err(map_error(
                format!("fields.{field}.{key}"),
                told!(
                    "no id can be made from {fallback:?}: give it one under fields.{field}.ids",
                    "由「{fallback}」得不出标识：请在 fields.{field}.ids 下为它指定一个"
                ),
            ));
        }
        Ok(name)
    }

    /// Reads the name, e.g. `staff/5`. Fails for a text that neither is an id nor has one in the map.
    pub fn read(&self, record: &StringRecord) -> Result<String, CellError> {
        let text = self.text.read(record);
        if text.is_empty() {
            return Ok(String::new());
        }
        let id = self.id(text).ok_or_else(|| {
            self.text.cell_error(told!(
                "no id can be made from {text:?}: give it one under ids in the map",
                "由「{text}」得不出标识：请在映射文件的 ids 下为它指定一个"
            ))
        })?;
        Ok(format!("{}/{id}", self.collection))
    }

    fn id(&self, text: &str) -> Option<String> {
        self.ids.get(text).cloned().or_else(|| slug(text))
    }
}

/// Makes an id of a text: ASCII letters and digits in lower case, one hyphen for everything between, e.g.
/// `bureau-of-streets`. None for a text with letters of other scripts, since different texts would get the same id.
pub fn slug(text: &str) -> Option<String> {
    if text.chars().any(|letter| letter.is_alphanumeric() && !letter.is_ascii()) {
        return None;
    }
    let words = text.split(|letter: char| !letter.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    let id = words.map(str::to_ascii_lowercase).collect::<Vec<_>>().join("-");
    is_id(&id).then_some(id)
}

/// Reads a time.
#[derive(Debug)]
pub struct Time {
    field: &'static str,
    column_index: usize,
    column: String,
    format: String,
    zone: TimeZone,
    end_of_day: bool,
    only_dates: bool,
    not_before_contact: bool,
}

impl Time {
    /// Finds the column of the field `field`, and checks the zone and the format.
    pub fn bind(
        field: &'static str,
        spec: &spec::Time,
        format: &str,
        zone: &TimeZone,
        columns: Columns<'_>,
    ) -> Result<Self, MapError> {
        let key = format!("fields.{field}");
        let (format, format_key) = spec
            .format
            .as_deref()
            .map_or((format, "time_format".to_owned()), |own| (own, format!("{key}.time_format")));
        check_format(format).map_err(|problem| map_error(format_key, problem))?;
        if field == "contact_time" && (spec.not_before_contact || spec.only_dates) {
            return Err(map_error(
                key,
                pick("is required in every row, so it cannot be left out", "每行必填，因此不能略去"),
            ));
        }
        Ok(Self {
            field,
            column_index: columns.find(&format!("{key}.column"), &spec.column)?,
            column: spec.column.clone(),
            format: format.to_owned(),
            zone: zone.clone(),
            end_of_day: spec.end_of_day,
            only_dates: spec.only_dates,
            not_before_contact: spec.not_before_contact,
        })
    }

    /// The time of a record; none if the cell is empty, or if the map's options leave the time out.
    pub fn read(
        &self,
        record: &StringRecord,
        contact: Option<Timestamp>,
        left_out: &mut LeftOut,
    ) -> Result<Option<Timestamp>, CellError> {
        let text = record.get(self.column_index).map_or("", str::trim);
        if text.is_empty() {
            return Ok(None);
        }
        let unreadable = |_| {
            self.cell_error(told!("{text:?} is no time of the form {}", "「{text}」不是 {} 形式的时间", self.format))
        };
        let parsed = strtime::parse(&self.format, text).map_err(unreadable)?;
        let local = parsed.to_datetime().map_err(unreadable)?;
        let mut leave_out = || {
            *left_out.entry(self.field).or_default() += 1;
            Ok(None)
        };
        if self.only_dates && local.time() != TimeOfDay::midnight() {
            return leave_out();
        }
        let time = if self.end_of_day {
            self.end_of(local)
        } else if parsed.offset().is_some() {
            parsed.to_timestamp()
        } else {
            // A local time in a gap is read with the offset before it; in a fold, as the first of the two hours.
            self.zone.to_ambiguous_timestamp(local).compatible()
        };
        let time = time.map_err(unreadable)?;
        if self.not_before_contact && contact.is_some_and(|contact| time < contact) {
            leave_out()
        } else {
            Ok(Some(time))
        }
    }

    /// The next day's beginning.
    fn end_of(&self, local: DateTime) -> Result<Timestamp, jiff::Error> {
        let next = local.date().checked_add(1.day())?;
        Ok(next.to_zoned(self.zone.clone())?.timestamp())
    }

    /// The error for a record without this time.
    pub fn missing(&self) -> CellError {
        self.cell_error(pick("is empty", "为空").into())
    }

    fn cell_error(&self, reason: String) -> CellError {
        CellError { column: self.column.clone(), reason }
    }
}

/// Checks a time format: it must read back what it wrote.
fn check_format(format: &str) -> Result<(), String> {
    let sample = DateTime::constant(2018, 11, 30, 0, 0, 0, 0).in_tz("UTC").map_err(|error| error.to_string())?;
    let written = strtime::format(format, &sample).map_err(|error| {
        told!("{format:?} is no form of times: {error}", "「{format}」不是可用的时间写法，应如 %Y-%m-%d %H:%M")
    })?;
    let read = strtime::parse(format, &written).and_then(|parsed| parsed.to_datetime());
    match read {
        Ok(read) if read == sample.datetime() => Ok(()),
        _ => Err(told!(
            "{format:?} does not say the whole date, as %Y-%m-%d %H:%M:%S does",
            "「{format}」没有写全日期，应像 %Y-%m-%d %H:%M:%S 那样"
        )),
    }
}
