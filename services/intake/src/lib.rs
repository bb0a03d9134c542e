//! The intake service: a customer asks, and one person owns the request. Customers and their projects, and requests from
//! registration to the customer's confirmation, under clauses A2, A9, B1, C2, C3 and C4.

use std::sync::Arc;

use kefu_chassis::contacts::Country;
use kefu_chassis::program::Service;
use kefu_chassis::server::Server;
use kefu_chassis::{Chassis, Error};
use kefu_proto::intake::v1::customer_service_server::CustomerServiceServer;
use kefu_proto::intake::v1::request_service_server::RequestServiceServer;
use serde::Deserialize;
use sqlx::migrate::Migrator;

mod customer;
mod project;
mod request;
mod shared;
mod timeline;

static MIGRATOR: Migrator = sqlx::migrate!("./migrations");

/// The service, as its own binary, `kefu up` and tests start it.
pub static SERVICE: Service = Service {
    schema: "intake",
    port: 7001,
    serves: &["kefu.intake.v1.CustomerService", "kefu.intake.v1.RequestService"],
    migrator: &MIGRATOR,
    mount,
    separation: None,
};

/// Settings of intake, beside those of every service.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Settings {
    /// The country in which national telephone numbers are read.
    country: Country,
}

fn mount(server: Server, chassis: Arc<Chassis>, settings: serde_json::Value) -> Result<Server, Error> {
    let Settings { country } = kefu_chassis::config::own(settings)?;
    Ok(server
        .beside(request::search::backlog::run(chassis.clone()))
        .beside(request::convert::run(chassis.clone()))
        .beside(kefu_chassis::subscriber::run(chassis.clone(), timeline::complaint_subscription()))
        .beside(customer::merge::run(chassis.clone()))
        .with(CustomerServiceServer::new(customer::Customers { chassis: chassis.clone(), country }))
        .with(RequestServiceServer::new(request::Requests { chassis, country })))
}
