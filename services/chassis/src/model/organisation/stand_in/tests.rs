use kefu_proto::rules::v1::Role;
use proptest::prelude::*;

use super::super::{Department, Deputy, Member};
use super::*;

const NOON: Timestamp = Timestamp::constant(1_763_610_000, 0);
const NAMES: [&str; 7] = ["agent", "approver", "head", "deputy", "superior", "ceo", "office"];

fn member(roles: &[Role], supervisor: &str) -> Member {
    Member {
        roles: roles.to_vec(),
        supervisor: supervisor.to_owned(),
        memberships: vec![(Timestamp::MIN, "departments/field".to_owned())],
        ..Member::default()
    }
}

fn organisation() -> Organisation {
    let mut organisation = Organisation { general_manager: "ceo".into(), ..Organisation::default() };
    let deputy = Deputy { staff: "deputy".into(), domains: Vec::new() };
    let field = Department { head: "head".into(), deputies: vec![deputy], ..Department::default() };
    organisation.departments.insert("departments/field".into(), field);
    for (name, roles, supervisor) in [
        ("agent", vec![Role::Agent], "head"),
        ("approver", vec![Role::Approver], "head"),
        ("head", vec![Role::Manager], "superior"),
        ("deputy", vec![Role::Approver], "head"),
        ("superior", vec![Role::Manager], "ceo"),
        ("ceo", vec![Role::Executive], ""),
        ("office", vec![Role::Office], "ceo"),
    ] {
        organisation.staff.insert(name.into(), member(&roles, supervisor));
    }
    organisation
}

fn acts(organisation: &Organisation, concern: impl Fn(&str) -> u8) -> (Vec<String>, Post) {
    let actors = organisation.who_acts(
        "departments/field",
        NOON,
        |staff| organisation.is_active(staff) && staff != "agent",
        |staff| staff == "approver",
        concern,
    );
    (actors.staff.into_iter().map(str::to_owned).collect(), actors.post)
}

#[test]
fn each_post_stands_in_where_those_before_it_are_concerned() {
    let organisation = organisation();
    let order = ["approver", "head", "deputy", "superior", "ceo", "office"];
    let posts = [Post::Member, Post::Head, Post::Deputy, Post::Superior, Post::Superior, Post::Office];
    for (count, (name, post)) in order.iter().zip(posts).enumerate() {
        let concerned = &order[..count];
        let acting = acts(&organisation, |staff| u8::from(concerned.contains(&staff)));
        assert_eq!(acting, (vec![(*name).to_owned()], post), "{concerned:?} are concerned");
    }
    let last = acts(&organisation, |staff| if staff == "office" { 1 } else { 2 });
    assert_eq!(last, (vec!["office".to_owned()], Post::LeastConcerned));
}

#[test]
fn somebody_present_comes_before_an_earlier_post_that_is_away() {
    let mut organisation = organisation();
    let away = (Timestamp::MIN, Timestamp::MAX);
    organisation.staff.get_mut("head").unwrap().absences = vec![away];
    let blamed = |staff: &str| u8::from(staff == "approver");
    assert_eq!(acts(&organisation, blamed), (vec!["deputy".to_owned()], Post::Deputy));
    for member in organisation.staff.values_mut() {
        member.absences = vec![away];
    }
    assert_eq!(acts(&organisation, blamed), (vec!["head".to_owned()], Post::Head), "all are away");
}

#[test]
fn whoever_leads_the_head_leads_everybody_beneath() {
    let organisation = organisation();
    assert_eq!(organisation.superiors_of("agent"), ["head", "superior", "ceo"]);
    assert!(organisation.is_above("ceo", "agent", NOON));
    assert!(organisation.is_above("deputy", "approver", NOON), "a deputy heads the department");
    assert!(!organisation.is_above("deputy", "head", NOON));
    assert!(organisation.is_above("office", "agent", NOON), "a leading role is above one that leads nobody");
    assert!(!organisation.is_above("agent", "agent", NOON));
    let mut circle = organisation;
    circle.staff.get_mut("ceo").unwrap().supervisor = "agent".into();
    assert_eq!(circle.superiors_of("agent"), ["head", "superior", "ceo"], "a circle ends");
}

proptest! {
    /// Whatever the concerns: somebody acts, nobody who does is more concerned than anybody left out of the last resort,
    /// and only the last resort is concerned.
    #[test]
    fn somebody_always_acts_and_only_the_last_resort_is_concerned(concerns in prop::array::uniform7(0_u8..4)) {
        let organisation = organisation();
        let concern = |staff: &str| NAMES.iter().position(|name| *name == staff).map_or(0, |index| concerns[index]);
        let (staff, post) = acts(&organisation, concern);
        prop_assert!(!staff.is_empty());
        let least = NAMES[1..].iter().map(|name| concern(name)).min().unwrap();
        for one in &staff {
            prop_assert_eq!(concern(one), least);
            prop_assert!(post == Post::LeastConcerned || least == 0);
        }
    }
}
