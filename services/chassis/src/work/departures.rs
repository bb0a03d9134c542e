//! Departures: when somebody leaves or falls ill, whoever is in charge of their matters is told at once how many they leave
//! open, so that these are given to others before anybody waits for an answer.

use jiff::{SignedDuration, Timestamp};
use kefu_proto::directory::v1 as pb;
use kefu_proto::events::v1::Event;
use kefu_proto::notifications::v1::MattersLeft;
use prost::{Message as _, Name as _};
use sqlx::PgConnection;

use crate::base::error::Error;
use crate::base::language::Sentence;
use crate::base::names::parent;
use crate::base::time::{from_proto, sql};
use crate::model::event::NewEvent;
use crate::model::notice::{Notice, NoticeKind};
use crate::model::organisation::{Organisation, in_charge};
use crate::store::batch::Batch;
use crate::work::chassis::Chassis;

static MATTERS_LEFT: NoticeKind =
    NoticeKind { code: "matters_left", english: "{}: reassign them.", chinese: "{}，请重新指派。" };
/// The clause under which open matters of somebody who is missing are handed on.
const CLAUSE: &str = "A2.4";

/// How long nobody is told again that the same person is missing.
const TOLD_ONCE_IN: SignedDuration = SignedDuration::from_hours(1);

/// Tells those in charge of a departure or an absence that an event of the directory reports, if matters are left open.
pub async fn tell(chassis: &Chassis, connection: &mut PgConnection, event: &Event) -> Result<(), Error> {
    let now = chassis.clock.now();
    let Some((staff, called)) = missing(event, now)? else { return Ok(()) };
    // Several absences of one person, or one recorded by several, are told of once.
    let known = sqlx::query_scalar!(
        r#"select exists(select from notification where kind = 'matters_left' and subject = $1 and created_at > $2) as "told!""#,
        staff,
        sql::at(now.checked_sub(TOLD_ONCE_IN).unwrap_or(Timestamp::MIN)) as _,
    );
    if known.fetch_one(&mut *connection).await? {
        return Ok(());
    }
    let left = sqlx::query!(
        r#"select department, count(distinct subject) as "matters!" from duty
        where owner = $1 and state in (1, 2) group by department order by department"#,
        staff
    );
    let left = left.fetch_all(&mut *connection).await?;
    let known = chassis.directory.now();
    let events: Vec<NewEvent> = left
        .into_iter()
        .filter_map(|row| {
            let recipient = in_charge_without(&known, &staff, &row.department, now)?.to_owned();
            let matters = row.matters;
            let about = Sentence::new(
                format!("{matters} open {} of {called}", if matters == 1 { "matter" } else { "matters" }),
                format!("“{called}”有{matters}件事项尚未办结"),
            );
            let payload = MattersLeft { staff: staff.clone(), department: row.department, matters };
            let notice = Notice {
                kind: &MATTERS_LEFT,
                recipient,
                clause: CLAUSE.to_owned(),
                subject: staff.clone(),
                number: String::new(),
                about,
                duty: None,
                acknowledgement_required: false,
            };
            Some(NewEvent::new(staff.clone(), event.position, now, &[CLAUSE], &payload).telling([notice]))
        })
        .collect();
    if events.is_empty() {
        return Ok(());
    }
    let (actor, regulation) = (chassis.service.as_str(), chassis.regulation.version());
    Batch { actor, now, regulation, events, duties: Vec::new(), reply: None }.write(connection).await?;
    Ok(())
}

/// Returns who left or is absent by an event, and what people call them; none if the event says nothing of the kind, or of an
/// absence that is over.
fn missing(event: &Event, now: Timestamp) -> Result<Option<(String, String)>, Error> {
    let Some(payload) = &event.payload else { return Ok(None) };
    let kind = payload.type_url.rsplit('/').next().unwrap_or_default();
    let bytes = payload.value.as_slice();
    if kind == pb::StaffUpdated::full_name() {
        let updated = pb::StaffUpdated::decode(bytes).map_err(Error::unexpected)?;
        let has_left = updated.changed_fields.iter().any(|field| field == "inactive");
        let staff = updated.staff.filter(|staff| has_left && staff.inactive).unwrap_or_default();
        return Ok((!staff.name.is_empty()).then_some((staff.name, staff.display_name)));
    }
    if kind == pb::AbsenceRecorded::full_name() {
        let absence = pb::AbsenceRecorded::decode(bytes).map_err(Error::unexpected)?.absence.unwrap_or_default();
        let is_over = absence.end_time.as_ref().and_then(from_proto).is_none_or(|end| end <= now);
        let staff = parent(&absence.name).unwrap_or_default().to_owned();
        return Ok((!is_over && !staff.is_empty()).then(|| (staff.clone(), staff)));
    }
    Ok(None)
}

/// Returns who is in charge of a department while `staff` is missing: its head or a deputy who is present, or else the
/// supervisor of `staff`.
fn in_charge_without<'a>(known: &'a Organisation, staff: &str, department: &str, now: Timestamp) -> Option<&'a str> {
    let is_there = |name: &str| name != staff && known.is_present(name, now);
    let found = known.department(department).and_then(|found| in_charge(&found.head, &found.deputies, "", is_there));
    found.map(|(name, _)| name).or_else(|| known.supervisor_of(staff).filter(|name| is_there(name)))
}
