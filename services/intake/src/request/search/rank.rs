//! How well a request fits a query: a number that is just the one asked for, before words that stand together as asked,
//! before words that stand apart; and among these, by where they stand.

use kefu_chassis::search::packed;
use kefu_proto::intake::v1::search_result::Field;

use super::text::Part;
use kefu_chassis::search::{Query, QueryVariant};

const EXACT: i32 = 3_000;
const TOGETHER: i32 = 2_000;
const APART: i32 = 1_000;
const WHOLE_WORD: i32 = 5;

/// What was found of a query in a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verdict {
    pub score: i32,
    pub field: Field,
    pub exact: bool,
}

/// How well a request of these texts fits; none if some word is nowhere in it.
pub fn judge(query: &Query, parts: &[Part]) -> Option<Verdict> {
    query.ways.iter().filter_map(|way| of_way(way, parts)).max_by_key(|verdict| verdict.score)
}

fn of_way(way: &QueryVariant, parts: &[Part]) -> Option<Verdict> {
    let whole = way.terms.join(" ");
    let together = parts.iter().filter_map(|part| in_part(&whole, part)).max_by_key(|verdict| verdict.score);
    if together.is_some() {
        return together;
    }
    let found: Option<Vec<Verdict>> = way
        .terms
        .iter()
        .map(|term| parts.iter().filter_map(|part| in_part(term, part)).max_by_key(|verdict| verdict.score))
        .collect();
    let best = found?.into_iter().max_by_key(|verdict| verdict.score)?;
    Some(Verdict { score: APART + weight(best.field), field: best.field, exact: false })
}

fn in_part(whole: &str, part: &Part) -> Option<Verdict> {
    let verdict = |score, exact| Verdict { score: score + weight(part.field), field: part.field, exact };
    if is_just(whole, part) {
        return Some(verdict(EXACT, true));
    }
    if let Some(at) = part.text.find(whole) {
        let (before, after) = (&part.text[..at], &part.text[at + whole.len()..]);
        let is_word = (before.is_empty() || before.ends_with(' ')) && (after.is_empty() || after.starts_with(' '));
        return Some(verdict(TOGETHER + if is_word { WHOLE_WORD } else { 0 }, false));
    }
    part.code.as_ref().is_some_and(|code| code.contains(&packed(whole))).then(|| verdict(TOGETHER, false))
}

/// Whether a number or code is just what was asked for; of a request's number its running part is enough.
fn is_just(whole: &str, part: &Part) -> bool {
    let Some(code) = &part.code else { return false };
    let running = (part.field == Field::Number).then(|| part.text.rsplit(' ').next()).flatten();
    let bare = |number: &str| number.trim_start_matches('0').to_owned();
    *code == packed(whole) || running.is_some_and(|running| bare(running) == bare(whole))
}

fn weight(field: Field) -> i32 {
    match field {
        Field::Number => 90,
        Field::Phone => 80,
        Field::OrderNumber => 70,
        Field::ExternalId => 60,
        Field::Customer => 50,
        Field::Product => 40,
        Field::Classification => 30,
        Field::Description => 20,
        Field::Resolution => 10,
        Field::Unspecified => 0,
    }
}
