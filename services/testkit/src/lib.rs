//! The test kit: each test gets a real server on port 0 with a Postgres database of its own, a clock that stands still
//! until the test moves it, callers with tokens, and assertions on refusals. Failures panic, which fails the test.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::missing_panics_doc,
    reason = "only tests use it: a panic is how they fail"
)]

pub mod any;
mod bare;
mod bench;
pub mod beside;
mod caller;
mod cast;
mod cluster;
mod dice;
pub mod lifecycle;
mod line;
mod logs;
pub mod oracle;
pub mod raw;
mod record;
mod refusal;
pub mod rig;
pub mod rsa;
pub mod tampering;
mod wait;

pub use bare::BARE;
pub use bench::{Bench, Builder, START};
pub use caller::{Bearer, Caller, ending_in, request_id, sign, signer};
pub use dice::Dice;
pub use line::Line;
pub use logs::{Logs, subscribe_thread};
pub use refusal::{Refusal, Said, assert_chinese, assert_refused};
pub use wait::{eventually, within};
