//! The pure model: duties, events, notices, lifecycles, the organisation, search. It uses neither Postgres nor the runtime
//! nor gRPC.

pub mod duty;
pub mod event;
pub mod lifecycle;
pub mod notice;
pub mod organisation;
pub mod search;
