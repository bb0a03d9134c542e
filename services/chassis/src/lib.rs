//! What every service of kefu shares and no service owns: identity, rules, the way of a call, lifecycles, duties, the journal,
//! configuration, the server. It knows no domain.

// The macros of kefu-proto name this crate, and it uses them itself.
extern crate self as kefu_chassis;

pub mod call;
pub mod change;
pub mod chassis;
pub mod clock;
pub mod config;
pub mod contacts;
pub mod database;
pub mod directory;
pub mod duties;
pub mod error;
/// Serving a call takes hundreds of small allocations: a seventh of its processor time with the system's allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

mod fields;
pub mod identity;
pub mod journal;
pub mod language;
pub mod lifecycle;
pub mod mask;
pub mod names;
pub mod notifications;
pub mod paging;
pub mod peer;
pub mod program;
pub mod raw;
pub mod record;
pub mod rules;
pub mod search;
pub mod server;
pub mod step;
pub mod subscriber;
pub mod telemetry;
pub mod time;

pub use call::Call;
pub use change::Change;
pub use chassis::{Chassis, Parts};
pub use clock::Clock;
pub use error::Error;
