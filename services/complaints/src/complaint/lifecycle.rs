//! The lifecycle of a complaint: its transitions, each with clause, gates, and the duties opened, met or voided.

use jiff::Timestamp;
use kefu_chassis::lifecycle::{Gate, Guard, Lifecycle, SubDuty, Tally, Transition};
use kefu_proto::complaints::v1::complaint::State;

mod duties;
pub mod gates;
mod reach;

use gates::{
    ACKNOWLEDGED, ALL_APPROVED, ALL_DONE, APPOINTEE_NOT_ACCUSED, APPROVER_CONCERNED, APPROVER_NOT_AUTHOR,
    APPROVER_OUTSIDE, CONTACTED, EVIDENCED, HANDLER_FITS, IN_CHARGE, INVESTIGATOR_OUTSIDE, JUDGE_OUTSIDE, NAMED,
    NOT_ACKNOWLEDGED, NOT_STRUCK_BEFORE, NOT_THE_ACCUSED, OTHERS_TRIED, OUTSIDER_CONCERNED, OWN_MEASURE, PLAN_CURRENT,
    PLANNED, PRESUMED_OUTSIDE, REPORT_JUDGED, RESPONSIBLE_FOUND, SAME_VERSION, WITHOUT_COMPLAINANT,
};
use reach::{CONCERNED, HANDLER_OR_INVESTIGATOR, INVESTIGATOR, MEASURE_OWNER};

kefu_chassis::actions! {
    /// What can happen to a complaint.
    pub enum Action {
        Register: RegisterComplaint, "it is registered", "登记";
        Acknowledge: AcknowledgeComplaint, "the complainant has an apology and a promise", "向投诉人致歉并承诺尽快处理";
        Classify: ClassifyComplaint, "it is classified", "分类定级";
        JudgeNaming: JudgeNaming, "it is judged whether somebody is rightly said to be responsible", "裁定责任指认";
        Notify: NotifyDepartment, "a department is told", "转告相关部门";
        Assign: AssignComplaint, "somebody else of the department handles it", "改由本部门他人经办";
        AssignInvestigator: AssignInvestigator, "somebody investigates it", "指派调查人";
        AddEvidence: AddEvidence, "evidence is added", "添加证据";
        Contact: RecordCustomerContact, "the complainant is spoken with", "与投诉人沟通";
        Attempt: RecordCustomerContact, "an attempt to reach the complainant finds nobody", "联系投诉人未果";
        GoOnUnacknowledged: WaiveContact, "it goes on though the complainant heard no apology", "未能向投诉人致歉，继续处理";
        GoOnUnagreed: WaiveContact, "it goes on without the complainant's agreement", "未取得投诉人认可，继续落实";
        GoOnUntold: WaiveContact, "it goes on though the complainant heard no explanation", "未能向投诉人说明，转入回访";
        CloseWithout: WaiveContact, "it is closed without the complainant", "无法取得投诉人意见，予以关闭";
        Conclude: ConcludeInvestigation, "the investigation is concluded", "调查结束";
        Propose: ProposeResolution, "a resolution is proposed", "提出处理方案";
        ProposeAnew: ProposeResolution, "another resolution is proposed, because this one cannot be carried out", "方案无法执行，另行提出处理方案";
        Approve: ApproveResolution, "a department concerned approves it", "一个相关部门审批通过";
        ApproveLast: ApproveResolution, "the last department concerned approves it", "全部相关部门审批通过";
        Reject: RejectResolution, "a department concerned rejects it", "一个相关部门驳回处理方案";
        Agree: RecordAgreement, "the complainant agrees", "投诉人认可处理方案";
        AgreeToExplanation: RecordAgreement, "the complainant accepts an explanation, and nothing is to be done", "投诉人接受说明，无需整改措施";
        Decline: RecordDecline, "the complainant declines", "投诉人不认可处理方案";
        CompleteMeasure: CompleteMeasure, "a measure is done", "完成一项整改措施";
        CompleteLast: CompleteMeasure, "the last measure is done", "完成全部整改措施";
        Inform: RecordComplaintProgress, "the complainant is told how it goes", "向投诉人反馈进展";
        Satisfied: RecordCallback, "the complainant is satisfied", "回访满意";
        Dissatisfied: RecordCallback, "the complainant is not satisfied", "回访不满意";
        Withdraw: WithdrawComplaint, "the complainant takes it back", "投诉人撤回";
        Archive: ArchiveComplaint, "its file is closed", "整理归档";
    }
}

