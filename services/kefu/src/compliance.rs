//! `compliance`: counts how duties under each clause were kept, as a table for people or as JSON for programs.

use std::collections::BTreeMap;
use std::str::FromStr;

use clap::Args;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use kefu_chassis::time::to_proto;
use kefu_proto::compliance::v1::compliance_service_client::ComplianceServiceClient;
use kefu_proto::compliance::v1::summarize_compliance_request::Dimension;
use kefu_proto::compliance::v1::{ComplianceRow, SummarizeComplianceRequest};
use kefu_regulation::Regulation;
use tonic::Request;

use crate::client::Authorised;
use crate::common::Common;
use crate::error::Error;
use crate::join::Session;
use crate::language::{pick, spoken, told};
use crate::terminal::say;

pub mod table;

/// What to count.
#[derive(Args, Debug)]
pub struct ComplianceArguments {
    /// What the counts are split by: clause, department, person, and one of day, week, month (in which a duty began).
    #[arg(long, value_name = "WHAT[,WHAT…]", default_value = "clause")]
    by: Groups,
    /// Only duties that began on this day or later.
    #[arg(long, value_name = "DATE")]
    from: Option<Date>,
    /// Only duties that began on this day or earlier.
    #[arg(long, value_name = "DATE")]
    to: Option<Date>,
    /// Only duties under this clause, e.g. `C2.1`.
    #[arg(long, value_name = "CLAUSE")]
    clause: Option<String>,
    /// Only this department's, e.g. `departments/desk`.
    #[arg(long, value_name = "NAME")]
    department: Option<String>,
    /// Only this person's, e.g. `staff/lin`.
    #[arg(long, value_name = "NAME")]
    person: Option<String>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// Dimensions that split the counts, in the order of the table's columns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Groups(Vec<Dimension>);

impl Groups {
    /// Splits by one dimension.
    pub fn by(dimension: Dimension) -> Self {
        Self(vec![dimension])
    }

    /// Whether counts are split by `dimension`.
    pub fn has(&self, dimension: Dimension) -> bool {
        self.0.contains(&dimension)
    }

    /// Whether counts are split by day, week or month.
    pub fn has_period(&self) -> bool {
        PERIODS.iter().any(|&period| self.has(period))
    }
}

const PERIODS: [Dimension; 3] = [Dimension::Day, Dimension::Week, Dimension::Month];

impl FromStr for Groups {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut groups = Vec::new();
        for word in text.split(',').map(str::trim) {
            let known = Dimension::from_str_name(&word.to_ascii_uppercase())
                .filter(|&dimension| dimension != Dimension::Unspecified);
            let dimension = known.ok_or_else(|| {
                told!(
                    "{word:?} is none of clause, department, person, day, week, month",
                    "没有「{word}」这种分法，可用 clause、department、person、day、week、month"
                )
            })?;
            if groups.contains(&dimension) {
                return Err(told!("{word} stands twice", "{word} 重复"));
            }
            groups.push(dimension);
        }
        if groups.iter().filter(|dimension| PERIODS.contains(dimension)).count() > 1 {
            return Err(pick("only one of day, week and month is possible", "day、week、month 只能选一个").into());
        }
        Ok(Self(groups))
    }
}

/// Prints the counts.
pub async fn run(common: &Common, arguments: &ComplianceArguments) -> Result<(), Error> {
    let regulation = common.regulation()?;
    if let Some(unknown) = arguments.clause.as_deref().filter(|clause| regulation.clause(clause).is_none()) {
        return Err(Error::NoClause(unknown.to_owned()));
    }
    let counted = Session::with(common, async |session| {
        let request = request(arguments, session.zone());
        let mut rows = Vec::new();
        for service in session.services(None)?.keys() {
            rows.extend(ask(session.connect(service).await?, service, request.clone()).await?);
        }
        Ok((rows, session.zone().to_owned()))
    });
    let (rows, zone) = counted.await?;
    let rows = merge(rows, &regulation);
    if arguments.json {
        return say(&table::json(&rows, &arguments.by));
    }
    let language = spoken();
    say(&(table::text(&rows, &arguments.by, &regulation, language) + &table::legend(&rows, language, &zone)))
}

/// Asks one service for its rows.
pub async fn ask(
    channel: Authorised,
    service: &str,
    request: SummarizeComplianceRequest,
) -> Result<Vec<ComplianceRow>, Error> {
    let request = SummarizeComplianceRequest { parent: format!("services/{service}"), ..request };
    let answer = ComplianceServiceClient::new(channel).summarize_compliance(Request::new(request)).await;
    Ok(answer.map_err(|status| Error::refused(service, &status))?.into_inner().rows)
}

