//! `SearchComplaints`: what complaints are found by, and finding them, the newest first. What a search looks at is bounded;
//! what it finds is compared word for word.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use jiff::Timestamp;
use jiff_sqlx::Timestamp as SqlTime;
use kefu_chassis::contacts::{Contact, Country};
use kefu_chassis::names::Id;
use kefu_chassis::paging::{NEVER, Page, Pages};
use kefu_chassis::search::{Entry, Probes, Searched, Tokens, asked, dated, normal, packed};
use kefu_chassis::step::Root as _;
use kefu_chassis::time::sql;
use kefu_chassis::{Call, Error};
use kefu_proto::complaints::v1 as pb;

use super::Complaints;
use super::list::bounds;
use super::row::{ComplaintRow, complaints};
use crate::shared::Complaint;

/// Grams kept of one complaint at most. Of a longer text the beginning is found.
const GRAMS_AT_MOST: usize = 4_000;
/// Complaints looked at for a page that may hold the words: the newest.
const LOOKED_AT: i64 = 200;
/// Rows visited in one span of time at most, to take its newest from.
const VISITED: i64 = 500;

impl Searched for ComplaintRow {
    /// Its number, which it gets when it is stored, is found by itself.
    fn entry(&self) -> Entry {
        let contact: Contact = serde_json::from_value(self.contact.clone()).unwrap_or_default();
        let (phone, contact) = (normal(&contact.phone), contact.show());
        let texts = [
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
        let mut said = vec![phone];
        for text in texts.into_iter().map(normal).filter(|text| !text.is_empty()) {
            tokens.add(&text);
            // A product may be written with or without separators.
            let code = packed(&text);
            if code != text && code.len() < 40 {
                tokens.add(&code);
                said.push(code);
            }
            said.push(text);
        }
        Entry { tokens: dated(self.received_at.to_jiff(), &tokens.into_vec()), said: said.join("\n") }
    }

    fn fingerprint(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        (&self.product, &self.subcategory, &self.cause).hash(&mut hasher);
        hasher.finish()
    }
}

/// The ways to read a query: the terms, in normal form, that must all be found.
fn ways(query: &str, country: Country) -> Option<Vec<Vec<String>>> {
    let terms: Vec<String> = query.split_whitespace().map(normal).filter(|term| !term.is_empty()).collect();
    let whole = packed(&normal(query));
    if whole.chars().count() < 2 {
        return None;
    }
    let is_phone =
        query.chars().all(|sign| sign.is_whitespace() || sign.is_numeric() || "+-().（）－＋".contains(sign));
    let phone = if is_phone { country.e164(query.trim()).map(|phone| normal(&phone)) } else { None };
    let is_code = whole.is_ascii() && whole.contains(|sign: char| sign.is_ascii_digit());
    let mut ways = vec![terms];
    for other in is_code.then_some(whole).into_iter().chain(phone) {
        if ways.iter().all(|way| way.as_slice() != [other.as_str()]) {
            ways.push(vec![other]);
        }
    }
    Some(ways)
}

/// The number that a query may be, as it is stored.
fn number(query: &str) -> String {
    let code = packed(&normal(query));
    let digits = code.strip_prefix('c').unwrap_or(&code);
    digits.split_at_checked(8).map_or(String::new(), |(day, running)| format!("C-{day}-{running}"))
}

impl Complaints {
    pub(super) async fn search_complaints(
        &self,
        call: &Call,
        request: pb::SearchComplaintsRequest,
    ) -> Result<pb::SearchComplaintsResponse, Error> {
        let ways = ways(&request.query, self.country)
            .ok_or_else(|| Error::field("query", "must have at least two letters or digits"))?;
        let page: Page<(Timestamp, Id<Complaint>)> = Pages::new(call, &[&request.query, &request.state.to_string()])
            .read(&request.page_token, request.page_size)?;
        let (_, parties) = bounds(call)?;
        let until = page.after.map_or(NEVER, |(time, _)| time);
        let probes = self.probes(&ways, until).await?;
        let found = sqlx::query!(
            r#"
            with texts as materialized (
                select found.complaint, found.received_at, found.said
                from unnest($1::text[], $2::text[], $3::timestamptz[]) as probe (key, rest, before_at)
                cross join lateral (
                    select visited.complaint, visited.received_at, visited.said from (
                        select s.complaint, s.received_at, s.said from complaints.complaint_search as s
                        where s.tokens @> array[probe.key] and s.tokens @> string_to_array(probe.rest, ' ')
                            and s.received_at < probe.before_at and s.received_at <= $4
                        limit $5
                    ) as visited order by visited.received_at desc limit $6
                ) as found limit $6
            )
            select complaint as "complaint!", received_at as "received_at!: SqlTime", said, (select count(*) from texts) >= $6 as "more!"
            from (
                select complaint, received_at, said from texts
                union select id, received_at, null from complaints.complaint where number = $7 and received_at <= $4
            ) as hit
            "#,
            &probes.keys,
            &probes.rest,
            &probes.before as _,
            sql::at(until) as _,
            VISITED,
            LOOKED_AT,
            number(&request.query),
        )
        .fetch_all(self.chassis.pool())
        .await?;
        let truncated = found.first().is_some_and(|row| row.more);
        let holds = |said: &str| ways.iter().any(|way| way.iter().all(|term| said.contains(term.as_str())));
        let ids: Vec<uuid::Uuid> =
            found.iter().filter(|row| row.said.as_deref().is_none_or(holds)).map(|row| row.complaint).collect();
        let rows = complaints!(
            "where id = any($1) and ($2::timestamptz is null or (received_at, id) < ($2, $3))
                and ($4::text[] is null or parties && $4) and ($5::smallint = 0 or state = $5)
            order by received_at desc, id desc limit $6",
            &ids,
            sql::maybe(page.after.map(|(time, _)| time)) as _,
            page.after.map(|(_, id)| id.uuid()),
            parties.as_deref(),
            i16::try_from(request.state).unwrap_or_default(),
            page.limit,
        )
        .fetch_all(self.chassis.pool())
        .await?;
        let (rows, next_page_token) = page.cut(rows, |row| (row.received_at.to_jiff(), row.id()));
        let complaints = rows.iter().map(|row| row.show_to(call)).collect();
        Ok(pb::SearchComplaintsResponse { complaints, next_page_token, truncated })
    }

