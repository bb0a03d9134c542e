//! `SearchComplaints`: index entries of complaints, and the search, newest first. Postgres returns a bounded number of
//! candidates; this module compares each word for word.

use std::hash::{DefaultHasher, Hash, Hasher as _};

use jiff::Timestamp;
use jiff_sqlx::Timestamp as SqlTime;
use kefu_chassis::contacts::Contact;
use kefu_chassis::names::Id;
use kefu_chassis::paging::{NEVER, Page};
use kefu_chassis::search::{Entry, Probes, Query, Searched, Tokens, dated, normal, packed};
use kefu_chassis::step::AggregateRoot as _;
use kefu_chassis::time::sql;
use kefu_chassis::{Call, Error};
use kefu_proto::complaints::v1 as pb;

use super::Complaints;
use super::list::bounds;
use super::row::{ComplaintRow, complaints};
use crate::shared::Complaint;

/// Most grams kept of one complaint. Of a longer text only the beginning can be found.
const GRAMS_AT_MOST: usize = 4_000;
/// Most candidates of a page by their words; the newest.
const LOOKED_AT: i64 = 200;
/// Most rows visited in one span of time, of which the newest are taken.
const VISITED: i64 = 500;

impl Searched for ComplaintRow {
    /// Leaves out the complaint's number, which storing assigns; a search finds it by its column.
    fn entry(&self) -> Entry {
        let contact: Contact = serde_json::from_value(self.contact.clone()).unwrap_or_default();
        let (phone, contact) = (normal(&contact.phone), contact.show());
        let given = [
            contact.person.as_str(),
            &contact.email,
            &contact.chat_id,
            &contact.postal_address,
            &self.product,
            &self.subcategory,
            &self.matter,
            &self.desired_remedy,
            &self.cause,
        ];
        let mut tokens = Tokens::at_most(GRAMS_AT_MOST);
        tokens.add_number(&phone);
        let mut texts = vec![phone];
        for text in given.into_iter().map(normal).filter(|text| !text.is_empty()) {
            tokens.add(&text);
            // A product code is found with and without its separators, for example "AB-12" and "AB12".
            let code = packed(&text);
            if code != text && code.len() < 40 {
                tokens.add(&code);
                texts.push(code);
            }
            texts.push(text);
        }
        Entry { tokens: dated(self.received_at.to_jiff(), &tokens.into_vec()), texts: texts.join("\n") }
    }

    fn fingerprint(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        (&self.product, &self.subcategory, &self.cause).hash(&mut hasher);
        hasher.finish()
    }
}

impl Complaints {
    pub(super) async fn search_complaints(
        &self,
        call: &Call,
        request: pb::SearchComplaintsRequest,
    ) -> Result<pb::SearchComplaintsResponse, Error> {
        let query = Query::of_request(&request.query, 'C', self.country)?;
        let page: Page<(Timestamp, Id<Complaint>)> = Page::of(call, &request)?;
        let (_, parties) = bounds(call)?;
        let until = page.after.map_or(NEVER, |(time, _)| time);
        let probes = self.probes(&query, until).await?;
        let found = sqlx::query!(
            r#"
            with texts as materialized (
                select found.complaint, found.received_at, found.texts
                from unnest($1::text[], $2::text[], $3::timestamptz[]) as probe (key, rest, before_at)
                cross join lateral (
                    select visited.complaint, visited.received_at, visited.texts from (
                        select s.complaint, s.received_at, s.texts from complaints.complaint_search as s
                        where s.tokens @> array[probe.key] and s.tokens @> string_to_array(probe.rest, ' ')
                            and s.received_at < probe.before_at and s.received_at <= $4
                        limit $5
                    ) as visited order by visited.received_at desc limit $6
                ) as found limit $6
            )
            select complaint as "complaint!", received_at as "received_at!: SqlTime", texts, (select count(*) from texts) >= $6 as "more!"
            from (
                select complaint, received_at, texts from texts
                union select id, received_at, null from complaints.complaint where number = $7 and received_at <= $4
            ) as hit
            "#,
            &probes.keys,
            &probes.rest,
            &sql::all(&probes.before) as _,
            sql::at(until),
            VISITED,
            LOOKED_AT,
            query.numbers.first().cloned().unwrap_or_default(),
        )
        .fetch_all(self.chassis.pool())
        .await?;
        let truncated = found.first().is_some_and(|row| row.more);
        let holds = |texts: &str| query.fits(texts);
        let ids: Vec<uuid::Uuid> =
            found.iter().filter(|row| row.texts.as_deref().is_none_or(holds)).map(|row| row.complaint).collect();
        let rows = complaints!(
            "where id = any($1) and ($2::timestamptz is null or (received_at, id) < ($2, $3))
                and ($4::text[] is null or parties && $4) and ($5::smallint = 0 or state = $5)
            order by received_at desc, id desc limit $6",
            &ids,
            sql::maybe(page.after.map(|(time, _)| time)),
            page.after.map(|(_, id)| id.uuid()),
            parties.as_deref(),
            i16::try_from(request.state).unwrap_or_default(),
            page.limit,
        )
        .fetch_all(self.chassis.pool())
        .await?;
        let shown = rows.iter().map(|row| ((row.received_at.to_jiff(), row.id()), row.show_to(call)));
        let (complaints, next_page_token) = page.fill(shown);
        Ok(pb::SearchComplaintsResponse { complaints, next_page_token, truncated })
    }

    /// The index probes, from `until` backwards.
    async fn probes(&self, query: &Query, until: Timestamp) -> Result<Probes, Error> {
        let known = sqlx::query!(
            r#"select max(received_at) as "newest: SqlTime", min(received_at) as "oldest: SqlTime" from complaints.complaint"#
        );
        let known = known.fetch_one(self.chassis.pool()).await?;
        let grams = query.grams();
        let span = known.newest.zip(known.oldest);
        Ok(span
            .map(|(newest, oldest)| Probes::newest_first(newest.to_jiff().min(until), oldest.to_jiff(), &grams))
            .unwrap_or_default())
    }
}
