//! Tests the analysis of a hundred thousand complaints: every figure is computed a second time here, in another way.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use jiff::tz::TimeZone;
use kefu_chassis::time::to_proto;
use kefu_proto::complaints::v1 as pb;
use kefu_proto::complaints::v1::analyze_complaints_request::Dimension;
use kefu_proto::complaints::v1::analyze_complaints_response::stage::Kind;
use kefu_proto::complaints::v1::analyze_complaints_response::week::Signal;
use kefu_proto::complaints::v1::improvement_service_client::ImprovementServiceClient;
use kefu_testkit::Bench;

mod generator;

use generator::{CAUSES, COMPLAINTS, DAYS, FIRST, Made, SHIFTED, Year};

/// Seed of the year. In 51 ordinary weeks rule 1 reports one by chance in one year of eight; in this seed's year it
/// reports none.
const SEED: u64 = 1;

fn question() -> pb::AnalyzeComplaintsRequest {
    let zone = TimeZone::get("Asia/Shanghai").unwrap();
    let time = |day: jiff::civil::Date| Some(to_proto(day.to_zoned(zone.clone()).unwrap().timestamp()));
    pb::AnalyzeComplaintsRequest {
        start_time: time(FIRST),
        end_time: time(FIRST + jiff::Span::new().weeks(52)),
        group_by: Dimension::Cause.into(),
        ..Default::default()
    }
}

#[tokio::test]
async fn the_pareto_order_and_the_one_week_that_stands_out_are_found_and_every_figure_is_right() {
    let year = generator::year(SEED);
    let bench = Bench::of(&kefu_complaints::SERVICE).await;
    generator::load(&year, &bench).await;
    let mut client = ImprovementServiceClient::new(bench.as_("staff/boss", &["SUPERVISOR"]));
    let mut best = Duration::MAX;
    let mut told = pb::AnalyzeComplaintsResponse::default();
    // Other tests run at the same time, so the quickest of five calls counts. docs/performance.md has the time of the
    // analysis alone.
    for _ in 0..5 {
        let before = Instant::now();
        told = client.analyze_complaints(question()).await.unwrap().into_inner();
        best = best.min(before.elapsed());
    }
    eprintln!("{COMPLAINTS} complaints analysed in {best:?}");
    assert!(best < Duration::from_secs(3), "{best:?}");

    check_groups(&year, &told);
    check_stages(&year, &told);
    check_shares(&year, &told);
    check_weeks(&year, &told);
}

fn check_groups(year: &Year, told: &pb::AnalyzeComplaintsResponse) {
    assert_eq!(told.complaint_count, 100_000);
    let contacts: i64 = year.contacts.iter().sum();
    assert_eq!(told.contact_count, Some(contacts));
    near(told.rate_per_thousand.unwrap(), 100_000.0 * 1_000.0 / f64::from(i32::try_from(contacts).unwrap()));
    let order: Vec<&str> = told.groups.iter().map(|group| group.key.as_str()).collect();
    assert_eq!(order, CAUSES.map(|(_, name, _)| name), "the Pareto order that was put in");
    let mut before = 0;
    for (group, (number, name, _)) in told.groups.iter().zip(CAUSES) {
        let count = year.complaints.iter().filter(|made| made.cause == number).count();
        assert_eq!(group.count, i64::try_from(count).unwrap(), "{name}");
        // A group is one of the vital few if the groups before it make less than 80 %.
        assert_eq!(group.vital, before * 5 < COMPLAINTS * 4, "{name}");
        before += count;
        near(group.cumulative_share * 100_000.0, float(before));
    }
    assert_eq!(told.groups.iter().filter(|group| group.vital).count(), 3, "38 + 27 + 16 % are 81 %");
}

/// Function that returns how many seconds a stage of a complaint took, if it was passed.
type Took = fn(&Made) -> Option<i64>;

fn check_stages(year: &Year, told: &pb::AnalyzeComplaintsResponse) {
    let stages: [(Kind, Took); 7] = [
        (Kind::Acknowledgement, |made| Some(made.acknowledged)),
        (Kind::Investigation, |made| Some(made.concluded)),
        (Kind::Approval, |made| made.ended.map(|ended| ended[0] - made.concluded)),
        (Kind::Agreement, |made| made.ended.map(|ended| ended[1] - ended[0])),
        (Kind::Execution, |made| made.ended.map(|ended| ended[2] - ended[1])),
        (Kind::Callback, |made| made.ended.map(|ended| ended[3] - ended[2])),
        (Kind::Whole, |made| made.ended.map(|ended| ended[3])),
    ];
    assert_eq!(told.stages.len(), stages.len(), "{:?}", told.stages);
    for (stage, (kind, seconds)) in told.stages.iter().zip(stages) {
        let mut took: Vec<i64> = year.complaints.iter().filter_map(seconds).collect();
        took.sort_unstable();
        let count = took.len();
        let doubled = if count.is_multiple_of(2) { took[count / 2 - 1] + took[count / 2] } else { 2 * took[count / 2] };
        let ninth = took[(count * 9).div_ceil(10) - 1];
        assert_eq!((stage.kind(), stage.count), (kind, i64::try_from(count).unwrap()));
        let median = stage.median.unwrap();
        assert_eq!(median.seconds * 2 + i64::from(median.nanos / 500_000_000), doubled, "{kind:?}");
        assert_eq!((stage.p90.unwrap().seconds, stage.p90.unwrap().nanos), (ninth, 0), "{kind:?}");
    }
}

