//! Checks file names and descriptions: a name holds no path and its extension fits the media type, and no text has
//! characters that disguise it.

use kefu_chassis::error::Wrong;
use kefu_chassis::wrong;
use unicode_normalization::UnicodeNormalization as _;

use super::kind;

/// Most bytes of a name on common file systems.
const MAX_BYTES: usize = 255;
/// Path separators, and characters that look like one.
const SEPARATORS: [char; 9] = ['/', '\\', ':', '\u{2044}', '\u{2215}', '\u{2216}', '\u{29f5}', '\u{29f8}', '\u{29f9}'];
/// Characters that some systems refuse in a name.
const RESERVED: [char; 6] = ['<', '>', '"', '|', '?', '*'];
/// Names of Windows devices without a number.
const DEVICES: [&str; 6] = ["con", "prn", "aux", "nul", "conin$", "conout$"];

/// The fault of a file name; none if it is fine. The name's NFKC form is checked too, since some systems store that form.
pub fn name_fault(name: &str) -> Option<Wrong> {
    let nfkc = nfkc(name);
    let is_edge = |character: char| character == '.' || character.is_whitespace();
    if name.len() > MAX_BYTES {
        Some(wrong!(TooLong, "must have at most 255 bytes in UTF-8", "最多255个字节"))
    } else if name.contains(SEPARATORS) || nfkc.contains(['/', '\\']) {
        Some(wrong!(Form, "must be a name without a path", "须为不带路径的文件名"))
    } else if name.contains(RESERVED) {
        Some(wrong!(
            Characters,
            "must not have a character that some systems do not take: < > \" | ? *",
            "含有部分系统不允许的字符"
        ))
    } else if name.chars().any(|character| character.is_control() || is_invisible(character)) {
        Some(wrong!(
            Characters,
            "must not have control or direction characters, or such that are not seen",
            "不得包含控制字符、方向字符或不可见字符"
        ))
    } else if [name, &nfkc].into_iter().any(|name| name.starts_with(is_edge) || name.ends_with(is_edge)) {
        Some(wrong!(Form, "must not begin or end with a dot or a space", "首尾不得为点或空格"))
    } else if is_device(name) || is_device(&nfkc) {
        Some(wrong!(Form, "is the name of a device", "是系统设备的名称"))
    } else {
        None
    }
}

/// The fault of a name's extension; none if it is fine. The extension decides which program opens the file, so it must be
/// one of the media type's. A name without extension is fine.
pub fn extension_fault(name: &str, media_type: &str) -> Option<Wrong> {
    let nfkc = nfkc(name);
    let (_, extension) = nfkc.rsplit_once('.')?;
    let known = kind::extensions(media_type);
    let is_known = known.contains(&extension.to_ascii_lowercase().as_str());
    let known = known.join(", .");
    (!is_known).then(|| {
        wrong!(
            ContentMismatch,
            "must end in .{known} or have no extension, being {media_type}",
            "须以“.{known}”结尾或不带扩展名，因为文件类型为“{media_type}”"
        )
    })
}

/// The fault of a text that people read, such as a description; none if it is fine.
pub fn text_fault(text: &str) -> Option<Wrong> {
    let is_forbidden = |character: char| {
        character.is_control() && !matches!(character, '\n' | '\r' | '\t') || changes_direction(character)
    };
    text.contains(is_forbidden)
        .then(|| wrong!(Characters, "must not have control or direction characters", "不得包含控制字符或方向字符"))
}

fn nfkc(name: &str) -> String {
    name.nfkc().collect()
}

/// Whether Windows takes a name for a device. Whatever follows the first dot makes no difference.
fn is_device(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or_default().trim_end().to_ascii_lowercase();
    let numbered = |word: &str| {
        let number = stem.strip_prefix(word).unwrap_or_default();
        matches!(number.chars().next(), Some('1'..='9' | '¹' | '²' | '³')) && number.chars().count() == 1
    };
    DEVICES.contains(&stem.as_str()) || numbered("com") || numbered("lpt")
}

/// Whether a character changes the direction of the text after it.
fn changes_direction(character: char) -> bool {
    matches!(character, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Whether a character is invisible itself but changes how others look, or where a line ends.
fn is_invisible(character: char) -> bool {
    matches!(
        character,
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
            assert_eq!(name_fault(name), None, "{name}");
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
            assert!(name_fault(name).is_some(), "{name:?}");
        }
        assert_eq!(name_fault(&"长".repeat(85)), None, "255 bytes");
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
            assert_eq!(extension_fault(name, media_type), None, "{name}");
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
            assert!(extension_fault(name, media_type).is_some(), "{name}");
        }
    }

    #[test]
    fn texts_have_lines_and_no_characters_that_turn_them_round() {
        assert_eq!(text_fault("第一行\n\t第二行\r\n👨\u{200d}👩"), None);
        for text in ["a\u{7}", "a\u{1b}[2J", "a\u{202e}b", "a\u{2067}", "a\u{85}"] {
            assert!(text_fault(text).is_some(), "{text:?}");
        }
    }
}
