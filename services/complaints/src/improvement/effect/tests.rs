use super::*;

#[test]
fn an_effect_is_measured_by_contacts_where_they_are_known() {
    let effect = |count_before, count_after, contacts_before, contacts_after| Effect {
        days: 90,
        count_before,
        count_after,
        contacts_before,
        contacts_after,
    };
    assert!(is_effective(&effect(10, 9, 0, 0)));
    assert!(!is_effective(&effect(10, 10, 0, 0)));
    // The complaints that led to the improvement may be older than the period before it: none afterwards is enough.
    assert!(is_effective(&effect(0, 0, 0, 0)) && !is_effective(&effect(0, 1, 0, 0)));
    // 10 of 1,000 before, 15 of 2,000 after: more complaints, but fewer per contact.
    assert!(is_effective(&effect(10, 15, 1_000, 2_000)));
    assert!(!is_effective(&effect(10, 20, 1_000, 2_000)));
}

#[test]
fn a_result_is_final_when_what_may_be_counted_yet_cannot_turn_it() {
    let decided = |count_before, count_after, open| {
        let effect = Effect { days: 90, count_before, count_after, contacts_before: 0, contacts_after: 0 };
        Counted { effect, open }.is_final()
    };
    assert!(decided(10, 5, (0, 0)) && decided(10, 5, (0, 4)) && !decided(10, 5, (0, 5)));
    assert!(decided(10, 10, (0, 100)), "there are as many already");
    assert!(!decided(10, 10, (1, 0)), "there may have been more before");
}
