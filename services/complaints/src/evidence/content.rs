//! `GetEvidenceContent`: streams the content piece by piece. No database connection is held while the caller receives
//! one.

use async_stream::try_stream;
use kefu_chassis::call::Answers;
use kefu_chassis::names::id;
use kefu_chassis::wrong;
use kefu_chassis::{Call, Error};
use kefu_proto::complaints::v1 as pb;
use sha2::{Digest as _, Sha256};
use tokio::time::Instant;

use super::{Evidences, pieces, seen};
use crate::shared::Evidence;

impl Evidences {
    pub(super) async fn get_evidence_content(
        &self,
        mut call: Call,
        request: pb::GetEvidenceContentRequest,
    ) -> Result<Answers<pb::GetEvidenceContentResponse>, Error> {
        let name = request.name;
        let mut connection = self.chassis.pool().acquire().await?;
        let evidence = seen(&self.chassis, &mut connection, &call, &name).await?;
        drop(connection);
        if !evidence.uri.is_empty() {
            return Err(Error::field(
                "name",
                wrong!(OnlyWhen, "is a link: its content is not kept here", "是外部链接，内容不在此保存"),
            ));
        }
        let slot = self.transfers.downloads.clone().try_acquire_owned().map_err(|_| Error::Overloaded)?;
        let (this, language) = (self.clone(), call.language);
        Ok(Box::pin(try_stream! {
            let _slot = slot;
            let until = Instant::now() + this.transfers.bounds.whole();
            let mut digest = Sha256::new();
            for ordinal in 0.. {
                let piece = this.piece(&mut call, &name, ordinal, until).await;
                let Some(content) = piece.map_err(|error| error.into_status(language))? else { break };
                digest.update(&content);
                yield pb::GetEvidenceContentResponse { content };
            }
            if digest.finalize()[..] != evidence.sha256 {
                Err(Error::unexpected("evidence is not what its digest says").into_status(language))?;
            }
        }))
    }

    /// Loads the next piece. Fails after `until`, when the service stops, or when the caller has lost the right to see it.
    async fn piece(&self, call: &mut Call, name: &str, ordinal: i32, until: Instant) -> Result<Option<Vec<u8>>, Error> {
        if *self.chassis.stopping().borrow() {
            return Err(Error::Stopping);
        }
        if Instant::now() >= until {
            return Err(Error::Deadline);
        }
        self.chassis.renew(call)?;
        let mut connection = self.chassis.pool().acquire().await?;
        seen(&self.chassis, &mut connection, call, name).await?;
        Ok(pieces::piece(&mut connection, id::<Evidence>(name)?.uuid(), ordinal).await?)
    }
}
