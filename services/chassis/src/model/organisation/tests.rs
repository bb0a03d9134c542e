use jiff::{SignedDuration, Timestamp};

use super::*;

const NOON: Timestamp = Timestamp::constant(1_763_610_000, 0);

fn member(absences: &[(i64, i64)]) -> Member {
    let at = |hours| NOON + SignedDuration::from_hours(hours);
    Member {
        memberships: vec![(at(-48), "departments/desk".into()), (at(-24), "departments/field".into())],
        absences: absences.iter().map(|&(start, end)| (at(start), at(end))).collect(),
        ..Member::default()
    }
}

fn organisation(head: Member, deputies: &[(&str, &[&str])]) -> Organisation {
    let deputies = deputies.iter().map(|(staff, domains)| Deputy {
        staff: format!("staff/{staff}"),
        domains: domains.iter().map(|&domain| domain.to_owned()).collect(),
    });
    let department = Department { head: "staff/head".into(), deputies: deputies.collect(), ..Department::default() };
    let mut organisation = Organisation::default();
    organisation.departments.insert("departments/field".into(), department);
    organisation.staff.insert("staff/head".into(), head);
    for name in ["staff/a", "staff/b"] {
        organisation.staff.insert(name.into(), member(&[]));
    }
    organisation.staff.insert("staff/gone".into(), Member { inactive: true, ..member(&[]) });
    organisation
}

#[test]
fn the_head_is_in_charge_while_present_and_then_the_first_deputy_for_the_matter() {
    let deputies: &[(&str, &[&str])] = &[("gone", &[]), ("a", &["power"]), ("b", &[])];
    let resolve = |organisation: &Organisation, domain: &str, at| {
        organisation.responsible("departments/field", domain, at).map(|(name, capacity)| (name.to_owned(), capacity))
    };
    let there = organisation(member(&[]), deputies);
    assert_eq!(resolve(&there, "power", NOON), Some(("staff/head".into(), Capacity::Head)));
    let away = organisation(member(&[(0, 1)]), deputies);
    assert_eq!(resolve(&away, "power", NOON), Some(("staff/a".into(), Capacity::Deputy)));
    assert_eq!(resolve(&away, "water", NOON), Some(("staff/b".into(), Capacity::Deputy)));
    assert_eq!(resolve(&away, "", NOON), Some(("staff/b".into(), Capacity::Deputy)));
    // An absence ends before its end: from then on the head is back.
    let end = NOON + SignedDuration::from_hours(1);
    assert_eq!(resolve(&away, "power", end), Some(("staff/head".into(), Capacity::Head)));
    let alone = organisation(member(&[(0, 1)]), &[("a", &["power"])]);
    assert_eq!(resolve(&alone, "water", NOON), None);
    assert_eq!(alone.responsible("departments/none", "power", NOON), None);
}

#[test]
fn a_department_is_that_of_the_time() {
    let organisation = organisation(member(&[]), &[]);
    for (hours, department) in
        [(-100, "departments/desk"), (-48, "departments/desk"), (-25, "departments/desk"), (-24, "departments/field")]
    {
        let at = NOON + SignedDuration::from_hours(hours);
        assert_eq!(organisation.department_of("staff/head", at), department, "{hours}");
    }
    assert_eq!(organisation.department_of("staff/nobody", NOON), "");
}

fn three_deputies() -> Vec<Deputy> {
    let deputy = |staff: &str, domains: &[&str]| Deputy {
        staff: staff.to_owned(),
        domains: domains.iter().map(|&domain| domain.to_owned()).collect(),
    };
    vec![deputy("staff/net", &["network"]), deputy("staff/all", &[]), deputy("staff/late", &[])]
}

#[test]
fn the_head_is_in_charge_while_present_and_the_first_fitting_deputy_otherwise() {
    let deputies = three_deputies();
    let of = |matter: &str, present: &[&str]| {
        in_charge("staff/head", &deputies, matter, |staff| present.contains(&staff))
            .map(|(staff, capacity)| (capacity, staff.to_owned()))
    };
    let everyone = ["staff/head", "staff/net", "staff/all", "staff/late"];
    let as_deputy = |staff: &str| Some((Capacity::Deputy, staff.to_owned()));
    assert_eq!(of("network", &everyone), Some((Capacity::Head, "staff/head".to_owned())));
    assert_eq!(of("network", &everyone[1..]), as_deputy("staff/net"));
    assert_eq!(of("printing", &everyone[1..]), as_deputy("staff/all"), "a deputy for other matters is passed over");
    assert_eq!(of("", &everyone[1..]), as_deputy("staff/all"), "an unclassified matter is not network");
    assert_eq!(of("network", &everyone[2..]), as_deputy("staff/all"));
    assert_eq!(of("", &everyone[3..]), as_deputy("staff/late"));
    assert_eq!(of("printing", &["staff/net"]), None);
    assert_eq!(of("network", &[]), None);
}

#[test]
fn without_a_head_the_deputies_are_in_charge_and_without_these_nobody() {
    let deputies = three_deputies();
    assert_eq!(in_charge("", &deputies, "network", |_| true), Some(("staff/net", Capacity::Deputy)));
    assert_eq!(in_charge("", &[], "network", |_| true), None);
}