/// The duties of a complaint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Duty {
    /// C5.2: apology and promise.
    Acknowledgement,
    /// D8.3: acknowledgement by a notified department.
    DepartmentNotice,
    /// C5.3: conclusion of the investigation.
    Investigation,
    /// D8.8: completion of a measure.
    Measure,
    /// C5.7: report of progress to the complainant.
    Progress,
    /// C5.8: return call.
    Callback,
}

/// Facts about a complaint and an action on it, which gates and duties read.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// Whether the complainant had the apology, or it was waived.
    pub is_acknowledged: bool,
    /// Whether there is evidence, or a stated reason for its absence.
    pub is_evidenced: bool,
    /// Whether the investigation of this cycle heard the complainant, or the contact was waived.
    pub is_contacted: bool,
    /// Investigator, and their department.
    pub investigator: Option<(String, String)>,
    /// Whoever is in charge of the handling department and may appoint an investigator, and that department; none if nobody
    /// is.
    pub in_charge: Option<(String, String)>,
    /// Whether the investigator, and the caller acting as one, were outside the responsible department ever since
    /// `insider_for` before the receipt.
    pub is_outside: bool,
    /// Whether a responsible person is named, or the reason for naming none.
    pub has_responsible: bool,
    /// Whether the new handler is active in the handling department.
    pub fits_department: bool,
    /// Departments that this action notifies, each with the person in charge now.
    pub notified: Vec<SubDuty>,
    /// Whether the resolution has measures, or may be an explanation alone because the complaint is not upheld.
    pub has_plan: bool,
    /// Whether a department besides the responsible one is among those concerned.
    pub concerns_others: bool,
    /// Whether the caller judges the current version of the resolution.
    pub is_same_version: bool,
    /// Department concerned that the approver speaks for and that has not approved yet; none if there is none.
    pub speaks_for: Option<String>,
    /// Whether the approver wrote this or an earlier version of the resolution.
    pub is_author: bool,
    /// Whether the caller is or was said to be responsible, and somebody less concerned could act.
    pub is_accused: bool,
    /// Whether the caller is or was of the department presumed responsible, and presumes another (A1.1).
    pub clears_own: bool,
    /// Whether the caller reported somebody above them, nobody has judged that, and somebody less concerned could act.
    pub has_open_report: bool,
    /// Whether the measure that the call is about is the caller's.
    pub owns_measure: bool,
    /// Whether the new handler or investigator is or was said to be responsible.
    pub is_appointee_accused: bool,
    /// Whether the naming that the call makes was struck before, and the caller does not lead.
    pub was_struck: bool,
    /// Whether the person whose naming the call judges has one that it can change.
    pub can_be_judged: bool,
    /// Whether the caller is outside what they judge.
    pub may_judge: bool,
    /// Method and person of an action that clause A1.1 separates from that person, and that nobody less concerned can
    /// take or be appointed to.
    pub deviation: Option<(String, String)>,
    /// Whether the approver speaks for the responsible department, or never belonged to it since `insider_for` before the
    /// receipt.
    pub is_independent: bool,
    /// Departments concerned that still have to approve after this action.
    pub approvals_left: usize,
    /// Whether an open measure is overdue at the time of this action.
    pub is_plan_late: bool,
    /// Measures that this action opens or completes.
    pub measures: Vec<SubDuty>,
    /// Time at which the last measure was completed, or at which the complainant accepted an explanation without
    /// measures.
    pub executed_at: Option<Timestamp>,
    /// Measures still open after this action.
    pub measures_left: usize,
    /// Attempts of this step that reached nobody.
    pub attempts: Tally,
    /// Working days with such attempts.
    pub attempt_days: Tally,
    /// Whether the caller recorded one of these attempts.
    pub has_tried: bool,
    /// Whether the call names a piece of evidence that is the complainant's written refusal.
    pub has_refused: bool,
}

