//! Improvements: planned, carried out, and checked by somebody of another department; the figures decide the result
//! (D8.12, A1.1).

use jiff::SignedDuration;
use kefu_chassis::time::to_proto;
use kefu_proto::complaints::v1 as pb;
use kefu_proto::complaints::v1::complaint::Outcome;
use kefu_proto::complaints::v1::improvement::State;
use kefu_proto::complaints::v1::improvement_service_client::ImprovementServiceClient;
use kefu_proto::compliance::v1::duty::State as Kept;
use kefu_proto::rules::v1::ErrorReason;
use kefu_testkit::{Caller, assert_refused};
use tonic::{Code, Status};

use super::desk::{Desk, FIELD};

fn client(desk: &Desk, staff: &str) -> ImprovementServiceClient<Caller> {
    ImprovementServiceClient::new(desk.bench.as_(staff, &["SUPERVISOR", "MANAGER"]))
}

fn plan(desk: &Desk, complaint: &str, verifier: &str) -> pb::CreateImprovementRequest {
    pb::CreateImprovementRequest {
        complaints: vec![complaint.into()],
        cause_category: pb::root_cause::Category::People.into(),
        cause: "未培训试压".into(),
        responsible_department: FIELD.into(),
        measure: "全员培训".into(),
        owner: "staff/fieldhead".into(),
        due_time: Some(to_proto(desk.bench.now() + SignedDuration::from_hours(24 * 30))),
        verifier: verifier.into(),
        ..Default::default()
    }
}

async fn verify(desk: &Desk, staff: &str, name: &str) -> Result<pb::Improvement, Status> {
    let call = pb::VerifyImprovementRequest { name: name.into(), comment: "已核查".into(), ..Default::default() };
    Ok(client(desk, staff).verify_improvement(call).await?.into_inner())
}

/// Plans an improvement for a complaint, and completes it a minute later.
async fn carried_out(desk: &Desk, complaint: &str) -> pb::Improvement {
    let call = plan(desk, complaint, "staff/boss");
    let improvement = client(desk, "staff/boss").create_improvement(call).await.unwrap().into_inner();
    desk.pass(1);
    let call =
        pb::CompleteImprovementRequest { name: improvement.name, report: "已培训".into(), ..Default::default() };
    let done = client(desk, "staff/fieldhead").complete_improvement(call).await.unwrap().into_inner();
    assert_eq!(done.state(), State::Done);
    desk.pass(1);
    done
}

/// An improvement with this many complaints of its cause and department before and after it, and its check.
async fn effect(before: usize, after: usize) -> (Desk, pb::Improvement) {
    let desk = Desk::open().await;
    let mut last = String::new();
    for _ in 0..before {
        last = desk.concluded(Outcome::Upheld).await.name;
    }
    let improvement = carried_out(&desk, &last).await;
    for _ in 0..after {
        desk.concluded(Outcome::Upheld).await;
    }
    let early = verify(&desk, "staff/boss", &improvement.name).await;
    assert_eq!(assert_refused(early, Code::FailedPrecondition, ErrorReason::GateClosed).clauses(), ["D8.12"]);
    desk.bench.time().advance(SignedDuration::from_hours(24 * 90));
    let checked = verify(&desk, "staff/boss", &improvement.name).await.unwrap();
    (desk, checked)
}

/// Inserts the number of contacts of a day.
async fn contacts(desk: &Desk, day: &str, count: i64) {
    sqlx::query("insert into complaints.contact_count values ($1::text::date, $2, true)")
        .bind(day)
        .bind(count)
        .execute(desk.bench.admin())
        .await
        .unwrap();
}

#[tokio::test]
async fn fewer_complaints_afterwards_make_it_effective_and_its_clocks_are_kept() {
    let (desk, checked) = effect(2, 1).await;
    assert_eq!(checked.state(), State::Effective);
    let counted = checked.effect.unwrap();
    assert_eq!((counted.days, counted.count_before, counted.count_after), (90, 2, 1));
    let kept = desk.bench.kept_of(&checked.name).await;
    let met = ["effect_check", "improvement"].map(|kind| (kind.to_owned(), Kept::Met, false));
    assert_eq!(kept, met);
}

