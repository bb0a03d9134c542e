//! `UploadEvidence`: the content is checked as it comes and kept in a file without a name, which is gone with the call
//! whatever happens; only what is whole and just as stated is stored, in one transaction.

use std::io::SeekFrom;
use std::time::Duration;

use kefu_chassis::{Call, Error};
use kefu_proto::complaints::v1 as pb;
use kefu_proto::complaints::v1::upload_evidence_request::Part;
use prost::Message as _;
use sha2::{Digest as _, Sha256};
use sqlx::PgConnection;
use tokio::fs::File;
use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _, AsyncWriteExt as _};
use tonic::Streaming;

use super::{Evidences, digest, kind};
use crate::complaint::store;
use crate::shared::Evidence;

/// The next message has to come in this time.
const IDLE: Duration = Duration::from_secs(20);
/// How much of the beginning says what a file is.
const BEGINNING: usize = 8 * 1024;
/// How large the pieces are that it is stored in.
const PIECE: usize = 256 * 1024;

/// What has come of a content, checked so far.
struct Received {
    file: File,
    digest: Sha256,
    size: i64,
    beginning: Vec<u8>,
    is_known: bool,
    /// What is left of a character that is not whole yet.
    carried: Vec<u8>,
}

impl Evidences {
    pub(super) async fn upload(
        &self,
        call: &mut Call,
        mut parts: Streaming<pb::UploadEvidenceRequest>,
    ) -> Result<pb::Evidence, Error> {
        let _slot = self.1.clone().try_acquire_owned().map_err(|_| Error::Overloaded)?;
        let Some(Part::Evidence(stated)) = next(call, &mut parts).await? else {
            return Err(Error::field("evidence", "is required in the first message"));
        };
        check(&stated)?;
        // Who may not add to it is told before they send it all.
        let mut connection = self.0.pool().acquire().await?;
        store::seen(&mut connection, call, &stated.parent).await?;
        drop(connection);
        let mut received = receive(call, &mut parts, &stated).await?;
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
        let step = self.begin(call, &stated.parent, stated.occurred_time.as_ref()).await?;
        let (mut step, evidence) = self.file(call, step, evidence).await?;
        received.store(step.change.connection(), &evidence.name).await?;
        let payload = pb::EvidenceAdded { state: step.state(), evidence: Some(evidence.clone()) };
        step.finish_with(&payload, evidence).await
    }
}

/// Refuses what cannot be, before any content comes.
fn check(stated: &pb::UploadedEvidence) -> Result<(), Error> {
    digest("evidence.sha256", stated.sha256.clone())?;
    if let Some(wrong) = kind::wrong_name(&stated.file_name) {
        return Err(Error::field("evidence.file_name", wrong));
    }
    if !kind::is_taken(&stated.media_type) {
        return Err(Error::field("evidence.media_type", "is none of those that are taken"));
    }
    Ok(())
}

/// The next part; none when the stream has ended.
async fn next(call: &Call, parts: &mut Streaming<pb::UploadEvidenceRequest>) -> Result<Option<Part>, Error> {
    let message = tokio::time::timeout(IDLE, parts.message()).await.map_err(|_| Error::Deadline)?;
    let Some(message) = message.map_err(|status| Error::field("content", status.message()))? else { return Ok(None) };
    call.check(&message)?;
    Ok(message.part)
}

/// Takes the content, as long as it is what was stated.
async fn receive(
    call: &Call,
    parts: &mut Streaming<pb::UploadEvidenceRequest>,
    stated: &pb::UploadedEvidence,
) -> Result<Received, Error> {
    let file = tokio::task::spawn_blocking(tempfile::tempfile).await.map_err(Error::unexpected)?;
    let mut received = Received {
        file: File::from_std(file.map_err(Error::unexpected)?),
        digest: Sha256::new(),
        size: 0,
        beginning: Vec::new(),
        is_known: false,
        carried: Vec::new(),
    };
    while let Some(part) = next(call, parts).await? {
        let Part::Content(bytes) = part else {
            return Err(Error::field("evidence", "stands in the first message only"));
        };
        received.take(&bytes, stated).await?;
    }
    received.finish(stated).await?;
    Ok(received)
}

impl Received {
    async fn take(&mut self, bytes: &[u8], stated: &pb::UploadedEvidence) -> Result<(), Error> {
        self.size += i64::try_from(bytes.len()).unwrap_or(i64::MAX);
        if self.size > stated.size_bytes {
            return Err(Error::field("evidence.size_bytes", "is less than what came"));
        }
        if kind::is_text(&stated.media_type) && !kind::carries_on_text(&mut self.carried, bytes) {
            return Err(Error::field("evidence.media_type", "is text, and the content is no text in UTF-8"));
        }
        if !self.is_known {
            let wanted = BEGINNING - self.beginning.len();
            self.beginning.extend_from_slice(&bytes[..bytes.len().min(wanted)]);
            if self.beginning.len() == BEGINNING {
                self.recognise(&stated.media_type)?;
            }
        }
        self.digest.update(bytes);
        self.file.write_all(bytes).await.map_err(Error::unexpected)
    }

    /// Refuses a content that begins as something else than was stated.
    fn recognise(&mut self, media_type: &str) -> Result<(), Error> {
        self.is_known = true;
        if kind::begins_as(media_type, &self.beginning) {
            return Ok(());
        }
        Err(Error::field("evidence.media_type", "is not what the content is"))
    }

    async fn finish(&mut self, stated: &pb::UploadedEvidence) -> Result<(), Error> {
        if self.size < stated.size_bytes {
            return Err(Error::field("evidence.size_bytes", "is more than what came: the content ends too early"));
        }
        if !self.is_known {
            self.recognise(&stated.media_type)?;
        }
        if !self.carried.is_empty() {
            return Err(Error::field("evidence.media_type", "is text, and the content ends within a character"));
        }
        if std::mem::take(&mut self.digest).finalize()[..] != stated.sha256 {
            return Err(Error::field("evidence.sha256", "is not that of the content"));
        }
        self.file.flush().await.map_err(Error::unexpected)
    }

    /// Stores the content, piece by piece.
    async fn store(&mut self, connection: &mut PgConnection, name: &str) -> Result<(), Error> {
        let evidence = kefu_chassis::names::id::<Evidence>(name)?.uuid();
        self.file.seek(SeekFrom::Start(0)).await.map_err(Error::unexpected)?;
        for ordinal in 0.. {
            let mut piece = Vec::with_capacity(PIECE);
            let limit = u64::try_from(PIECE).unwrap_or(u64::MAX);
            (&mut self.file).take(limit).read_to_end(&mut piece).await.map_err(Error::unexpected)?;
            if piece.is_empty() {
                break;
            }
            sqlx::query!(
                "insert into complaints.evidence_content (evidence, ordinal, bytes) values ($1, $2, $3)",
                evidence,
                ordinal,
                piece
            )
            .execute(&mut *connection)
            .await?;
        }
        Ok(())
    }
}
