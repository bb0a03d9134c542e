//! The lifecycle of a request: its transitions, each with clause, gates, and the duties opened, met or voided.

use jiff::{SignedDuration, Timestamp};
use kefu_chassis::call::Stakeholders;
use kefu_chassis::lifecycle::{Lifecycle, Reach, Tally, Transition};
use kefu_proto::contacts::v1::Channel;
use kefu_proto::intake::v1::request::State;

mod duties;
mod gates;

pub use duties::first_response;
use gates::{
    ANSWER_HAS_CONTENT, ATTEMPTED, ATTEMPTED_ON_DAYS, AUTHORIZED, CLAIMABLE, CLASSIFIED, EXPECTATIONS_ANSWERED,
    HANDED_OVER, NO_COMPLAINT_YET, NO_REPORT_PENDING, NOT_REPORTED_YET, PROMISE_BOUNDED, REASONED, REOPENABLE,
    SOMEBODY_IN_CHARGE, SOMEBODY_TO_REPORT_TO, UNANSWERED_YET, WITHIN_DEPARTMENT,
};

kefu_chassis::actions! {
    /// What can happen to a request.
    pub enum Action {
        Register: RegisterRequest, "it is registered", "登记";
        RegisterAnswered: RegisterRequest, "it is registered after the customer was answered", "已应答客户后登记";
        Respond: RespondRequest, "the customer is first answered", "首次应答客户";
        PromiseWait: PromiseWait, "the customer is told why they must wait, and how long", "告知客户等待的原因和时长";
        PromiseWaitAgain: PromiseWait, "the customer is told to wait again", "再次告知客户等待";
        ClassifyInScope: ClassifyRequest, "it is classified as within scope", "初步判断为职责范围内";
        ClassifyOutOfScope: ClassifyRequest, "it is classified as out of scope", "初步判断为职责范围外";
        Note: RecordProgress, "an internal note is recorded", "记录内部备注";
        AnswerFirst: RecordProgress, "the customer is told something for the first time", "首次告知客户情况，视为应答";
        AnswerEarlier: RecordProgress, "the customer was told something before what is recorded as the first answer", "补记更早的应答";
        Inform: RecordProgress, "the customer is told how it goes", "向客户反馈进展";
        AwaitCustomer: AwaitCustomer, "something is awaited of the customer", "等待客户提供所需";
        CustomerReplied: RecordCustomerReply, "the customer gave what was awaited", "客户已提供所需";
        Resolve: ResolveRequest, "it is solved, as we see it", "我方认为已解决";
        ConfirmSatisfied: ConfirmResolution, "the customer says that it is solved", "客户确认已解决";
        ConfirmDissatisfied: ConfirmResolution, "the customer says that it is not solved", "客户表示未解决";
        ConfirmNotReached: ConfirmResolution, "the customer was not reached", "未联系到客户";
        GiveUp: ConfirmResolution, "it is given up to reach the customer", "多次未联系到客户，不再联系";
        Reopen: ReopenRequest, "the customer comes back after it was closed", "关闭后客户再次提出";
        Cancel: CancelRequest, "the customer gives it up", "客户取消请求";
        Claim: ClaimRequest, "somebody of the department takes it", "本部门人员认领";
        Assign: AssignRequest, "somebody of the department is given it", "指派给本部门人员";
        Transfer: TransferRequest, "it is handed to another department", "转交其他部门";
        AcceptTransfer: AcceptTransfer, "it is taken over", "接收转交";
        AcceptUnanswered: AcceptTransfer, "it is taken over, and the customer still waits for an answer", "接收转交，客户尚待应答";
        DeclineTransfer: DeclineTransfer, "it is not taken over", "退回转交";
        DeclineUnanswered: DeclineTransfer, "it is not taken over, and the customer still waits for an answer", "退回转交，客户尚待应答";
        MarkMajor: MarkMajor, "it is marked as of major importance", "列为重大事项";
        FileWorkOrder: FileWorkOrder, "a work order is filed", "填写工作联系单";
        Link: LinkRequests, "it is linked to another request", "关联其他请求";
        Convert: ConvertToComplaint, "it is to become a complaint", "拟转为投诉";
        LinkComplaint: ConvertToComplaint, "it became a complaint", "已转为投诉";
        AuthorizeRemote: AuthorizeRemote, "the customer allows work from afar", "客户授权远程服务";
        StartRemote: StartRemote, "work goes on from afar", "转为远程服务";
        RecordExpectation: RecordUnmetExpectation, "something the customer expects cannot be given", "记录未满足的期望";
        AnswerExpectation: AnswerUnmetExpectation, "it is answered why an expectation was not met", "答复未满足的期望";
    }
}

