//! Notifications: what a service has to tell somebody of the staff. They are rows written with the event that they come
//! from, so none is lost and none comes for what never happened; `kefu.notifications.v1` shows them.

use crate::base::names::{Id, Resource};
use crate::model::duty::DutyResource;

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
    pub code: &'static str,
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
