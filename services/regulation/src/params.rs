//! Typed handles on parameters, for the code that enforces a clause. Each handle is checked against the rule book when a
//! regulation is loaded, so reading through one cannot fail.

use std::marker::PhantomData;

use crate::budget::Budget;
use crate::value::{Kind, Money, MonthDay, Percent, Period, TimeOfDay, Value, WeekdayTime};

/// A handle on one parameter, with the Rust type of its values. The handles are the constants of this module.
#[derive(Debug)]
pub struct Param<T> {
    clause: &'static str,
    name: &'static str,
    value: PhantomData<fn() -> T>,
}

impl<T> Clone for Param<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Param<T> {}

impl<T> Param<T> {
    /// Creates a handle. Only this module can, so every handle is in `HANDLES` and checked when a regulation is loaded.
    const fn new(clause: &'static str, name: &'static str) -> Self {
        Self { clause, name, value: PhantomData }
    }

    /// Returns the id of the clause.
    #[must_use]
    pub const fn clause(self) -> &'static str {
        self.clause
    }

    /// Returns the parameter's name within the clause.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.name
    }
}

/// A Rust type that parameter values are read as.
pub trait Parametric: Sized + sealed::Sealed {
    /// The parameter type that the Rust type stands for.
    const KIND: Kind;

    /// Reads the value as this type; none if the value is of another type.
    fn from_value(value: &Value) -> Option<Self>;
}

mod sealed {
    /// Keeps other crates from implementing [`super::Parametric`].
    pub trait Sealed {}
}

macro_rules! parametric {
    ($($type:ty => $kind:ident),* $(,)?) => {$(
        impl sealed::Sealed for $type {}
        impl Parametric for $type {
            const KIND: Kind = Kind::$kind;

            fn from_value(value: &Value) -> Option<Self> {
                match value {
                    Value::$kind(value) => Some(value.clone()),
                    _ => None,
                }
            }
        }
    )*};
}

parametric! {
    Budget => Duration,
    Period => Period,
    u32 => Count,
    Percent => Percent,
    TimeOfDay => TimeOfDay,
    MonthDay => MonthDay,
    WeekdayTime => WeekdayTime,
    Money => Money,
    bool => Bool,
    String => Choice,
}

/// What a handle says about the rule book, for the check when a regulation is loaded.
pub(crate) struct Handle {
    pub(crate) clause: &'static str,
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
}

