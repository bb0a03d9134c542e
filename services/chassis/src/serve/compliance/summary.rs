//! The compliance summary: what became of the duties, counted per group by one query.

use kefu_proto::compliance::v1::summarize_compliance_request::Dimension;
use kefu_proto::compliance::v1::{ComplianceRow, SummarizeComplianceRequest, SummarizeComplianceResponse};

use kefu_regulation::params;

use crate::base::error::Error;
use crate::base::time::{from_proto, sql};
use crate::contract::call::Call;
use crate::work::chassis::Chassis;
use crate::wrong;

const ROWS_AT_MOST: i64 = 10_000;

/// Counts the duties that `request` asks for and the caller may see.
pub async fn summarize(
    chassis: &Chassis,
    call: &Call,
    request: &SummarizeComplianceRequest,
) -> Result<SummarizeComplianceResponse, Error> {
    let dimensions: Vec<Dimension> =
        if request.group_by.is_empty() { vec![Dimension::Clause] } else { request.group_by().collect() };
    let by = |dimension| dimensions.contains(&dimension);
    // The contract lets at most one of them be named.
    let periods: Vec<&str> = [(Dimension::Day, "day"), (Dimension::Week, "week"), (Dimension::Month, "month")]
        .into_iter()
        .filter(|(dimension, _)| by(*dimension))
        .map(|(_, unit)| unit)
        .collect();
    let (owner, department) = call.scope().bounds();
    let share = chassis.regulation.get(params::COUNTS_AFTER);
    let zone = chassis.regulation.calendar().zone().iana_name().unwrap_or("UTC");
    let rows = sqlx::query!(
        r#"
        select
            case when $1 then clause else '' end as "clause!",
            case when $2 then department else '' end as "department!",
            case when $3 then owner else '' end as "owner!",
            case when $4 <> '' then to_char(date_trunc($4, opened_at at time zone $5), 'YYYY-MM-DD') else '' end as "period!",
            count(*) filter (where state <> 7) as "opened!",
            count(*) filter (where state = 3 and not late) as "met_in_time!",
            count(*) filter (where state = 3 and late) as "late!",
            count(*) filter (where state in (1, 2) and not late) as "open!",
            count(*) filter (where state in (1, 2) and late) as "overdue!",
            count(*) filter (where state = 4) as "waived!",
            count(*) filter (where state = 5) as "voided!",
            count(*) filter (where state = 6) as "not_recorded!",
            count(*) filter (where state = 7) as "deviated!",
            count(*) filter (where taken_back > 0) as "taken_back!",
            count(*) filter (where recorded_late) as "recorded_late!",
            count(*) filter (where state = 3 and attempted) as "attempted!",
            count(*) filter (where imported) as "imported!",
            count(*) filter (where early) as "early!",
            count(*) filter (where late) as "breached!"
        from (
            select clause, department, owner, opened_at, state, taken_back, recorded_late, attempted, imported,
                is_late(state, late, paused_since, due_at, $6) as late,
                is_early(recurs, state, late, elapsed_us, budget_us, $16) as early
            from duty
        ) as d
        where ($7::text is null or owner = $7) and ($8::text is null or department = $8 or owner = $15)
            and ($9 = '' or clause = $9) and ($10 = '' or department = $10) and ($11 = '' or owner = $11)
            and ($12::timestamptz is null or opened_at >= $12) and ($13::timestamptz is null or opened_at < $13)
        group by 1, 2, 3, 4 order by 1, 2, 3, 4 limit $14
        "#,
        by(Dimension::Clause),
        by(Dimension::Department),
        by(Dimension::Person),
        periods.first().copied().unwrap_or_default(),
        zone,
        sql::at(call.now) as _,
        owner,
        department,
        request.clause,
        request.department,
        request.owner,
        sql::maybe(request.start_time.as_ref().and_then(from_proto)) as _,
        sql::maybe(request.end_time.as_ref().and_then(from_proto)) as _,
        ROWS_AT_MOST + 1,
        call.caller.subject,
        i32::from(share.basis_points()),
    )
    .fetch_all(chassis.pool())
    .await?;
    if rows.len() > usize::try_from(ROWS_AT_MOST).unwrap_or(usize::MAX) {
        return Err(Error::field(
            "group_by",
            wrong!(
                TooMany,
                "gives more than 10,000 rows: narrow the question",
                "分得过细，结果超过10,000行，请缩小范围"
            ),
        ));
    }
    let rows = rows.into_iter().map(|row| ComplianceRow {
        clause: row.clause,
        department: row.department,
        person: row.owner,
        period: row.period,
        opened: row.opened,
        met_in_time: row.met_in_time,
        late: row.late,
        open: row.open,
        overdue: row.overdue,
        waived: row.waived,
        voided: row.voided,
        not_recorded: row.not_recorded,
        deviated: row.deviated,
        taken_back: row.taken_back,
        recorded_late: row.recorded_late,
        attempted: row.attempted,
        imported: row.imported,
        early: row.early,
        breached: row.breached,
    });
    Ok(SummarizeComplianceResponse { rows: rows.collect() })
}
