//! The gates of a complaint's lifecycle: the condition of each, its clause, and the refusal in English and Chinese.

use kefu_chassis::FieldRule;
use kefu_chassis::lifecycle::Gate;

use super::Facts;

/// The apology and the promise of C5.2 are due once.
pub const NOT_ACKNOWLEDGED: Gate<Facts> = Gate::on_record(
    "C5.2",
    |facts| !facts.is_acknowledged,
    "the complainant had the apology and the promise before",
    "此前已向投诉人致歉并作出承诺",
);
/// An investigation follows the apology and the promise of C5.2.
pub const ACKNOWLEDGED: Gate<Facts> = Gate::on_record(
    "C5.2",
    |facts| facts.is_acknowledged,
    "the complainant has not had the apology and the promise yet",
    "尚未向投诉人致歉并作出承诺",
);
/// The department that takes the complaint has somebody in charge, who is notified (D8.3).
pub const IN_CHARGE: Gate<Facts> = Gate::of_call(
    "D8.3",
    |facts| !facts.notified.is_empty(),
    "nobody is in charge of that department now: its head is absent, and no deputy is present",
    "该部门负责人缺勤，且没有副职在岗",
);
/// The new handler is active in the handling department (A9.1).
pub const HANDLER_FITS: Gate<Facts> = Gate::of_call(
    "A9.1",
    |facts| facts.fits_department,
    "the new handler is not active in the department that handles it",
    "新经办人不是经办部门的在职员工",
);
/// The investigator is of another department than the one responsible, and was since the receipt (A1.1).
pub const INVESTIGATOR_OUTSIDE: Gate<Facts> = Gate::of_call(
    "A1.1",
    |facts| facts.is_outside,
    "nobody investigates who is, or since the complaint was received was, of the department responsible",
    "责任部门的人员（包括受理投诉以来曾属该部门的）不得调查",
);
/// A finding rests on evidence, or says why there is none (C5.4).
pub const EVIDENCED: Gate<Facts> = Gate::<Facts>::of_call(
    "C5.4",
    |facts| facts.is_evidenced,
    "there is no evidence, and no reason why there is none",
    "没有证据，也未说明无证据的原因",
)
.at("no_evidence_reason", FieldRule::RequiredWhen);
/// The investigator has spoken with the complainant before a finding (D8.4).
pub const CONTACTED: Gate<Facts> = Gate::on_record(
    "D8.4",
    |facts| facts.is_contacted,
    "the investigator has not spoken with the complainant yet",
    "调查人尚未与投诉人联系",
);
/// A finding names who is responsible in person, or says why nobody is (D8.5).
pub const RESPONSIBLE_FOUND: Gate<Facts> = Gate::<Facts>::of_call(
    "D8.5",
    |facts| facts.has_responsible,
    "who is responsible in person is not said, nor why nobody is",
    "未指明责任人员，也未说明没有责任人员的原因",
)
.at("no_person_reason", FieldRule::RequiredWhen);
/// A resolution that upholds any part, or compensates, has measures with owners and times (D8.6).
pub const PLANNED: Gate<Facts> = Gate::<Facts>::of_call(
    "D8.6",
    |facts| facts.has_plan,
    "a complaint that is upheld in any part, and compensation, need a measure with its owner and its time",
    "投诉成立、部分成立或给予补偿的，须有整改措施，并写明责任人和完成时间",
)
.at("measures", FieldRule::RequiredWhen);
/// At least one department besides the responsible one approves (A1.1).
pub const OUTSIDER_CONCERNED: Gate<Facts> = Gate::of_call(
    "A1.1",
    |facts| facts.concerns_others,
    "a department besides the responsible one has to approve it: name one",
    "除责任部门外，还须有其他部门参与审批，请指定",
);
/// The approver speaks for one of the departments concerned that has not approved this version (C5.5).
pub const APPROVER_CONCERNED: Gate<Facts> = Gate::of_call(
    "C5.5",
    |facts| facts.speaks_for_one,
    "your department is not among those concerned, or has approved this version already",
    "您所在部门不在审批部门之列，或已审批过这一版处理方案",
);
/// The approver has read the present version, whose digest the call repeats (C5.5).
pub const SAME_VERSION: Gate<Facts> = Gate::of_call(
    "C5.5",
    |facts| facts.is_same_version,
    "the digest is not that of the present version: read the resolution again",
    "摘要值与当前处理方案不符，请重新查看方案",
);
/// The approver is not who drew the resolution up (C5.5).
pub const APPROVER_NOT_AUTHOR: Gate<Facts> = Gate::of_call(
    "C5.5",
    |facts| !facts.is_author,
    "whoever drew a resolution up does not approve it",
    "拟定人不得审批自己拟定的处理方案",
);
/// The approver is not who is said to be responsible (A1.1).
pub const APPROVER_NOT_ACCUSED: Gate<Facts> = Gate::of_call(
    "A1.1",
    |facts| !facts.is_accused,
    "whoever is responsible in person does not approve the resolution",
    "责任人员不得审批处理方案",
);
/// Whoever approves for another department was not of the responsible one since the receipt (A1.1).
pub const APPROVER_OUTSIDE: Gate<Facts> = Gate::of_call(
    "A1.1",
    |facts| facts.is_independent,
    "nobody speaks for another department who, since the complaint was received, was of the responsible one",
    "受理投诉以来曾属责任部门的人员，不得代表其他部门审批",
);
/// Whoever is said to be responsible does not speak for the complainant (A1.1).
pub const NOT_OF_THEIR_OWN: Gate<Facts> = Gate::of_call(
    "A1.1",
    |facts| !facts.is_accused,
    "whoever is responsible in person does not speak for the complainant",
    "责任人员不得代投诉人表态",
);
/// Every department concerned has approved the present version (C5.5).
pub const ALL_APPROVED: Gate<Facts> = Gate::of_call(
    "C5.5",
    |facts| facts.approvals_left == 0,
    "not every department concerned has approved it",
    "尚有相关部门未审批",
);
/// The times of the measures still lie ahead when the complainant agrees (D8.6).
pub const PLAN_CURRENT: Gate<Facts> = Gate::of_call(
    "D8.6",
    |facts| !facts.is_plan_late,
    "the time of a measure has passed: propose the resolution anew",
    "有整改措施的完成时间已过，请重新提出处理方案",
);
/// Every measure is done (D8.8).
pub const ALL_DONE: Gate<Facts> =
    Gate::of_call("D8.8", |facts| facts.measures_left == 0, "not every measure is done", "尚有整改措施未完成");
/// A step goes on without the complainant after enough attempts on enough working days, or after a written refusal
/// (C5.8).
pub const WITHOUT_COMPLAINANT: Gate<Facts> = Gate::of_call(
    "C5.8",
    |facts| facts.has_refused || facts.attempts.is_enough() && facts.attempt_days.is_enough(),
    "too few attempts, or on too few working days, are recorded for this step, and no written refusal is on file",
    "本环节已记录的联系次数或工作日数不足，且没有投诉人的书面拒绝材料",
);
