//! Notifications: what a service has to tell somebody of the staff. They are rows written with the event that they come
//! from, so none is lost and none comes for what never happened; `kefu.notifications.v1` shows them.

use jiff::Timestamp;
use uuid::Uuid;

use crate::duties::DutyResource;
use crate::journal::NewEvent;
use crate::names::{Id, Resource};

pub(crate) mod api;

/// The resource kind of notifications.
#[derive(Debug)]
pub struct NotificationResource;

impl Resource for NotificationResource {
    const COLLECTION: &'static str = "notifications";
    const KIND: &'static str = "kefu/Notification";
}

/// One kind of notification: its word in the contract, and what it says. `{}` stands for what it is about.
#[derive(Debug)]
pub struct NoticeKind {
    /// The word, e.g. `duty_overdue`.
    pub word: &'static str,
    /// In English.
    pub english: &'static str,
    /// In Chinese.
    pub chinese: &'static str,
}

/// Something that somebody has to know.
#[derive(Clone, Debug)]
pub struct Notice {
    /// What kind it is.
    pub kind: &'static NoticeKind,
    /// To whom.
    pub recipient: String,
    /// The clause it comes from.
    pub clause: String,
    /// The resource it is about.
    pub subject: String,
    /// That resource as people call it, e.g. by its number; nothing personal.
    pub about: String,
    /// The duty it is about, or that an acknowledgement fulfils.
    pub duty: Option<Id<DutyResource>>,
    /// Whether somebody waits for the acknowledgement.
    pub acknowledgement_required: bool,
}

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
                columns.kind.push(notice.kind.word.to_owned());
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
