//! The figures of an analysis, counted in Postgres.

use jiff::civil::Date;
use jiff::{Timestamp, Zoned};
use kefu_chassis::time::sql;
use kefu_proto::complaints::v1::analyze_complaints_request::Dimension;
use kefu_proto::complaints::v1::complaint::{Category, Outcome, Severity};
use kefu_proto::complaints::v1::{AnalyzeComplaintsRequest, root_cause};
use kefu_proto::contacts::v1::Channel;
use sqlx::PgPool;

/// Selects the complaints to count.
#[derive(Debug)]
pub struct Filter<'a> {
    /// Earliest time of receipt.
    pub start: Timestamp,
    /// Time before which the complaints were received.
    pub end: Timestamp,
    first_day: Date,
    /// The day after the last day.
    next_day: Date,
    category: i16,
    cause: i16,
    department: &'a str,
    product: &'a str,
    channel: i16,
    severity: i16,
    outcome: i16,
}

impl<'a> Filter<'a> {
    /// The complaints of a request's filters, received at or after `start` and before `end`.
    pub fn of(request: &'a AnalyzeComplaintsRequest, (start, end): (&Zoned, &Zoned)) -> Self {
        Self {
            start: start.timestamp(),
            end: end.timestamp(),
            first_day: start.date(),
            next_day: end.date(),
            category: request.category() as i16,
            cause: request.cause_category() as i16,
            department: &request.responsible_department,
            product: &request.product,
            channel: request.channel() as i16,
            severity: request.severity() as i16,
            outcome: request.outcome() as i16,
        }
    }
}

/// Makes a query over the complaints of a filter. The filter takes the first nine parameters; `c` names the complaint's
/// row.
macro_rules! filtered {
    ($kind:ident($($row:ty,)? $head:literal + $tail:literal), $filter:expr $(, $($arguments:tt)*)?) => {
        sqlx::$kind!(
            $($row,)?
            $head + " c.received_at >= $1 and c.received_at < $2 and ($3::smallint = 0 or c.category = $3)
                and ($4::smallint = 0 or c.cause_category = $4) and ($5 = '' or c.responsible_department = $5)
                and ($6 = '' or c.product = $6) and ($7::smallint = 0 or c.channel = $7)
                and ($8::smallint = 0 or c.severity = $8) and ($9::smallint = 0 or c.outcome = $9) " + $tail,
            sql::at($filter.start) as _,
            sql::at($filter.end) as _,
            $filter.category,
            $filter.cause,
            $filter.department,
            $filter.product,
            $filter.channel,
            $filter.severity,
            $filter.outcome,
            $($($arguments)*)?
        )
    };
}

/// Number of complaints in one group.
#[derive(Clone, Debug, PartialEq)]
pub struct GroupRow {
    /// Value of the dimension, as the contract writes it: a department, a product, or the name of an enum value.
    pub key: String,
    /// Number received in the whole period.
    pub count: i64,
    /// Number received since contacts have been recorded.
    pub rate_count: i64,
}

/// Number of complaints in each group, in the whole period and since `rate_start`.
pub async fn groups(
    pool: &PgPool,
    filter: &Filter<'_>,
    by: Dimension,
    rate_start: Option<Timestamp>,
) -> Result<Vec<GroupRow>, sqlx::Error> {
    let number = |number: &str| number.parse::<i32>().unwrap_or(0);
    let rows = filtered!(
        query(
            r#"select case $10::smallint when 2 then cause_category::text when 3 then responsible_department
                when 4 then product when 5 then channel::text when 6 then severity::text when 7 then outcome::text
                else category::text end as "key!", count(*) as "count!",
                count(*) filter (where received_at >= $11) as "rate_count!"
            from complaints.complaint as c where"#
                + "group by 1"
        ),
        filter,
        by as i16,
        rate_start.map(sql::at) as _,
    );
    let named = |key: String| {
        let known = match by {
            Dimension::ResponsibleDepartment | Dimension::Product => return key,
            Dimension::Cause => root_cause::Category::try_from(number(&key)).map_or("", |known| known.as_str_name()),
            Dimension::Channel => Channel::try_from(number(&key)).map_or("", |known| known.as_str_name()),
            Dimension::Severity => Severity::try_from(number(&key)).map_or("", |known| known.as_str_name()),
            Dimension::Outcome => Outcome::try_from(number(&key)).map_or("", |known| known.as_str_name()),
            Dimension::Category | Dimension::Unspecified => {
                Category::try_from(number(&key)).map_or("", |known| known.as_str_name())
            }
        };
        if known.ends_with("_UNSPECIFIED") { String::new() } else { known.to_owned() }
    };
    let rows = rows.fetch_all(pool).await?.into_iter();
    Ok(rows.map(|row| GroupRow { key: named(row.key), count: row.count, rate_count: row.rate_count }).collect())
}

