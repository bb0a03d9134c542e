//! The first ADMIN. In an empty directory nobody may record staff, so the operator names one in the settings.

use std::sync::Arc;
use std::time::Duration;

use kefu_chassis::error::describe;
use kefu_chassis::identity::{Identity, is_id};
use kefu_chassis::wrong;
use kefu_chassis::{Call, Chassis, Error};
use kefu_proto::directory::v1 as pb;
use kefu_proto::rules::v1::Role;
use sqlx::PgConnection;

use super::lock_organisation;
use super::staff::row::{StaffRow, created};

/// Pause between attempts.
const RETRY_AFTER: Duration = Duration::from_millis(500);

/// The member of staff to record while the directory is empty.
#[derive(Debug)]
pub struct FirstAdmin {
    name: String,
    chassis: Arc<Chassis>,
}

impl FirstAdmin {
    /// Names the first ADMIN, `staff/{id}`. Fails if the name has another form.
    pub fn named(name: &str, chassis: Arc<Chassis>) -> Result<Self, Error> {
        if !name.strip_prefix("staff/").is_some_and(is_id) {
            return Err(Error::field(
                "service.admin",
                wrong!(ResourceName, "must be the name of a member of staff", "须为员工的资源名称"),
            ));
        }
        Ok(Self { name: name.to_owned(), chassis })
    }

    /// Records the first ADMIN unless the directory has staff. Retries until Postgres answers or the service stops.
    pub async fn record(self) {
        let mut stop = self.chassis.stopping();
        loop {
            match self.try_once().await {
                Ok(false) => return,
                Ok(true) => return tracing::info!(staff = self.name, "recorded as the first ADMIN of the directory"),
                Err(error) => {
                    tracing::warn!(cause = describe(&error), "the first ADMIN cannot be recorded; it is tried again");
                }
            }
            tokio::select! {
                () = tokio::time::sleep(RETRY_AFTER) => {}
                _ = stop.wait_for(|stopping| *stopping) => return,
            }
        }
    }

    /// Returns whether this attempt recorded the first ADMIN. Of several replicas one does; the others find staff in the
    /// directory.
    async fn try_once(&self) -> Result<bool, Error> {
        let path = "/kefu.directory.v1.DirectoryService/CreateStaff";
        let rule = self.chassis.rules.at(path).cloned().ok_or(Error::UnknownMethod)?;
        let caller =
            Identity { subject: self.chassis.service.clone(), roles: vec![Role::Service], department: String::new() };
        let call = Call::internal(Arc::new(caller), rule, self.chassis.clock.now(), None, &[]);
        if has_staff(&mut *self.chassis.pool().acquire().await?).await? {
            return Ok(false);
        }
        let mut work = self.chassis.begin(&call).await?;
        lock_organisation(work.connection()).await?;
        if has_staff(work.connection()).await? {
            return Ok(false);
        }
        let id = self.name.trim_start_matches("staff/").to_owned();
        let given =
            pb::Staff { number: id.clone(), display_name: id, roles: vec![Role::Admin.into()], ..pb::Staff::default() };
        let record = StaffRow::of(self.name.clone(), &given, call.now, call.now);
        StaffRow::upsert(work.connection(), &[&record]).await?;
        work.record(created(&call, &record));
        work.commit(pb::Staff::default()).await?;
        Ok(true)
    }
}

async fn has_staff(connection: &mut PgConnection) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(r#"select exists (select from appraisal.staff) as "exists!""#).fetch_one(connection).await
}
