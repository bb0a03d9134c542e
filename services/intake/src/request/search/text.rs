//! What requests and customers are found by: their texts in normal form, and the tokens made of these.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use jiff::Timestamp;
use kefu_chassis::search::{Entry, Searched, Tokens, dated, normal, packed};
use kefu_proto::intake::v1::search_result::Field;
use serde::Deserialize as _;
use serde_json::Value as Json;

use crate::request::row::RequestRow;
use crate::shared::Contact;

/// Grams kept of one request or customer at most. Of a longer text the beginning is found.
const GRAMS_AT_MOST: usize = 4_000;

/// One text that something is found by, in normal form.
#[derive(Debug, PartialEq, Eq)]
pub struct Part {
    pub field: Field,
    pub text: String,
    /// The same without separators, if it is a number or code.
    pub code: Option<String>,
}

impl Searched for RequestRow {
    /// Its number, which it gets when it is stored, is found by itself.
    fn entry(&self) -> Entry {
        let mut parts = Vec::new();
        for (field, text) in [
            (Field::OrderNumber, self.order_number.as_str()),
            (Field::ExternalId, self.external_id.as_deref().unwrap_or_default()),
            (Field::Product, &self.product_model),
        ] {
            parts.extend(code(field, text));
        }
        parts.extend(Contact::deserialize(&self.contact).iter().flat_map(contact));
        for (field, text) in [
            (Field::Classification, &self.business_domain),
            (Field::Classification, &self.problem_type),
            (Field::Description, &self.description),
            (Field::Resolution, &self.resolution),
            (Field::Resolution, &self.assistance),
        ] {
            parts.extend(plain(field, text));
        }
        entry_of(&parts, self.contact_at.to_jiff())
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

/// What the index holds of a customer whose file was opened at `created_at`.
pub fn entry_of_customer(name: &str, contacts: &Json, created_at: Timestamp) -> Entry {
    let contacts: Vec<Contact> = Vec::deserialize(contacts).unwrap_or_default();
    let contacts = contacts.iter().flat_map(contact);
    let parts: Vec<Part> = plain(Field::Customer, name).into_iter().chain(contacts).collect();
    entry_of(&parts, created_at)
}

fn entry_of(parts: &[Part], time: Timestamp) -> Entry {
    let mut tokens = Tokens::at_most(GRAMS_AT_MOST);
    for part in parts {
        if part.field == Field::Phone {
            tokens.add_number(&part.text);
            continue;
        }
        tokens.add(&part.text);
        part.code.iter().for_each(|code| tokens.add(code));
    }
    let said: Vec<String> = parts.iter().map(Part::line).collect();
    Entry { tokens: dated(time, &tokens.into_vec()), said: said.join("\n") }
}

impl Part {
    /// A request's number.
    pub fn number(number: &str) -> Option<Self> {
        code(Field::Number, number)
    }

    /// The parts that were stored as lines.
    pub fn read(said: &str) -> impl Iterator<Item = Self> {
        said.lines().filter_map(|line| {
            let (field, text) = line.split_once([':', '='])?;
            let field = Field::try_from(field.parse::<i32>().ok()?).ok()?;
            let code = line[..line.len() - text.len()].ends_with('=').then(|| packed(text));
            Some(Self { field, text: text.to_owned(), code })
        })
    }

    /// The field's number, whether it is a code, and the text, which has neither of these signs nor the end of a line.
    fn line(&self) -> String {
        format!("{}{}{}", self.field as i32, if self.code.is_some() { '=' } else { ':' }, self.text)
    }
}

fn contact(contact: &Contact) -> Vec<Part> {
    let contact = contact.show();
    let others = [&contact.person, &contact.email, &contact.chat_id, &contact.postal_address];
    let others = others.into_iter().filter_map(|text| plain(Field::Customer, text));
    code(Field::Phone, &contact.phone).into_iter().chain(others).collect()
}

fn plain(field: Field, text: &str) -> Option<Part> {
    let text = normal(text);
    (!text.is_empty()).then_some(Part { field, text, code: None })
}

fn code(field: Field, text: &str) -> Option<Part> {
    plain(field, text).map(|part| Part { code: Some(packed(&part.text)), ..part })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_read_back_as_they_were_stored() {
        let contacts = serde_json::json!([{ "person": "王：小\n明", "phone": "+8613800138000", "email": "a=b@c.de" }]);
        let entry = entry_of_customer("7=8:9\r\n公司", &contacts, Timestamp::UNIX_EPOCH);
        assert_eq!(entry.said, "5:7 8 9 公司\n2=8613800138000\n5:王 小 明\n5:a b c de");
        let parts: Vec<Part> = Part::read(&entry.said).collect();
        assert_eq!(parts.iter().map(Part::line).collect::<Vec<_>>().join("\n"), entry.said);
        assert_eq!((parts[1].field, parts[1].code.as_deref()), (Field::Phone, Some("8613800138000")));
        assert_eq!(Part::read("").count() + Part::read("x:y\n99:z\n5").count(), 0);
    }
}
