//! The lifecycle of a request: what can happen to it, under which clause, and which duties that touches.

use jiff::{SignedDuration, Timestamp};
use kefu_chassis::lifecycle::{Lifecycle, Transition};
use kefu_proto::contacts::v1::Channel;
use kefu_proto::intake::v1::request::State;

mod duties;
mod gates;
mod labels;

pub use duties::first_response;
use gates::{
    ATTEMPTED, ATTEMPTED_ON_DAYS, AUTHORIZED, CLAIMABLE, CLASSIFIED, EXPECTATIONS_ANSWERED, HANDED_OVER,
    NO_COMPLAINT_YET, NOT_REPORTED_YET, PROMISE_BOUNDED, REASONED, REOPENABLE, SOMEBODY_IN_CHARGE,
    SOMEBODY_TO_REPORT_TO, UNANSWERED_YET, WITHIN_DEPARTMENT,
};

/// What can happen to a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// It is registered, and the customer waits for the first answer.
    Register,
    /// It is registered by someone who has answered the customer already.
    RegisterAnswered,
    /// The customer is first answered.
    Respond,
    /// The customer is told why they must wait, and how long.
    PromiseWait,
    /// The customer is told so again.
    PromiseWaitAgain,
    /// It is classified as within the scope of who has it.
    ClassifyInScope,
    /// It is classified as outside that scope.
    ClassifyOutOfScope,
    /// An internal note is recorded.
    Note,
    /// The customer is told how it goes.
    Inform,
    /// Something is awaited of the customer.
    AwaitCustomer,
    /// The customer gave it.
    CustomerReplied,
    /// It is solved, as we see it.
    Resolve,
    /// The customer says that it is.
    ConfirmSatisfied,
    /// The customer says that it is not.
    ConfirmDissatisfied,
    /// The customer was not reached.
    ConfirmNotReached,
    /// The customer was not reached often enough to give up.
    GiveUp,
    /// The customer comes back after it was closed.
    Reopen,
    /// The customer gives it up.
    Cancel,
    /// Somebody of the department takes it.
    Claim,
    /// Somebody of the department is given it.
    Assign,
    /// It is handed to another department.
    Transfer,
    /// They take it, and the customer was answered.
    AcceptTransfer,
    /// They take it, and the customer still waits for the first answer.
    AcceptUnanswered,
    /// They do not take it, and the customer was answered.
    DeclineTransfer,
    /// They do not take it, and the customer still waits for the first answer.
    DeclineUnanswered,
    /// It is of major importance.
    MarkMajor,
    /// A work order is filed.
    FileWorkOrder,
    /// It is linked to another request.
    Link,
    /// It is to become a complaint.
    Convert,
    /// It became one.
    LinkComplaint,
    /// The customer allows work from afar.
    AuthorizeRemote,
    /// Work goes on from afar.
    StartRemote,
    /// Something the customer expects cannot be given.
    RecordExpectation,
    /// It is answered why.
    AnswerExpectation,
}

/// The duties of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Duty {
    /// C2.1: the first answer in the channel's time.
    FirstResponse,
    /// C2.2: the answer in the time that was promised.
    PromisedWait,
    /// C2.4: the first judgement.
    Classification,
    /// C4.1: progress told to the customer.
    Progress,
    /// B1.3: the customer told of a delayed shipment.
    DelayNotice,
    /// A2.8: with the people responsible.
    PassOn,
    /// A2.4: a transfer accepted or declined.
    TransferAnswer,
    /// A2.5: known to the general manager.
    MajorReport,
    /// A2.6: the work order that was left for later.
    WorkOrder,
}

/// What gates and duties ask about a request.
#[derive(Clone, Debug)]
pub struct Facts {
    /// How the customer came.
    pub channel: Channel,
    /// Whether the customer was answered before or is answered now.
    pub is_answered: bool,
    /// When the customer is first answered, if that is now.
    pub answered_at: Option<Timestamp>,
    /// When it was classified, if that is at once.
    pub classified_at: Option<Timestamp>,
    /// Whether it is classified.
    pub is_classified: bool,
    /// The wait promised now.
    pub promised_at: Option<Timestamp>,
    /// How long that wait is, on the clock of its bound.
    pub promised_wait: SignedDuration,
    /// The bound of a promised wait.
    pub promise_at_most: SignedDuration,
    /// Whether this says that the shipment is delayed.
    pub is_delayed: bool,
    /// When the customer is told, if this tells them.
    pub informed_at: Option<Timestamp>,
    /// How often nobody was reached in this cycle, and how often that must be.
    pub attempts: (u32, u32),
    /// On how many working days that was, and on how many it must be.
    pub attempt_days: (u32, u32),
    /// How long ago it was closed, and how long it may be reopened.
    pub closed_for: (SignedDuration, SignedDuration),
    /// Whether the customer was answered before this.
    pub was_answered: bool,
    /// Whether its business domain is one of the first responder's department; unknown until it is classified.
    pub in_scope: Option<bool>,
    /// Whether another department took it over or has a work order for it.
    pub is_handed_over: bool,
    /// Whether it is solved first, with the order to follow.
    pub solved_first: bool,
    /// Whether a reason is given.
    pub has_reason: bool,
    /// To whom it is handed, and their department.
    pub recipient: Option<(String, String)>,
    /// Whether they decline it.
    pub is_declined: bool,
    /// Whether nobody is at work on it: its owner took it over for the department, is absent, or has left.
    pub is_unattended: bool,
    /// Whether the new owner is active in the department responsible.
    pub fits_department: bool,
    /// Whether it is marked as major, and the general manager knows.
    pub is_reported: bool,
    /// The general manager.
    pub general_manager: Option<String>,
    /// Whether the customer's authorisation holds.
    pub is_authorized: bool,
    /// How many unmet expectations are not answered.
    pub open_expectations: u32,
    /// Whether it became a complaint.
    pub is_complaint: bool,
}

