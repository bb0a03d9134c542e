//! `kefu.notifications.v1.NotificationService`, the same in every service: callers see their own notifications only.

use std::sync::Arc;

use futures::StreamExt as _;
use jiff_sqlx::Timestamp as SqlTime;
use kefu_proto::events::v1::Event;
use kefu_proto::notifications::v1 as pb;
use uuid::Uuid;

use crate::base::error::Error;
use crate::base::language::Language;
use crate::base::names::{Id, unknown};
use crate::base::time::{sql, to_proto};
use crate::contract::call::{Answers, Call, check_etag, etag};
use crate::contract::paging::Page;
use crate::model::duty::DutyResource;
use crate::model::event::NewEvent;
use crate::model::notice::NotificationResource;
use crate::serve::watch::{Watch, Watched};
use crate::store::duty as store;
use crate::store::record::Record;
use crate::work::chassis::Chassis;

/// The methods of a service's notifications.
#[derive(Clone, Debug)]
pub struct Notifications {
    /// The chassis of the service.
    pub chassis: Arc<Chassis>,
}

/// A notification as it is stored.
#[derive(Debug, Record)]
#[record(table = "notification", query = notifications, read_only)]
struct NotificationRow {
    id: Uuid,
    event: Uuid,
    recipient: String,
    kind: String,
    clause: String,
    subject: String,
    number: String,
    duty: Option<Uuid>,
    text_en: String,
    text_zh: String,
    acknowledgement_required: bool,
    acknowledged_at: Option<SqlTime>,
    created_at: SqlTime,
}

kefu_proto::serve_notification_service!(Notifications);

impl NotificationRow {
    /// Returns the etag: a notification changes once, when it is acknowledged.
    fn etag(&self) -> String {
        etag(if self.acknowledged_at.is_some() { 2 } else { 1 })
    }
}

impl Notifications {
    async fn list_notifications(
        &self,
        call: &Call,
        request: pb::ListNotificationsRequest,
    ) -> Result<pb::ListNotificationsResponse, Error> {
        self.chassis.check_parent(&request.parent)?;
        let page: Page<Id<NotificationResource>> = Page::of(call, &request)?;
        let (recipient, after) = (&call.caller.subject, page.after.map(Id::uuid));
        // Two queries, so that unacknowledged notifications are found by their own index.
        let rows = if request.unacknowledged {
            let rows = notifications!(
                "where recipient = $1 and ($2::uuid is null or id < $2) and acknowledged_at is null
                order by id desc limit $3",
                recipient,
                after,
                page.limit
            );
            rows.fetch_all(self.chassis.pool()).await?
        } else {
            let rows = notifications!(
                "where recipient = $1 and ($2::uuid is null or id < $2) order by id desc limit $3",
                recipient,
                after,
                page.limit
            );
            rows.fetch_all(self.chassis.pool()).await?
        };
        let shown = rows.into_iter().map(|row| (Id::from_uuid(row.id), self.show(row, call.language)));
        let (notifications, next_page_token) = page.fill(shown);
        Ok(pb::ListNotificationsResponse { notifications, next_page_token })
    }

    async fn get_notification(
        &self,
        call: &Call,
        request: pb::GetNotificationRequest,
    ) -> Result<pb::Notification, Error> {
        let id = self.chassis.id_of::<NotificationResource>(&request.name)?;
        let row = notifications!("where id = $1 and recipient = $2", id.uuid(), call.caller.subject);
        let row = row.fetch_optional(self.chassis.pool()).await?;
        row.map(|row| self.show(row, call.language)).ok_or_else(|| unknown::<NotificationResource>(&request.name))
    }

