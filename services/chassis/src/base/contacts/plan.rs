//! Numbering plans: which prefixes a country's numbers are written with, which numbers it has, and the public short numbers
//! of China. The lengths and patterns are those of the library's table, which is Google's; its patterns are matched as a
//! whole.

use std::collections::{BTreeSet, HashMap};
use std::sync::{LazyLock, RwLock};

use phonenumber::Metadata;
use phonenumber::country::Id;
use phonenumber::metadata::{DATABASE, Descriptor};
use regex::{Regex, bytes};

use super::refused;
use crate::base::error::Wrong;

/// The numbering plan of a country.
#[derive(Debug)]
pub struct Plan(&'static Metadata);

/// How the number of a written number was led in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Prefix {
    /// By the country code.
    CountryCode,
    /// By the trunk prefix, e.g. the `0` of `010`.
    Trunk,
    /// By nothing.
    None,
}

/// Digits of a number without its area code.
const LOCAL: std::ops::RangeInclusive<u16> = 5..=8;
/// Country code of China.
const CHINA: u16 = 86;
/// Digits of a Chinese mobile number, which begins with 1 and a digit from 3 up.
const CHINESE_MOBILE: usize = 11;

/// Public short numbers of China (the plan of 2017, GB/T and ministry lists): emergency and service numbers of three digits,
/// carriers (`10086`), government and enterprise numbers (`12345`, `95588`, `95105105`), local services (`96110`).
static SHORT: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r"^(1[12]\d|100\d{2}|10[1-9]\d{2}|1010\d{4}|11\d{3}|11[68]\d{3}|12\d{3}|95[3-9]\d{2}|95[0-2]\d{2,5}|96\d{3,4}|999)$",
    )
    .ok()
});

/// Whether digits are a public short number, as it is dialled in the country.
pub fn is_short(country: Id, digits: &str) -> bool {
    country == Id::CN && SHORT.as_ref().is_some_and(|short| short.is_match(digits))
}

/// Whether digits after the country code are a public short number that can be dialled from abroad.
pub fn is_short_from_abroad(country: Id, national: &str) -> bool {
    national.len() >= 5 && is_short(country, national)
}

/// Whether a number that was read may have an extension that only a hyphen parts from it: a landline or a number of a firm.
pub fn takes_extensions(e164: &str) -> bool {
    let parsed = e164.parse::<phonenumber::PhoneNumber>().ok();
    parsed.is_some_and(|parsed| {
        let national = parsed.national().to_string();
        Plan::of_number(parsed.code().value(), &national).is_some_and(|plan| !plan.is_only_mobile(&national))
    })
}

impl Plan {
    /// Returns the plan of a country.
    pub fn of_country(country: Id) -> Option<Self> {
        DATABASE.by_id(country.as_ref()).map(Self)
    }

    /// Returns the plan that a number is of; of countries that share a code, the one that has the number, or the main one.
    pub fn of_number(code: u16, national: &str) -> Option<Self> {
        let plans = DATABASE.by_code(&code)?;
        let mut plans = plans.into_iter().map(Self);
        let first = plans.next()?;
        if first.has(national) {
            return Some(first);
        }
        Some(plans.find(|plan| plan.has(national)).unwrap_or(first))
    }

    /// Returns the country code.
    pub fn code(&self) -> u16 {
        self.0.country_code()
    }

    /// Returns how a number was led in, by the digits that stand before its national part in this country; none if they are no
    /// prefixes of it. A `+` or `00` demands the country code.
    pub fn prefix(&self, before: &str, code: u16, plan: &Self, is_international: bool) -> Option<Prefix> {
        let trunk = plan.0.national_prefix().filter(|trunk| before.ends_with(trunk));
        let bare = |digits: &str, is_trunk: bool| -> Option<Prefix> {
            match digits {
                "" if !is_international => Some(if is_trunk { Prefix::Trunk } else { Prefix::None }),
                digits => {
                    let left = digits.strip_suffix(&code.to_string())?;
                    (left.is_empty() || is_international && self.is_exit(left)).then_some(Prefix::CountryCode)
                }
            }
        };
        bare(before, false).or_else(|| bare(&before[..before.len() - trunk?.len()], true))
    }

