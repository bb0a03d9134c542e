//! Every condition of the contracts, broken once through a real server: on whether a field is given, by whom, and on its value.
//! The cases are read from the contracts, so that a new condition is tried as soon as it stands there.

use std::fmt::Write as _;

use kefu_proto::contract::resources;
use kefu_proto::field::{FieldRules, at_least_one_of, exactly_one_of};
use kefu_proto::rules::v1::{Condition, FieldRule, Limit, Role};
use prost::Message as _;
use prost_reflect::{
    DynamicMessage, EnumValueDescriptor, FieldDescriptor, Kind, MethodDescriptor, ReflectMessage as _, Value,
};

use super::wrong::{is_output, refers_to};
use super::{World, with};
use crate::caller::sign;
use crate::refusal::{Said, assert_chinese};

/// A request that breaks a condition.
struct Broken {
    /// The paths of the fields that the refusal must name.
    paths: Vec<String>,
    rule: FieldRule,
    clause: String,
    /// Who calls: somebody with one of these roles or, if not, with none of them; anybody who may call if empty.
    caller: (Vec<Role>, bool),
    request: DynamicMessage,
}

/// Asserts that every condition of every method is enforced: broken once, it is refused with its field, rule and clause, with a
/// sentence in both languages, and nothing changes. Returns a table of the conditions with what is said.
pub async fn assert_every_condition_is_enforced(world: &impl World) -> String {
    let (mut table, mut tried) = (String::new(), 0);
    let before = world.digest().await;
    for method in world.methods() {
        for broken in broken(&world.sample(&method), true) {
            tried += 1;
            let token = caller(world, &method, &broken.caller);
            let token = token.as_deref().unwrap_or_else(|| world.able(&method));
            let outcome = world.send(Some(token), &method, broken.request.encode_to_vec()).await;
            let about = format!("{} {:?} {:?}", method.name(), broken.paths, broken.rule);
            let said = world.said(method.name(), outcome);
            for path in &broken.paths {
                let found = said.iter().find(|said| said.field == *path && said.rule == broken.rule);
                let Said { english, chinese, .. } = found.unwrap_or_else(|| panic!("{about}: {said:?}"));
                assert!(!english.is_empty() && !chinese.is_empty(), "{about}");
                assert_chinese(chinese);
                let cites = |text: &str| broken.clause.is_empty() || text.starts_with(&broken.clause);
                assert!(
                    cites(english) && cites(chinese),
                    "{about}: {} is not cited: {english} {chinese}",
                    broken.clause
                );
                let rule = broken.rule.as_str_name();
                writeln!(table, "{}.{path} {rule}\n  {english}\n  {chinese}", method.name()).unwrap();
            }
        }
    }
    assert_eq!(world.digest().await, before);
    assert_eq!(tried, number_of_conditions(&world.methods()));
    table
}

/// A token for somebody who may call a method and has one of the roles, or none of them; none if anybody will do.
fn caller(world: &impl World, method: &MethodDescriptor, (roles, has): &(Vec<Role>, bool)) -> Option<String> {
    if roles.is_empty() {
        return None;
    }
    let may = world.bench().chassis().rules.at(&super::path(method)).unwrap().roles.clone();
    let fits = |role: &&Role| roles.contains(role) == *has && (*has || **role != Role::Customer);
    let role = *may.iter().find(fits).unwrap_or_else(|| panic!("{}: nobody breaks {roles:?}", method.name()));
    let subject = match role {
        Role::Customer => world.customer().expect("a service with customers"),
        Role::Service => "services/tests",
        Role::Admin => "staff/admin",
        _ => "staff/lin",
    };
    Some(sign(subject, &[role.as_str_name()]))
}

/// Every request that breaks one condition of a message or of one within it, made from a valid one.
///
/// A set of which too few are given is named by its first field in the request itself, and within a field by that field.
fn broken(good: &DynamicMessage, is_request: bool) -> Vec<Broken> {
    let mut found = Vec::new();
    for field in good.descriptor().fields().filter(|field| !is_output(field)) {
        found.extend(of_field(&field, good));
        found.extend(within(&field, good));
    }
    let sets = exactly_one_of(&good.descriptor()).into_iter().map(|set| (set, true));
    let sets = sets.chain(at_least_one_of(&good.descriptor()).into_iter().map(|set| (set, false)));
    for (set, is_exact) in sets {
        let rule = if is_exact { FieldRule::ExactlyOneOf } else { FieldRule::AtLeastOneOf };
        let case = |paths, request| Broken { paths, rule, clause: set.clause.clone(), caller: (vec![], true), request };
        let mut none = good.clone();
        set.fields.iter().for_each(|name| none.clear_field_by_name(name));
        found.push(case(vec![if is_request { set.fields[0].clone() } else { String::new() }], none));
        if is_exact {
            let mut all = good.clone();
            for name in &set.fields {
                let field = good.descriptor().get_field_by_name(name).unwrap();
                all.set_field(&field, given(&field, good));
            }
            found.push(case(set.fields.clone(), all));
        }
    }
    found
}

