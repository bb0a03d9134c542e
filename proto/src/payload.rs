//! Payloads of the journal's events. The build implements the trait for each message that states who sees it.

use prost::{Message, Name};

use crate::payloads;

/// The payload of an event: a message of a file `events.proto`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no payload of an event",
    note = "a message of a file `events.proto` is one; it states `option (kefu.events.v1.seen_by_customers)`"
)]
pub trait Payload: Message + Name {
    /// Whether customers see an event that has this payload and is about something of theirs.
    fn is_seen_by_customers(&self) -> bool;
}

/// Whether customers see an event with an encoded payload of this type. They see no event of an unknown type.
#[must_use]
pub fn is_seen_by_customers(full_name: &str, payload: &[u8]) -> bool {
    payloads::is_seen_by_customers(full_name, payload)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::complaints::v1::{self as complaints, paper::Content};
    use crate::contacts::v1::Channel;
    use crate::intake::v1 as intake;

    fn is_seen<P: Payload>(payload: &P) -> bool {
        let by_name = is_seen_by_customers(&P::full_name(), &payload.encode_to_vec());
        assert_eq!(payload.is_seen_by_customers(), by_name);
        by_name
    }

    fn contacted(outcome: complaints::customer_contact::Outcome) -> complaints::CustomerContacted {
        let contact = complaints::CustomerContact { outcome: outcome.into(), ..complaints::CustomerContact::default() };
        let paper =
            complaints::Paper { content: Some(Content::CustomerContact(contact)), ..complaints::Paper::default() };
        complaints::CustomerContacted { paper: Some(paper), ..complaints::CustomerContacted::default() }
    }

    #[test]
    fn customers_see_what_they_did_and_not_how_staff_share_the_work() {
        assert!(is_seen(&intake::RequestResolved::default()));
        assert!(!is_seen(&intake::RequestAssigned::default()));
        assert!(!is_seen_by_customers("kefu.intake.v1.Unheard", &[]));
    }

    #[test]
    fn customers_see_progress_that_they_were_told() {
        let progress = |told_by: Channel| intake::ProgressRecorded {
            progress: Some(intake::Progress { told_by: told_by.into(), ..intake::Progress::default() }),
            ..intake::ProgressRecorded::default()
        };
        assert!(is_seen(&progress(Channel::Hotline)));
        assert!(!is_seen(&progress(Channel::Unspecified)));
        assert!(!is_seen(&intake::ProgressRecorded::default()));
    }

    #[test]
    fn customers_see_words_with_them_and_no_attempts() {
        assert!(is_seen(&contacted(complaints::customer_contact::Outcome::Reached)));
        assert!(!is_seen(&contacted(complaints::customer_contact::Outcome::NotReached)));
        assert!(!is_seen(&complaints::CustomerContacted::default()));
    }
}