macro_rules! handles {
    ($($(#[$doc:meta])* $handle:ident: $type:ty = $clause:literal, $name:literal;)*) => {
        $($(#[$doc])* pub const $handle: Param<$type> = Param::new($clause, $name);)*

        pub(crate) const HANDLES: &[Handle] = &[
            $(Handle { clause: $clause, name: $name, kind: <$type as Parametric>::KIND }),*
        ];
    };
}

handles! {
    /// A1.1: how long before a matter came in whoever was of the responsible department counts as an insider; wall
    /// clock.
    INSIDER_FOR: Budget = "A1.1", "insider_for";
    /// A2.4: how long the head or deputy has to accept or decline a transfer.
    ACCEPT_WITHIN: Budget = "A2.4", "accept_within";
    /// A2.5: how soon a major matter reaches the general manager.
    REPORT_WITHIN: Budget = "A2.5", "report_within";
    /// A2.6: how soon after the resolution the work order is filed.
    WORK_ORDER_WITHIN: Budget = "A2.6", "work_order_within";
    /// A2.7: the number of transfers from which on a request counts as bounced.
    BOUNCE_TRANSFERS: u32 = "A2.7", "bounce_transfers";
    /// A2.8: how soon a registered request reaches the people responsible.
    PASS_ON_WITHIN: Budget = "A2.8", "pass_on_within";
    /// A2.8: how long after a contact another contact on the same matter counts as a repeat.
    REPEAT_WITHIN: Budget = "A2.8", "repeat_within";
    /// A9.1: how far back an agent may date a late record; wall clock.
    BACKDATE_AGENT: Budget = "A9.1", "backdate_agent";
    /// A9.1: how far back a supervisor may date a late record; wall clock, never less than for an agent.
    BACKDATE_SUPERVISOR: Budget = "A9.1", "backdate_supervisor";
    /// A9.1: how long after a breach the owner's supervisor is told of it.
    ESCALATE_TO_SUPERVISOR: Budget = "A9.1", "escalate_to_supervisor";
    /// A9.1: how long after a breach the head of the owner's department is told of it; never sooner than the
    /// supervisor.
    ESCALATE_TO_MANAGER: Budget = "A9.1", "escalate_to_manager";
    /// A9.1: how long after a due time what moves it may be recorded; wall clock.
    RECORD_WITHIN: Budget = "A9.1", "record_within";
    /// A9.1: what share of a recurring duty's time has passed when its fulfilment counts.
    COUNTS_AFTER: Percent = "A9.1", "counts_after";
    /// B1.3: how soon the customer hears of a delayed shipment.
    DELAY_NOTICE_WITHIN: Budget = "B1.3", "delay_notice_within";
    /// C2.1: how soon a chat is answered.
    CHAT: Budget = "C2.1", "chat";
    /// C2.1: within how many rings the hotline is answered; see `Regulation::hotline_answer`.
    HOTLINE_RINGS: u32 = "C2.1", "hotline_rings";
    /// C2.1: how long one ring lasts; wall clock.
    HOTLINE_RING: Budget = "C2.1", "hotline_ring";
    /// C2.1: how soon an e-mail is answered.
    EMAIL: Budget = "C2.1", "email";
    /// C2.1: how soon a request by web form is answered.
    WEB: Budget = "C2.1", "web";
    /// C2.1: how soon a contact by any other channel is answered, so that no channel is without a clock.
    OTHER_CHANNELS: Budget = "C2.1", "other";
    /// C2.2: the longest wait that may be promised.
    PROMISE_AT_MOST: Budget = "C2.2", "promise_at_most";
    /// C2.2: the longest promised wait that is usual.
    PROMISE_USUAL: Budget = "C2.2", "promise_usual";
    /// C2.2: above what share of their requests a person promises a wait more often than usual.
    PROMISE_SHARE: Percent = "C2.2", "promise_share";
    /// C2.2: over what time that share is counted; wall clock.
    PROMISE_SHARE_OF: Budget = "C2.2", "promise_share_of";
    /// C2.2: below how many requests the share says nothing.
    PROMISE_SHARE_LEAST: u32 = "C2.2", "promise_share_least";
    /// C2.4: how soon a request is classified.
    CLASSIFY_WITHIN: Budget = "C2.4", "classify_within";
    /// C4.1: how often the customer hears of progress.
    PROGRESS_EVERY: Budget = "C4.1", "progress_every";
    /// C4.1: the longest wait for the customer that is usual.
    AWAIT_USUAL: Budget = "C4.1", "await_usual";
    /// C4.2: how soon after the resolution the customer is asked.
    ASK_WITHIN: Budget = "C4.2", "ask_within";
    /// C4.2: after how many recorded attempts an unreachable customer's request may close.
    ATTEMPTS: u32 = "C4.2", "attempts";
    /// C4.2: over how many working days those attempts are spread; never more than the attempts.
    ATTEMPT_DAYS: u32 = "C4.2", "attempt_days";
    /// C4.3: how long a closed request may be reopened.
    REOPEN_WITHIN: Budget = "C4.3", "reopen_within";
    /// C5.2: how soon a complainant has an apology and a promise.
    APOLOGIZE_WITHIN: Budget = "C5.2", "acknowledge_within";
    /// C5.3: how soon the investigation of a complaint is concluded.
    CONCLUDE_WITHIN: Budget = "C5.3", "conclude_within";
    /// C5.7: how often a complainant hears of progress while the resolution is carried out.
    EXECUTION_PROGRESS_EVERY: Budget = "C5.7", "progress_every";
    /// C5.8: how soon after the execution a complainant is called back.
    CALLBACK_WITHIN: Budget = "C5.8", "callback_within";
    /// C5.8: after how many recorded attempts a complaint may go on or close without its unreachable complainant.
    COMPLAINANT_ATTEMPTS: u32 = "C5.8", "attempts";
    /// C5.8: over how many working days those attempts are spread; never more than the attempts.
    COMPLAINANT_ATTEMPT_DAYS: u32 = "C5.8", "attempt_days";
    /// C5.9: how long an archived complaint is kept at least.
    RETENTION: Period = "C5.9", "retention";
    /// D8.12: how long after an improvement its effect is checked.
    CHECK_AFTER: Period = "D8.12", "check_after";
    /// D8.12: how soon the effect is checked once that time has passed.
    CHECK_WITHIN: Budget = "D8.12", "check_within";
    /// D8.3: how soon a department that was told of a complaint acknowledges it.
    DEPARTMENT_ACKNOWLEDGE_WITHIN: Budget = "D8.3", "acknowledge_within";
}
