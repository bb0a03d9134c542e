//! The languages that refusals speak: zh-CN and English, by the caller's `accept-language`.

use kefu_proto::rules::v1::ErrorReason;

/// A language of messages to people.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Language {
    /// English.
    #[default]
    English,
    /// Chinese (zh-CN).
    Chinese,
}

impl Language {
    /// The first language of an `accept-language` header that kefu speaks; English if none.
    #[must_use]
    pub fn accepted(header: Option<&str>) -> Self {
        for range in header.unwrap_or_default().split(',') {
            match range.trim().get(..2).map(str::to_ascii_lowercase).as_deref() {
                Some("zh") => return Self::Chinese,
                Some("en") => return Self::English,
                _ => {}
            }
        }
        Self::English
    }

    /// Its BCP 47 tag.
    #[must_use]
    pub fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::Chinese => "zh-CN",
        }
    }

    /// What a reason means, for people.
    #[must_use]
    pub fn of(self, reason: ErrorReason) -> &'static str {
        let (english, chinese) = match reason {
            ErrorReason::Unspecified | ErrorReason::Unexpected => (
                "Something unexpected happened. The operators have a record of it.",
                "发生意外错误，运维人员已有记录。",
            ),
            ErrorReason::FieldInvalid => {
                ("Some of what was given is missing or not valid.", "填写的内容有缺失或不符合要求。")
            }
            ErrorReason::RequestIdReused => {
                ("This request id was used before for another call.", "该请求编号已用于另一次调用。")
            }
            ErrorReason::PageTokenInvalid => {
                ("The page token is not valid for this query.", "翻页标记不适用于此查询。")
            }
            ErrorReason::StateForbids => ("This is not possible in the present state.", "当前状态下不能进行此操作。"),
            ErrorReason::GateClosed => {
                ("A clause of the regulations demands something else first.", "按规定须先满足另一项要求。")
            }
            ErrorReason::EtagStale => ("It was changed meanwhile. Read it again.", "内容已被他人修改，请重新读取。"),
            ErrorReason::ResourceNotFound => ("It was not found.", "未找到。"),
            ErrorReason::ResourceExists => ("It exists already.", "已经存在。"),
            ErrorReason::TokenInvalid => ("Sign in first.", "请先登录。"),
            ErrorReason::RoleMissing => ("Your role does not allow this.", "您的角色无权进行此操作。"),
            ErrorReason::SelfDealing => ("Nobody may do this to a duty of their own.", "不得处理本人承担的时限事项。"),
            ErrorReason::Overloaded => ("The service is busy. Try again shortly.", "服务繁忙，请稍后重试。"),
            ErrorReason::BackendAway => {
                ("The service is away for the moment. Try again shortly.", "服务暂不可用，请稍后重试。")
            }
            ErrorReason::DeadlinePassed => ("It took too long.", "处理超时。"),
            ErrorReason::DirectoryEmpty => (
                "The directory holds no staff yet: until then only operators and services may write.",
                "员工目录尚为空，此前仅系统管理员和系统服务可以写入。",
            ),
            ErrorReason::MethodUnknown => ("There is no such method.", "没有此方法。"),
        };
        match self {
            Self::English => english,
            Self::Chinese => chinese,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_language_we_speak_is_taken() {
        assert_eq!(Language::accepted(Some("fr-FR, zh-TW;q=0.8, en")), Language::Chinese);
        assert_eq!(Language::accepted(Some("en-GB,zh")), Language::English);
        assert_eq!(Language::accepted(Some("")), Language::English);
        assert_eq!(Language::accepted(None), Language::English);
    }
}
