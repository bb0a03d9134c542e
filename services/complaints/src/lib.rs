//! complaints: received, investigated, approved, agreed, carried out, called back and archived, under clauses A1.1, C5 and
//! D8; the stages are those of ISO 10002.

use std::sync::Arc;

use kefu_chassis::contacts::Country;
use kefu_chassis::program::Service;
use kefu_chassis::server::Server;
use kefu_chassis::{Chassis, Error};
use kefu_proto::complaints::v1::complaint_service_server::ComplaintServiceServer;
use kefu_proto::complaints::v1::evidence_service_server::EvidenceServiceServer;
use kefu_proto::complaints::v1::improvement_service_server::ImprovementServiceServer;
use sqlx::migrate::Migrator;

mod analysis;
mod complaint;
mod evidence;
mod improvement;
mod shared;

pub use complaint::archive::purge::purge;

static MIGRATOR: Migrator = sqlx::migrate!("./migrations");

/// The service, for its own binary, for all in one, and for tests.
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
};

fn mount(server: Server, chassis: Arc<Chassis>, settings: serde_json::Value) -> Result<Server, Error> {
    let country = Country::configured(settings)?;
    Ok(server
        .beside(complaint::archive::purge::run(chassis.clone()))
        .beside(kefu_chassis::subscriber::run(chassis.clone(), analysis::contacts::subscription()))
        .with(ImprovementServiceServer::new(improvement::Improvements(chassis.clone())))
        .with(EvidenceServiceServer::new(evidence::Evidences::on(chassis.clone())))
        .with(ComplaintServiceServer::new(complaint::Complaints(chassis, country))))
}
