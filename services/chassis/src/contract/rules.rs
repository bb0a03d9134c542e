//! The rules of methods, read from the descriptors: who may call a method, what it may touch, what its fields must hold.

use std::collections::HashMap;
use std::sync::Arc;

use kefu_proto::contract;
use kefu_proto::rules::v1::{Access, Role};
use prost_reflect::{DescriptorPool, MethodDescriptor};

use crate::contract::fields::{Checker, Fields};
use crate::contract::problem::ContractError;

/// The contract of one method.
#[derive(Debug)]
pub struct MethodRule {
    /// The path, e.g. `/kefu.intake.v1.RequestService/RegisterRequest`.
    pub path: String,
    /// The clauses that the method serves.
    pub clauses: Vec<String>,
    /// Why the method serves no clause; empty if it serves one.
    pub support: String,
    /// The roles that may call the method: those of its audience.
    pub roles: Vec<Role>,
    /// Which resources a caller may touch.
    pub access: Access,
    /// The request field that names the resource.
    pub resource_field: String,
    /// Whether the method changes nothing. A method that changes something has a `request_id` or is a client stream.
    pub reads: bool,
    /// Whether the caller sends or gets a stream.
    pub is_stream: bool,
    /// The rules of the request's fields.
    pub fields: Arc<Fields>,
}

impl MethodRule {
    /// Returns the name of the method, e.g. `RegisterRequest`; no two methods of a server have the same name.
    #[must_use]
    pub fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or_default()
    }
}

/// The rules of the methods that a server serves, by path.
#[derive(Debug, Default)]
pub struct Rules {
    by_path: HashMap<String, Arc<MethodRule>>,
}

impl Rules {
    /// Reads the rules of every method of `services`, e.g. `kefu.intake.v1.RequestService`. Fails when the contract of one
    /// cannot be enforced.
    pub fn of(pool: &DescriptorPool, services: &[&str]) -> Result<Self, ContractError> {
        let checker = Checker::new(pool);
        let mut rules = HashMap::new();
        for name in services {
            let service = pool.get_service_by_name(name).ok_or_else(|| ContractError {
                method: (*name).to_owned(),
                problem: "there is no such service in the contracts".into(),
            })?;
            for method in service.methods() {
                let rule = read(&checker, &method)?;
                rules.insert(rule.path.clone(), Arc::new(rule));
            }
        }
        Ok(Self { by_path: rules })
    }

    /// Returns the rule of the method at `path`; a method without one is not served.
    #[must_use]
    pub fn at(&self, path: &str) -> Option<&Arc<MethodRule>> {
        self.by_path.get(path)
    }

    /// Returns the rule of the method of this name.
    #[must_use]
    pub fn named(&self, method: &str) -> Option<&Arc<MethodRule>> {
        self.by_path.values().find(|rule| rule.name() == method)
    }

    /// Returns every rule.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<MethodRule>> {
        self.by_path.values()
    }
}

fn read(checker: &Checker, method: &MethodDescriptor) -> Result<MethodRule, ContractError> {
    let fail = |problem: &str| ContractError { method: method.full_name().to_owned(), problem: problem.to_owned() };
    let rule = contract::rule(method).ok_or_else(|| fail("has no rule"))?;
    let audience = contract::audience(method.parent_pool(), &rule).ok_or_else(|| fail("has no audience"))?;
    let roles = contract::roles(&audience);
    if roles.is_empty() {
        return Err(fail(&format!("its audience {} has no roles", audience.name())));
    }
    if rule.clauses.is_empty() == rule.support.is_empty() {
        return Err(fail("must have either clauses or a reason for none"));
    }
    let access = rule.access();
    if access == Access::Unspecified {
        return Err(fail("has no access"));
    }
    let reads = !method.is_client_streaming() && method.input().get_field_by_name("request_id").is_none();
    Ok(MethodRule {
        path: format!("/{}/{}", method.parent_service().full_name(), method.name()),
        clauses: rule.clauses,
        support: rule.support,
        roles,
        access,
        resource_field: rule.resource_field,
        reads,
        is_stream: method.is_client_streaming() || method.is_server_streaming(),
        fields: checker.fields(&method.input())?,
    })
}

#[cfg(test)]
mod tests {
    use prost::Message as _;
    use prost_reflect::{DynamicMessage, Value};

    use super::*;

    /// The member of this name in a list of a descriptor.
    fn member<'a>(of: &'a mut DynamicMessage, list: &str, name: &str) -> &'a mut DynamicMessage {
        let members = of.get_field_by_name_mut(list).unwrap().as_list_mut().unwrap();
        let mut members = members.iter_mut().filter_map(Value::as_message_mut);
        members.find(|member| member.get_field_by_name("name").unwrap().as_str() == Some(name)).unwrap()
    }

    fn options(of: &mut DynamicMessage) -> &mut DynamicMessage {
        of.get_field_by_name_mut("options").unwrap().as_message_mut().unwrap()
    }

    /// What is wrong with the rules of the duties' methods after a change of the contracts.
    fn problem(change: impl FnOnce(&DescriptorPool, &mut DynamicMessage)) -> String {
        let pool = kefu_proto::pool();
        let kind = pool.get_message_by_name("google.protobuf.FileDescriptorSet").unwrap();
        let mut set = DynamicMessage::decode(kind, kefu_proto::DESCRIPTORS).unwrap();
        change(pool, &mut set);
        let changed = DescriptorPool::decode(set.encode_to_vec().as_slice()).unwrap();
        Rules::of(&changed, &["kefu.compliance.v1.ComplianceService"]).unwrap_err().to_string()
    }

    #[test]
    fn a_method_without_an_audience_is_refused_at_start() {
        let problem = problem(|pool, set| {
            let rule = pool.get_extension_by_name("kefu.rules.v1.rule").unwrap();
            let file = member(set, "file", "kefu/compliance/v1/compliance.proto");
            let method = member(member(file, "service", "ComplianceService"), "method", "WaiveDuty");
            options(method).get_extension_mut(&rule).as_message_mut().unwrap().clear_field_by_name("audience");
        });
        assert_eq!(problem, "kefu.compliance.v1.ComplianceService.WaiveDuty: has no audience");
    }

    #[test]
    fn a_method_whose_audience_has_no_roles_is_refused_at_start() {
        let problem = problem(|pool, set| {
            let roles = pool.get_extension_by_name("kefu.rules.v1.roles").unwrap();
            let file = member(set, "file", "kefu/rules/v1/rules.proto");
            options(member(member(file, "enum_type", "Audience"), "value", "DUTY_WAIVERS")).clear_extension(&roles);
        });
        assert_eq!(problem, "kefu.compliance.v1.ComplianceService.WaiveDuty: its audience DUTY_WAIVERS has no roles");
    }
}
