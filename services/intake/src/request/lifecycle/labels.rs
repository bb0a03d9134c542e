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
        Action::Classify => ("ClassifyRequest", Text::new("it is classified", "作出初步判断")),
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
    };
    Label { method, text }
}
