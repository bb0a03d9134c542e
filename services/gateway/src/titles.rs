//! Titles of problems, in a few words, and what the gateway tells beside them.

use kefu_chassis::language::Text;
use kefu_proto::rules::v1::ErrorReason;

/// What is told where only other verbs are possible.
pub const VERB: Text = Text::new(
    "This HTTP method is not possible at this address; the header Allow names those that are.",
    "此地址不支持该请求方法，可用的请求方法见响应头。",
);
/// What is told where the body comes too slowly.
pub const TOO_SLOW: Text = Text::new("The body came too slowly.", "请求内容发送过慢。");
/// What people call the type of a body.
pub const MEDIA_TYPE: Text = Text::new("The type of the body", "请求内容的类型");
/// What people call the coding of a body.
pub const CODING: Text = Text::new("The coding of the body", "请求内容的编码");

/// Returns the title of a reason.
pub const fn of(reason: ErrorReason) -> Text {
    match reason {
        ErrorReason::Unspecified | ErrorReason::Unexpected => Text::new("Unexpected", "意外错误"),
        ErrorReason::FieldInvalid => Text::new("Not valid", "内容有误"),
        ErrorReason::RequestIdReused => Text::new("Request id used before", "操作编号已用过"),
        ErrorReason::PageTokenInvalid => Text::new("Page token not valid", "翻页标记无效"),
        ErrorReason::StateForbids => Text::new("Not in this state", "当前状态不允许"),
        ErrorReason::GateClosed => Text::new("A clause demands more", "规定的条件未满足"),
        ErrorReason::EtagStale => Text::new("Changed meanwhile", "内容已变更"),
        ErrorReason::ResourceNotFound => Text::new("Not found", "未找到"),
        ErrorReason::ResourceExists => Text::new("Exists already", "已存在"),
        ErrorReason::TokenInvalid => Text::new("Not signed in", "未登录"),
        ErrorReason::RoleMissing => Text::new("Not allowed", "无权操作"),
        ErrorReason::SelfDealing => Text::new("Not for oneself", "不得处理本人事项"),
        ErrorReason::Overloaded => Text::new("Too many calls", "调用过多"),
        ErrorReason::BackendAway => Text::new("Away for the moment", "暂不可用"),
        ErrorReason::DeadlinePassed => Text::new("Took too long", "处理超时"),
        ErrorReason::DirectoryEmpty => Text::new("No staff yet", "员工目录为空"),
        ErrorReason::MethodUnknown => Text::new("No such method", "没有此操作"),
    }
}
