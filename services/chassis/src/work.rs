//! The layer that works on model and store: units of work, steps of aggregates, the duty clock, the sealer, subscriptions and
//! peers.

pub mod chassis;
mod departures;
pub mod duty_clock;
mod escalation;
pub mod follow;
pub mod gauges;
pub mod peer;
pub mod resource;
pub mod sealer;
pub mod step;
pub mod subscriber;
pub mod unit_of_work;
pub mod verify;
