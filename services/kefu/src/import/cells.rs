//! The cells of a record, read as texts, words, names and times.

use std::collections::{BTreeMap, HashMap};

use csv::StringRecord;
use jiff::civil::{DateTime, Time as TimeOfDay};
use jiff::fmt::strtime;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};
use kefu_chassis::identity::is_id;

use super::columns::{Columns, LeftOut, MapError, Wrong, wrong};
use super::spec;

/// A text of every record.
#[derive(Debug, Default)]
pub struct Text {
    /// None for the same text in every record.
    place: Option<usize>,
    column: String,
    /// What the text is without a column, or where the column is empty.
    otherwise: String,
}

impl Text {
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
                let place = columns.find(&format!("{key}.column"), column)?;
                Ok(Self {
                    place: Some(place),
                    column: column.to_owned(),
                    otherwise: default.unwrap_or_default().to_owned(),
                })
            }
            (None, Some(value), None) => Ok(Self { place: None, column: String::new(), otherwise: value.to_owned() }),
            (None, Some(_), Some(_)) => Err(wrong(format!("{key}.default"), "has no use beside a value")),
            _ => Err(wrong(key, "needs either a column or a value")),
        }
    }

    pub fn read<'a>(&'a self, record: &'a StringRecord) -> &'a str {
        match self.place.and_then(|place| record.get(place)).map_or("", str::trim) {
            "" => &self.otherwise,
            text => text,
        }
    }

    fn wrong(&self, reason: String) -> Wrong {
        Wrong { column: self.column.clone(), reason }
    }
}

/// A word of every record that stands for a value of an enum of the contract.
#[derive(Debug)]
pub struct Choice {
    text: Text,
    words: HashMap<String, i32>,
}

/// An enum of the contract.
pub trait Named: TryFrom<i32> + Into<i32> + Sized {
    fn named(name: &str) -> Option<Self>;
    fn name(self) -> &'static str;
}

