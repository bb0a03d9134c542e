//! Remote service, only under the customer's authorisation (A10.4, A10.5).

use jiff::{SignedDuration, Timestamp};
use jiff_sqlx::{Timestamp as SqlTime, ToSqlx as _};
use kefu_chassis::names::Id;
use kefu_chassis::time::{from_proto, sql, to_proto};
use kefu_chassis::{Call, Error};
use kefu_proto::intake::v1 as pb;
use sqlx::PgConnection;
use uuid::Uuid;

use super::Requests;
use super::lifecycle::Action;
use super::step::Step;
use crate::shared::{RemoteAuthorization, Request};

/// For how long a customer may allow it at once.
const LONGEST: SignedDuration = SignedDuration::from_hours(31 * 24);

/// A query of authorisations.
macro_rules! authorizations {
    ($rest:literal $($arguments:tt)*) => {
        sqlx::query_as!(
            $crate::request::remote::AuthorizationRow,
            "select id, request, authorized_by, given_by, scope, expire_at, author, occurred_at, created_at
            from intake.remote_authorization " + $rest $($arguments)*
        )
    };
}

pub(crate) use authorizations;

/// An authorisation as it is stored.
#[derive(Debug)]
pub struct AuthorizationRow {
    pub id: Uuid,
    pub request: Uuid,
    pub authorized_by: String,
    pub given_by: i16,
    pub scope: String,
    pub expire_at: SqlTime,
    pub author: String,
    pub occurred_at: SqlTime,
    pub created_at: SqlTime,
}

impl Requests {
    pub(super) async fn authorize_remote(
        &self,
        call: &Call,
        request: pb::AuthorizeRemoteRequest,
    ) -> Result<pb::RemoteAuthorization, Error> {
        let mut step =
            Step::begin(&self.0, call, &request.parent, &request.etag, request.occurred_time.as_ref()).await?;
        let expires = request.expire_time.as_ref().and_then(from_proto);
        let expires =
            expires.filter(|&expires| step.at < expires && expires <= step.at + LONGEST).ok_or_else(|| {
                Error::field("expire_time", "A10.5: must be after the time it was given, and at most 31 days after")
            })?;
        let facts = step.facts();
        step.fire(Action::AuthorizeRemote, &facts)?;
        let row = AuthorizationRow {
            id: Id::<RemoteAuthorization>::new(call.now).uuid(),
            request: step.record.id,
            given_by: request.given_by() as i16,
            authorized_by: request.authorized_by,
            scope: request.scope,
            expire_at: expires.to_sqlx(),
            author: call.caller.subject.clone(),
            occurred_at: step.at.to_sqlx(),
            created_at: call.now.to_sqlx(),
        };
        insert(step.change.connection(), &row).await?;
        let shown = row.show();
        let payload = pb::RemoteAuthorized { state: step.state(), remote_authorization: Some(shown.clone()) };
        step.finish_with(&payload, shown).await
    }

    pub(super) async fn start_remote(
        &self,
        call: &Call,
        request: pb::StartRemoteRequest,
    ) -> Result<pb::Request, Error> {
        let mut step = Step::begin(&self.0, call, &request.name, &request.etag, request.occurred_time.as_ref()).await?;
        let authorization = holding(step.change.connection(), step.record.id, step.at).await?;
        let mut facts = step.facts();
        facts.is_authorized = authorization.is_some();
        step.fire(Action::StartRemote, &facts)?;
        step.record.service_level = pb::ServiceLevel::Remote as i16;
        step.record.settled_at_once = false;
        let remote_authorization = authorization.map(|row| row.show().name).unwrap_or_default();
        let payload = pb::RemoteStarted { state: step.state(), reason: request.reason, remote_authorization };
        step.finish(&payload).await
    }
}

impl AuthorizationRow {
    /// As the contract shows it.
    pub fn show(&self) -> pb::RemoteAuthorization {
        pb::RemoteAuthorization {
            name: format!(
                "{}/{}",
                Id::<Request>::from_uuid(self.request),
                Id::<RemoteAuthorization>::from_uuid(self.id)
            ),
            authorized_by: self.authorized_by.clone(),
            given_by: self.given_by.into(),
            scope: self.scope.clone(),
            expire_time: Some(to_proto(self.expire_at.to_jiff())),
            author: self.author.clone(),
            occurred_time: Some(to_proto(self.occurred_at.to_jiff())),
            create_time: Some(to_proto(self.created_at.to_jiff())),
        }
    }
}

/// The authorisation of a request that holds at `at`: the one that holds longest.
pub async fn holding(
    connection: &mut PgConnection,
    request: Uuid,
    at: Timestamp,
) -> Result<Option<AuthorizationRow>, sqlx::Error> {
    authorizations!(
        "where request = $1 and occurred_at <= $2 and expire_at > $2 order by expire_at desc limit 1",
        request,
        sql::at(at) as _
    )
    .fetch_optional(connection)
    .await
}

async fn insert(connection: &mut PgConnection, row: &AuthorizationRow) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "insert into intake.remote_authorization (
            id, request, authorized_by, given_by, scope, expire_at, author, occurred_at, created_at)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        row.id,
        row.request,
        row.authorized_by,
        row.given_by,
        row.scope,
        row.expire_at as _,
        row.author,
        row.occurred_at as _,
        row.created_at as _,
    )
    .execute(connection)
    .await?;
    Ok(())
}
