//! The gates of a request's lifecycle: the condition of each, its clause, and the refusal in English and Chinese.

use kefu_chassis::FieldRule;
use kefu_chassis::lifecycle::Gate;

use super::Facts;

/// The first answer of C2.1 is given once.
pub const UNANSWERED_YET: Gate<Facts> =
    Gate::on_record("C2.1", |facts| !facts.was_answered, "the customer was answered before", "客户此前已得到应答");
/// An answer says what the customer was told, unless they were told by telephone (C2.1).
pub const ANSWER_HAS_CONTENT: Gate<Facts> = Gate::<Facts>::of_call(
    "C2.1",
    |facts| facts.has_content,
    "say what the customer was told; only an answer by telephone needs no text",
    "请写明告知客户的内容，仅电话应答可以不写",
)
.at("text", FieldRule::RequiredWhen);
/// A promised wait is no longer than the clause lets a wait last (C2.2).
pub const PROMISE_BOUNDED: Gate<Facts> = Gate::of_call(
    "C2.2",
    |facts| facts.promised_wait <= facts.promise_at_most,
    "the promised wait is longer than the clause lets a wait last",
    "承诺的等待时间超过规定上限",
);
/// The request is classified before work on it goes on (C2.4).
pub const CLASSIFIED: Gate<Facts> =
    Gate::on_record("C2.4", |facts| facts.is_classified, "the request is not classified", "尚未作出初步判断");
/// What lies outside the scope of who has it is handed over, or was solved first under A2.6 (A2.4).
pub const HANDED_OVER: Gate<Facts> = Gate::of_call(
    "A2.4",
    |facts| facts.in_scope != Some(false) || facts.is_handed_over || facts.solved_first,
    "it lies outside the scope of who has it: transfer it, file a work order, or mark it as solved first (A2.6)",
    "超出首问责任人所在部门的职责范围：请转交、填写工作联系单，或标明先办后补单（A2.6）",
);
/// Enough attempts that reached nobody are recorded since the request was last opened (C4.2).
pub const ATTEMPTED: Gate<Facts> = Gate::on_record(
    "C4.2",
    |facts| facts.attempts.is_enough(),
    "too few attempts to reach the customer are recorded",
    "已记录的联系客户次数不足",
);
/// The attempts are on enough different working days (C4.2).
pub const ATTEMPTED_ON_DAYS: Gate<Facts> = Gate::on_record(
    "C4.2",
    |facts| facts.attempt_days.is_enough(),
    "the attempts are on too few working days",
    "联系客户的工作日数不足",
);
/// A closed request is reopened only within the time of C4.3.
pub const REOPENABLE: Gate<Facts> = Gate::on_record(
    "C4.3",
    |facts| facts.closed_for <= facts.reopen_within,
    "it was closed too long ago to be reopened: register a new request",
    "关闭已久，不能重新受理，请登记新的请求",
);
/// Each expectation that could not be met has its analysis and an answer (A10.7).
pub const EXPECTATIONS_ANSWERED: Gate<Facts> = Gate::on_record(
    "A10.7",
    |facts| facts.open_expectations == 0,
    "an expectation that could not be met has no analysis and no answer",
    "有未满足的期望尚未作原因分析和答复",
);
/// A request may be claimed while its owner is not at work on it (A2.1).
pub const CLAIMABLE: Gate<Facts> = Gate::on_record(
    "A2.1",
    |facts| facts.is_unattended,
    "its owner is at work on it: a supervisor can assign it",
    "责任人正在处理，请由主管指派",
);
/// The new owner is active in the department responsible (A2.1).
pub const WITHIN_DEPARTMENT: Gate<Facts> = Gate::of_call(
    "A2.1",
    |facts| facts.fits_department,
    "the new owner is not active in the department responsible: transfer it instead",
    "新责任人不是责任部门的在职员工，请改为转交",
);
/// A request that is not known to lie outside the first responder's scope is handed over with a reason (A2.3).
pub const REASONED: Gate<Facts> = Gate::<Facts>::of_call(
    "A2.3",
    |facts| facts.in_scope == Some(false) || facts.has_reason,
    "it is not known to lie outside the first responder's scope: handing it over needs a reason",
    "未判断为超出首问责任人所在部门的职责范围，转交须说明理由",
)
.at("reason", FieldRule::RequiredWhen);
/// The department that gets the request has somebody in charge now (A2.4).
pub const SOMEBODY_IN_CHARGE: Gate<Facts> = Gate::of_call(
    "A2.4",
    |facts| facts.recipient.is_some(),
    "nobody is in charge there now: the head is absent, and no deputy present stands in for the matter",
    "该部门负责人缺勤，且没有可代理该事项的副职在岗",
);
/// A request is reported as major once (A2.5).
pub const NOT_REPORTED_YET: Gate<Facts> = Gate::on_record(
    "A2.5",
    |facts| !facts.is_reported,
    "it is marked as major already, and the general manager knows of it",
    "已列为重大事项，总经理已知悉",
);
/// A report is not repeated while the general manager who was told has not acknowledged it (A2.5).
pub const NO_REPORT_PENDING: Gate<Facts> = Gate::on_record(
    "A2.5",
    |facts| !facts.is_report_pending,
    "it is reported, not yet acknowledged by the general manager",
    "已报告总经理，尚待确认知悉",
);
/// The directory names a general manager to report to (A2.5).
pub const SOMEBODY_TO_REPORT_TO: Gate<Facts> = Gate::on_record(
    "A2.5",
    |facts| facts.general_manager.is_some(),
    "the directory names no general manager whom it could be reported to",
    "员工目录中未任命总经理，无法报告",
);
/// The customer's authorisation of remote service holds now (A10.5).
pub const AUTHORIZED: Gate<Facts> = Gate::on_record(
    "A10.5",
    |facts| facts.is_authorized,
    "the customer has given no authorisation that holds now",
    "没有当前有效的客户授权",
);
/// A request becomes a complaint once (C5.1).
pub const NO_COMPLAINT_YET: Gate<Facts> =
    Gate::on_record("C5.1", |facts| !facts.is_complaint, "it became a complaint before", "该请求已转为投诉");
