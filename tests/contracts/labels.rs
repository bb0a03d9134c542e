//! Checks that people have a name for every field, enum value and method, in both languages, and that it reads as theirs.

use std::collections::{BTreeMap, BTreeSet};

use kefu_proto::contract::{messages, methods, resources};
use kefu_proto::labels::{Label, Labels, chinese, english};
use prost_reflect::DescriptorPool;

use super::words_hold;

/// The longest label and the longest help, in characters.
const LONGEST: [(usize, usize); 2] = [(45, 140), (18, 60)];

fn languages() -> [(&'static str, &'static Labels); 2] {
    [("English", english()), ("Chinese", chinese())]
}

#[test]
fn everything_has_a_label_in_both_languages() {
    let things =
        ["kefu.words.v1.Thing.colour", "kefu.words.v1.Thing.State.RED", "kefu.words.v1.WordService.ColourThing"];
    let expected =
        ["English", "Chinese"].map(|language| things.map(|thing| format!("{thing} has no {language} label")));
    words_hold(missing, &expected.as_flattened().iter().map(String::as_str).collect::<Vec<_>>());
}

#[test]
fn no_two_things_beside_each_other_have_the_same_label() {
    let both = "kefu.words.v1.Thing has acknowledge_time and acknowledged_time both as";
    words_hold(
        doubled,
        &[&format!("{both} Time of acknowledgement in English"), &format!("{both} 确认收悉时间 in Chinese")],
    );
}

#[test]
fn labels_and_helps_read_as_people_write() {
    let mut problems = Vec::new();
    for (place, (language, labels)) in languages().into_iter().enumerate() {
        let all = [&labels.fields, &labels.values, &labels.methods].into_iter().flatten();
        problems.extend(
            all.flat_map(|(name, label)| wrong(place, label).map(move |what| format!("{language} {name}: {what}"))),
        );
    }
    assert!(problems.is_empty(), "\n{}", problems.join("\n"));
}

#[test]
fn a_label_that_is_a_machines_name_is_found() {
    let label = |label: &str, help: &str| Label { label: label.to_owned(), help: help.to_owned() };
    let wrong = |place, text: &str, help: &str| wrong(place, &label(text, help)).collect::<Vec<_>>();
    assert_eq!(wrong(0, "Time of contact", "When the customer came."), [""; 0]);
    assert_eq!(wrong(1, "联系时间", "客户何时联系。"), [""; 0]);
    for (place, text, help) in [
        (0, "contact_time", "When the customer came."),
        (0, "contactTime", "When the customer came."),
        (0, "IN_PROGRESS", "When the customer came."),
        (0, "Time of contact.", "When the customer came."),
        (0, "Time of contact", "When the customer came"),
        (0, "联系时间", "When the customer came."),
        (1, "Time", "客户何时联系。"),
        (1, "联系ID", "客户何时联系。"),
        (1, "联系时间", "见 request_id。"),
        (1, "联系时间。", "客户何时联系。"),
        (1, "联系时间", "客户何时联系"),
    ] {
        assert!(!wrong(place, text, help).is_empty(), "{text} {help}");
    }
}

#[test]
fn no_label_is_of_a_thing_that_is_not_there() {
    let pool = kefu_proto::pool();
    let fields: BTreeSet<String> = messages(pool)
        .flat_map(|message| message.fields().collect::<Vec<_>>())
        .flat_map(|field| [field.full_name().to_owned(), field.name().to_owned()])
        .collect();
    let values: BTreeSet<String> = pool
        .all_enums()
        .flat_map(|kind| {
            kind.values().map(|value| format!("{}.{}", kind.full_name(), value.name())).collect::<Vec<_>>()
        })
        .collect();
    let methods: BTreeSet<String> = methods(pool).iter().map(|method| method.name().to_owned()).collect();
    for (language, labels) in languages() {
        for (known, given) in [(&fields, &labels.fields), (&values, &labels.values), (&methods, &labels.methods)] {
            let stray: Vec<&String> = given.keys().filter(|name| !known.contains(*name)).collect();
            assert!(stray.is_empty(), "{language}: {stray:?}");
        }
        let kinds: BTreeSet<String> = resources(pool).into_iter().map(|resource| resource.kind).collect();
        let stray: Vec<&String> =
            labels.resources.keys().filter(|kind| !kinds.contains(&format!("kefu/{kind}"))).collect();
        assert!(stray.is_empty(), "{language}: {stray:?}");
    }
}

