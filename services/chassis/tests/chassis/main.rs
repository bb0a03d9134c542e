//! The chassis on a real Postgres, without a domain: journal, repeated calls, duties, gate, health, time.
#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod access;
mod budget;
mod clock;
mod config;
mod deadline;
mod decisions;
mod escalation;
mod feed;
mod gate;
mod health;
mod journal_rights;
mod judgement;
mod notifications;
mod reckoning;
mod regulation;
mod replay;
mod replicas;
mod stage;
mod summary;
mod time_stamp;
mod tokens;
mod verification;
mod watching;
