//! `ImportRequests`: requests of another system, with the same duties as live ones. No gate checks an import, and it
//! notifies nobody.

use std::collections::{HashMap, HashSet};

use jiff::Timestamp;
use kefu_chassis::duties::{Duty, NewDuty};
use kefu_chassis::error::{Violation, not_known};
use kefu_chassis::journal::NewEvent;
use kefu_chassis::labels;
use kefu_chassis::names::Id;
use kefu_chassis::search::folded;
use kefu_chassis::text::is_blank;
use kefu_chassis::time::{from_proto, sql};
use kefu_chassis::wrong;
use kefu_chassis::{Call, Error};
use kefu_proto::events::v1::DutyChange;
use kefu_proto::intake::v1 as pb;
use kefu_proto::intake::v1::request::{Origin, State};
use kefu_regulation::{Calendar, params};
use prost::Name as _;
use tokio_stream::StreamExt as _;
use tonic::Streaming;
use uuid::Uuid;

use super::Requests;
use super::lifecycle::first_response;
use super::row::RequestRow;
use crate::shared::{Customer, reference};

mod store;

/// Most rejected rows that a reply lists.
const REJECTED_LISTED_AT_MOST: usize = 10_000;

/// Settings in the first message, valid for every row.
struct Import {
    source: String,
    calendar: Calendar,
}

impl Requests {
    pub(super) async fn import_requests(
        &self,
        call: &mut Call,
        mut messages: Streaming<pb::ImportRequestsRequest>,
    ) -> Result<pb::ImportRequestsResponse, Error> {
        let mut result = pb::ImportRequestsResponse::default();
        let mut import: Option<Import> = None;
        while let Some(message) = messages.next().await {
            let message = message.map_err(|status| {
                let code = status.code();
                Error::field(
                    "rows",
                    wrong!(OutOfPlace, "ends too early, the stream broke off: {code}", "不完整，数据流中断：“{code}”"),
                )
            })?;
            let import = match &import {
                Some(import) => import,
                None => import.insert(self.begin_import(&message)?),
            };
            self.import_message(call, import, message, &mut result).await?;
        }
        Ok(result)
    }

    fn begin_import(&self, first: &pb::ImportRequestsRequest) -> Result<Import, Error> {
        if is_blank(&first.source) {
            return Err(Error::field(
                "source",
                wrong!(Required, "is required in the first message", "须在第一条消息中填写"),
            ));
        }
        let calendar = if first.calendar.is_empty() {
            self.chassis.regulation.calendar().clone()
        } else {
            Calendar::from_toml(&first.calendar).map_err(|error| {
                let why = kefu_chassis::error::describe(&error);
                Error::field("calendar", wrong!(Form, "is no calendar: {why}", "不是有效的工作日历：“{why}”"))
            })?
        };
        Ok(Import { source: first.source.clone(), calendar })
    }

    async fn import_message(
        &self,
        call: &Call,
        import: &Import,
        message: pb::ImportRequestsRequest,
        result: &mut pb::ImportRequestsResponse,
    ) -> Result<(), Error> {
        let mut refused: HashMap<usize, Violation> = HashMap::new();
        if let Err(error) = call.check(&message) {
            let Error::Invalid(violations) = error else { return Err(error) };
            for violation in violations {
                let (index, field) =
                    row_field(&violation.field).ok_or_else(|| Error::Invalid(vec![violation.clone()]))?;
                refused.entry(index).or_insert_with(|| Violation::new(field, violation.wrong.clone()));
            }
        }
        let unknown_customers = store::unknown_customers(self.chassis.pool(), &message.rows).await?;
        let mut roots = Vec::with_capacity(message.rows.len());
        for (index, row) in message.rows.iter().enumerate() {
            match refused.remove(&index).map_or_else(|| to_row(call, import, &unknown_customers, row), Err) {
                Ok(root) => roots.push((root, row)),
                Err(violation) => reject(call, result, row, violation),
            }
        }
        self.store_import(call, import, roots, result).await
    }