/// The duties of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Duty {
    /// C2.1: first answer within the channel's time.
    FirstResponse,
    /// C2.2: answer within the promised wait.
    PromisedWait,
    /// C2.2: deviation, a second promise.
    SecondPromise,
    /// C2.2: deviation, a promised wait that is longer than usual.
    LongPromise,
    /// C4.1: deviation, a wait for the customer that was longer than usual.
    LongWait,
    /// C2.4: classification of the request.
    Classification,
    /// C4.1: report of progress to the customer.
    Progress,
    /// B1.3: notice of a delayed shipment to the customer.
    DelayNotice,
    /// C4.2: asking the customer whether it is solved.
    Question,
    /// A2.8: passing the request on to the people responsible.
    PassOn,
    /// A2.4: answer to a transfer, accepted or declined.
    TransferAnswer,
    /// A2.5: acknowledgement of a major matter by the general manager.
    MajorReport,
    /// A2.6: work order filed after the solution.
    WorkOrder,
}

/// The receiving side of a transfer that waits for an answer.
#[derive(Clone, Debug)]
pub struct HandedTo {
    /// Person in charge of the department when the request was transferred.
    pub recipient: String,
    /// Receiving department.
    pub department: String,
    /// Person in charge of the department now; empty when nobody is.
    pub in_charge: String,
    /// Whoever stands in for the recipient, where they have left and nobody leads the department.
    pub stand_ins: Vec<String>,
}

