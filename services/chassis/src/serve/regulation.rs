//! `kefu.regulation.v1.RegulationService`, the same in every service: the clauses with the parameters in force, and the
//! calendar.

use std::sync::Arc;

use kefu_proto::regulation::v1 as pb;
use kefu_proto::regulation::v1::clause::parameter::Source as Shown;
use kefu_regulation::{Calendar, Clause, Parameter, Source, Title};

use crate::base::error::Error;
use crate::contract::call::Call;
use crate::contract::paging::Page;
use crate::work::chassis::Chassis;

const CLAUSES: &str = "/clauses/";

/// Shows the regulation of a service.
#[derive(Clone, Debug)]
pub struct RegulationOfService {
    /// The chassis.
    pub chassis: Arc<Chassis>,
}

kefu_proto::serve_regulation_service!(RegulationOfService);

#[expect(clippy::unused_async, reason = "handlers are async, whether they wait or not")]
impl RegulationOfService {
    async fn list_clauses(
        &self,
        call: &Call,
        request: pb::ListClausesRequest,
    ) -> Result<pb::ListClausesResponse, Error> {
        self.chassis.check_parent(&request.parent)?;
        let page: Page<i64> = Page::of(call, &request)?;
        let is_asked = |clause: &Clause| !request.own || services(clause).contains(&self.chassis.service);
        // Pages are keyed by the position among the clauses, which have no other order.
        let numbered = self.chassis.regulation.clauses().filter(|clause| is_asked(clause)).zip(0_i64..);
        let rows = numbered.filter(|(_, position)| page.after.is_none_or(|after| *position > after));
        let rows = rows.take(usize::try_from(page.limit).unwrap_or(usize::MAX));
        let (clauses, next_page_token) = page.fill(rows.map(|(clause, position)| (position, self.show(clause))));
        Ok(pb::ListClausesResponse { clauses, next_page_token })
    }

    async fn get_clause(&self, _: &Call, request: pb::GetClauseRequest) -> Result<pb::Clause, Error> {
        let id = request.name.strip_prefix(&self.chassis.service).and_then(|rest| rest.strip_prefix(CLAUSES));
        let clause = id.and_then(|id| self.chassis.regulation.clause(id));
        clause
            .map(|clause| self.show(clause))
            .ok_or_else(|| Error::NotFound { kind: "kefu/Clause", name: request.name.clone() })
    }

    async fn get_calendar(&self, _: &Call, request: pb::GetCalendarRequest) -> Result<pb::Calendar, Error> {
        if request.name != format!("{}/calendar", self.chassis.service) {
            return Err(Error::NotFound { kind: "kefu/Calendar", name: request.name });
        }
        Ok(show_calendar(request.name, self.chassis.regulation.calendar()))
    }

    fn show(&self, clause: &Clause) -> pb::Clause {
        pb::Clause {
            name: format!("{}{CLAUSES}{}", self.chassis.service, clause.id),
            clause: clause.id.clone(),
            title: Some(text(&clause.title)),
            demand: Some(text(&clause.demand)),
            services: services(clause),
            parameters: clause.parameters.iter().map(show_parameter).collect(),
        }
    }
}

fn text(title: &Title) -> pb::Text {
    pb::Text { en: title.en.clone(), zh: title.zh.clone() }
}

/// Returns the services that put a clause into effect, by name.
fn services(clause: &Clause) -> Vec<String> {
    clause.services.iter().map(|service| format!("services/{}", service.name())).collect()
}

fn show_parameter(parameter: &Parameter) -> pb::clause::Parameter {
    let source = match parameter.source {
        Source::Text => Shown::RegulationText,
        Source::Default => Shown::ChosenDefault,
        Source::Extension => Shown::Extension,
    };
    pb::clause::Parameter {
        name: parameter.name.clone(),
        value: parameter.text.clone(),
        source: source.into(),
        overridden: parameter.overridden,
        meaning: Some(text(&parameter.meaning)),
    }
}

fn show_calendar(name: String, calendar: &Calendar) -> pb::Calendar {
    let interval = |interval: &kefu_regulation::Interval| pb::calendar::Interval {
        start: interval.start().to_string(),
        end: interval.end().to_string(),
    };
    let week = calendar.week().map(|day| pb::calendar::Day { intervals: day.iter().map(interval).collect() });
    let dates = |dates: Vec<jiff::civil::Date>| dates.iter().map(ToString::to_string).collect();
    pb::Calendar {
        name,
        version: calendar.version().to_owned(),
        time_zone: calendar.zone().iana_name().unwrap_or("UTC").to_owned(),
        week: week.collect(),
        days_off: dates(calendar.days_off().collect()),
        make_up_days: dates(calendar.make_up_days().collect()),
        published_years: calendar.published_years().map(i32::from).collect(),
    }
}
