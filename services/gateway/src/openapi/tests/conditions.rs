//! Checks that the schemas accept and refuse what the chassis does where fields are given, or not, on conditions. Bodies are
//! made from the contracts, the chassis judges them, and `tools/openapi` validates the same bodies by the schemas.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use expect_test::expect_file;
use kefu_chassis::fields::{Checker, Giver};
use kefu_proto::contract::messages;
use kefu_proto::field::{FieldRules, at_least_one_of, exactly_one_of};
use kefu_proto::rules::v1::Condition;
use prost::Message as _;
use prost_reflect::{FieldDescriptor, Kind, MessageDescriptor};

use super::*;
use crate::json;
use crate::openapi::comments::Comments;
use crate::openapi::usage::Use;
use crate::openapi::{example, schema};

/// The rules of conditions, which the bodies break: on one field, on sets of fields, and on values.
const ON_FIELDS: [&str; 2] = ["REQUIRED_WHEN", "ONLY_WHEN"];
const ON_SETS: [&str; 2] = ["EXACTLY_ONE_OF", "AT_LEAST_ONE_OF"];
const ON_VALUES: [&str; 3] = ["TOO_SMALL", "TOO_LARGE", "NOT_ACCEPTED"];

/// A maker of bodies of one message.
struct Bodies<'a> {
    schemas: &'a schema::Schemas<'a>,
    message: MessageDescriptor,
    base: Value,
}

impl Bodies<'_> {
    fn field(&self, name: &str) -> FieldDescriptor {
        self.message.get_field_by_name(name).unwrap()
    }

    /// Returns the body with a field given its example, or left out.
    fn with(&self, mut body: Value, field: &FieldDescriptor, is_given: bool) -> Value {
        if is_given {
            body[field.json_name()] = example::of_field(self.schemas, field, &[]);
        } else {
            body.as_object_mut().unwrap().remove(field.json_name());
        }
        body
    }

    /// Returns the body with each value of a condition's field that makes a difference.
    fn with_values(&self, body: &Value, condition: &Condition) -> Vec<Value> {
        let on = self.field(&condition.field);
        let set = |value: Value| {
            let mut body = body.clone();
            body[on.json_name()] = value;
            body
        };
        match on.kind() {
            Kind::Enum(values) => {
                let named = |name: &str| condition.values.iter().any(|value| value == name);
                let all = values.values().filter(|value| value.number() != 0);
                let (holding, others): (Vec<_>, Vec<_>) = all.partition(|value| named(value.name()));
                holding.iter().chain(others.first()).map(|value| set(value.name().into())).collect()
            }
            Kind::Bool => vec![set(true.into()), set(false.into()), self.with(body.clone(), &on, false)],
            _ => [true, false].map(|is_given| self.with(body.clone(), &on, is_given)).to_vec(),
        }
    }

    fn holds(&self, body: &Value, condition: &Condition) -> bool {
        let value = &body[self.field(&condition.field).json_name()];
        match condition.values.as_slice() {
            [] => value.is_null() == condition.absent,
            values => values
                .iter()
                .any(|name| value == name.as_str() || value.as_bool().unwrap_or(false).to_string() == *name),
        }
    }

    /// Gives what the body demands of the other fields, so that it is wrong in `but` alone, if at all.
    fn completed(&self, mut body: Value, but: &[String]) -> Value {
        for field in self.message.fields().filter(|field| !but.iter().any(|name| name == field.name())) {
            let rules = FieldRules::of(&field);
            let is_given = !body[field.json_name()].is_null();
            if !is_given && rules.required_when.iter().any(|condition| self.holds(&body, condition)) {
                body = self.with(body, &field, true);
            }
            if is_given
                && !rules.only_when.is_empty()
                && !rules.only_when.iter().any(|condition| self.holds(&body, condition))
            {
                body = self.with(body, &field, false);
            }
        }
        body
    }

    fn all(&self) -> Vec<Value> {
        let mut all = vec![self.base.clone()];
        for field in self.message.fields() {
            let rules = FieldRules::of(&field);
            for condition in rules.required_when.iter().chain(&rules.only_when) {
                for body in self.with_values(&self.base, condition) {
                    let but = [field.name().to_owned(), condition.field.clone()];
                    all.extend(
                        [true, false].map(|is_given| self.completed(self.with(body.clone(), &field, is_given), &but)),
                    );
                }
            }
        }
        for set in exactly_one_of(&self.message).into_iter().chain(at_least_one_of(&self.message)) {
            let members: Vec<FieldDescriptor> = set.fields.iter().map(|name| self.field(name)).collect();
            let none = members.iter().fold(self.base.clone(), |body, field| self.with(body, field, false));
            all.push(none.clone());
            all.extend(members.iter().map(|field| self.with(none.clone(), field, true)));
            all.push(members.iter().take(2).fold(none, |body, field| self.with(body, field, true)));
        }
        all
    }
}

