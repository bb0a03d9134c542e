//! Stored rows: the traits that `#[derive(Record)]` implements, and how columns get their first values and are
//! shown in the contract.
//!
//! The derived queries are checked against the schema at compile time:
//!
//! ```
//! use kefu_chassis::record::Record;
//!
//! #[derive(Record)]
//! #[record(table = "notification", query = acknowledgements, read_only)]
//! struct AcknowledgementRow {
//!     recipient: String,
//!     acknowledged_at: Option<jiff_sqlx::Timestamp>,
//! }
//!
//! async fn of(connection: &mut sqlx::PgConnection, staff: &str) -> Result<Vec<AcknowledgementRow>, sqlx::Error> {
//!     acknowledgements!("where recipient = $1", staff).fetch_all(connection).await
//! }
//! ```
//!
//! A column of another type does not compile:
//!
//! ```compile_fail
//! # use kefu_chassis::record::Record;
//! # #[derive(Record)]
//! # #[record(table = "notification", query = acknowledgements, read_only)]
//! # struct AcknowledgementRow {
//! recipient: i64,
//! #     acknowledged_at: Option<jiff_sqlx::Timestamp>,
//! # }
//! # async fn of(connection: &mut sqlx::PgConnection, staff: &str) -> Result<Vec<AcknowledgementRow>, sqlx::Error> {
//! #     acknowledgements!("where recipient = $1", staff).fetch_all(connection).await
//! # }
//! ```
//!
//! Nor does one that the table has under another name:
//!
//! ```compile_fail
//! # use kefu_chassis::record::Record;
//! # #[derive(Record)]
//! # #[record(table = "notification", query = acknowledgements, read_only)]
//! # struct AcknowledgementRow {
//! addressee: String,
//! #     acknowledged_at: Option<jiff_sqlx::Timestamp>,
//! # }
//! # async fn of(connection: &mut sqlx::PgConnection, staff: &str) -> Result<Vec<AcknowledgementRow>, sqlx::Error> {
//! #     acknowledgements!("where recipient = $1", staff).fetch_all(connection).await
//! # }
//! ```
//!
//! Nor does one that may be null and is no `Option`:
//!
//! ```compile_fail
//! # use kefu_chassis::record::Record;
//! # #[derive(Record)]
//! # #[record(table = "notification", query = acknowledgements, read_only)]
//! # struct AcknowledgementRow {
//! #     recipient: String,
//! acknowledged_at: jiff_sqlx::Timestamp,
//! # }
//! # async fn of(connection: &mut sqlx::PgConnection, staff: &str) -> Result<Vec<AcknowledgementRow>, sqlx::Error> {
//! #     acknowledgements!("where recipient = $1", staff).fetch_all(connection).await
//! # }
//! ```

use jiff::Timestamp;
use sqlx::PgConnection;
use sqlx::postgres::PgQueryResult;
use uuid::Uuid;

use crate::base::names::{Id, Resource};
use crate::base::time::{sql, to_proto};

pub use kefu_derive::{Columns, Record};

/// A stored resource.
pub trait ResourceRow: Sized + Send + Sync {
    /// The kind of resource.
    type Kind: Resource;
    /// The message of the contract that shows it.
    type Shown: prost::Message;

    /// The id.
    fn id(&self) -> Id<Self::Kind>;
    /// The resource's name, which begins with its parent's.
    fn name(&self) -> String;
    /// Shows the whole row as the contract does.
    fn show(&self) -> Self::Shown;
}

