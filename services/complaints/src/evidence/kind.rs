//! What a file may be called, and whether it is what it is said to be.

use infer::MatcherType;

/// The media types that are taken, each with what their content looks like to whoever knows formats by their first bytes.
const TAKEN: [(&str, &[&str]); 14] = [
    ("image/jpeg", &["image/jpeg"]),
    ("image/png", &["image/png"]),
    ("image/gif", &["image/gif"]),
    ("image/webp", &["image/webp"]),
    ("image/heic", &["image/heif"]),
    ("audio/mpeg", &["audio/mpeg"]),
    ("audio/wav", &["audio/x-wav"]),
    ("audio/ogg", &["audio/ogg", "audio/opus"]),
    ("audio/amr", &["audio/amr"]),
    // One container for both: few that record sound only say so in its first bytes.
    ("audio/mp4", &["audio/m4a", "video/mp4"]),
    ("video/mp4", &["video/mp4", "video/x-m4v"]),
    ("video/quicktime", &["video/quicktime"]),
    ("video/webm", &["video/webm"]),
    ("application/pdf", &["application/pdf"]),
];
const TEXT: &str = "text/plain";
/// Names of devices that have no number.
const DEVICES: [&str; 6] = ["con", "prn", "aux", "nul", "conin$", "conout$"];

/// Whether a media type is taken at all.
pub fn is_taken(media_type: &str) -> bool {
    media_type == TEXT || TAKEN.iter().any(|(taken, _)| *taken == media_type)
}

/// Whether first bytes are those of a media type that is taken. Text begins as no other kind does; but what looks like a
/// picture, sound or film and is text throughout is text, which may well begin with `BMW` or `MAC `.
pub fn begins_as(media_type: &str, first: &[u8]) -> bool {
    let looks = infer::get(first);
    if is_text(media_type) {
        return looks.is_none_or(|kind| {
            matches!(kind.matcher_type(), MatcherType::Image | MatcherType::Audio | MatcherType::Video)
        });
    }
    let like = TAKEN.iter().find(|(taken, _)| *taken == media_type).map_or(&[] as &[&str], |(_, like)| *like);
    looks.is_some_and(|kind| like.contains(&kind.mime_type()))
}

/// Whether bytes may stand in a text: a character that is cut off at the end is carried over to what follows.
pub fn carries_on_text(carried: &mut Vec<u8>, bytes: &[u8]) -> bool {
    carried.extend_from_slice(bytes);
    if carried.contains(&0) {
        return false;
    }
    match std::str::from_utf8(carried) {
        Ok(_) => carried.clear(),
        Err(error) if error.error_len().is_none() => drop(carried.drain(..error.valid_up_to())),
        Err(_) => return false,
    }
    true
}

/// Whether a media type is text.
pub fn is_text(media_type: &str) -> bool {
    media_type == TEXT
}

/// What is wrong with the name of a file, if something is.
pub fn wrong_name(name: &str) -> Option<&'static str> {
    let is_edge = |sign: char| sign == '.' || sign.is_whitespace();
    if name.contains(['/', '\\', ':']) {
        Some("must be a name without a path")
    } else if name.chars().any(|sign| sign.is_control() || is_unseen(sign)) {
        Some("must not have control or direction characters")
    } else if name.starts_with(is_edge) || name.ends_with(is_edge) {
        Some("must not begin or end with a dot or a space")
    } else if is_device(name) {
        Some("is the name of a device")
    } else {
        None
    }
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

/// Characters that change how others look, or where a line ends, and are not seen themselves.
fn is_unseen(sign: char) -> bool {
    matches!(
        sign,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_files_lead_nowhere_and_look_like_what_they_are() {
        for name in ["漏水 现场.jpg", "IMG_0001.HEIC", "a", "report.final.pdf", "comma.txt", "comb.jpg", "com10.txt"]
        {
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
        ] {
            assert!(wrong_name(name).is_some(), "{name:?}");
        }
    }

    #[test]
    fn content_is_what_its_first_bytes_say() {
        let png = b"\x89PNG\r\n\x1a\n0000";
        let zip = b"PK\x03\x04000000000000";
        assert!(begins_as("image/png", png) && !begins_as("image/jpeg", png));
        assert!(!begins_as("image/jpeg", zip) && !begins_as("text/plain", zip));
        assert!(begins_as("text/plain", "投诉经过".as_bytes()) && !begins_as("image/png", b"text"));
        assert!(begins_as("application/pdf", b"%PDF-1.7\n"));
        assert!(
            is_taken("text/plain") && is_taken("video/mp4") && !is_taken("application/zip") && !is_taken("text/html")
        );
    }

    #[test]
    fn formats_with_several_looks_are_all_taken_and_text_may_begin_like_a_picture() {
        let opus = [b"OggS\0\x02".as_slice(), &[0; 22], b"OpusHead\x01\x02"].concat();
        assert!(begins_as("audio/ogg", &opus) && begins_as("audio/ogg", b"OggS\0\x02"));
        let recorder = b"\0\0\0\x18ftypmp42\0\0\0\0isommp42";
        assert!(begins_as("audio/mp4", recorder) && begins_as("video/mp4", recorder));
        assert!(!begins_as("video/quicktime", recorder) && !begins_as("audio/mpeg", recorder));
        for text in ["BMW 车主投诉", "MAC 地址不对", "GIF 打不开"] {
            assert!(begins_as("text/plain", text.as_bytes()), "{text}");
        }
        for other in ["<html><body>", "<?xml version=\"1.0\"?>", "#!/bin/sh\n", "%PDF-1.7\n", "PK\x03\x04"] {
            assert!(!begins_as("text/plain", other.as_bytes()), "{other}");
        }
    }

    #[test]
    fn text_is_utf_8_wherever_it_is_cut() {
        let text = "漏水🙂end".as_bytes();
        for at in 0..text.len() {
            let mut carried = Vec::new();
            assert!(carries_on_text(&mut carried, &text[..at]) && carries_on_text(&mut carried, &text[at..]), "{at}");
            assert!(carried.is_empty());
        }
        assert!(!carries_on_text(&mut Vec::new(), b"a\xff"));
        assert!(!carries_on_text(&mut Vec::new(), b"a\0b"));
    }
}