    async fn store_import(
        &self,
        call: &Call,
        import: &Import,
        roots: Vec<(RequestRow, &pb::ImportedRequest)>,
        result: &mut pb::ImportRequestsResponse,
    ) -> Result<(), Error> {
        if roots.is_empty() {
            return Ok(());
        }
        self.chassis.keep_calendar(&import.calendar).await?;
        let mut work = self.chassis.begin(call).await?;
        let numbers = store::insert(work.connection(), &roots, self.chassis.regulation.calendar()).await?;
        for (mut root, row) in roots {
            let Some(number) = numbers.get(&root.id) else {
                result.known_count += 1;
                continue;
            };
            root.number.clone_from(number);
            result.imported_count += 1;
            let (duties, changes) = self.imported_duties(call, import, &root, row);
            let payload = pb::RequestImported { request: Some(root.show()) };
            let event = NewEvent::new(root.id().to_string(), root.version, call.now, &call.rule.clauses, &payload);
            work.record(event.with_duties(changes));
            for duty in duties {
                work.put(duty);
            }
        }
        work.commit(pb::ImportRequestsResponse::default()).await?;
        Ok(())
    }

    /// The duties of an imported request. A duty whose time the row lacks is stored as unrecorded, neither met nor
    /// breached.
    fn imported_duties(
        &self,
        call: &Call,
        import: &Import,
        root: &RequestRow,
        row: &pb::ImportedRequest,
    ) -> (Vec<Duty>, Vec<DutyChange>) {
        let time = |time: &Option<prost_types::Timestamp>| time.as_ref().and_then(from_proto);
        let regulation = &self.chassis.regulation;
        let subject = root.id().to_string();
        let opened_at = root.contact_at.to_jiff();
        let new_duty = |clause, kind| NewDuty {
            clause,
            kind,
            subject: subject.clone(),
            number: &root.number,
            owner: &root.owner,
            department: &root.department,
            regulation: regulation.version(),
            opened_at,
            now: call.now,
        };
        let ended = time(&row.closed_time);
        let answer_within = Term::Within(first_response(root.channel(), regulation));
        let classify_within = Term::Within(regulation.get(params::CLASSIFY_WITHIN));
        let mut terms = vec![
            (new_duty("C2.1", "first_response"), Some((answer_within, time(&row.first_response_time)))),
            (new_duty("C2.4", "classification"), Some((classify_within, time(&row.classified_time)))),
        ];
        if let Some(promised) = time(&row.promised_time) {
            // Closing the request in time keeps the promise; cancelling does not.
            terms.push((
                new_duty("C2.2", "promised_wait"),
                Some((Term::Until(promised), ended.filter(|_| root.state() == State::Closed))),
            ));
        }
        // A request that ended within the interval needed no progress report. For any other, the row does not say
        // whether there was one.
        let interval = import.calendar.due(opened_at, regulation.get(params::PROGRESS_EVERY));
        if ended.is_none_or(|ended| ended > interval.at) {
            terms.push((new_duty("C4.1", "progress"), None));
        }

        let mut duties = Vec::new();
        let mut changes = Vec::new();
        for (new, term) in terms {
            let (duty, mut change) = imported_duty(
                new,
                term,
                root.state() == State::Cancelled,
                ended,
                &call.caller.subject,
                &import.calendar,
            );
            duties.push(duty);
            changes.append(&mut change);
        }
        (duties, changes)
    }
}

/// The time allowed for an imported duty.
enum Term {
    Within(kefu_regulation::Budget),
    Until(Timestamp),
}

/// The duty of an imported request and its changes. The duty is met, voided with a cancelled request, or unrecorded.
fn imported_duty(
    new: NewDuty<'_>,
    term: Option<(Term, Option<Timestamp>)>,
    is_cancelled: bool,
    ended: Option<Timestamp>,
    by: &str,
    calendar: &Calendar,
) -> (Duty, Vec<DutyChange>) {
    match (term, ended) {
        (Some((term, Some(met_at))), _) => {
            let (mut duty, opened) = open_duty(new, &term, calendar);
            duty.imported = true;
            let met = duty.meet(met_at, met_at);
            (duty, std::iter::once(opened).chain(met).collect())
        }
        (Some((term @ Term::Until(_), None)), Some(ended)) if is_cancelled => {
            let (mut duty, opened) = open_duty(new, &term, calendar);
            duty.imported = true;
            let voided = duty.void(ended, ended, "A9.1", by);
            (duty, std::iter::once(opened).chain(voided).collect())
        }
        _ => {
            let (mut duty, change) = new.unrecorded(calendar);
            duty.imported = true;
            (duty, vec![change])
        }
    }
}

