//! The verification: recomputes the chain and every payload's digest, and compares the chain with anchors kept elsewhere.

use kefu_proto::events::v1::finding::Kind;
use kefu_proto::events::v1::{Anchor, Finding, VerifyJournalResponse};

use super::chain::{Row, genesis};
use super::payload_digest;
use super::sealer::sealed_after;
use crate::chassis::Chassis;
use crate::error::Error;
use crate::time::to_proto;

const PAGE: i64 = 5_000;
const FINDINGS_AT_MOST: usize = 100;

/// A walk along the chain.
struct Walk {
    anchors: Vec<Anchor>,
    position: i64,
    hash: Vec<u8>,
    count: i64,
    findings: Vec<Finding>,
}

/// Verifies the journal of a service.
pub async fn verify(chassis: &Chassis, anchors: &[Anchor]) -> Result<VerifyJournalResponse, Error> {
    let mut connection = chassis.pool().acquire().await?;
    // Counted first: what is sealed meanwhile the walk still meets, so that a tail of none means that nothing is beyond the head.
    let tail = sqlx::query!(
        r#"select count(*) as "count!", min(recorded_at) as "oldest: jiff_sqlx::Timestamp" from journal where position is null"#
    )
    .fetch_one(&mut *connection)
    .await?;
    let (anchors, hash) = (anchors.to_vec(), genesis(&chassis.service).to_vec());
    let mut walk = Walk { anchors, position: 0, hash, count: 0, findings: Vec::new() };
    // From the lowest position there can be: nothing stands before the first event unseen.
    let mut rows = sealed_after(&mut connection, i64::MIN, PAGE).await?;
    while let Some(last) = rows.last().and_then(|row| row.position) {
        // While one page is reckoned, Postgres reads the next.
        let walked = tokio::task::spawn_blocking(move || {
            rows.iter().for_each(|row| walk.step(row));
            walk
        });
        rows = sealed_after(&mut connection, last, PAGE).await?;
        walk = walked.await.map_err(Error::unexpected)?;
    }
    // The walk goes on after the last position of a page and could step over one that stands twice there.
    let twice = sqlx::query_scalar!(
        r#"select position as "position!" from journal where position is not null group by 1 having count(*) > 1 order by 1 limit 1"#
    );
    if let Some(position) = twice.fetch_optional(&mut *connection).await? {
        walk.find(position, Kind::Gap, format!("{position} stands twice"));
    }
    let end = walk.position;
    for position in
        walk.anchors.iter().map(|anchor| anchor.position).filter(|&position| position > end).collect::<Vec<_>>()
    {
        walk.find(position, Kind::TailCut, format!("the journal ends at {end}, but {position} was seen"));
    }
    walk.findings.sort_by_key(|finding| finding.position);
    Ok(VerifyJournalResponse {
        event_count: walk.count,
        head: Some(Anchor { position: walk.position, hash: if walk.position == 0 { Vec::new() } else { walk.hash } }),
        unsealed_count: tail.count,
        oldest_unsealed_time: tail.oldest.map(|oldest| to_proto(oldest.to_jiff())),
        findings: walk.findings,
    })
}

impl Walk {
    fn step(&mut self, row: &Row) {
        let position = row.position.unwrap_or_default();
        let stored = row.hash.clone().unwrap_or_default();
        self.count += 1;
        if position <= self.position {
            return self.find(
                position,
                Kind::Gap,
                format!("event {} stands at {position}, which is taken or before the first", row.event_id),
            );
        }
        if position != self.position + 1 {
            self.find(self.position + 1, Kind::Gap, format!("after {} comes {position}", self.position));
        } else if row.link(&self.hash, position).as_slice() != stored {
            self.find(
                position,
                Kind::HashMismatch,
                format!("event {} was changed, or the hash before it", row.event_id),
            );
        }
        match (&row.payload, &row.salt) {
            (Some(payload), Some(salt)) if payload_digest(salt, payload).as_slice() == row.payload_digest => {}
            (Some(_), Some(_)) => {
                self.find(
                    position,
                    Kind::PayloadMismatch,
                    format!("the payload of event {} was changed", row.event_id),
                );
            }
            _ => self.find(
                position,
                Kind::PayloadMissing,
                format!("the payload of event {} is gone and no event says why", row.event_id),
            ),
        }
        if self.anchors.iter().any(|anchor| anchor.position == position && anchor.hash != stored) {
            self.find(position, Kind::AnchorMismatch, "the chain was rewritten: it had another hash here".into());
        }
        self.position = position;
        self.hash = stored;
    }

    fn find(&mut self, position: i64, kind: Kind, detail: String) {
        if self.findings.len() < FINDINGS_AT_MOST {
            self.findings.push(Finding { position, kind: kind.into(), detail });
        }
    }
}
