//! The one list of the services that run in this process.

use kefu_chassis::program::Service;

/// Every service of the suite.
pub static SERVICES: [&Service; 3] = [&kefu_intake::SERVICE, &kefu_complaints::SERVICE, &kefu_appraisal::SERVICE];

/// Default port of the gateway.
pub const HTTP_PORT: u16 = 8080;

/// Default base of the services' ports.
pub const PORT_BASE: u16 = 7000;
