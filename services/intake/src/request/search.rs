//! `SearchRequests` and `SuggestDuplicates`: earlier cases for whoever works on one (C3.1), and other contacts about the same
//! matter (A2.8). What either looks at is bounded; what it finds is compared word for word and ranked here.

use jiff::Timestamp;
use kefu_chassis::names::Id;
use kefu_chassis::paging::{Key, Page, Pages};
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

use rank::Verdict;
use store::Only;

/// Where a result stands among all: the better first, of equals the newer.
type Rank = (i32, Timestamp, Id<Request>);

/// The place that a page ends at.
struct Last(Rank);

impl Requests {
    pub(super) async fn search_requests(
        &self,
        call: &Call,
        request: pb::SearchRequestsRequest,
    ) -> Result<pb::SearchRequestsResponse, Error> {
        let query = Query::read(&request.query, 'R', self.country)
            .ok_or_else(|| Error::field("query", "must have at least two letters or digits"))?;
        let parts = [&request.query, &request.customer, &request.department, &request.state.to_string()];
        let page: Page<Last> = Pages::new(call, &parts).read(&request.page_token, request.page_size)?;
        let only = Only {
            customer: reference::<Customer>(&request.customer)?.map(Id::uuid),
            department: &request.department,
            state: i16::try_from(request.state).ok().filter(|state| *state != 0),
        };

        let found = store::find(self.chassis.pool(), &query, &only).await?;
        let mut ranked: Vec<(Rank, Verdict)> = found
            .rows
            .iter()
            .filter_map(|row| {
                let verdict = rank::judge(&query, &row.parts())?;
                Some(((verdict.score, row.contact_at.to_jiff(), Id::from_uuid(row.id)), verdict))
            })
            .collect();
        ranked.sort_unstable_by_key(|(place, _)| std::cmp::Reverse(order(place)));
        if let Some(Last(last)) = &page.after {
            ranked.retain(|(place, _)| order(place) < order(last));
        }
        ranked.truncate(usize::try_from(page.limit).unwrap_or(usize::MAX));
        let (ranked, next_page_token) = page.cut(ranked, |(place, _)| Last(*place));

        let ids: Vec<_> = ranked.iter().map(|((_, _, id), _)| id.uuid()).collect();
        let records = RequestRow::load(&mut *self.chassis.pool().acquire().await?, &ids).await?;
        let results = ranked.into_iter().filter_map(|((score, _, id), verdict)| {
            let record: &RequestRow = records.iter().find(|record| record.id == id.uuid())?;
            Some(pb::SearchResult {
                request: Some(record.show()),
                field: verdict.field.into(),
                exact: verdict.exact,
                score,
            })
        });
        Ok(pb::SearchRequestsResponse { results: results.collect(), next_page_token, truncated: found.truncated })
    }
}

fn order((score, time, id): &Rank) -> (i32, Timestamp, uuid::Uuid) {
    (*score, *time, id.uuid())
}

impl Key for Last {
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
