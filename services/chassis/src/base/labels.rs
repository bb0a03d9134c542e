//! The labels of the contracts in both languages, as parts of sentences. What has no label keeps its name in the contract.

use kefu_proto::labels::{Labels, chinese, english};
use kefu_proto::rules::v1::Role;
use prost_reflect::{EnumValueDescriptor, FieldDescriptor};

use crate::base::language::{Language, Sentence, Text};

fn both(name: &str, of: impl Fn(&'static Labels) -> Option<&'static str>) -> Sentence {
    let text = |labels| of(labels).unwrap_or(name).to_owned();
    Sentence::new(text(english()), text(chinese()))
}

fn value(kind: &str, name: &str) -> Option<EnumValueDescriptor> {
    kefu_proto::pool().get_enum_by_name(kind)?.get_value_by_name(name)
}

/// Returns the label of a field.
#[must_use]
pub fn of_field(field: &FieldDescriptor) -> Sentence {
    both(field.name(), |labels| labels.field(field).map(|label| label.label.as_str()))
}

/// What people call the value of an enum that is not set.
const NOT_STATED: Text = Text::new("Not stated", "未注明");

/// Returns the label of an enum value. The value of an enum that is not set has none of its own, and is called that.
#[must_use]
pub fn of_value(value: &EnumValueDescriptor) -> Sentence {
    match english().value(value) {
        None if value.number() == 0 => NOT_STATED.into(),
        _ => both(value.name(), |labels| labels.value(value).map(|label| label.label.as_str())),
    }
}

/// Returns the label of a value of an enum, e.g. `IN_PROGRESS` of `kefu.intake.v1.Request.State`.
#[must_use]
pub fn of_named_value(kind: &str, name: &str) -> Sentence {
    value(kind, name).map_or_else(|| Sentence::new(name.to_owned(), name.to_owned()), |value| of_value(&value))
}

/// Returns the help of a value of an enum: what somebody does about it; empty where there is none.
#[must_use]
pub fn help_of(kind: &str, name: &str, language: Language) -> &'static str {
    let label = value(kind, name).and_then(|value| of(language).value(&value));
    label.map_or("", |label| label.help.as_str())
}

/// Returns the help of a field: what to enter, or what it tells; empty where there is none.
#[must_use]
pub fn help_of_field(field: &FieldDescriptor, language: Language) -> &'static str {
    of(language).field(field).map_or("", |label| label.help.as_str())
}

/// Returns the labels of a language.
#[must_use]
pub fn of(language: Language) -> &'static Labels {
    match language {
        Language::English => english(),
        Language::Chinese => chinese(),
    }
}

/// Returns the label of a method, e.g. `RegisterRequest`.
#[must_use]
pub fn of_method(name: &str) -> Sentence {
    both(name, |labels| labels.method(name).map(|label| label.label.as_str()))
}

/// Returns what a kind of resource is called in a sentence, by its type, e.g. `kefu/Customer`.
#[must_use]
pub fn of_kind(kind: &str) -> Sentence {
    both(kind, |labels| labels.resource(kind))
}

/// Returns the labels of roles.
#[must_use]
pub fn of_roles(roles: &[Role]) -> Vec<Sentence> {
    roles.iter().map(|role| of_named_value("kefu.rules.v1.Role", role.as_str_name())).collect()
}

/// Joins parts of sentences with the separator of each language.
#[must_use]
pub fn joined(parts: &[Sentence], en: &str, zh: &str) -> Sentence {
    let join = |of: fn(&Sentence) -> &str, by: &str| parts.iter().map(of).collect::<Vec<_>>().join(by);
    Sentence::new(join(Sentence::en, en), join(Sentence::zh, zh))
}

/// Returns what people call the field at a path, e.g. `Contact › Telephone` or `联系方式·电话`; an item of a list with its place,
/// counted from 1.
#[must_use]
pub fn of_path(message: Option<&prost_reflect::MessageDescriptor>, path: &str, language: Language) -> String {
    let between = match language {
        Language::English => " › ",
        Language::Chinese => "·",
    };
    let segment = |(label, index): (&str, Option<usize>)| match (index, language) {
        (None, _) => label.to_owned(),
        (Some(index), Language::English) => format!("{label} {}", index + 1),
        (Some(index), Language::Chinese) => format!("{label}第{}项", index + 1),
    };
    of(language).along(message, path).into_iter().map(segment).collect::<Vec<_>>().join(between)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_value_of_an_enum_is_called_by_its_machine_name() {
        let ours = kefu_proto::pool().all_enums().filter(|kind| kind.full_name().starts_with("kefu."));
        for value in ours.flat_map(|kind| kind.values().collect::<Vec<_>>()) {
            let label = of_value(&value);
            assert!(label.en() != value.name() && label.zh() != value.name(), "{}", value.full_name());
        }
    }
}
