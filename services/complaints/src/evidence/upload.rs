//! `UploadEvidence`: the content is checked as it comes and kept in a file without a name, which is gone with the call
//! whatever happens; only what is whole and just as stated is stored, in one transaction.

use kefu_chassis::error::Violation;
use kefu_chassis::{Call, Error};
use kefu_proto::complaints::v1 as pb;
use kefu_proto::complaints::v1::upload_evidence_request::Part;
use prost::Message as _;
use tonic::Streaming;

use super::received::Received;
use super::{Evidences, digest, kind};
use crate::complaint::store;

impl Evidences {
    pub(super) async fn upload(
        &self,
        call: &mut Call,
        mut parts: Streaming<pb::UploadEvidenceRequest>,
    ) -> Result<pb::Evidence, Error> {
        let _slot = self.1.slots.clone().try_acquire_owned().map_err(|_| Error::Overloaded)?;
        let whole = tokio::time::timeout(self.1.bounds.whole(), self.receive(call, &mut parts)).await;
        let (stated, mut received) = whole.map_err(|_| Error::Deadline)??;
        // It took its time to come: it is added now, by whoever may add it now.
        self.0.renew(call)?;
        // The same upload has the same content: its digest is checked by now.
        call.once(&stated.request_id, &stated.encode_to_vec());
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
        let step = self.begin(call, &stated.parent, stated.occurred_time.as_ref()).await.map_err(of_the_first)?;
        let (mut step, evidence) = self.file(call, step, evidence).await?;
        received.store(step.change.connection(), &evidence.name).await?;
        let payload = pb::EvidenceAdded { state: step.state(), evidence: Some(evidence.clone()) };
        step.finish_with(&payload, evidence).await
    }

    /// Takes what it is, and the content as long as it is what was stated.
    async fn receive(
        &self,
        call: &Call,
        parts: &mut Streaming<pb::UploadEvidenceRequest>,
    ) -> Result<(pb::UploadedEvidence, Received), Error> {
        let Some(Part::Evidence(stated)) = self.next(call, parts).await? else {
            return Err(Error::field("evidence", "is required in the first message"));
        };
        check(&stated)?;
        self.check_reach(call, &stated).await?;
        let mut received = Received::open().await?;
        while let Some(part) = self.next(call, parts).await? {
            let Part::Content(bytes) = part else {
                return Err(Error::field("evidence", "stands in the first message only"));
            };
            received.take(&bytes, &stated).await?;
        }
        received.finish(&stated).await?;
        Ok((stated, received))
    }

    /// Tells who may not add to a complaint before they send it all. A repetition is answered whatever has become of the
    /// complaint or of the caller's part in it, once its content is known to be the same.
    async fn check_reach(&self, call: &Call, stated: &pb::UploadedEvidence) -> Result<(), Error> {
        let mut connection = self.0.pool().acquire().await?;
        let seen = store::seen(&mut connection, call, &stated.parent).await;
        drop(connection);
        match seen {
            Err(_) if self.0.has_answered(call, &stated.request_id).await? => Ok(()),
            seen => seen.map(|_| ()),
        }
    }

    /// The next part; none when the stream has ended.
    async fn next(&self, call: &Call, parts: &mut Streaming<pb::UploadEvidenceRequest>) -> Result<Option<Part>, Error> {
        let message = tokio::time::timeout(self.1.bounds.idle(), parts.message()).await.map_err(|_| Error::Deadline)?;
        let Some(message) = message.map_err(|status| Error::field("content", status.message()))? else {
            return Ok(None);
        };
        call.check(&message)?;
        let part = message.part.ok_or_else(|| Error::field("part", "is required in every message"))?;
        Ok(Some(part))
    }
}

/// Refuses what cannot be, before any content comes.
fn check(stated: &pb::UploadedEvidence) -> Result<(), Error> {
    digest("evidence.sha256", &stated.sha256)?;
    if let Some(wrong) = kind::wrong_name(&stated.file_name) {
        return Err(Error::field("evidence.file_name", wrong));
    }
    if !kind::is_taken(&stated.media_type) {
        return Err(Error::field("evidence.media_type", "is none of those that are taken"));
    }
    Ok(())
}

/// Fields that stand in the first message, as the contract has their paths.
fn of_the_first(error: Error) -> Error {
    let Error::Invalid(violations) = error else { return error };
    let within = |violation: Violation| Violation { field: format!("evidence.{}", violation.field), ..violation };
    Error::Invalid(violations.into_iter().map(within).collect())
}
