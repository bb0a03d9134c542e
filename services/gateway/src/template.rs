//! Path templates of `google.api.http`, e.g. `/v1/{name=requests/*}:resolve`, and the values that a path gives to their
//! variables.

use percent_encoding::percent_decode_str;

/// A path template, parsed into segments, variables and the verb after the colon.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    segments: Vec<Segment>,
    variables: Vec<Variable>,
    verb: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Segment {
    /// A segment of exactly this text, e.g. `requests`.
    Literal(String),
    /// Any one segment, written `*`.
    One,
    /// Any number of segments up to the path's end, written `**`; only as the last segment of a template.
    Rest,
}

/// A variable, and the segments that are its value.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Variable {
    field: String,
    from: usize,
    to: usize,
}

/// A path in segments.
#[derive(Debug)]
pub struct Path<'a> {
    segments: Vec<&'a str>,
    verb: &'a str,
}

impl<'a> Path<'a> {
    /// Parses a percent-encoded path. A colon in the last segment begins a verb; in a value it is written `%3A`.
    pub fn parse(path: &'a str) -> Self {
        let path = path.strip_prefix('/').unwrap_or(path);
        let last = path.rfind('/').map_or(0, |slash| slash + 1);
        let (path, verb) = match path[last..].rfind(':') {
            Some(colon) => (&path[..last + colon], &path[last + colon + 1..]),
            None => (path, ""),
        };
        Self { segments: path.split('/').collect(), verb }
    }

    /// Returns the number of segments.
    pub fn length(&self) -> usize {
        self.segments.len()
    }

    /// Returns the verb after the colon; empty if there is none.
    pub fn verb(&self) -> &'a str {
        self.verb
    }
}

/// Why a template cannot be read.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{template} is no path template: {problem}")]
pub struct TemplateError {
    /// The template.
    pub template: String,
    /// What is wrong with the template.
    pub problem: &'static str,
}

impl Template {
    /// Parses a template.
    pub fn parse(template: &str) -> Result<Self, TemplateError> {
        let fail = |problem| TemplateError { template: template.to_owned(), problem };
        let path = template.strip_prefix('/').ok_or_else(|| fail("it does not begin with /"))?;
        let tail = path.rfind(['/', '}']).map_or(0, |end| end + 1);
        let (path, verb) = match path[tail..].find(':') {
            Some(colon) => (&path[..tail + colon], &path[tail + colon + 1..]),
            None => (path, ""),
        };
        let mut found = Self { segments: Vec::new(), variables: Vec::new(), verb: verb.to_owned() };
        let mut rest = path;
        loop {
            let part_end = match rest.strip_prefix('{') {
                Some(_) => rest.find('}').ok_or_else(|| fail("a variable does not end"))? + 1,
                None => rest.find('/').unwrap_or(rest.len()),
            };
            let (part, after) = rest.split_at(part_end);
            found.push(part).map_err(fail)?;
            match after.strip_prefix('/') {
                Some(next) => rest = next,
                None if after.is_empty() => break,
                None => return Err(fail("a variable ends within a segment")),
            }
        }
        let rests = found.segments.iter().filter(|segment| **segment == Segment::Rest).count();
        if rests > 1 || rests == 1 && found.segments.last() != Some(&Segment::Rest) {
            return Err(fail("** is not at its end"));
        }
        Ok(found)
    }

    fn push(&mut self, part: &str) -> Result<(), &'static str> {
        let Some(variable) = part.strip_prefix('{').and_then(|part| part.strip_suffix('}')) else {
            self.segments.push(segment(part)?);
            return Ok(());
        };
        let (field, pattern) = variable.split_once('=').unwrap_or((variable, "*"));
        if field.is_empty() || field.split('.').any(str::is_empty) {
            return Err("a variable has no name");
        }
        let from = self.segments.len();
        for part in pattern.split('/') {
            self.segments.push(segment(part)?);
        }
        self.variables.push(Variable { field: field.to_owned(), from, to: self.segments.len() });
        Ok(())
    }

    /// Returns how many segments a fitting path has (none for any number, where the template ends in `**`), and its
    /// verb.
    pub fn shape(&self) -> (Option<usize>, &str) {
        let is_open = self.segments.last() == Some(&Segment::Rest);
        ((!is_open).then_some(self.segments.len()), &self.verb)
    }

    /// Returns the number of literals: of two templates that fit a path, the one with more literals counts.
    pub fn literals(&self) -> usize {
        self.segments.iter().filter(|segment| matches!(segment, Segment::Literal(_))).count()
    }

    /// Returns the fields that the variables name.
    pub fn fields(&self) -> impl Iterator<Item = &str> {
        self.variables.iter().map(|variable| variable.field.as_str())
    }

    /// Returns the value that a path gives to each field; none if the path does not fit. A value of several segments
    /// keeps `%2F` encoded, because a slash separates the segments.
    pub fn captures(&self, path: &Path<'_>) -> Option<Vec<(&str, String)>> {
        if path.verb != self.verb {
            return None;
        }
        let given = &path.segments;
        for (at, segment) in self.segments.iter().enumerate() {
            let fits = match segment {
                Segment::Literal(literal) => given.get(at).is_some_and(|given| decoded(given) == *literal),
                Segment::One => given.get(at).is_some_and(|given| !given.is_empty()),
                Segment::Rest => true,
            };
            if !fits {
                return None;
            }
        }
        if self.shape().0.is_some_and(|length| length != given.len()) {
            return None;
        }
        let value = |variable: &Variable| {
            let is_open = self.segments[variable.from..variable.to].contains(&Segment::Rest);
            let to = if is_open { given.len() } else { variable.to };
            match given.get(variable.from..to).unwrap_or_default() {
                [one] if !is_open => decoded(one),
                several => several.iter().map(|part| decoded_but_slashes(part)).collect::<Vec<_>>().join("/"),
            }
        };
        Some(self.variables.iter().map(|variable| (variable.field.as_str(), value(variable))).collect())
    }
}

