//! The hostile matrix: every state of an aggregate × every method of its lifecycle × every kind of caller. Explain is asked
//! before each call, and its word and the outcome must agree; what is refused changes nothing, and whoever may not see the
//! resource learns no more than of one that does not exist.

use std::collections::BTreeMap;

use futures::future::join_all;
use kefu_proto::compliance::v1::Explanation;
use kefu_proto::rules::v1::{ErrorReason, Role};
use prost_reflect::{DynamicMessage, MethodDescriptor, Value};
use serde_json::Value as Json;
use sqlx::{AssertSqlSafe, Executor as _};
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use super::bad_input::NOBODY;
use super::{World, message, named, other_name, path};

/// A caller: who they are, and their token.
pub type Caller = (&'static str, String);

/// A resource in one state, with a valid request of every method of its lifecycle.
pub struct Scene {
    /// What the scene shows, e.g. `proposed`.
    pub label: &'static str,
    /// Name of the resource.
    pub name: String,
    /// Valid requests, by method.
    pub requests: BTreeMap<&'static str, Json>,
}

/// An aggregate under test.
pub struct Stage<'a, W: World> {
    /// The world with the resources.
    pub world: &'a W,
    /// The method that explains a resource.
    pub explain: &'static str,
    /// Table of the aggregate's root; tables beneath it have a column of this name.
    pub table: &'static str,
    /// The scenes.
    pub scenes: Vec<Scene>,
    /// The callers.
    pub callers: Vec<Caller>,
    /// Methods that are tried only where they are refused, because they change more than their own service.
    pub beyond: &'static [&'static str],
    /// Callers, each with a method that they may call though they may not see the resource, e.g. whoever a request is handed
    /// to.
    pub unseen: &'static [(&'static str, &'static str)],
}

/// Number of cells by outcome.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tally {
    /// Calls that took effect.
    pub done: usize,
    /// Calls that Explain said would be refused, and were for the reason that it gave.
    pub refused: usize,
    /// Calls that Explain said might be refused for what they say, and were.
    pub conditional: usize,
    /// Calls refused for a field.
    pub fields: usize,
    /// Calls by callers who may not see the resource, or may not call the method.
    pub shut_out: usize,
}

/// What a refusal says: its reason and its clause.
type Said = (String, String);

/// Tries every cell, and returns how many had which outcome. Panics with every cell that disagrees.
pub async fn assert_hostile<W: World>(stage: &Stage<'_, W>) -> Tally {
    let (mut tally, mut wrong) = (Tally::default(), Vec::new());
    for scene in &stage.scenes {
        let saved = Saved::of(stage, scene).await;
        for caller in &stage.callers {
            stage.try_caller(scene, caller, &saved, &mut tally, &mut wrong).await;
        }
    }
    assert!(wrong.is_empty(), "{} cells disagree: {:#?}", wrong.len(), &wrong[..wrong.len().min(40)]);
    eprintln!("hostile matrix of {}: {tally:?}", stage.table);
    tally
}

