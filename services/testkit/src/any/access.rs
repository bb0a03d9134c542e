//! Who may call what, and touch which resource: every method with every token and role, as its rule says.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use kefu_chassis::identity::signer::{Grant, Signer};
use kefu_proto::rules::v1::{Access, ErrorReason, Role};
use prost::Message as _;
use prost_reflect::{MethodDescriptor, Value};
use serde_json::{Value as Json, json};
use tonic::{Code, Status};

use super::bad_input::NOBODY;
use super::wrong::wrongs;
use super::{World, has, path, with, with_text};
use crate::caller::{sign, signer};
use crate::refusal::{Refusal, assert_refused};

const DESK: &str = "departments/desk";
const STALE: &str = "\"999\"";

/// A token of the known issuer and key, with other claims.
fn claiming(change: impl FnOnce(&mut Json)) -> String {
    let good = sign("staff/admin", &["ADMIN"]);
    let parts: Vec<&str> = good.split('.').collect();
    let mut claims: Json = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(parts[1]).unwrap()).unwrap();
    change(&mut claims);
    let signed = format!("{}.{}", parts[0], URL_SAFE_NO_PAD.encode(claims.to_string()));
    let signature = URL_SAFE_NO_PAD.encode(signer().sign(signed.as_bytes()));
    format!("{signed}.{signature}")
}

fn bad_tokens() -> Vec<(&'static str, Option<String>)> {
    let issued = |claims: &Json| claims["iat"].as_i64().unwrap();
    let grant =
        Grant { subject: "staff/admin".into(), roles: vec!["ADMIN".into()], ttl: std::time::Duration::from_mins(5) };
    vec![
        ("none", None),
        ("empty", Some(String::new())),
        ("garbage", Some("x.y.z".into())),
        ("expired", Some(claiming(|claims| claims["exp"] = json!(issued(claims) - 60)))),
        ("not yet", Some(claiming(|claims| claims["nbf"] = json!(issued(claims) + 600)))),
        ("for others", Some(claiming(|claims| claims["aud"] = json!("shop")))),
        ("of another issuer", Some(claiming(|claims| claims["iss"] = json!("https://elsewhere")))),
        ("for nobody", Some(claiming(|claims| claims["sub"] = json!("robots/1")))),
        ("signed by another", Some(Signer::generate().unwrap().token(&grant).unwrap())),
    ]
}

/// No method answers without a token that holds.
pub async fn assert_a_token_is_needed(world: &impl World) {
    let before = world.digest().await;
    let sound = claiming(|claims| claims["jti"] = json!("1"));
    world.call(&sound, "ListDuties", world.json("ListDuties")).await.unwrap();
    for method in world.methods() {
        for (what, token) in bad_tokens() {
            let outcome = world.send(token.as_deref(), &method, world.sample(&method).encode_to_vec()).await;
            let refusal = assert_refused(outcome, Code::Unauthenticated, ErrorReason::TokenInvalid);
            assert_eq!(refusal.status.message(), "a valid bearer token is needed", "{what}");
        }
    }
    let service = world.methods()[0].parent_service().full_name().to_owned();
    let unknown = world.send_to(&format!("/{service}/Erase"), Some(world.admin()), vec![vec![]]).await;
    assert_refused(unknown, Code::Unimplemented, ErrorReason::MethodUnknown);
    assert_eq!(world.digest().await, before);
}

/// A caller with one role.
fn only(role: Role, world: &impl World) -> String {
    let nobody = format!("customers/{NOBODY}");
    let subject = match role {
        Role::Customer => world.customer().unwrap_or(&nobody),
        Role::Service => "services/tests",
        _ => "staff/lin",
    };
    sign(subject, &[role.as_str_name()])
}

fn roles() -> impl Iterator<Item = Role> {
    (1..).map_while(|number| Role::try_from(number).ok())
}

