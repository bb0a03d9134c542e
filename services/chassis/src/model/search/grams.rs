//! Normal forms of texts, and their grams: the short pieces by which an index finds a text. Two characters of Han, or of
//! another script of many characters, tell texts apart. Two letters or digits do not, since every text of some length has
//! most pairs, so longer pieces of letters and digits are kept as well.

use std::collections::HashSet;

use unicode_normalization::UnicodeNormalization as _;

/// The first character of the scripts with many characters; scripts with few lie before it.
const MANY_CHARACTERS: char = '\u{2E80}';
/// The most grams that a query asks for. More would make no answer more exact, since texts are compared afterwards.
const ASKED_AT_MOST: usize = 6;

/// Returns a text in normal form: NFKC, lower case, and one space between its runs of letters and digits.
#[must_use]
pub fn normal(text: &str) -> String {
    let folded: String = text.nfkc().flat_map(char::to_lowercase).nfkc().collect();
    let runs: Vec<&str> =
        folded.split(|character: char| !character.is_alphanumeric()).filter(|run| !run.is_empty()).collect();
    runs.join(" ")
}

/// Returns a normal text without its spaces, to compare numbers and codes that may be written with or without separators.
#[must_use]
pub fn packed(normal: &str) -> String {
    normal.replace(' ', "")
}

/// Returns the folded form of a number, a code or a word of a list, in which two writings of the same are equal: `A-1`, `a1`
/// and `Ａ－１`.
#[must_use]
pub fn folded(text: &str) -> String {
    packed(&normal(text))
}

/// Returns the pairs of adjacent characters of a folded text, each once. A text that holds another has all of its pairs.
#[must_use]
pub fn pairs(folded: &str) -> Vec<String> {
    let characters: Vec<char> = folded.chars().collect();
    let mut pairs: Vec<String> = characters.windows(2).map(|pair| pair.iter().collect()).collect();
    pairs.sort_unstable();
    pairs.dedup();
    pairs
}

/// The tokens of an entry of an index, each once, in the order they were added, up to a bound.
#[derive(Debug)]
pub struct Tokens {
    known: HashSet<String>,
    kept: Vec<String>,
    at_most: usize,
}

impl Tokens {
    /// Creates an empty list of at most `at_most` tokens. A text added to a full list may not be found.
    #[must_use]
    pub fn at_most(at_most: usize) -> Self {
        Self { known: HashSet::new(), kept: Vec::new(), at_most }
    }

    /// Adds a normal text, so that any two or more adjacent characters of one run in it are found.
    pub fn add(&mut self, normal: &str) {
        for run in runs(normal) {
            (0..run.len()).flat_map(|start| run.grams_at(start)).for_each(|gram| self.keep(gram));
        }
    }

    /// Adds long numbers, such as telephone numbers, so that four or more digits in a row are found. Fewer digits are
    /// not, since nearly all such numbers share them.
    pub fn add_number(&mut self, normal: &str) {
        for run in runs(normal) {
            let digits = (0..run.len()).filter_map(|start| run.gram(start, 4));
            let (mut digits, short) = (digits.peekable(), run.grams_at(0));
            if digits.peek().is_none() {
                short.for_each(|gram| self.keep(gram));
            }
            digits.for_each(|gram| self.keep(gram));
        }
    }

    /// Returns the tokens.
    #[must_use]
    pub fn into_vec(self) -> Vec<String> {
        self.kept
    }

    fn keep(&mut self, gram: &str) {
        if self.kept.len() < self.at_most && !self.known.contains(gram) {
            self.known.insert(gram.to_owned());
            self.kept.push(gram.to_owned());
        }
    }
}

/// Returns at most six grams that every text with the normal query in it has, the last one first, without pairs of
/// letters and digits where there are rarer grams. A text may have all of them and not contain the query.
#[must_use]
pub fn asked(normal: &str) -> Vec<&str> {
    let mut asked: Vec<&str> = Vec::new();
    runs(normal).for_each(|run| asked.extend(run.cover()));
    // Nearly every text has most pairs of letters or digits, so they tell little.
    let tells = |gram: &&str| gram.len() > 2;
    if asked.iter().any(tells) {
        asked.retain(tells);
    }
    let mut known = HashSet::new();
    asked.retain(|gram| known.insert(*gram));
    let count = asked.len();
    let chosen = count.min(ASKED_AT_MOST);
    (0..chosen).rev().map(|index| asked[index * count / chosen]).collect()
}

/// Returns the runs of a normal text.
fn runs(normal: &str) -> impl Iterator<Item = Run<'_>> {
    normal.split(' ').filter(|run| !run.is_empty()).map(Run::of)
}

/// A run of letters and digits, with the place where each character begins.
struct Run<'a> {
    text: &'a str,
    characters: Vec<(usize, char)>,
}

impl<'a> Run<'a> {
    fn of(text: &'a str) -> Self {
        Self { text, characters: text.char_indices().collect() }
    }

    fn len(&self) -> usize {
        self.characters.len()
    }