fn request(arguments: &ComplianceArguments, zone: &str) -> SummarizeComplianceRequest {
    let zone = TimeZone::get(zone).unwrap_or(TimeZone::UTC);
    let start = |date: Date| zone.to_timestamp(date.to_datetime(jiff::civil::Time::midnight())).ok();
    // The end of a day is the beginning of the next. The last representable day has none, so it sets no bound.
    let end = |date: Date| date.tomorrow().ok().and_then(start);
    let proto = |time: Option<Timestamp>| time.map(to_proto);
    SummarizeComplianceRequest {
        parent: String::new(),
        group_by: arguments.by.0.iter().map(|&dimension| dimension.into()).collect(),
        start_time: proto(arguments.from.and_then(start)),
        end_time: proto(arguments.to.and_then(end)),
        clause: arguments.clause.clone().unwrap_or_default(),
        department: arguments.department.clone().unwrap_or_default(),
        owner: arguments.person.clone().unwrap_or_default(),
    }
}

/// Adds up the rows of several services, sorted by the order of clauses in the rule book.
pub fn merge(rows: Vec<ComplianceRow>, regulation: &Regulation) -> Vec<ComplianceRow> {
    let order: BTreeMap<&str, usize> =
        regulation.clauses().enumerate().map(|(at, clause)| (clause.id.as_str(), at)).collect();
    let mut merged: BTreeMap<(usize, String, String, String, String), ComplianceRow> = BTreeMap::new();
    for row in rows {
        let position = order.get(row.clause.as_str()).copied().unwrap_or(usize::MAX);
        let key = (position, row.clause.clone(), row.period.clone(), row.department.clone(), row.person.clone());
        let empty = ComplianceRow {
            clause: row.clause.clone(),
            department: row.department.clone(),
            person: row.person.clone(),
            period: row.period.clone(),
            ..ComplianceRow::default()
        };
        let sum = merged.entry(key).or_insert(empty);
        sum.opened += row.opened;
        sum.met_in_time += row.met_in_time;
        sum.late += row.late;
        sum.open += row.open;
        sum.overdue += row.overdue;
        sum.waived += row.waived;
        sum.voided += row.voided;
        sum.not_recorded += row.not_recorded;
        sum.recorded_late += row.recorded_late;
        sum.attempted += row.attempted;
        sum.taken_back += row.taken_back;
        sum.imported += row.imported;
        sum.breached += row.breached;
        sum.deviated += row.deviated;
        sum.early += row.early;
    }
    merged.into_values().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arguments(from: &str, to: &str) -> ComplianceArguments {
        ComplianceArguments {
            by: "department,week".parse().unwrap(),
            from: Some(from.parse().unwrap()),
            to: Some(to.parse().unwrap()),
            clause: Some("C2.1".into()),
            department: None,
            person: None,
            json: false,
        }
    }

    #[test]
    fn dates_are_days_of_the_business_calendar_and_both_are_included() {
        let request = request(&arguments("2018-01-01", "2018-01-31"), "Asia/Shanghai");
        let at = |text: &str| Some(to_proto(text.parse().unwrap()));
        assert_eq!(request.start_time, at("2017-12-31T16:00:00Z"));
        assert_eq!(request.end_time, at("2018-01-31T16:00:00Z"));
        assert_eq!(request.group_by, [Dimension::Department as i32, Dimension::Week as i32]);
        assert_eq!((request.clause.as_str(), request.owner.as_str()), ("C2.1", ""));
    }

    #[test]
    fn the_last_day_of_all_has_no_end() {
        assert_eq!(request(&arguments("9999-12-31", "9999-12-31"), "Asia/Shanghai").end_time, None);
    }

    #[test]
    fn groups_are_named_once_and_hold_one_period() {
        assert_eq!("clause, Person".parse(), Ok(Groups(vec![Dimension::Clause, Dimension::Person])));
        for text in ["", "clause,clause", "day,week", "dimension_unspecified", "owner"] {
            assert!(text.parse::<Groups>().is_err(), "{text}");
        }
    }

    #[test]
    fn rows_of_several_services_are_added_up_in_the_order_of_the_rule_book() {
        let row = |clause: &str, opened| ComplianceRow {
            clause: clause.into(),
            opened,
            met_in_time: 1,
            ..ComplianceRow::default()
        };
        let rows =
            merge(vec![row("C10.1", 1), row("C2.1", 2), row("C2.1", 3), row("A2.1", 4)], &Regulation::standard());
        let seen: Vec<(&str, i64, i64)> =
            rows.iter().map(|row| (row.clause.as_str(), row.opened, row.met_in_time)).collect();
        assert_eq!(seen, [("A2.1", 4, 1), ("C2.1", 5, 2), ("C10.1", 1, 1)]);
    }
}