fn is_of(wrong: &str, rules: &[&str]) -> bool {
    rules.iter().any(|rule| wrong.ends_with(rule))
}

#[test]
fn the_schemas_ask_on_conditions_what_the_chassis_does() {
    let pool = DescriptorPool::decode(kefu_proto::COMMENTED).unwrap();
    let comments = Comments::read(&pool);
    let schemas = schema::Schemas::new(&pool, &comments);
    let checker = Checker::new(&pool);
    // Who may give a field is not for schemas to say.
    let anybody = Giver { subject: "staff/lin", acts_as: &|_| false };
    let mut page = String::from("[\n");
    for message in messages(&pool) {
        let of_fields: Vec<FieldRules> = message.fields().map(|field| FieldRules::of(&field)).collect();
        let asked: usize = of_fields.iter().map(|rules| rules.required_when.len() + rules.only_when.len()).sum();
        let name = [format!("{}-Input", message.full_name()), message.full_name().to_owned()];
        let name = name.into_iter().find(|name| DOCUMENT["components"]["schemas"].get(name).is_some());
        let sets = [(ON_SETS[0], exactly_one_of(&message)), (ON_SETS[1], at_least_one_of(&message))];
        let (Some(name), true) = (name, asked > 0 || sets.iter().any(|(_, sets)| !sets.is_empty())) else { continue };
        let base = example::of_message(&schemas, &message, Use::Request, &[]);
        let base: Value = serde_json::from_str(&serde_json::to_string(&Ordered(&base)).unwrap()).unwrap();
        let bodies = Bodies { schemas: &schemas, message: message.clone(), base };
        let fields = checker.fields(&message).unwrap();
        let (mut seen, mut broken, mut kept) = (BTreeSet::new(), BTreeSet::new(), 0);
        for mut body in bodies.all() {
            let read = json::read(&message, body.to_string().as_bytes(), "").unwrap();
            let (found, _) = fields.inspect(&read.encode_to_vec(), &anybody).unwrap();
            let mut wrong: Vec<String> = found
                .iter()
                .map(|violation| format!("{}: {}", violation.field, violation.wrong.rule.as_str_name()))
                .collect();
            wrong.sort();
            wrong.retain(|wrong| !wrong.ends_with("FOR_ROLES"));
            assert!(
                wrong.iter().all(|wrong| [&ON_FIELDS[..], &ON_SETS, &ON_VALUES].iter().any(|of| is_of(wrong, of))),
                "{name} {body}: {wrong:?}"
            );
            // The path has what the schema of the body lacks.
            let known = &DOCUMENT["components"]["schemas"][&name]["properties"];
            body.as_object_mut().unwrap().retain(|member, _| known.get(member).is_some());
            kept += usize::from(wrong.is_empty());
            broken.extend(wrong.clone());
            if seen.insert(body.to_string()) {
                writeln!(page, "{},", json!({"schema": name, "body": body, "wrong": wrong})).unwrap();
            }
        }
        let due = |rules: &FieldRules| {
            usize::from(!rules.required_when.is_empty()) + usize::from(!rules.only_when.is_empty())
        };
        let of_conditions = broken.iter().filter(|wrong| is_of(wrong, &ON_FIELDS)).count();
        let least = of_fields.iter().map(due).sum::<usize>();
        assert!(kept > 0 && of_conditions == least, "{name}: {kept} kept, broken: {broken:?}, of {least}");
        // A set is told of at each field that is in excess, or at one that is missing.
        for (rule, sets) in sets {
            assert!(
                sets.is_empty() || broken.iter().any(|wrong| wrong.ends_with(rule)),
                "{name}: {rule} is not broken"
            );
        }
    }
    let page = format!("{}\n]\n", page.trim_end().trim_end_matches(','));
    expect_file!["conditions.json"].assert_eq(&page);
}
