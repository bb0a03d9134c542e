//! `SuggestDuplicates` and `SuggestDraftDuplicates`: requests that may be about the same matter as a given one, or as one that
//! is about to be registered (A2.8). The agent decides.

use std::collections::HashSet;

use jiff_sqlx::ToSqlx as _;
use kefu_chassis::names::Id;
use kefu_chassis::search::{Tokens, folded, normal};
use kefu_chassis::time::sql;
use kefu_chassis::{Call, Error};
use kefu_proto::intake::v1 as pb;
use kefu_proto::intake::v1::duplicate::Reason;
use kefu_regulation::params;

use crate::request::Requests;
use crate::request::row::{RequestRow, requests};
use crate::shared::{Customer, Project, id, reference, unknown};

/// Suggestions in a reply, unless the call gives a page size.
const AT_MOST: usize = 20;
/// Most candidates of the same customer: the newest of those received before the request, or after it within the time
/// of clause A2.8.
const OF_CUSTOMER: i64 = 100;
/// Most candidates with the same order number, of any customer.
const OF_ORDER: i64 = 20;
/// Least Dice coefficient at which two descriptions count as similar.
const SIMILAR: f64 = 0.4;

/// Likeness of a request to another. Suggestions are sorted: repeat contacts, then the same order number, then similar
/// words.
#[derive(Debug)]
struct Likeness {
    reasons: Vec<Reason>,
    similarity: f64,
    is_repeat: bool,
}

impl Requests {
    pub(in crate::request) async fn suggest_duplicates(
        &self,
        call: &Call,
        request: pb::SuggestDuplicatesRequest,
    ) -> Result<pb::SuggestDuplicatesResponse, Error> {
        let root = self.seen(call, &request.name).await?;
        self.similar_to(&root, request.page_size).await
    }

    pub(in crate::request) async fn suggest_draft_duplicates(
        &self,
        call: &Call,
        request: pb::SuggestDraftDuplicatesRequest,
    ) -> Result<pb::SuggestDuplicatesResponse, Error> {
        let customer = id::<Customer>(&request.customer)?.uuid();
        let project = reference::<Project>(&request.project)?.map(Id::uuid);
        let known = sqlx::query!(
            r#"select exists (select from intake.customer where id = $1) as "customer!",
                exists (select from intake.project where id = $2 and customer = $1) as "project!""#,
            customer,
            project
        );
        let known = known.fetch_one(self.chassis.pool()).await?;
        if !known.customer {
            return Err(unknown::<Customer>(&request.customer));
        }
        if project.is_some() && !known.project {
            return Err(unknown::<Project>(&request.project));
        }
        let draft = RequestRow {
            customer: Some(customer),
            project,
            order_key: folded(&request.order_number),
            business_domain: request.business_domain,
            problem_key: folded(&request.problem_type),
            description: request.description,
            contact_at: sql::at(call.now),
            ..RequestRow::blank(call.now)
        };
        self.similar_to(&draft, request.page_size).await
    }

    /// Suggests requests that may be about the same matter as `root`, which need not be registered yet.
    async fn similar_to(&self, root: &RequestRow, page_size: i32) -> Result<pb::SuggestDuplicatesResponse, Error> {
        let (calendar, within) =
            (self.chassis.regulation.calendar(), self.chassis.regulation.get(params::REPEAT_WITHIN));
        let until = calendar.due(root.contact_at.to_jiff(), within).at;
        let others = requests!(
            "where id in (
                (select id from intake.request where customer = $1 and contact_at <= $2
                    order by contact_at desc, id desc limit $3)
                union (select id from intake.request where order_key = $4 and order_key <> ''
                    order by contact_at desc, id desc limit $5))
                and id <> $6",
            root.customer,
            until.to_sqlx() as _,
            OF_CUSTOMER,
            root.order_key,
            OF_ORDER,
            root.id,
        )
        .fetch_all(self.chassis.pool())
        .await?;

