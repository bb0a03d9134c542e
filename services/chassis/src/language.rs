//! The languages that people are told things in, zh-CN and English, by the caller's `accept-language`; and what refusals say
//! in them. What is wrong with a field is told in English only: whoever writes the calling program reads it.

use kefu_proto::rules::v1::ErrorReason;
use kefu_regulation::Regulation;

use crate::error::Error;

/// A text in both languages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Text {
    en: &'static str,
    zh: &'static str,
}

impl Text {
    /// A text in English and in Chinese.
    ///
    /// # Panics
    /// If one of them is missing or in the other's script: in a constant, that does not compile.
    #[must_use]
    pub const fn new(en: &'static str, zh: &'static str) -> Self {
        assert!(!en.is_empty() && !has_han(en), "the English text is missing or Chinese");
        assert!(has_han(zh), "the Chinese text is missing or not Chinese");
        Self { en, zh }
    }

    /// The text in a language.
    #[must_use]
    pub const fn of(self, language: Language) -> &'static str {
        match language {
            Language::English => self.en,
            Language::Chinese => self.zh,
        }
    }
}

/// Whether a text has a Chinese character, U+4000 to U+9FFF: in UTF-8, just those begin with these bytes.
const fn has_han(text: &str) -> bool {
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        if bytes[at] >= 0xE4 && bytes[at] <= 0xE9 {
            return true;
        }
        at += 1;
    }
    false
}

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

    /// What a refusal says to people: the reason; and, where a clause stands behind it, the clause and what is missing.
    #[must_use]
    pub fn refusal(self, error: &Error) -> String {
        let told = meaning(error.reason()).of(self);
        let (clause, detail) = match (error, self) {
            (Error::Gate { clause, missing, .. }, _) => (clause, missing.of(self).to_owned()),
            (Error::State { clause, method, state, .. }, Self::English) => {
                (clause, format!("{method} is not possible in state {state}"))
            }
            (Error::State { clause, method, state, .. }, Self::Chinese) => {
                (clause, format!("状态为 {state} 时不能进行 {method}"))
            }
            _ => return told.to_owned(),
        };
        let clause = self.clause(clause);
        match self {
            Self::English => format!("{told} {clause}: {detail}."),
            Self::Chinese => format!("{told}{clause}：{detail}。"),
        }
    }

    /// A clause with its title, e.g. `C2.1 (First answer in time)`. Titles are the rule book's: no operator sets them.
    #[must_use]
    pub fn clause(self, id: &str) -> String {
        let regulation = Regulation::standard();
        match (regulation.clause(id), self) {
            (Some(clause), Self::English) => format!("{id} ({})", clause.title.en),
            (Some(clause), Self::Chinese) => format!("{id}（{}）", clause.title.zh),
            (None, _) => id.to_owned(),
        }
    }
}

