//! Constraints among parameters. They hold for the values in force, whichever of them an operator set.

use jiff::SignedDuration;

use crate::budget::Budget;
use crate::clause::Clause;
use crate::value::{TimeOfDay, Value};

/// A parameter that violates a constraint, and why.
pub(crate) struct Violation {
    pub(crate) clause: &'static str,
    pub(crate) parameter: &'static str,
    pub(crate) reason: String,
}

/// Pairs of durations of a clause: the first may not exceed the second, and both must be on the same clock.
const ORDERED: [(&str, &str, &str); 6] = [
    ("A9.1", "escalate_to_supervisor", "escalate_to_manager"),
    ("A9.1", "backdate_agent", "backdate_supervisor"),
    ("A10.6", "local_depart_within", "local_arrive_within"),
    ("A10.6", "province_depart_within", "province_arrive_within"),
    ("A10.6", "remote_depart_within", "remote_arrive_within"),
    ("D3.1", "margin", "early_at_most"),
];

/// The parameters of C2.1 for first answers; a promised wait (C2.2) must not be shorter than any of them.
const ANSWERS: [&str; 3] = ["chat", "email", "web"];

/// Returns every violation; none for the standard rule book.
pub(crate) fn violations(clauses: &[Clause]) -> Vec<Violation> {
    let book = Book(clauses);
    let mut found = Vec::new();
    found.extend(ORDERED.iter().filter_map(|pair| book.out_of_order(*pair)));
    found.extend(["B2.1", "B2.2"].into_iter().filter_map(|clause| book.empty_shift(clause)));
    found.extend(book.long_ring());
    found.extend(book.short_promise());
    found.extend(["C4.2", "C5.8"].into_iter().filter_map(|clause| book.crowded_attempts(clause)));
    found
}

struct Book<'a>(&'a [Clause]);

impl Book<'_> {
    fn out_of_order(&self, (clause, lesser, greater): (&'static str, &'static str, &str)) -> Option<Violation> {
        let (less, more) = (self.budget(clause, lesser)?, self.budget(clause, greater)?);
        let reason = if less.measure != more.measure {
            format!("must be on the same clock as {greater}: both with or both without \"working\"")
        } else if less.length > more.length {
            format!("must not be longer than {greater} ({})", self.text(clause, greater))
        } else {
            return None;
        };
        Some(Violation { clause, parameter: lesser, reason })
    }

    fn empty_shift(&self, clause: &'static str) -> Option<Violation> {
        let (start, end) = (self.time(clause, "shift_start")?, self.time(clause, "shift_end")?);
        (start >= end).then(|| Violation {
            clause,
            parameter: "shift_end",
            reason: format!("must be later than shift_start ({start})"),
        })
    }

    fn long_ring(&self) -> Option<Violation> {
        let answer = self.hotline_answer()?;
        (answer > Budget::MAX).then(|| Violation {
            clause: "C2.1",
            parameter: "hotline_ring",
            reason: "hotline_rings of this length add up to more than ten years".to_owned(),
        })
    }

    fn short_promise(&self) -> Option<Violation> {
        let promise = self.budget("C2.2", "promise_at_most")?.length;
        let violation = |answer: &str| Violation {
            clause: "C2.2",
            parameter: "promise_at_most",
            reason: format!("must not be shorter than the first answer it replaces, {answer}"),
        };
        for answer in ANSWERS {
            if promise < self.budget("C2.1", answer)?.length {
                return Some(violation(&format!("C2.1.{answer} ({})", self.text("C2.1", answer))));
            }
        }
        (promise < self.hotline_answer()?).then(|| violation("C2.1.hotline_rings times C2.1.hotline_ring"))
    }

    fn crowded_attempts(&self, clause: &'static str) -> Option<Violation> {
        let (Value::Count(attempts), Value::Count(days)) =
            (self.value(clause, "attempts")?, self.value(clause, "attempt_days")?)
        else {
            return None;
        };
        (days > attempts).then(|| Violation {
            clause,
            parameter: "attempt_days",
            reason: format!("must not be greater than attempts ({attempts}), of which a day needs at least one"),
        })
    }

    fn hotline_answer(&self) -> Option<SignedDuration> {
        let Value::Count(rings) = self.value("C2.1", "hotline_rings")? else {
            return None;
        };
        Some(hotline_answer(*rings, self.budget("C2.1", "hotline_ring")?))
    }

    fn value(&self, clause: &str, parameter: &str) -> Option<&Value> {
        let clause = self.0.iter().find(|candidate| candidate.id == clause)?;
        clause.parameter(parameter).map(|parameter| &parameter.value)
    }

    fn text(&self, clause: &str, parameter: &str) -> &str {
        let clause = self.0.iter().find(|candidate| candidate.id == clause);
        let parameter = clause.and_then(|clause| clause.parameter(parameter));
        parameter.map_or("", |parameter| &parameter.text)
    }

    fn budget(&self, clause: &str, parameter: &str) -> Option<Budget> {
        match self.value(clause, parameter)? {
            Value::Duration(budget) => Some(*budget),
            _ => None,
        }
    }

    fn time(&self, clause: &str, parameter: &str) -> Option<TimeOfDay> {
        match self.value(clause, parameter)? {
            Value::TimeOfDay(time) => Some(*time),
            _ => None,
        }
    }
}

/// Returns the time that a number of rings takes (C2.1).
pub(crate) fn hotline_answer(rings: u32, ring: Budget) -> SignedDuration {
    let rings = i32::try_from(rings).unwrap_or(i32::MAX);
    ring.length.saturating_mul(rings)
}
