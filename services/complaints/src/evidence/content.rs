//! `GetEvidenceContent`: the content, piece by piece, to those allowed. A slow reader holds no connection.

use async_stream::try_stream;
use futures::Stream;
use kefu_chassis::names::id;
use kefu_chassis::{Call, Error};
use kefu_proto::complaints::v1 as pb;
use sha2::{Digest as _, Sha256};
use tonic::Status;

use super::{Evidences, seen};
use crate::shared::Evidence;

impl Evidences {
    pub(super) async fn content(
        &self,
        call: &Call,
        name: &str,
    ) -> Result<impl Stream<Item = Result<pb::GetEvidenceContentResponse, Status>> + Send + use<>, Error> {
        let mut connection = self.0.pool().acquire().await?;
        let evidence = seen(&mut connection, call, name).await?;
        if !evidence.uri.is_empty() {
            return Err(Error::field("name", "is a link: its content is not kept here"));
        }
        let (id, slot) = (id::<Evidence>(name)?.uuid(), self.0.stream_slot()?);
        let (chassis, language) = (self.0.clone(), call.language);
        Ok(try_stream! {
            let _slot = slot;
            let mut digest = Sha256::new();
            for ordinal in 0.. {
                let query = sqlx::query_scalar!(
                    "select bytes from complaints.evidence_content where evidence = $1 and ordinal = $2",
                    id,
                    ordinal
                );
                let piece = query.fetch_optional(chassis.pool()).await;
                let piece = piece.map_err(|error| Error::from(error).into_status(language))?;
                let Some(content) = piece else { break };
                digest.update(&content);
                yield pb::GetEvidenceContentResponse { content };
            }
            if digest.finalize()[..] != evidence.sha256 {
                Err(Error::unexpected("evidence is not what its digest says").into_status(language))?;
            }
        })
    }
}
