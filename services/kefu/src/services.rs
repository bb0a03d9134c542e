//! The services that run in this process: the one place that lists them.

use kefu_chassis::program::Service;

/// Every service of the suite that exists.
pub static SERVICES: [&Service; 3] = [&kefu_intake::SERVICE, &kefu_complaints::SERVICE, &kefu_appraisal::SERVICE];

/// The port of the gateway.
pub const HTTP_PORT: u16 = 8080;

/// The port that a service's own port is counted from.
pub const PORT_BASE: u16 = 7000;
