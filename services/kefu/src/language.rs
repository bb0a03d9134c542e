//! The language in which this process speaks to people: that of `--lang`, or else of the system's locale. Set once, before the
//! command line is read, so that its help and its errors are in that language too.

use std::sync::OnceLock;

use clap::Parser;
use kefu_chassis::language::Language;

static SPOKEN: OnceLock<Language> = OnceLock::new();

/// The locale of messages, in the order in which POSIX looks for it.
#[derive(Parser)]
struct Locale {
    #[arg(long, env = "LC_ALL")]
    all: Option<String>,
    #[arg(long, env = "LC_MESSAGES")]
    messages: Option<String>,
    #[arg(long, env = "LANG")]
    lang: Option<String>,
}

/// Chooses the language for the rest of the process, from the arguments and the environment.
pub fn choose(arguments: &[String]) -> Language {
    let language = asked(arguments).map_or_else(of_system, |asked| Language::accepted(Some(asked)));
    *SPOKEN.get_or_init(|| language)
}

/// Returns the chosen language; English before one is chosen.
pub fn spoken() -> Language {
    SPOKEN.get().copied().unwrap_or_default()
}

/// Returns the text in the chosen language.
pub fn pick<'a>(english: &'a str, chinese: &'a str) -> &'a str {
    of(spoken(), english, chinese)
}

/// Returns the text in a language.
pub fn of<'a>(language: Language, english: &'a str, chinese: &'a str) -> &'a str {
    match language {
        Language::English => english,
        Language::Chinese => chinese,
    }
}

/// The language that the arguments ask for.
fn asked(arguments: &[String]) -> Option<&str> {
    let mut arguments = arguments.iter().take_while(|argument| *argument != "--");
    let mut asked = None;
    while let Some(argument) = arguments.next() {
        if argument == "--lang" {
            asked = arguments.next().map(String::as_str);
        } else if let Some(language) = argument.strip_prefix("--lang=") {
            asked = Some(language);
        }
    }
    asked
}

fn of_system() -> Language {
    let Ok(Locale { all, messages, lang }) = Locale::try_parse_from(["kefu"]) else { return Language::default() };
    of_locale([all, messages, lang])
}

/// The language of the first locale that is set.
fn of_locale(locales: [Option<String>; 3]) -> Language {
    let first = locales.into_iter().flatten().find(|locale| !locale.is_empty());
    Language::accepted(first.as_deref())
}

/// Formats a text in the chosen language. Variables stand in braces; further arguments are used by both texts.
macro_rules! told {
    ($english:literal, $chinese:literal $(, $argument:expr)* $(,)?) => {
        match $crate::language::spoken() {
            kefu_chassis::language::Language::English => format!($english $(, $argument)*),
            kefu_chassis::language::Language::Chinese => format!($chinese $(, $argument)*),
        }
    };
}
pub(crate) use told;

#[cfg(test)]
mod tests {
    use super::*;

    fn asked_by(line: &str) -> Option<String> {
        let arguments: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        asked(&arguments).map(str::to_owned)
    }

    #[test]
    fn the_language_asked_for_stands_anywhere_before_the_end_of_options() {
        assert_eq!(asked_by("kefu --lang zh-CN compliance").as_deref(), Some("zh-CN"));
        assert_eq!(asked_by("kefu compliance --lang=en --lang zh").as_deref(), Some("zh"));
        assert_eq!(asked_by("kefu import staff -- --lang zh"), None);
        assert_eq!(asked_by("kefu --lang"), None);
    }

    #[test]
    fn the_first_locale_that_is_set_decides() {
        let locale = |locales: [&str; 3]| of_locale(locales.map(|locale| Some(locale.to_owned())));
        assert_eq!(locale(["", "", "zh_CN.UTF-8"]), Language::Chinese);
        assert_eq!(locale(["C.UTF-8", "zh_CN.UTF-8", "zh_CN.UTF-8"]), Language::English);
        assert_eq!(locale(["zh_TW.UTF-8", "", "en_US.UTF-8"]), Language::Chinese);
        assert_eq!(of_locale([None, None, None]), Language::English);
    }
}