impl Facts {
    /// Notes that this person acts, or is appointed, though clause A1.1 separates the matter from them.
    pub fn deviates_for(&mut self, method: &str, staff: &str) {
        self.deviation = Some((method.to_owned(), staff.to_owned()));
    }
}

type Row = Transition<State, Action, Duty, Facts>;

/// Gates on approving or rejecting: who may judge a resolution, and which version.
const ENTITLED: &[Gate<Facts>] = &[APPROVER_CONCERNED, SAME_VERSION, APPROVER_NOT_AUTHOR, APPROVER_OUTSIDE];

const BEGIN: &[State] = &[State::Unspecified];
/// States before the conclusion of the investigation.
const BEFORE_CONCLUSION: &[State] = &[State::Registered, State::Acknowledged, State::Investigating];
/// States between the conclusion and the agreement.
const BEFORE_AGREEMENT: &[State] = &[State::Concluded, State::Proposed, State::Approved];
const CARRYING_OUT: &[State] = &[State::Agreed, State::Executing];
const OPEN: &[State] = &[
    State::Registered,
    State::Acknowledged,
    State::Investigating,
    State::Concluded,
    State::Proposed,
    State::Approved,
    State::Agreed,
    State::Executing,
    State::Callback,
];
/// States whose next step needs the complainant.
const COMPLAINANT_AWAITED: &[State] = &[State::Registered, State::Approved, State::Callback];

/// Actions that whoever is or was said to be responsible may take: bringing evidence, and reporting a measure of their own.
const OPEN_TO_THE_ACCUSED: &[Action] =
    &[Action::Register, Action::AddEvidence, Action::CompleteMeasure, Action::CompleteLast];
/// Actions that decide nothing, which whoever reported somebody may go on to take.
const OPEN_TO_THE_REPORTER: &[Action] = &[
    Action::Register,
    Action::Acknowledge,
    Action::Notify,
    Action::AddEvidence,
    Action::Contact,
    Action::Attempt,
    Action::Inform,
    Action::CompleteMeasure,
    Action::CompleteLast,
];