/// The requests that break the conditions of one field.
fn of_field(field: &FieldDescriptor, good: &DynamicMessage) -> Vec<Broken> {
    let rules = FieldRules::of(field);
    let mut found = Vec::new();
    let mut case = |rule, clause: &str, caller, request| {
        let (paths, clause) = (vec![field.name().to_owned()], clause.to_owned());
        found.push(Broken { paths, rule, clause, caller, request });
    };
    let anybody = || (Vec::new(), true);
    let without = || {
        let mut request = good.clone();
        request.clear_field(field);
        request
    };
    let with_it = || with(good, field.name(), given(field, good));
    for condition in &rules.required_when {
        let mut request = without();
        set_condition(&mut request, condition, true);
        case(FieldRule::RequiredWhen, &condition.clause, anybody(), request);
    }
    if let Some(first) = rules.only_when.first() {
        let mut request = with_it();
        rules.only_when.iter().for_each(|condition| set_condition(&mut request, condition, false));
        case(FieldRule::OnlyWhen, &first.clause, anybody(), request);
    }
    if !rules.for_roles.is_empty() {
        // Everybody may name themselves.
        let other =
            refers_to(field).map_or_else(with_it, |kind| with(good, field.name(), Value::String(name_of(&kind))));
        case(FieldRule::ForRoles, "", (rules.for_roles.clone(), false), other);
    }
    for role in &rules.not_for_roles {
        case(FieldRule::NotForRoles, "", (vec![*role], true), with_it());
    }
    for role in &rules.required_for_roles {
        case(FieldRule::RequiredForRoles, "", (vec![*role], true), without());
    }
    for limit in &rules.limits {
        for (rule, value) in beyond(field, limit) {
            let mut request = with(good, field.name(), value);
            if let Some(when) = &limit.when {
                set_condition(&mut request, when, true);
            }
            case(rule, &limit.clause, (limit.roles().collect(), true), request);
        }
    }
    if let Some(earlier) = &rules.later_than {
        let earlier = good.descriptor().get_field_by_name(earlier).unwrap();
        let time = given(&earlier, good);
        let both = with(&with(good, earlier.name(), time.clone()), field.name(), time);
        case(FieldRule::TooEarly, "", anybody(), both);
    }
    for set in &rules.at_most_one_of {
        let Kind::Enum(kind) = field.kind() else { panic!("{} is no list of an enum", field.full_name()) };
        let numbers = set.values.iter().take(2).map(|name| kind.get_value_by_name(name).unwrap().number());
        let both = Value::List(numbers.map(Value::EnumNumber).collect());
        case(FieldRule::AtMostOneOf, &set.clause, anybody(), with(good, field.name(), both));
    }
    found
}

/// The requests that break a condition within the message that a field holds, or within its first item.
fn within(field: &FieldDescriptor, good: &DynamicMessage) -> Vec<Broken> {
    let Kind::Message(inner) = field.kind() else { return Vec::new() };
    if !inner.full_name().starts_with("kefu.") || field.is_map() {
        return Vec::new();
    }
    let value = good.get_field(field);
    let present = value.as_list().map_or(Some(&*value), |items| items.first()).and_then(Value::as_message);
    let present = present.cloned().unwrap_or_else(|| DynamicMessage::new(inner));
    let index = if field.is_list() { "[0]" } else { "" };
    let path = format!("{}{index}", field.name());
    let outer = |case: Broken| {
        let below = |inner: &String| if inner.is_empty() { path.clone() } else { format!("{path}.{inner}") };
        let value = Value::Message(case.request);
        let value = if field.is_list() { Value::List(vec![value]) } else { value };
        Broken { paths: case.paths.iter().map(below).collect(), request: with(good, field.name(), value), ..case }
    };
    broken(&present, false).into_iter().map(outer).collect()
}

