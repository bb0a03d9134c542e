//! Linked requests, and repeat contacts: requests of a customer who had to come again about the same matter (A2.8).

use jiff::Timestamp;
use kefu_chassis::duties::Deviation;
use kefu_chassis::journal::NewEvent;
use kefu_chassis::record::VersionedRow as _;
use kefu_chassis::search::folded;
use kefu_chassis::time::sql;
use kefu_chassis::wrong;
use kefu_chassis::{Call, Error, UnitOfWork};
use kefu_proto::intake::v1 as pb;
use kefu_proto::intake::v1::request::{Relation, State};
use kefu_regulation::params;
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use super::Requests;
use super::lifecycle::Action;
use super::row::{RequestRow, Step, requests};
use crate::shared::{Request, id, unknown};

/// Most requests that can be linked to one.
const LINKS: usize = 100;

impl Requests {
    pub(super) async fn link_requests(
        &self,
        call: &Call,
        request: pb::LinkRequestsRequest,
    ) -> Result<pb::Request, Error> {
        let other = id::<Request>(&request.other)?;
        let is_repeat = request.relation() == Relation::Repeat;
        // What repeats a repeat is counted on the first contact.
        let first = if is_repeat { first_contact(self.chassis.pool(), other.uuid()).await? } else { other.uuid() };
        let mut step = Step::begin_with(&self.chassis, call, &request, &both(other.uuid(), first)).await?;
        if step.root.id() == other {
            return Err(Error::field(
                "other",
                wrong!(Conflicting under "A2.8", "is the same request", "不能是该请求本身"),
            ));
        }
        let is_other = |row: &RequestRow| row.id == other.uuid();
        let at = step.others.iter().position(is_other).ok_or_else(|| unknown::<Request>(&request.other))?;
        let mut linked = step.others.swap_remove(at);
        if linked.customer != step.root.customer {
            return Err(Error::field(
                "other",
                wrong!(Conflicting under "A2.8", "is another customer's", "属于另一位客户"),
            ));
        }
        if is_repeat && linked.contact_at.to_jiff() > step.root.contact_at.to_jiff() {
            return Err(Error::field(
                "other",
                wrong!(Conflicting under "A2.8", "must be the earlier contact", "须是较早的一次联系"),
            ));
        }
        let interval = step.root.contact_at.to_jiff().duration_since(linked.contact_at.to_jiff());
        if is_repeat && interval > self.chassis.regulation.get(params::REPEAT_WITHIN).length {
            return Err(Error::field(
                "other",
                wrong!(TooEarly under "A2.8", "is too long ago for a repeat", "与本请求相隔过久，不算重复联系"),
            ));
        }
        if is_repeat && step.root.repeat_of.is_some_and(|known| known != linked.id && known != first) {
            return Err(Error::field(
                "other",
                wrong!(Conflicting under "A2.8", "is not the contact that the request repeats already", "与此前登记的重复联系不一致"),
            ));
        }
        if step.root.linked.len() >= LINKS || linked.linked.len() >= LINKS {
            return Err(Error::field(
                "other",
                wrong!(
                    TooMany,
                    "cannot be linked: as many requests as can be are linked already",
                    "不能再关联，关联数量已达上限"
                ),
            ));
        }
        let facts = step.facts();
        step.fire(Action::Link, &facts)?;
        let payload = pb::RequestsLinked { state: step.state(), other: request.other, relation: request.relation };
        if is_repeat && step.root.repeat_of.is_none() && first != step.root.id {
            let mut linked = step.others.pop().unwrap_or(linked);
            record_repeat(&mut step.work, call, &mut step.root, &mut linked, step.at).await?;
        } else {
            record_relation(&mut step.work, call, &mut step.root, &mut linked, step.at).await?;
        }
        step.finish(&payload).await
    }
}

/// Two ids, or one if they are the same.
fn both(one: Uuid, other: Uuid) -> Vec<Uuid> {
    if one == other { vec![one] } else { vec![one, other] }
}

/// Finds and locks the request that `root` repeats: the first contact of the customer's latest ones about the same project,
/// order or type of problem, within the time of clause A2.8 of each other. The name of the customer is held before the request
/// is locked, so that this waits for no merge with a request locked that the merge waits for.
pub async fn find_repeated(
    connection: &mut PgConnection,
    root: &RequestRow,
    regulation: &kefu_regulation::Regulation,
) -> Result<Option<RequestRow>, sqlx::Error> {
    let has_matter = root.project.is_some() || !root.order_key.is_empty() || !root.problem_key.is_empty();
    let Some(customer) = root.customer.filter(|_| has_matter) else { return Ok(None) };
    let at = root.contact_at.to_jiff();
    // Of contacts that come at once, the later ones see the first. The lock comes before the statement that looks, which sees
    // what was committed when it begins.
    sqlx::query_scalar!(
        r#"select pg_advisory_xact_lock(hashtextextended('kefu.intake.repeat.' || $1::text, 0))::text as turn"#,
        customer.to_string(),
    )
    .fetch_one(&mut *connection)
    .await?;
    requests!(
        "where id = (
            select coalesce(e.repeat_of, e.id)
            from (select intake.present_name('customers/' || $1::uuid) as name) as held, intake.request as e
            where e.customer = substr(held.name, 11)::uuid and e.contact_at > $2 and e.contact_at <= $3 and e.id <> $4
                and (e.project = $5 or e.order_key = $6 and $6 <> '' or e.problem_key = $7 and $7 <> '')
            order by e.contact_at desc, e.id desc limit 1
        ) for no key update",
        customer,
        sql::at(at - regulation.get(params::REPEAT_WITHIN).length),
        sql::at(at),
        root.id,
        root.project,
        root.order_key,
        root.problem_key,
    )
    .fetch_optional(connection)
    .await
}

