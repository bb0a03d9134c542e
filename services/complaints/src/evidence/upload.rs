//! `UploadEvidence`: the content is checked as it comes and kept in a file without a name, which is gone with the call
//! whatever happens; only what is whole and just as stated is stored, in one transaction.

use std::error::Error as _;
use std::time::Duration;

use kefu_chassis::error::Violation;
use kefu_chassis::quota::QuotaSlot;
use kefu_chassis::{Call, Error, step};
use kefu_proto::complaints::v1 as pb;
use kefu_proto::complaints::v1::upload_evidence_request::Part;
use prost::Message as _;
use tokio::time::Instant;
use tonic::{Code, Status, Streaming};

use super::received::Received;
use super::{Evidences, digest, kind, name, readable};
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
        // It took its time to come: it is added now, by whoever may add it now.
        self.chassis.renew(call)?;
        let step = self.begin(call, &stated).await.map_err(of_the_first)?;
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
        let (mut step, evidence) = self.file(call, step, evidence).await?;
        received.store(step.change.connection(), &evidence.name).await?;
        let payload = pb::EvidenceAdded { state: step.state(), evidence: Some(evidence.clone()) };
        step.finish_with(&payload, evidence).await
    }

    /// Begins what `AddEvidence` does as well.
    async fn begin<'a>(&'a self, call: &'a Call, stated: &pb::UploadedEvidence) -> Result<Step<'a>, Error> {
        let step = Step::lock(&self.chassis, call, &stated.parent, stated.occurred_time.as_ref(), &[]).await?;
        let facts = step.facts();
        step.ready_for(Action::AddEvidence.label().method, &stated.parent, "", &facts).await
    }

    /// Takes what it is, and the content as long as it is what was stated. Who may not add it, or has added it, is told before
    /// they send it all; and only then it counts among those that come.
    async fn receive(
        &self,
        call: &mut Call,
        parts: Streaming<pb::UploadEvidenceRequest>,
    ) -> Result<(pb::UploadedEvidence, Received, QuotaSlot), Error> {
        let mut coming = Coming::new(parts, self.transfers.bounds.idle());
        let Some(Part::Evidence(stated)) = coming.next(call).await? else {
            return Err(Error::field("evidence", "is required in the first message"));
        };
        // The same words name the same content, by its digest.
        call.once(&stated.request_id, &stated.encode_to_vec());
        if self.chassis.has_answered(call, &stated.request_id).await? {
            return Err(Error::Repeated);
        }
        check(&stated)?;
        let mut connection = self.chassis.pool().acquire().await?;
        step::seen::<ComplaintRow>(&mut connection, call, &stated.parent).await?;
        drop(connection);
        let slot = self.transfers.uploads.take(&call.caller.subject)?;
        let mut received = Received::open().await?;
        while let Some(part) = coming.next(call).await? {
            let Part::Content(bytes) = part else {
                return Err(Error::field("evidence", "stands in the first message only"));
            };
            received.take(&bytes, &stated).await?;
        }
        received.finish(&stated).await?;
        Ok((stated, received, slot))
    }
}

/// What comes of an upload.
struct Coming {
    parts: Streaming<pb::UploadEvidenceRequest>,
    idle: Duration,
    /// When it is given up, unless something comes.
    until: Instant,
}

impl Coming {
    fn new(parts: Streaming<pb::UploadEvidenceRequest>, idle: Duration) -> Self {
        Self { parts, idle, until: Instant::now() + idle }
    }

    /// The next part; none when the stream has ended. A piece of nothing is no sign of life.
    async fn next(&mut self, call: &Call) -> Result<Option<Part>, Error> {
        let message = tokio::time::timeout_at(self.until, self.parts.message()).await.map_err(|_| Error::Deadline)?;
        let Some(message) = message.map_err(unread)? else { return Ok(None) };
        call.check(&message)?;
        let part = message.part.ok_or_else(|| Error::field("part", "is required in every message"))?;
        if !matches!(&part, Part::Content(bytes) if bytes.is_empty()) {
            self.until = Instant::now() + self.idle;
        }
        Ok(Some(part))
    }
}

/// Why a message was not read: it is none, or its sender is not there any more.
fn unread(status: Status) -> Error {
    let is_senders = matches!(status.code(), Code::Internal | Code::OutOfRange | Code::ResourceExhausted);
    // What the connection did has a cause; of what was sent the status itself says all.
    if is_senders && status.source().is_none() {
        Error::field("content", status.message())
    } else {
        Error::Away(status.into())
    }
}

/// Refuses what cannot be, before any content comes.
fn check(stated: &pb::UploadedEvidence) -> Result<(), Error> {
    digest("evidence.sha256", &stated.sha256)?;
    readable("evidence.source", &stated.source)?;
    readable("evidence.description", &stated.description)?;
    if let Some(wrong) = name::wrong_name(&stated.file_name) {
        return Err(Error::field("evidence.file_name", wrong));
    }
    if !kind::is_taken(&stated.media_type) {
        return Err(Error::field("evidence.media_type", "is none of those that are taken"));
    }
    let wrong = name::wrong_extension(&stated.file_name, &stated.media_type);
    wrong.map_or(Ok(()), |wrong| Err(Error::field("evidence.file_name", wrong)))
}

/// Fields that stand in the first message, as the contract has their paths.
fn of_the_first(error: Error) -> Error {
    let Error::Invalid(violations) = error else { return error };
    let within = |violation: Violation| Violation { field: format!("evidence.{}", violation.field), ..violation };
    Error::Invalid(violations.into_iter().map(within).collect())
}

#[cfg(test)]
mod tests {
    use kefu_proto::rules::v1::ErrorReason;

    use super::*;

    #[test]
    fn what_cannot_be_read_is_the_senders_fault_and_a_lost_connection_is_not() {
        for status in [Status::internal("no message"), Status::out_of_range("too long")] {
            assert_eq!(unread(status).reason(), ErrorReason::FieldInvalid);
        }
        let broken = std::io::Error::from(std::io::ErrorKind::BrokenPipe);
        for status in [Status::from_error(broken.into()), Status::cancelled("gone"), Status::unavailable("gone")] {
            assert_eq!(unread(status).reason(), ErrorReason::BackendAway);
        }
    }
}
