//! What customers and requests share: contacts, telephone numbers, and who someone is until the directory says it.

use jiff::Timestamp;
use kefu_chassis::error::Violation;
use kefu_chassis::names::{Id, Resource};
use kefu_chassis::{Call, Chassis, Error};
use kefu_proto::intake::v1 as pb;
use serde::{Deserialize, Serialize};

/// Declares resource kinds.
macro_rules! resources {
    ($($(#[$doc:meta])* $name:ident = $collection:literal, $kind:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Debug)]
        pub struct $name;
        impl Resource for $name {
            const COLLECTION: &'static str = $collection;
            const KIND: &'static str = $kind;
        }
    )*};
}

resources! {
    /// Customers.
    Customer = "customers", "kefu/Customer";
    /// Projects of customers.
    Project = "projects", "kefu/Project";
    /// Requests.
    Request = "requests", "kefu/Request";
    /// Steps of the work on requests.
    Progress = "progress", "kefu/Progress";
    /// Attempts to ask customers about resolutions.
    ContactAttempt = "contactAttempts", "kefu/ContactAttempt";
    /// Requests handed to other departments.
    Transfer = "transfers", "kefu/Transfer";
    /// Liaison orders.
    WorkOrder = "workOrders", "kefu/WorkOrder";
    /// Customers' leave to work from afar.
    RemoteAuthorization = "remoteAuthorizations", "kefu/RemoteAuthorization";
    /// What customers expected in vain.
    UnmetExpectation = "unmetExpectations", "kefu/UnmetExpectation";
}

/// The id in a resource's name; what is no such id names nothing.
pub fn id<R: Resource>(name: &str) -> Result<Id<R>, Error> {
    Id::parse(name).ok_or_else(|| unknown::<R>(name))
}

/// The id in a reference to a resource, which may be empty.
pub fn reference<R: Resource>(name: &str) -> Result<Option<Id<R>>, Error> {
    if name.is_empty() { Ok(None) } else { id(name).map(Some) }
}

/// There is no such resource.
pub fn unknown<R: Resource>(name: &str) -> Error {
    Error::NotFound { kind: R::KIND, name: name.to_owned() }
}

/// A contact as it is stored.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Contact {
    #[serde(default, skip_serializing_if = "String::is_empty")]
    person: String,
    /// E.164.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub phone: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub email: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    chat_id: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    postal_address: String,
}

impl Contact {
    /// The contact that a request gives in `field`. Clause A2.2 wants one that reaches somebody.
    pub fn read(contact: &pb::Contact, field: &str, country: Country) -> Result<Self, Violation> {
        let wrong = |part: &str, reason: &str| Violation { field: format!("{field}{part}"), reason: reason.to_owned() };
        let reaches = [&contact.phone, &contact.email, &contact.chat_id, &contact.postal_address]
            .iter()
            .any(|part| !part.trim().is_empty());
        if !reaches {
            return Err(wrong(
                "",
                "A2.2: must have a telephone number, an e-mail address, a chat id or a postal address",
            ));
        }
        let phone = if contact.phone.is_empty() {
            String::new()
        } else {
            country.e164(&contact.phone).ok_or_else(|| wrong(".phone", "is not a telephone number"))?
        };
        Ok(Self {
            person: contact.person.clone(),
            phone,
            email: contact.email.clone(),
            chat_id: contact.chat_id.clone(),
            postal_address: contact.postal_address.clone(),
        })
    }

    /// As the contract shows it.
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

/// The country in which national telephone numbers are read.
#[derive(Clone, Copy, Debug)]
pub struct Country(phonenumber::country::Id);

impl Country {
    /// The country of an ISO 3166 code.
    pub fn named(code: &str) -> Result<Self, Error> {
        code.parse()
            .map(Self)
            .map_err(|_| Error::field("service.country", format!("{code} is not an ISO 3166 country code")))
    }

    /// A telephone number in any writing (full-width digits too) as E.164; none if it cannot be one.
    pub fn e164(self, written: &str) -> Option<String> {
        let bare: String = written.chars().map(narrow).filter(|sign| !" ()-./\u{2013}".contains(*sign)).collect();
        let number = phonenumber::parse(Some(self.0), &bare).ok()?;
        // Numbering plans change faster than any list of them: what has five digits or more is taken.
        (number.national().value() > 9_999).then(|| number.format().mode(phonenumber::Mode::E164).to_string())
    }
}

/// A full-width digit or sign as its narrow form.
fn narrow(written: char) -> char {
    match written {
        '０'..='９' | '＋' | '－' | '（' | '）' => char::from_u32(written as u32 - 0xFEE0).unwrap_or(written),
        '\u{3000}' => ' ',
        other => other,
    }
}

/// The employee and the department that a call speaks for at `at`: the caller themselves, or, for a SERVICE or ADMIN, whom
/// they name. The department is the directory's at that time; only while the directory is empty is it what the call says.
pub fn responsible(
    chassis: &Chassis,
    call: &Call,
    employee: &str,
    department: &str,
    at: Timestamp,
) -> Result<(String, String), Error> {
    let caller = &call.caller.subject;
    let known = chassis.directory.now();
    let for_other = call.acts_for_others() && !(employee.is_empty() && caller.starts_with("staff/"));
    if for_other && employee.is_empty() {
        return Err(Error::field("first_responder", "A2.1: is required of a caller that registers for somebody else"));
    }
    if !for_other && !employee.is_empty() && employee != caller {
        return Err(Error::field("first_responder", "A2.1: is whoever the customer asked first: you"));
    }
    let employee = if employee.is_empty() { caller } else { employee };
    if !known.is_empty() && !known.is_active(employee) {
        return Err(Error::field("first_responder", "A2.1: is not active in the directory"));
    }
    let found = if known.is_empty() { department } else { known.department_of(employee, at) };
    if found.is_empty() {
        return Err(Error::field("department", "A2.1: there is none, so nobody would be responsible"));
    }
    if !department.is_empty() && department != found {
        return Err(Error::field("department", "is the one that the directory has the first responder in"));
    }
    Ok((employee.to_owned(), found.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn telephone_numbers_are_read_in_any_writing() {
        let china = Country::named("CN").unwrap();
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