fn check_shares(year: &Year, told: &pb::AnalyzeComplaintsResponse) {
    let in_time =
        |of: fn(&Made) -> bool| i64::try_from(year.complaints.iter().filter(|made| of(made)).count()).unwrap();
    let expected = [
        ("acknowledgement", 100_000, in_time(|made| made.acknowledged_in_time)),
        ("investigation", 100_000, in_time(|made| made.concluded_in_time)),
        (
            "resolution",
            in_time(|made| made.ended.is_some()),
            in_time(|made| made.ended.is_some() && made.acknowledged_in_time && made.concluded_in_time),
        ),
    ];
    let kept: Vec<_> =
        told.punctuality.iter().map(|kept| (kept.duty.as_str(), kept.count, kept.in_time_count)).collect();
    assert_eq!(kept, expected);
    for kept in &told.punctuality {
        let [count, in_time] = [kept.count, kept.in_time_count].map(|count| f64::from(i32::try_from(count).unwrap()));
        near(kept.share * count, in_time);
    }

    let mut known: Vec<&Made> = year.complaints.iter().filter(|made| made.customer.is_some()).collect();
    known.sort_by_key(|made| made.received);
    let mut last = HashMap::new();
    let again = known
        .iter()
        .filter(|made| {
            let before = last.insert((made.customer, made.cause), made.received);
            before.is_some_and(|before| made.received.duration_since(before).as_secs() <= 90 * 86_400)
        })
        .count();
    let recurrence = told.recurrence.unwrap();
    assert_eq!(
        (recurrence.count, recurrence.recurring_count),
        (i64::try_from(known.len()).unwrap(), i64::try_from(again).unwrap())
    );
    near(recurrence.share * float(known.len()), float(again));

    let satisfaction = told.satisfaction.clone().unwrap();
    let said: Vec<i16> = year.complaints.iter().map(|made| made.satisfaction).filter(|&said| said > 0).collect();
    for (degree, count) in (1..).zip(&satisfaction.distribution) {
        assert_eq!(*count, i64::try_from(said.iter().filter(|&&said| said == degree).count()).unwrap(), "{degree}");
    }
    let sum: i32 = said.iter().map(|&said| i32::from(said)).sum();
    near(satisfaction.mean * float(said.len()), f64::from(sum));
}

/// Returns the number of complaints of each week, and its contacts in thousands.
fn weekly(year: &Year) -> ([usize; 52], Vec<f64>) {
    let zone = TimeZone::get("Asia/Shanghai").unwrap();
    let week_of = |made: &Made| {
        let days = made.received.to_zoned(zone.clone()).date().since(FIRST).unwrap().get_days();
        usize::try_from(days).unwrap() / 7
    };
    let mut counts = [0_usize; 52];
    year.complaints.iter().for_each(|made| counts[week_of(made)] += 1);
    let units: Vec<f64> = (0..52)
        .map(|week| {
            f64::from(i32::try_from(year.contacts[week * 7..week * 7 + 7].iter().sum::<i64>()).unwrap()) / 1_000.0
        })
        .collect();
    (counts, units)
}

fn check_weeks(year: &Year, told: &pb::AnalyzeComplaintsResponse) {
    let (counts, units) = weekly(year);
    let centre = 100_000.0 / units.iter().sum::<f64>();
    near(told.centre, centre);
    assert_eq!(told.weeks.len(), DAYS / 7);
    for (place, week) in told.weeks.iter().enumerate() {
        assert_eq!(week.week, format!("2025-W{:02}", place + 1));
        assert_eq!(week.count, i64::try_from(counts[place]).unwrap());
        let sigma = (centre / units[place]).sqrt();
        near(week.upper_limit, centre + 3.0 * sigma);
        near(week.lower_limit, centre - 3.0 * sigma);
        near(week.rate, float(counts[place]) / units[place]);
    }
    let out: Vec<_> = told.weeks.iter().filter(|week| !week.signals.is_empty()).collect();
    let names: Vec<&str> = out.iter().map(|week| week.week.as_str()).collect();
    assert_eq!(names, [format!("2025-W{}", SHIFTED + 1).as_str()], "the week that was put in, and no other");
    assert_eq!(out[0].signals().collect::<Vec<_>>(), [Signal::BeyondLimits]);
}

fn near(found: f64, expected: f64) {
    assert!((found - expected).abs() <= 1e-9 * expected.abs().max(1.0), "{found} is not {expected}");
}

fn float(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap())
}
