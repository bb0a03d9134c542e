//! Checks that content is of its stated media type, by its first and last bytes.

use infer::MatcherType;

use super::markup;

/// Accepted media types, each with the types that `infer` may detect for its content, and the extensions of its files.
const ACCEPTED: [(&str, &[&str], &[&str]); 15] = [
    ("image/jpeg", &["image/jpeg"], &["jpg", "jpeg", "jfif"]),
    ("image/png", &["image/png"], &["png"]),
    ("image/gif", &["image/gif"], &["gif"]),
    ("image/webp", &["image/webp"], &["webp"]),
    ("image/heic", &["image/heif"], &["heic", "heif"]),
    ("audio/mpeg", &["audio/mpeg"], &["mp3"]),
    ("audio/wav", &["audio/x-wav"], &["wav"]),
    ("audio/ogg", &["audio/ogg", "audio/opus"], &["ogg", "oga", "opus"]),
    ("audio/amr", &["audio/amr"], &["amr"]),
    // Sound and film share one container. Few recorders mark sound alone in the first bytes.
    ("audio/mp4", &["audio/m4a", "video/mp4"], &["m4a", "mp4"]),
    ("video/mp4", &["video/mp4", "video/x-m4v"], &["mp4", "m4v"]),
    ("video/quicktime", &["video/quicktime"], &["mov", "qt"]),
    ("video/webm", &["video/webm"], &["webm"]),
    ("application/pdf", &["application/pdf"], &["pdf"]),
    (TEXT, &[], &["txt", "text", "log"]),
];
const TEXT: &str = "text/plain";
/// Bytes of a ZIP archive's end record (EOCD), without its comment.
const END_RECORD: usize = 22;
/// Bytes of a file's end that hold the end record with the longest comment.
pub const TAIL: usize = END_RECORD + 65_535;

/// Whether a media type is accepted.
pub fn is_accepted(media_type: &str) -> bool {
    ACCEPTED.iter().any(|(accepted, ..)| *accepted == media_type)
}

/// The extensions that files of a media type have.
pub fn extensions(media_type: &str) -> &'static [&'static str] {
    ACCEPTED.iter().find(|(accepted, ..)| *accepted == media_type).map_or(&[], |(.., extensions)| extensions)
}

/// Whether `first` bytes fit the media type. A text may begin like a picture, sound or film, for example with `BMW` or
/// `GIF`, but like no other kind. Markup is not accepted as text: a browser that shows it may run it.
pub fn begins_as(media_type: &str, first: &[u8]) -> bool {
    let detected = infer::get(first);
    if is_text(media_type) {
        let is_other = detected.is_some_and(|kind| {
            !matches!(kind.matcher_type(), MatcherType::Image | MatcherType::Audio | MatcherType::Video)
        });
        return !is_other && !markup::begins(first);
    }
    let detected_types = ACCEPTED
        .iter()
        .find(|(accepted, ..)| *accepted == media_type)
        .map_or(&[] as &[&str], |(_, detected_types, _)| *detected_types);
    detected.is_some_and(|kind| detected_types.contains(&kind.mime_type()))
}

/// Whether `bytes` continue a text in UTF-8. The beginning of an incomplete character at their end is kept in `carried`
/// for the next call.
pub fn continues_text(carried: &mut Vec<u8>, bytes: &[u8]) -> bool {
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

/// Whether a file ends as a ZIP archive, whatever its beginning: programs that unpack archives search backwards for the
/// end record. A consistent end record counts even with other bytes after it.
pub fn ends_as_archive(tail: &[u8]) -> bool {
    tail.windows(END_RECORD).enumerate().any(|(offset, record)| {
        let number = |at: usize| usize::from(u16::from_le_bytes([record[at], record[at + 1]]));
        let rest = tail.len() - offset - END_RECORD;
        let is_consistent = [number(4), number(6)] == [0, 0] && number(8) == number(10);
        record.starts_with(b"PK\x05\x06") && (number(20) == rest || is_consistent && number(20) < rest)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_is_what_its_first_bytes_say() {
        let png = b"\x89PNG\r\n\x1a\n0000";
        let zip = b"PK\x03\x04000000000000";
        assert!(begins_as("image/png", png) && !begins_as("image/jpeg", png));
        assert!(!begins_as("image/jpeg", zip) && !begins_as("text/plain", zip));
        assert!(begins_as("text/plain", "投诉经过".as_bytes()) && !begins_as("image/png", b"text"));
        assert!(begins_as("application/pdf", b"%PDF-1.7\n"));
        assert!(
            is_accepted("text/plain")
                && is_accepted("video/mp4")
                && !is_accepted("application/zip")
                && !is_accepted("text/html")
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
            assert!(continues_text(&mut carried, &text[..at]) && continues_text(&mut carried, &text[at..]), "{at}");
            assert!(carried.is_empty());
        }
        assert!(!continues_text(&mut Vec::new(), b"a\xff"));
        assert!(!continues_text(&mut Vec::new(), b"a\0b"));
    }
    #[test]
    fn an_archive_is_known_by_its_end_whatever_stands_before_it_or_little_after() {
        let empty = [b"PK\x05\x06".as_slice(), &[0; 18]].concat();
        let commented = [b"PK\x05\x06\x01\0\x02\0\x03\0\x04\0".as_slice(), &[7; 8], b"\x05\0hello"].concat();
        for tail in [
            empty.clone(),
            [b"\xff\xd8\xff\xe0 JFIF".as_slice(), &empty].concat(),
            [b"\xff\xd8\xff\xe0 JFIF".as_slice(), &commented].concat(),
            [empty.as_slice(), b"\xff\xd9"].concat(),
        ] {
            assert!(ends_as_archive(&tail), "{tail:?}");
        }
        let (cut, longer) = (&commented[..commented.len() - 1], [commented.as_slice(), b"!"].concat());
        for tail in [b"".as_slice(), b"PK\x05\x06", &empty[..21], cut, &longer, "PK 开头的文字，不是压缩包".as_bytes()]
        {
            assert!(!ends_as_archive(tail), "{tail:?}");
        }
    }
}
