//! Titles of problems, in a few words.

use kefu_chassis::language::Text;
use kefu_proto::rules::v1::ErrorReason;

/// The title where only other verbs are possible.
pub const VERB: Text = Text::new("Not with this HTTP method", "不支持该请求方法");
/// The title where the body's type is not accepted.
pub const MEDIA_TYPE: Text = Text::new("Not of this media type", "不支持该内容类型");
/// The title where the body is too large.
pub const TOO_LARGE: Text = Text::new("The body is too large", "请求内容过大");
/// The title where the body's coding is not accepted.
pub const CODING: Text = Text::new("The body is in a coding that is not taken", "不接受该请求内容的编码");
/// The title where the body comes too slowly.
pub const TOO_SLOW: Text = Text::new("The body came too slowly", "请求内容发送过慢");

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