/// What a reason means.
#[must_use]
pub const fn meaning(reason: ErrorReason) -> Text {
    match reason {
        ErrorReason::Unspecified | ErrorReason::Unexpected => Text::new(
            "Something unexpected happened. The operators have a record of it.",
            "发生意外错误，运维人员已有记录。",
        ),
        ErrorReason::FieldInvalid => {
            Text::new("Some of what was given is missing or not valid.", "填写的内容有缺失或不符合要求。")
        }
        ErrorReason::RequestIdReused => {
            Text::new("This request id was used before for another call.", "该请求编号已用于另一次调用。")
        }
        ErrorReason::PageTokenInvalid => {
            Text::new("The page token is not valid for this query.", "翻页标记不适用于此查询。")
        }
        ErrorReason::StateForbids => {
            Text::new("This is not possible in the present state.", "当前状态下不能进行此操作。")
        }
        ErrorReason::GateClosed => {
            Text::new("A clause of the regulations demands something else first.", "按规定须先满足另一项要求。")
        }
        ErrorReason::EtagStale => {
            Text::new("It was changed meanwhile. Read it again.", "内容已被他人修改，请重新读取。")
        }
        ErrorReason::ResourceNotFound => Text::new("It was not found.", "未找到。"),
        ErrorReason::ResourceExists => Text::new("It exists already.", "已经存在。"),
        ErrorReason::TokenInvalid => Text::new("Sign in first.", "请先登录。"),
        ErrorReason::RoleMissing => Text::new("Your role does not allow this.", "您的角色无权进行此操作。"),
        ErrorReason::SelfDealing => {
            Text::new("Nobody may do this to a duty of their own.", "不得处理本人承担的时限事项。")
        }
        ErrorReason::Overloaded => Text::new("The service is busy. Try again shortly.", "服务繁忙，请稍后重试。"),
        ErrorReason::BackendAway => {
            Text::new("The service is away for the moment. Try again shortly.", "服务暂不可用，请稍后重试。")
        }
        ErrorReason::DeadlinePassed => Text::new("It took too long.", "处理超时。"),
        ErrorReason::DirectoryEmpty => Text::new(
            "The directory holds no staff yet: until then only operators and services may write.",
            "员工目录尚为空，此前仅系统管理员和系统服务可以写入。",
        ),
        ErrorReason::MethodUnknown => Text::new("There is no such method.", "没有此方法。"),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_first_language_we_speak_is_taken() {
        assert_eq!(Language::accepted(Some("fr-FR, zh-TW;q=0.8, en")), Language::Chinese);
        assert_eq!(Language::accepted(Some("en-GB,zh")), Language::English);
        assert_eq!(Language::accepted(Some("")), Language::English);
        assert_eq!(Language::accepted(None), Language::English);
    }

    #[test]
    fn every_reason_is_told_in_both_languages_and_each_differently() {
        let reasons: Vec<ErrorReason> = (1..).map_while(|number| ErrorReason::try_from(number).ok()).collect();
        assert!(reasons.contains(&ErrorReason::Unexpected));
        // A text without its Chinese or its English does not pass `Text::new`.
        for language in [Language::English, Language::Chinese] {
            let told: BTreeSet<&str> = reasons.iter().map(|&each| meaning(each).of(language)).collect();
            assert_eq!(told.len(), reasons.len());
        }
    }

    #[test]
    fn a_text_must_be_written_in_both_languages() {
        assert_eq!(Text::new("It is late – too late", "迟了").of(Language::Chinese), "迟了");
        for (en, zh) in [("", "迟了"), ("late", ""), ("late", "late"), ("late", "。！（）"), ("迟了", "迟了")]
        {
            assert!(std::panic::catch_unwind(|| Text::new(en, zh)).is_err(), "{en} {zh}");
        }
    }

    /// Refusals behind which `clause` stands.
    fn behind(clause: &str) -> [Error; 2] {
        let (subject, clause) = ("requests/1".to_owned(), clause.to_owned());
        [
            Error::Gate {
                subject: subject.clone(),
                clause: clause.clone().into(),
                missing: Text::new("nobody signed", "无人签字"),
            },
            Error::State { subject, method: "SignThing", state: "OPEN".to_owned(), clause: clause.into() },
        ]
    }

    #[test]
    fn every_clause_is_told_with_its_title_in_both_languages() {
        let mut told = BTreeSet::new();
        for clause in Regulation::standard().clauses() {
            for error in behind(&clause.id) {
                for (language, title) in [(Language::English, &clause.title.en), (Language::Chinese, &clause.title.zh)]
                {
                    let message = language.refusal(&error);
                    assert!(message.contains(&clause.id) && message.contains(title.as_str()), "{message}");
                    assert_eq!(has_han(&message), language == Language::Chinese, "{message}");
                    assert!(told.insert(message));
                }
            }
        }
        assert_eq!(told.len(), 4 * Regulation::standard().clauses().count());
    }

    #[test]
    fn a_refusal_says_what_is_missing() {
        let [gate, state] = behind("C2.1");
        assert_eq!(
            Language::English.refusal(&gate),
            "A clause of the regulations demands something else first. C2.1 (First answer in time): nobody signed."
        );
        assert_eq!(Language::Chinese.refusal(&gate), "按规定须先满足另一项要求。C2.1（及时应答）：无人签字。");
        assert_eq!(
            Language::Chinese.refusal(&state),
            "当前状态下不能进行此操作。C2.1（及时应答）：状态为 OPEN 时不能进行 SignThing。"
        );
    }
}