        let own_grams = grams(&root.description);
        let mut found: Vec<(Likeness, &RequestRow)> = Vec::new();
        for other in &others {
            let mut times = [root.contact_at.to_jiff(), other.contact_at.to_jiff()];
            times.sort_unstable();
            let is_near = calendar.elapsed(times[0], times[1], within.measure) <= within.length;
            found.extend(compare(root, other, is_near, &own_grams).map(|likeness| (likeness, other)));
        }
        found.sort_by(|(a, first), (b, second)| {
            let by_class = b.class().cmp(&a.class());
            let by_words = b.similarity.total_cmp(&a.similarity);
            by_class
                .then(by_words)
                .then_with(|| (second.contact_at.to_jiff(), second.id).cmp(&(first.contact_at.to_jiff(), first.id)))
        });
        let at_most = usize::try_from(page_size).ok().filter(|size| *size > 0).unwrap_or(AT_MOST);
        let duplicates = found.into_iter().take(at_most).map(|(likeness, other)| pb::Duplicate {
            request: Some(other.show()),
            reasons: likeness.reasons.iter().map(|&reason| reason.into()).collect(),
            similarity: likeness.similarity,
            repeat_contact: likeness.is_repeat,
        });
        Ok(pb::SuggestDuplicatesResponse { duplicates: duplicates.collect() })
    }
}

impl Likeness {
    fn class(&self) -> (bool, bool) {
        (self.is_repeat, self.reasons.contains(&Reason::SameOrderNumber))
    }
}

/// Likeness of `other` to `root`; none if it is too small. `is_near` tells whether the time of clause A2.8 or less
/// lies between the two.
fn compare(root: &RequestRow, other: &RequestRow, is_near: bool, own_grams: &HashSet<String>) -> Option<Likeness> {
    let is_same_customer = root.customer.is_some() && root.customer == other.customer;
    let are_equal = |this: &str, that: &str| !this.is_empty() && this == that;
    let is_same_problem = are_equal(&root.problem_key, &other.problem_key)
        && are_equal(&folded(&root.business_domain), &folded(&other.business_domain));
    let similarity = dice(own_grams, &grams(&other.description));
    let reasons: Vec<Reason> = [
        (is_same_customer && root.project.is_some() && root.project == other.project, Reason::SameProject),
        (are_equal(&root.order_key, &other.order_key), Reason::SameOrderNumber),
        (is_same_customer && is_same_problem, Reason::SameProblemType),
        (is_same_customer && similarity >= SIMILAR, Reason::SimilarText),
    ]
    .into_iter()
    .filter_map(|(holds, reason)| holds.then_some(reason))
    .collect();
    let is_one_matter = reasons.iter().any(|&reason| reason != Reason::SimilarText);
    let is_repeat = is_same_customer && is_near && is_one_matter;
    // The same project or type of problem is not enough when the contact was long ago.
    let is_enough =
        is_repeat || reasons.iter().any(|reason| matches!(reason, Reason::SameOrderNumber | Reason::SimilarText));
    is_enough.then_some(Likeness { reasons, similarity, is_repeat })
}

fn grams(text: &str) -> HashSet<String> {
    let mut tokens = Tokens::at_most(usize::MAX);
    tokens.add(&normal(text));
    tokens.into_vec().into_iter().collect()
}

/// The Dice coefficient, twice the shared grams over all: 1 for equal sets, 0 for disjoint or empty ones.
fn dice(one: &HashSet<String>, other: &HashSet<String>) -> f64 {
    let count = |grams: usize| u32::try_from(grams).map_or(0.0, f64::from);
    let all = count(one.len() + other.len());
    if all == 0.0 { 0.0 } else { 2.0 * count(one.intersection(other).count()) / all }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn likeness_is_twice_what_is_shared_over_all() {
        let dice = |one: &str, other: &str| dice(&grams(one), &grams(other));
        // Each word has 4 pairs and 3 triples of letters, and they share one pair. The usual example counts only pairs.
        assert!((dice("night", "nacht") - 2.0 / 14.0).abs() < 1e-9);
        assert!((dice("打印机无法连接", "打印机连接不上") - 2.0 * 3.0 / 12.0).abs() < 1e-9);
        assert!((dice("ＡＢＣ", "abc") - 1.0).abs() < 1e-9);
        assert!(dice("", "").abs() < 1e-9 && dice("打印", "").abs() < 1e-9);
    }
}
