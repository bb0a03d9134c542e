//! The layer of Postgres: the chassis' own tables and their queries.

pub mod aliases;
pub mod batch;
pub mod calendars;
pub mod chain;
pub mod database;
pub mod directory;
pub mod duty;
pub mod journal;
pub mod notice;
pub mod record;
pub mod replies;
