//! What is wrong with a field of a request: the rule that it breaks, the clause that demands the rule, and a sentence in both
//! languages. [`wrong!`](crate::wrong) writes one.

use kefu_proto::rules::v1::FieldRule;

use crate::base::language::Sentence;

/// A field that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The path, e.g. `contact.phone` or `rows[3].external_id`; empty if the request as a whole is wrong.
    pub field: String,
    /// What is wrong.
    pub wrong: Wrong,
}

/// What is wrong with a field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrong {
    /// The rule that is broken.
    pub rule: FieldRule,
    /// The clause that demands the rule, e.g. `C2.4`; empty if none does.
    pub clause: &'static str,
    /// The predicate of a sentence about the field, e.g. `is required`; neither subject nor full stop.
    pub text: Sentence,
}

impl Violation {
    /// Creates the violation of a field.
    pub fn new(field: impl Into<String>, wrong: Wrong) -> Self {
        Self { field: field.into(), wrong }
    }

    /// Returns the violation with its path below another one, e.g. `contact.phone` for `phone` below `contact`.
    #[must_use]
    pub fn below(self, path: &str) -> Self {
        let field = if self.field.is_empty() { path.to_owned() } else { format!("{path}.{}", self.field) };
        Self { field, ..self }
    }
}

impl std::fmt::Display for Wrong {
    /// Writes the English predicate, after the clause if there is one: `C2.4: is required with the type of problem`.
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if !self.clause.is_empty() {
            write!(out, "{}: ", self.clause)?;
        }
        out.write_str(self.text.en())
    }
}

/// Writes what is wrong with a field: the rule, the clause if one demands it, and the predicate in English and Chinese, both
/// of which may name variables in braces.
///
/// ```
/// let bytes = 4096;
/// let wrong = kefu_chassis::wrong!(TooLong, "must have at most {bytes} bytes", "最多{bytes}个字节");
/// assert_eq!(wrong.to_string(), "must have at most 4096 bytes");
/// let wrong = kefu_chassis::wrong!(Unchanged under "A2.4", "has it already", "已由该部门负责");
/// assert_eq!(wrong.to_string(), "A2.4: has it already");
/// ```
///
/// A Chinese text with Latin letters outside of braces does not compile, nor one that leaves out a variable:
///
/// ```compile_fail
/// kefu_chassis::wrong!(Unchanged, "has it already", "已由 department 负责");
/// ```
///
/// ```compile_fail
/// let bytes = 4096;
/// kefu_chassis::wrong!(TooLong, "must have at most {bytes} bytes", "过长");
/// ```
#[macro_export]
macro_rules! wrong {
    ($rule:ident, $en:literal, $zh:literal $(,)?) => {
        $crate::wrong!($rule under "", $en, $zh)
    };
    ($rule:ident under $clause:expr, $en:literal, $zh:literal $(,)?) => {{
        const { $crate::language::assert_both($en, $zh) };
        $crate::error::Wrong {
            rule: $crate::FieldRule::$rule,
            clause: $clause,
            text: $crate::language::Sentence::new(format!($en), format!($zh)),
        }
    }};
}

/// Creates what is wrong with a field that names something that does not exist.
#[must_use]
pub fn not_known() -> Wrong {
    wrong!(Unknown, "is not known", "不存在")
}

/// Creates what is wrong with a message that is too large.
#[must_use]
pub fn too_large() -> Wrong {
    wrong!(TooLong, "the message is too large", "消息过大")
}

/// Creates what is wrong with a message that cannot be decoded.
#[must_use]
pub fn unreadable() -> Wrong {
    wrong!(Unreadable, "the message cannot be read as the contract has it", "消息无法按约定格式读取")
}
