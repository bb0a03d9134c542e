//! Checks that every method states the clauses it serves, its audience, and the resources that callers may reach by it.

use std::collections::{HashMap, HashSet};

use kefu_proto::rules::v1::{Access, Role, Rule};
use kefu_regulation::Regulation;
use prost_reflect::{DescriptorPool, Kind, MessageDescriptor, MethodDescriptor};

use super::holds;
use kefu_proto::contract::{audience, field_at, methods, reference, roles, rule};

#[test]
fn every_method_has_a_rule_that_can_be_enforced() {
    holds(
        problems,
        &[
            &["Bare", "no rule"],
            &["Empty", "no audience"],
            &["Empty", "no access"],
            &["Empty", "either clauses or a reason"],
            &["Confused", "either clauses or a reason"],
            &["Confused", "Z9.9"],
            &["Confused", "no audience"],
            &["Confused", "nowhere"],
            &["Confused", "resumed", "nothing"],
            &["Unaimed", "names no resource"],
        ],
    );
}

#[test]
fn every_audience_has_roles_of_its_own() {
    holds(audiences, &[&["Audience.NOBODY", "no roles"], &["Audience.DESK_AGAIN", "kefu.rules.v1.Audience.DESK"]]);
}

#[test]
fn every_audience_is_named_by_a_method() {
    let pool = kefu_proto::pool();
    let named: HashSet<i32> = methods(pool).iter().filter_map(rule).map(|rule| rule.audience).collect();
    let audiences = pool.get_enum_by_name("kefu.rules.v1.Audience").unwrap();
    for audience in audiences.values().filter(|audience| audience.number() != 0) {
        assert!(named.contains(&audience.number()), "no method is for {}", audience.name());
    }
}

/// Returns the audiences without roles, and those with the same roles as another.
fn audiences(pool: &DescriptorPool) -> Vec<String> {
    let enums = pool.all_enums().filter(|known| known.full_name().starts_with("kefu.") && known.name() == "Audience");
    let mut by_roles: HashMap<Vec<Role>, String> = HashMap::new();
    let mut found = Vec::new();
    for audience in enums.flat_map(|known| known.values().collect::<Vec<_>>()).filter(|value| value.number() != 0) {
        let name = format!("{}.{}", audience.parent_enum().full_name(), audience.name());
        let roles = roles(&audience);
        if roles.is_empty() {
            found.push(format!("{name} has no roles"));
        } else if let Some(same) = by_roles.insert(roles, name.clone()) {
            found.push(format!("{name} has the same roles as {same}"));
        }
    }
    found
}

fn problems(pool: &DescriptorPool) -> Vec<String> {
    let check = |method: &MethodDescriptor| {
        let found = rule(method).map_or_else(|| vec!["has no rule".to_owned()], |rule| check(method, &rule));
        found.into_iter().map(|problem| format!("{}: {problem}", method.full_name())).collect::<Vec<_>>()
    };
    methods(pool).iter().flat_map(check).collect()
}

fn check(method: &MethodDescriptor, rule: &Rule) -> Vec<String> {
    let mut found = Vec::new();
    let mut wrong = |holds: bool, problem: String| {
        if !holds {
            found.push(problem);
        }
    };
    wrong(audience(method.parent_pool(), rule).is_some(), "has no audience: nobody may call it".into());
    wrong(rule.access() != Access::Unspecified, "has no access".into());
    wrong(
        rule.clauses.is_empty() != rule.support.trim().is_empty(),
        "must have either clauses or a reason for none".into(),
    );
    for clause in &rule.clauses {
        wrong(
            Regulation::standard().clause(clause).is_some(),
            format!("cites {clause}, which the rule book does not have"),
        );
    }
    if !rule.resource_field.is_empty() {
        let field = field_at(&method.input(), &rule.resource_field);
        wrong(
            field.is_some_and(|field| matches!(field.kind(), Kind::String) && !field.is_list()),
            format!("its resource field {} is nowhere in the request", rule.resource_field),
        );
    } else if rule.access() != Access::Any && rule.access() != Access::Unspecified {
        // A list shows what the caller may see; every other method is about one resource, which the rule must name.
        let names_one = method
            .input()
            .fields()
            .any(|field| field.name() == "name" || (reference(&field).is_some() && !is_list(method)));
        wrong(!names_one, "is bounded in access but names no resource".into());
    }
    let place = |message: &MessageDescriptor, path: &str| field_at(message, path).map(|field| field.kind());
    let (after, of) = (&rule.resume_field, &rule.position_field);
    if !after.is_empty() || !of.is_empty() {
        let kinds = (place(&method.input(), after), place(&method.output(), of));
        wrong(
            method.is_server_streaming() && kinds.0.is_some() && kinds.0 == kinds.1,
            format!("cannot be resumed at {after} from {of}"),
        );
    }
    found
}

fn is_list(method: &MethodDescriptor) -> bool {
    ["List", "Summarize", "Watch"].iter().any(|verb| method.name().starts_with(verb))
}