#[tokio::test]
async fn as_many_afterwards_make_it_ineffective_whatever_the_verifier_says() {
    let (_, checked) = effect(1, 1).await;
    assert_eq!((checked.state(), checked.comment.as_str()), (State::Ineffective, "已核查"));
}

#[tokio::test]
async fn contacts_decide_only_where_they_are_recorded_for_the_whole_of_both_sides() {
    let desk = Desk::open().await;
    let complaint = desk.concluded(Outcome::Upheld).await.name;
    let [first, second] = [carried_out(&desk, &complaint).await, carried_out(&desk, &complaint).await];
    desk.concluded(Outcome::Upheld).await;
    // One complaint before and one after. Contacts are recorded for only ten of the 90 days before.
    contacts(&desk, "2026-11-10", 10).await;
    contacts(&desk, "2026-12-24", 5_000).await;
    desk.bench.time().advance(SignedDuration::from_hours(24 * 90));
    let checked = verify(&desk, "staff/boss", &first.name).await.unwrap();
    let counted = checked.effect.unwrap();
    assert_eq!((counted.contacts_before, counted.contacts_after), (0, 0));
    assert_eq!((checked.state(), counted.count_before, counted.count_after), (State::Ineffective, 1, 1));
    // Contacts are recorded from the first of the 90 days.
    contacts(&desk, "2026-08-22", 40).await;
    let checked = verify(&desk, "staff/boss", &second.name).await.unwrap();
    let counted = checked.effect.unwrap();
    assert_eq!((counted.contacts_before, counted.contacts_after), (50, 5_000));
    assert_eq!(checked.state(), State::Effective, "as many, of a hundred times as many contacts");
}

#[tokio::test]
async fn while_the_cause_of_complaints_on_which_the_figures_depend_is_not_known_nothing_is_decided() {
    let desk = Desk::open().await;
    let mut last = String::new();
    for _ in 0..2 {
        last = desk.concluded(Outcome::Upheld).await.name;
    }
    let improvement = carried_out(&desk, &last).await;
    desk.concluded(Outcome::Upheld).await;
    // Two open complaints: one without cause and department, one without a cause only.
    let bare = desk.register().await.name;
    let classified = desk.register().await.name;
    desk.classify(&classified).await.unwrap();
    desk.bench.time().advance(SignedDuration::from_hours(24 * 90));
    for open in [bare, classified] {
        let refused = verify(&desk, "staff/boss", &improvement.name).await;
        assert_eq!(assert_refused(refused, Code::FailedPrecondition, ErrorReason::GateClosed).clauses(), ["D8.12"]);
        let call = pb::WithdrawComplaintRequest { name: open, reason: "误会".into(), ..Default::default() };
        desk.as_("staff/lin").withdraw_complaint(call).await.unwrap();
    }
    let checked = verify(&desk, "staff/boss", &improvement.name).await.unwrap();
    assert_eq!((checked.state(), checked.effect.unwrap().count_after), (State::Effective, 1));
}

#[tokio::test]
async fn what_is_not_yet_known_holds_up_no_result_that_it_could_not_change() {
    let desk = Desk::open().await;
    let complaint = desk.concluded(Outcome::Upheld).await.name;
    let improvement = carried_out(&desk, &complaint).await;
    desk.concluded(Outcome::Upheld).await;
    desk.register().await;
    desk.bench.time().advance(SignedDuration::from_hours(24 * 90));
    let checked = verify(&desk, "staff/boss", &improvement.name).await.unwrap();
    assert_eq!(checked.state(), State::Ineffective, "there are as many already");
}