/// Values beyond a limit, with the rule that they break.
fn beyond(field: &FieldDescriptor, limit: &Limit) -> Vec<(FieldRule, Value)> {
    let mut found = Vec::new();
    if let Kind::Enum(kind) = field.kind() {
        let is_other =
            |value: &EnumValueDescriptor| value.number() != 0 && limit.values.iter().all(|name| name != value.name());
        let other = kind.values().find(is_other).expect("a limit leaves something out");
        found.push((FieldRule::NotAccepted, Value::EnumNumber(other.number())));
    }
    let number = |number: i64| match field.kind() {
        Kind::Int64 => Value::I64(number),
        _ => Value::I32(i32::try_from(number).unwrap()),
    };
    found.extend(limit.at_least.map(|least| (FieldRule::TooSmall, number(least - 1))));
    found.extend(limit.at_most.map(|most| (FieldRule::TooLarge, number(most + 1))));
    found
}

/// A value of a field as the request has it, or one that the field's own rules allow.
fn given(field: &FieldDescriptor, good: &DynamicMessage) -> Value {
    if good.has_field(field) {
        return good.get_field(field).into_owned();
    }
    let rules = FieldRules::of(field);
    let one = match field.kind() {
        Kind::String => Value::String(match refers_to(field) {
            Some(kind) => name_of(&kind),
            None if rules.email => "wang@example.com".into(),
            None if rules.pattern.as_deref().is_some_and(|pattern| pattern.contains("[A-Z]{3}")) => "CNY".into(),
            None if rules.pattern.as_deref().is_some_and(|pattern| pattern.contains("[0-9]")) => "8021".into(),
            None => "有".into(),
        }),
        Kind::Enum(_) => Value::EnumNumber(1),
        Kind::Bool => Value::Bool(true),
        Kind::Int32 => Value::I32(1),
        Kind::Int64 => Value::I64(1),
        Kind::Message(held) if held.full_name() == "google.protobuf.Timestamp" => {
            let seconds = Value::I64(1_767_600_000);
            Value::Message(with(&DynamicMessage::new(held), "seconds", seconds))
        }
        kind => panic!("{}: a value of {kind:?} is not known here", field.full_name()),
    };
    if field.is_list() { Value::List(vec![one]) } else { one }
}

/// A name that a resource of a kind may have, and that is not the caller's.
fn name_of(kind: &str) -> String {
    let known = resources(kefu_proto::pool()).into_iter().find(|resource| resource.kind == kind);
    let pattern = known.expect("a declared kind").patterns.first().cloned().unwrap_or_default();
    let segments = pattern.split('/').map(|segment| if segment.starts_with('{') { "zhao" } else { segment });
    segments.collect::<Vec<_>>().join("/")
}

/// Makes a condition hold in a request, or not.
fn set_condition(request: &mut DynamicMessage, condition: &Condition, holds: bool) {
    let other = request.descriptor().get_field_by_name(&condition.field).unwrap();
    let value = match other.kind() {
        Kind::Enum(values) => {
            let named = |value: &EnumValueDescriptor| condition.values.iter().any(|name| name == value.name());
            let found = values.values().find(|value| value.number() != 0 && named(value) == holds).unwrap();
            Value::EnumNumber(found.number())
        }
        Kind::Bool => Value::Bool(condition.values.iter().any(|value| value == "true") == holds),
        _ if holds != condition.absent => given(&other, request),
        _ => return request.clear_field(&other),
    };
    request.set_field(&other, value);
}

/// The number of conditions that the requests of methods have, counted apart from [`broken`].
fn number_of_conditions(methods: &[MethodDescriptor]) -> usize {
    let mut found = 0;
    for method in methods {
        let mut open = vec![method.input()];
        while let Some(message) = open.pop() {
            found += 2 * exactly_one_of(&message).len() + at_least_one_of(&message).len();
            for field in message.fields() {
                let rules = FieldRules::of(&field);
                found += rules.required_when.len() + usize::from(!rules.only_when.is_empty());
                found += usize::from(!rules.for_roles.is_empty()) + rules.not_for_roles.len();
                found += rules.required_for_roles.len() + rules.at_most_one_of.len() + rules.limits.len();
                found += usize::from(rules.later_than.is_some());
                if let Kind::Message(inner) = field.kind()
                    && inner.full_name().starts_with("kefu.")
                    && !rules.is_output
                {
                    open.push(inner);
                }
            }
        }
    }
    found
}
