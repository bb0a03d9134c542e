//! Duties against the oracle: random calendars, pauses, promised waits, breaches marked by the duty clock, late
//! records, and holidays published later. All visible fields of a duty agree to the microsecond after every step.

use std::rc::Rc;
use std::sync::LazyLock;

use jiff::civil::{Date, date};
use jiff::{SignedDuration, Timestamp, ToSpan as _};
use kefu_chassis::duties::{Duty, Entry, NewDuty};
use kefu_regulation::{Budget, Calendar, Regulation};
use kefu_testkit::oracle::{Hold, Oracle, Seen, VOIDED, WAIVED, Week, Working};
use proptest::collection::{btree_set, vec};
use proptest::prelude::*;
use proptest::sample::select;
use uuid::Uuid;

/// Zones and dates: around changes of the zone's offset, around the turn of a year, and in a usual week.
const PLACES: [(&str, Date); 8] = [
    ("Asia/Shanghai", date(2026, 12, 31)),
    ("Asia/Shanghai", date(2026, 11, 18)),
    ("Asia/Shanghai", date(2026, 12, 29)),
    ("Europe/Berlin", date(2026, 3, 27)),
    ("Europe/Berlin", date(2026, 10, 23)),
    ("America/New_York", date(2026, 12, 30)),
    ("Australia/Lord_Howe", date(2026, 10, 2)),
    ("America/Havana", date(2026, 10, 30)),
];
const HOUR: i64 = 3_600_000_000;

/// What happens next, after some time has passed.
#[derive(Clone, Copy, Debug)]
enum Deed {
    Tick,
    Hold(Hold),
    Release(Hold),
    /// A wait of this length, in microseconds from the time at which it is promised.
    Promise(i64),
    Publish,
    Meet,
    Waive,
    Void,
}

/// A time, given relative to another; in microseconds.
#[derive(Clone, Copy, Debug)]
enum Reach {
    /// The distance from the other time.
    By(i64),
    /// The distance from the due time.
    Due(i64),
}

#[derive(Clone, Copy, Debug)]
struct Step {
    /// When the step is recorded, relative to the step before.
    passes: Reach,
    /// When the step happened, relative to its record.
    late: Reach,
    deed: Deed,
}

fn week() -> impl Strategy<Value = (Week, Date)> {
    let stretches = || {
        let minutes = prop_oneof![0_u16..=1440, (0_u16..=24).prop_map(|hour| hour * 60), 0_u16..=200];
        btree_set(minutes, 0..7).prop_map(|minutes| {
            let minutes: Vec<u16> = minutes.into_iter().collect();
            minutes.chunks_exact(2).map(|pair| (pair[0], pair[1])).collect::<Vec<_>>()
        })
    };
    let days: [_; 7] = std::array::from_fn(|_| stretches());
    let offsets = || btree_set(-1_i64..20, 0..8);
    let published = prop_oneof![Just(None), Just(Some(vec![2026, 2027])), Just(Some(vec![2026])), Just(Some(vec![]))];
    (select(&PLACES), days, offsets(), offsets(), published)
        .prop_filter("some hours of work", |(_, days, ..)| {
            days.iter().flatten().map(|(from, to)| to - from).sum::<u16>() > 120
        })
        .prop_map(|((zone, base), days, off, make_up, published)| {
            let off = off.difference(&make_up).map(|&day| base + day.days()).collect();
            let make_up = make_up.iter().map(|&day| base + day.days()).collect();
            let published = published.map(|years| years.into_iter().collect());
            (Week { zone, days, off, make_up, published }, base)
        })
}

/// A span of time: none, microseconds, minutes, or up to days.
fn span() -> impl Strategy<Value = i64> {
    prop_oneof![
        2 => Just(0_i64),
        2 => 1_i64..3,
        3 => (0_i64..600).prop_map(|minutes| minutes * 60_000_000),
        4 => 0..8 * HOUR,
        2 => 0..72 * HOUR,
        1 => 0..500 * HOUR,
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let who = prop_oneof![Just(Hold::Lifecycle), Just(Hold::Person)];
    let deed = prop_oneof![
        4 => Just(Deed::Tick),
        4 => who.clone().prop_map(Deed::Hold),
        4 => who.prop_map(Deed::Release),
        2 => (1..30 * HOUR).prop_map(Deed::Promise),
        4 => Just(Deed::Publish),
        1 => Just(Deed::Meet),
        1 => prop_oneof![Just(Deed::Waive), Just(Deed::Void)],
    ];
    let due = || (-1_i64..=1).prop_map(Reach::Due);
    let passes = prop_oneof![4 => span().prop_map(Reach::By), 1 => due()];
    let late = prop_oneof![5 => Just(Reach::By(0)), 3 => span().prop_map(Reach::By), 1 => due()];
    (passes, late, deed).prop_map(|(passes, late, deed)| Step { passes, late, deed })
}

fn at(us: i64) -> Timestamp {
    Timestamp::from_microsecond(us).unwrap()
}

/// An entry of the duty's own owner, who does not lead.
fn entry(then: i64, now: i64) -> Entry<'static> {
    static REGULATION: LazyLock<Regulation> = LazyLock::new(Regulation::standard);
    Entry { at: at(then), now: at(now), by: "staff/lin", leads: false, regulation: &REGULATION }
}

/// A duty of the product, and its oracle.
struct Pair {
    duty: Duty,
    oracle: Oracle,
    days: (Rc<Working>, Rc<Working>),
    published: Calendar,
    now: i64,
}

