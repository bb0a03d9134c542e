//! The pure model: duties, events, notices, lifecycles, the organisation, search. No Postgres, no runtime, no gRPC.

pub mod duty;
pub mod event;
pub mod lifecycle;
pub mod notice;
pub mod organisation;
pub mod search;
