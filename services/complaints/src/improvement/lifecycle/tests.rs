use kefu_proto::complaints::v1::improvement_service_server::SERVICE_NAME;
use kefu_testkit::lifecycle::{assert_gates_refuse, assert_owners_can_meet};

use super::*;

fn open_gates() -> Facts {
    Facts { is_outside: true, is_time: true, is_final: true, ..Facts::default() }
}

kefu_testkit::lifecycle_tests! {
    LIFECYCLE, open by [open_gates()], served by [SERVICE_NAME],
    page "The lifecycle of an improvement" of "services/complaints/src/improvement/lifecycle.rs"
        in "../../../../../docs/lifecycles/improvement.md"
}

#[test]
fn whoever_owns_a_duty_may_call_what_meets_it() {
    let qualified = [("improvement", "CompleteImprovement"), ("effect_check", "VerifyImprovement")];
    assert_owners_can_meet(&LIFECYCLE, &[SERVICE_NAME], &qualified);
}

#[test]
fn every_gate_refuses_with_its_clause_when_what_it_asks_is_missing() {
    let inside = || Facts { is_outside: false, ..open_gates() };
    let early = || Facts { is_time: false, ..open_gates() };
    let open = || Facts { is_final: false, ..open_gates() };
    let closed = [
        (State::Unspecified, Action::Plan, "A1.1", inside()),
        (State::Done, Action::FindEffective, "A1.1", inside()),
        (State::Done, Action::FindEffective, "D8.12", early()),
        (State::Done, Action::FindEffective, "D8.12", open()),
        (State::Done, Action::FindIneffective, "A1.1", inside()),
        (State::Done, Action::FindIneffective, "D8.12", early()),
        (State::Done, Action::FindIneffective, "D8.12", open()),
    ];
    assert_gates_refuse(&LIFECYCLE, &open_gates(), &closed);
}