fn segment(part: &str) -> Result<Segment, &'static str> {
    match part {
        "" => Err("a segment is empty"),
        "*" => Ok(Segment::One),
        "**" => Ok(Segment::Rest),
        _ if part.contains(['{', '}', '*', ':']) => Err("a literal has a sign that means something"),
        _ => Ok(Segment::Literal(part.to_owned())),
    }
}

/// Decodes a segment. Bytes that are not UTF-8 become replacement characters, which no name has.
fn decoded(segment: &str) -> String {
    percent_decode_str(segment).decode_utf8_lossy().into_owned()
}

fn decoded_but_slashes(segment: &str) -> String {
    let mut text = String::with_capacity(segment.len());
    let mut rest = segment;
    while let Some(at) = rest.to_ascii_lowercase().find("%2f") {
        text.push_str(&decoded(&rest[..at]));
        text.push_str(&rest[at..at + 3]);
        rest = &rest[at + 3..];
    }
    text.push_str(&decoded(rest));
    text
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn captured(template: &str, path: &str) -> Option<Vec<(String, String)>> {
        let template = Template::parse(template).unwrap();
        let captures = template.captures(&Path::parse(path))?;
        Some(captures.into_iter().map(|(field, value)| (field.to_owned(), value)).collect())
    }

    fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|&(field, value)| (field.to_owned(), value.to_owned())).collect()
    }

    #[test]
    fn variables_take_the_segments_that_their_pattern_covers() {
        for (template, path, expected) in [
            ("/v1/messages/{id}", "/v1/messages/123", pairs(&[("id", "123")])),
            ("/v1/{name=messages/*}", "/v1/messages/123", pairs(&[("name", "messages/123")])),
            ("/v1/{name=a/*/b/*}:go", "/v1/a/1/b/2:go", pairs(&[("name", "a/1/b/2")])),
            ("/v1/{a.b=x/*}/y/{c}", "/v1/x/1/y/2", pairs(&[("a.b", "x/1"), ("c", "2")])),
            ("/v1/{path=files/**}", "/v1/files/a/b", pairs(&[("path", "files/a/b")])),
            ("/v1/{path=files/**}", "/v1/files", pairs(&[("path", "files")])),
            ("/v1/**", "/v1/whatever/it/is", pairs(&[])),
            ("/v1/messages:find", "/v1/messages:find", pairs(&[])),
        ] {
            assert_eq!(captured(template, path), Some(expected), "{template} {path}");
        }
    }

    #[test]
    fn what_is_longer_shorter_empty_or_has_another_verb_does_not_fit() {
        for (template, path) in [
            ("/v1/{name=messages/*}", "/v1/messages"),
            ("/v1/{name=messages/*}", "/v1/messages/"),
            ("/v1/{name=messages/*}", "/v1/messages/1/2"),
            ("/v1/{name=messages/*}", "/v1/messages/1:go"),
            ("/v1/{name=messages/*}:go", "/v1/messages/1"),
            ("/v1/{name=messages/*}:go", "/v1/messages/1:goo"),
            ("/v1/{name=messages/*}", "/v2/messages/1"),
            ("/v1/{name=messages/*}", "v1//messages/1"),
            ("/v1/messages", "/"),
        ] {
            assert_eq!(captured(template, path), None, "{template} {path}");
        }
    }

    #[test]
    fn what_is_percent_encoded_is_decoded_but_for_slashes_in_a_value_of_several_segments() {
        assert_eq!(captured("/v1/{id}", "/v1/a%2Fb%3A%E5%AE%A2"), Some(pairs(&[("id", "a/b:客")])));
        assert_eq!(captured("/v1/{name=x/*}", "/v1/x/a%2fb%20c"), Some(pairs(&[("name", "x/a%2fb c")])));
        assert_eq!(captured("/v1/{name=x/*}", "/v1/%78/a"), Some(pairs(&[("name", "x/a")])));
    }

    #[test]
    fn templates_that_are_none_are_refused() {
        for template in
            ["", "v1", "/v1//x", "/v1/{", "/v1/{}", "/v1/{a=}", "/v1/{a}b", "/v1/**/x", "/v1/a*b", "/v1/{a..b}"]
        {
            assert!(Template::parse(template).is_err(), "{template}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(template in "[/{}=*.:a-c%]{0,20}", path in "[/:*%a-c2fF客]{0,20}") {
            if let Ok(template) = Template::parse(&template) {
                let _ = template.captures(&Path::parse(&path));
            }
        }
    }
}
