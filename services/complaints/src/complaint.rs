//! Complaints: from registration to the archived file.

use std::sync::Arc;

use futures::future::BoxFuture;
use kefu_chassis::contacts::Country;
use kefu_chassis::names::Id;
use kefu_chassis::record::VersionedRow as _;
use kefu_chassis::{Chassis, Error};
use sqlx::PgConnection;

use lifecycle::gates::{NOT_THE_ACCUSED, REPORT_JUDGED};
use row::ComplaintRow;
use row::separation::{Concern, Separation};

use crate::improvement::row::ImprovementRow;
use crate::shared::{Complaint, Improvement};

mod agreement;
pub mod archive;
mod callback;
pub mod case_record;
mod contact;
mod explain;
mod investigation;
pub mod lifecycle;
mod list;
mod naming;
mod reception;
mod register;
mod resolution;
pub mod row;
mod search;
mod watch;

/// Serves complaints.
#[derive(Clone, Debug)]
pub struct Complaints {
    /// What every service shares: database, clock, directory copy, regulation.
    pub chassis: Arc<Chassis>,
    /// Country of telephone numbers written without a country code.
    pub country: Country,
}

kefu_proto::serve_complaint_service!(Complaints);

/// Refuses whoever is or was said to be responsible, or reported a person above them, a decision about the duties of a
/// complaint, or of the improvement after it (A1.1).
pub fn separation<'a>(
    chassis: &'a Chassis,
    connection: &'a mut PgConnection,
    subject: &'a str,
    staff: &'a str,
) -> BoxFuture<'a, Result<(), Error>> {
    Box::pin(async move {
        let complaints = if let Some(improvement) = Id::<Improvement>::parse(subject) {
            let found = ImprovementRow::get(connection, improvement.uuid()).await?;
            found.map(|improvement| improvement.complaints).unwrap_or_default()
        } else {
            Id::<Complaint>::parse(subject).map(Id::uuid).into_iter().collect()
        };
        for complaint in ComplaintRow::load(connection, &complaints).await? {
            let separation = Separation::of(&complaint, chassis, chassis.clock.now());
            if separation.accusation(staff) > Concern::Apart {
                return Err(NOT_THE_ACCUSED.refusal(subject));
            }
            if separation.has_open_report(staff) {
                return Err(REPORT_JUDGED.refusal(subject));
            }
        }
        Ok(())
    })
}
