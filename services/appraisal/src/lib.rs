//! The appraisal service: the directory of departments and staff, with heads, deputies and absences (A2.4, A2.5).

use std::sync::Arc;

use kefu_chassis::program::Service;
use kefu_chassis::server::Server;
use kefu_chassis::{Chassis, Error};
use kefu_proto::directory::v1::directory_service_server::DirectoryServiceServer;
use serde::Deserialize;
use sqlx::migrate::Migrator;

mod directory;

static MIGRATOR: Migrator = sqlx::migrate!("./migrations");

/// The service, as its own binary, `kefu up` and tests start it.
pub static SERVICE: Service = Service {
    schema: "appraisal",
    port: 7004,
    serves: &["kefu.directory.v1.DirectoryService"],
    migrator: &MIGRATOR,
    mount,
    separation: None,
};

/// Settings of appraisal, beside those of every service.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Settings {
    /// First ADMIN of an empty directory, `staff/{id}`; none when unset.
    admin: Option<String>,
}

fn mount(server: Server, chassis: Arc<Chassis>, settings: serde_json::Value) -> Result<Server, Error> {
    let settings: Settings = if settings.is_null() {
        Settings::default()
    } else {
        serde_json::from_value(settings).map_err(Error::unexpected)?
    };
    let server = server.with(DirectoryServiceServer::new(directory::Directory { chassis: chassis.clone() }));
    Ok(match settings.admin {
        None => server,
        Some(admin) => server.beside(directory::bootstrap::FirstAdmin::named(&admin, chassis)?.record()),
    })
}
