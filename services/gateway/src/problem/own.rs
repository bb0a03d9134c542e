//! The refusals that the gateway makes of itself, for the page of errors.

use std::time::Duration;

use kefu_chassis::language::Language;
use kefu_chassis::wrong;
use kefu_proto::rules::v1::ErrorReason;

use super::Problem;

/// A refusal that the gateway makes of itself.
#[derive(Clone, Debug)]
pub struct OwnRefusal {
    /// The HTTP status.
    pub status: u16,
    /// The reason.
    pub reason: ErrorReason,
    /// The rule that is broken, e.g. `TOO_LONG`; empty where no field or body is wrong.
    pub rule: &'static str,
    /// What it says in English.
    pub en: String,
    /// What it says in Chinese.
    pub zh: String,
}

/// Returns the refusals that the gateway makes of itself, by status.
#[must_use]
pub fn own_refusals() -> Vec<OwnRefusal> {
    let unreadable = wrong!(Unreadable, "the body cannot be read", "请求内容无法读取");
    let problems = [
        Problem::invalid("", unreadable),
        Problem::nobody(),
        Problem::nowhere(),
        Problem::verb(["GET".to_owned()]),
        Problem::too_slow(),
        Problem::too_large(),
        Problem::media_type("application/json"),
        Problem::coding(),
        Problem::too_often(Duration::from_secs(1)),
        Problem::unexpected("nothing in particular"),
        Problem::away(),
        Problem::too_late(),
    ];
    let told = |problem: Problem| OwnRefusal {
        status: problem.status.as_u16(),
        reason: problem.about.reason,
        rule: problem.about.faults.first().map_or("", |fault| fault.wrong.rule.as_str_name()),
        en: problem.detail(Language::English),
        zh: problem.detail(Language::Chinese),
    };
    problems.into_iter().map(told).collect()
}
