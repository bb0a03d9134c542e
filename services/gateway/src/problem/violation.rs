//! Violations: what a problem says of each wrong field or open clause, with a sentence in the reader's language.

use kefu_chassis::error::Wrong;
use kefu_chassis::labels;
use kefu_chassis::language::{Language, Text};
use kefu_chassis::refusal::shortened;
use kefu_regulation::Regulation;
use prost_reflect::MessageDescriptor;
use serde::Serialize;
use tonic_types::{FieldViolation, PreconditionViolation};

/// How much of a text that a service says is told, in bytes.
pub const LONGEST: usize = 1_000;
/// How much of a text that a caller may have written is told again, in bytes.
const REPEATED: usize = 300;

/// One violation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Violation {
    /// The field's path in the request, as JSON writes it, or a header.
    #[serde(skip_serializing_if = "String::is_empty")]
    field: String,
    /// The clause that demands it.
    #[serde(skip_serializing_if = "String::is_empty")]
    clause: String,
    /// The resource that the clause is about.
    #[serde(skip_serializing_if = "String::is_empty")]
    subject: String,
    /// The rule that the field breaks, e.g. `REQUIRED_WHEN`.
    #[serde(skip_serializing_if = "String::is_empty")]
    rule: String,
    /// What is wrong or missing, in English.
    description: String,
    /// What is wrong or missing, in a sentence in the reader's language.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub message: String,
}

impl Violation {
    /// Reads what a service says of a field. Its description begins with the clause that demands the rule, if one does.
    pub fn of_field(violation: &FieldViolation) -> Self {
        let clause = violation.description.split_once(": ").map_or("", |(before, _)| before);
        let is_clause = Regulation::standard().clause(clause).is_some();
        let message = violation.localized_message.as_ref().map_or("", |said| said.message.as_str());
        Self {
            field: told(&camel_case(&violation.field)),
            clause: if is_clause { clause.to_owned() } else { String::new() },
            subject: String::new(),
            rule: told(&violation.reason),
            description: told(&violation.description),
            message: told(message),
        }
    }

    /// Reads what a service says of a clause, with the sentence that tells it to people.
    pub fn of_clause(violation: &PreconditionViolation, message: &str) -> Self {
        Self {
            field: String::new(),
            clause: violation.r#type.clone(),
            subject: told(&violation.subject),
            rule: String::new(),
            description: told(&violation.description),
            message: told(message),
        }
    }

    /// Returns the violation with the field as the body names it that is the field `body` of the request.
    pub fn below(mut self, body: &str) -> Self {
        if !body.is_empty()
            && let Some(rest) = self.field.strip_prefix(body)
            && (rest.is_empty() || rest.starts_with('.'))
        {
            self.field = rest.trim_start_matches('.').to_owned();
        }
        self
    }

    /// Returns the violation with a message: the service's own, or what its rule asks for.
    pub fn told(&self, language: Language) -> Self {
        let mut told = self.clone();
        if told.message.is_empty() && !told.rule.is_empty() {
            told.message = labels::help_of("kefu.rules.v1.FieldRule", &told.rule, language).to_owned();
        }
        told
    }
}

/// What the gateway itself finds wrong with a request.
#[derive(Clone, Debug)]
pub struct Fault {
    /// The path of the field as JSON writes it, or a header; empty for the request as a whole.
    pub field: String,
    /// What is wrong.
    pub wrong: Wrong,
    /// What people call a field that is no path in the request.
    pub label: Label,
    /// What a reader of the body says of it, in English; empty if there is no more to say.
    pub cause: String,
    /// The line of a body of lines, from 1 on.
    pub line: Option<u64>,
}

/// What people call a wrong field.
#[derive(Clone, Debug)]
pub enum Label {
    /// By the labels along its own path.
    Own,
    /// By the labels along another path: that of the field which a header sets.
    Of(String),
    /// By a name that no contract has.
    Named(Text),
}

impl Fault {
    /// Creates the fault of a field.
    pub fn new(field: &str, wrong: Wrong) -> Self {
        let field = shortened(field.to_owned(), REPEATED);
        Self { field, wrong, label: Label::Own, cause: String::new(), line: None }
    }

    /// Returns the violation as a reader is told it. The labels are those of the fields of `input`, the method's request.
    pub fn told(&self, input: Option<&MessageDescriptor>, language: Language) -> Violation {
        let label = match &self.label {
            Label::Own => labels::of_path(input, &self.field, language),
            Label::Of(path) => labels::of_path(input, path, language),
            Label::Named(name) => name.of(language).to_owned(),
        };
        let (mut description, mut message) = (self.wrong.to_string(), language.sentence(&label, &self.wrong));
        if !self.cause.is_empty() {
            description = format!("{description} ({})", shortened(self.cause.clone(), REPEATED));
        }
        if let Some(line) = self.line {
            description = format!("line {line}: {description}");
            message = match language {
                Language::English => format!("Line {line}: {message}"),
                Language::Chinese => format!("第{line}行：{message}"),
            };
        }
        Violation {
            field: self.field.clone(),
            clause: self.wrong.clause.to_owned(),
            subject: String::new(),
            rule: self.wrong.rule.as_str_name().to_owned(),
            description: shortened(description, LONGEST),
            message: shortened(message, LONGEST),
        }
    }
}

fn told(text: &str) -> String {
    shortened(text.to_owned(), LONGEST)
}

/// Turns a path of fields into the names of JSON: `customer.display_name` into `customer.displayName`.
fn camel_case(path: &str) -> String {
    let mut text = String::with_capacity(path.len());
    let mut is_next_large = false;
    for letter in path.chars() {
        match letter {
            '_' => is_next_large = true,
            _ if std::mem::take(&mut is_next_large) => text.extend(letter.to_uppercase()),
            _ => text.push(letter),
        }
    }
    text
}