/// Facts about a request and an action on it, which gates and duties read.
#[derive(Clone, Debug)]
pub struct Facts {
    /// Channel of the contact.
    pub channel: Channel,
    /// Whether the customer is answered once this action is done.
    pub is_answered: bool,
    /// C2.1: whether the answer says what the customer was told, or was given by telephone.
    pub has_content: bool,
    /// Time of the first answer, if this action gives it.
    pub answered_at: Option<Timestamp>,
    /// Time of the classification, if this action registers a classified request.
    pub classified_at: Option<Timestamp>,
    /// Whether the request is classified.
    pub is_classified: bool,
    /// End of the wait that this action promises.
    pub promised_at: Option<Timestamp>,
    /// Length of the promised wait, in the same measure (wall or working time) as `promise_at_most`.
    pub promised_wait: SignedDuration,
    /// Longest wait that may be promised (C2.2).
    pub promise_at_most: SignedDuration,
    /// Whether the wait that this action promises or ends is longer than usual (C2.2, C4.1).
    pub is_long_wait: bool,
    /// Supervisor of the owner.
    pub supervisor: Option<String>,
    /// Whether this action reports that the shipment is delayed.
    pub is_delayed: bool,
    /// Time at which this action informs the customer.
    pub informed_at: Option<Timestamp>,
    /// Attempts of this cycle that reached nobody.
    pub attempts: Tally,
    /// Working days with such attempts.
    pub attempt_days: Tally,
    /// Time since the request was closed; zero while it is open.
    pub closed_for: SignedDuration,
    /// Longest time after closing at which it can be reopened (C4.3).
    pub reopen_within: SignedDuration,
    /// Whether the customer had been answered before this action.
    pub was_answered: bool,
    /// Whether the business domain belongs to the first responder's department; none until the request is classified,
    /// or if the directory had not been copied then.
    pub in_scope: Option<bool>,
    /// Whether another department took the request over or has a work order for it.
    pub is_handed_over: bool,
    /// Whether this action solves the request before the work order is filed (A2.6).
    pub solved_first: bool,
    /// Whether a reason is given.
    pub has_reason: bool,
    /// Recipient of the transfer that this action begins, and their department.
    pub recipient: Option<(String, String)>,
    /// Receiving side of the pending transfer.
    pub handed_to: Option<HandedTo>,
    /// Whether this action declines the transfer.
    pub is_declined: bool,
    /// Whether nobody works on the request: its owner is absent, has left, or only accepted its transfer.
    pub is_unattended: bool,
    /// Whether the new owner is active in the department responsible.
    pub fits_department: bool,
    /// Whether the request is marked as major and the general manager has acknowledged.
    pub is_reported: bool,
    /// Whether the present general manager was told of the major matter and has not acknowledged yet.
    pub is_report_pending: bool,
    /// The general manager.
    pub general_manager: Option<String>,
    /// Who stands in for the general manager, while they are absent.
    pub general_managers_deputy: Option<String>,
    /// Whether the customer's authorisation of remote service is valid.
    pub is_authorized: bool,
    /// Number of unmet expectations without an answer.
    pub open_expectations: u32,
    /// Whether the request became a complaint.
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
/// Open states without a pending transfer, in which the owner acts.
const WITH_OWNER: &[State] = &[State::Registered, State::InProgress, State::AwaitingCustomer, State::Resolved];
const OPEN: &[State] =
    &[State::Registered, State::InProgress, State::AwaitingCustomer, State::Resolved, State::TransferPending];
/// Every state but cancelled.
const NOT_CANCELLED: &[State] = &[
    State::Registered,
    State::InProgress,
    State::AwaitingCustomer,
    State::Resolved,
    State::TransferPending,
    State::Closed,
];

const RECIPIENT: Option<Reach<Facts>> = Some(Reach {
    whose: "whoever it was handed to, or is in charge there now",
    of: |facts, all| match &facts.handed_to {
        Some(HandedTo { recipient, department, in_charge, stand_ins }) => {
            let recipients = Stakeholders::of(recipient, department);
            let recipients = if in_charge.is_empty() { recipients } else { recipients.and(in_charge) };
            stand_ins.iter().fold(recipients, |recipients, staff| recipients.and(staff))
        }
        None => all.without_parties(),
    },
});

/// The lifecycle of a request.
pub static LIFECYCLE: Lifecycle<State, Action, Duty, Facts> = Lifecycle {
    guards: &[],
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
            gates: &[ANSWER_HAS_CONTENT],
            meets: &[Duty::FirstResponse, Duty::PromisedWait],
            opens: &[Duty::Progress],
            ..Row::row(Action::Respond, "C2.1", UNANSWERED, Some(State::InProgress))
        },
        // While a transfer is pending, the owner may still answer the customer.
        Row {
            gates: &[UNANSWERED_YET, ANSWER_HAS_CONTENT],
            meets: &[Duty::FirstResponse, Duty::PromisedWait],
            opens: &[Duty::Progress],
            ..Row::row(Action::Respond, "C2.1", PENDING, None)
        },
        Row {
            gates: &[PROMISE_BOUNDED],
            replaces: &[Duty::FirstResponse],
            opens: &[Duty::PromisedWait, Duty::LongPromise],
            ..Row::row(Action::PromiseWait, "C2.2", UNANSWERED, None)
        },
        Row {
            gates: &[PROMISE_BOUNDED],
            opens: &[Duty::SecondPromise, Duty::LongPromise],
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
        // Whatever the customer is told first is the first answer.
        Row {
            meets: &[Duty::FirstResponse, Duty::PromisedWait, Duty::Progress, Duty::DelayNotice],
            opens: &[Duty::Progress, Duty::DelayNotice],
            ..Row::row(Action::AnswerFirst, "C4.1", UNANSWERED, Some(State::InProgress))
        },
        Row {
            gates: &[UNANSWERED_YET],
            meets: &[Duty::FirstResponse, Duty::PromisedWait, Duty::Progress, Duty::DelayNotice],
            opens: &[Duty::Progress, Duty::DelayNotice],
            ..Row::row(Action::AnswerFirst, "C4.1", PENDING, None)
        },
        // What the customer was told before what is on record as the first answer is the first answer, however late it is
        // recorded.
        Row {
            meets: &[Duty::FirstResponse, Duty::PromisedWait, Duty::DelayNotice],
            begins: &[Duty::Progress],
            only_begun: true,
            ..Row::row(
                Action::AnswerEarlier,
                "C2.1",
                &[State::InProgress, State::TransferPending, State::AwaitingCustomer, State::Resolved],
                None,
            )
        },
        Row {
            meets: &[Duty::Progress, Duty::DelayNotice],
            opens: &[Duty::Progress, Duty::DelayNotice],
            only_begun: true,
            ..Row::row(Action::Inform, "C4.1", &[State::InProgress, State::TransferPending], None)
        },
        // No interval of C4.1 runs in these two states. What the customer was told before is recorded in the interval in
        // which they were told.
        Row {
            meets: &[Duty::Progress, Duty::DelayNotice],
            opens: &[Duty::DelayNotice],
            only_begun: true,
            ..Row::row(Action::Inform, "C4.1", &[State::AwaitingCustomer, State::Resolved], None)
        },
        Row {
            pauses: &[Duty::Progress],
            ..Row::row(Action::AwaitCustomer, "C2.3", WORKING, Some(State::AwaitingCustomer))
        },
        Row {
            resumes: &[Duty::Progress],
            opens: &[Duty::LongWait],
            ..Row::row(Action::CustomerReplied, "C4.1", WAITING, Some(State::InProgress))
        },
        Row {
            gates: &[CLASSIFIED, HANDED_OVER],
            meets: &[Duty::Progress, Duty::DelayNotice, Duty::PassOn],
            opens: &[Duty::WorkOrder, Duty::Question],
            ..Row::row(Action::Resolve, "C3.2", WORKING, Some(State::Resolved))
        },
        Row {
            gates: &[EXPECTATIONS_ANSWERED],
            meets: &[Duty::Question],
            voids_rest: true,
            ..Row::row(Action::ConfirmSatisfied, "C4.2", SOLVED, Some(State::Closed))
        },
        Row {
            meets: &[Duty::Question],
            opens: &[Duty::Progress],
            ..Row::row(Action::ConfirmDissatisfied, "C4.3", SOLVED, Some(State::InProgress))
        },
        Row { attempts: &[Duty::Question], ..Row::row(Action::ConfirmNotReached, "C4.2", SOLVED, None) },
        Row {
            gates: &[ATTEMPTED, ATTEMPTED_ON_DAYS, EXPECTATIONS_ANSWERED],
            voids_rest: true,
            ..Row::row(Action::GiveUp, "C4.2", SOLVED, Some(State::Closed))
        },
        Row {
            gates: &[REOPENABLE],
            opens: &[Duty::Progress],
            ..Row::row(Action::Reopen, "C4.3", &[State::Closed], Some(State::InProgress))
        },
        Row {
            voids_rest: true,
            opens: &[Duty::LongWait],
            ..Row::row(Action::Cancel, "A9.1", OPEN, Some(State::Cancelled))
        },
        Row { gates: &[CLAIMABLE], reassigns: true, ..Row::row(Action::Claim, "A2.1", WITH_OWNER, None) },
        Row { gates: &[WITHIN_DEPARTMENT], reassigns: true, ..Row::row(Action::Assign, "A2.1", WITH_OWNER, None) },
        Row {
            gates: &[REASONED, SOMEBODY_IN_CHARGE],
            meets: &[Duty::PassOn],
            opens: &[Duty::TransferAnswer],
            ..Row::row(Action::Transfer, "A2.4", &[State::Registered, State::InProgress], Some(State::TransferPending))
        },
        Row {
            reach: RECIPIENT,
            meets: &[Duty::TransferAnswer],
            reassigns: true,
            ..Row::row(Action::AcceptTransfer, "A2.4", PENDING, Some(State::InProgress))
        },
        Row {
            reach: RECIPIENT,
            meets: &[Duty::TransferAnswer],
            reassigns: true,
            ..Row::row(Action::AcceptUnanswered, "A2.4", PENDING, Some(State::Registered))
        },
        Row {
            reach: RECIPIENT,
            meets: &[Duty::TransferAnswer],
            opens: &[Duty::PassOn],
            ..Row::row(Action::DeclineTransfer, "A2.4", PENDING, Some(State::InProgress))
        },
        Row {
            reach: RECIPIENT,
            meets: &[Duty::TransferAnswer],
            opens: &[Duty::PassOn],
            ..Row::row(Action::DeclineUnanswered, "A2.4", PENDING, Some(State::Registered))
        },
        Row {
            gates: &[NOT_REPORTED_YET, NO_REPORT_PENDING, SOMEBODY_TO_REPORT_TO],
            opens: &[Duty::MajorReport],
            ..Row::row(Action::MarkMajor, "A2.5", OPEN, None)
        },
        Row { meets: &[Duty::WorkOrder], ..Row::row(Action::FileWorkOrder, "A2.6", NOT_CANCELLED, None) },
        Row::row(Action::Link, "A2.8", NOT_CANCELLED, None),
        Row { gates: &[NO_COMPLAINT_YET], ..Row::row(Action::Convert, "C5.1", NOT_CANCELLED, None) },
        // The request may have moved on, even to an end, while the complaint was registered.
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
    label: Action::label,
    state_name: |state| state.as_str_name(),
    states: "kefu.intake.v1.Request.State",
    promised: |facts| facts.promised_at,
};

#[cfg(test)]
mod tests;
