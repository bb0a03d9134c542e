//! The general manager, who receives reports of major matters (A2.5). There is one at a time.

use kefu_chassis::journal::NewEvent;
use kefu_chassis::{Call, Error};
use kefu_proto::directory::v1 as pb;

use super::{Directory, has_left, lock_organisation, no_staff, staff};

/// Aggregate to which the events of appointments belong.
const AGGREGATE: &str = "generalManager";

impl Directory {
    pub(super) async fn appoint_general_manager(
        &self,
        call: &Call,
        request: pb::AppointGeneralManagerRequest,
    ) -> Result<pb::Staff, Error> {
        let mut work = self.chassis.begin(call).await?;
        let organisation = lock_organisation(work.connection()).await?;
        let row = staff::row::find(work.connection(), &request.staff).await?.ok_or_else(|| no_staff(&request.staff))?;
        if row.inactive {
            return Err(Error::field("staff", has_left()));
        }
        if organisation.general_manager == row.name {
            return work.commit(row.show()).await;
        }
        let version = organisation.general_manager_version + 1;
        sqlx::query!(
            "update appraisal.organisation set general_manager = $1, general_manager_version = $2",
            row.name,
            version
        )
        .execute(work.connection())
        .await?;
        let payload = pb::GeneralManagerAppointed { staff: row.name.clone(), previous: organisation.general_manager };
        work.record(NewEvent::new(AGGREGATE, version, call.now, &call.rule.clauses, &payload));
        work.commit(row.show()).await
    }

    pub(super) async fn get_general_manager(
        &self,
        _call: &Call,
        _request: pb::GetGeneralManagerRequest,
    ) -> Result<pb::Staff, Error> {
        staff::row::general_manager(self.chassis.pool())
            .await?
            .map(|record| record.show())
            .ok_or_else(|| no_staff("staff:generalManager"))
    }
}
