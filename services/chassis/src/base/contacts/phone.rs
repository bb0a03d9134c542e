//! Telephone numbers in any writing: read as a whole, or refused with the reason. What is accepted has just the digits that
//! were written, in their order, but for prefixes (`+`, `00`, the country code, the trunk prefix) and the extension.

use phonenumber::country::Source;

use super::plan::{self, Plan};
use super::refused;
use super::written::Written;
use crate::base::error::Wrong;

/// A telephone number that was read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Phone {
    /// E.164, e.g. `+861088886666`; a public short number of the country as it is dialled there, e.g. `12345`.
    pub number: String,
    /// The digits that are dialled after the number is answered; empty without any.
    pub extension: String,
}

/// Fewest digits of an extension that only a hyphen parts from its number, and most.
const EXTENSION_AFTER_HYPHEN: std::ops::RangeInclusive<usize> = 2..=6;

/// The most digits of a public short number.
const LONGEST_SHORT: usize = 8;

/// Reads the telephone number that somebody in `country` wrote.
pub fn read(written: &str, country: phonenumber::country::Id) -> Result<Phone, Wrong> {
    let written = Written::read(written)?;
    let wrong = match number(&written.number, country) {
        // Behind the mark of an extension a whole number may stand.
        Ok(_) if written.extension.len() > LONGEST_SHORT && number(&written.extension, country).is_ok() => {
            return Err(refused::two_numbers());
        }
        Ok(number) => return Ok(Phone { number, extension: written.extension }),
        Err(wrong) => wrong,
    };
    if written.extension.is_empty()
        && let Some((before, extension)) = written.number.rsplit_once('-')
        && extension.bytes().all(|sign| sign.is_ascii_digit())
        && EXTENSION_AFTER_HYPHEN.contains(&extension.len())
        && let Ok(number) = number(before, country)
        && plan::takes_extensions(&number)
    {
        return Ok(Phone { number, extension: extension.to_owned() });
    }
    Err(if holds_two(&written.number, country) { refused::two_numbers() } else { wrong })
}

/// Reads the number that a text of digits, signs between them, and a leading `+` writes.
fn number(text: &str, country: phonenumber::country::Id) -> Result<String, Wrong> {
    if is_decimal(text) {
        return Err(refused::decimal());
    }
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    let has_plus = text.starts_with('+');
    if digits.is_empty() {
        return Err(refused::no_digits());
    }
    if !has_plus && plan::is_short(country, &digits) {
        return Ok(digits);
    }
    if digits.len() > LONGEST_WITH_PREFIXES {
        return Err(refused::too_long());
    }
    let plus = if has_plus { "+" } else { "" };
    let home = Plan::of_country(country).ok_or_else(refused::not_in_plan)?;
    let parse = |country, text: &str| phonenumber::parse(country, text).map_err(|error| refused::parse(&error));
    // Beside a country the library takes that country's prefixes for prefixes of any number, so it gets none for a number with
    // its code.
    let parsed = if has_plus {
        parse(None, &format!("+{digits}"))?
    } else {
        let parsed = parse(Some(country), &digits)?;
        let is_abroad = parsed.code().source() == Source::Idd;
        let behind = home.behind_exit(&digits).filter(|_| is_abroad);
        behind.map_or(Ok(parsed), |behind| parse(None, &format!("+{behind}")))?
    };
    let (code, national) = (parsed.code().value(), parsed.national().to_string());
    let is_international = parsed.code().source() != Source::Default;
    // The library drops what it takes for a prefix: what it dropped must be one.
    let dropped = digits.strip_suffix(&national).ok_or_else(refused::not_one_number)?;
    let plan = Plan::of_number(code, &national).ok_or_else(refused::not_in_plan)?;
    let prefix = home.prefix(dropped, code, &plan, is_international).ok_or_else(refused::not_one_number)?;
    if is_international && code == home.code() && plan::is_short_from_abroad(country, &national) {
        return Ok(national);
    }
    plan.check(&national, code == home.code(), prefix)?;
    let read = format!("+{code}{national}");
    // A number that is one only with its prefix before it is none: what is stored is read again.
    if read != format!("{plus}{digits}") && number(&read, country)? != read {
        return Err(refused::not_one_number());
    }
    Ok(read)
}

/// The most digits of a number with every prefix: `0011`, and the fifteen of E.164, and a trunk prefix.
const LONGEST_WITH_PREFIXES: usize = 20;

/// Whether a number ends as a spreadsheet writes numbers: `13800138000.0`.
fn is_decimal(text: &str) -> bool {
    text.rsplit_once('.').is_some_and(|(before, after)| {
        !after.is_empty() && after.bytes().all(|sign| sign == b'0') && after.len() < 3 && !before.contains('.')
    })
}

/// Whether a text that is no number holds two of them, or one and the differing end of another (`010-88886666/67`).
fn holds_two(text: &str, country: phonenumber::country::Id) -> bool {
    let parts = text.char_indices().filter(|(_, sign)| matches!(sign, ' ' | '/' | '-'));
    parts.map(|(at, sign)| (sign, text[..at].trim_end(), text[at + 1..].trim_start())).any(|(sign, before, after)| {
        number(before, country).is_ok() && !after.is_empty() && (sign == '/' || number(after, country).is_ok())
    })
}
