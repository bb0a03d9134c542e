//! Contacts of people as they are stored, and telephone numbers in any writing.

use kefu_proto::contacts::v1 as pb;
use serde::{Deserialize, Serialize};

use crate::base::error::{Violation, Wrong};
use crate::base::text::is_blank;
use crate::wrong;

mod phone;
mod plan;
mod refused;
mod written;

pub use phone::Phone;

/// A contact as it is stored.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Contact {
    #[serde(default, skip_serializing_if = "String::is_empty")]
    person: String,
    /// E.164, or a public short number as it is dialled.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub phone: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    phone_extension: String,
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
        let phone = Self::read_phone(contact, field, country)?;
        Ok(Self {
            person: contact.person.clone(),
            phone: phone.number,
            phone_extension: phone.extension,
            email: contact.email.clone(),
            chat_id: contact.chat_id.clone(),
            postal_address: contact.postal_address.clone(),
        })
    }

    /// Reads the number and its extension, which may stand behind the number or in a field of its own.
    fn read_phone(contact: &pb::Contact, field: &str, country: Country) -> Result<Phone, Violation> {
        if is_blank(&contact.phone) {
            return Ok(Phone::default());
        }
        let phone = country.phone(&contact.phone).map_err(|wrong| Violation::new(format!("{field}.phone"), wrong))?;
        if contact.phone_extension.is_empty() || contact.phone_extension == phone.extension {
            return Ok(phone);
        }
        if !phone.extension.is_empty() {
            let wrong = wrong!(
                Conflicting,
                "must not differ from the extension behind the telephone number",
                "与电话号码后所写的分机号不一致"
            );
            return Err(Violation::new(format!("{field}.phone_extension"), wrong));
        }
        Ok(Phone { extension: contact.phone_extension.clone(), ..phone })
    }

    /// Returns the contact in the contract's form.
    #[must_use]
    pub fn show(&self) -> pb::Contact {
        pb::Contact {
            person: self.person.clone(),
            phone: self.phone.clone(),
            phone_extension: self.phone_extension.clone(),
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
    /// Reads a telephone number in any writing (full-width digits too): the number, and its extension if it has one. Refused
    /// with the reason unless all of the text is read.
    pub fn phone(self, written: &str) -> Result<Phone, Wrong> {
        phone::read(written, self.0)
    }

    /// Returns a telephone number in any writing as E.164; none if it cannot be one.
    #[must_use]
    pub fn e164(self, written: &str) -> Option<String> {
        self.phone(written).ok().map(|phone| phone.number)
    }
}

#[cfg(test)]
mod tests;
