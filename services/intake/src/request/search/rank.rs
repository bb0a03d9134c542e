//! Score of a request for a query. An exact number or code scores highest, then the words side by side, then the words
//! apart; within each class the field decides, for example a phone number before the description.

use kefu_chassis::search::packed;
use kefu_proto::intake::v1::search_result::Field;

use super::text::SearchText;
use kefu_chassis::search::{Query, QueryVariant};

// The classes lie so far apart that no weight of a field lifts a match into a higher one.
const EXACT: i32 = 3_000;
const TOGETHER: i32 = 2_000;
const APART: i32 = 1_000;
const WHOLE_WORD: i32 = 5;

/// The best match of a query in a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Match {
    /// Score, the higher the better: above 3,000 for an exact number or code, above 2,000 for words side by side, above
    /// 1,000 for words apart.
    pub score: i32,
    /// Field of the request in which the match with the highest score is.
    pub field: Field,
    /// Whether the query is exactly a number or code of the request.
    pub exact: bool,
}

/// The best match of the query in a request's texts; none if a word is in none of them.
pub fn best_match(query: &Query, texts: &[SearchText]) -> Option<Match> {
    query.variants.iter().filter_map(|variant| match_variant(variant, texts)).max_by_key(|hit| hit.score)
}

fn match_variant(variant: &QueryVariant, texts: &[SearchText]) -> Option<Match> {
    let phrase = variant.terms.join(" ");
    let together = texts.iter().filter_map(|text| match_text(&phrase, text)).max_by_key(|hit| hit.score);
    if together.is_some() {
        return together;
    }
    let found: Option<Vec<Match>> = variant
        .terms
        .iter()
        .map(|term| texts.iter().filter_map(|text| match_text(term, text)).max_by_key(|hit| hit.score))
        .collect();
    let best = found?.into_iter().max_by_key(|hit| hit.score)?;
    Some(Match { score: APART + weight(best.field), field: best.field, exact: false })
}

fn match_text(phrase: &str, text: &SearchText) -> Option<Match> {
    let hit = |score, exact| Match { score: score + weight(text.field), field: text.field, exact };
    if is_exact(phrase, text) {
        return Some(hit(EXACT, true));
    }
    if let Some(at) = text.text.find(phrase) {
        let (before, after) = (&text.text[..at], &text.text[at + phrase.len()..]);
        let is_word = (before.is_empty() || before.ends_with(' ')) && (after.is_empty() || after.starts_with(' '));
        return Some(hit(TOGETHER + if is_word { WHOLE_WORD } else { 0 }, false));
    }
    text.code.as_ref().is_some_and(|code| code.contains(&packed(phrase))).then(|| hit(TOGETHER, false))
}

/// Whether the phrase is exactly this number or code. For a request's number the running part is enough: `42` matches
/// `R-20260105-000042`.
fn is_exact(phrase: &str, text: &SearchText) -> bool {
    let Some(code) = &text.code else { return false };
    let running = (text.field == Field::Number).then(|| text.text.rsplit(' ').next()).flatten();
    let bare = |number: &str| number.trim_start_matches('0').to_owned();
    *code == packed(phrase) || running.is_some_and(|running| bare(running) == bare(phrase))
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
