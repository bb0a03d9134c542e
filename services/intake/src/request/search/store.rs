//! Reads the candidates of a search from Postgres: a bounded number, whatever the query and however many requests there
//! are.

use jiff_sqlx::Timestamp as SqlTime;
use kefu_chassis::search::{Probes, folded};
use kefu_chassis::time::sql;
use sqlx::PgPool;
use uuid::Uuid;

use super::text::SearchText;
use kefu_chassis::search::Query;

/// Most candidates by their words, or of the one customer that the call names; the newest.
const LOOKED_AT: i64 = 200;
/// Most rows visited in one span of time, of which the newest are taken.
const VISITED: i64 = 500;
/// Most customers whose name or address may match; the newest.
const CUSTOMERS: i64 = 20;
/// Most candidates of each matching customer.
const OF_EACH: i64 = 30;
/// Most candidates of all matching customers together.
const OF_ALL: i64 = 50;
/// Most candidates with exactly the order number, and most with exactly the id in another system.
const OF_NUMBER: i64 = 20;

/// Restricts a search to a customer, a department or a state. A field that is none or empty restricts nothing.
#[derive(Debug, Default)]
pub struct Filter<'a> {
    /// Only requests of this customer.
    pub customer: Option<Uuid>,
    /// Only requests of this department, `departments/{id}`.
    pub department: &'a str,
    /// Only requests in this state, by the contract's number.
    pub state: Option<i16>,
}

/// A request that may match, with its searchable texts.
#[derive(Debug)]
pub struct Candidate {
    /// Id of the request.
    pub id: Uuid,
    /// When the customer made contact.
    pub contact_at: SqlTime,
    texts: Option<String>,
    customer_texts: Option<String>,
    number: Option<String>,
    truncated: bool,
}

/// The candidates of a search.
#[derive(Debug)]
pub struct Candidates {
    /// Candidates in no order, each once.
    pub rows: Vec<Candidate>,
    /// Whether a bound cut candidates off.
    pub truncated: bool,
}

impl Candidate {
    /// The request's texts; also the customer's texts or the request's number if the candidate was found by these.
    pub fn texts(&self) -> Vec<SearchText> {
        let texts = [&self.texts, &self.customer_texts].into_iter().flatten();
        let number = self.number.as_deref().and_then(SearchText::number);
        number.into_iter().chain(texts.flat_map(|texts| SearchText::read(texts))).collect()
    }
}

/// Finds the requests that may match a query.
pub async fn find(pool: &PgPool, query: &Query, filter: &Filter<'_>) -> Result<Candidates, sqlx::Error> {
    let of_one = filter.customer.is_some();
    let (texts, customers) = if of_one { Default::default() } else { probes(pool, query).await? };
    let (of_each, of_all) = if of_one { (LOOKED_AT, LOOKED_AT) } else { (OF_EACH, OF_ALL) };
    let takes_any = !of_one && filter.department.is_empty() && filter.state.is_none();
    // A nested loop runs probe by probe, the newest span first, and the limit ends it as soon as there are enough.
    let rows = sqlx::query_as!(
        Candidate,
        r#"
        with texts as materialized (
            select found.id, found.contact_at, found.texts
            from unnest($1::text[], $2::text[], $3::timestamptz[]) as probe (key, rest, before_at)
            cross join lateral (
                select visited.id, visited.contact_at, visited.texts from (
                    select s.request as id, s.contact_at, s.texts from intake.request_search as s
                    where s.tokens @> array[probe.key] and s.tokens @> string_to_array(probe.rest, ' ')
                        and s.contact_at < probe.before_at
                    limit $4
                ) as visited order by visited.contact_at desc limit $5
            ) as found limit $5
        ), names as materialized (
            select found.customer, found.texts from unnest($6::text[], $7::text[]) as probe (key, rest)
            cross join lateral (
                select s.customer, s.texts from intake.customer_search as s
                where s.tokens @> array[probe.key] and s.tokens @> string_to_array(probe.rest, ' ') limit $8
            ) as found limit $8
        ), theirs as materialized (
            select r.id, r.contact_at, c.customer, c.texts
            from (select customer, texts from names union select $9::uuid, (select texts from intake.customer_search where customer = $9)) as c cross join lateral (
                select id, contact_at from intake.request where customer = c.customer
                order by contact_at desc, id desc limit $10
            ) as r limit $11
        ), others as (
            select id, contact_at, texts, null as number from theirs
            union all select id, contact_at, null, number from intake.request where number = any($12)
            union all select id, contact_at, null, number from intake.request where split_part(number, '-', 3) = any($13)
            union all (select id, contact_at, null, null from intake.request where order_key = $19 and order_key <> ''
                order by contact_at desc, id desc limit $15)
            union all (select id, contact_at, null, null from intake.request where external_id = $14 limit $15)
        ), hits as (
            select id, max(contact_at) as contact_at, max(own) as own, max(texts) as texts, max(number) as number
            from (
                select id, contact_at, texts as own, null as texts, null as number from texts
                union all select id, contact_at, null, texts, number from others
            ) as hit group by id
        )
        select h.id as "id!", h.contact_at as "contact_at!: SqlTime",
            coalesce(h.own, (select s.texts from intake.request_search as s where s.request = h.id)) as texts,
            h.texts as customer_texts, h.number,
            ((select count(*) from texts) >= $5 or (select count(*) from names) >= $8 or (select count(*) from theirs) >= $11
                or exists (select from theirs group by customer having count(*) >= $10)) as "truncated!"
        from hits as h
        where $16 or exists (
            select from intake.request as r where r.id = h.id and ($9::uuid is null or r.customer = $9)
                and ($17 = '' or r.department = $17) and ($18::smallint is null or r.state = $18))
        "#,
        &texts.keys,
        &texts.rest,
        &sql::all(&texts.before) as _,
        VISITED,
        LOOKED_AT,
        &customers.keys,
        &customers.rest,
        CUSTOMERS,
        filter.customer,
        of_each,
        of_all,
        &at_least_one(&query.numbers),
        &at_least_one(&query.running),
        query.written,
        OF_NUMBER,
        takes_any,
        filter.department,
        filter.state,
        folded(&query.written),
    )
    .fetch_all(pool)
    .await?;
    let truncated = rows.first().is_some_and(|row| row.truncated);
    Ok(Candidates { rows, truncated })
}

/// Replaces an empty list by one empty string: for an empty list the planner may choose to read whole tables.
fn at_least_one(texts: &[String]) -> Vec<String> {
    if texts.is_empty() { vec![String::new()] } else { texts.to_vec() }
}

/// The index probes for requests, and for customers.
async fn probes(pool: &PgPool, query: &Query) -> Result<(Probes, Probes), sqlx::Error> {
    let known = sqlx::query!(
        r#"select (select max(contact_at) from intake.request) as "newest: SqlTime",
            (select min(contact_at) from intake.request) as "oldest: SqlTime",
            (select created_at from intake.customer order by id desc limit 1) as "newest_customer: SqlTime",
            (select created_at from intake.customer order by id limit 1) as "oldest_customer: SqlTime""#
    )
    .fetch_one(pool)
    .await?;
    let texts = known
        .newest
        .zip(known.oldest)
        .map(|(newest, oldest)| Probes::newest_first(newest.to_jiff(), oldest.to_jiff(), &query.grams()));
    let customers = known
        .newest_customer
        .zip(known.oldest_customer)
        .map(|(newest, oldest)| Probes::eras(newest.to_jiff(), oldest.to_jiff(), &query.names()));
    Ok((texts.unwrap_or_default(), customers.unwrap_or_default()))
}