/// Number of complaints received in a week.
#[derive(Debug)]
pub struct WeekRow {
    /// Index of the week in the query's list, from 1.
    pub place: i32,
    /// Number of complaints received in the week.
    pub count: i64,
}

/// Number of complaints in each week beginning at `mondays`; weeks without complaints are left out.
pub async fn weeks(pool: &PgPool, filter: &Filter<'_>, mondays: &[Zoned]) -> Result<Vec<WeekRow>, sqlx::Error> {
    let mondays: Vec<_> = mondays.iter().map(|monday| sql::at(monday.timestamp())).collect();
    filtered!(
        query_as(
            WeekRow,
            r#"select width_bucket(received_at, $10::timestamptz[]) as "place!", count(*) as "count!"
            from complaints.complaint as c where"#
                + "group by 1"
        ),
        filter,
        &mondays as _,
    )
    .fetch_all(pool)
    .await
}

/// Number of contacts on a day.
#[derive(Debug)]
pub struct DayRow {
    /// Day in the zone of the calendar.
    pub day: Date,
    /// Number of contacts on that day.
    pub contacts: i64,
}

/// Contacts of a period, by the day.
#[derive(Debug, Default)]
pub struct Contacts {
    /// First day with contacts recorded as they came; none if the period has no recorded day.
    pub first: Option<Date>,
    /// Days of the period since then, the earliest first; a day without contacts has no row.
    pub days: Vec<DayRow>,
}

/// Loads the contacts of the filter's period.
pub async fn contacts(pool: &PgPool, filter: &Filter<'_>) -> Result<Contacts, sqlx::Error> {
    let rows = sqlx::query!(
        r#"select day as "day: jiff_sqlx::Date", contacts,
            (select min(day) from complaints.contact_count where live) as "first!: jiff_sqlx::Date"
        from complaints.contact_count
        where day >= (select min(day) from complaints.contact_count where live) and day >= $1 and day < $2"#,
        jiff_sqlx::ToSqlx::to_sqlx(filter.first_day) as _,
        jiff_sqlx::ToSqlx::to_sqlx(filter.next_day) as _,
    );
    let rows = rows.fetch_all(pool).await?;
    Ok(Contacts {
        first: rows.first().map(|row| row.first.to_jiff()),
        days: rows.into_iter().map(|row| DayRow { day: row.day.to_jiff(), contacts: row.contacts }).collect(),
    })
}

/// Durations of a stage: median and 90th percentile, in microseconds.
#[derive(Debug)]
pub struct StageRow {
    /// The contract's number of the stage.
    pub stage: i32,
    /// Number of complaints that have been through the stage.
    pub count: i64,
    /// Median duration, in microseconds.
    pub median_us: i64,
    /// Ninth decile of the durations, in microseconds.
    pub p90_us: i64,
}

/// Durations of the stages, by the contract's number of each. The durations of a stage are sorted once, as numbers,
/// which is faster than as intervals. Of an even number of durations, the median is the mean of the middle two: the
/// fraction 0.5 finds the lower one, 0.500000001 the upper one.
pub async fn stages(pool: &PgPool, filter: &Filter<'_>) -> Result<Vec<StageRow>, sqlx::Error> {
    filtered!(
        query_as(
            StageRow,
            r#"with spans as not materialized (
                select c.*, case when closure <> 0 then closed_at end as done_at from complaints.complaint as c
            ), found as (
                select count(acknowledged_at) as n1, count(concluded_at) as n2, count(approved_at - concluded_at) as n3,
                    count(agreed_at - approved_at) as n4, count(executed_at - agreed_at) as n5,
                    count(done_at - executed_at) as n6, count(done_at) as n7,
                    percentile_disc(array[0.5, 0.500000001, 0.9]) within group (order by date_part('epoch', acknowledged_at - received_at)) as p1,
                    percentile_disc(array[0.5, 0.500000001, 0.9]) within group (order by date_part('epoch', concluded_at - received_at)) as p2,
                    percentile_disc(array[0.5, 0.500000001, 0.9]) within group (order by date_part('epoch', approved_at - concluded_at)) as p3,
                    percentile_disc(array[0.5, 0.500000001, 0.9]) within group (order by date_part('epoch', agreed_at - approved_at)) as p4,
                    percentile_disc(array[0.5, 0.500000001, 0.9]) within group (order by date_part('epoch', executed_at - agreed_at)) as p5,
                    percentile_disc(array[0.5, 0.500000001, 0.9]) within group (order by date_part('epoch', done_at - executed_at)) as p6,
                    percentile_disc(array[0.5, 0.500000001, 0.9]) within group (order by date_part('epoch', done_at - received_at)) as p7
                from spans as c where"# + r#")
            select stage as "stage!", n as "count!",
                ((p[1] + p[2]) * 500000)::bigint as "median_us!", (p[3] * 1000000)::bigint as "p90_us!"
            from found cross join lateral (values (1, n1, p1), (2, n2, p2), (3, n3, p3), (4, n4, p4), (5, n5, p5), (6, n6, p6),
                (7, n7, p7)) as s (stage, n, p)
            where n > 0 order by stage"#
        ),
        filter,
    )
    .fetch_all(pool)
    .await
}