/// A stored resource that counts its changes.
pub trait VersionedRow: ResourceRow {
    /// The version: 1 when the row is created, one more with each change.
    fn version(&self) -> i64;
    /// When the row was recorded.
    fn created_at(&self) -> Timestamp;
    /// When the row was last changed, by the clock of the replica that changed it.
    fn changed_at(&self) -> Timestamp;
    /// Sets the version, and `now` as the time of the last change; never a time before the one that was recorded, because
    /// another replica's clock may be a little ahead.
    fn renew(&mut self, version: i64, now: Timestamp);
    /// Hash of the searchable text; when it differs after an action, `update` rewrites the entry in the search index.
    fn search_fingerprint(&self) -> u64 {
        0
    }
    /// Reads the row of this id.
    fn get(connection: &mut PgConnection, id: Uuid) -> impl Future<Output = Result<Option<Self>, sqlx::Error>> + Send;
    /// Reads the rows of `ids` that exist, in no order.
    fn load(connection: &mut PgConnection, ids: &[Uuid])
    -> impl Future<Output = Result<Vec<Self>, sqlx::Error>> + Send;
    /// Locks and reads the rows of `ids` that exist, in the order of their ids, so that no two calls wait for each other.
    fn lock(connection: &mut PgConnection, ids: &[Uuid])
    -> impl Future<Output = Result<Vec<Self>, sqlx::Error>> + Send;
    /// Stores the new row. Its number, if it gets one, is a prefix, `day` (YYYYMMDD) and a running part.
    fn insert(
        &mut self,
        connection: &mut PgConnection,
        day: &str,
    ) -> impl Future<Output = Result<(), sqlx::Error>> + Send;
    /// Stores the columns that can change, and with `reindex` the entry in the search index. Fails unless exactly one row was
    /// changed.
    fn update(
        &self,
        connection: &mut PgConnection,
        reindex: bool,
    ) -> impl Future<Output = Result<(), sqlx::Error>> + Send;
}

/// A stored resource with a lifecycle.
pub trait StatefulRow: VersionedRow {
    /// The states it can be in.
    type State: Copy + Eq + Into<i32> + 'static;

    /// What people call the resource; nothing personal.
    fn number(&self) -> &str;
    /// The state.
    fn state(&self) -> Self::State;
    /// Sets the state.
    fn enter(&mut self, state: Self::State);
}

/// A stored row of a resource beneath another.
pub trait ChildRow: ResourceRow {
    /// Reads the rows beneath `parent` that are older than `after`, the newest first.
    fn newest_of(
        connection: &mut PgConnection,
        parent: Uuid,
        after: Option<Uuid>,
        limit: i64,
    ) -> impl Future<Output = Result<Vec<Self>, sqlx::Error>> + Send;
}

/// The first value of a column, in a row of which nothing is known yet.
pub trait Blank {
    /// Returns an empty text, zero or none; for a time that is never null, `now`.
    fn blank(now: Timestamp) -> Self;
}

/// The value of a column as a field of the contract shows it.
pub trait Show<Shown> {
    /// Returns the value of the field.
    fn show(&self) -> Shown;
}

/// The ids of a column as names of resources.
pub trait Names<Shown> {
    /// Returns the name, or names; empty where there is no id.
    fn names<Kind: Resource>(&self) -> Shown;
}

/// Shows the ids of a column as names of resources of a kind.
pub fn named<Kind: Resource, Shown>(ids: &impl Names<Shown>) -> Shown {
    ids.names::<Kind>()
}

/// Fails unless exactly one row was changed: otherwise the row that was read is not the one that is stored.
pub fn exactly_one(done: &PgQueryResult) -> Result<(), sqlx::Error> {
    if done.rows_affected() == 1 { Ok(()) } else { Err(sqlx::Error::RowNotFound) }
}

macro_rules! blank_by_default {
    ($($kind:ty),*) => {$(
        impl Blank for $kind {
            fn blank(_: Timestamp) -> Self {
                Self::default()
            }
        }
    )*};
}

blank_by_default!(String, bool, i16, i32, i64, Uuid, serde_json::Value);

impl Blank for jiff_sqlx::Timestamp {
    fn blank(now: Timestamp) -> Self {
        sql::at(now)
    }
}

impl Blank for Timestamp {
    fn blank(now: Timestamp) -> Self {
        now
    }
}

