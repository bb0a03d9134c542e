//! The rows of new notifications, made of the notices of events.

use jiff::Timestamp;
use uuid::Uuid;

use crate::base::names::Id;
use crate::model::event::NewEvent;
use crate::model::notice::{Notice, NotificationResource};
use crate::store::record::Columns;

/// The row of a new notification.
#[derive(Columns)]
pub(crate) struct NoticeRow {
    pub id: Uuid,
    pub event: Uuid,
    pub recipient: String,
    pub kind: String,
    pub clause: String,
    pub subject: String,
    pub number: String,
    pub duty: Option<Uuid>,
    pub english: String,
    pub chinese: String,
    pub required: bool,
}

impl NoticeRow {
    fn of(notice: Notice, event: Uuid, now: Timestamp) -> Self {
        Self {
            id: Id::<NotificationResource>::new(now).uuid(),
            event,
            kind: notice.kind.code.to_owned(),
            english: notice.kind.english.replace("{}", notice.about.en()),
            chinese: notice.kind.chinese.replace("{}", notice.about.zh()),
            recipient: notice.recipient,
            clause: notice.clause,
            subject: notice.subject,
            number: notice.number,
            duty: notice.duty.map(Id::uuid),
            required: notice.acknowledgement_required,
        }
    }
}

impl NoticeColumns {
    /// Takes the notices out of `events` and makes rows of those to staff, created at `now`; other recipients are left out.
    pub fn of(events: &mut [NewEvent], now: Timestamp) -> Self {
        let rows = events.iter_mut().flat_map(|event| {
            let id = event.id;
            let notices = event.notices.drain(..).filter(|notice| notice.recipient.starts_with("staff/"));
            notices.map(move |notice| NoticeRow::of(notice, id, now))
        });
        rows.collect()
    }
}
