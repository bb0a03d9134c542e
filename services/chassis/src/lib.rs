//! What every service of kefu shares and no service owns: identity, rules, the way of a call, lifecycles, duties, the journal,
//! configuration, the server. It knows no domain.
//!
//! Its files lie in layers, and each imports only from those before it: `base`, `telemetry`, `contract`, `model`, `store`, `work`,
//! `serve`. Services see the modules named here; which layer one is in is the chassis' own concern.

// What the derive macros and those of kefu-proto write names this crate, which uses them itself.
extern crate self as kefu_chassis;

mod base;
mod contract;
mod model;
mod serve;
mod store;
pub mod telemetry;
mod work;

pub use base::{clock, contacts, names, time};
pub use contract::{call, mask, paging, raw, rules};
pub use model::{lifecycle, search};
pub use serve::{explain, program, server};
pub use store::{database, record, replies};
pub use work::{change, peer, step, subscriber};

pub mod chassis {
    //! The chassis of one service.
    pub use crate::base::tasks::spawn;
    pub use crate::work::chassis::*;
}

pub mod config {
    //! Configuration: defaults, then a file, then the environment.
    pub use crate::base::settings::*;
    pub use crate::serve::config::*;
    pub use crate::serve::server::settings::*;
    pub use crate::store::database::Database;
    pub use crate::telemetry::settings::*;
}

pub mod directory {
    //! The organisation, as the directory tells it.
    pub use crate::model::organisation::*;
    pub use crate::store::directory::Directory;

    pub mod follow {
        //! How the copy of the directory is kept.
        pub use crate::base::names::DIRECTORY as FEED;
        pub use crate::work::follow::*;
    }
}

pub mod duties {
    //! Duties: clocked obligations under a clause.
    pub use crate::model::duty::*;
    pub use crate::work::duty_clock::mark_overdue;
}

pub mod error {
    //! Refusals, and what a caller is told of them.
    pub use crate::base::error::*;
    pub use crate::base::refusal::shortened;
}

pub mod identity {
    //! Who calls.
    pub use crate::base::digest::sha256;
    pub use crate::contract::identity::*;
}

pub mod journal {
    //! The journal: events, their seal, and watching them.
    pub use crate::model::event::*;
    pub use crate::serve::watch;
    pub use crate::work::sealer::seal;
}

pub mod language {
    //! The languages that people are told things in.
    pub use crate::base::language::*;
    pub use crate::base::refusal::meaning;
}

pub mod notifications {
    //! Notifications: what a service has to tell somebody of the staff.
    pub use crate::model::notice::*;
}

pub use call::Call;
pub use change::Change;
pub use chassis::{Chassis, Parts};
pub use clock::Clock;
pub use error::Error;
