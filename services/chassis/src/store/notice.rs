//! Notifications in Postgres.

use jiff::Timestamp;
use uuid::Uuid;

use crate::base::names::Id;
use crate::model::event::NewEvent;
use crate::model::notice::NotificationResource;

/// Notifications, a column each.
#[derive(Default)]
pub(crate) struct NoticeColumns {
    pub id: Vec<Uuid>,
    pub event: Vec<Uuid>,
    pub recipient: Vec<String>,
    pub kind: Vec<String>,
    pub clause: Vec<String>,
    pub subject: Vec<String>,
    pub duty: Vec<Option<Uuid>>,
    pub english: Vec<String>,
    pub chinese: Vec<String>,
    pub required: Vec<bool>,
}

impl NoticeColumns {
    /// The notices of `events`, made at `now`. Who is no member of staff is told nothing.
    pub fn of(events: &mut [NewEvent], now: Timestamp) -> Self {
        let mut columns = Self::default();
        for event in events {
            let id = event.id;
            for notice in event.notices.drain(..).filter(|notice| notice.recipient.starts_with("staff/")) {
                columns.id.push(Id::<NotificationResource>::new(now).uuid());
                columns.event.push(id);
                columns.kind.push(notice.kind.code.to_owned());
                columns.english.push(notice.kind.english.replace("{}", &notice.about));
                columns.chinese.push(notice.kind.chinese.replace("{}", &notice.about));
                columns.recipient.push(notice.recipient);
                columns.clause.push(notice.clause);
                columns.subject.push(notice.subject);
                columns.duty.push(notice.duty.map(Id::uuid));
                columns.required.push(notice.acknowledgement_required);
            }
        }
        columns
    }
}