#[tokio::test]
async fn nobody_checks_what_their_own_department_carries_out() {
    let desk = Desk::open().await;
    let complaint = desk.concluded(Outcome::Upheld).await.name;
    let own = client(&desk, "staff/boss").create_improvement(plan(&desk, &complaint, "staff/qin")).await;
    assert_eq!(assert_refused(own, Code::FailedPrecondition, ErrorReason::GateClosed).clauses(), ["A1.1"]);
    let planned = client(&desk, "staff/boss").create_improvement(plan(&desk, &complaint, "staff/boss")).await;
    let name = planned.unwrap().into_inner().name;
    let call = pb::CompleteImprovementRequest { name: name.clone(), report: "已培训".into(), ..Default::default() };
    client(&desk, "staff/fieldhead").complete_improvement(call).await.unwrap();
    // The verifier moves into that department before the effect can be checked.
    desk.bench.time().advance(SignedDuration::from_hours(24 * 91));
    let moves = format!(
        "insert into directory_membership (staff, since_at, department) values ('staff/boss', '{}', '{FIELD}')",
        desk.bench.now() - SignedDuration::from_hours(1)
    );
    desk.bench.change_directory(&moves).await;
    let own = verify(&desk, "staff/boss", &name).await;
    assert_eq!(assert_refused(own, Code::FailedPrecondition, ErrorReason::GateClosed).clauses(), ["A1.1"]);
    let absent = plan(&desk, "complaints/0199aaaa-0000-7000-8000-000000000009", "staff/mei");
    let refused = client(&desk, "staff/boss").create_improvement(absent).await;
    assert_refused(refused, Code::NotFound, ErrorReason::ResourceNotFound);
}

#[tokio::test]
async fn what_came_long_before_it_and_does_not_recur_makes_it_effective() {
    let desk = Desk::open().await;
    let complaint = desk.concluded(Outcome::Upheld).await.name;
    desk.bench.time().advance(SignedDuration::from_hours(24 * 100));
    let improvement = carried_out(&desk, &complaint).await;
    desk.bench.time().advance(SignedDuration::from_hours(24 * 90));
    let checked = verify(&desk, "staff/boss", &improvement.name).await.unwrap();
    let counted = checked.effect.unwrap();
    assert_eq!((checked.state(), counted.count_before, counted.count_after), (State::Effective, 0, 0));
}

#[tokio::test]
async fn an_improvement_is_of_complaints_it_can_be_measured_by_and_of_people_who_may_do_it() {
    let desk = Desk::open().await;
    let complaint = desk.concluded(Outcome::Upheld).await.name;
    let field = async |call: pb::CreateImprovementRequest| {
        let refused = client(&desk, "staff/boss").create_improvement(call).await;
        assert_refused(refused, Code::InvalidArgument, ErrorReason::FieldInvalid).fields().join(",")
    };
    let other = pb::CreateImprovementRequest {
        cause_category: pb::root_cause::Category::Supplier.into(),
        ..plan(&desk, &complaint, "staff/boss")
    };
    assert_eq!(field(other).await, "complaints", "no complaint with that cause");
    desk.bench.change_directory("update directory_staff set roles = '{1}' where name = 'staff/wu'").await;
    assert_eq!(field(plan(&desk, &complaint, "staff/wu")).await, "verifier", "an agent checks none");
    assert_eq!(field(plan(&desk, &complaint, "staff/nobody")).await, "verifier");
}

#[tokio::test]
async fn improvements_are_listed_by_owner_department_and_state_page_by_page() {
    let desk = Desk::open().await;
    let complaint = desk.concluded(Outcome::Upheld).await.name;
    let mut made = Vec::new();
    for _ in 0..3 {
        made.push(carried_out(&desk, &complaint).await.name);
    }
    let open = client(&desk, "staff/boss").create_improvement(plan(&desk, &complaint, "staff/boss")).await.unwrap();
    made.push(open.into_inner().name);
    made.reverse();
    let list = async |call: pb::ListImprovementsRequest| {
        client(&desk, "staff/boss").list_improvements(call).await.unwrap().into_inner()
    };
    let names = |told: &pb::ListImprovementsResponse| {
        told.improvements.iter().map(|each| each.name.clone()).collect::<Vec<_>>()
    };
    let by = |state: State| pb::ListImprovementsRequest {
        owner: "staff/fieldhead".into(),
        responsible_department: FIELD.into(),
        state: state.into(),
        page_size: 2,
        ..Default::default()
    };
    let first = list(by(State::Unspecified)).await;
    let rest = pb::ListImprovementsRequest { page_token: first.next_page_token.clone(), ..by(State::Unspecified) };
    let rest = list(rest).await;
    assert_eq!([names(&first), names(&rest)].concat(), made);
    assert!(rest.next_page_token.is_empty());
    assert_eq!(names(&list(by(State::Planned)).await), made[..1]);
    let others = pb::ListImprovementsRequest { owner: "staff/lin".into(), ..by(State::Unspecified) };
    assert!(names(&list(others).await).is_empty());
}
