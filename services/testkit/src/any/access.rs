//! The access matrix: every method with every role and every kind of token, on the caller's own resource and on another's.
//! The expected outcome is read from the contracts and compared with the running service.

use std::collections::BTreeMap;
use std::fmt::Debug;

use futures::future::join_all;
use kefu_chassis::identity::signer::Signer;
use kefu_chassis::rules::MethodRule;
use kefu_proto::rules::v1::{Access, ErrorReason, Role};
use prost::Message as _;
use prost_reflect::{MethodDescriptor, Value};
use tonic::{Code, Status};

use super::bad_input::NOBODY;
use super::wrong::wrongs;
use super::{World, has, other_name, path, with, with_text};
use crate::caller::sign;
use crate::refusal::{Refusal, assert_refused};

mod people;
mod tokens;

use people::{Person, is_of_staff, people, roles};

const STALE: &str = "\"999\"";

/// Resources that a role reaches with a method.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// None: the role may not call the method.
    Nothing,
    /// The caller's own, or the customer's own.
    Own,
    /// The caller's own, and those of the caller's department.
    Department,
    /// All.
    All,
}

/// Expected outcome of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// `UNAUTHENTICATED`.
    NoToken,
    /// `PERMISSION_DENIED`.
    NoRole,
    /// `FAILED_PRECONDITION`: the directory's copy is empty.
    NoDirectory,
    /// `NOT_FOUND`, as if it did not exist.
    Hidden,
    /// The handler answers, or refuses a wrong field.
    Reached,
}

/// Number of cells of the matrix by outcome.
pub type Cells = BTreeMap<Outcome, usize>;

/// The resources that a role reaches with a method, by the rule in the contract.
#[must_use]
pub fn reach(method: &MethodRule, role: Role) -> Reach {
    match (role, method.access) {
        _ if !method.roles.contains(&role) => Reach::Nothing,
        (_, Access::Unspecified) => Reach::Nothing,
        (Role::Customer, _) | (_, Access::Self_) => Reach::Own,
        (Role::Executive | Role::Office | Role::Admin | Role::Service, _) | (_, Access::Any) => Reach::All,
        (_, Access::Department) | (Role::Supervisor | Role::Manager, Access::Own) => Reach::Department,
        (_, Access::Own) => Reach::Own,
    }
}

/// A method, and calls of it that change nothing.
struct Row<'a> {
    method: MethodDescriptor,
    rule: &'a MethodRule,
    holder: (String, String),
    /// Request that the handler answers without effect, or refuses for a wrong field.
    reaching: Vec<u8>,
    /// Codes with which the handler may answer `reaching`.
    answers: &'static [Code],
    /// Valid request, for callers who must not reach its resource.
    good: Vec<u8>,
    /// The valid request with an unknown resource; none if the method names no resource.
    unknown: Option<Vec<u8>>,
}

/// Tries every cell of the matrix. Returns the number of cells by outcome.
pub async fn assert_matrix(world: &impl World) -> Cells {
    people::enrol(world).await;
    let rows: Vec<Row<'_>> = world.methods().into_iter().map(|method| Row::of(world, method)).collect();
    let before = world.digest().await;
    let mut cells = Cells::new();
    assert_the_tokens_are_sound(world).await;
    try_tokens(world, &rows, &mut cells).await;
    try_people(world, &rows, true, &mut cells).await;
    for (owner, _) in people::holders(world) {
        world.bench().enrol(&owner, "departments/office").await;
    }
    try_people(world, &rows, false, &mut cells).await;
    assert_eq!(world.digest().await, before, "nothing was changed");
    empty_directory(world).await;
    let before = world.digest().await;
    try_without_directory(world, &rows, &mut cells).await;
    assert_eq!(world.digest().await, before, "nothing was changed");
    eprintln!(
        "access of {}: {} methods, {} cells, {cells:?}",
        world.bench().name(),
        rows.len(),
        cells.values().sum::<usize>()
    );
    cells
}

