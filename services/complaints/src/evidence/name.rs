//! What a file may be called, and what may stand in a text about it: both look like what they are, and lead nowhere.

use unicode_normalization::UnicodeNormalization as _;

use super::kind;

/// As many bytes as file systems take.
const LONGEST: usize = 255;
/// What parts a path, or looks as if it did.
const SEPARATORS: [char; 9] = ['/', '\\', ':', '\u{2044}', '\u{2215}', '\u{2216}', '\u{29f5}', '\u{29f8}', '\u{29f9}'];
/// What some systems do not take in a name.
const RESERVED: [char; 6] = ['<', '>', '"', '|', '?', '*'];
/// Names of devices that have no number.
const DEVICES: [&str; 6] = ["con", "prn", "aux", "nul", "conin$", "conout$"];

/// What is wrong with the name of a file, if something is. What it becomes where widths and forms are folded counts too.
pub fn wrong_name(name: &str) -> Option<&'static str> {
    let folded = folded(name);
    let is_edge = |sign: char| sign == '.' || sign.is_whitespace();
    if name.len() > LONGEST {
        Some("must have at most 255 bytes in UTF-8")
    } else if name.contains(SEPARATORS) || folded.contains(['/', '\\']) {
        Some("must be a name without a path")
    } else if name.contains(RESERVED) {
        Some("must not have a character that some systems do not take: < > \" | ? *")
    } else if name.chars().any(|sign| sign.is_control() || is_unseen(sign)) {
        Some("must not have control or direction characters, or such that are not seen")
    } else if [name, &folded].into_iter().any(|name| name.starts_with(is_edge) || name.ends_with(is_edge)) {
        Some("must not begin or end with a dot or a space")
    } else if is_device(name) || is_device(&folded) {
        Some("is the name of a device")
    } else {
        None
    }
}

/// What is wrong with the end of a name, if something is: an extension says what opens the file, so it must be one of the
/// media type's. A name without one is opened by nothing.
pub fn wrong_extension(name: &str, media_type: &str) -> Option<String> {
    let folded = folded(name);
    let (_, extension) = folded.rsplit_once('.')?;
    let known = kind::extensions(media_type);
    let is_known = known.contains(&extension.to_ascii_lowercase().as_str());
    (!is_known).then(|| format!("must end in .{} or have no extension, being {media_type}", known.join(", .")))
}

/// What is wrong with a text that people read, if something is.
pub fn wrong_text(text: &str) -> Option<&'static str> {
    let is_wrong = |sign: char| sign.is_control() && !matches!(sign, '\n' | '\r' | '\t') || turns(sign);
    text.contains(is_wrong).then_some("must not have control or direction characters")
}

fn folded(name: &str) -> String {
    name.nfkc().collect()
}

/// Whether some systems take a name for a device, whatever follows its first dot.
fn is_device(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or_default().trim_end().to_ascii_lowercase();
    let numbered = |word: &str| {
        let number = stem.strip_prefix(word).unwrap_or_default();
        matches!(number.chars().next(), Some('1'..='9' | '¹' | '²' | '³')) && number.chars().count() == 1
    };
    DEVICES.contains(&stem.as_str()) || numbered("com") || numbered("lpt")
}

/// Characters that change the direction others are read in.
fn turns(sign: char) -> bool {
    matches!(sign, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Characters that change how others look, or where a line ends, and are not seen themselves.
fn is_unseen(sign: char) -> bool {
    matches!(
        sign,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{180e}' | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}' | '\u{feff}' | '\u{ffa0}'
            | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_files_lead_nowhere_and_look_like_what_they_are() {
        for name in [
            "漏水 现场.jpg",
            "IMG_0001.HEIC",
            "a",
            "report.final.pdf",
            "comma.txt",
            "comb.jpg",
            "com10.txt",
            "投诉：第二次（补）？.png",
            "漏水……现场.png",
        ] {
            assert_eq!(wrong_name(name), None, "{name}");
        }
        for name in [
            "../etc/passwd",
            "..",
            ".",
            ".htaccess",
            "a/b.jpg",
            "C:\\x.jpg",
            "x\\y",
            "a\0.jpg",
            "a\n.jpg",
            "gpj.\u{202e}exe",
            "a\u{200b}.jpg",
            " a.jpg",
            "a.jpg ",
            "a.",
            "con",
            "CON.jpg",
            "nul.txt",
            "com1.png",
            "LPT9",
            "com¹.jpg",
            "aux .jpg",
            "a.jpg\u{a0}",
            "\u{3000}a.jpg",
            "a\u{2028}.jpg",
            "a\u{61c}.jpg",
            "a\u{2066}.jpg",
            "a\u{2215}b.jpg",
            "a\u{29f8}b.jpg",
            "a\u{2044}b.jpg",
            "a\u{ff0f}b.jpg",
            "a\u{ff3c}b.jpg",
            "a\u{fe68}b.jpg",
            "\u{2105}.jpg",
            "\u{ff0e}\u{ff0e}",
            "\u{2025}",
            "\u{ff0e}htaccess",
            "a.jpg\u{ff0e}",
            "ｃｏｎ.jpg",
            "a\u{3164}.jpg",
            "a\u{115f}.jpg",
            "a\u{2800}.jpg",
            "a\u{34f}.jpg",
            "a<b.jpg",
            "a>b.jpg",
            "a\"b.jpg",
            "a|b.jpg",
            "a?.jpg",
            "*.jpg",
            &"长".repeat(86),
        ] {
            assert!(wrong_name(name).is_some(), "{name:?}");
        }
        assert_eq!(wrong_name(&"长".repeat(85)), None, "255 bytes");
    }

    #[test]
    fn an_extension_is_one_of_the_media_types_or_there_is_none() {
        for (name, media_type) in [
            ("现场.png", "image/png"),
            ("IMG_1.JPG", "image/jpeg"),
            ("IMG_1.JPEG", "image/jpeg"),
            ("录音.m4a", "audio/mp4"),
            ("聊天.log", "text/plain"),
            ("没有后缀", "text/plain"),
        ] {
            assert_eq!(wrong_extension(name, media_type), None, "{name}");
        }
        for (name, media_type) in [
            ("setup.bat", "text/plain"),
            ("a.exe", "image/png"),
            ("a.png.exe", "image/png"),
            ("a\u{ff0e}exe", "image/png"),
            ("x.png", "text/plain"),
            ("x.txt", "image/png"),
            ("x.png ~", "image/png"),
        ] {
            assert!(wrong_extension(name, media_type).is_some(), "{name}");
        }
    }

    #[test]
    fn texts_have_lines_and_no_characters_that_turn_them_round() {
        assert_eq!(wrong_text("第一行\n\t第二行\r\n👨\u{200d}👩"), None);
        for text in ["a\u{7}", "a\u{1b}[2J", "a\u{202e}b", "a\u{2067}", "a\u{85}"] {
            assert!(wrong_text(text).is_some(), "{text:?}");
        }
    }
}