impl Pair {
    fn open(week: &Week, opened: i64, is_working: bool, budget: i64) -> Self {
        let known = Week { published: week.published.as_ref().map(|_| [2026, 2027].into()), ..week.clone() };
        // The calendar published later has further days off.
        let known = Week { off: known.off.iter().copied().chain(unknown(week)).collect(), ..known };
        let days = (Rc::new(Working::new(week.clone(), opened)), Rc::new(Working::new(known.clone(), opened)));
        let calendar = Calendar::from_toml(&week.toml()).unwrap();
        let new = NewDuty {
            clause: "C4.1",
            kind: "progress",
            subject: "things/1".into(),
            number: "",
            owner: "staff/lin",
            department: "departments/desk",
            regulation: "r",
            opened_at: at(opened),
            now: at(opened),
        };
        let length = SignedDuration::from_micros(budget);
        let given = if is_working { Budget::working(length) } else { Budget::wall(length) };
        let (duty, _) = new.within(given, &calendar);
        let oracle = if is_working { Oracle::working } else { Oracle::wall }(opened, budget, &days.0);
        Self { duty, oracle, days, published: Calendar::from_toml(&known.toml()).unwrap(), now: opened }
    }

    fn seen(&self) -> Seen {
        let duty = &self.duty;
        Seen {
            state: duty.state as i16,
            measure: duty.measure as i16,
            due_us: duty.due_at.unwrap().as_microsecond(),
            provisional: duty.provisional,
            elapsed_us: duty.elapsed_us,
            paused_us: duty.paused_us,
            met_us: duty.met_at.map(Timestamp::as_microsecond),
            marked_us: duty.breached_at.map(Timestamp::as_microsecond),
            late: duty.late,
            recorded_late: duty.recorded_late,
            taken_back: duty.taken_back,
        }
    }

    /// Takes `step` on both, if the product lets it happen to a duty in this state.
    fn take(&mut self, step: Step) {
        let (duty, oracle) = (&mut self.duty, &mut self.oracle);
        let due = oracle.seen().due_us;
        self.now = self.now.max(match step.passes {
            Reach::By(span) => self.now + span,
            Reach::Due(beside) => due + beside,
        });
        let now = self.now;
        let then = match step.late {
            Reach::By(span) => now - span,
            Reach::Due(beside) => now.min(due + beside),
        };
        let then = then.max(oracle.opened());
        match step.deed {
            Deed::Tick => {
                oracle.tick(now);
                let due = duty.due_at.unwrap();
                if duty.state as i16 == 1 && duty.breached_at.is_none() && due < at(now) {
                    duty.breach(due);
                    duty.breach_event = Some(Uuid::from_u128(1));
                }
            }
            Deed::Hold(who) if !oracle.is_held_by(who) => match who {
                Hold::Lifecycle => {
                    oracle.hold(who, then, now);
                    duty.pause_by_lifecycle(entry(then, now), "awaited");
                }
                Hold::Person => {
                    oracle.hold(who, now, now);
                    duty.pause(entry(now, now), "parts");
                }
            },
            Deed::Release(who) if oracle.is_held_by(who) => match who {
                Hold::Lifecycle => {
                    oracle.release(who, then);
                    duty.resume_by_lifecycle(at(then));
                }
                Hold::Person => {
                    oracle.release(who, now);
                    duty.resume(at(now));
                }
            },
            Deed::Promise(length) => {
                oracle.promise(then + length, then, now);
                duty.replace_due(at(then + length), entry(then, now), "busy");
            }
            Deed::Publish if duty.state as i16 == 1 && duty.provisional => {
                oracle.publish(&self.days.1);
                duty.apply_published_holidays(self.published.clone(), at(now));
            }
            Deed::Meet => {
                oracle.meet(then, now);
                duty.meet(at(then), at(now));
            }
            Deed::Waive => {
                oracle.drop_as(WAIVED, now, now);
                duty.waive(at(now), "no", "staff/head");
            }
            Deed::Void => {
                oracle.drop_as(VOIDED, then, now);
                duty.void(at(then), at(now), "C4.2", "staff/lin");
            }
            _ => {}
        }
        let was_marked = duty.breach_event.is_some();
        let is_taken_back = duty.breached_at.is_none();
        assert_eq!(duty.take_corrected().is_some(), was_marked && is_taken_back, "the event names the one it corrects");
    }
}

/// Returns the days that become days off when the holidays of their years are published.
fn unknown(week: &Week) -> Vec<Date> {
    let Some(known) = &week.published else { return Vec::new() };
    let days = [date(2026, 11, 19), date(2026, 12, 30), date(2026, 12, 31), date(2027, 1, 1), date(2027, 1, 4)];
    days.into_iter().filter(|day| !known.contains(&day.year()) && !week.make_up.contains(day)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(3_000) })]

    #[test]
    fn a_duty_agrees_with_its_oracle_after_every_step(
        (week, base) in week(),
        begins in 0_i64..72 * HOUR,
        is_working: bool,
        budget in prop_oneof![1_i64..1_000, 1..HOUR, 1..24 * HOUR],
        steps in vec(step(), 1..24),
    ) {
        let midnight = base.to_zoned(jiff::tz::TimeZone::get(week.zone).unwrap()).unwrap().timestamp();
        let mut pair = Pair::open(&week, midnight.as_microsecond() + begins, is_working, budget);
        prop_assert_eq!(pair.seen(), pair.oracle.seen(), "opened");
        for (place, &step) in steps.iter().enumerate() {
            pair.take(step);
            prop_assert_eq!(pair.seen(), pair.oracle.seen(), "after step {} of {:?}", place, steps);
            if !pair.oracle.is_live() {
                break;
            }
        }
    }
}
