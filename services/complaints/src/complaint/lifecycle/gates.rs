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
/// Whoever is or was said to be responsible does nothing in the matter (A1.1); see the guards of the lifecycle.
pub const NOT_THE_ACCUSED: Gate<Facts> = Gate::on_record(
    "A1.1",
    |facts| !facts.is_accused,
    "whoever is or was said to be responsible in person decides nothing in their own case",
    "现在或曾经被指认为责任人员的，不得经办本人的投诉",
);
/// Whoever reported somebody above them decides nothing until the report is judged (A1.1); see the guards of the lifecycle.
pub const REPORT_JUDGED: Gate<Facts> = Gate::on_record(
    "A1.1",
    |facts| !facts.has_open_report,
    "whoever reported somebody above them decides nothing until a leader outside has judged the report",
    "指认上级的人员，在其他部门的领导裁定之前不得作出决定",
);
/// Whoever is or was said to be responsible reports a measure as done only where it is their own (A1.1).
pub const OWN_MEASURE: Gate<Facts> = Gate::of_call(
    "A1.1",
    |facts| !facts.is_accused || facts.owns_measure,
    "whoever is or was said to be responsible reports no measure but their own",
    "现在或曾经被指认为责任人员的，只能报告本人负责的整改措施",
);
/// Nobody takes the complaint over who is or was said to be responsible (A1.1).
pub const APPOINTEE_NOT_ACCUSED: Gate<Facts> = Gate::of_call(
    "A1.1",
    |facts| !facts.is_appointee_accused,
    "whoever is or was said to be responsible neither handles nor investigates it",
    "现在或曾经被指认为责任人员的，不得经办或调查",
);
/// A name that was struck is named again only by somebody who leads (A1.1).
pub const NOT_STRUCK_BEFORE: Gate<Facts> = Gate::of_call(
    "A1.1",
    |facts| !facts.was_struck,
    "the naming of this person was struck: only somebody who leads names them again",
    "对该人员的指认已被撤销，只有领导可以再次指认",
);
/// Nobody of the department presumed responsible presumes another (A1.1): neither the accused's own people nor insiders clear
/// their department, or choose who judges it.
pub const PRESUMED_OUTSIDE: Gate<Facts> = Gate::of_call(
    "A1.1",
    |facts| !facts.clears_own,
    "nobody who is or was of the department presumed responsible says that it is another one",
    "现在或曾经属于被认为负有责任的部门的人员，不得改指其他部门",
);
/// The person named has a naming that the judgement can change (A1.1).
pub const NAMED: Gate<Facts> = Gate::of_call(
    "A1.1",
    |facts| facts.can_be_judged,
    "this person is not named so that it could be judged: not at all, confirmed already, or found by the investigation",
    "该人员没有可裁定的指认：未被指认、指认已成立，或已由调查认定",
);
/// A naming is judged by a leader outside (A1.1).
pub const JUDGE_OUTSIDE: Gate<Facts> = Gate::of_call(
    "A1.1",
    |facts| facts.may_judge,
    "a naming is judged by nobody who made it, is named, works under the named or is or was of their department",
    "指认不得由指认人、被指认人、其下属或其所在部门的人员（包括曾属该部门的）裁定",
);
/// The investigator is of another department than the one responsible, and was since `insider_for` before the receipt
/// (A1.1).
pub const INVESTIGATOR_OUTSIDE: Gate<Facts> = Gate::of_call(
    "A1.1",
    |facts| facts.is_outside,
    "nobody investigates who is, or in the time before the complaint that counts was, of the department responsible",
    "责任部门的人员（包括在规定期限内曾属该部门的）不得调查",
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
/// The approver speaks for one of the departments concerned that has not approved this version: their own, or one for
/// which they stand in (C5.5).
pub const APPROVER_CONCERNED: Gate<Facts> = Gate::on_record(
    "C5.5",
    |facts| facts.speaks_for.is_some(),
    "your department is not among those concerned, or has approved this version already, and you stand in for none",
    "您所在部门不在审批部门之列或已审批过这一版处理方案，您也不代行其他部门的审批",
);
/// The approver has read the present version, whose digest the call repeats (C5.5).
pub const SAME_VERSION: Gate<Facts> = Gate::of_call(
    "C5.5",
    |facts| facts.is_same_version,
    "the digest is not that of the present version: read the resolution again",
    "摘要值与当前处理方案不符，请重新查看方案",
);
/// The approver is not who drew the resolution up (C5.5).
pub const APPROVER_NOT_AUTHOR: Gate<Facts> = Gate::on_record(
    "C5.5",
    |facts| !facts.is_author,
    "whoever drew a resolution up does not approve it",
    "拟定人不得审批自己拟定的处理方案",
);
/// Whoever approves for another department was not of the responsible one since `insider_for` before the receipt (A1.1).
pub const APPROVER_OUTSIDE: Gate<Facts> = Gate::on_record(
    "A1.1",
    |facts| facts.is_independent,
    "nobody speaks for another department who was of the responsible one in the time before the complaint that counts",
    "在规定期限内曾属责任部门的人员，不得代表其他部门审批",
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
/// Who goes on without the complainant neither recorded the attempts or the refusal that are the ground for it, nor owns or owned
/// what falls away (C5.8).
pub const OTHERS_TRIED: Gate<Facts> = Gate::of_call(
    "C5.8",
    |facts| !facts.has_tried,
    "whoever recorded the attempts or the refusal, or owes what would fall away, does not decide that it goes on without the complainant",
    "记录过联系未果或拒绝材料的人员，以及承担相关时限事项的人员，不得决定跳过投诉人",
);
