//! Queries over several requests, and two rows beneath a request: progress and contact attempts.

use jiff::Timestamp;
use jiff_sqlx::{Timestamp as SqlTime, ToSqlx as _};
use kefu_chassis::Call;
use kefu_chassis::record::Record;
use kefu_chassis::text::is_blank;
use kefu_chassis::time::sql;
use kefu_proto::contacts::v1::Channel;
use kefu_proto::intake::v1 as pb;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::shared::{ContactAttempt, Progress, Request};

/// The owner's open requests without a pending transfer, the oldest first.
pub async fn open_requests_of(
    connection: &mut PgConnection,
    owner: &str,
    limit: i64,
) -> Result<Vec<Uuid>, sqlx::Error> {
    sqlx::query_scalar!(
        "select id from intake.request where owner = $1 and state in (1, 2, 3, 4) order by contact_at, id limit $2",
        owner,
        limit
    )
    .fetch_all(connection)
    .await
}

/// Sets a new owner on requests.
pub async fn reassign(
    connection: &mut PgConnection,
    ids: &[Uuid],
    owner: &str,
    now: jiff::Timestamp,
) -> Result<(), sqlx::Error> {
    let given = sqlx::query!(
        "update intake.request set owner = $2, version = version + 1, updated_at = greatest(updated_at, $3) where id = any($1)",
        ids,
        owner,
        sql::at(now)
    );
    let given = given.execute(connection).await?.rows_affected();
    if u64::try_from(ids.len()) == Ok(given) { Ok(()) } else { Err(sqlx::Error::RowNotFound) }
}

/// A step of the work as it is stored.
#[derive(Debug, Record)]
#[record(table = "intake.progress", query = steps, kind = Progress, shows = pb::Progress, append_only)]
pub struct ProgressRow {
    pub id: Uuid,
    #[record(under = Request)]
    pub request: Uuid,
    pub text: String,
    pub told_by: i16,
    pub carrier_state: i16,
    pub author: String,
    pub occurred_at: SqlTime,
    pub created_at: SqlTime,
}

impl ProgressRow {
    /// Creates the note of a first answer at `at`, from what the customer was told and by which channel; none without words.
    pub fn answer(call: &Call, request: Uuid, (text, told_by): (&str, Channel), at: Timestamp) -> Option<Self> {
        (!is_blank(text)).then(|| Self {
            request,
            text: text.to_owned(),
            told_by: told_by as i16,
            author: call.caller.subject.clone(),
            occurred_at: at.to_sqlx(),
            ..Self::blank(call.now)
        })
    }
}

/// An attempt to ask about a resolution as it is stored.
#[derive(Debug, Record)]
#[record(table = "intake.contact_attempt", kind = ContactAttempt, shows = pb::ContactAttempt, append_only)]
#[record(hidden(working_day))]
pub struct AttemptRow {
    pub id: Uuid,
    #[record(under = Request)]
    pub request: Uuid,
    pub outcome: i16,
    pub channel: i16,
    pub comment: String,
    pub cycle: i32,
    pub working_day: Option<jiff_sqlx::Date>,
    pub author: String,
    pub occurred_at: SqlTime,
    pub created_at: SqlTime,
}

/// Number of working days with an attempt of this cycle that reached nobody.
pub async fn attempt_days(connection: &mut PgConnection, request: Uuid, cycle: i32) -> Result<u32, sqlx::Error> {
    let days = sqlx::query_scalar!(
        r#"select count(distinct working_day) as "count!" from intake.contact_attempt where request = $1 and cycle = $2 and outcome = $3"#,
        request,
        cycle,
        pb::contact_attempt::Outcome::NotReached as i16,
    )
    .fetch_one(connection)
    .await?;
    Ok(u32::try_from(days).unwrap_or(0))
}
