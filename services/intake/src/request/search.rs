//! `SearchRequests` finds earlier cases like the present one (C3.1), `SuggestDuplicates` other contacts about the same
//! matter (A2.8). Postgres returns a bounded number of candidates; this module compares each word for word and ranks
//! them.

use jiff::Timestamp;
use kefu_chassis::names::Id;
use kefu_chassis::paging::{Key, Page};
use kefu_chassis::record::VersionedRow as _;
use kefu_chassis::search::Query;
use kefu_chassis::{Call, Error};
use kefu_proto::intake::v1 as pb;
use uuid::Uuid;

use super::Requests;
use super::row::RequestRow;
use crate::shared::{Customer, Request, reference};

pub mod backlog;
mod duplicates;
mod rank;
mod store;
pub mod text;

use rank::Match;
use store::Filter;

/// Rank of a result, by which the highest comes first. A page token holds the rank of the page's last result.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Rank {
    score: i32,
    contact_at: Timestamp,
    request: Uuid,
}

impl Requests {
    pub(super) async fn search_requests(
        &self,
        call: &Call,
        request: pb::SearchRequestsRequest,
    ) -> Result<pb::SearchRequestsResponse, Error> {
        let query = Query::of_request(&request.query, 'R', self.country)?;
        let page: Page<Rank> = Page::of(call, &request)?;
        let filter = Filter {
            customer: reference::<Customer>(&request.customer)?.map(Id::uuid),
            department: &request.department,
            state: i16::try_from(request.state).ok().filter(|state| *state != 0),
        };

        let found = store::find(self.chassis.pool(), &query, &filter).await?;
        let mut ranked: Vec<(Rank, Match)> = found
            .rows
            .iter()
            .filter_map(|row| {
                let hit = rank::best_match(&query, &row.texts())?;
                Some((Rank { score: hit.score, contact_at: row.contact_at.to_jiff(), request: row.id }, hit))
            })
            .collect();
        ranked.sort_unstable_by_key(|(rank, _)| std::cmp::Reverse(*rank));
        if let Some(last) = &page.after {
            ranked.retain(|(rank, _)| rank < last);
        }
        ranked.truncate(usize::try_from(page.limit).unwrap_or(usize::MAX));

        let ids: Vec<_> = ranked.iter().map(|(rank, _)| rank.request).collect();
        let roots = RequestRow::load(&mut *self.chassis.pool().acquire().await?, &ids).await?;
        let shown = ranked.into_iter().filter_map(|(rank, hit)| {
            let root: &RequestRow = roots.iter().find(|root| root.id == rank.request)?;
            let request = Some(root.show());
            Some((rank, pb::SearchResult { request, field: hit.field.into(), exact: hit.exact, score: rank.score }))
        });
        let (results, next_page_token) = page.fill(shown);
        Ok(pb::SearchRequestsResponse { results, next_page_token, truncated: found.truncated })
    }
}

impl Key for Rank {
    fn write(&self) -> Vec<u8> {
        let position = (self.contact_at, Id::<Request>::from_uuid(self.request));
        [self.score.to_be_bytes().as_slice(), &position.write()].concat()
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        let (score, rest) = bytes.split_first_chunk::<4>()?;
        let (contact_at, id): (Timestamp, Id<Request>) = Key::read(rest)?;
        Some(Self { score: i32::from_be_bytes(*score), contact_at, request: id.uuid() })
    }
}
