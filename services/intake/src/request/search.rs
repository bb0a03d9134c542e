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

/// Rank of a result: score, then time of the contact, then id; the highest comes first.
type Rank = (i32, Timestamp, Id<Request>);

/// Rank of the last result of a page, kept in the page token.
struct PageEnd(Rank);

impl Requests {
    pub(super) async fn search_requests(
        &self,
        call: &Call,
        request: pb::SearchRequestsRequest,
    ) -> Result<pb::SearchRequestsResponse, Error> {
        let query = Query::of_request(&request.query, 'R', self.country)?;
        let page: Page<PageEnd> = Page::of(call, &request)?;
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
                Some(((hit.score, row.contact_at.to_jiff(), Id::from_uuid(row.id)), hit))
            })
            .collect();
        ranked.sort_unstable_by_key(|(rank, _)| std::cmp::Reverse(sort_key(rank)));
        if let Some(PageEnd(last)) = &page.after {
            ranked.retain(|(rank, _)| sort_key(rank) < sort_key(last));
        }
        ranked.truncate(usize::try_from(page.limit).unwrap_or(usize::MAX));
        let (ranked, next_page_token) = page.cut(ranked, |(rank, _)| PageEnd(*rank));

        let ids: Vec<_> = ranked.iter().map(|((_, _, id), _)| id.uuid()).collect();
        let records = RequestRow::load(&mut *self.chassis.pool().acquire().await?, &ids).await?;
        let results = ranked.into_iter().filter_map(|((score, _, id), hit)| {
            let record: &RequestRow = records.iter().find(|record| record.id == id.uuid())?;
            Some(pb::SearchResult { request: Some(record.show()), field: hit.field.into(), exact: hit.exact, score })
        });
        Ok(pb::SearchRequestsResponse { results: results.collect(), next_page_token, truncated: found.truncated })
    }
}

fn sort_key((score, time, id): &Rank) -> (i32, Timestamp, uuid::Uuid) {
    (*score, *time, id.uuid())
}

impl Key for PageEnd {
    fn write(&self) -> Vec<u8> {
        let (score, time, id) = self.0;
        [score.to_be_bytes().as_slice(), &(time, id).write()].concat()
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        let (score, rest) = bytes.split_first_chunk::<4>()?;
        let (time, id) = Key::read(rest)?;
        Some(Self((i32::from_be_bytes(*score), time, id)))
    }
}
