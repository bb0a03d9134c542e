//! A telephone number as people write it: a label before it, the number, an extension behind it.

use super::refused;
use crate::base::error::Wrong;
use crate::base::text::is_unseen;

/// The parts of a written telephone number.
#[derive(Debug)]
pub struct Written {
    /// Digits and the signs between them: blanks, `-`, `/`, `.`; brackets are left out. A `+` comes first.
    pub number: String,
    /// The digits of the extension; empty without one.
    pub extension: String,
}

/// What people write before a number, in small letters; the longer ones come first.
const LABELS: [&str; 22] = [
    "telephone",
    "telefon",
    "mobile",
    "phone",
    "handy",
    "cell",
    "tel",
    "mob",
    "fax",
    "联系电话",
    "电话号码",
    "手机号码",
    "電話番号",
    "手机号",
    "手机",
    "电话",
    "座机",
    "固话",
    "电話",
    "電話",
    "携帯",
    "传真",
];

/// What people write between a number and its extension, in small letters; the longer ones come first.
const EXTENSION_MARKS: [&str; 16] = [
    "durchwahl",
    "extension",
    ";ext=",
    "extn",
    "ext",
    "app.",
    "分机号",
    "分机",
    "分機",
    "内线",
    "内線",
    "転",
    "转",
    "轉",
    "#",
    "x",
];

/// What people write between two numbers.
const BETWEEN_NUMBERS: [&str; 13] = ["~", "oder", "and", "or", ";", ",", "、", "|", "&", "或", "和", "及", "\n"];

/// The most digits of an extension, as the contract has it.
pub const EXTENSION_AT_MOST: usize = 11;

impl Written {
    /// Parts what was written. Fails on letters, on signs that no number has, and on the beginning of a second number.
    pub fn read(written: &str) -> Result<Self, Wrong> {
        let plain: String = written.trim_matches(is_unseen).chars().map(narrow).flat_map(char::to_lowercase).collect();
        let mut rest = without_label(plain.trim_matches(is_unseen));
        let mut number = String::new();
        while let Some(sign) = rest.chars().next() {
            if let Some(behind) = strip_any(rest, &EXTENSION_MARKS)
                && number.contains(is_digit)
            {
                return Ok(Self { number: trimmed(&number), extension: extension(behind)? });
            }
            if strip_any(rest, &BETWEEN_NUMBERS).is_some_and(|behind| behind.contains(is_digit)) {
                return Err(refused::two_numbers());
            }
            match sign {
                '0'..='9' | '-' | '/' | '.' => number.push(sign),
                '+' if !number.contains(is_digit) && !number.contains('+') => number.push(sign),
                '(' | ')' | '[' | ']' => number.push(' '),
                blank if blank.is_whitespace() => number.push(' '),
                letter if letter.is_alphabetic() => return Err(refused::letters()),
                _ => return Err(refused::signs()),
            }
            rest = &rest[sign.len_utf8()..];
        }
        Ok(Self { number: trimmed(&number), extension: String::new() })
    }
}

/// The number without the blanks and hyphens around it.
fn trimmed(number: &str) -> String {
    number.trim_matches([' ', '-', '/']).to_owned()
}

fn is_digit(sign: char) -> bool {
    sign.is_ascii_digit()
}

/// What comes after a label; the whole text if it begins with none.
fn without_label(text: &str) -> &str {
    match strip_any(text, &LABELS) {
        Some(behind) => {
            behind.trim_start_matches(|sign: char| matches!(sign, '.' | ':' | '号') || sign.is_whitespace())
        }
        None => text,
    }
}

fn strip_any<'a>(text: &'a str, beginnings: &[&str]) -> Option<&'a str> {
    beginnings.iter().find_map(|beginning| text.strip_prefix(beginning))
}

/// Reads what comes after the mark of an extension: digits and nothing else.
fn extension(behind: &str) -> Result<String, Wrong> {
    let around = |sign: char| sign.is_whitespace() || matches!(sign, '.' | ':' | '=' | '-' | ')' | ']');
    let digits = behind.trim_matches(around);
    if digits.is_empty() || !digits.chars().all(is_digit) || digits.len() > EXTENSION_AT_MOST {
        return Err(refused::extension());
    }
    Ok(digits.to_owned())
}

/// Returns the narrow form of a full-width sign, and one of the same kind for dashes, dots and blanks; others stay.
fn narrow(sign: char) -> char {
    match sign {
        '\u{ff01}'..='\u{ff5e}' => narrow(char::from_u32(u32::from(sign) - 0xfee0).unwrap_or(sign)),
        '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{30fc}' => '-',
        '\u{b7}' | '\u{2022}' | '\u{30fb}' | '。' => '.',
        '【' | '〔' => '(',
        '】' | '〕' => ')',
        other => other,
    }
}
