//! The verification of a journal: recomputes the chain and every payload's digest, and compares the chain with anchors kept
//! elsewhere.

use kefu_proto::events::v1::finding::Kind;
use kefu_proto::events::v1::{Anchor, Finding, VerifyJournalResponse};
use sqlx::postgres::PgRow;
use sqlx::{AssertSqlSafe, FromRow as _, PgConnection, Row as _};

use crate::base::error::Error;
use crate::base::language::{Language, Sentence};
use crate::base::time::to_proto;
use crate::model::event::payload_digest;
use crate::store::chain::{JournalRow, genesis};
use crate::work::chassis::Chassis;

const PAGE: i64 = 5_000;
const FINDINGS_AT_MOST: usize = 100;

/// Writes what is found, in English and Chinese.
macro_rules! told {
    ($en:literal, $zh:literal $(,)?) => {
        Sentence::new(format!($en), format!($zh))
    };
}

/// A walk along the chain.
struct Walk {
    /// The language of the findings.
    language: Language,
    anchors: Vec<Anchor>,
    position: i64,
    hash: Vec<u8>,
    count: i64,
    findings: Vec<Finding>,
}

/// Verifies the journal of a service. Reports at most 100 findings, in the order of their positions.
pub async fn verify(chassis: &Chassis, language: Language, anchors: &[Anchor]) -> Result<VerifyJournalResponse, Error> {
    let mut connection = chassis.pool().acquire().await?;
    // The tail is counted first. The walk still meets what is sealed meanwhile, so a tail of zero means that nothing is
    // beyond the head.
    let tail = sqlx::query!(
        r#"select count(*) as "count!", min(recorded_at) as "oldest: jiff_sqlx::Timestamp" from journal where position is null"#
    )
    .fetch_one(&mut *connection)
    .await?;
    let (anchors, hash) = (anchors.to_vec(), genesis(&chassis.service).to_vec());
    let mut walk = Walk { language, anchors, position: 0, hash, count: 0, findings: Vec::new() };
    // The walk begins at the lowest possible position, so that nothing before the first event goes unseen.
    let mut rows = page(&mut connection, i64::MIN).await?;
    while let Some(last) = rows.last() {
        let next = last.try_get::<i64, _>(POSITION)?.checked_add(1);
        // While one page is verified, Postgres reads the next.
        let walked = tokio::task::spawn_blocking(move || {
            for row in &rows {
                walk.step(
                    row.try_get(POSITION)?,
                    row.try_get(HASH).unwrap_or_default(),
                    JournalRow::from_row(row).ok().as_ref(),
                );
            }
            Ok::<_, sqlx::Error>(walk)
        });
        rows = match next {
            Some(next) => page(&mut connection, next).await?,
            None => Vec::new(),
        };
        walk = walked.await.map_err(Error::unexpected)??;
    }
    // The walk goes on after the last position of a page, so it could miss a second event at that position.
    let twice = sqlx::query_scalar!(
        r#"select position as "position!" from journal where position is not null group by 1 having count(*) > 1 order by 1 limit 1"#
    );
    if let Some(position) = twice.fetch_optional(&mut *connection).await? {
        walk.find(position, Kind::Gap, &told!("{position} stands twice", "位置{position}重复出现"));
    }
    let end = walk.position;
    for position in
        walk.anchors.iter().map(|anchor| anchor.position).filter(|&position| position > end).collect::<Vec<_>>()
    {
        let wrong = told!(
            "the journal ends at {end}, but {position} was seen",
            "运行日志到{end}为止，而此前见过位置{position}"
        );
        walk.find(position, Kind::TailCut, &wrong);
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

/// The places of the two columns that are read even where the rest of the row cannot be decoded.
const POSITION: usize = 1;
const HASH: usize = 2;

/// Reads sealed rows from a position on without decoding them. The query is not checked at compile time for that reason: a
/// row with what the service never writes is a finding, and must not end the verification.
async fn page(connection: &mut PgConnection, from: i64) -> Result<Vec<PgRow>, sqlx::Error> {
    let asked = format!("{}where position >= $1 order by position limit $2", JournalRow::SELECT);
    sqlx::query(AssertSqlSafe(asked)).bind(from).bind(PAGE).fetch_all(connection).await
}

impl Walk {
    /// Verifies the next row; none where it cannot be read.
    fn step(&mut self, position: i64, stored: Vec<u8>, row: Option<&JournalRow>) {
        self.count += 1;
        let event = |row: Option<&JournalRow>| row.map_or_else(String::new, |row| row.event_id.to_string());
        if position <= self.position {
            let event = event(row);
            let wrong = told!(
                "event {event} stands at {position}, which is taken or before the first",
                "事件{event}位于{position}，该位置已被占用或在首个事件之前"
            );
            return self.find(position, Kind::Gap, &wrong);
        }
        if position != self.position + 1 {
            let before = self.position;
            self.find(before + 1, Kind::Gap, &told!("after {before} comes {position}", "{before}之后是{position}"));
        }
        match row {
            None => self.find(
                position,
                Kind::HashMismatch,
                &told!("the event was changed and cannot be read", "事件已被改动，无法读取"),
            ),
            Some(known) => {
                if position == self.position + 1 && known.link(&self.hash, position).as_slice() != stored {
                    let event = event(row);
                    let wrong =
                        told!("event {event} was changed, or the hash before it", "事件{event}或其前一摘要值已被改动");
                    self.find(position, Kind::HashMismatch, &wrong);
                }
                self.open(position, known);
            }
        }
        if self.anchors.iter().any(|anchor| anchor.position == position && anchor.hash != stored) {
            let wrong =
                told!("the chain was rewritten: it had another hash here", "运行日志的链已被改写，此处原为另一摘要值");
            self.find(position, Kind::AnchorMismatch, &wrong);
        }
        self.position = position;
        self.hash = stored;
    }

    /// Verifies that the payload is the one that the chain covers.
    fn open(&mut self, position: i64, row: &JournalRow) {
        let event = row.event_id;
        match (&row.payload, &row.salt) {
            (Some(payload), Some(salt)) if payload_digest(salt, payload).as_slice() == row.payload_digest => {}
            (Some(_), Some(_)) => {
                let wrong = told!("the payload of event {event} was changed", "事件{event}的内容已被改动");
                self.find(position, Kind::PayloadMismatch, &wrong);
            }
            _ => {
                let wrong = told!(
                    "the payload of event {event} is gone and no event says why",
                    "事件{event}的内容已不存在，也没有事件说明原因"
                );
                self.find(position, Kind::PayloadMissing, &wrong);
            }
        }
    }

    fn find(&mut self, position: i64, kind: Kind, wrong: &Sentence) {
        if self.findings.len() < FINDINGS_AT_MOST {
            let detail = wrong.of(self.language).to_owned();
            self.findings.push(Finding { position, kind: kind.into(), detail });
        }
    }
}