impl<W: World> Stage<'_, W> {
    async fn try_caller(
        &self,
        scene: &Scene,
        (who, token): &Caller,
        saved: &Saved,
        tally: &mut Tally,
        wrong: &mut Vec<String>,
    ) {
        let explained = self.explained(scene, token).await;
        let allowed = |method: &str| {
            if let Some(explained) = &explained {
                return explained.iter().any(|each| each.method == method && each.allowed);
            }
            // A customer is not explained anything, but may do what their contract says.
            let is_unseen = |&(caller, may): &(&str, &str)| (caller, may) == (*who, method);
            self.is_open_to_customers(method) && who.contains("customer") || self.unseen.iter().any(is_unseen)
        };
        let (may, may_not): (Vec<_>, Vec<_>) =
            scene.requests.iter().partition(|(method, _)| allowed(method) && !self.beyond.contains(method));
        let before = self.digest().await;
        let refused = may_not.iter().filter(|(method, _)| !allowed(method));
        let calls =
            refused.map(async |(method, request)| (**method, self.world.call(token, method, (*request).clone()).await));
        for (method, outcome) in join_all(calls).await {
            let about = format!("{}: {method} by {who}", scene.label);
            let Err(status) = outcome else {
                wrong.push(format!("{about} took effect, but Explain said it would be refused"));
                saved.restore(self, scene).await;
                continue;
            };
            match &explained {
                None => {
                    tally.shut_out += 1;
                    self.check_shut_out(&about, method, &scene.requests[method], token, &status, wrong).await;
                }
                Some(explained) => judge(&about, method, &status, explained, tally, wrong),
            }
        }
        if self.digest().await != before {
            wrong.push(format!("{}: what {who} was refused changed something", scene.label));
            saved.restore(self, scene).await;
        }
        for (method, request) in may {
            let about = format!("{}: {method} by {who}", scene.label);
            match self.world.call(token, method, request.clone()).await {
                Ok(_) => {
                    tally.done += 1;
                    saved.restore(self, scene).await;
                }
                Err(status) => match &explained {
                    None => tally.shut_out += 1,
                    Some(explained) => judge(&about, method, &status, explained, tally, wrong),
                },
            }
        }
    }

    /// What Explain says to a caller; none where it says nothing.
    async fn explained(&self, scene: &Scene, token: &str) -> Option<Vec<Explanation>> {
        let reply = self.world.call(token, self.explain, serde_json::json!({ "name": scene.name })).await.ok()?;
        let reply = DynamicMessage::decode(named(self.explain).output(), reply.as_slice()).unwrap();
        let explanations = reply.get_field_by_name("explanations").unwrap().into_owned();
        let Value::List(explanations) = explanations else { panic!("explanations are a list") };
        let read = |value: Value| value.as_message().unwrap().transcode_to().unwrap();
        Some(explanations.into_iter().map(read).collect())
    }

    fn is_open_to_customers(&self, method: &str) -> bool {
        let rule = self.world.bench().chassis().rules.at(&path(&named(method))).unwrap();
        rule.roles.contains(&Role::Customer)
    }

    /// Checks the refusal of somebody who may not see the resource: the role is missing, or it looks like nothing.
    async fn check_shut_out(
        &self,
        about: &str,
        method: &str,
        request: &Json,
        token: &str,
        status: &Status,
        wrong: &mut Vec<String>,
    ) {
        if status.code() == Code::PermissionDenied {
            return;
        }
        let descriptor = named(method);
        let (body, asked, unknown) = aimed_at_nothing(&descriptor, request);
        let nothing = self.world.send(Some(token), &descriptor, body).await;
        let told = |status: &Status, name: &str| {
            format!("{:?} {:?}", status.code(), status.get_error_details()).replace(name, "")
        };
        let nothing = nothing.err().map(|status| told(&status, &unknown));
        if nothing != Some(told(status, &asked)) {
            wrong.push(format!("{about} tells that there is such a resource: {status:?}"));
        }
    }

    /// Digests every row that a call may change.
    async fn digest(&self) -> Vec<String> {
        self.world.digest().await
    }
}

/// The request aimed at a resource that does not exist, encoded, with the name asked for and the one that does not exist.
fn aimed_at_nothing(method: &MethodDescriptor, request: &Json) -> (Vec<u8>, String, String) {
    use prost::Message as _;
    let field = if request.get("name").is_some() { "name" } else { "parent" };
    let asked = request[field].as_str().unwrap().to_owned();
    let segments: Vec<&str> = asked.split('/').collect();
    let unknown = match segments.as_slice() {
        [collection, _, rest @ ..] => [[*collection, NOBODY].as_slice(), rest].concat().join("/"),
        _ => other_name(&asked, NOBODY),
    };
    let mut request = request.clone();
    request[field] = Json::String(unknown.clone());
    (message(method, &request).encode_to_vec(), asked, unknown)
}

