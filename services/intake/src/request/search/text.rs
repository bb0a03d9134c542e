//! Searchable texts of requests and customers in normal form, and the index tokens made of them.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use jiff::Timestamp;
use kefu_chassis::search::{Entry, Searched, Tokens, dated, normal, packed};
use kefu_proto::intake::v1::search_result::Field;
use serde::Deserialize as _;
use serde_json::Value as Json;

use crate::request::row::RequestRow;
use crate::shared::Contact;

/// Most grams kept of one request or customer. Of a longer text only the beginning can be found.
const GRAMS_AT_MOST: usize = 4_000;

/// One searchable text, in normal form.
#[derive(Debug, PartialEq, Eq)]
pub struct SearchText {
    /// Field of the contract that the text is of.
    pub field: Field,
    /// Text in normal form.
    pub text: String,
    /// The text without separators, if it is a number or code.
    pub code: Option<String>,
}

impl Searched for RequestRow {
    /// Leaves out the request's number, which storing assigns; a search finds it by its column.
    fn entry(&self) -> Entry {
        let mut texts = Vec::new();
        for (field, text) in [
            (Field::OrderNumber, self.order_number.as_str()),
            (Field::ExternalId, self.external_id.as_deref().unwrap_or_default()),
            (Field::Product, &self.product_model),
        ] {
            texts.extend(code(field, text));
        }
        texts.extend(Contact::deserialize(&self.contact).iter().flat_map(contact));
        for (field, text) in [
            (Field::Classification, &self.business_domain),
            (Field::Classification, &self.problem_type),
            (Field::Description, &self.description),
            (Field::Resolution, &self.resolution),
            (Field::Resolution, &self.assistance),
        ] {
            texts.extend(plain(field, text));
        }
        entry_of(&texts, self.contact_at.to_jiff())
    }

    fn fingerprint(&self) -> u64 {
        let Self { contact, order_number, external_id, product_model, business_domain, problem_type, .. } = self;
        let Self { description, resolution, assistance, .. } = self;
        let mut hasher = DefaultHasher::new();
        (contact, order_number, external_id, product_model, business_domain, problem_type).hash(&mut hasher);
        (description, resolution, assistance).hash(&mut hasher);
        hasher.finish()
    }
}

/// The index entry of a customer created at `created_at`.
pub fn entry_of_customer(name: &str, contacts: &Json, created_at: Timestamp) -> Entry {
    let contacts: Vec<Contact> = Vec::deserialize(contacts).unwrap_or_default();
    let contacts = contacts.iter().flat_map(contact);
    let texts: Vec<SearchText> = plain(Field::Customer, name).into_iter().chain(contacts).collect();
    entry_of(&texts, created_at)
}

fn entry_of(texts: &[SearchText], time: Timestamp) -> Entry {
    let mut tokens = Tokens::at_most(GRAMS_AT_MOST);
    for text in texts {
        if text.field == Field::Phone {
            tokens.add_number(&text.text);
            continue;
        }
        tokens.add(&text.text);
        text.code.iter().for_each(|code| tokens.add(code));
    }
    let texts: Vec<String> = texts.iter().map(SearchText::line).collect();
    Entry { tokens: dated(time, &tokens.into_vec()), texts: texts.join("\n") }
}

impl SearchText {
    /// The text of a request's number.
    pub fn number(number: &str) -> Option<Self> {
        code(Field::Number, number)
    }

    /// Reads texts from the lines that `line` writes.
    pub fn read(texts: &str) -> impl Iterator<Item = Self> {
        texts.lines().filter_map(|line| {
            let (field, text) = line.split_once([':', '='])?;
            let field = Field::try_from(field.parse::<i32>().ok()?).ok()?;
            let code = line[..line.len() - text.len()].ends_with('=').then(|| packed(text));
            Some(Self { field, text: text.to_owned(), code })
        })
    }

    /// The stored line: field number, `=` for a code or `:` for other text, then the text. A text in normal form has no
    /// `=`, no `:` and no line break.
    fn line(&self) -> String {
        format!("{}{}{}", self.field as i32, if self.code.is_some() { '=' } else { ':' }, self.text)
    }
}

fn contact(contact: &Contact) -> Vec<SearchText> {
    let contact = contact.show();
    let others = [&contact.person, &contact.email, &contact.chat_id, &contact.postal_address];
    let others = others.into_iter().filter_map(|text| plain(Field::Customer, text));
    code(Field::Phone, &contact.phone).into_iter().chain(others).collect()
}

fn plain(field: Field, text: &str) -> Option<SearchText> {
    let text = normal(text);
    (!text.is_empty()).then_some(SearchText { field, text, code: None })
}

fn code(field: Field, text: &str) -> Option<SearchText> {
    plain(field, text).map(|text| SearchText { code: Some(packed(&text.text)), ..text })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_read_back_as_they_were_stored() {
        let contacts = serde_json::json!([{ "person": "王：小\n明", "phone": "+8613800138000", "email": "a=b@c.de" }]);
        let entry = entry_of_customer("7=8:9\r\n公司", &contacts, Timestamp::UNIX_EPOCH);
        assert_eq!(entry.texts, "5:7 8 9 公司\n2=8613800138000\n5:王 小 明\n5:a b c de");
        let texts: Vec<SearchText> = SearchText::read(&entry.texts).collect();
        assert_eq!(texts.iter().map(SearchText::line).collect::<Vec<_>>().join("\n"), entry.texts);
        assert_eq!((texts[1].field, texts[1].code.as_deref()), (Field::Phone, Some("8613800138000")));
        assert_eq!(SearchText::read("").count() + SearchText::read("x:y\n99:z\n5").count(), 0);
    }
}
