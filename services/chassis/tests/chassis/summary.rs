//! The summary equals counts that the test makes itself from what it did to each duty, at several simulated times.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp, ToSpan as _, tz::TimeZone};
use kefu_chassis::duties::{Duty, Entry, NewDuty};
use kefu_chassis::time::to_proto;
use kefu_proto::compliance::v1 as pb;
use kefu_proto::compliance::v1::summarize_compliance_request::Dimension;
use kefu_proto::rules::v1::ErrorReason;
use kefu_testkit::{BARE, Bench, Dice, assert_refused};
use tonic::Code;

use crate::stage::{compliance, entry, store};

#[derive(Clone, Copy, Debug, PartialEq)]
enum Fate {
    Met,
    MetLate,
    TakenBack,
    Running,
    Paused,
    PausedAfterBreach,
    Waived,
    Voided,
    /// Ended in time, which was recorded after the clock had marked a breach.
    Withdrawn,
    Deviated,
    NotRecorded,
}

const FATES: [Fate; 11] = [
    Fate::Met,
    Fate::MetLate,
    Fate::TakenBack,
    Fate::Running,
    Fate::Paused,
    Fate::PausedAfterBreach,
    Fate::Waived,
    Fate::Voided,
    Fate::Withdrawn,
    Fate::Deviated,
    Fate::NotRecorded,
];

/// What the test knows of a duty.
#[derive(Clone, Debug)]
struct SeededDuty {
    clause: &'static str,
    owner: &'static str,
    department: &'static str,
    opened: Timestamp,
    due: Timestamp,
    fate: Fate,
}

impl SeededDuty {
    fn throw(dice: &mut Dice, start: Timestamp) -> Self {
        let opened = start - SignedDuration::from_mins(i64::try_from(dice.below(45 * 24 * 60)).unwrap());
        let fate = dice.pick(&FATES);
        // Only running duties may be due after the first summary, so that some become overdue between the summaries.
        let due = if fate == Fate::Running {
            start + SignedDuration::from_hours(i64::try_from(dice.below(96)).unwrap() - 24)
        } else {
            opened + SignedDuration::from_mins(30)
        };
        Self {
            clause: dice.pick(&["C2.1", "C3.2", "C4.1"]),
            owner: dice.pick(&["staff/lin", "staff/wu", "staff/zhao"]),
            department: dice.pick(&["departments/desk", "departments/field"]),
            opened,
            due,
            fate,
        }
    }

    fn duty(&self, bench: &Bench) -> Duty {
        let calendar = bench.chassis().regulation.calendar();
        let (opened_at, now) = (self.opened, bench.now());
        let (subject, regulation) = ("things/1".to_owned(), "r");
        let new = NewDuty {
            clause: self.clause,
            kind: "k",
            subject,
            number: "",
            owner: self.owner,
            department: self.department,
            regulation,
            opened_at,
            now,
        };
        if self.fate == Fate::NotRecorded {
            return new.unrecorded(calendar).0;
        }
        if self.fate == Fate::Deviated {
            return new.deviated(calendar).0;
        }
        let (mut duty, _) = new.until(self.due, calendar);
        let (before, after) = (self.due - SignedDuration::from_mins(1), self.due + SignedDuration::from_mins(1));
        match self.fate {
            Fate::Met => drop(duty.meet(before, before)),
            Fate::MetLate => drop(duty.meet(after, after)),
            Fate::TakenBack => {
                duty.breach(self.due);
                duty.breach_event = Some(uuid::Uuid::from_u128(1));
                duty.meet(self.due, after);
            }
            Fate::Paused => drop(duty.pause(Entry { at: before, now: before, ..entry(bench, "staff/y") }, "x")),
            Fate::PausedAfterBreach => {
                duty.breach(self.due);
                duty.pause(Entry { at: after, now: after, ..entry(bench, "staff/y") }, "x");
            }
            Fate::Waived => drop(duty.waive(after, "x", "staff/y")),
            Fate::Voided => drop(duty.void(after, after, "x", "staff/y")),
            Fate::Withdrawn => {
                duty.breach(self.due);
                duty.breach_event = Some(uuid::Uuid::from_u128(1));
                duty.void(before, after, "x", "staff/y");
            }
            Fate::Running | Fate::Deviated | Fate::NotRecorded => {}
        }
        duty
    }

