//! What people have to know of whether a field is given, and of its value. The English names fields and values as JSON does,
//! the Chinese by their labels.

use kefu_chassis::labels;
use kefu_chassis::language::Language;
use kefu_proto::field::{at_least_one_of, exactly_one_of};
use kefu_proto::rules::v1::{Condition, FieldSet, Limit, Role};
use prost_reflect::{FieldDescriptor, Kind, MessageDescriptor};

use crate::openapi::value::Rules;

/// Returns the sentences about a field; empty if there are no conditions on it.
pub fn sentences(field: &FieldDescriptor, rules: &Rules, language: Language) -> String {
    let message = field.parent_message();
    let any = |conditions: &[Condition]| {
        let told = conditions.iter().map(|given| condition(message, given, language));
        told.collect::<Vec<_>>().join(pick(language, ", or ", "，或"))
    };
    let mut all = Vec::new();
    if !rules.required_when.is_empty() {
        let when = any(&rules.required_when);
        all.push(pick(language, format!("Required when {when}."), format!("{when}时必填。")));
    }
    if !rules.only_when.is_empty() {
        let when = any(&rules.only_when);
        all.push(pick(language, format!("Only when {when}."), format!("仅在{when}时填写。")));
    }
    all.extend(of_roles(rules, language));
    all.extend(rules.limits.iter().map(|given| limit(field, given, language)));
    if let Some(earlier) = rules.later_than.as_deref().and_then(|name| message.get_field_by_name(name)) {
        let (name, label) = (earlier.json_name(), labels::of_field(&earlier));
        all.push(pick(language, format!("Later than `{name}`."), format!("须晚于「{}」。", label.zh())));
    }
    for set in &rules.at_most_one_of {
        let (en, zh) = values(field, &set.values, ", ", "");
        all.push(pick(language, format!("At most one of {en}."), format!("{zh}最多选择一项。")));
    }
    let sets = [
        (exactly_one_of(message), "Exactly one of", "须且只能填写一项"),
        (at_least_one_of(message), "At least one of", "至少填写一项"),
    ];
    for (sets, en, zh) in sets {
        for set in sets.iter().filter(|set| set.fields.iter().any(|name| name == field.name())) {
            let (names, labels) = fields(message, set);
            all.push(pick(language, format!("{en} {names} is given."), format!("{labels}{zh}。")));
        }
    }
    all.join(pick(language, " ", ""))
}

fn of_roles(rules: &Rules, language: Language) -> Vec<String> {
    let mut all = Vec::new();
    if !rules.for_roles.is_empty() {
        let (en, zh) = roles(&rules.for_roles);
        let is_own = rules.may_be_own();
        let others = if is_own { ("; others may name themselves", "，其他人只能填写本人") } else { ("", "") };
        all.push(pick(language, format!("Given by {en} only{}.", others.0), format!("仅由{zh}填写{}。", others.1)));
    }
    if !rules.not_for_roles.is_empty() {
        let (en, zh) = roles(&rules.not_for_roles);
        all.push(pick(language, format!("Not given by {en}."), format!("{zh}不得填写。")));
    }
    if !rules.required_for_roles.is_empty() {
        let (en, zh) = roles(&rules.required_for_roles);
        all.push(pick(language, format!("Required of {en}."), format!("{zh}必填。")));
    }
    all
}

/// Returns the sentence of a limit: `When …, of …: only …, at least …, at most ….`
fn limit(field: &FieldDescriptor, limit: &Limit, language: Language) -> String {
    let when = limit.when.as_ref().map(|when| condition(field.parent_message(), when, language));
    let when = when.map(|when| pick(language, format!("when {when}"), format!("{when}时")));
    let of = (!limit.roles.is_empty()).then(|| {
        let (en, zh) = roles(&limit.roles().collect::<Vec<_>>());
        pick(language, format!("of {en}"), format!("{zh}填写时"))
    });
    let only = (!limit.values.is_empty()).then(|| {
        let (en, zh) = values(field, &limit.values, " or ", "或");
        pick(language, format!("only {en}"), format!("只能为{zh}"))
    });
    let least = limit.at_least.map(|least| pick(language, format!("at least {least}"), format!("不小于{least}")));
    let most = limit.at_most.map(|most| pick(language, format!("at most {most}"), format!("不大于{most}")));
    let comma = pick(language, ", ", "，");
    let join = |parts: Vec<Option<String>>| parts.into_iter().flatten().collect::<Vec<_>>().join(comma);
    let (circumstances, bounds) = (join(vec![when, of]), join(vec![only, least, most]));
    let colon = if circumstances.is_empty() { "" } else { pick(language, ": ", "，") };
    pick(
        language,
        capitalised(&format!("{circumstances}{colon}{bounds}.")),
        format!("{circumstances}{colon}{bounds}。"),
    )
}

fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

fn pick<T>(language: Language, en: T, zh: T) -> T {
    match language {
        Language::English => en,
        Language::Chinese => zh,
    }
}

/// Returns the fields of a set as JSON names them, and as people call them in Chinese.
fn fields(message: &MessageDescriptor, set: &FieldSet) -> (String, String) {
    let fields: Vec<_> = set.fields.iter().filter_map(|name| message.get_field_by_name(name)).collect();
    let names: Vec<String> = fields.iter().map(|field| format!("`{}`", field.json_name())).collect();
    let labels: Vec<String> = fields.iter().map(|field| format!("「{}」", labels::of_field(field).zh())).collect();
    (names.join(", "), labels.concat())
}

/// Returns roles as programs name them, with their labels, and as people call them in Chinese.
fn roles(roles: &[Role]) -> (String, String) {
    let labels = labels::of_roles(roles);
    let en = roles.iter().zip(&labels).map(|(role, label)| format!("`{}` ({})", role.as_str_name(), label.en()));
    let zh = labels.iter().map(|label| format!("「{}」", label.zh()));
    (en.collect::<Vec<_>>().join(" or "), zh.collect::<Vec<_>>().join("或"))
}

/// Returns values of a field as programs name them, and as people call them in Chinese.
fn values(field: &FieldDescriptor, values: &[String], en: &str, zh: &str) -> (String, String) {
    let names: Vec<String> = values.iter().map(|value| format!("`{value}`")).collect();
    let labels: Vec<String> = values.iter().map(|value| format!("「{}」", value_label(field, value))).collect();
    (names.join(en), labels.join(zh))
}

fn condition(message: &MessageDescriptor, condition: &Condition, language: Language) -> String {
    let Some(field) = message.get_field_by_name(&condition.field) else { return String::new() };
    let (name, label) = (field.json_name(), labels::of_field(&field));
    let label = label.zh();
    match condition.values.as_slice() {
        [] if condition.absent => pick(language, format!("`{name}` is not given"), format!("未填写「{label}」")),
        [] => pick(language, format!("`{name}` is given"), format!("填写「{label}」")),
        given => {
            let (en, zh) = values(&field, given, " or ", "或");
            pick(language, format!("`{name}` is {en}"), format!("「{label}」为{zh}"))
        }
    }
}

/// Returns what people call a value of a field in Chinese.
fn value_label(field: &FieldDescriptor, value: &str) -> String {
    match field.kind() {
        Kind::Enum(kind) => labels::of_named_value(kind.full_name(), value).zh().to_owned(),
        _ if value == "true" => "是".to_owned(),
        _ => "否".to_owned(),
    }
}
