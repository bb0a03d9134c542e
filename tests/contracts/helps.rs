//! Checks that a help does not say that a field may stay empty, or has to be given, where the contract says otherwise. A help by
//! a bare name serves the fields of many messages.

use kefu_proto::contract::messages;
use kefu_proto::field::FieldRules;
use kefu_proto::labels::{chinese, english};
use prost_reflect::{DescriptorPool, FieldDescriptor};

use super::{comment, words_hold};

/// Words of a help that say that the field may be empty, in English and in Chinese.
const EMPTY: [&[&str]; 2] =
    [&["empty", "if any", "if left", "may stay", "optional"], &["为空", "不填", "选填", "可空", "则空", "留空"]];
/// Words of a help that say that the field has to be given.
const GIVEN: [&[&str]; 2] = [&["required", "needed only"], &["必填", "须填", "需要填写"]];
/// Words of a comment that say when a field is not given.
const MAY_BE_EMPTY: [&str; 10] =
    ["unset", "empty", "if ", "none", "absent", "unspecified", "unless", "until", "while", "when 0"];
/// Words of a comment that say when a field has to be given.
const MUST_BE_GIVEN: [&str; 4] = ["required", "if there is none", "counts only", "when"];

fn wrong(pool: &DescriptorPool) -> Vec<String> {
    let mut found = Vec::new();
    for message in messages(pool).filter(|message| !message.is_map_entry()) {
        found.extend(message.fields().flat_map(|field| wrong_helps(&field)));
    }
    found
}

/// What the helps of a field say against its contract, one problem a language and kind.
fn wrong_helps(field: &FieldDescriptor) -> Vec<String> {
    let rules = FieldRules::of(field);
    let comment = comment(&field.parent_message().parent_file(), field.path()).to_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| comment.contains(word));
    let is_never_empty = rules.required || !says(&MAY_BE_EMPTY);
    let may_be_left_out = !rules.required && rules.required_when.is_empty() && !says(&MUST_BE_GIVEN);
    let mut found = Vec::new();
    for (place, (language, labels)) in [("English", english()), ("Chinese", chinese())].into_iter().enumerate() {
        let Some(label) = labels.field(field) else { continue };
        let help = label.help.to_lowercase();
        let tells = |words: &[&str]| words.iter().any(|word| help.contains(word));
        let (name, help) = (field.full_name(), &label.help);
        if tells(EMPTY[place]) && is_never_empty {
            found.push(format!("{name} is always given, unlike its {language} help: {help}"));
        }
        if tells(GIVEN[place]) && may_be_left_out {
            found.push(format!("{name} may be left out, unlike its {language} help: {help}"));
        }
    }
    found
}

#[test]
fn a_help_agrees_with_every_field_that_it_serves() {
    let always = "kefu.words.v1.Thing.effect is always given, unlike its";
    let left_out = "kefu.words.v1.Thing.currency_code may be left out, unlike its";
    words_hold(
        wrong,
        &[
            &format!("{always} English help: {}", english().fields["effect"].help),
            &format!("{always} Chinese help: {}", chinese().fields["effect"].help),
            &format!("{left_out} English help: {}", english().fields["currency_code"].help),
            &format!("{left_out} Chinese help: {}", chinese().fields["currency_code"].help),
        ],
    );
}