    async fn acknowledge_notification(
        &self,
        call: &Call,
        request: pb::AcknowledgeNotificationRequest,
    ) -> Result<pb::Notification, Error> {
        let id = self.chassis.id_of::<NotificationResource>(&request.name)?;
        let mut work = self.chassis.begin(call).await?;
        let row = notifications!("where id = $1 and recipient = $2 for no key update", id.uuid(), call.caller.subject);
        let row = row.fetch_optional(work.connection()).await?;
        let mut row = row.ok_or_else(|| unknown::<NotificationResource>(&request.name))?;
        check_etag(&request.etag, &row.etag(), &request.name)?;
        if row.acknowledged_at.is_some() {
            return work.commit(self.show(row, call.language)).await;
        }
        row.acknowledged_at = Some(sql::at(call.now));
        // What the duty of the notice was told to others with is settled too. A notice that is being acknowledged is skipped.
        sqlx::query!(
            "update notification set acknowledged_at = $2 where id = $1 or id in (
                select id from notification where duty = $3 and acknowledgement_required and acknowledged_at is null
                for no key update skip locked)",
            row.id,
            sql::at(call.now) as _,
            row.duty.filter(|_| row.acknowledgement_required),
        )
        .execute(work.connection())
        .await?;
        let payload =
            pb::NotificationAcknowledged { notification: self.chassis.name_of(&id), subject: row.subject.clone() };
        let mut event = NewEvent::new(self.chassis.name_of(&id), 2, call.now, &[&row.clause], &payload);
        if let Some(duty) = row.duty.filter(|_| row.acknowledgement_required) {
            let duty = store::lock(work.connection(), &self.chassis.calendars, Id::from_uuid(duty)).await?;
            if let Some(mut duty) = duty.filter(crate::model::duty::Duty::is_live) {
                let met = duty.meet(call.now, call.now);
                event = event.correcting(duty.take_corrected()).with_duties(met);
                work.put(duty);
            }
        }
        work.record(event);
        work.commit(self.show(row, call.language)).await
    }

    async fn watch_notifications(
        &self,
        call: Call,
        request: pb::WatchNotificationsRequest,
    ) -> Result<Answers<pb::WatchNotificationsResponse>, Error> {
        self.chassis.check_parent(&request.parent)?;
        let (recipient, language) = (call.caller.subject.clone(), call.language);
        let watch = Watch::begin(&self.chassis, call, &request).await?;
        let this = self.clone();
        let stream = watch.run(move |events| {
            let (this, recipient) = (this.clone(), recipient.clone());
            async move { this.notified(&recipient, language, &events).await }
        });
        Ok(Box::pin(stream.map(|step| {
            let Watched { item, resume_token } = step?;
            Ok(pb::WatchNotificationsResponse { notification: item, resume_token })
        })))
    }

    /// Returns the notifications of `recipient` that came with some events, each with the position of its event.
    async fn notified(
        &self,
        recipient: &str,
        language: Language,
        events: &[Event],
    ) -> Result<Vec<(i64, pb::Notification)>, Error> {
        let ids: Vec<Uuid> = events.iter().filter_map(|event| Uuid::try_parse(&event.event_id).ok()).collect();
        let rows = notifications!("where event = any($1) and recipient = $2 order by id", &ids, recipient);
        let rows = rows.fetch_all(self.chassis.pool()).await?;
        let position = |row: &NotificationRow| {
            events.iter().find(|event| event.event_id == row.event.to_string()).map_or(0, |event| event.position)
        };
        let mut notified: Vec<_> = rows.into_iter().map(|row| (position(&row), self.show(row, language))).collect();
        notified.sort_by_key(|(position, _)| *position);
        Ok(notified)
    }

    fn show(&self, row: NotificationRow, language: Language) -> pb::Notification {
        pb::Notification {
            etag: row.etag(),
            name: self.chassis.name_of(&Id::<NotificationResource>::from_uuid(row.id)),
            recipient: row.recipient,
            kind: row.kind,
            clause: row.clause,
            subject: row.subject,
            number: row.number,
            duty: row.duty.map(|id| self.chassis.name_of(&Id::<DutyResource>::from_uuid(id))).unwrap_or_default(),
            text: if language == Language::Chinese { row.text_zh } else { row.text_en },
            acknowledgement_required: row.acknowledgement_required,
            acknowledge_time: sql::read(row.acknowledged_at).map(to_proto),
            create_time: Some(to_proto(row.created_at.to_jiff())),
        }
    }
}