    /// Returns the digits behind what the country dials before a foreign country code; none if they begin otherwise.
    pub fn behind_exit<'a>(&self, digits: &'a str) -> Option<&'a str> {
        (2..=5)
            .filter_map(|length| digits.split_at_checked(length))
            .find(|(exit, _)| self.is_exit(exit))
            .map(|(_, rest)| rest)
    }

    /// Whether digits are what the country dials before a foreign country code, e.g. `00`.
    fn is_exit(&self, digits: &str) -> bool {
        digits == "00" || self.0.international_prefix().is_some_and(|form| is_whole_match(form.as_str(), digits))
    }

    /// Refuses a national part that is no number of the plan. Numbers of other countries are taken by their length, because
    /// their plans change faster than the table.
    pub fn check(&self, national: &str, is_home: bool, prefix: Prefix) -> Result<(), Wrong> {
        if self.code() == CHINA && is_chinese_mobile(national) {
            return match national.len().cmp(&CHINESE_MOBILE) {
                std::cmp::Ordering::Less => Err(refused::too_short()),
                std::cmp::Ordering::Equal => Ok(()),
                std::cmp::Ordering::Greater => Err(refused::too_long()),
            };
        }
        let (lengths, local) = self.lengths();
        let length = u16::try_from(national.len()).unwrap_or(u16::MAX);
        // A landline without its area code may look like another one of some other place.
        let lacks_area = prefix == Prefix::None && self.0.national_prefix() == Some("0");
        if self.has(national) {
            return if lacks_area && self.is_landline(national) { Err(refused::no_area_code()) } else { Ok(()) };
        }
        let is_possible = lengths.contains(&length);
        if !is_home && is_possible && prefix == Prefix::CountryCode && self.code() != CHINA {
            return Ok(());
        }
        let is_local = prefix == Prefix::None && local.contains(&length);
        Err(if is_local || lacks_area && LOCAL.contains(&length) {
            refused::no_area_code()
        } else if lengths.first().is_none_or(|least| length < *least) {
            refused::too_short()
        } else if lengths.last().is_some_and(|most| length > *most) {
            refused::too_long()
        } else {
            refused::not_in_plan()
        })
    }

    /// Whether the table has the number, of whatever kind.
    fn has(&self, national: &str) -> bool {
        self.kinds().any(|kind| fits(kind, national))
    }

    /// Returns the lengths of the plan's numbers, and those of numbers without their area code, each in ascending order.
    fn lengths(&self) -> (BTreeSet<u16>, BTreeSet<u16>) {
        let lengths = self.kinds().flat_map(Descriptor::possible_length).copied().collect();
        (lengths, self.kinds().flat_map(Descriptor::possible_local_length).copied().collect())
    }

    fn kinds(&self) -> impl Iterator<Item = &'static Descriptor> {
        let all = self.0.descriptors();
        let kinds = [
            all.fixed_line(),
            all.mobile(),
            all.toll_free(),
            all.premium_rate(),
            all.shared_cost(),
            all.personal_number(),
            all.voip(),
            all.pager(),
            all.uan(),
            all.voicemail(),
        ];
        kinds.into_iter().flatten()
    }

    fn is_landline(&self, national: &str) -> bool {
        let all = self.0.descriptors();
        let is_mobile = all.mobile().is_some_and(|kind| fits(kind, national));
        all.fixed_line().is_some_and(|kind| fits(kind, national)) && !is_mobile
    }

    fn is_only_mobile(&self, national: &str) -> bool {
        let all = self.0.descriptors();
        let is_fixed = all.fixed_line().is_some_and(|kind| fits(kind, national));
        let is_mobile = all.mobile().is_some_and(|kind| fits(kind, national));
        !is_fixed && (is_mobile || self.code() == CHINA && is_chinese_mobile(national))
    }
}

fn is_chinese_mobile(national: &str) -> bool {
    matches!(national.as_bytes(), [b'1', b'3'..=b'9', ..])
}

fn fits(kind: &'static Descriptor, national: &str) -> bool {
    let lengths = kind.possible_length();
    let has_length = lengths.is_empty() || lengths.iter().any(|length| usize::from(*length) == national.len());
    has_length && is_whole_match(kind.national_number().as_str(), national)
}

/// The library's patterns, made to match as a whole, each compiled once. They match bytes: the digits of every script, which
/// `\d` means otherwise, would make each pattern very large.
static WHOLE: LazyLock<RwLock<HashMap<&'static str, Option<bytes::Regex>>>> = LazyLock::new(RwLock::default);

fn is_whole_match(pattern: &'static str, digits: &str) -> bool {
    if let Ok(known) = WHOLE.read()
        && let Some(form) = known.get(pattern)
    {
        return form.as_ref().is_some_and(|form| form.is_match(digits.as_bytes()));
    }
    let form =
        bytes::RegexBuilder::new(&format!("^(?:{pattern})$")).unicode(false).ignore_whitespace(true).build().ok();
    let holds = form.as_ref().is_some_and(|form| form.is_match(digits.as_bytes()));
    if let Ok(mut known) = WHOLE.write() {
        known.insert(pattern, form);
    }
    holds
}
