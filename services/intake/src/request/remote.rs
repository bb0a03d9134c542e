//! Remote service, which needs the customer's authorisation (A10.4, A10.5).

use jiff::{SignedDuration, Timestamp};
use jiff_sqlx::{Timestamp as SqlTime, ToSqlx as _};
use kefu_chassis::record::Record;
use kefu_chassis::time::{from_proto, sql};
use kefu_chassis::wrong;
use kefu_chassis::{Call, Error};
use kefu_proto::intake::v1 as pb;
use sqlx::PgConnection;
use uuid::Uuid;

use super::Requests;
use super::lifecycle::Action;
use super::row::Step;
use crate::shared::{RemoteAuthorization, Request};

/// Longest time that one authorisation is valid.
const MAX_VALIDITY: SignedDuration = SignedDuration::from_hours(31 * 24);

/// An authorisation as it is stored.
#[derive(Debug, Record)]
#[record(table = "intake.remote_authorization", query = authorizations, kind = RemoteAuthorization, shows = pb::RemoteAuthorization, append_only)]
pub struct AuthorizationRow {
    pub id: Uuid,
    #[record(under = Request)]
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
        let mut step = Step::begin(&self.chassis, call, &request).await?;
        let expires = request.expire_time.as_ref().and_then(from_proto);
        let expires =
            expires.filter(|&expires| step.at < expires && expires <= step.at + MAX_VALIDITY).ok_or_else(|| {
                Error::field("expire_time", wrong!(OutOfRange under "A10.5", "must be after the time it was given, and at most 31 days after", "须晚于授权时间，且不超过授权后31天"))
            })?;
        let facts = step.facts();
        step.fire(Action::AuthorizeRemote, &facts)?;
        let row = AuthorizationRow {
            request: step.root.id,
            given_by: request.given_by() as i16,
            authorized_by: request.authorized_by,
            scope: request.scope,
            expire_at: expires.to_sqlx(),
            author: call.caller.subject.clone(),
            occurred_at: step.at.to_sqlx(),
            ..AuthorizationRow::blank(call.now)
        };
        row.insert(step.work.connection()).await?;
        let shown = row.show();
        let payload = pb::RemoteAuthorized { state: step.state(), remote_authorization: Some(shown.clone()) };
        step.finish_with(&payload, shown).await
    }

    pub(super) async fn start_remote(
        &self,
        call: &Call,
        request: pb::StartRemoteRequest,
    ) -> Result<pb::Request, Error> {
        let mut step = Step::begin(&self.chassis, call, &request).await?;
        let authorization = valid_authorization(step.work.connection(), step.root.id, step.at).await?;
        let mut facts = step.facts();
        facts.is_authorized = authorization.is_some();
        step.fire(Action::StartRemote, &facts)?;
        step.root.service_level = pb::ServiceLevel::Remote as i16;
        step.root.settled_at_once = false;
        let remote_authorization = authorization.map(|row| row.show().name).unwrap_or_default();
        let payload = pb::RemoteStarted { state: step.state(), reason: request.reason, remote_authorization };
        step.finish(&payload).await
    }
}

/// The request's authorisation that is valid at `at`; of several, the one that expires last.
pub async fn valid_authorization(
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
