//! The first reading of JSON, which checks that an object sets no field twice, because it is unclear which value counts, and
//! only fields that are known, and that there are not too many values. Depth is bounded by the reader.

use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::collections::HashSet;
use std::fmt;

use kefu_chassis::error::Wrong;
use kefu_chassis::wrong;
use prost_reflect::{FieldDescriptor, MessageDescriptor};
use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

use super::place::{Place, Within};
use crate::problem::Problem;

/// The most values of a message: a value of one byte takes a hundred times as much in memory.
const VALUES: usize = 100_000;

/// Refuses JSON of a message that names a field twice, or one that is not known, or that has too many values.
pub fn check(message: &MessageDescriptor, text: &[u8], at: &str) -> Result<(), Problem> {
    let (within, found) = (Within::of(message), RefCell::new(None));
    let mut json = serde_json::Deserializer::from_slice(text);
    if (Names { within: &within, left: &Cell::new(VALUES), found: &found }).deserialize(&mut json).is_ok() {
        return Ok(());
    }
    // Only what is wrong is read again, to learn its place, which costs more than the reading.
    let mut json = serde_json::Deserializer::from_slice(text);
    let mut track = serde_path_to_error::Track::new();
    let tracked = serde_path_to_error::Deserializer::new(&mut json, &mut track);
    let read = Names { within: &within, left: &Cell::new(VALUES), found: &found }.deserialize(tracked);
    let Err(error) = read else { return Ok(()) };
    let place = Place::of(message, &track.path(), at);
    Err(match found.take() {
        Some(Found { name: Some(name), wrong }) => place.below(&name).wrong(wrong),
        Some(Found { name: None, wrong }) => place.wrong(wrong),
        None => place.refused(&error),
    })
}

/// What is wrong with a member of an object, or with a value.
struct Found {
    name: Option<String>,
    wrong: Wrong,
}

/// A reader that checks names and counts values. It returns whether a value is `null`.
#[derive(Clone, Copy)]
struct Names<'m> {
    /// What the members of an object are.
    within: &'m Within,
    /// The number of values that may still come.
    left: &'m Cell<usize>,
    /// The first thing that is wrong.
    found: &'m RefCell<Option<Found>>,
}

impl Names<'_> {
    fn count<E: de::Error>(self) -> Result<(), E> {
        let Some(left) = self.left.get().checked_sub(1) else {
            return Err(self.refuse(None, wrong!(TooMany, "has more values than are taken", "内容的项数过多")));
        };
        self.left.set(left);
        Ok(())
    }

    /// Notes what is wrong, and returns an error that ends the reading.
    fn refuse<E: de::Error>(self, name: Option<&str>, wrong: Wrong) -> E {
        let error = E::custom(&wrong);
        self.found.replace(Some(Found { name: name.map(str::to_owned), wrong }));
        error
    }

    fn check_choice<E: de::Error>(self, field: &FieldDescriptor, choices: &mut HashSet<String>) -> Result<(), E> {
        match field.containing_oneof().filter(|choice| !choice.is_synthetic()) {
            Some(choice) if !choices.insert(choice.name().to_owned()) => {
                let wrong = wrong!(AtMostOneOf, "excludes another field that is given", "不能与另一项同时填写");
                Err(self.refuse(Some(field.json_name()), wrong))
            }
            _ => Ok(()),
        }
    }
}

impl<'de> DeserializeSeed<'de> for Names<'_> {
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<bool, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Names<'_> {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_bool<E>(self, _: bool) -> Result<bool, E> {
        Ok(false)
    }

    fn visit_i64<E>(self, _: i64) -> Result<bool, E> {
        Ok(false)
    }

    fn visit_u64<E>(self, _: u64) -> Result<bool, E> {
        Ok(false)
    }

    fn visit_f64<E>(self, _: f64) -> Result<bool, E> {
        Ok(false)
    }

    fn visit_str<E>(self, _: &str) -> Result<bool, E> {
        Ok(false)
    }

    fn visit_unit<E>(self) -> Result<bool, E> {
        Ok(true)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<bool, A::Error> {
        while items.next_element_seed(self)?.is_some() {
            self.count()?;
        }
        Ok(false)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<bool, A::Error> {
        let (mut fields, mut others, mut choices) = (HashSet::new(), HashSet::new(), HashSet::new());
        while let Some(name) = entries.next_key::<Cow<'de, str>>()? {
            self.count()?;
            // A field has two names, that of JSON and that of the contract.
            let field = self.within.field(&name);
            let is_new = match &field {
                Some(field) => fields.insert(field.number()),
                None if self.within.is_closed() => {
                    return Err(self.refuse(
                        Some(&name),
                        wrong!(UnknownField, "is no field that is known here", "不是此处可用的字段"),
                    ));
                }
                None => others.insert(name.clone()),
            };
            if !is_new {
                let name = field.as_ref().map_or(&*name, FieldDescriptor::json_name);
                return Err(self.refuse(Some(name), wrong!(RepeatedItem, "stands twice", "重复出现")));
            }
            let is_null = entries.next_value_seed(Names { within: &self.within.below(&name), ..self })?;
            if let (Some(field), false) = (field, is_null) {
                self.check_choice(&field, &mut choices)?;
            }
        }
        Ok(false)
    }
}
