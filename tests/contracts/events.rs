//! Checks that every event states whether customers see it.

use kefu_proto::contract::{field_at, seen_by_customers, seen_when};
use kefu_proto::events::v1::SeenByCustomers;
use prost_reflect::{DescriptorPool, Kind, MessageDescriptor};

use super::holds;

#[test]
fn every_event_states_whether_customers_see_it() {
    holds(
        problems,
        &[
            &["ThingMade", "does not state"],
            &["ThingMoved", "does not say when"],
            &["ThingNamed", "title", "no enum"],
            &["ThingLost", "how", "STOLEN"],
            &["ThingHidden", "not seen sometimes"],
            &["v1.Thing ", "no event"],
        ],
    );
}

fn problems(pool: &DescriptorPool) -> Vec<String> {
    let mut found = Vec::new();
    for message in pool.all_messages().filter(|message| message.full_name().starts_with("kefu.")) {
        let seen = seen_by_customers(&message);
        let is_event = message.parent_message().is_none() && message.parent_file().name().ends_with("events.proto");
        let problem = match seen {
            SeenByCustomers::Unspecified if is_event => {
                Some("is an event and does not state seen_by_customers".to_owned())
            }
            SeenByCustomers::Unspecified => None,
            _ if !is_event => Some("is no event of a file events.proto and states seen_by_customers".to_owned()),
            seen => wrong_condition(&message, seen),
        };
        found.extend(problem.map(|problem| format!("{} {problem}", message.full_name())));
    }
    found
}

fn wrong_condition(message: &MessageDescriptor, seen: SeenByCustomers) -> Option<String> {
    let when = match (seen, seen_when(message)) {
        (SeenByCustomers::Sometimes, Some(when)) => when,
        (SeenByCustomers::Sometimes, None) => return Some("is seen sometimes and does not say when".to_owned()),
        (_, Some(_)) => return Some("says when it is seen, and is not seen sometimes".to_owned()),
        (_, None) => return None,
    };
    match field_at(message, &when.field).map(|field| field.kind()) {
        Some(Kind::Enum(values)) if when.value.is_empty() || values.get_value_by_name(&when.value).is_some() => None,
        Some(Kind::Enum(_)) => Some(format!("is seen when {} is {}, which it never is", when.field, when.value)),
        _ => Some(format!("is seen when {} says so, which is no enum of it", when.field)),
    }
}
