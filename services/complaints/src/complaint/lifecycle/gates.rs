//! The gates of a complaint's lifecycle: the condition of each, its clause, and the refusal in English and Chinese.

use kefu_chassis::lifecycle::Gate;

use super::Facts;

pub const NOT_ACKNOWLEDGED: Gate<Facts> = Gate::on_record(
    "C5.2",
    |facts| !facts.is_acknowledged,
    "the complainant had the apology and the promise before",
    "此前已向投诉人致歉并作出承诺",
);
pub const ACKNOWLEDGED: Gate<Facts> = Gate::on_record(
    "C5.2",
    |facts| facts.is_acknowledged,
    "the complainant has not had the apology and the promise yet",
    "尚未向投诉人致歉并作出承诺",
);
pub const IN_CHARGE: Gate<Facts> = Gate::of_call(
    "D8.3",
    |facts| !facts.notified.is_empty(),
    "nobody is in charge of that department now: its head is absent, and no deputy is present",
    "该部门负责人缺勤，且没有副职在岗",
);
pub const HANDLER_FITS: Gate<Facts> = Gate::of_call(
    "A9.1",
    |facts| facts.fits_department,
    "the new handler is not active in the department that handles it",
    "新经办人不是经办部门的在职员工",
);
pub const INVESTIGATOR_OUTSIDE: Gate<Facts> = Gate::of_call(
    "A1.1",
    |facts| facts.is_outside,
    "nobody investigates who is, or since the complaint was received was, of the department responsible",
    "责任部门的人员（包括受理投诉以来曾属该部门的）不得调查",
);
pub const EVIDENCED: Gate<Facts> = Gate::of_call(
    "C5.4",
    |facts| facts.is_evidenced,
    "there is no evidence, and no reason why there is none",
    "没有证据，也未说明无证据的原因",
);
pub const CONTACTED: Gate<Facts> = Gate::on_record(
    "D8.4",
    |facts| facts.is_contacted,
    "the investigator has not spoken with the complainant yet",
    "调查人尚未与投诉人联系",
);
pub const RESPONSIBLE_FOUND: Gate<Facts> = Gate::of_call(
    "D8.5",
    |facts| facts.has_responsible,
    "who is responsible in person is not said, nor why nobody is",
    "未指明责任人员，也未说明没有责任人员的原因",
);
pub const PLANNED: Gate<Facts> = Gate::of_call(
    "D8.6",
    |facts| facts.has_plan,
    "a complaint that is upheld in any part, and compensation, need a measure with its owner and its time",
    "投诉成立、部分成立或给予补偿的，须有整改措施，并写明责任人和完成时间",
);
pub const OUTSIDER_CONCERNED: Gate<Facts> = Gate::of_call(
    "A1.1",
    |facts| facts.concerns_others,
    "a department besides the responsible one has to approve it: name one",
    "除责任部门外，还须有其他部门参与审批，请指定",
);
pub const APPROVER_CONCERNED: Gate<Facts> = Gate::of_call(
    "C5.5",
    |facts| facts.speaks_for_one,
    "your department is not among those concerned, or has approved this version already",
    "您所在部门不在审批部门之列，或已审批过这一版处理方案",
);
pub const SAME_VERSION: Gate<Facts> = Gate::of_call(
    "C5.5",
    |facts| facts.is_same_version,
    "the digest is not that of the present version: read the resolution again",
    "摘要值与当前处理方案不符，请重新查看方案",
);
pub const APPROVER_NOT_AUTHOR: Gate<Facts> = Gate::of_call(
    "C5.5",
    |facts| !facts.is_author,
    "whoever drew a resolution up does not approve it",
    "拟定人不得审批自己拟定的处理方案",
);
pub const APPROVER_NOT_ACCUSED: Gate<Facts> = Gate::of_call(
    "A1.1",
    |facts| !facts.is_accused,
    "whoever is responsible in person does not approve the resolution",
    "责任人员不得审批处理方案",
);
pub const APPROVER_OUTSIDE: Gate<Facts> = Gate::of_call(
    "A1.1",
    |facts| facts.is_independent,
    "nobody speaks for another department who, since the complaint was received, was of the responsible one",
    "受理投诉以来曾属责任部门的人员，不得代表其他部门审批",
);
pub const NOT_OF_THEIR_OWN: Gate<Facts> = Gate::of_call(
    "A1.1",
    |facts| !facts.is_accused,
    "whoever is responsible in person does not speak for the complainant",
    "责任人员不得代投诉人表态",
);
pub const ALL_APPROVED: Gate<Facts> = Gate::of_call(
    "C5.5",
    |facts| facts.approvals_left == 0,
    "not every department concerned has approved it",
    "尚有相关部门未审批",
);
pub const PLAN_CURRENT: Gate<Facts> = Gate::of_call(
    "D8.6",
    |facts| !facts.is_plan_late,
    "the time of a measure has passed: propose the resolution anew",
    "有整改措施的完成时间已过，请重新提出处理方案",
);
pub const ALL_DONE: Gate<Facts> =
    Gate::of_call("D8.8", |facts| facts.measures_left == 0, "not every measure is done", "尚有整改措施未完成");
pub const WITHOUT_COMPLAINANT: Gate<Facts> = Gate::of_call(
    "C5.8",
    |facts| facts.has_refused || facts.attempts.0 >= facts.attempts.1 && facts.attempt_days.0 >= facts.attempt_days.1,
    "too few attempts, or on too few working days, are recorded for this step, and no written refusal is on file",
    "本环节已记录的联系次数或工作日数不足，且没有投诉人的书面拒绝材料",
);
