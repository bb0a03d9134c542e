//! What the actions of a complaint are called: the method that does it, and what happens, for people.

use kefu_chassis::language::Text;
use kefu_chassis::lifecycle::Label;

use super::Action;

/// What an action is called.
pub fn label(action: Action) -> Label {
    let (method, en, zh) = match action {
        Action::Register => ("RegisterComplaint", "it is registered", "登记"),
        Action::Acknowledge => {
            ("AcknowledgeComplaint", "the complainant has an apology and a promise", "向投诉人致歉并承诺尽快处理")
        }
        Action::Classify => ("ClassifyComplaint", "it is classified", "分类定级"),
        Action::Notify => ("NotifyDepartment", "a department is told", "转告相关部门"),
        Action::Assign => ("AssignComplaint", "somebody else of the department handles it", "改由本部门他人经办"),
        Action::AssignInvestigator => ("AssignInvestigator", "somebody investigates it", "指派调查人"),
        Action::AddEvidence => ("AddEvidence", "evidence is added", "添加证据"),
        Action::Contact => ("RecordCustomerContact", "the complainant is spoken with", "与投诉人沟通"),
        Action::AttemptInTime => {
            ("RecordCustomerContact", "an attempt in time to reach the complainant finds nobody", "按时联系投诉人未果")
        }
        Action::AttemptLate => {
            ("RecordCustomerContact", "a further attempt to reach the complainant finds nobody", "再次联系投诉人未果")
        }
        Action::GoOnUnacknowledged => {
            ("WaiveContact", "it goes on though the complainant heard no apology", "未能向投诉人致歉，继续处理")
        }
        Action::GoOnUnagreed => {
            ("WaiveContact", "it goes on without the complainant's agreement", "未取得投诉人认可，继续落实")
        }
        Action::GoOnUntold => {
            ("WaiveContact", "it goes on though the complainant heard no explanation", "未能向投诉人说明，转入回访")
        }
        Action::CloseWithout => {
            ("WaiveContact", "it is closed without the complainant", "无法取得投诉人意见，予以关闭")
        }
        Action::Conclude => ("ConcludeInvestigation", "the investigation is concluded", "调查结束"),
        Action::Propose => ("ProposeResolution", "a resolution is proposed", "提出处理方案"),
        Action::Approve => ("ApproveResolution", "a department concerned approves it", "一个相关部门审批通过"),
        Action::ApproveLast => {
            ("ApproveResolution", "the last department concerned approves it", "全部相关部门审批通过")
        }
        Action::Reject => ("RejectResolution", "a department concerned rejects it", "相关部门驳回方案"),
        Action::Agree => ("RecordAgreement", "the complainant agrees", "投诉人认可方案"),
        Action::AgreeToExplanation => (
            "RecordAgreement",
            "the complainant accepts an explanation, and nothing is to be done",
            "投诉人接受说明，无需落实措施",
        ),
        Action::Decline => ("RecordDecline", "the complainant declines", "投诉人不认可方案"),
        Action::CompleteMeasure => ("CompleteMeasure", "a measure is done", "完成一项措施"),
        Action::CompleteLast => ("CompleteMeasure", "the last measure is done", "完成全部措施"),
        Action::Inform => ("RecordComplaintProgress", "the complainant is told how it goes", "向投诉人反馈进展"),
        Action::Satisfied => ("RecordCallback", "the complainant is satisfied", "回访满意"),
        Action::Dissatisfied => ("RecordCallback", "the complainant is not satisfied", "回访不满意"),
        Action::Withdraw => ("WithdrawComplaint", "the complainant takes it back", "投诉人撤回"),
        Action::Archive => ("ArchiveComplaint", "its file is closed", "整理归档"),
    };
    Label { method, text: Text::new(en, zh) }
}
