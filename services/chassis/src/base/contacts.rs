//! Contacts of people as they are stored, and telephone numbers in any writing.

use kefu_proto::contacts::v1 as pb;
use serde::{Deserialize, Serialize};

use crate::base::error::{Violation, Wrong};
use crate::base::text::is_blank;
use crate::wrong;

/// A contact as it is stored.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Contact {
    #[serde(default, skip_serializing_if = "String::is_empty")]
    person: String,
    /// E.164.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub phone: String,
    /// E-mail address as it was given; empty when there is none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub email: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    chat_id: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    postal_address: String,
}

impl Contact {
    /// Reads the contact that a request gives in `field`. Refused when it has neither telephone, e-mail, chat nor postal
    /// address, one of which `clause` demands, or when its telephone number is malformed.
    pub fn read(contact: &pb::Contact, field: &str, clause: &'static str, country: Country) -> Result<Self, Violation> {
        let reaches = [&contact.phone, &contact.email, &contact.chat_id, &contact.postal_address]
            .iter()
            .any(|part| !is_blank(part));
        if !reaches {
            let wrong = wrong!(
                Required under clause,
                "must have a telephone number, an e-mail address, a chat id or a postal address",
                "须有电话、电子邮件、聊天账号或邮寄地址中的一项"
            );
            return Err(Violation::new(field, wrong));
        }
        let phone = if contact.phone.is_empty() {
            String::new()
        } else {
            country.number(&contact.phone).map_err(|wrong| Violation::new(format!("{field}.phone"), wrong))?
        };
        Ok(Self {
            person: contact.person.clone(),
            phone,
            email: contact.email.clone(),
            chat_id: contact.chat_id.clone(),
            postal_address: contact.postal_address.clone(),
        })
    }

    /// Returns the contact in the contract's form.
    #[must_use]
    pub fn show(&self) -> pb::Contact {
        pb::Contact {
            person: self.person.clone(),
            phone: self.phone.clone(),
            email: self.email.clone(),
            chat_id: self.chat_id.clone(),
            postal_address: self.postal_address.clone(),
        }
    }
}

/// The country in which national telephone numbers are read, set by its ISO 3166 code; China by default.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(try_from = "String")]
pub struct Country(phonenumber::country::Id);

impl Default for Country {
    fn default() -> Self {
        Self(phonenumber::country::Id::CN)
    }
}

impl TryFrom<String> for Country {
    type Error = String;

    fn try_from(code: String) -> Result<Self, String> {
        code.parse().map(Self).map_err(|_| format!("{code} is not an ISO 3166 country code"))
    }
}

impl Country {
    /// Reads the telephone number that a field of a request has, in E.164.
    pub fn number(self, written: &str) -> Result<String, Wrong> {
        self.e164(written).ok_or_else(|| wrong!(Phone, "is not a telephone number", "不是电话号码"))
    }

    /// Returns a telephone number in any writing (full-width digits too) as E.164; none if it cannot be one.
    #[must_use]
    pub fn e164(self, written: &str) -> Option<String> {
        let bare: String =
            written.chars().map(narrow).filter(|character| !" ()-./\u{2013}".contains(*character)).collect();
        let number = phonenumber::parse(Some(self.0), &bare).ok()?;
        // Numbering plans change faster than any list of them, so every number of five digits or more is accepted.
        (number.national().value() > 9_999).then(|| number.format().mode(phonenumber::Mode::E164).to_string())
    }
}

/// Returns the narrow form of a full-width digit or sign; other characters stay.
fn narrow(written: char) -> char {
    match written {
        '０'..='９' | '＋' | '－' | '（' | '）' => char::from_u32(written as u32 - 0xFEE0).unwrap_or(written),
        '\u{3000}' => ' ',
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn telephone_numbers_are_read_in_any_writing() {
        let china = Country::default();
        for written in [
            "13800138000",
            "138 0013 8000",
            "+86 138-0013-8000",
            "0086 13800138000",
            "(+86)138 0013 8000",
            "１３８００１３８０００",
        ] {
            assert_eq!(china.e164(written).as_deref(), Some("+8613800138000"), "{written}");
        }
        assert_eq!(china.e164("010-8888 6666").as_deref(), Some("+861088886666"));
        assert_eq!(china.e164("+1 (213) 473-3231").as_deref(), Some("+12134733231"));
        for written in ["", "nobody", "12", "+", "１"] {
            assert_eq!(china.e164(written), None, "{written}");
        }
    }
}