    /// What the index is asked, back from `until`.
    async fn probes(&self, ways: &[Vec<String>], until: Timestamp) -> Result<Probes, Error> {
        let known = sqlx::query!(
            r#"select max(received_at) as "newest: SqlTime", min(received_at) as "oldest: SqlTime" from complaints.complaint"#
        );
        let known = known.fetch_one(self.chassis.pool()).await?;
        let grams: Vec<Vec<String>> =
            ways.iter().map(|way| asked(&way.join(" ")).into_iter().map(str::to_owned).collect()).collect();
        let span = known.newest.zip(known.oldest);
        Ok(span
            .map(|(newest, oldest)| Probes::newest_first(newest.to_jiff().min(until), oldest.to_jiff(), &grams))
            .unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_is_read_as_words_as_a_code_and_as_a_telephone_number() {
        let china = Country::named("CN").unwrap();
        assert_eq!(ways("漏水　Pump", china).unwrap(), [vec!["漏水", "pump"]]);
        assert_eq!(ways("X-200/7", china).unwrap(), [vec!["x 200 7"], vec!["x2007"]]);
        assert_eq!(ways("138 0013-8000", china).unwrap()[1..], [["13800138000"], ["8613800138000"]]);
        assert!(ways("，。", china).is_none() && ways("水", china).is_none());
        assert_eq!(number("c 20261120 000001"), "C-20261120-000001");
        assert_eq!(number("x"), "");
    }
}
