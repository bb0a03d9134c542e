//! What a file may be called, and whether it is what it is said to be.

/// The media types that are taken, each with what their content looks like to whoever knows formats by their first bytes.
const TAKEN: [(&str, &str); 14] = [
    ("image/jpeg", "image/jpeg"),
    ("image/png", "image/png"),
    ("image/gif", "image/gif"),
    ("image/webp", "image/webp"),
    ("image/heic", "image/heif"),
    ("audio/mpeg", "audio/mpeg"),
    ("audio/wav", "audio/x-wav"),
    ("audio/ogg", "audio/ogg"),
    ("audio/amr", "audio/amr"),
    ("audio/mp4", "audio/m4a"),
    ("video/mp4", "video/mp4"),
    ("video/quicktime", "video/quicktime"),
    ("video/webm", "video/webm"),
    ("application/pdf", "application/pdf"),
];
const TEXT: &str = "text/plain";
/// Names that some systems take for devices, whatever follows the first dot.
const DEVICES: [&str; 4] = ["con", "prn", "aux", "nul"];

/// Whether a media type is taken at all.
pub fn is_taken(media_type: &str) -> bool {
    media_type == TEXT || TAKEN.iter().any(|(taken, _)| *taken == media_type)
}

/// Whether first bytes are those of a media type that is taken.
pub fn begins_as(media_type: &str, first: &[u8]) -> bool {
    let looks = infer::get(first).map(|kind| kind.mime_type());
    TAKEN.iter().find(|(taken, _)| *taken == media_type).map_or(looks.is_none(), |(_, like)| looks == Some(*like))
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
    let stem = name.split('.').next().unwrap_or_default().to_ascii_lowercase();
    let numbered = |word: &str| stem.strip_prefix(word).is_some_and(|rest| rest.len() == 1 && rest != "0");
    if name.contains(['/', '\\', ':']) {
        Some("must be a name without a path")
    } else if name.chars().any(|sign| sign.is_control() || is_unseen(sign)) {
        Some("must not have control or direction characters")
    } else if name.starts_with(['.', ' ', '\u{3000}']) || name.ends_with(['.', ' ', '\u{3000}']) {
        Some("must not begin or end with a dot or a space")
    } else if DEVICES.contains(&stem.as_str()) || numbered("com") || numbered("lpt") {
        Some("is the name of a device")
    } else {
        None
    }
}

/// Characters that change how others look and are not seen themselves.
fn is_unseen(sign: char) -> bool {
    matches!(sign, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_files_lead_nowhere_and_look_like_what_they_are() {
        for name in ["漏水 现场.jpg", "IMG_0001.HEIC", "a", "report.final.pdf", "comma.txt"] {
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
