//! `SuggestDuplicates`: requests that may be about the same matter as one (A2.8). The agent decides.

use std::collections::HashSet;

use jiff_sqlx::ToSqlx as _;
use kefu_chassis::search::{Tokens, normal};
use kefu_chassis::{Call, Error};
use kefu_proto::intake::v1 as pb;
use kefu_proto::intake::v1::duplicate::Reason;
use kefu_regulation::params;

use crate::request::Requests;
use crate::request::row::{RequestRow, requests};

const AT_MOST: usize = 20;
/// Requests of the customer that are looked at: the newest until the clause's time after the request.
const OF_CUSTOMER: i64 = 100;
/// Requests of others with the same order number that are looked at.
const OF_ORDER: i64 = 20;
/// From here on two descriptions are taken for similar.
const SIMILAR: f64 = 0.4;

/// How a request is like another. In this order: a repeat contact, of the same order number, in similar words only.
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
        let record = self.seen(call, &request.name).await?;
        let (calendar, within) =
            (self.chassis.regulation.calendar(), self.chassis.regulation.get(params::REPEAT_WITHIN));
        let until = calendar.due(record.contact_at.to_jiff(), within).at;
        let others = requests!(
            "where id in (
                (select id from intake.request where customer = $1 and contact_at <= $2
                    order by contact_at desc, id desc limit $3)
                union (select id from intake.request where order_number = $4 and order_number <> ''
                    order by contact_at desc, id desc limit $5))
                and id <> $6",
            record.customer,
            until.to_sqlx() as _,
            OF_CUSTOMER,
            record.order_number,
            OF_ORDER,
            record.id,
        )
        .fetch_all(self.chassis.pool())
        .await?;

        let said = pieces(&record.description);
        let mut found: Vec<(Likeness, &RequestRow)> = Vec::new();
        for other in &others {
            let mut times = [record.contact_at.to_jiff(), other.contact_at.to_jiff()];
            times.sort_unstable();
            let is_near = calendar.elapsed(times[0], times[1], within.measure) <= within.length;
            found.extend(compare(&record, other, is_near, &said).map(|likeness| (likeness, other)));
        }
        found.sort_by(|(a, first), (b, second)| {
            let by_class = b.class().cmp(&a.class());
            let by_words = b.similarity.total_cmp(&a.similarity);
            by_class
                .then(by_words)
                .then_with(|| (second.contact_at.to_jiff(), second.id).cmp(&(first.contact_at.to_jiff(), first.id)))
        });
        let at_most = usize::try_from(request.page_size).ok().filter(|size| *size > 0).unwrap_or(AT_MOST);
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

/// How `other` is like `record`, if it is; `is_near` if no more than the clause's time lies between them.
fn compare(record: &RequestRow, other: &RequestRow, is_near: bool, said: &HashSet<String>) -> Option<Likeness> {
    let is_theirs = record.customer.is_some() && record.customer == other.customer;
    let is_same = |this: &str, that: &str| !this.is_empty() && this == that;
    let of_problem =
        is_same(&record.problem_type, &other.problem_type) && is_same(&record.business_domain, &other.business_domain);
    let similarity = dice(said, &pieces(&other.description));
    let reasons: Vec<Reason> = [
        (is_theirs && record.project.is_some() && record.project == other.project, Reason::SameProject),
        (is_same(&record.order_number, &other.order_number), Reason::SameOrderNumber),
        (is_theirs && of_problem, Reason::SameProblemType),
        (is_theirs && similarity >= SIMILAR, Reason::SimilarText),
    ]
    .into_iter()
    .filter_map(|(holds, reason)| holds.then_some(reason))
    .collect();
    let is_one_matter = reasons.iter().any(|&reason| reason != Reason::SimilarText);
    let is_repeat = is_theirs && is_near && is_one_matter;
    // The same project or type of problem long ago says nothing yet.
    let is_telling =
        is_repeat || reasons.iter().any(|reason| matches!(reason, Reason::SameOrderNumber | Reason::SimilarText));
    is_telling.then_some(Likeness { reasons, similarity, is_repeat })
}

fn pieces(text: &str) -> HashSet<String> {
    let mut tokens = Tokens::at_most(usize::MAX);
    tokens.add(&normal(text));
    tokens.into_vec().into_iter().collect()
}

/// The coefficient of Dice: 1 for the same pieces, 0 for none in common or none at all.
fn dice(one: &HashSet<String>, other: &HashSet<String>) -> f64 {
    let count = |pieces: usize| u32::try_from(pieces).map_or(0.0, f64::from);
    let all = count(one.len() + other.len());
    if all == 0.0 { 0.0 } else { 2.0 * count(one.intersection(other).count()) / all }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn likeness_is_twice_what_is_shared_over_all() {
        let dice = |one: &str, other: &str| dice(&pieces(one), &pieces(other));
        // night and nacht, the usual example over pairs (1 of 4 and 4); the threes in them share nothing.
        assert!((dice("night", "nacht") - 2.0 / 14.0).abs() < 1e-9);
        assert!((dice("打印机无法连接", "打印机连接不上") - 2.0 * 3.0 / 12.0).abs() < 1e-9);
        assert!((dice("ＡＢＣ", "abc") - 1.0).abs() < 1e-9);
        assert!(dice("", "").abs() < 1e-9 && dice("打印", "").abs() < 1e-9);
    }
}