/// Asserts that valid tokens are accepted, also one signed with RSA, and that an unknown method is refused.
async fn assert_the_tokens_are_sound(world: &impl World) {
    for token in [sign("staff/lin", &["ADMIN"]), tokens::by_rsa("staff/lin", Role::Admin)] {
        world.call(&token, "ListDuties", world.json("ListDuties")).await.unwrap();
    }
    let service = world.methods()[0].parent_service().full_name().to_owned();
    let unknown = world.send_to(&format!("/{service}/Erase"), Some(world.admin()), vec![vec![]]).await;
    assert_refused(unknown, Code::Unimplemented, ErrorReason::MethodUnknown);
}

/// Invalid tokens of the owner and of somebody else, and valid tokens that claim a role the directory does not confirm.
async fn try_tokens(world: &impl World, rows: &[Row<'_>], cells: &mut Cells) {
    let stranger = Signer::generate().unwrap();
    for holder in people::holders(world) {
        let held: Vec<&Row<'_>> = rows.iter().filter(|row| row.holder == holder).collect();
        for role in roles() {
            let everybody = people(world, role, (&holder.0, &holder.1), true);
            let [one, .., other] = everybody.as_slice() else {
                let [one] = everybody.as_slice() else { panic!("nobody is {role:?}") };
                try_each(world, &held, &tokens::invalid(&one.subject, role, &stranger), Outcome::NoToken, cells).await;
                continue;
            };
            for person in [one, other] {
                let invalid = tokens::invalid(&person.subject, role, &stranger);
                try_each(world, &held, &invalid, Outcome::NoToken, cells).await;
            }
        }
        for role in roles() {
            try_each(world, &held, &tokens::unconfirmed(role), Outcome::NoRole, cells).await;
        }
    }
}

async fn try_each(
    world: &impl World,
    rows: &[&Row<'_>],
    tokens: &[tokens::Kind],
    expected: Outcome,
    cells: &mut Cells,
) {
    for row in rows {
        join_all(tokens.iter().map(|(what, token)| row.assert(world, token.as_deref(), expected, what))).await;
        *cells.entry(expected).or_default() += tokens.len();
    }
}

/// Each role with a valid token, on the caller's own resource and on another's.
async fn try_people(world: &impl World, rows: &[Row<'_>], at_home: bool, cells: &mut Cells) {
    let left = people::left(world).await;
    for row in rows {
        for role in roles() {
            let reach = reach(row.rule, role);
            for person in people(world, role, (&row.holder.0, &row.holder.1), at_home) {
                let expected = match reach {
                    _ if left.contains(&person.subject) => Outcome::NoRole,
                    Reach::Nothing => Outcome::NoRole,
                    _ if row.unknown.is_none() || person.is_within(reach) => Outcome::Reached,
                    _ => Outcome::Hidden,
                };
                row.try_person(world, &person, expected).await;
                *cells.entry(expected).or_default() += 1;
            }
        }
    }
}

/// Each role while the directory's copy is empty: only ADMIN and SERVICE write.
async fn try_without_directory(world: &impl World, rows: &[Row<'_>], cells: &mut Cells) {
    for row in rows {
        let writes = has(&world.sample(&row.method), "request_id") || row.method.is_client_streaming();
        for role in roles() {
            let everybody = people(world, role, (&row.holder.0, &row.holder.1), !is_of_staff(role));
            for person in everybody {
                let reach = reach(row.rule, role);
                let expected = match reach {
                    Reach::Nothing => Outcome::NoRole,
                    _ if writes && !matches!(role, Role::Admin | Role::Service) => Outcome::NoDirectory,
                    _ if row.unknown.is_none() || person.is_within(reach) => Outcome::Reached,
                    _ => Outcome::Hidden,
                };
                row.try_person(world, &person, expected).await;
                *cells.entry(expected).or_default() += 1;
            }
        }
    }
}

/// Empties the service's copy of the directory.
async fn empty_directory(world: &impl World) {
    let tables = ["staff", "membership", "absence", "department", "post"];
    let statements: Vec<String> = tables.iter().map(|table| format!("delete from directory_{table}")).collect();
    world.bench().change_directory(&statements.join(";")).await;
    assert!(world.bench().chassis().directory.now().is_empty());
}

impl<'a> Row<'a> {
    fn of(world: &'a impl World, method: MethodDescriptor) -> Self {
        let rule = world.bench().chassis().rules.at(&path(&method)).unwrap();
        let (owner, department) = world.holder(method.name());
        let sample = world.sample(&method);
        let wrong = wrongs(&sample).into_iter().find(|wrong| !wrong.path.contains('['));
        let (wrong, answers) = match wrong {
            Some(wrong) => (wrong.request.encode_to_vec(), [Code::InvalidArgument].as_slice()),
            None => (sample.encode_to_vec(), [Code::Ok].as_slice()),
        };
        let aimed_calls = aimed_calls(world, &method, world.reached_by(method.name(), &rule.resource_field));
        let (good, unknown) =
            aimed_calls.map_or((sample.encode_to_vec(), None), |(good, unknown)| (good, Some(unknown)));
        let is_aimed = unknown.is_some() && !world.unaimed().contains(&method.name());
        let answers = if is_aimed { [Code::Ok, Code::Aborted].as_slice() } else { answers };
        Self {
            reaching: if is_aimed { good.clone() } else { wrong },
            answers,
            holder: (owner.to_owned(), department.to_owned()),
            method,
            rule,
            good,
            unknown,
        }
    }

    async fn try_person(&self, world: &impl World, person: &Person, expected: Outcome) {
        let token = sign(&person.subject, &[person.role.as_str_name()]);
        self.assert(world, Some(&token), expected, person).await;
    }

    async fn assert(&self, world: &impl World, token: Option<&str>, expected: Outcome, who: &(impl Debug + ?Sized)) {
        let body = if expected == Outcome::Reached { &self.reaching } else { &self.good };
        let outcome = world.send(token, &self.method, body.clone()).await;
        let about = format!("{} by {who:?} is to be {expected:?}", self.method.name());
        let code = outcome.as_ref().err().map_or(Code::Ok, Status::code);
        let Some((expected_code, reason)) = expected.refusal() else {
            return assert!(self.answers.contains(&code), "{about}: {outcome:?}");
        };
        assert_eq!(code, expected_code, "{about}: {outcome:?}");
        let refusal = assert_refused(outcome, code, reason);
        if expected == Outcome::Hidden {
            let unknown = self.unknown.clone().unwrap();
            let nothing = world.send(token, &self.method, unknown).await;
            let nothing = assert_refused(nothing, code, reason);
            assert_eq!(without_name(&refusal), without_name(&nothing), "{about}, and looks like nothing");
        }
    }
}

impl Outcome {
    /// Code and reason of the refusal; none for `Reached`.
    fn refusal(self) -> Option<(Code, ErrorReason)> {
        match self {
            Self::NoToken => Some((Code::Unauthenticated, ErrorReason::TokenInvalid)),
            Self::NoRole => Some((Code::PermissionDenied, ErrorReason::RoleMissing)),
            Self::NoDirectory => Some((Code::FailedPrecondition, ErrorReason::DirectoryEmpty)),
            Self::Hidden => Some((Code::NotFound, ErrorReason::ResourceNotFound)),
            Self::Reached => None,
        }
    }
}

/// A valid call aimed at a resource of the first customer or the owner, and the same call aimed at an unknown one. A change
/// has a stale etag, which is checked only after the resource is reached.
fn aimed_calls(world: &impl World, method: &MethodDescriptor, field: &str) -> Option<(Vec<u8>, Vec<u8>)> {
    let mut good = world.sample(method);
    if field.is_empty() {
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
    let away = |name: &str| other_name(name, NOBODY);
    let unknown = match value {
        Value::Message(message) => {
            let name = away(message.get_field_by_name(inner).unwrap().as_str().unwrap());
            with(&good, outer, Value::Message(with_text(&message, inner, name)))
        }
        Value::List(names) => {
            let name = Value::String(away(names[0].as_str().unwrap()));
            with(&good, outer, Value::List(vec![name]))
        }
        name => with_text(&good, outer, away(name.as_str().unwrap())),
    };
    Some((good.encode_to_vec(), unknown.encode_to_vec()))
}

/// The text of a refusal without the name asked for.
fn without_name(refusal: &Refusal) -> String {
    format!("{:?}{:?}", refusal.status.message(), refusal.details).replace(refusal.resource(), "")
}