    /// Returns the counts to which the duty adds: opened, met in time, late, open, overdue, waived, voided, not
    /// recorded, taken back, recorded late, breached, deviated.
    fn counts(&self, now: Timestamp) -> [i64; 12] {
        let columns: &[usize] = match self.fate {
            Fate::Met => &[0, 1],
            Fate::MetLate => &[0, 2, 10],
            Fate::TakenBack => &[0, 1, 8, 9],
            Fate::Running if self.due < now => &[0, 4, 10],
            Fate::Running | Fate::Paused => &[0, 3],
            Fate::PausedAfterBreach => &[0, 4, 10],
            Fate::Waived => &[0, 5, 10],
            Fate::Voided => &[0, 6, 10],
            Fate::Withdrawn => &[0, 6, 8, 9],
            Fate::Deviated => &[11],
            Fate::NotRecorded => &[0, 7],
        };
        std::array::from_fn(|column| i64::from(columns.contains(&column)))
    }

    fn group(&self, dimensions: &[Dimension], zone: &TimeZone) -> [String; 4] {
        let day = self.opened.to_zoned(zone.clone()).date();
        let mut group: [String; 4] = Default::default();
        for dimension in dimensions {
            match dimension {
                Dimension::Clause => group[0] = self.clause.into(),
                Dimension::Department => group[1] = self.department.into(),
                Dimension::Person => group[2] = self.owner.into(),
                Dimension::Day => group[3] = day.to_string(),
                Dimension::Week => {
                    group[3] = (day - i64::from(day.weekday().to_monday_zero_offset()).days()).to_string();
                }
                Dimension::Month => group[3] = day.first_of_month().to_string(),
                Dimension::Unspecified => {}
            }
        }
        group
    }
}

type Rows = BTreeMap<[String; 4], [i64; 12]>;

fn counted(known: &[SeededDuty], keep: impl Fn(&SeededDuty) -> bool, dimensions: &[Dimension], now: Timestamp) -> Rows {
    let zone = TimeZone::get("Asia/Shanghai").unwrap();
    let mut rows = Rows::new();
    for duty in known.iter().filter(|duty| keep(duty)) {
        let row = rows.entry(duty.group(dimensions, &zone)).or_default();
        for (sum, count) in row.iter_mut().zip(duty.counts(now)) {
            *sum += count;
        }
    }
    rows
}

async fn summarized(bench: &Bench, who: (&str, &str, &str), request: pb::SummarizeComplianceRequest) -> Rows {
    bench.enrol(who.0, who.2).await;
    let mut client = compliance(bench.as_(who.0, &[who.1]));
    let request = pb::SummarizeComplianceRequest { parent: bench.name(), ..request };
    let rows = client.summarize_compliance(request).await.unwrap().into_inner().rows;
    let keys: Vec<[String; 4]> =
        rows.iter().map(|row| [&row.clause, &row.department, &row.person, &row.period].map(Clone::clone)).collect();
    assert!(keys.is_sorted(), "rows come in the order of their keys");
    let counts = rows.iter().map(|row| {
        let sum = row.met_in_time + row.late + row.open + row.overdue + row.waived + row.voided + row.not_recorded;
        assert_eq!(row.opened, sum, "{row:?}");
        [
            row.opened,
            row.met_in_time,
            row.late,
            row.open,
            row.overdue,
            row.waived,
            row.voided,
            row.not_recorded,
            row.taken_back,
            row.recorded_late,
            row.breached,
            row.deviated,
        ]
    });
    keys.into_iter().zip(counts).collect()
}

const ADMIN: (&str, &str, &str) = ("staff/root", "ADMIN", "");

fn by(dimensions: &[Dimension]) -> pb::SummarizeComplianceRequest {
    pb::SummarizeComplianceRequest {
        group_by: dimensions.iter().map(|&dimension| dimension.into()).collect(),
        ..Default::default()
    }
}

async fn stage() -> (Bench, Vec<SeededDuty>) {
    let mut dice = Dice::new(Dice::seed());
    let bench = Bench::of(&BARE).await;
    let known: Vec<SeededDuty> = (0..400).map(|_| SeededDuty::throw(&mut dice, bench.now())).collect();
    store(&bench, known.iter().map(|known| known.duty(&bench)).collect()).await;
    (bench, known)
}