fn missing(pool: &DescriptorPool) -> Vec<String> {
    let mut found = Vec::new();
    for (language, labels) in languages() {
        let mut check = |name: &str, label: Option<&Label>| {
            if label.is_none() {
                found.push(format!("{name} has no {language} label"));
            }
        };
        for field in messages(pool)
            .filter(|message| !message.is_map_entry())
            .flat_map(|message| message.fields().collect::<Vec<_>>())
        {
            check(field.full_name(), labels.field(&field));
        }
        for kind in pool.all_enums().filter(|kind| kind.full_name().starts_with("kefu.")) {
            for value in kind.values().filter(|value| value.number() != 0) {
                check(&format!("{}.{}", kind.full_name(), value.name()), labels.value(&value));
            }
        }
        for method in methods(pool) {
            check(method.full_name(), labels.method(method.name()));
        }
        let unnamed = resources(pool).into_iter().filter(|resource| labels.resource(&resource.kind).is_none());
        found.extend(unnamed.map(|resource| format!("{} has no {language} label", resource.kind)));
    }
    found
}

fn doubled(pool: &DescriptorPool) -> Vec<String> {
    let mut found = Vec::new();
    for (language, labels) in languages() {
        let mut check = |of: &str, members: Vec<(String, Option<&Label>)>| {
            let mut known: BTreeMap<&str, String> = BTreeMap::new();
            for (name, label) in members {
                let Some(label) = label else { continue };
                if let Some(other) = known.insert(&label.label, name.clone()) {
                    found.push(format!("{of} has {other} and {name} both as {} in {language}", label.label));
                }
            }
        };
        for message in messages(pool).filter(|message| !message.is_map_entry()) {
            let members = message.fields().map(|field| (field.name().to_owned(), labels.field(&field)));
            check(message.full_name(), members.collect());
        }
        for kind in pool.all_enums().filter(|kind| kind.full_name().starts_with("kefu.")) {
            let members = kind.values().map(|value| (value.name().to_owned(), labels.value(&value)));
            check(kind.full_name(), members.collect());
        }
        check(
            "the contracts",
            methods(pool).iter().map(|method| (method.name().to_owned(), labels.method(method.name()))).collect(),
        );
    }
    found
}

/// What is wrong with a label of a language: 0 for English, 1 for Chinese.
fn wrong(place: usize, label: &Label) -> impl Iterator<Item = String> {
    let Label { label: text, help } = label;
    let (longest, longest_help) = LONGEST[place];
    let is_han = |sign: char| ('\u{4e00}'..='\u{9fff}').contains(&sign);
    let has_hump = text
        .split(' ')
        .any(|word| word.chars().skip(1).any(char::is_uppercase) && word.chars().any(char::is_lowercase));
    let is_shouted = |word: &str| word.len() > 4 && word.chars().all(|sign| sign.is_ascii_uppercase());
    let in_language = if place == 0 {
        !text.contains(is_han) && !help.contains(is_han) && !text.split(' ').any(is_shouted)
    } else {
        text.contains(is_han) && ![text, help].iter().any(|text| text.contains(|sign: char| sign.is_ascii_alphabetic()))
    };
    let checks = [
        (in_language, "is not written in the language"),
        (!text.contains('_') && !has_hump, "is a machine's name"),
        (!text.ends_with(['.', '。', '，', '；', '：']), "ends like a sentence"),
        (help.ends_with(if place == 0 { '.' } else { '。' }), "has a help that is no sentence"),
        (text.chars().count() <= longest && help.chars().count() <= longest_help, "is too long"),
    ];
    let shown = format!("{text} – {help}");
    checks.into_iter().filter(|(holds, _)| !holds).map(move |(_, what)| format!("{what}: {shown}"))
}
