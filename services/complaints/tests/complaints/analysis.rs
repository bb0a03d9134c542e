//! `AnalyzeComplaints` over so few complaints that each figure can be counted by hand (D8.11). The tests across
//! services have a hundred thousand.

use jiff::{SignedDuration, Timestamp};
use kefu_chassis::time::{from_proto, to_proto};
use kefu_proto::complaints::v1 as pb;
use kefu_proto::complaints::v1::analyze_complaints_request::Dimension;
use kefu_proto::complaints::v1::complaint::{Category, Closure, Outcome, Severity, State};
use kefu_proto::complaints::v1::improvement_service_client::ImprovementServiceClient;
use kefu_proto::complaints::v1::root_cause;
use kefu_proto::compliance::v1::duty::State as Kept;
use kefu_proto::contacts::v1::Channel;
use kefu_proto::rules::v1::ErrorReason;
use kefu_testkit::{Bench, assert_refused};
use serde_json::{Value, json};
use sqlx::Executor as _;
use tonic::Code;
use uuid::Uuid;

use super::desk::{DESK, FIELD};

const PEOPLE: i16 = root_cause::Category::People as i16;
const PROCESS: i16 = root_cause::Category::Process as i16;
/// The Monday of the week 2026-W44.
const MONDAY: &str = "2026-10-26T00:00:00+08:00";

fn time(time: &str) -> Timestamp {
    time.parse().unwrap()
}

/// The time `days` and `hours` after [`MONDAY`].
fn after(days: i64, hours: i64) -> Timestamp {
    time(MONDAY) + SignedDuration::from_hours(days * 24 + hours)
}

fn from_to(start: Timestamp, end: Timestamp) -> pb::AnalyzeComplaintsRequest {
    pb::AnalyzeComplaintsRequest {
        start_time: Some(to_proto(start)),
        end_time: Some(to_proto(end)),
        ..Default::default()
    }
}

/// A request for the three weeks from [`MONDAY`] on.
fn three_weeks() -> pb::AnalyzeComplaintsRequest {
    from_to(after(0, 0), after(21, 0))
}

async fn analyze(bench: &Bench, request: pb::AnalyzeComplaintsRequest) -> pb::AnalyzeComplaintsResponse {
    let mut client = ImprovementServiceClient::new(bench.as_("staff/boss", &["SUPERVISOR"]));
    client.analyze_complaints(request).await.unwrap().into_inner()
}

/// Inserts a complaint received at `received`; `columns` replaces other columns.
async fn put(bench: &Bench, received: Timestamp, columns: Value) -> Uuid {
    let mut row = json!({
        "channel": Channel::Hotline as i16, "received_at": received.to_string(), "contact": {},
        "matter": "", "desired_remedy": "", "category": Category::Quality as i16, "subcategory": "",
        "severity": Severity::Minor as i16, "product": "", "handler": "staff/lin", "department": DESK,
        "responsible_department": FIELD, "responsible_person": "", "no_person_reason": "", "notified": [],
        "investigator": "", "parties": [], "state": State::Concluded as i16, "cycle": 0, "cause_category": PEOPLE,
        "cause": "", "whys": [], "outcome": Outcome::Upheld as i16, "closure": 0, "satisfaction": 0,
        "unreached_attempts": 0, "attempt_days": [], "tried_by": [], "namings": [], "contacted": true, "waived": false, "evidence_count": 0,
        "withdraw_reason": "", "created_at": received.to_string(), "updated_at": received.to_string(), "version": 1,
    });
    row.as_object_mut().unwrap().extend(columns.as_object().unwrap().clone());
    sqlx::query_scalar(
        "insert into complaints.complaint
        select made.* from gen_random_uuid() as id, jsonb_populate_record(null::complaints.complaint,
            $1 || jsonb_build_object('id', id, 'number', id)) as made
        returning id",
    )
    .bind(row)
    .fetch_one(bench.admin())
    .await
    .unwrap()
}

/// Inserts `count` complaints received at `received`.
async fn put_many(bench: &Bench, count: usize, received: Timestamp) {
    for _ in 0..count {
        put(bench, received, json!({})).await;
    }
}

/// Inserts the number of contacts of a day.
async fn contacts(bench: &Bench, day: &str, count: i64) {
    sqlx::query("insert into complaints.contact_count values ($1::text::date, $2, true)")
        .bind(day)
        .bind(count)
        .execute(bench.admin())
        .await
        .unwrap();
}