/// Punctuality of one kind of duty.
#[derive(Debug)]
pub struct PunctualityRow {
    /// Kind of duty.
    pub kind: String,
    /// Number of duties that were met, or became overdue and were not waived.
    pub count: i64,
    /// Number of those that were met in time.
    pub in_time: i64,
}

/// Punctuality by kind of duty, over duties that were met, or became overdue and were not waived. Only duties opened
/// between the beginning of the period and `last`, the end of its last complaint, are read.
pub async fn punctuality(
    pool: &PgPool,
    filter: &Filter<'_>,
    last: Timestamp,
    now: Timestamp,
) -> Result<Vec<PunctualityRow>, sqlx::Error> {
    filtered!(
        query_as(
            PunctualityRow,
            r#"select d.kind as "kind!", count(*) as "count!", count(*) filter (where d.state = 3 and not d.late) as "in_time!"
            from duty as d join complaints.complaint as c on c.id = split_part(d.subject, '/', 2)::uuid
            where d.opened_at >= $1 and d.opened_at <= $10
                and d.kind in ('acknowledgement', 'investigation', 'measure', 'callback')
                and (d.state = 3 or d.state <> 4 and is_late(d.state, d.late, d.paused_since, d.due_at, $11))
                and"#
                + "group by 1 order by 1"
        ),
        filter,
        sql::at(last) as _,
        sql::at(now) as _,
    )
    .fetch_all(pool)
    .await
}

/// Number of closed complaints, and of those in which every duty that `punctuality` counts was met in time.
pub async fn resolution(pool: &PgPool, filter: &Filter<'_>, last: Timestamp) -> Result<PunctualityRow, sqlx::Error> {
    let closed = filtered!(
        query_scalar(r#"select count(*) as "count!" from complaints.complaint as c where"# + "and c.closure <> 0"),
        filter,
    );
    let late = filtered!(
        query_scalar(
            r#"select count(*) as "count!" from complaints.complaint as c
            where c.id in (
                    select split_part(d.subject, '/', 2)::uuid from duty as d
                    where d.opened_at >= $1 and d.opened_at <= $10
                        and d.kind in ('acknowledgement', 'investigation', 'measure', 'callback')
                        and d.state in (3, 5) and d.late)
                and c.closure <> 0 and"#
                + ""
        ),
        filter,
        sql::at(last) as _,
    );
    let (closed, late) = futures::try_join!(closed.fetch_one(pool), late.fetch_one(pool))?;
    Ok(PunctualityRow { kind: "resolution".to_owned(), count: closed, in_time: closed - late })
}

/// Time at which the last of the filter's complaints ended: `now` while one is open, the beginning of the period if
/// there are no complaints.
pub async fn last(pool: &PgPool, filter: &Filter<'_>, now: Timestamp) -> Result<Timestamp, sqlx::Error> {
    let last = filtered!(
        query_scalar(
            r#"select coalesce(max(coalesce(c.closed_at, $10)), $1) as "last!: jiff_sqlx::Timestamp"
            from complaints.complaint as c where"#
                + ""
        ),
        filter,
        sql::at(now) as _,
    );
    Ok(last.fetch_one(pool).await?.to_jiff())
}

/// Number of complaints with a known customer and cause, and of those within 90 days of an earlier one with the same two.
pub async fn recurrence(pool: &PgPool, filter: &Filter<'_>) -> Result<(i64, i64), sqlx::Error> {
    let row = filtered!(
        query(
            r#"with c as (
                select received_at, category, cause_category, responsible_department, product, channel, severity, outcome,
                    lag(received_at) over (partition by customer, cause_category order by received_at) as before_at
                from complaints.complaint
                where customer is not null and cause_category <> 0
                    and received_at >= $1::timestamptz - interval '90 days' and received_at < $2)
            select count(*) as "count!", count(*) filter (where received_at - before_at <= interval '90 days') as "again!"
            from c where"#
                + ""
        ),
        filter,
    );
    let row = row.fetch_one(pool).await?;
    Ok((row.count, row.again))
}

/// Number of complainants by their degree of satisfaction.
pub async fn satisfaction(pool: &PgPool, filter: &Filter<'_>) -> Result<Vec<(i16, i64)>, sqlx::Error> {
    let rows = filtered!(
        query(
            r#"select satisfaction, count(*) as "count!" from complaints.complaint as c where satisfaction > 0 and"#
                + "group by 1"
        ),
        filter,
    );
    Ok(rows.fetch_all(pool).await?.into_iter().map(|row| (row.satisfaction, row.count)).collect())
}
