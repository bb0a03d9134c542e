//! `AnalyzeComplaints`: statistics over the complaints of a period (D8.11). Postgres counts, this module computes, and
//! every figure comes with the number of cases behind it.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, Zoned};
use kefu_chassis::time::{duration_to_proto, from_proto, to_proto};
use kefu_chassis::wrong;
use kefu_chassis::{Call, Error};
use kefu_proto::complaints::v1 as pb;
use kefu_proto::complaints::v1::analyze_complaints_response::stage::Kind;
use kefu_proto::complaints::v1::analyze_complaints_response::week::Signal;
use kefu_proto::complaints::v1::analyze_complaints_response::{
    Group, Punctuality, Recurrence, Satisfaction, Stage, Week,
};

use crate::improvement::Improvements;

mod chart;
pub mod contacts;
mod pareto;
mod store;

use chart::{Point, signals};
use store::Filter;

/// Longest period of one analysis.
const AT_MOST: SignedDuration = SignedDuration::from_hours(3_653 * 24);

impl Improvements {
    pub(crate) async fn analyze_complaints(
        &self,
        call: &Call,
        request: pb::AnalyzeComplaintsRequest,
    ) -> Result<pb::AnalyzeComplaintsResponse, Error> {
        let zone = self.chassis.regulation.calendar().zone().clone();
        let (start, end) = period(&request, &zone)?;
        let filter = Filter::of(&request, (&start, &end));
        let pool = self.chassis.pool();
        let (contacts, last) =
            futures::try_join!(store::contacts(pool, &filter), store::last(pool, &filter, call.now))?;
        let rate_start = rate_start(&filter, &zone, &contacts);
        let span = Span::of(&filter, &zone, call.now, rate_start);
        let mondays = span.mondays();
        let (groups, weeks, stages, punctuality, resolution, recurrence, satisfaction) = futures::try_join!(
            store::groups(pool, &filter, request.group_by(), rate_start),
            store::weeks(pool, &filter, &mondays),
            store::stages(pool, &filter),
            store::punctuality(pool, &filter, last, call.now),
            store::resolution(pool, &filter, last),
            store::recurrence(pool, &filter),
            store::satisfaction(pool, &filter),
        )?;
        let rate_count = groups.iter().map(|group| group.rate_count).sum();
        let contact_count = rate_start.map(|_| contacts.days.iter().map(|day| day.contacts).sum());
        let rate = |count| contact_count.map(|contacts| float(count) / (float(contacts) / 1_000.0));
        let (weeks, centre) = trend(&span, &mondays, &weeks, &contacts.days);
        Ok(pb::AnalyzeComplaintsResponse {
            start_time: Some(to_proto(filter.start)),
            end_time: Some(to_proto(filter.end)),
            complaint_count: groups.iter().map(|group| group.count).sum(),
            contact_count,
            rate_per_thousand: rate(rate_count),
            rate_start_time: rate_start.map(to_proto),
            rate_count,
            groups: pareto::ranked(groups)
                .into_iter()
                .map(|ranked| Group {
                    rate_per_thousand: rate(ranked.group.rate_count),
                    count: ranked.group.count,
                    share: ranked.share,
                    cumulative_share: ranked.cumulative_share,
                    vital: ranked.is_vital,
                    key: ranked.group.key,
                })
                .collect(),
            stages: stages
                .into_iter()
                .map(|row| Stage {
                    kind: Kind::try_from(row.stage).unwrap_or_default().into(),
                    count: row.count,
                    median: Some(duration_to_proto(row.median_us)),
                    p90: Some(duration_to_proto(row.p90_us)),
                })
                .collect(),
            punctuality: punctuality
                .into_iter()
                .chain(Some(resolution).filter(|row| row.count > 0))
                .map(|row| Punctuality {
                    share: share(row.in_time, row.count),
                    duty: row.kind,
                    count: row.count,
                    in_time_count: row.in_time,
                })
                .collect(),
            recurrence: Some(Recurrence {
                count: recurrence.0,
                recurring_count: recurrence.1,
                share: share(recurrence.1, recurrence.0),
            }),
            satisfaction: Some(satisfaction_of(satisfaction)),
            weeks,
            centre,
        })
    }
}

/// The requested period, widened to whole days. Contacts are counted by the day: half a day's complaints over a whole
/// day's contacts would give too low a rate.
fn period(request: &pb::AnalyzeComplaintsRequest, zone: &TimeZone) -> Result<(Zoned, Zoned), Error> {
    let time = |time: Option<&prost_types::Timestamp>| time.and_then(from_proto);
    let start = time(request.start_time.as_ref())
        .ok_or_else(|| Error::field("start_time", wrong!(Required, "is required", "必填")))?;
    let end = time(request.end_time.as_ref())
        .ok_or_else(|| Error::field("end_time", wrong!(Required, "is required", "必填")))?;
    if end.duration_since(start) > AT_MOST {
        return Err(Error::field(
            "end_time",
            wrong!(TooLate, "must be at most ten years after the beginning", "与开始时间相隔不得超过十年"),
        ));
    }
    let midnight = |time: Timestamp| time.to_zoned(zone.clone()).start_of_day();
    let day_after = |day: Zoned| day.checked_add(jiff::Span::new().days(1)).and_then(|next| next.start_of_day());
    let out_of_range = |field| Error::field(field, wrong!(OutOfRange, "is out of range", "超出可用范围"));
    let first = midnight(start).map_err(|_| out_of_range("start_time"))?;
    let last = midnight(end - SignedDuration::from_nanos(1)).and_then(day_after);
    Ok((first, last.map_err(|_| out_of_range("end_time"))?))
}