fn open_duty(new: NewDuty<'_>, term: &Term, calendar: &Calendar) -> (Duty, DutyChange) {
    match term {
        Term::Within(budget) => new.within(*budget, calendar),
        Term::Until(due) => new.until(*due, calendar),
    }
}

/// Splits `rows[3].external_id` into `3` and `external_id`.
fn row_field(path: &str) -> Option<(usize, &str)> {
    let (index, field) = path.strip_prefix("rows[")?.split_once("].")?;
    Some((index.parse().ok()?, field))
}

fn reject(call: &Call, result: &mut pb::ImportRequestsResponse, row: &pb::ImportedRequest, violation: Violation) {
    result.rejected_count += 1;
    if result.rejected_rows.len() < REJECTED_LISTED_AT_MOST {
        let message = kefu_proto::pool().get_message_by_name(&pb::ImportedRequest::full_name());
        let label = labels::of_path(message.as_ref(), &violation.field, call.language);
        let rejected = pb::RejectedRow {
            line: row.line,
            external_id: row.external_id.clone(),
            field: violation.field,
            reason: violation.wrong.text.en().to_owned(),
            rule: violation.wrong.rule.into(),
            message: call.language.sentence(&label, &violation.wrong),
        };
        result.rejected_rows.push(rejected);
    }
}

/// The request to store for a row. `unknown_customers` are the customer ids of the message that do not exist.
fn to_row(
    call: &Call,
    import: &Import,
    unknown_customers: &HashSet<Uuid>,
    row: &pb::ImportedRequest,
) -> Result<RequestRow, Violation> {
    let future = |time: &Option<prost_types::Timestamp>| time.as_ref().and_then(from_proto);
    let time = |past| future(past).map(|past| call.up_to_now(past).unwrap_or(past));
    let contact_at = time(&row.contact_time)
        .ok_or_else(|| Violation::new("contact_time", wrong!(Required, "is required", "必填")))?;
    let closed_at = time(&row.closed_time);
    let in_future = |field| Violation::new(field, wrong!(TooLate, "is in the future", "晚于现在"));
    let has_ended = matches!(row.state(), State::Closed | State::Cancelled);
    for (field, time) in [
        ("first_response_time", time(&row.first_response_time)),
        ("classified_time", time(&row.classified_time)),
        ("promised_time", future(&row.promised_time)),
        ("closed_time", closed_at),
        ("update_time", time(&row.update_time)),
    ] {
        if time.is_some_and(|time| time < contact_at) {
            return Err(Violation::new(field, wrong!(TooEarly, "is before contact_time", "早于客户联系时间")));
        }
        if field != "promised_time" && time.is_some_and(|time| time > call.now) {
            return Err(in_future(field));
        }
    }
    if contact_at > call.now {
        return Err(in_future("contact_time"));
    }
    let customer =
        reference::<Customer>(&row.customer).map_err(|_| Violation::new("customer", not_known()))?.map(Id::uuid);
    if customer.is_some_and(|customer| unknown_customers.contains(&customer)) {
        return Err(Violation::new("customer", not_known()));
    }
    let resolved = time(&row.closed_time).filter(|_| row.state() == State::Closed);
    Ok(RequestRow {
        channel: row.channel() as i16,
        kind: row.kind() as i16,
        customer,
        contact: serde_json::json!({ "postal_address": row.site_address }),
        description: row.description.clone(),
        business_domain: row.business_domain.clone(),
        problem_type: row.problem_type.clone(),
        problem_key: folded(&row.problem_type),
        first_responder: row.owner.clone(),
        owner: row.owner.clone(),
        department: row.department.clone(),
        state: row.state() as i16,
        origin: Origin::Import as i16,
        source: Some(import.source.clone()),
        external_id: Some(row.external_id.clone()),
        contact_at: sql::at(contact_at),
        first_response_at: time(&row.first_response_time).map(sql::at),
        promised_at: future(&row.promised_time).map(sql::at),
        resolved_at: resolved.map(sql::at),
        closed_at: closed_at.filter(|_| has_ended).map(sql::at),
        settled_at_once: false,
        ..RequestRow::blank(call.now)
    })
}
