//! The complaints service: complaints from receipt through investigation, approval, agreement, measures and return call
//! to the archive, under clauses A1.1, C5 and D8. The stages are those of ISO 10002.

use std::sync::Arc;

use kefu_chassis::contacts::Country;
use kefu_chassis::program::Service;
use kefu_chassis::server::Server;
use kefu_chassis::{Chassis, Error};
use kefu_proto::complaints::v1::complaint_service_server::ComplaintServiceServer;
use kefu_proto::complaints::v1::evidence_service_server::EvidenceServiceServer;
use kefu_proto::complaints::v1::improvement_service_server::ImprovementServiceServer;
use serde::Deserialize;
use sqlx::migrate::Migrator;

mod analysis;
mod complaint;
mod evidence;
mod improvement;
mod shared;

pub use complaint::archive::purge::purge;

static MIGRATOR: Migrator = sqlx::migrate!("./migrations");

/// The service, as its own binary, `kefu up` and tests start it.
pub static SERVICE: Service = Service {
    schema: "complaints",
    port: 7002,
    serves: &[
        "kefu.complaints.v1.ComplaintService",
        "kefu.complaints.v1.EvidenceService",
        "kefu.complaints.v1.ImprovementService",
    ],
    migrator: &MIGRATOR,
    mount,
    separation: Some(complaint::separation),
};

/// Settings of complaints, beside those of every service.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Settings {
    /// The country in which national telephone numbers are read.
    country: Country,
    /// Limits of uploads and downloads of evidence.
    uploads: evidence::Bounds,
}

fn mount(server: Server, chassis: Arc<Chassis>, settings: serde_json::Value) -> Result<Server, Error> {
    let Settings { country, uploads } = kefu_chassis::config::own(settings)?;
    let evidences = evidence::Evidences::on(chassis.clone(), uploads);
    Ok(server
        .beside(complaint::archive::purge::run(chassis.clone()))
        .beside(kefu_chassis::subscriber::run(chassis.clone(), analysis::contacts::subscription()))
        .with(ImprovementServiceServer::new(improvement::Improvements { chassis: chassis.clone() }))
        .with(EvidenceServiceServer::new(evidences).max_decoding_message_size(evidence::MESSAGE))
        .with(ComplaintServiceServer::new(complaint::Complaints { chassis, country })))
}
