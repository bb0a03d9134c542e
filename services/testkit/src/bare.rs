//! A service without a domain: the methods that every service serves, and one table as the subject of events.

use std::sync::Arc;

use kefu_chassis::program::Service;
use kefu_chassis::server::Server;
use kefu_chassis::{Chassis, Error};
use sqlx::migrate::Migrator;

static MIGRATOR: Migrator = sqlx::migrate!("./migrations");

/// The service `services/bare`. Its table is `bare.thing (name, version)`.
pub static BARE: Service =
    Service { schema: "bare", port: 0, serves: &[], migrator: &MIGRATOR, mount, separation: None };

#[expect(clippy::unnecessary_wraps, reason = "the type that a service's mount has")]
fn mount(server: Server, _: Arc<Chassis>, _: serde_json::Value) -> Result<Server, Error> {
    Ok(server)
}
