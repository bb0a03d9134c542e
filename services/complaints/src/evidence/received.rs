//! Content of an upload received so far: checked as it arrives, and kept in an unnamed temporary file.

use std::io::SeekFrom;

use kefu_chassis::Error;
use kefu_chassis::wrong;
use kefu_proto::complaints::v1 as pb;
use sha2::{Digest as _, Sha256};
use sqlx::PgConnection;
use tokio::fs::File;
use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _, AsyncWriteExt as _};

use super::pieces::{PIECE, PIECES_PER_STATEMENT};
use super::{kind, pieces};
use crate::shared::Evidence;

/// Bytes at the beginning of a file by which its kind is recognised.
const BEGINNING: usize = 8 * 1024;

/// Content of an upload under way.
pub struct Received {
    file: File,
    digest: Sha256,
    size: i64,
    beginning: Vec<u8>,
    is_known: bool,
    /// First bytes of a UTF-8 character that is not complete yet.
    carried: Vec<u8>,
}

impl Received {
    /// Begins without content. The temporary file never has a name, so closing it deletes it, even in a crash.
    pub async fn open() -> Result<Self, Error> {
        let file = tokio::task::spawn_blocking(tempfile::tempfile).await.map_err(Error::unexpected)?;
        Ok(Self {
            file: File::from_std(file.map_err(Error::unexpected)?),
            digest: Sha256::new(),
            size: 0,
            beginning: Vec::new(),
            is_known: false,
            carried: Vec::new(),
        })
    }

    /// Checks and stores the next bytes.
    pub async fn take(&mut self, bytes: &[u8], stated: &pb::UploadedEvidence) -> Result<(), Error> {
        self.size += i64::try_from(bytes.len()).unwrap_or(i64::MAX);
        if self.size > stated.size_bytes {
            return Err(Error::field(
                "evidence.size_bytes",
                wrong!(ContentMismatch, "is less than what came", "小于实际收到的大小"),
            ));
        }
        if kind::is_text(&stated.media_type) && !kind::continues_text(&mut self.carried, bytes) {
            return Err(Error::field(
                "evidence.media_type",
                wrong!(
                    ContentMismatch,
                    "is text, and the content is no text in UTF-8",
                    "是文本类型，但内容不是有效的文本"
                ),
            ));
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

    /// Fails if the content does not begin as its stated media type.
    fn recognise(&mut self, media_type: &str) -> Result<(), Error> {
        self.is_known = true;
        if kind::begins_as(media_type, &self.beginning) {
            return Ok(());
        }
        Err(Error::field(
            "evidence.media_type",
            wrong!(ContentMismatch, "is not what the content is", "与实际内容不符"),
        ))
    }

    /// Fails if the complete content is not of the stated size, digest and kind.
    pub async fn finish(&mut self, stated: &pb::UploadedEvidence) -> Result<(), Error> {
        if self.size < stated.size_bytes {
            return Err(Error::field(
                "evidence.size_bytes",
                wrong!(
                    ContentMismatch,
                    "is more than what came: the content ends too early",
                    "大于实际收到的大小，内容不完整"
                ),
            ));
        }
        if !self.is_known {
            self.recognise(&stated.media_type)?;
        }
        if !self.carried.is_empty() {
            return Err(Error::field(
                "evidence.media_type",
                wrong!(
                    ContentMismatch,
                    "is text, and the content ends within a character",
                    "是文本类型，但内容末尾不完整"
                ),
            ));
        }
        if std::mem::take(&mut self.digest).finalize()[..] != stated.sha256 {
            return Err(Error::field(
                "evidence.sha256",
                wrong!(ContentMismatch, "is not that of the content", "与实际内容不符"),
            ));
        }
        self.file.flush().await.map_err(Error::unexpected)?;
        self.check_end().await
    }

    /// Fails if the file ends as a ZIP archive, whatever it begins as.
    async fn check_end(&mut self) -> Result<(), Error> {
        let tail = u64::try_from(kind::TAIL).unwrap_or(u64::MAX).min(u64::try_from(self.size).unwrap_or_default());
        let mut end = Vec::new();
        let from = SeekFrom::End(-i64::try_from(tail).unwrap_or_default());
        self.file.seek(from).await.map_err(Error::unexpected)?;
        (&mut self.file).take(tail).read_to_end(&mut end).await.map_err(Error::unexpected)?;
        if kind::ends_as_archive(&end) {
            return Err(Error::field(
                "evidence.media_type",
                wrong!(
                    ContentMismatch,
                    "is not all that the content is: it ends as an archive",
                    "与实际内容不符，内容末尾附有压缩包"
                ),
            ));
        }
        Ok(())
    }

    /// Stores the content in the database.
    pub async fn store(&mut self, connection: &mut PgConnection, name: &str) -> Result<(), Error> {
        let evidence = kefu_chassis::names::id::<Evidence>(name)?.uuid();
        self.file.seek(SeekFrom::Start(0)).await.map_err(Error::unexpected)?;
        for first in (0..).step_by(PIECES_PER_STATEMENT) {
            let mut pieces = Vec::with_capacity(PIECES_PER_STATEMENT);
            while pieces.len() < PIECES_PER_STATEMENT {
                let mut piece = Vec::with_capacity(PIECE);
                let limit = u64::try_from(PIECE).unwrap_or(u64::MAX);
                (&mut self.file).take(limit).read_to_end(&mut piece).await.map_err(Error::unexpected)?;
                if piece.is_empty() {
                    break;
                }
                pieces.push(piece);
            }
            if pieces.is_empty() {
                break;
            }
            pieces::store(connection, evidence, first, &pieces).await?;
        }
        Ok(())
    }
}