#[tokio::test]
async fn the_counts_by_every_dimension_are_those_of_what_was_done_at_any_time() {
    use Dimension::{Clause, Day, Department, Month, Person, Week};
    let (bench, known) = stage().await;
    for _ in 0..3 {
        for dimensions in
            [&[Clause][..], &[Department], &[Person], &[Day], &[Week], &[Month], &[Person, Week, Clause, Department]]
        {
            let counted = counted(&known, |_| true, dimensions, bench.now());
            assert_eq!(summarized(&bench, ADMIN, by(dimensions)).await, counted, "{dimensions:?}");
        }
        assert_eq!(summarized(&bench, ADMIN, by(&[])).await, counted(&known, |_| true, &[Clause], bench.now()));
        // Marking breaches changes no count: a duty past its due time counts as overdue, marked or not.
        bench.mark_overdue().await;
        assert_eq!(summarized(&bench, ADMIN, by(&[Clause])).await, counted(&known, |_| true, &[Clause], bench.now()));
        bench.time().advance(SignedDuration::from_hours(25));
    }
}

#[tokio::test]
async fn filters_and_access_narrow_what_is_counted() {
    let (bench, known) = stage().await;
    let now = bench.now();
    let (start, end) = (now - SignedDuration::from_hours(30 * 24), now - SignedDuration::from_hours(10 * 24));
    let clause = [Dimension::Clause];
    let request = by(&clause);
    let filtered = |request, keep: &dyn Fn(&SeededDuty) -> bool| (request, counted(&known, keep, &clause, now));
    for (request, expected) in [
        filtered(pb::SummarizeComplianceRequest { clause: "C4.1".into(), ..request.clone() }, &|duty| {
            duty.clause == "C4.1"
        }),
        filtered(pb::SummarizeComplianceRequest { owner: "staff/wu".into(), ..request.clone() }, &|duty| {
            duty.owner == "staff/wu"
        }),
        filtered(
            pb::SummarizeComplianceRequest { department: "departments/field".into(), ..request.clone() },
            &|duty| duty.department == "departments/field",
        ),
        filtered(
            pb::SummarizeComplianceRequest {
                start_time: Some(to_proto(start)),
                end_time: Some(to_proto(end)),
                ..request.clone()
            },
            &|duty| duty.opened >= start && duty.opened < end,
        ),
        filtered(
            pb::SummarizeComplianceRequest {
                start_time: Some(to_proto(end)),
                end_time: Some(to_proto(known[0].opened.max(end + SignedDuration::from_secs(1)))),
                ..request.clone()
            },
            &|duty| duty.opened >= end && duty.opened < known[0].opened.max(end + SignedDuration::from_secs(1)),
        ),
    ] {
        assert_eq!(summarized(&bench, ADMIN, request.clone()).await, expected, "{request:?}");
    }
    let desk = |duty: &SeededDuty| duty.department == "departments/desk";
    let head = ("staff/head", "SUPERVISOR", "departments/desk");
    assert_eq!(summarized(&bench, head, request.clone()).await, counted(&known, desk, &clause, now));
    // A supervisor without a department sees their own duties.
    let alone = ("staff/lin", "SUPERVISOR", "");
    assert_eq!(
        summarized(&bench, alone, request).await,
        counted(&known, |duty| duty.owner == "staff/lin", &clause, now)
    );
}

#[tokio::test]
async fn two_periods_at_once_and_a_dimension_twice_are_refused() {
    let bench = Bench::of(&BARE).await;
    let mut client = compliance(bench.as_(ADMIN.0, &[ADMIN.1]));
    for (dimensions, field) in [
        (&[Dimension::Day, Dimension::Month][..], "group_by"),
        (&[Dimension::Clause, Dimension::Clause], "group_by[1]"),
    ] {
        let request = pb::SummarizeComplianceRequest { parent: bench.name(), ..by(dimensions) };
        let refused = client.summarize_compliance(request).await;
        assert_eq!(assert_refused(refused, Code::InvalidArgument, ErrorReason::FieldInvalid).fields(), [field]);
    }
    let mut agent = compliance(bench.as_("staff/lin", &["AGENT"]));
    let request = pb::SummarizeComplianceRequest { parent: bench.name(), ..by(&[]) };
    assert_refused(agent.summarize_compliance(request).await, Code::PermissionDenied, ErrorReason::RoleMissing);
}
