//! Who may take an action, where that differs from the handler and the handling department: for example only the
//! investigator.

use kefu_chassis::call::Stakeholders;
use kefu_chassis::lifecycle::Reach;

use super::Facts;

/// Everyone who may see the complaint.
pub const CONCERNED: Option<Reach<Facts>> = Some(Reach { whose: "whoever has to do with it", of: |_, all| all });
/// Only the investigator.
pub const INVESTIGATOR: Option<Reach<Facts>> = Some(Reach {
    whose: "its investigator; while it has none, whoever has to do with it, who learns so",
    of: |facts, all| match &facts.investigator {
        Some((staff, department)) => Stakeholders::of(staff, department),
        None => all,
    },
});
/// The handler and their department, and the investigator.
pub const HANDLER_OR_INVESTIGATOR: Option<Reach<Facts>> = Some(Reach {
    whose: "its handler or its investigator",
    of: |facts, all| match &facts.investigator {
        Some((staff, _)) => all.without_parties().and(staff),
        None => all.without_parties(),
    },
});
/// Whoever owns the measure that the call is about, and the handler. Where none is open, a call is about one that is done,
/// and nobody but the handler is sure to reach it.
pub const MEASURE_OWNER: Option<Reach<Facts>> = Some(Reach {
    whose: "whoever owns the measure, or its handler",
    of: |facts, all| match facts.measures.first() {
        Some(measure) => Stakeholders::of(&measure.owner, &measure.department).and(all.owner),
        None => Stakeholders::of(all.owner, ""),
    },
});