type Row = Transition<State, Action, Duty, Facts>;

const BEGIN: &[State] = &[State::Unspecified];
const UNANSWERED: &[State] = &[State::Registered];
const PENDING: &[State] = &[State::TransferPending];
const WORKING: &[State] = &[State::InProgress];
const WAITING: &[State] = &[State::AwaitingCustomer];
const SOLVED: &[State] = &[State::Resolved];
const BEFORE_SOLUTION: &[State] = &[State::Registered, State::InProgress, State::AwaitingCustomer];
const UNSOLVED: &[State] = &[State::Registered, State::InProgress, State::AwaitingCustomer, State::TransferPending];
/// Open, and with its owner.
const HELD: &[State] = &[State::Registered, State::InProgress, State::AwaitingCustomer, State::Resolved];
const OPEN: &[State] =
    &[State::Registered, State::InProgress, State::AwaitingCustomer, State::Resolved, State::TransferPending];
/// All but what the customer gave up.
const KEPT: &[State] = &[
    State::Registered,
    State::InProgress,
    State::AwaitingCustomer,
    State::Resolved,
    State::TransferPending,
    State::Closed,
];

/// The lifecycle of a request.
pub static LIFECYCLE: Lifecycle<State, Action, Duty, Facts> = Lifecycle {
    transitions: &[
        Row {
            opens: &[Duty::FirstResponse, Duty::Classification, Duty::Progress, Duty::DelayNotice, Duty::PassOn],
            ..Row::row(Action::Register, "A2.1", BEGIN, Some(State::Registered))
        },
        Row {
            opens: &[Duty::FirstResponse, Duty::Classification, Duty::Progress, Duty::DelayNotice, Duty::PassOn],
            ..Row::row(Action::RegisterAnswered, "A2.1", BEGIN, Some(State::InProgress))
        },
        Row {
            meets: &[Duty::FirstResponse, Duty::PromisedWait],
            opens: &[Duty::Progress],
            ..Row::row(Action::Respond, "C2.1", UNANSWERED, Some(State::InProgress))
        },
        // While it waits for the answer to a transfer, whoever has it still answers the customer.
        Row {
            gates: &[UNANSWERED_YET],
            meets: &[Duty::FirstResponse, Duty::PromisedWait],
            opens: &[Duty::Progress],
            ..Row::row(Action::Respond, "C2.1", PENDING, None)
        },
        Row {
            gates: &[PROMISE_BOUNDED],
            replaces: &[Duty::FirstResponse],
            opens: &[Duty::PromisedWait],
            ..Row::row(Action::PromiseWait, "C2.2", UNANSWERED, None)
        },
        Row {
            gates: &[PROMISE_BOUNDED],
            breaches: &[Duty::PromisedWait],
            ..Row::row(Action::PromiseWaitAgain, "C2.2", UNANSWERED, None)
        },
        Row {
            meets: &[Duty::Classification, Duty::PassOn],
            ..Row::row(Action::ClassifyInScope, "C2.4", UNSOLVED, None)
        },
        Row {
            meets: &[Duty::Classification],
            opens: &[Duty::PassOn],
            ..Row::row(Action::ClassifyOutOfScope, "C2.4", UNSOLVED, None)
        },
        Row { opens: &[Duty::DelayNotice], ..Row::row(Action::Note, "A9.1", OPEN, None) },
        Row {
            meets: &[Duty::Progress, Duty::DelayNotice],
            opens: &[Duty::Progress, Duty::DelayNotice],
            in_order: true,
            ..Row::row(Action::Inform, "C4.1", &[State::Registered, State::InProgress, State::TransferPending], None)
        },
        // While the customer is awaited, or asked about the solution, no interval of C4.1 runs that a word to them could end.
        Row {
            meets: &[Duty::DelayNotice],
            opens: &[Duty::DelayNotice],
            in_order: true,
            ..Row::row(Action::Inform, "C4.1", &[State::AwaitingCustomer, State::Resolved], None)
        },
        Row {
            pauses: &[Duty::Progress],
            ..Row::row(Action::AwaitCustomer, "C2.3", WORKING, Some(State::AwaitingCustomer))
        },
        Row {
            resumes: &[Duty::Progress],
            ..Row::row(Action::CustomerReplied, "C4.1", WAITING, Some(State::InProgress))
        },
        Row {
            gates: &[CLASSIFIED, HANDED_OVER],
            meets: &[Duty::Progress, Duty::DelayNotice, Duty::PassOn],
            opens: &[Duty::WorkOrder],
            ..Row::row(Action::Resolve, "C3.2", WORKING, Some(State::Resolved))
        },
        Row {
            gates: &[EXPECTATIONS_ANSWERED],
            ends: true,
            ..Row::row(Action::ConfirmSatisfied, "C4.2", SOLVED, Some(State::Closed))
        },
        Row {
            opens: &[Duty::Progress],
            ..Row::row(Action::ConfirmDissatisfied, "C4.3", SOLVED, Some(State::InProgress))
        },
        Row::row(Action::ConfirmNotReached, "C4.2", SOLVED, None),
        Row {
            gates: &[ATTEMPTED, ATTEMPTED_ON_DAYS, EXPECTATIONS_ANSWERED],
            ends: true,
            ..Row::row(Action::GiveUp, "C4.2", SOLVED, Some(State::Closed))
        },
        Row {
            gates: &[REOPENABLE],
            opens: &[Duty::Progress],
            ..Row::row(Action::Reopen, "C4.3", &[State::Closed], Some(State::InProgress))
        },
        Row { ends: true, ..Row::row(Action::Cancel, "A9.1", OPEN, Some(State::Cancelled)) },
        Row { gates: &[CLAIMABLE], reassigns: true, ..Row::row(Action::Claim, "A2.1", HELD, None) },
        Row { gates: &[WITHIN_DEPARTMENT], reassigns: true, ..Row::row(Action::Assign, "A2.1", HELD, None) },
        Row {
            gates: &[REASONED, SOMEBODY_IN_CHARGE],
            meets: &[Duty::PassOn],
            opens: &[Duty::TransferAnswer],
            ..Row::row(Action::Transfer, "A2.4", &[State::Registered, State::InProgress], Some(State::TransferPending))
        },
        Row {
            meets: &[Duty::TransferAnswer],
            reassigns: true,
            ..Row::row(Action::AcceptTransfer, "A2.4", PENDING, Some(State::InProgress))
        },
        Row {
            meets: &[Duty::TransferAnswer],
            reassigns: true,
            ..Row::row(Action::AcceptUnanswered, "A2.4", PENDING, Some(State::Registered))
        },
        Row {
            meets: &[Duty::TransferAnswer],
            opens: &[Duty::PassOn],
            ..Row::row(Action::DeclineTransfer, "A2.4", PENDING, Some(State::InProgress))
        },
        Row {
            meets: &[Duty::TransferAnswer],
            opens: &[Duty::PassOn],
            ..Row::row(Action::DeclineUnanswered, "A2.4", PENDING, Some(State::Registered))
        },
        Row {
            gates: &[NOT_REPORTED_YET, SOMEBODY_TO_REPORT_TO],
            opens: &[Duty::MajorReport],
            ..Row::row(Action::MarkMajor, "A2.5", OPEN, None)
        },
        Row { meets: &[Duty::WorkOrder], ..Row::row(Action::FileWorkOrder, "A2.6", KEPT, None) },
        Row::row(Action::Link, "A2.8", KEPT, None),
        Row { gates: &[NO_COMPLAINT_YET], ..Row::row(Action::Convert, "C5.1", KEPT, None) },
        // Whatever became of it meanwhile.
        Row::row(
            Action::LinkComplaint,
            "C5.1",
            &[
                State::Registered,
                State::InProgress,
                State::AwaitingCustomer,
                State::Resolved,
                State::TransferPending,
                State::Closed,
                State::Cancelled,
            ],
            None,
        ),
        Row::row(Action::AuthorizeRemote, "A10.5", BEFORE_SOLUTION, None),
        Row { gates: &[AUTHORIZED], ..Row::row(Action::StartRemote, "A10.5", WORKING, None) },
        Row::row(Action::RecordExpectation, "A10.7", OPEN, None),
        Row::row(Action::AnswerExpectation, "A10.7", OPEN, None),
    ],
    duties: duties::RULES,
    label: labels::label,
    state_name: |state| state.as_str_name(),
    promised: |facts| facts.promised_at,
};

#[cfg(test)]
mod contract;
#[cfg(test)]
mod tests;