/// Finds the request that a classification makes this one repeat: the first contact of the same customer's latest ones about
/// the same project, order or the type of problem now given, within the time of clause A2.8. None if it repeats one already.
pub async fn find_repeated_by_problem(
    pool: &PgPool,
    request: &pb::ClassifyRequestRequest,
    regulation: &kefu_regulation::Regulation,
) -> Result<Option<Uuid>, Error> {
    let within_us = kefu_chassis::time::micros(regulation.get(params::REPEAT_WITHIN).length);
    let earlier = sqlx::query_scalar!(
        r#"select coalesce(e.repeat_of, e.id) as "first!" from intake.request as r
        join intake.request as e on e.customer = r.customer and e.id <> r.id and e.contact_at <= r.contact_at
            and e.contact_at > r.contact_at - $2::bigint * interval '1 microsecond' and e.repeat_of is distinct from r.id
            and (e.project = r.project or e.order_key = r.order_key and r.order_key <> '' or e.problem_key = $3 and $3 <> '')
        where r.id = $1 and r.repeat_of is null
        order by e.contact_at desc, e.id desc limit 1"#,
        id::<Request>(&request.name)?.uuid(),
        within_us,
        folded(&request.problem_type),
    );
    Ok(earlier.fetch_optional(pool).await?)
}

/// The first contact about the matter of a request: the one that it repeats, or itself.
async fn first_contact(pool: &PgPool, request: Uuid) -> Result<Uuid, Error> {
    let first = sqlx::query_scalar!("select repeat_of from intake.request where id = $1", request);
    Ok(first.fetch_optional(pool).await?.flatten().unwrap_or(request))
}

/// Records that `root` repeats `earlier`: links both, raises the priority of both, and counts the repeat on
/// `earlier`, with an event for its owner.
pub async fn record_repeat(
    work: &mut UnitOfWork<'_>,
    call: &Call,
    root: &mut RequestRow,
    earlier: &mut RequestRow,
    at: Timestamp,
) -> Result<(), Error> {
    root.repeat_of = Some(earlier.id);
    root.raise_priority();
    earlier.repeat_contacts += 1;
    earlier.raise_priority();
    link_both(root, earlier);
    let payload = pb::RepeatContactRecorded {
        state: earlier.state().into(),
        repeated_by: root.id().to_string(),
        owner: earlier.owner.clone(),
        repeat_contacts: earlier.repeat_contacts,
        priority: earlier.priority.into(),
    };
    let event = store_other(work, call, earlier, |name, version| NewEvent::new(name, version, at, &["A2.8"], &payload));
    let event = event.await?;
    // A matter that we cancelled, and that has to be registered anew, was not dealt with.
    let is_ours = earlier.state() == State::Cancelled && earlier.cancelled_by.starts_with("staff/");
    let deviation = Deviation {
        clause: "A2.8",
        kind: if is_ours { "registered_again" } else { "repeat_contact" },
        subject: &earlier.id().to_string(),
        number: &earlier.number,
        owner: &earlier.owner,
        department: &earlier.department,
        at,
    };
    work.record_deviation(event, &deviation);
    Ok(())
}

/// Records that two requests are related.
async fn record_relation(
    work: &mut UnitOfWork<'_>,
    call: &Call,
    root: &mut RequestRow,
    other: &mut RequestRow,
    at: Timestamp,
) -> Result<(), Error> {
    link_both(root, other);
    let payload = pb::RequestsLinked {
        state: other.state().into(),
        other: root.id().to_string(),
        relation: Relation::Related.into(),
    };
    let event = store_other(work, call, other, |name, version| NewEvent::new(name, version, at, &["A2.8"], &payload));
    let event = event.await?;
    work.record(event);
    Ok(())
}

/// Adds each request to the other's links, of which there are no more than can be.
fn link_both(root: &mut RequestRow, other: &mut RequestRow) {
    let add = |linked: &mut Vec<Uuid>, id: Uuid| {
        if !linked.contains(&id) && linked.len() < LINKS {
            linked.push(id);
        }
    };
    add(&mut root.linked, other.id);
    add(&mut other.linked, root.id);
}

/// Stores the second request of a link, and returns its event.
async fn store_other(
    work: &mut UnitOfWork<'_>,
    call: &Call,
    other: &mut RequestRow,
    event: impl FnOnce(String, i64) -> NewEvent,
) -> Result<NewEvent, Error> {
    other.renew(other.version + 1, call.now);
    other.update(work.connection(), false).await?;
    Ok(event(other.id().to_string(), other.version))
}