/// A role may call exactly the methods whose rule lists it.
pub async fn assert_roles_may_call_what_their_rules_list(world: &impl World) {
    assert_eq!(roles().count(), 12);
    let before = world.digest().await;
    let (mut allowed, mut refused) = (0, 0);
    for role in roles() {
        let token = only(role, world);
        for method in world.methods() {
            let rule = world.bench().chassis().rules.at(&path(&method)).unwrap();
            let good = world.sample(&method);
            if rule.roles.contains(&role) {
                // Told what is wrong with the call, the caller has passed the gate; nothing is done.
                let wrong = wrongs(&good).into_iter().find(|wrong| !wrong.path.contains('['));
                let request = wrong.as_ref().map_or(&good, |wrong| &wrong.request);
                let outcome = world.send(Some(&token), &method, request.encode_to_vec()).await;
                match wrong {
                    Some(_) => {
                        assert_refused(outcome, Code::InvalidArgument, ErrorReason::FieldInvalid);
                    }
                    None => assert!(outcome.is_ok(), "{}: {outcome:?}", method.name()),
                }
                allowed += 1;
            } else {
                let outcome = world.send(Some(&token), &method, good.encode_to_vec()).await;
                assert_refused(outcome, Code::PermissionDenied, ErrorReason::RoleMissing);
                refused += 1;
            }
        }
    }
    assert_eq!(world.digest().await, before);
    assert_eq!(allowed + refused, 12 * world.methods().len());
    let none = sign("staff/lin", &["BOSS", "CUSTOMER", "ROLE_UNSPECIFIED"]);
    for method in world.methods() {
        let outcome = world.send(Some(&none), &method, world.sample(&method).encode_to_vec()).await;
        assert_refused(outcome, Code::PermissionDenied, ErrorReason::RoleMissing);
    }
}

/// Callers with one role each: who they are, and whether an employee's resource of staff/lin at the desk, or a customer's,
/// is within a department's reach and within their own.
struct Someone {
    subject: String,
    role: Role,
    department: &'static str,
}

fn people(world: &impl World) -> Vec<Someone> {
    let is = |subject: &str, role, department| Someone { subject: subject.to_owned(), role, department };
    let other = "departments/other";
    let mut people = vec![
        is("staff/lin", Role::Agent, DESK),
        is("staff/lin", Role::Agent, other),
        is("staff/mei", Role::Agent, DESK),
        is("staff/mei", Role::Agent, ""),
        is("staff/zhao", Role::Agent, other),
        is("staff/mei", Role::Technician, DESK),
        is("staff/zhao", Role::Technician, other),
        is("staff/boss", Role::Supervisor, DESK),
        is("staff/boss", Role::Supervisor, ""),
        is("staff/chief", Role::Supervisor, other),
        is("staff/boss", Role::Manager, DESK),
        is("staff/chief", Role::Manager, other),
        is("staff/ceo", Role::Executive, ""),
        is("staff/office", Role::Office, other),
        is("staff/admin", Role::Admin, ""),
        is("services/web", Role::Service, ""),
        is(&format!("customers/{NOBODY}"), Role::Customer, DESK),
    ];
    let customers = [world.customer(), world.other_customer()].into_iter().flatten();
    people.extend(customers.map(|customer| is(customer, Role::Customer, "")));
    people
}

/// Whether `access` reaches what a good request acts on: as rules.proto words it.
fn reaches(someone: &Someone, access: Access, world: &impl World, method: &str) -> bool {
    let (owner, department) = world.holder(method);
    let (owns, near) = (someone.subject == owner, someone.department == department);
    match (someone.role, access) {
        (Role::Customer, _) => world.customer() == Some(&someone.subject),
        (_, Access::Self_) => owns,
        (Role::Executive | Role::Office | Role::Admin | Role::Service, _) | (_, Access::Any) => true,
        (_, Access::Department) | (Role::Supervisor | Role::Manager, Access::Own) => owns || near,
        (_, Access::Own) => owns,
        (_, Access::Unspecified) => false,
    }
}

