//! Detects markup in content stated to be plain text. A browser that goes by the first bytes would run it as HTML or
//! SVG.

/// Elements that mark HTML: those of the sniffing standard (mimesniff.spec.whatwg.org), then those that load or run
/// something by themselves, and the root elements of other formats that browsers show.
const ELEMENTS: [&str; 33] = [
    "html", "head", "script", "iframe", "h1", "div", "font", "table", "a", "style", "title", "b", "body", "br", "p",
    "svg", "math", "base", "meta", "link", "frame", "frameset", "img", "image", "object", "embed", "applet", "form",
    "video", "audio", "details", "marquee", "template",
];

/// Whether `first` bytes open markup, after white space and byte order marks: with a known element, an element with a
/// namespace, a declaration, an instruction or a comment.
pub fn begins(first: &[u8]) -> bool {
    let mut rest = first;
    while let Some(after) = rest
        .strip_prefix(b"\xef\xbb\xbf")
        .or_else(|| rest.split_first().filter(|(byte, _)| is_blank(**byte)).map(|it| it.1))
    {
        rest = after;
    }
    let Some(tag) = rest.strip_prefix(b"<") else { return false };
    if tag.starts_with(b"!") || tag.starts_with(b"?") {
        return true;
    }
    let Some(end) = tag.iter().position(|&byte| is_blank(byte) || b">/".contains(&byte)) else { return false };
    let name = tag[..end].rsplit(|&byte| byte == b':').next().unwrap_or_default();
    let whole = tag.split(|&byte| byte == b'>').next().unwrap_or_default();
    ELEMENTS.iter().any(|element| name.eq_ignore_ascii_case(element.as_bytes()))
        || whole.windows(5).any(|word| word == b"xmlns")
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_is_known_behind_whatever_browsers_skip() {
        let before = ["", "\u{feff}", "\u{feff}\u{feff}", " \t\r\n\u{c}", "\n\u{feff}\n"];
        let markup = [
            "<html>",
            "<!DOCTYPE html>",
            "<!-- no harm --><p>",
            "<?xml version=\"1.0\"?><svg/>",
            "<svg xmlns=\"http://www.w3.org/2000/svg\" onload=\"alert(1)\"/>",
            "<SVG/onload=alert(1)>",
            "<s:svg xmlns:s=\"http://www.w3.org/2000/svg\">",
            "<x xmlns=\"http://www.w3.org/1999/xhtml\">",
            "<img src=x onerror=alert(1)>",
            "<ScRiPt\n>",
        ];
        for text in before.iter().flat_map(|before| markup.map(|markup| format!("{before}{markup}"))) {
            assert!(begins(text.as_bytes()), "{text:?}");
        }
    }

    #[test]
    fn text_with_angles_is_text() {
        for text in [
            "",
            "\u{feff}",
            "<",
            "<svg",
            "< html>",
            "<张三> 说漏水了",
            "<lin@example.com> wrote:",
            "<3 this service",
            "<bold claim>",
            "a < b > c",
            "投诉经过 <html>",
            "->",
        ] {
            assert!(!begins(text.as_bytes()), "{text:?}");
        }
    }
}
