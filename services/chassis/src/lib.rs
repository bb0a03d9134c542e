//! The chassis: everything that every service of kefu shares and no service owns. It holds identity, rules, the steps
//! that every call takes, lifecycles, duties, the journal, configuration and the server, and knows no domain.
//!
//! The files lie in layers, each of which imports only from those before it: `base`, `telemetry`, `contract`, `model`,
//! `store`, `work`, `serve`. Services use the modules that are exported here, whatever their layer.

// The derive macros and the macros of kefu-proto write code that names this crate, and this crate uses them too.
extern crate self as kefu_chassis;

mod base;
mod contract;
mod model;
mod serve;
mod store;
pub mod telemetry;
mod work;

pub use base::{clock, contacts, digest, error, labels, language, names, quota, refusal, tasks, text, time};
pub use contract::{call, identity, mask, paging, raw, rules};
pub use model::{lifecycle, notice as notifications, search};
pub use serve::{explain, program, server};
pub use store::{database, record, replies};
pub use work::{chassis, peer, resource, step, subscriber, unit_of_work};

pub mod config {
    //! Configuration: defaults, then a file, then the environment.
    pub use crate::base::settings::*;
    pub use crate::serve::config::*;
    pub use crate::serve::server::settings::*;
    pub use crate::store::database::Database;
    pub use crate::telemetry::settings::*;
}

pub mod aliases {
    //! Names of resources that were merged into others.
    pub use crate::base::aliases::Aliases;
    pub use crate::store::aliases::{begin_merge, record};
}

pub mod directory {
    //! The organisation, and the copy of the directory that each service keeps of it.
    pub use crate::model::organisation::*;
    pub use crate::store::directory::Directory;
    pub use crate::work::follow;
}

pub mod duties {
    //! Duties: clocked obligations under a clause.
    pub use crate::model::duty::*;
    pub use crate::work::duty_clock::mark_overdue;
}

pub mod fields {
    //! The rules of fields, compiled from the contracts, and who gives the fields.
    pub use crate::contract::fields::{Checker, Fields, Giver};
}

pub mod journal {
    //! The journal: events, their seal, and watching them.
    pub use crate::model::event::*;
    pub use crate::serve::watch;
    pub use crate::work::sealer::seal;
}

pub use call::Call;
pub use chassis::{Chassis, ChassisConfig};
pub use clock::Clock;
pub use error::Error;
pub use kefu_proto::rules::v1::FieldRule;
pub use unit_of_work::UnitOfWork;