fn near(found: f64, expected: f64) {
    assert!((found - expected).abs() < 1e-9, "{found} is not {expected}");
}

#[tokio::test]
async fn without_contacts_no_rate_is_told_and_weeks_are_the_units_as_far_as_they_have_passed() {
    let bench = Bench::of(&kefu_complaints::SERVICE).await;
    put_many(&bench, 2, after(7, 12)).await;
    put_many(&bench, 3, after(14, 12)).await;
    put_many(&bench, 1, after(21, 12)).await;
    // The clock shows Friday, 10:00, of the fourth week; the requested period ends with the year.
    let told = analyze(&bench, from_to(after(7, 0), time("2027-01-01T00:00:00+08:00"))).await;
    assert_eq!((told.complaint_count, told.contact_count, told.rate_per_thousand), (6, None, None));
    assert_eq!((told.rate_start_time, told.rate_count), (None, 0));
    assert!(told.groups.iter().all(|group| group.rate_per_thousand.is_none()));
    let weeks: Vec<_> = told.weeks.iter().map(|week| (week.week.as_str(), week.count)).collect();
    assert_eq!(weeks, [("2026-W45", 2), ("2026-W46", 3), ("2026-W47", 1)], "weeks to come say nothing");
    let passed = f64::from(4 * 24 + 10) / f64::from(7 * 24);
    near(told.weeks[0].units, 1.0);
    near(told.weeks[2].units, passed);
    near(told.centre, 6.0 / (2.0 + passed));
    near(told.weeks[0].upper_limit, told.centre + 3.0 * told.centre.sqrt());
}

#[tokio::test]
async fn of_a_time_in_which_contacts_were_not_recorded_neither_rates_nor_the_chart_say_anything() {
    let bench = Bench::of(&kefu_complaints::SERVICE).await;
    put_many(&bench, 40, after(3, 0)).await;
    put_many(&bench, 4, after(10, 0)).await;
    put_many(&bench, 6, after(17, 0)).await;
    contacts(&bench, "2026-11-02", 1_000).await;
    contacts(&bench, "2026-11-09", 1_000).await;
    let told = analyze(&bench, three_weeks()).await;
    assert_eq!((told.complaint_count, told.contact_count), (50, Some(2_000)));
    assert!(told.weeks.iter().all(|week| week.signals.is_empty()), "{:?}", told.weeks);
    near(told.centre, 5.0);
    near(told.rate_per_thousand.unwrap(), 5.0);
    assert_eq!(told.groups[0].count, 50);
    near(told.groups[0].rate_per_thousand.unwrap(), 5.0);
    let weeks: Vec<_> = told.weeks.iter().map(|week| (week.count, week.units)).collect();
    assert_eq!(weeks, [(40, 0.0), (4, 1.0), (6, 1.0)]);
    assert_eq!(told.rate_start_time.as_ref().and_then(from_proto), Some(after(7, 0)));
    assert_eq!(told.rate_count, 10);

    // Contacts are recorded from a Wednesday on, so that week's complaints have no rate.
    contacts(&bench, "2026-10-28", 10).await;
    let told = analyze(&bench, three_weeks()).await;
    assert_eq!((told.rate_count, told.contact_count), (50, Some(2_010)));
    near(told.weeks[0].units, 0.0);
    near(told.centre, 5.0);
}

#[tokio::test]
async fn a_period_is_taken_in_whole_days_as_contacts_are_counted() {
    let bench = Bench::of(&kefu_complaints::SERVICE).await;
    // Midnight in UTC is eight in the morning of the business calendar.
    put_many(&bench, 1, after(0, 1)).await;
    put_many(&bench, 1, after(7, 1)).await;
    put_many(&bench, 1, after(7, 23)).await;
    put_many(&bench, 1, after(8, 0)).await;
    contacts(&bench, "2026-10-26", 1_000).await;
    contacts(&bench, "2026-11-02", 1_000).await;
    let told = analyze(&bench, from_to(after(0, 8), after(7, 8))).await;
    let period = [&told.start_time, &told.end_time].map(|time| time.as_ref().and_then(from_proto));
    assert_eq!(period, [Some(after(0, 0)), Some(after(8, 0))]);
    assert_eq!((told.complaint_count, told.contact_count), (3, Some(2_000)));
    near(told.rate_per_thousand.unwrap(), 1.5);
    let whole = analyze(&bench, from_to(after(0, 0), after(8, 0))).await;
    assert_eq!(whole, told, "whole days stay as they are");
}

