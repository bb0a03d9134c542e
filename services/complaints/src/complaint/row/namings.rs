//! Namings of whoever is or was said to be responsible, as a complaint's row keeps them (A1.1).

use jiff::Timestamp;
use kefu_chassis::Call;
use kefu_chassis::time::to_proto;
use kefu_proto::complaints::v1 as pb;
use kefu_proto::complaints::v1::naming::State;
use prost::Message as _;

use super::ComplaintRow;

impl ComplaintRow {
    /// Namings of whoever is or was said to be responsible, in their order.
    pub fn namings(&self) -> Vec<pb::Naming> {
        self.namings.iter().map(|encoded| pb::Naming::decode(encoded.as_slice()).unwrap_or_default()).collect()
    }

    /// Replaces the namings.
    pub fn set_namings(&mut self, namings: &[pb::Naming]) {
        self.namings = namings.iter().map(prost::Message::encode_to_vec).collect();
    }

    /// Adds a naming.
    pub fn add_naming(&mut self, naming: &pb::Naming) {
        self.namings.push(naming.encode_to_vec());
    }

    /// Records that the investigation found somebody responsible: a naming that counts and is not struck.
    pub fn find_responsible(&mut self, staff: &str, call: &Call, at: Timestamp) {
        if staff.is_empty() {
            return;
        }
        self.confirm_reports(staff, call, at);
        self.add_naming(&pb::Naming {
            staff: staff.to_owned(),
            named_by: call.caller.subject.clone(),
            named_time: Some(to_proto(at)),
            state: State::Confirmed.into(),
            found: true,
            ..pb::Naming::default()
        });
    }

    /// Confirms the reports about somebody that wait for a judgement, by the caller's.
    pub fn confirm_reports(&mut self, staff: &str, call: &Call, at: Timestamp) {
        let mut namings = self.namings();
        for naming in namings.iter_mut().filter(|each| each.staff == staff && each.state() == State::Reported) {
            naming.set_state(State::Confirmed);
            naming.judged_by.clone_from(&call.caller.subject);
            naming.judged_time = Some(to_proto(at));
        }
        self.set_namings(&namings);
    }

    /// The namings as a caller may see them: whoever is named does not see who named them.
    pub fn namings_for(&self, call: &Call) -> Vec<pb::Naming> {
        let mut namings = self.namings();
        for naming in namings.iter_mut().filter(|naming| naming.staff == call.caller.subject) {
            naming.named_by.clear();
        }
        namings
    }
}