/// Start of the part of the period in which contacts are recorded, from which rates are counted; none without contacts.
fn rate_start(filter: &Filter<'_>, zone: &TimeZone, contacts: &store::Contacts) -> Option<Timestamp> {
    let first = contacts.first?.to_zoned(zone.clone()).ok()?.timestamp();
    Some(filter.start.max(first))
}

/// Time span of the weekly trend.
struct Span<'a> {
    start: Timestamp,
    end: Timestamp,
    zone: &'a TimeZone,
    rate_start: Option<Timestamp>,
}

impl<'a> Span<'a> {
    /// The part of the period that has passed; weeks to come must not count as weeks without complaints.
    fn of(filter: &Filter<'_>, zone: &'a TimeZone, now: Timestamp, rate_start: Option<Timestamp>) -> Self {
        Self { start: filter.start, end: filter.end.min(now), zone, rate_start }
    }

    /// Start of the Monday of each week that the span touches.
    fn mondays(&self) -> Vec<Zoned> {
        let first = monday(&self.start.to_zoned(self.zone.clone()));
        std::iter::successors(Some(first), |monday| Some(next_monday(monday)))
            .take_while(|monday| monday.timestamp() < self.end)
            .collect()
    }

    /// Units of a week on the u-chart. Where contacts are recorded: thousands of contacts, or 0 for a week recorded
    /// only in part. Otherwise: the part of the week within the span, 1 for a whole week.
    fn units(&self, monday: &Zoned, next: &Zoned, contacts: &[store::DayRow]) -> f64 {
        let (first, end) = (self.start.max(monday.timestamp()), self.end.min(next.timestamp()));
        match self.rate_start {
            Some(start) if first < start => 0.0,
            Some(_) => {
                let of_week = contacts.iter().filter(|row| monday.date() <= row.day && row.day < next.date());
                float(of_week.map(|row| row.contacts).sum()) / 1_000.0
            }
            None => {
                let whole = next.timestamp().duration_since(monday.timestamp());
                end.duration_since(first).as_secs_f64() / whole.as_secs_f64()
            }
        }
    }
}

/// A point for every week, also for weeks without complaints, and the centre of the chart.
fn trend(
    span: &Span<'_>,
    mondays: &[Zoned],
    counts: &[store::WeekRow],
    contacts: &[store::DayRow],
) -> (Vec<Week>, f64) {
    let mut points = Vec::with_capacity(mondays.len());
    let mut names = Vec::with_capacity(mondays.len());
    for (number, monday) in (1..).zip(mondays) {
        let count = counts.iter().find(|row| row.place == number).map_or(0, |row| row.count);
        let week = monday.date().iso_week_date();
        names.push(format!("{}-W{:02}", week.year(), week.week()));
        points.push(Point { count, units: span.units(monday, &next_monday(monday), contacts) });
    }
    let chart = chart::chart(&points);
    let signals = signals(&points, &chart);
    let weeks = names.into_iter().zip(&points).zip(chart.limits).zip(signals).map(
        |(((week, point), (lower_limit, upper_limit)), signals)| Week {
            week,
            count: point.count,
            units: point.units,
            rate: point.rate(),
            lower_limit,
            upper_limit,
            signals: signals
                .into_iter()
                .map(|rule| match rule {
                    chart::Rule::BeyondLimits => Signal::BeyondLimits.into(),
                    chart::Rule::EightOnOneSide => Signal::EightOnOneSide.into(),
                })
                .collect(),
        },
    );
    (weeks.collect(), chart.centre)
}

/// Start of the Monday after `monday`.
fn next_monday(monday: &Zoned) -> Zoned {
    monday.saturating_add(jiff::Span::new().weeks(1))
}

/// Start of the Monday of the week of `day`.
fn monday(day: &Zoned) -> Zoned {
    let since = i64::from(day.weekday().to_monday_zero_offset());
    let monday = day.saturating_sub(jiff::Span::new().days(since));
    monday.start_of_day().unwrap_or(monday)
}

/// Number of answers for each degree of satisfaction, 1 to 5, and their mean.
fn satisfaction_of(counts: Vec<(i16, i64)>) -> Satisfaction {
    let mut distribution = vec![0; 5];
    for (degree, count) in counts {
        if let Some(answers) = usize::try_from(degree - 1).ok().and_then(|index| distribution.get_mut(index)) {
            *answers += count;
        }
    }
    let count: i64 = distribution.iter().sum();
    let sum: i64 = distribution.iter().zip(1..).map(|(count, degree)| count * degree).sum();
    Satisfaction { count, mean: share(sum, count), distribution }
}

/// `part` divided by `whole`; 0 when `whole` is 0.
fn share(part: i64, whole: i64) -> f64 {
    if whole == 0 { 0.0 } else { float(part) / float(whole) }
}

/// Converts a count for division.
#[expect(clippy::cast_precision_loss, reason = "no organisation has 2^52 complaints or contacts")]
fn float(count: i64) -> f64 {
    count as f64
}
