//! Notifications to staff. Each is a row written in the transaction of its event, so none is lost, and none is sent for
//! an event that was rolled back; `kefu.notifications.v1` shows them.

use crate::base::language::Sentence;
use crate::base::names::{Id, Resource};
use crate::model::duty::DutyResource;

/// The resource kind of notifications.
#[derive(Debug)]
pub struct NotificationResource;

impl Resource for NotificationResource {
    const COLLECTION: &'static str = "notifications";
    const KIND: &'static str = "kefu/Notification";
}

/// One kind of notification: its code in the contract, and its text. `{}` stands for what the notice is about.
#[derive(Debug)]
pub struct NoticeKind {
    /// The code, e.g. `duty_overdue`.
    pub code: &'static str,
    /// The text in English.
    pub english: &'static str,
    /// The text in Chinese.
    pub chinese: &'static str,
}

/// A notification to be written.
#[derive(Clone, Debug)]
pub struct Notice {
    /// The kind.
    pub kind: &'static NoticeKind,
    /// The recipient, `staff/…`.
    pub recipient: String,
    /// The clause that demands the notification.
    pub clause: String,
    /// The subject: the resource that the notification is about.
    pub subject: String,
    /// What people call the subject, e.g. its number; never personal data.
    pub number: String,
    /// What the text names: the number, or what else tells the recipient what it is about.
    pub about: Sentence,
    /// The duty that the notification is about, or that its acknowledgement fulfils.
    pub duty: Option<Id<DutyResource>>,
    /// Whether the recipient has to acknowledge the notification.
    pub acknowledgement_required: bool,
}

impl Notice {
    /// Creates a notice about a subject that people call by its number, without a duty, that nobody has to acknowledge.
    #[must_use]
    pub fn about(kind: &'static NoticeKind, clause: &str, recipient: &str, subject: String, number: &str) -> Self {
        Self {
            kind,
            recipient: recipient.to_owned(),
            clause: clause.to_owned(),
            subject,
            number: number.to_owned(),
            about: number.into(),
            duty: None,
            acknowledgement_required: false,
        }
    }
}