/// Compares a refusal with what Explain said of the method.
fn judge(
    about: &str,
    method: &str,
    status: &Status,
    explained: &[Explanation],
    tally: &mut Tally,
    wrong: &mut Vec<String>,
) {
    let said = said(status);
    let of = |refusals: fn(&Explanation) -> &Vec<kefu_proto::rules::v1::Refusal>| -> Vec<Said> {
        let actions = explained.iter().filter(|each| each.method == method);
        let refusals = actions.flat_map(refusals);
        refusals.map(|refusal| (refusal.reason().as_str_name().to_owned(), refusal.clause.clone())).collect()
    };
    let (certain, possible) = (of(|each| &each.refusals), of(|each| &each.possible_refusals));
    if certain.contains(&said) {
        tally.refused += 1;
    } else if possible.contains(&said) {
        tally.conditional += 1;
    } else if said.0 == ErrorReason::FieldInvalid.as_str_name() {
        tally.fields += 1;
    } else {
        wrong.push(format!("{about} is refused with {said:?}; Explain said {certain:?}, or perhaps {possible:?}"));
    }
}

/// Reason and clause of a refusal.
fn said(status: &Status) -> Said {
    let details = status.get_error_details();
    let reason = details.error_info().map(|info| info.reason.clone()).unwrap_or_default();
    let violations = details.precondition_failure().map(|failure| failure.violations.clone()).unwrap_or_default();
    let clause = violations.first().map(|violation| violation.r#type.clone()).unwrap_or_default();
    (reason, clause)
}

/// The rows of one aggregate, kept to be put back.
struct Saved {
    /// Each table with the condition of the aggregate's rows.
    rows: Vec<(String, String)>,
}

impl Saved {
    async fn of<W: World>(stage: &Stage<'_, W>, scene: &Scene) -> Self {
        let bench = stage.world.bench();
        let schema = bench.name().trim_start_matches("services/").to_owned();
        let id = scene.name.rsplit('/').next().unwrap();
        let beneath = "select table_name::text from information_schema.columns
            where table_schema = $1 and column_name = $2 and table_name <> $2";
        let beneath: Vec<String> =
            sqlx::query_scalar(beneath).bind(&schema).bind(stage.table).fetch_all(bench.admin()).await.unwrap();
        let mut rows = vec![(format!("{schema}.{}", stage.table), format!("id = '{id}'"))];
        rows.extend(beneath.iter().map(|table| (format!("{schema}.{table}"), format!("{} = '{id}'", stage.table))));
        let about = |column: &str| format!("{column} = '{0}' or {column} like '{0}/%'", scene.name);
        rows.push((format!("{schema}.duty"), about("subject")));
        let saved = Self { rows };
        let keep = saved.rows.iter().map(|(table, condition)| {
            let copy = copy_of(table);
            format!("drop table if exists {copy}; create table {copy} as select * from {table} where {condition};")
        });
        let statement = format!("create schema if not exists hostile; {}", keep.collect::<String>());
        bench.admin().execute(sqlx::raw_sql(AssertSqlSafe(statement))).await.unwrap();
        saved
    }

    /// Puts the rows back, under a version that no event has yet.
    async fn restore<W: World>(&self, stage: &Stage<'_, W>, scene: &Scene) {
        let bench = stage.world.bench();
        let delete = self.rows.iter().rev().map(|(table, condition)| format!("delete from {table} where {condition};"));
        let insert =
            self.rows.iter().map(|(table, _)| format!("insert into {table} select * from {};", copy_of(table)));
        let schema = bench.name().trim_start_matches("services/").to_owned();
        let (root, condition) = &self.rows[0];
        let statement = format!(
            "begin; set local session_replication_role = replica; {}{}
            update {root} set version = (select max(aggregate_version) from {schema}.journal where aggregate = '{}')
            where {condition}; commit;",
            delete.collect::<String>(),
            insert.collect::<String>(),
            scene.name,
        );
        bench.admin().execute(sqlx::raw_sql(AssertSqlSafe(statement))).await.unwrap();
    }
}

/// The table that keeps the rows of `table`.
fn copy_of(table: &str) -> String {
    format!("hostile.{}", table.rsplit('.').next().unwrap())
}