#[tokio::test]
async fn history_that_was_imported_does_not_say_that_contacts_were_recorded_then() {
    let bench = Bench::of(&kefu_complaints::SERVICE).await;
    put_many(&bench, 5, after(1, 0)).await;
    put_many(&bench, 5, after(8, 0)).await;
    contacts(&bench, "2026-10-27", 10).await;
    bench.admin().execute("update complaints.contact_count set live = false").await.unwrap();
    assert_eq!(analyze(&bench, three_weeks()).await.rate_per_thousand, None);
    contacts(&bench, "2026-11-02", 1_000).await;
    let told = analyze(&bench, three_weeks()).await;
    assert_eq!((told.contact_count, told.rate_count), (Some(1_000), 5));
    near(told.rate_per_thousand.unwrap(), 5.0);
}

#[tokio::test]
async fn a_week_begins_at_midnight_of_the_business_zone_and_the_end_of_the_period_is_not_in_it() {
    let bench = Bench::of(&kefu_complaints::SERVICE).await;
    let second = SignedDuration::from_secs(1);
    for received in [after(0, 0) - second, after(0, 0), after(7, 0) - second, after(7, 0), after(14, 0)] {
        put(&bench, received, json!({})).await;
    }
    let told = analyze(&bench, from_to(after(0, 0), after(14, 0))).await;
    let weeks: Vec<_> = told.weeks.iter().map(|week| (week.week.as_str(), week.count)).collect();
    assert_eq!(weeks, [("2026-W44", 2), ("2026-W45", 1)]);
    assert_eq!(told.complaint_count, 3);
}

#[tokio::test]
async fn complaints_are_grouped_by_each_dimension_and_each_filter_leaves_the_others_out() {
    let bench = Bench::of(&kefu_complaints::SERVICE).await;
    put_many(&bench, 2, after(1, 0)).await;
    let other = json!({
        "channel": Channel::Web as i16, "category": Category::Charges as i16, "severity": Severity::Critical as i16,
        "product": "净水器", "responsible_department": DESK, "cause_category": PROCESS, "satisfaction": 3,
        "outcome": Outcome::NotUpheld as i16,
    });
    put(&bench, after(1, 0), other).await;
    let unknown = json!({ "outcome": 0, "cause_category": 0, "responsible_department": "", "satisfaction": 5 });
    put(&bench, after(1, 0), unknown).await;
    for (by, keys) in [
        (Dimension::Unspecified, ["QUALITY 3", "CHARGES 1"].as_slice()),
        (Dimension::Category, &["QUALITY 3", "CHARGES 1"]),
        (Dimension::Cause, &["PEOPLE 2", " 1", "PROCESS 1"]),
        (Dimension::ResponsibleDepartment, &["departments/field 2", " 1", "departments/desk 1"]),
        (Dimension::Product, &[" 3", "净水器 1"]),
        (Dimension::Channel, &["HOTLINE 3", "WEB 1"]),
        (Dimension::Severity, &["MINOR 3", "CRITICAL 1"]),
        (Dimension::Outcome, &["UPHELD 2", " 1", "NOT_UPHELD 1"]),
    ] {
        let told = analyze(&bench, pb::AnalyzeComplaintsRequest { group_by: by.into(), ..three_weeks() }).await;
        let groups: Vec<_> = told.groups.iter().map(|group| format!("{} {}", group.key, group.count)).collect();
        assert_eq!(groups, keys, "{by:?}");
    }
    let all = three_weeks;
    for only in [
        pb::AnalyzeComplaintsRequest { category: Category::Charges.into(), ..all() },
        pb::AnalyzeComplaintsRequest { cause_category: root_cause::Category::Process.into(), ..all() },
        pb::AnalyzeComplaintsRequest { responsible_department: DESK.into(), ..all() },
        pb::AnalyzeComplaintsRequest { product: "净水器".into(), ..all() },
        pb::AnalyzeComplaintsRequest { channel: Channel::Web.into(), ..all() },
        pb::AnalyzeComplaintsRequest { severity: Severity::Critical.into(), ..all() },
        pb::AnalyzeComplaintsRequest { outcome: Outcome::NotUpheld.into(), ..all() },
    ] {
        let told = analyze(&bench, only.clone()).await;
        assert_eq!((told.complaint_count, told.weeks[0].count), (1, 1), "{only:?}");
        assert_eq!(told.satisfaction.unwrap().distribution, [0, 0, 1, 0, 0], "{only:?}");
    }
}