    /// Returns every gram that begins at a character.
    fn grams_at(&self, start: usize) -> impl Iterator<Item = &'a str> {
        (1..=4).filter_map(move |size| self.gram(start, size))
    }

    /// Returns the fewest grams that leave no character out, each as long as possible. Pairs are all returned, since
    /// their neighbours tell words apart; of a number of eight digits or more, only the grams of the last eight are.
    fn cover(&self) -> Vec<&'a str> {
        let longest = |start| (1..=4).rev().find_map(|size| Some((start, start + size, self.gram(start, size)?)));
        let mut grams: Vec<(usize, usize, &str)> = Vec::new();
        for gram in (0..self.len()).filter_map(longest) {
            // A gram that ends where another ended is a part of it.
            if grams.last().is_none_or(|(_, end, _)| gram.1 > *end) {
                grams.push(gram);
            }
        }
        // Many long numbers begin alike, so the end tells them apart.
        let fours: Vec<&str> =
            grams.iter().filter(|(start, end, _)| end - start == 4).map(|(_, _, gram)| *gram).collect();
        if fours.len() > 4 {
            return vec![fours[fours.len() - 5], fours[fours.len() - 1]];
        }
        let (mut cover, mut covered) = (Vec::new(), 0);
        for (index, (start, end, gram)) in grams.iter().enumerate() {
            let next = grams.get(index + 1).map(|(next, _, _)| *next);
            let is_needed = end - start < 3 || next.is_none_or(|next| next > covered);
            if is_needed {
                cover.push(*gram);
                covered = *end;
            }
        }
        cover
    }

    /// Returns the gram of `size` characters at a character, if there is one. A gram is two characters of any script,
    /// three of a script of few characters, four digits, or a character that is a run of its own.
    fn gram(&self, start: usize, size: usize) -> Option<&'a str> {
        let characters = self.characters.get(start..start + size)?;
        let is_gram = match size {
            1 => self.characters.len() == 1,
            2 => true,
            3 => characters.iter().all(|(_, character)| *character < MANY_CHARACTERS),
            _ => characters.iter().all(|(_, character)| character.is_ascii_digit()),
        };
        let end = self.characters.get(start + size).map_or(self.text.len(), |(at, _)| *at);
        is_gram.then(|| &self.text[characters[0].0..end])
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn tokens(text: &str) -> Vec<String> {
        let mut tokens = Tokens::at_most(usize::MAX);
        tokens.add(&normal(text));
        tokens.into_vec()
    }

    #[test]
    fn a_normal_text_is_narrow_lower_case_and_without_signs_between_its_words() {
        for (written, expected) in [
            ("打印机，无法连接！", "打印机 无法连接"),
            ("ＨＰ　ＬａｓｅｒＪｅｔ－１３００", "hp laserjet 1300"),
            ("R-20261120-000042", "r 20261120 000042"),
            ("Straße ﬁnden ①", "straße finden 1"),
            ("ΟΔΥΣΣΕΥΣ", "οδυσσευσ"),
            ("ｶﾀｶﾅ", "カタカナ"),
            (" \u{0}%_'\\ \u{202e}", ""),
        ] {
            assert_eq!(normal(written), expected, "{written}");
        }
    }

    #[test]
    fn of_han_pairs_are_kept_of_letters_and_digits_longer_pieces_too() {
        assert_eq!(tokens("打印机 a 水"), ["打印", "印机", "a", "水"]);
        assert_eq!(tokens("hp12"), ["hp", "hp1", "p1", "p12", "12"]);
        assert_eq!(tokens("12345"), ["12", "123", "1234", "23", "234", "2345", "34", "345", "45"]);
        assert_eq!(asked("打印机"), ["印机", "打印"]);
        assert_eq!(asked("laser"), ["ser", "las"]);
        assert_eq!(asked("sn1234"), ["1234", "sn1"]);
        assert_eq!(asked("13800138000"), ["8000", "0013"]);
        assert_eq!(asked("a4纸 水"), ["水", "4纸"]);
        assert_eq!(asked("so 2026 ab"), ["2026"]);
        assert_eq!(asked("so ab"), ["ab", "so"]);
        assert_eq!(asked("一二三四五六七八九十"), ["八九", "七八", "五六", "四五", "二三", "一二"]);
        assert_eq!(asked(""), [""; 0]);
    }

    #[test]
    fn long_numbers_are_kept_by_four_digits_and_tokens_are_bounded() {
        let mut tokens = Tokens::at_most(5);
        tokens.add_number("8613800");
        tokens.add_number("r 12");
        assert_eq!(tokens.into_vec(), ["8613", "6138", "1380", "3800", "r"]);
    }

    proptest! {
        #[test]
        fn whatever_stands_in_one_run_of_a_text_is_found(text in "\\PC{0,60}|[a-c0-2 -]{0,30}|[打印机无法a1 ，]{0,30}", at in any::<prop::sample::Index>(), size in 2_usize..40) {
            let normal_text = normal(&text);
            let kept: HashSet<String> = tokens(&text).into_iter().collect();
            for run in normal_text.split(' ').filter(|run| run.chars().count() > 1) {
                let characters: Vec<char> = run.chars().collect();
                let start = at.index(characters.len() - 1);
                let part: String = characters[start..].iter().take(size).collect();
                let query = normal(&part);
                prop_assert_eq!(&query, &part, "a part of a normal text is normal");
                let asked = asked(&query);
                prop_assert!(!asked.is_empty());
                prop_assert!(asked.iter().all(|gram| kept.contains(*gram)), "{} in {}: {:?}", part, run, asked);
            }
        }

        #[test]
        fn a_normal_text_stays_as_it_is(text in any::<String>()) {
            let once = normal(&text);
            prop_assert_eq!(normal(&once), once);
        }

        #[test]
        fn a_query_asks_for_few_grams_however_long_it_is(text in any::<String>()) {
            prop_assert!(asked(&normal(&text.repeat(20))).len() <= ASKED_AT_MOST);
        }
    }
}