macro_rules! named {
    ($($name:ty),*) => {$(
        impl Named for $name {
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
    pub fn bind<E: Named>(field: &str, spec: &spec::Choice, columns: Columns<'_>) -> Result<Self, MapError> {
        let key = format!("fields.{field}");
        let value = |key: String, name: &str| {
            E::named(name).map(Into::into).ok_or_else(|| wrong(key, format!("{name:?} is none of {}", names::<E>())))
        };
        let text = Text::of(field, spec.column.as_deref(), spec.value.as_deref(), spec.default.as_deref(), columns)?;
        let mut words = HashMap::new();
        for (word, name) in &spec.words {
            words.insert(word.trim().to_owned(), value(format!("{key}.words.{word:?}"), name)?);
        }
        if text.place.is_none() && !words.is_empty() {
            return Err(wrong(format!("{key}.words"), "have no use beside a value"));
        }
        if text.place.is_some() && words.is_empty() {
            return Err(wrong(format!("{key}.words"), "must say what the column's words mean"));
        }
        let (otherwise, given_as) = (text.otherwise.clone(), if text.place.is_some() { "default" } else { "value" });
        if !otherwise.is_empty() {
            words.insert(otherwise.clone(), value(format!("{key}.{given_as}"), &otherwise)?);
        } else if text.place.is_none() {
            return Err(wrong(format!("{key}.value"), format!("is none of {}", names::<E>())));
        }
        Ok(Self { text, words })
    }

    pub fn read(&self, record: &StringRecord) -> Result<i32, Wrong> {
        let word = self.text.read(record);
        self.words.get(word).copied().ok_or_else(|| match word {
            "" => self.text.wrong("is empty".into()),
            _ => self.text.wrong(format!("the map has no word {word:?}")),
        })
    }
}

fn names<E: Named>() -> String {
    let names: Vec<&str> = (1..).map_while(|number| E::try_from(number).ok()).map(E::name).collect();
    names.join(", ")
}

/// The resource name of a department or employee; empty where the map or the record has none.
#[derive(Debug, Default)]
pub struct Name {
    collection: &'static str,
    text: Text,
    ids: BTreeMap<String, String>,
}

impl Name {
    pub fn bind(
        field: &str,
        collection: &'static str,
        spec: &spec::Name,
        columns: Columns<'_>,
    ) -> Result<Self, MapError> {
        let text = Text::of(field, spec.column.as_deref(), spec.value.as_deref(), spec.default.as_deref(), columns)?;
        if let Some((name, id)) = spec.ids.iter().find(|(_, id)| !is_id(id)) {
            return Err(wrong(
                format!("fields.{field}.ids.{name:?}"),
                format!("{id:?} is no id: up to 63 letters, digits and . _ ~ -"),
            ));
        }
        let name = Self { collection, text, ids: spec.ids.clone() };
        let otherwise = &name.text.otherwise;
        if !otherwise.is_empty() && name.id(otherwise).is_none() {
            let key = if name.text.place.is_some() { "default" } else { "value" };
            return Err(wrong(
                format!("fields.{field}.{key}"),
                format!("no id can be made from {otherwise:?}: give it one under fields.{field}.ids"),
            ));
        }
        Ok(name)
    }

    pub fn read(&self, record: &StringRecord) -> Result<String, Wrong> {
        let text = self.text.read(record);
        if text.is_empty() {
            return Ok(String::new());
        }
        let id = self.id(text).ok_or_else(|| {
            self.text.wrong(format!("no id can be made from {text:?}: give it one under ids in the map"))
        })?;
        Ok(format!("{}/{id}", self.collection))
    }

    fn id(&self, text: &str) -> Option<String> {
        self.ids.get(text).cloned().or_else(|| slug(text))
    }
}

/// An id from ASCII letters and digits, in lower case, with one hyphen for whatever is between them. None for a text with
/// letters of other scripts, of which different ones would become the same id.
pub fn slug(text: &str) -> Option<String> {
    if text.chars().any(|letter| letter.is_alphanumeric() && !letter.is_ascii()) {
        return None;
    }
    let words = text.split(|letter: char| !letter.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    let id = words.map(str::to_ascii_lowercase).collect::<Vec<_>>().join("-");
    is_id(&id).then_some(id)
}

/// A time of every record.
#[derive(Debug)]
pub struct Time {
    field: &'static str,
    place: usize,
    column: String,
    format: String,
    zone: TimeZone,
    end_of_day: bool,
    only_dates: bool,
    not_before_contact: bool,
}

impl Time {
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
        check_format(format).map_err(|problem| wrong(format_key, problem))?;
        if field == "contact_time" && (spec.not_before_contact || spec.only_dates) {
            return Err(wrong(key, "is required in every row, so it cannot be left out"));
        }
        Ok(Self {
            field,
            place: columns.find(&format!("{key}.column"), &spec.column)?,
            column: spec.column.clone(),
            format: format.to_owned(),
            zone: zone.clone(),
            end_of_day: spec.end_of_day,
            only_dates: spec.only_dates,
            not_before_contact: spec.not_before_contact,
        })
    }

    /// The time; none where the record has none, or one that the map leaves out.
    pub fn read(
        &self,
        record: &StringRecord,
        contact: Option<Timestamp>,
        left_out: &mut LeftOut,
    ) -> Result<Option<Timestamp>, Wrong> {
        let text = record.get(self.place).map_or("", str::trim);
        if text.is_empty() {
            return Ok(None);
        }
        let unreadable = |_| self.wrong(format!("{text:?} is no time of the form {}", self.format));
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
            // In a gap the clock that was not set forward yet counts, in a fold the first of the two hours.
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

    /// A record without this time.
    pub fn missing(&self) -> Wrong {
        self.wrong("is empty".into())
    }

    fn wrong(&self, reason: String) -> Wrong {
        Wrong { column: self.column.clone(), reason }
    }
}

/// A form of times is one that reads back what it wrote.
fn check_format(format: &str) -> Result<(), String> {
    let sample = DateTime::constant(2018, 11, 30, 0, 0, 0, 0).in_tz("UTC").map_err(|error| error.to_string())?;
    let written =
        strtime::format(format, &sample).map_err(|error| format!("{format:?} is no form of times: {error}"))?;
    let read = strtime::parse(format, &written).and_then(|parsed| parsed.to_datetime());
    match read {
        Ok(read) if read == sample.datetime() => Ok(()),
        _ => Err(format!("{format:?} does not say the whole date, as %Y-%m-%d %H:%M:%S does")),
    }
}
