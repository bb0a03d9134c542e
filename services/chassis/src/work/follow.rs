//! The subscription that keeps the copy of the directory: each replica reads the directory's journal, the first one applies
//! an event to the copy, and all reload the copy.

use kefu_proto::directory::v1 as pb;
use prost::Name as _;

use crate::base::names::DIRECTORY;
use crate::store::directory;
use crate::work::departures;
use crate::work::subscriber::Subscription;

/// The gRPC service of the directory.
pub const SERVED_AS: &str = "kefu.directory.v1.DirectoryService";

/// Returns the subscription to the events that change the copy.
#[must_use]
pub fn subscription() -> Subscription {
    Subscription {
        feed: DIRECTORY,
        payload_types: vec![
            pb::DepartmentCreated::full_name(),
            pb::DepartmentUpdated::full_name(),
            pb::StaffCreated::full_name(),
            pb::StaffUpdated::full_name(),
            pb::AbsenceRecorded::full_name(),
            pb::AbsenceEnded::full_name(),
            pb::GeneralManagerAppointed::full_name(),
        ],
        apply: |chassis, connection, event| {
            Box::pin(async move {
                directory::apply(connection, event).await?;
                departures::tell(chassis, connection, event).await
            })
        },
        after: |chassis| {
            Box::pin(async {
                chassis.directory.reload(chassis.pool(), chassis.clock.now()).await?;
                chassis.appended.notify_one();
                Ok(())
            })
        },
    }
}