/// The values are the second example of the nearest-rank method in Wikipedia's "Percentile": 3, 6, 7, 8, 8, 10, 13, 15, 16, 20.
/// The ninth of the ten is the 90th percentile; 8 and 10 are in the middle.
#[tokio::test]
async fn every_stage_has_the_median_and_the_nearest_rank_percentile_of_those_who_passed_it() {
    let bench = Bench::of(&kefu_complaints::SERVICE).await;
    for hours in [16, 3, 8, 20, 6, 10, 7, 15, 8, 13] {
        let at = |stages: i64| (after(0, 0) + SignedDuration::from_hours(stages * hours)).to_string();
        let columns = json!({
            "acknowledged_at": at(1), "concluded_at": at(2), "approved_at": at(3), "agreed_at": at(4),
            "executed_at": at(5), "closed_at": at(6), "state": State::Closed as i16, "closure": Closure::Satisfied as i16,
        });
        put(&bench, after(0, 0), columns).await;
    }
    for state in [State::Withdrawn, State::Executing] {
        put(&bench, after(0, 0), json!({ "closed_at": after(20, 0).to_string(), "state": state as i16 })).await;
    }
    // Archiving makes no difference.
    bench.admin().execute("alter table complaints.complaint disable trigger user").await.unwrap();
    bench.admin().execute("update complaints.complaint set state = 11 where state in (10, 12)").await.unwrap();
    let told = analyze(&bench, three_weeks()).await;
    let kinds: Vec<i32> = told.stages.iter().map(|stage| stage.kind).collect();
    assert_eq!(kinds, [1, 2, 3, 4, 5, 6, 7]);
    for (stage, times) in told.stages.iter().zip([1, 2, 1, 1, 1, 1, 6]) {
        let hours = |took: Option<prost_types::Duration>| took.map(|took| (took.seconds, took.nanos));
        assert_eq!(stage.count, 10, "who withdrew passed none: {stage:?}");
        assert_eq!(hours(stage.median), Some((9 * times * 3_600, 0)), "{stage:?}");
        assert_eq!(hours(stage.p90), Some((16 * times * 3_600, 0)), "{stage:?}");
    }
}

#[tokio::test]
async fn who_complains_of_the_same_within_ninety_days_does_so_again() {
    let bench = Bench::of(&kefu_complaints::SERVICE).await;
    let of = |customer: u128, cause: i16, department: &str| json!({ "customer": Uuid::from_u128(customer).to_string(), "cause_category": cause, "responsible_department": department });
    let again = after(1, 0);
    let ninety = again - SignedDuration::from_hours(90 * 24);
    // The first customer's complaints are exactly 90 days apart, the second's one second more.
    put(&bench, ninety, of(1, PEOPLE, DESK)).await;
    put(&bench, again, of(1, PEOPLE, FIELD)).await;
    put(&bench, ninety - SignedDuration::from_secs(1), of(2, PEOPLE, FIELD)).await;
    put(&bench, again, of(2, PEOPLE, FIELD)).await;
    // No recurrence: another cause, an unknown customer, an unknown cause.
    put(&bench, again, of(1, PROCESS, FIELD)).await;
    put(&bench, again, json!({})).await;
    put(&bench, again, of(1, 0, FIELD)).await;
    let told = analyze(&bench, three_weeks()).await.recurrence.unwrap();
    assert_eq!((told.count, told.recurring_count), (3, 1));
    near(told.share, 1.0 / 3.0);
    // The earlier complaint may be one that the filter leaves out.
    let only = pb::AnalyzeComplaintsRequest { responsible_department: FIELD.into(), ..three_weeks() };
    assert_eq!(analyze(&bench, only).await.recurrence.unwrap().recurring_count, 1);
}

#[tokio::test]
async fn who_was_not_reached_has_not_said_to_be_satisfied() {
    let bench = Bench::of(&kefu_complaints::SERVICE).await;
    for (closure, satisfaction) in
        [(Closure::Satisfied, 5), (Closure::Satisfied, 4), (Closure::Unreachable, 0), (Closure::Refused, 0)]
    {
        let columns = json!({
            "state": State::Closed as i16, "closure": closure as i16, "satisfaction": satisfaction,
            "closed_at": after(2, 0).to_string(),
        });
        put(&bench, after(1, 0), columns).await;
    }
    let told = analyze(&bench, three_weeks()).await.satisfaction.unwrap();
    assert_eq!((told.count, told.distribution), (2, vec![0, 0, 0, 1, 1]));
    near(told.mean, 4.5);
}

