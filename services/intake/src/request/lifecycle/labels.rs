//! What the actions of a request are called: the method of `RequestService` that does it, and what happens, for people.

use kefu_chassis::language::Text;
use kefu_chassis::lifecycle::Label;

use super::Action;

/// What an action is called.
pub fn label(action: Action) -> Label {
    let (method, text) = match action {
        Action::Register => ("RegisterRequest", Text::new("it is registered", "登记")),
        Action::RegisterAnswered => {
            ("RegisterRequest", Text::new("it is registered after the customer was answered", "已应答客户后登记"))
        }
        Action::Respond => ("RespondRequest", Text::new("the customer is first answered", "首次应答客户")),
        Action::PromiseWait => (
            "PromiseWait",
            Text::new("the customer is told why they must wait, and how long", "告知客户等待原因和时限"),
        ),
        Action::PromiseWaitAgain => {
            ("PromiseWait", Text::new("the customer is told to wait again", "再次告知客户等待"))
        }
        Action::ClassifyInScope => {
            ("ClassifyRequest", Text::new("it is classified as within scope", "初步判断为职责范围内"))
        }
        Action::ClassifyOutOfScope => {
            ("ClassifyRequest", Text::new("it is classified as out of scope", "初步判断为职责范围外"))
        }
        Action::Note => ("RecordProgress", Text::new("an internal note is recorded", "记录内部备注")),
        Action::Inform => ("RecordProgress", Text::new("the customer is told how it goes", "向客户反馈进展")),
        Action::AwaitCustomer => {
            ("AwaitCustomer", Text::new("something is awaited of the customer", "等待客户提供所需"))
        }
        Action::CustomerReplied => {
            ("CustomerReplied", Text::new("the customer gave what was awaited", "客户已提供所需"))
        }
        Action::Resolve => ("ResolveRequest", Text::new("it is solved, as we see it", "我方认为已解决")),
        Action::ConfirmSatisfied => {
            ("ConfirmResolution", Text::new("the customer says that it is solved", "客户确认已解决"))
        }
        Action::ConfirmDissatisfied => {
            ("ConfirmResolution", Text::new("the customer says that it is not solved", "客户表示未解决"))
        }
        Action::ConfirmNotReached => ("ConfirmResolution", Text::new("the customer was not reached", "未联系到客户")),
        Action::GiveUp => {
            ("ConfirmResolution", Text::new("it is given up to reach the customer", "多次未联系到客户，不再联系"))
        }
        Action::Reopen => {
            ("ReopenRequest", Text::new("the customer comes back after it was closed", "关闭后客户再次提出"))
        }
        Action::Cancel => ("CancelRequest", Text::new("the customer gives it up", "客户撤回")),
        Action::Claim => ("ClaimRequest", Text::new("somebody of the department takes it", "本部门人员认领")),
        Action::Assign => ("AssignRequest", Text::new("somebody of the department is given it", "指派给本部门人员")),
        Action::Transfer => ("TransferRequest", Text::new("it is handed to another department", "转交其他部门")),
        Action::AcceptTransfer => ("AcceptTransfer", Text::new("it is taken over", "接收转交")),
        Action::AcceptUnanswered => (
            "AcceptTransfer",
            Text::new("it is taken over, and the customer still waits for an answer", "接收转交，客户尚待应答"),
        ),
        Action::DeclineTransfer => ("DeclineTransfer", Text::new("it is not taken over", "退回转交")),
        Action::DeclineUnanswered => (
            "DeclineTransfer",
            Text::new("it is not taken over, and the customer still waits for an answer", "退回转交，客户尚待应答"),
        ),
        Action::MarkMajor => ("MarkMajor", Text::new("it is marked as of major importance", "标记为重大事项")),
        Action::FileWorkOrder => ("FileWorkOrder", Text::new("a work order is filed", "填写工作联系单")),
        Action::Link => ("LinkRequests", Text::new("it is linked to another request", "关联其他请求")),
        Action::Convert => ("ConvertToComplaint", Text::new("it is to become a complaint", "拟转为投诉")),
        Action::LinkComplaint => ("ConvertToComplaint", Text::new("it became a complaint", "已转为投诉")),
        Action::AuthorizeRemote => {
            ("AuthorizeRemote", Text::new("the customer allows work from afar", "客户授权远程服务"))
        }
        Action::StartRemote => ("StartRemote", Text::new("work goes on from afar", "转为远程服务")),
        Action::RecordExpectation => (
            "RecordUnmetExpectation",
            Text::new("something the customer expects cannot be given", "记录未能满足的客户期望"),
        ),
        Action::AnswerExpectation => (
            "AnswerUnmetExpectation",
            Text::new("it is answered why an expectation was not met", "答复未能满足的客户期望"),
        ),
    };
    Label { method, text }
}
