//! `AnalyzeComplaints`: what the complaints of a period say together (D8.11). Counting is Postgres' work, statistics is done
//! here, and every figure comes with the number of cases it rests on.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, Zoned};
use kefu_chassis::time::{duration_to_proto, from_proto};
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

/// The longest period that can be asked for.
const AT_MOST: SignedDuration = SignedDuration::from_hours(3_653 * 24);

impl Improvements {
    pub(crate) async fn analyze(
        &self,
        _: &Call,
        request: pb::AnalyzeComplaintsRequest,
    ) -> Result<pb::AnalyzeComplaintsResponse, Error> {
        let zone = self.0.regulation.calendar().zone().clone();
        let filter = Filter::of(&request, period(&request)?, &zone);
        let pool = self.0.pool();
        let (groups, weeks, contacts, stages, punctuality, recurrence, satisfaction) = futures::try_join!(
            store::groups(pool, &filter, request.group_by()),
            store::weeks(pool, &filter),
            store::contacts(pool, &filter),
            store::stages(pool, &filter),
            store::punctuality(pool, &filter),
            store::recurrence(pool, &filter),
            store::satisfaction(pool, &filter),
        )?;
        let complaint_count = groups.iter().map(|(_, count)| count).sum();
        let contact_count: i64 = contacts.iter().map(|day| day.contacts).sum();
        let contact_count = (contact_count > 0).then_some(contact_count);
        let thousands = contact_count.map(|contacts| float(contacts) / 1_000.0);
        let (weeks, centre) = trend(&filter, &zone, &weeks, &contacts);
        Ok(pb::AnalyzeComplaintsResponse {
            complaint_count,
            contact_count,
            rate_per_thousand: thousands.map(|thousands| float(complaint_count) / thousands),
            groups: pareto::ranked(groups)
                .into_iter()
                .map(|group| Group {
                    rate_per_thousand: thousands.map(|thousands| float(group.count) / thousands),
                    count: group.count,
                    share: group.share,
                    cumulative_share: group.cumulative_share,
                    vital: group.is_vital,
                    key: group.key,
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
            satisfaction: Some(satisfied(satisfaction)),
            weeks,
            centre,
        })
    }
}

/// The period that is asked for.
fn period(request: &pb::AnalyzeComplaintsRequest) -> Result<(Timestamp, Timestamp), Error> {
    let time = |time: Option<&prost_types::Timestamp>| time.and_then(from_proto);
    let start = time(request.start_time.as_ref()).ok_or_else(|| Error::field("start_time", "is required"))?;
    let end = time(request.end_time.as_ref()).ok_or_else(|| Error::field("end_time", "is required"))?;
    if end <= start {
        return Err(Error::field("end_time", "must be later than start_time"));
    }
    if end.duration_since(start) > AT_MOST {
        return Err(Error::field("end_time", "must be at most ten years after start_time"));
    }
    Ok((start, end))
}

/// A point a week of the period, weeks without a complaint among them, and the centre.
fn trend(
    filter: &Filter<'_>,
    zone: &TimeZone,
    counts: &[store::WeekRow],
    contacts: &[store::DayRow],
) -> (Vec<Week>, f64) {
    let of_contacts = contacts.iter().any(|day| day.contacts > 0);
    let mut points = Vec::new();
    let mut names = Vec::new();
    let mut monday = monday(&filter.start.to_zoned(zone.clone()));
    while monday.timestamp() < filter.end {
        let next = monday.saturating_add(jiff::Span::new().weeks(1));
        let (first, after) = (monday.date(), next.date());
        let units = if of_contacts {
            let of_week = contacts.iter().filter(|row| first <= row.day && row.day < after);
            float(of_week.map(|row| row.contacts).sum()) / 1_000.0
        } else {
            let inside = filter.end.min(next.timestamp()).duration_since(filter.start.max(monday.timestamp()));
            inside.as_secs_f64() / next.timestamp().duration_since(monday.timestamp()).as_secs_f64()
        };
        let count = counts.iter().find(|row| row.monday == first).map_or(0, |row| row.count);
        let week = first.iso_week_date();
        names.push(format!("{}-W{:02}", week.year(), week.week()));
        points.push(Point { count, units });
        monday = next;
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

/// Midnight of the Monday of a day's week.
fn monday(day: &Zoned) -> Zoned {
    let since = i64::from(day.weekday().to_monday_zero_offset());
    let monday = day.saturating_sub(jiff::Span::new().days(since));
    monday.start_of_day().unwrap_or(monday)
}

/// How satisfied those are who said it: how many of each degree.
fn satisfied(counts: Vec<(i16, i64)>) -> Satisfaction {
    let mut distribution = vec![0; 5];
    for (degree, count) in counts {
        if let Some(place) = usize::try_from(degree - 1).ok().and_then(|place| distribution.get_mut(place)) {
            *place += count;
        }
    }
    let count: i64 = distribution.iter().sum();
    let sum: i64 = distribution.iter().zip(1..).map(|(count, degree)| count * degree).sum();
    Satisfaction { count, mean: share(sum, count), distribution }
}

/// A part of a whole; 0 of nothing.
fn share(part: i64, whole: i64) -> f64 {
    if whole == 0 { 0.0 } else { float(part) / float(whole) }
}

/// A count as a number that can be divided.
#[expect(clippy::cast_precision_loss, reason = "no organisation has 2^52 complaints or contacts")]
fn float(count: i64) -> f64 {
    count as f64
}