/// The lifecycle of a complaint.
pub static LIFECYCLE: Lifecycle<State, Action, Duty, Facts> = Lifecycle {
    guards: &[
        Guard { gate: NOT_THE_ACCUSED, except: OPEN_TO_THE_ACCUSED },
        Guard { gate: REPORT_JUDGED, except: OPEN_TO_THE_REPORTER },
    ],
    transitions: &[
        Row {
            opens: &[Duty::Acknowledgement, Duty::Investigation],
            ..Row::row(Action::Register, "C5.1", BEGIN, Some(State::Registered))
        },
        Row {
            meets: &[Duty::Acknowledgement],
            ..Row::row(Action::Acknowledge, "C5.2", &[State::Registered], Some(State::Acknowledged))
        },
        // An investigation may begin before the apology, which remains due.
        Row {
            gates: &[NOT_ACKNOWLEDGED],
            meets: &[Duty::Acknowledgement],
            ..Row::row(Action::Acknowledge, "C5.2", &[State::Investigating], None)
        },
        // The responsible department is notified at once, or later by NotifyDepartment if nobody is in charge there
        // now.
        Row {
            gates: &[INVESTIGATOR_OUTSIDE, NOT_STRUCK_BEFORE, PRESUMED_OUTSIDE],
            opens: &[Duty::DepartmentNotice],
            ..Row::row(Action::Classify, "D8.2", BEFORE_CONCLUSION, None)
        },
        Row { reach: CONCERNED, gates: &[NAMED, JUDGE_OUTSIDE], ..Row::row(Action::JudgeNaming, "A1.1", OPEN, None) },
        Row { gates: &[IN_CHARGE], opens: &[Duty::DepartmentNotice], ..Row::row(Action::Notify, "D8.3", OPEN, None) },
        Row {
            gates: &[HANDLER_FITS, APPOINTEE_NOT_ACCUSED],
            reassigns: true,
            ..Row::row(Action::Assign, "A9.1", OPEN, None)
        },
        Row {
            gates: &[INVESTIGATOR_OUTSIDE, APPOINTEE_NOT_ACCUSED],
            reassigns: true,
            ..Row::row(Action::AssignInvestigator, "A1.1", BEFORE_CONCLUSION, Some(State::Investigating))
        },
        Row { reach: CONCERNED, ..Row::row(Action::AddEvidence, "C5.4", OPEN, None) },
        Row { reach: HANDLER_OR_INVESTIGATOR, ..Row::row(Action::Contact, "D8.4", OPEN, None) },
        Row {
            reach: HANDLER_OR_INVESTIGATOR,
            attempts: &[Duty::Acknowledgement, Duty::Callback],
            ..Row::row(Action::Attempt, "C5.8", COMPLAINANT_AWAITED, None)
        },
        Row {
            reach: HANDLER_OR_INVESTIGATOR,
            gates: &[NOT_ACKNOWLEDGED],
            attempts: &[Duty::Acknowledgement],
            ..Row::row(Action::Attempt, "C5.8", &[State::Investigating], None)
        },
        Row {
            gates: &[WITHOUT_COMPLAINANT, OTHERS_TRIED],
            voids: &[Duty::Acknowledgement],
            ..Row::row(Action::GoOnUnacknowledged, "C5.2", &[State::Registered], Some(State::Acknowledged))
        },
        Row {
            gates: &[NOT_ACKNOWLEDGED, WITHOUT_COMPLAINANT, OTHERS_TRIED],
            voids: &[Duty::Acknowledgement],
            ..Row::row(Action::GoOnUnacknowledged, "C5.2", &[State::Investigating], None)
        },
        Row {
            gates: &[WITHOUT_COMPLAINANT, OTHERS_TRIED, PLAN_CURRENT],
            opens: &[Duty::Measure, Duty::Progress],
            ..Row::row(Action::GoOnUnagreed, "C5.6", &[State::Approved], Some(State::Agreed))
        },
        Row {
            gates: &[WITHOUT_COMPLAINANT, OTHERS_TRIED, ALL_DONE],
            opens: &[Duty::Callback],
            ..Row::row(Action::GoOnUntold, "C5.6", &[State::Approved], Some(State::Callback))
        },
        Row {
            gates: &[WITHOUT_COMPLAINANT, OTHERS_TRIED],
            voids_rest: true,
            ..Row::row(Action::CloseWithout, "C5.8", COMPLAINANT_AWAITED, Some(State::Closed))
        },
        Row {
            gates: &[NOT_ACKNOWLEDGED, WITHOUT_COMPLAINANT, OTHERS_TRIED],
            voids_rest: true,
            ..Row::row(Action::CloseWithout, "C5.8", &[State::Investigating], Some(State::Closed))
        },
        Row {
            reach: INVESTIGATOR,
            gates: &[INVESTIGATOR_OUTSIDE, ACKNOWLEDGED, EVIDENCED, CONTACTED, RESPONSIBLE_FOUND],
            meets: &[Duty::Investigation],
            opens: &[Duty::DepartmentNotice],
            ..Row::row(Action::Conclude, "C5.3", &[State::Investigating], Some(State::Concluded))
        },
        Row {
            reach: HANDLER_OR_INVESTIGATOR,
            gates: &[PLANNED, OUTSIDER_CONCERNED],
            ..Row::row(Action::Propose, "C5.5", BEFORE_AGREEMENT, Some(State::Proposed))
        },
        // A measure proved impossible: what is left of the plan falls away, and another one is approved and agreed to.
        Row {
            reach: HANDLER_OR_INVESTIGATOR,
            gates: &[PLANNED, OUTSIDER_CONCERNED],
            voids: &[Duty::Measure, Duty::Progress],
            ..Row::row(Action::ProposeAnew, "C5.5", CARRYING_OUT, Some(State::Proposed))
        },
        Row { reach: CONCERNED, gates: ENTITLED, ..Row::row(Action::Approve, "C5.5", &[State::Proposed], None) },
        Row {
            reach: CONCERNED,
            gates: &[APPROVER_CONCERNED, SAME_VERSION, APPROVER_NOT_AUTHOR, APPROVER_OUTSIDE, ALL_APPROVED],
            ..Row::row(Action::ApproveLast, "C5.5", &[State::Proposed], Some(State::Approved))
        },
        Row {
            reach: CONCERNED,
            gates: ENTITLED,
            ..Row::row(Action::Reject, "C5.5", &[State::Proposed], Some(State::Concluded))
        },
        Row {
            gates: &[PLAN_CURRENT],
            opens: &[Duty::Measure, Duty::Progress],
            ..Row::row(Action::Agree, "C5.6", &[State::Approved], Some(State::Agreed))
        },
        Row {
            gates: &[ALL_DONE],
            opens: &[Duty::Callback],
            ..Row::row(Action::AgreeToExplanation, "C5.6", &[State::Approved], Some(State::Callback))
        },
        Row { ..Row::row(Action::Decline, "C5.6", &[State::Approved], Some(State::Concluded)) },
        Row {
            reach: MEASURE_OWNER,
            gates: &[OWN_MEASURE],
            meets: &[Duty::Measure],
            ..Row::row(Action::CompleteMeasure, "D8.8", CARRYING_OUT, Some(State::Executing))
        },
        // No progress duty follows: the return call informs the complainant.
        Row {
            reach: MEASURE_OWNER,
            gates: &[OWN_MEASURE, ALL_DONE],
            meets: &[Duty::Measure],
            opens: &[Duty::Callback],
            voids: &[Duty::Progress],
            ..Row::row(Action::CompleteLast, "D8.8", CARRYING_OUT, Some(State::Callback))
        },
        Row {
            meets: &[Duty::Progress],
            opens: &[Duty::Progress],
            only_begun: true,
            ..Row::row(Action::Inform, "C5.7", CARRYING_OUT, Some(State::Executing))
        },
        Row::row(
            Action::Inform,
            "C5.7",
            &[
                State::Registered,
                State::Acknowledged,
                State::Investigating,
                State::Concluded,
                State::Proposed,
                State::Approved,
                State::Callback,
            ],
            None,
        ),
        Row {
            meets: &[Duty::Callback],
            voids_rest: true,
            ..Row::row(Action::Satisfied, "C5.8", &[State::Callback], Some(State::Closed))
        },
        Row {
            meets: &[Duty::Callback],
            opens: &[Duty::Investigation],
            ..Row::row(Action::Dissatisfied, "D8.9", &[State::Callback], Some(State::Investigating))
        },
        Row { voids_rest: true, ..Row::row(Action::Withdraw, "A9.1", OPEN, Some(State::Withdrawn)) },
        Row::row(Action::Archive, "C5.9", &[State::Closed, State::Withdrawn], Some(State::Archived)),
    ],
    duties: duties::RULES,
    label: Action::label,
    state_name: |state| state.as_str_name(),
    states: "kefu.complaints.v1.Complaint.State",
    promised: |_| None,
};

#[cfg(test)]
mod tests;
