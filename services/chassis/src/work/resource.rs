//! Resources without a lifecycle: read by name, locked for a change, and stored with the event of it.

use kefu_proto::Payload;
use sqlx::PgConnection;

use crate::base::error::Error;
use crate::base::names::{Id, id, unknown};
use crate::contract::call::{check_etag, etag};
use crate::store::record::{ResourceRow, VersionedRow};
use crate::work::unit_of_work::UnitOfWork;

/// Reads the resources of these names, in their order. Refused as not found for the first that does not exist.
pub async fn batch_get<R: VersionedRow>(
    connection: &mut PgConnection,
    names: &[String],
) -> Result<Vec<R::Shown>, Error> {
    let ids = names.iter().map(|name| id::<R::Kind>(name).map(Id::uuid)).collect::<Result<Vec<_>, _>>()?;
    let rows = R::load(connection, &ids).await?;
    let find = |(name, id): (&String, _)| {
        let row = rows.iter().find(|row| row.id().uuid() == id && is_of(*row, name));
        row.map(R::show).ok_or_else(|| unknown::<R::Kind>(name))
    };
    names.iter().zip(ids).map(find).collect()
}

/// Whether the row that was found by the id in `name` also has the parent of `name`. UUIDs may be written in capitals.
fn is_of(row: &impl ResourceRow, name: &str) -> bool {
    row.name().eq_ignore_ascii_case(name)
}

impl UnitOfWork<'_> {
    /// Locks the resource of this name until the unit of work ends. Refused as not found when there is none, and as stale
    /// unless `given_etag` is empty or that of its latest version.
    pub async fn lock<R: VersionedRow>(&mut self, name: &str, given_etag: &str) -> Result<R, Error> {
        let id = id::<R::Kind>(name)?;
        let row = R::lock(self.connection(), &[id.uuid()]).await?.pop().filter(|row| is_of(row, name));
        let row = row.ok_or_else(|| unknown::<R::Kind>(name))?;
        check_etag(given_etag, &etag(row.version()), name)?;
        Ok(row)
    }

    /// Stores `new` in place of the locked row `old`, as its next version.
    pub async fn replace<R: VersionedRow>(&mut self, old: &R, new: &mut R) -> Result<(), Error> {
        let now = self.after(old.changed_at())?;
        new.renew(old.version() + 1, now);
        let reindex = new.search_fingerprint() != old.search_fingerprint();
        Ok(new.update(self.connection(), reindex).await?)
    }

    /// Records the event of a resource that is stored in this version, and replies with the resource.
    pub async fn finish<R: ResourceRow, P: Payload>(
        mut self,
        row: &R,
        version: i64,
        payload: impl FnOnce(R::Shown) -> P,
    ) -> Result<R::Shown, Error> {
        self.record_now(row.name(), version, &payload(row.show()));
        self.commit(row.show()).await
    }
}