#[tokio::test]
async fn in_time_is_what_was_fulfilled_in_time_of_what_was_fulfilled_or_whose_time_passed() {
    let bench = Bench::of(&kefu_complaints::SERVICE).await;
    let complaint = put(&bench, after(1, 0), json!({})).await;
    let before = put(&bench, after(-1, 0), json!({})).await;
    let ended = json!({ "state": State::Closed as i16, "closure": 1, "closed_at": after(9, 0).to_string() });
    let [closed, kept] = [put(&bench, after(1, 0), ended.clone()).await, put(&bench, after(1, 0), ended).await];
    for (kind, state, late, is_overdue, complaint) in [
        ("acknowledgement", Kept::Met, false, false, complaint),
        ("acknowledgement", Kept::Met, true, true, complaint),
        ("acknowledgement", Kept::Open, false, true, complaint),
        ("acknowledgement", Kept::Paused, false, true, complaint),
        // Five that do not count: not due yet, waived, voided before it was due, of a complaint outside the period, of
        // another kind. The callback after them counts.
        ("acknowledgement", Kept::Open, false, false, complaint),
        ("acknowledgement", Kept::Waived, false, true, complaint),
        ("acknowledgement", Kept::Voided, false, false, complaint),
        ("acknowledgement", Kept::Met, false, false, before),
        ("progress", Kept::Met, false, false, complaint),
        ("callback", Kept::Met, false, false, complaint),
        // The first was voided, with its complaint, after it was due. Of the two closed complaints, the other met all
        // its duties in time.
        ("investigation", Kept::Voided, false, true, closed),
        ("investigation", Kept::Met, false, false, kept),
        ("acknowledgement", Kept::Met, false, false, kept),
    ] {
        sqlx::query(
            "insert into duty (id, clause, kind, subject, owner, department, regulation, calendar, state, measure, budget_us,
                elapsed_us, paused_us, opened_at, pause_reasons, due_at, provisional, met_at, late, reason,
                decided_by, version)
            select gen_random_uuid(), 'C5.2', $1, 'complaints/' || $2, 'staff/lin', 'departments/desk', 'r', 'c', $3, 1, 0, 0, 0,
                '2026-10-28', 0, case when $4 then timestamptz '2026-10-27' else timestamptz '2027-10-27' end, false,
                case when $3 = 3 then timestamptz '2026-10-27' end, $5 or $3 > 3 and $4, '', '', 1",
        )
        .bind(kind)
        .bind(complaint.to_string())
        .bind(state as i16)
        .bind(is_overdue)
        .bind(late)
        .execute(bench.admin())
        .await
        .unwrap();
    }
    let told = analyze(&bench, three_weeks()).await.punctuality;
    let kept: Vec<_> = told.iter().map(|kept| (kept.duty.as_str(), kept.count, kept.in_time_count)).collect();
    assert_eq!(kept, [("acknowledgement", 5, 2), ("callback", 1, 1), ("investigation", 2, 1), ("resolution", 2, 1)]);
    near(told[0].share, 0.4);
}

#[tokio::test]
async fn of_no_complaint_nothing_is_told_and_a_wrong_period_is_refused_by_its_field() {
    let bench = Bench::of(&kefu_complaints::SERVICE).await;
    let told = analyze(&bench, three_weeks()).await;
    assert_eq!((told.complaint_count, told.groups.len(), told.stages.len(), told.punctuality.len()), (0, 0, 0, 0));
    assert_eq!((told.weeks.len(), told.satisfaction.unwrap().count, told.recurrence.unwrap().count), (3, 0, 0));
    assert!(told.weeks.iter().all(|week| week.count == 0 && week.signals.is_empty()));
    let mut client = ImprovementServiceClient::new(bench.as_("staff/boss", &["SUPERVISOR"]));
    for end in [after(0, 0), after(-1, 0), after(3_654, 0)] {
        let refused = client.analyze_complaints(from_to(after(0, 0), end)).await;
        let refusal = assert_refused(refused, Code::InvalidArgument, ErrorReason::FieldInvalid);
        assert_eq!(refusal.fields(), ["end_time"], "{end}");
    }
}
