//! The languages of messages to people: zh-CN and English, by the caller's `accept-language`.

use kefu_regulation::Regulation;

/// A text in both languages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Text {
    en: &'static str,
    zh: &'static str,
}

impl Text {
    /// Creates a text from its English and its Chinese.
    ///
    /// # Panics
    /// If one of the two is missing or in the other's script. In a constant, such a text does not compile.
    #[must_use]
    pub const fn new(en: &'static str, zh: &'static str) -> Self {
        assert_written(en, zh);
        Self { en, zh }
    }

    /// Returns the text in a language.
    #[must_use]
    pub const fn of(self, language: Language) -> &'static str {
        match language {
            Language::English => self.en,
            Language::Chinese => self.zh,
        }
    }
}

/// A sentence, or a part of one, in both languages, with what it names filled in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sentence {
    en: String,
    zh: String,
}

impl Sentence {
    /// Creates a sentence from its English and its Chinese.
    #[must_use]
    pub const fn new(en: String, zh: String) -> Self {
        Self { en, zh }
    }

    /// Returns the English.
    #[must_use]
    pub fn en(&self) -> &str {
        &self.en
    }

    /// Returns the Chinese.
    #[must_use]
    pub fn zh(&self) -> &str {
        &self.zh
    }

    /// Returns the sentence in a language.
    #[must_use]
    pub fn of(&self, language: Language) -> &str {
        match language {
            Language::English => &self.en,
            Language::Chinese => &self.zh,
        }
    }
}

impl From<&str> for Sentence {
    /// Takes what is the same in both languages, such as a number.
    fn from(text: &str) -> Self {
        Self { en: text.to_owned(), zh: text.to_owned() }
    }
}

impl From<Text> for Sentence {
    fn from(text: Text) -> Self {
        Self { en: text.en.to_owned(), zh: text.zh.to_owned() }
    }
}

/// Asserts that two texts are written in English and in Chinese, and name as many variables. The Chinese may have Latin letters
/// only within braces, which hold the names of variables.
///
/// # Panics
/// If one of the two is not. In a constant, such a text does not compile.
pub const fn assert_both(en: &str, zh: &str) {
    assert_written(en, zh);
    assert!(!has_latin(zh), "the Chinese text is missing or not Chinese");
    assert!(variables(en) == variables(zh), "one of the two texts says less than the other");
}

/// The number of variables in braces that a text names.
const fn variables(text: &str) -> usize {
    let bytes = text.as_bytes();
    let (mut at, mut found) = (0, 0);
    while at < bytes.len() {
        found += (bytes[at] == b'{') as usize;
        at += 1;
    }
    found
}

/// Asserts that two texts are written in the scripts of English and of Chinese.
const fn assert_written(en: &str, zh: &str) {
    assert!(!en.is_empty() && !has_han(en), "the English text is missing or Chinese");
    assert!(has_han(zh), "the Chinese text is missing or not Chinese");
}

/// Whether a text has a Latin letter outside of braces.
const fn has_latin(text: &str) -> bool {
    let bytes = text.as_bytes();
    let (mut at, mut depth) = (0, 0_u8);
    while at < bytes.len() {
        match bytes[at] {
            b'{' => depth += 1,
            b'}' => depth -= 1,
            letter if depth == 0 && letter.is_ascii_alphabetic() => return true,
            _ => {}
        }
        at += 1;
    }
    false
}

/// Whether a text has a Chinese character, U+4000 to U+9FFF: in UTF-8, only those begin with a byte from E4 to E9.
pub(super) const fn has_han(text: &str) -> bool {
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        if bytes[at] >= 0xE4 && bytes[at] <= 0xE9 {
            return true;
        }
        at += 1;
    }
    false
}

/// A language of messages to people.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Language {
    /// English.
    #[default]
    English,
    /// Chinese (zh-CN).
    Chinese,
}

impl Language {
    /// Returns the first language of an `accept-language` header that kefu speaks, whatever the weights; English if
    /// none.
    #[must_use]
    pub fn accepted(header: Option<&str>) -> Self {
        for range in header.unwrap_or_default().split(',') {
            match range.trim().get(..2).map(str::to_ascii_lowercase).as_deref() {
                Some("zh") => return Self::Chinese,
                Some("en") => return Self::English,
                _ => {}
            }
        }
        Self::English
    }

    /// Returns the language's BCP 47 tag.
    #[must_use]
    pub fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::Chinese => "zh-CN",
        }
    }

    /// Returns a clause's title with its id, e.g. `First answer in time (C2.1)`; of an unknown clause, the id.
    #[must_use]
    pub fn title(self, id: &str) -> String {
        match (Regulation::standard().clause(id), self) {
            (Some(clause), Self::English) => format!("{} ({id})", clause.title.en),
            (Some(clause), Self::Chinese) => format!("{}（{id}）", clause.title.zh),
            (None, _) => id.to_owned(),
        }
    }

    /// Returns a clause with its title, e.g. `C2.1 (First answer in time)`. Titles come from the embedded rule book, whatever
    /// the operator overrides.
    #[must_use]
    pub fn clause(self, id: &str) -> String {
        let regulation = Regulation::standard();
        match (regulation.clause(id), self) {
            (Some(clause), Self::English) => format!("{id} ({})", clause.title.en),
            (Some(clause), Self::Chinese) => format!("{id}（{}）", clause.title.zh),
            (None, _) => id.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_language_we_speak_is_taken() {
        assert_eq!(Language::accepted(Some("fr-FR, zh-TW;q=0.8, en")), Language::Chinese);
        assert_eq!(Language::accepted(Some("en-GB,zh")), Language::English);
        assert_eq!(Language::accepted(Some("")), Language::English);
        assert_eq!(Language::accepted(None), Language::English);
    }

    #[test]
    fn a_text_must_be_written_in_both_languages() {
        assert_eq!(Text::new("It is late – too late", "迟了").of(Language::Chinese), "迟了");
        for (en, zh) in [("", "迟了"), ("late", ""), ("late", "late"), ("late", "。！（）"), ("迟了", "迟了")]
        {
            assert!(std::panic::catch_unwind(|| Text::new(en, zh)).is_err(), "{en} {zh}");
        }
    }
}
