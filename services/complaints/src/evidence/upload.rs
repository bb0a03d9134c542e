//! `UploadEvidence`: checks the content as it arrives and keeps it in an unnamed file, deleted when the call ends.
//! Complete content that is as stated is stored in one transaction.

use std::error::Error as _;
use std::time::Duration;

use kefu_chassis::quota::QuotaSlot;
use kefu_chassis::wrong;
use kefu_chassis::{Call, Error, step};
use kefu_proto::complaints::v1 as pb;
use kefu_proto::complaints::v1::upload_evidence_request::Part;
use prost::Message as _;
use tokio::time::Instant;
use tonic::{Code, Status, Streaming};

use super::received::Received;
use super::{Evidences, check_readable, kind, name};
use crate::complaint::lifecycle::Action;
use crate::complaint::row::{ComplaintRow, Step};

impl Evidences {
    pub(super) async fn upload_evidence(
        &self,
        call: &mut Call,
        parts: Streaming<pb::UploadEvidenceRequest>,
    ) -> Result<pb::Evidence, Error> {
        let whole = tokio::time::timeout(self.transfers.bounds.whole(), self.receive(call, parts)).await;
        let (stated, mut received, _slot) = whole.map_err(|_| Error::Deadline)??;
        // The upload took time: the call's time and rights are determined anew.
        self.chassis.renew(call)?;
        let step = self.begin_step(call, &stated).await.map_err(within_evidence)?;
        let evidence = pb::Evidence {
            kind: stated.kind,
            source: stated.source,
            description: stated.description,
            file_name: stated.file_name,
            media_type: stated.media_type,
            size_bytes: stated.size_bytes,
            sha256: stated.sha256,
            ..pb::Evidence::default()
        };
        let (mut step, evidence) = self.add_to_file(call, step, evidence).await?;
        received.store(step.work.connection(), &evidence.name).await?;
        let payload = pb::EvidenceAdded { state: step.state(), evidence: Some(evidence.clone()) };
        step.finish_with(&payload, evidence).await
    }

    /// Begins the same step as `AddEvidence`.
    async fn begin_step<'a>(&'a self, call: &'a Call, stated: &pb::UploadedEvidence) -> Result<Step<'a>, Error> {
        let step = Step::lock(&self.chassis, call, &stated.parent, stated.occurred_time.as_ref(), &[]).await?;
        let facts = step.facts();
        step.ready_for(Action::AddEvidence.label().method, &stated.parent, "", &facts).await
    }

    /// Receives the description, then the content, and checks both. A caller who may not see the complaint, or whose
    /// call is a repetition, is stopped before the content is received and without taking a slot.
    async fn receive(
        &self,
        call: &mut Call,
        parts: Streaming<pb::UploadEvidenceRequest>,
    ) -> Result<(pb::UploadedEvidence, Received, QuotaSlot), Error> {
        let mut messages = Messages::new(parts, self.transfers.bounds.idle());
        let Some(Part::Evidence(stated)) = messages.next(call).await? else {
            return Err(Error::field(
                "evidence",
                wrong!(Required, "is required in the first message", "须在第一条消息中填写"),
            ));
        };
        // The digest in the description identifies the content, so a repeated description is a repeated call.
        call.once(&stated.request_id, &stated.encode_to_vec());
        if self.chassis.has_answered(call, &stated.request_id).await? {
            return Err(Error::Repeated);
        }
        check_description(&stated)?;
        let mut connection = self.chassis.pool().acquire().await?;
        step::seen::<ComplaintRow>(&self.chassis, &mut connection, call, &stated.parent).await?;
        drop(connection);
        let slot = self.transfers.uploads.take(&call.caller.subject)?;
        let mut received = Received::open().await?;
        while let Some(part) = messages.next(call).await? {
            let Part::Content(bytes) = part else {
                return Err(Error::field(
                    "evidence",
                    wrong!(OutOfPlace, "stands in the first message only", "只能出现在第一条消息中"),
                ));
            };
            received.take(&bytes, &stated).await?;
        }
        received.finish(&stated).await?;
        Ok((stated, received, slot))
    }
}

/// The messages of an upload.
struct Messages {
    parts: Streaming<pb::UploadEvidenceRequest>,
    idle: Duration,
    /// Time at which the upload is abandoned unless more bytes arrive.
    until: Instant,
}

impl Messages {
    fn new(parts: Streaming<pb::UploadEvidenceRequest>, idle: Duration) -> Self {
        Self { parts, idle, until: Instant::now() + idle }
    }

    /// The next part; none when the stream has ended. An empty piece does not extend the time.
    async fn next(&mut self, call: &Call) -> Result<Option<Part>, Error> {
        let message = tokio::time::timeout_at(self.until, self.parts.message()).await.map_err(|_| Error::Deadline)?;
        let Some(message) = message.map_err(read_error)? else { return Ok(None) };
        call.check(&message)?;
        let part = message.part.ok_or_else(|| {
            Error::field("part", wrong!(Required, "is required in every message", "每条消息都须填写"))
        })?;
        if !matches!(&part, Part::Content(bytes) if bytes.is_empty()) {
            self.until = Instant::now() + self.idle;
        }
        Ok(Some(part))
    }
}

/// The error for a message that could not be read: invalid content, or a lost connection.
fn read_error(status: Status) -> Error {
    let is_senders = matches!(status.code(), Code::Internal | Code::OutOfRange | Code::ResourceExhausted);
    // A failure of the connection carries a source error; invalid content has only the status.
    if is_senders && status.source().is_none() {
        let why = status.message();
        Error::field("content", wrong!(Unreadable, "cannot be read: {why}", "无法读取：“{why}”"))
    } else {
        Error::Away(status.into())
    }
}

/// Checks the description, before any content is received.
fn check_description(stated: &pb::UploadedEvidence) -> Result<(), Error> {
    check_readable("evidence.source", &stated.source)?;
    check_readable("evidence.description", &stated.description)?;
    if let Some(wrong) = name::name_fault(&stated.file_name) {
        return Err(Error::field("evidence.file_name", wrong));
    }
    if !kind::is_accepted(&stated.media_type) {
        return Err(Error::field(
            "evidence.media_type",
            wrong!(NotAccepted, "is none of those that are taken", "不在可接受的类型之内"),
        ));
    }
    let wrong = name::extension_fault(&stated.file_name, &stated.media_type);
    wrong.map_or(Ok(()), |wrong| Err(Error::field("evidence.file_name", wrong)))
}

/// Prefixes field paths with `evidence.`, the field of the first message that contains them.
fn within_evidence(error: Error) -> Error {
    let Error::Invalid(violations) = error else { return error };
    Error::Invalid(violations.into_iter().map(|violation| violation.below("evidence")).collect())
}

#[cfg(test)]
mod tests {
    use kefu_proto::rules::v1::ErrorReason;

    use super::*;

    #[test]
    fn what_cannot_be_read_is_the_senders_fault_and_a_lost_connection_is_not() {
        for status in [Status::internal("no message"), Status::out_of_range("too long")] {
            assert_eq!(read_error(status).reason(), ErrorReason::FieldInvalid);
        }
        let broken = std::io::Error::from(std::io::ErrorKind::BrokenPipe);
        for status in [Status::from_error(broken.into()), Status::cancelled("gone"), Status::unavailable("gone")] {
            assert_eq!(read_error(status).reason(), ErrorReason::BackendAway);
        }
    }
}
