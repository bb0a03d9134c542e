//! Queries of a search. A query that may be a number or a code is read in several variants; a row that fits one is
//! found.

use std::collections::HashSet;

use super::{asked, normal, packed};
use crate::base::contacts::Country;
use crate::base::error::Error;
use crate::wrong;

/// The most words of a query that are looked up among the customers.
const NAMES_AT_MOST: usize = 4;

/// A query, read in every way that it may be meant.
#[derive(Debug)]
pub struct Query {
    /// The variants of the query.
    pub variants: Vec<QueryVariant>,
    /// The query as it was written: it may be an order number, or an id in another system.
    pub written: String,
    /// The numbers that the query may be, as they are stored, e.g. `R-20261130-000001`.
    pub numbers: Vec<String>,
    /// The running parts of numbers that words of the query may be, as they are stored, e.g. `000042` for `42`.
    pub running: Vec<String>,
}

/// One variant of a query.
#[derive(Debug)]
pub struct QueryVariant {
    /// The terms, in normal form, that must all be found.
    pub terms: Vec<String>,
    /// Whether another variant finds everything that this one finds.
    is_covered: bool,
}

impl Query {
    /// Reads the query that a request has in its field `query`. Refused when it has fewer than two letters or digits.
    pub fn of_request(query: &str, letter: char, country: Country) -> Result<Self, Error> {
        Self::read(query, letter, country).ok_or_else(|| {
            let wrong = wrong!(TooShort, "must have at least two letters or digits", "至少须有两个文字或数字");
            Error::field("query", wrong)
        })
    }

    /// Reads a query for resources whose numbers begin with `letter` (upper case); none if the query has fewer than two
    /// letters or digits.
    #[must_use]
    pub fn read(query: &str, letter: char, country: Country) -> Option<Self> {
        let terms: Vec<String> = query.split_whitespace().map(normal).filter(|term| !term.is_empty()).collect();
        let whole = packed(&normal(query));
        if whole.chars().count() < 2 {
            return None;
        }
        let running = terms.iter().filter_map(|term| running(term)).collect();
        let mut variants = vec![QueryVariant { terms, is_covered: false }];
        let is_code = whole.bytes().all(|sign| sign.is_ascii_alphanumeric()) && whole.contains(is_digit);
        let phone = if is_phone(query) { country.e164(query.trim()) } else { None };
        let number = number(&whole, letter);
        let others = is_code.then(|| whole.clone()).into_iter();
        for other in others.chain(phone.iter().chain(&number).map(|code| normal(code))) {
            let covers =
                |variant: &QueryVariant| matches!(variant.terms.as_slice(), [term] if other.contains(term.as_str()));
            let is_covered = variants.iter().any(covers);
            if variants.iter().all(|variant| variant.terms != [other.as_str()]) {
                variants.push(QueryVariant { terms: vec![other], is_covered });
            }
        }
        Some(Self { variants, written: query.trim().to_owned(), numbers: number.into_iter().collect(), running })
    }

    /// Whether texts in normal form contain all terms of a variant of the query.
    #[must_use]
    pub fn fits(&self, texts: &str) -> bool {
        self.variants.iter().any(|variant| variant.terms.iter().all(|term| texts.contains(term.as_str())))
    }

    /// Returns, for each variant that no other covers, the grams that a result must have.
    #[must_use]
    pub fn grams(&self) -> Vec<Vec<String>> {
        let variants = self.variants.iter().filter(|variant| !variant.is_covered);
        variants.map(|variant| grams(&variant.terms.join(" "))).collect()
    }

    /// Returns, for each of at most four words, the grams that a customer must have; codes and telephone numbers come
    /// first.
    #[must_use]
    pub fn names(&self) -> Vec<Vec<String>> {
        let mut terms: Vec<&String> = self
            .variants
            .iter()
            .filter(|variant| !variant.is_covered)
            .rev()
            .flat_map(|variant| &variant.terms)
            .collect();
        let mut known = HashSet::new();
        terms.retain(|term| term.chars().count() > 1 && known.insert(*term));
        terms.iter().take(NAMES_AT_MOST).map(|term| grams(term)).collect()
    }
}

fn grams(normal: &str) -> Vec<String> {
    asked(normal).into_iter().map(str::to_owned).collect()
}

/// Returns the number that a code in normal form may be, e.g. `R-20261120-000042` for `r20261120000042` or
/// `20261120000042`.
fn number(code: &str, letter: char) -> Option<String> {
    let digits = code.strip_prefix(letter.to_ascii_lowercase()).unwrap_or(code);
    let (day, running) = digits.split_at_checked(8)?;
    (running.len() > 5 && digits.chars().all(is_digit)).then(|| format!("{letter}-{day}-{running}"))
}

/// Returns the running part of a number that a word may be, padded to six digits.
fn running(term: &str) -> Option<String> {
    let digits = term.trim_start_matches('0');
    (!digits.is_empty() && digits.len() < 16 && term.chars().all(is_digit)).then(|| format!("{digits:0>6}"))
}

fn is_digit(sign: char) -> bool {
    sign.is_ascii_digit()
}

/// Whether a query has only characters that telephone numbers are written with.
fn is_phone(query: &str) -> bool {
    query
        .chars()
        .all(|sign| sign.is_whitespace() || "+-().–/０１２３４５６７８９＋－（）".contains(sign) || is_digit(sign))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(query: &str) -> Query {
        Query::read(query, 'R', Country::default()).unwrap()
    }

    fn variants(query: &str) -> Vec<Vec<String>> {
        read(query).variants.into_iter().map(|variant| variant.terms).collect()
    }

    #[test]
    fn words_are_looked_for_each_and_codes_without_their_separators_too() {
        assert_eq!(variants("打印机　LASER "), [vec!["打印机", "laser"]]);
        assert_eq!(variants("SO-2026/7"), [["so 2026 7"], ["so20267"]]);
        assert_eq!(variants("138 0013-8000"), [vec!["138", "0013 8000"], vec!["13800138000"], vec!["8613800138000"]]);
        assert_eq!(variants("１３８００１３８０００"), [["13800138000"], ["8613800138000"]]);
    }

    #[test]
    fn what_is_found_holds_all_words_of_one_way() {
        let query = read("漏水 X-200");
        assert!(query.fits("水泵漏水\nx 200\nx200") && !query.fits("水泵漏水"));
    }

    #[test]
    fn numbers_are_read_in_any_writing() {
        for written in ["R-20261120-000042", "r20261120000042", "20261120-000042", "Ｒ－２０２６１１２０－００００４２"]
        {
            assert_eq!(read(written).numbers, ["R-20261120-000042"], "{written}");
        }
        assert_eq!(read("R-20261120-1000042").numbers, ["R-20261120-1000042"]);
        assert_eq!(read("20261120").numbers, [""; 0]);
        let complaint = Query::read("c 20261120 000001", 'C', Country::default()).unwrap();
        assert_eq!(complaint.numbers, ["C-20261120-000001"]);
        assert_eq!(read("42 000043 王小明").running, ["000042", "000043"]);
        assert_eq!(read("00 1234567").running, ["1234567"]);
    }

    #[test]
    fn a_query_of_no_word_asks_for_nothing() {
        for written in ["", " ", "水", "%_", "，。", "\u{0}a"] {
            assert!(Query::read(written, 'R', Country::default()).is_none(), "{written:?}");
        }
    }
}