/// Each caller touches what the access of a method lets them, and learns of nothing else. How many calls reached something,
/// and from how many it was hidden.
pub async fn assert_access_reaches_what_it_should(world: &impl World) -> (usize, usize) {
    let before = world.digest().await;
    let (mut reached, mut hidden, mut seen) = (0, 0, BTreeSet::new());
    for method in world.methods() {
        let rule = world.bench().chassis().rules.at(&path(&method)).unwrap();
        let Some((good, unknown)) = aimed(world, &method, &rule.resource_field) else { continue };
        for someone in people(world).into_iter().filter(|someone| rule.roles.contains(&someone.role)) {
            if someone.subject.starts_with("staff/") {
                world.bench().enrol(&someone.subject, someone.department).await;
            }
            let token = sign(&someone.subject, &[someone.role.as_str_name()]);
            let outcome = world.send(Some(&token), &method, good.clone()).await;
            let who = format!("{} {} {:?} {}", method.name(), someone.subject, someone.role, someone.department);
            if reaches(&someone, rule.access, world, method.name()) {
                assert!(is_reached(&outcome), "{who}: {outcome:?}");
                reached += 1;
            } else {
                let theirs = assert_refused(outcome, Code::NotFound, ErrorReason::ResourceNotFound);
                let nothing = world.send(Some(&token), &method, unknown.clone()).await;
                let nothing = assert_refused(nothing, Code::NotFound, ErrorReason::ResourceNotFound);
                assert_eq!(veiled(&theirs), veiled(&nothing), "{who}: another's looks like nothing");
                hidden += 1;
            }
        }
        seen.insert(method.name().to_owned());
    }
    assert_eq!(world.digest().await, before);
    let named = world.bench().chassis().rules.iter().filter(|rule| !rule.resource_field.is_empty());
    let named: BTreeSet<_> = named.map(|rule| rule.path.rsplit('/').next().unwrap().to_owned()).collect();
    seen.extend(world.unaimed().iter().map(|&method| method.to_owned()));
    assert_eq!(seen, named);
    eprintln!("access: {reached} reached, {hidden} hidden");
    (reached, hidden)
}

/// A good call of a method that is aimed at the first customer's or staff/lin's resource, and the same call aimed at
/// nothing. What would change it bears a stale etag, which is looked at once the resource is reached.
fn aimed(world: &impl World, method: &MethodDescriptor, field: &str) -> Option<(Vec<u8>, Vec<u8>)> {
    let mut good = world.sample(method);
    if field.is_empty() || world.unaimed().contains(&method.name()) {
        return None;
    }
    for field in method.input().fields() {
        let inner = good.get_field(&field).as_message().filter(|inner| has(inner, "etag")).cloned();
        if field.name() == "etag" {
            good = with_text(&good, "etag", STALE);
        } else if let Some(inner) = inner {
            good = with(&good, field.name(), Value::Message(with_text(&inner, "etag", STALE)));
        }
    }
    let (outer, inner) = field.split_once('.').unwrap_or((field, ""));
    let value = good.get_field_by_name(outer).unwrap().into_owned();
    let away = |name: &str| format!("{}/{NOBODY}", name.rsplit_once('/').unwrap().0);
    let unknown = match value {
        Value::Message(message) => {
            let name = away(message.get_field_by_name(inner).unwrap().as_str().unwrap());
            with(&good, outer, Value::Message(with_text(&message, inner, name)))
        }
        name => with_text(&good, outer, away(name.as_str().unwrap())),
    };
    Some((good.encode_to_vec(), unknown.encode_to_vec()))
}

fn is_reached(outcome: &Result<Vec<u8>, Status>) -> bool {
    outcome.as_ref().map_or_else(|status| status.code() == Code::Aborted, |_| true)
}

/// All that a refusal says but the name asked for.
fn veiled(refusal: &Refusal) -> String {
    format!("{:?}{:?}", refusal.status.message(), refusal.details).replace(refusal.resource(), "")
}