impl<T: Blank> Blank for sqlx::types::Json<T> {
    fn blank(now: Timestamp) -> Self {
        Self(T::blank(now))
    }
}

impl<T> Blank for Option<T> {
    fn blank(_: Timestamp) -> Self {
        None
    }
}

impl<T> Blank for Vec<T> {
    fn blank(_: Timestamp) -> Self {
        Self::new()
    }
}

macro_rules! shown_as_it_is {
    ($($kind:ty),*) => {$(
        impl Show<Self> for $kind {
            fn show(&self) -> Self {
                self.clone()
            }
        }
    )*};
}

shown_as_it_is!(String, bool, i32, i64, Vec<String>, Vec<u8>, Option<bool>);

/// An enum of the contract is stored as a `smallint`.
impl Show<i32> for i16 {
    fn show(&self) -> i32 {
        (*self).into()
    }
}

impl Show<Vec<i32>> for Vec<i16> {
    fn show(&self) -> Vec<i32> {
        self.iter().map(|&number| number.into()).collect()
    }
}

/// A text that is null is empty in the contract.
impl Show<String> for Option<String> {
    fn show(&self) -> String {
        self.clone().unwrap_or_default()
    }
}

impl Show<Option<prost_types::Timestamp>> for jiff_sqlx::Timestamp {
    fn show(&self) -> Option<prost_types::Timestamp> {
        Some(to_proto(self.to_jiff()))
    }
}

impl Show<Option<prost_types::Timestamp>> for Option<jiff_sqlx::Timestamp> {
    fn show(&self) -> Option<prost_types::Timestamp> {
        self.map(|time| to_proto(time.to_jiff()))
    }
}

impl Show<Option<prost_types::Timestamp>> for Timestamp {
    fn show(&self) -> Option<prost_types::Timestamp> {
        Some(to_proto(*self))
    }
}

impl Names<String> for Uuid {
    fn names<Kind: Resource>(&self) -> String {
        Id::<Kind>::from_uuid(*self).to_string()
    }
}

impl Names<String> for Option<Uuid> {
    fn names<Kind: Resource>(&self) -> String {
        self.map(|id| id.names::<Kind>()).unwrap_or_default()
    }
}

impl Names<Vec<String>> for Vec<Uuid> {
    fn names<Kind: Resource>(&self) -> Vec<String> {
        self.iter().map(Names::names::<Kind>).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The row of the example above, so that the example's query is prepared for offline builds.
    #[derive(Record)]
    #[record(table = "notification", query = acknowledgements, read_only)]
    struct AcknowledgementRow {
        recipient: String,
        acknowledged_at: Option<jiff_sqlx::Timestamp>,
    }

    #[expect(dead_code, reason = "compiled, so that the query data of the example are kept; run nowhere")]
    async fn of(connection: &mut PgConnection, staff: &str) -> Result<Vec<(String, bool)>, sqlx::Error> {
        let rows = acknowledgements!("where recipient = $1", staff).fetch_all(connection).await?;
        Ok(rows.into_iter().map(|row| (row.recipient, row.acknowledged_at.is_some())).collect())
    }

    #[test]
    fn a_column_is_shown_as_the_contract_has_it() {
        let id = Uuid::from_u128(7);
        crate::resources! {
            /// Things.
            Thing = "things", "kefu/Thing";
        }
        assert_eq!(named::<Thing, String>(&Some(id)), format!("things/{id}"));
        assert_eq!(named::<Thing, String>(&None::<Uuid>), "");
        assert_eq!(named::<Thing, Vec<String>>(&vec![id, id]).len(), 2);
        assert_eq!((Show::<i32>::show(&3_i16), Show::<String>::show(&None::<String>)), (3, String::new()));
        let now = Timestamp::UNIX_EPOCH;
        assert_eq!(jiff_sqlx::Timestamp::blank(now).to_jiff(), now);
        assert!(Option::<jiff_sqlx::Timestamp>::blank(now).is_none() && String::blank(now).is_empty());
    }
}
