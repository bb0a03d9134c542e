//! Whether a text says anything to somebody who reads it.

/// Characters of which nothing is seen, beside white space and control characters: Unicode's `Default_Ignorable_Code_Point`, the
/// marks of annotations, and the blank pattern of Braille.
const UNSEEN: [(char, char); 18] = [
    ('\u{ad}', '\u{ad}'),
    ('\u{34f}', '\u{34f}'),
    ('\u{61c}', '\u{61c}'),
    ('\u{115f}', '\u{1160}'),
    ('\u{17b4}', '\u{17b5}'),
    ('\u{180b}', '\u{180f}'),
    ('\u{200b}', '\u{200f}'),
    ('\u{202a}', '\u{202e}'),
    ('\u{2060}', '\u{206f}'),
    ('\u{2800}', '\u{2800}'),
    ('\u{3164}', '\u{3164}'),
    ('\u{fe00}', '\u{fe0f}'),
    ('\u{feff}', '\u{feff}'),
    ('\u{ffa0}', '\u{ffa0}'),
    ('\u{fff0}', '\u{fffb}'),
    ('\u{1bca0}', '\u{1bca3}'),
    ('\u{1d173}', '\u{1d17a}'),
    ('\u{e0000}', '\u{e0fff}'),
];

/// Whether nothing of a text is seen: it is empty, or has only white space, control characters and characters without a sign.
#[must_use]
pub fn is_blank(text: &str) -> bool {
    text.chars().all(is_unseen)
}

/// Whether nothing of a character is seen: white space, a control character, or one without a sign.
#[must_use]
pub fn is_unseen(sign: char) -> bool {
    let within = |&(first, last): &(char, char)| (first..=last).contains(&sign);
    sign.is_whitespace() || sign.is_control() || !sign.is_ascii() && UNSEEN.iter().any(within)
}

#[cfg(test)]
mod tests {
    use regex::Regex;

    use super::*;

    #[test]
    fn a_text_of_which_nothing_is_seen_is_blank() {
        for text in
            ["", " \t\n", "\u{3000}", "\u{200b}", "\u{2060}\u{feff}", "\u{ad}", "\u{3164}", "\u{2800} ", "\u{e0001}"]
        {
            assert!(is_blank(text), "{text:?}");
        }
        for text in ["a", "字", " 。", "\u{200b}x", "👨\u{200d}👩", "\u{2801}"] {
            assert!(!is_blank(text), "{text:?}");
        }
    }

    #[test]
    fn what_is_unseen_is_what_unicode_ignores() {
        let ignored =
            Regex::new(r"^[\p{Default_Ignorable_Code_Point}\p{White_Space}\p{Cc}\x{fff9}-\x{fffb}\x{2800}]$").unwrap();
        for sign in '\0'..=char::MAX {
            assert_eq!(is_unseen(sign), ignored.is_match(sign.encode_utf8(&mut [0; 4])), "{sign:?}");
        }
    }
}
