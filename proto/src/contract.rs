//! Reads what the descriptors say beside types: the rules and HTTP bindings of methods, the rules of fields, resources.

use std::borrow::Cow;

use crate::events::v1::{SeenByCustomers, SeenWhen};
use crate::rules::v1::{Role, Rule};
use prost_reflect::{
    DescriptorPool, DynamicMessage, EnumValueDescriptor, FieldDescriptor, Kind, MessageDescriptor, MethodDescriptor,
    ServiceDescriptor, Value,
};

/// `google.api.field_behavior`: the caller must give the field.
pub const REQUIRED: i32 = 2;
/// `google.api.field_behavior`: the service writes the field, and ignores what a caller gives.
pub const OUTPUT_ONLY: i32 = 3;
/// `google.api.field_behavior`: the field holds the name of the resource that the message describes.
pub const IDENTIFIER: i32 = 8;

/// Returns every method of the packages of kefu.
#[must_use]
pub fn methods(pool: &DescriptorPool) -> Vec<MethodDescriptor> {
    let services = pool.services().filter(|service| service.full_name().starts_with("kefu."));
    services.flat_map(|service| service.methods().collect::<Vec<_>>()).collect()
}

/// Returns every message of the packages of kefu, including nested ones.
pub fn messages(pool: &DescriptorPool) -> impl Iterator<Item = MessageDescriptor> {
    pool.all_messages().filter(|message| message.full_name().starts_with("kefu."))
}

/// Returns the service of the suite that serves a gRPC service, e.g. `services/intake`; none if every service does.
#[must_use]
pub fn served_by(service: &ServiceDescriptor) -> Option<String> {
    let extension = service.parent_pool().get_extension_by_name("kefu.rules.v1.served_by")?;
    let options = service.options();
    options.has_extension(&extension).then(|| options.get_extension(&extension).as_str().map(str::to_owned))?
}

/// Returns the rule of a method.
#[must_use]
pub fn rule(method: &MethodDescriptor) -> Option<Rule> {
    message_option(method.parent_pool(), &method.options(), "kefu.rules.v1.rule")?.transcode_to().ok()
}

/// Returns the audience of a rule, as the pool declares it; none if the rule names none.
#[must_use]
pub fn audience(pool: &DescriptorPool, rule: &Rule) -> Option<EnumValueDescriptor> {
    pool.get_enum_by_name("kefu.rules.v1.Audience")?.get_value(rule.audience).filter(|audience| audience.number() != 0)
}

/// Returns the roles of an audience and of those that it includes, each once, in the order of their numbers.
#[must_use]
pub fn roles(audience: &EnumValueDescriptor) -> Vec<Role> {
    let mut roles = Vec::new();
    let mut seen: Vec<i32> = Vec::new();
    let mut open = vec![audience.clone()];
    while let Some(audience) = open.pop() {
        let named = enum_numbers(&audience, "kefu.rules.v1.roles").into_iter();
        roles.extend(named.filter_map(|role| Role::try_from(role).ok()).filter(|role| *role != Role::Unspecified));
        let Some(audiences) = audience.parent_pool().get_enum_by_name("kefu.rules.v1.Audience") else { continue };
        for number in enum_numbers(&audience, "kefu.rules.v1.includes") {
            if !seen.contains(&number) {
                seen.push(number);
                open.extend(audiences.get_value(number));
            }
        }
    }
    roles.sort_unstable();
    roles.dedup();
    roles
}

/// Returns the numbers in an option of an enum value that is itself a list of enum values.
fn enum_numbers(value: &EnumValueDescriptor, option: &str) -> Vec<i32> {
    let Some(extension) = value.parent_pool().get_extension_by_name(option) else { return Vec::new() };
    let options = value.options();
    let listed = options.get_extension(&extension);
    listed.as_list().unwrap_or_default().iter().filter_map(Value::as_enum_number).collect()
}

/// One HTTP binding of a method.
#[derive(Clone, Debug)]
pub struct Binding {
    /// The verb: `get`, `post`, …
    pub verb: String,
    /// The path template.
    pub template: String,
    /// The field that the body carries, or `*` for all that the path does not; empty if there is no body.
    pub body: String,
    /// The field of the answer that becomes the body; the whole answer when empty.
    pub response_body: String,
}

impl Binding {
    /// Returns the variables of the template, each with the pattern of its values.
    #[must_use]
    pub fn variables(&self) -> Vec<(&str, &str)> {
        self.template
            .split('{')
            .skip(1)
            .filter_map(|rest| rest.split_once('}'))
            .map(|(variable, _)| variable.split_once('=').unwrap_or((variable, "*")))
            .collect()
    }

    /// Returns the template without the names of its variables: two methods with the same shape cannot be told apart.
    #[must_use]
    pub fn shape(&self) -> String {
        let mut shape = self.template.clone();
        for (name, pattern) in self.variables() {
            shape = shape.replace(&format!("{{{name}={pattern}}}"), pattern).replace(&format!("{{{name}}}"), "*");
        }
        shape
    }
}

/// Returns the HTTP bindings of a method, including the additional ones.
#[must_use]
pub fn bindings(method: &MethodDescriptor) -> Vec<Binding> {
    let Some(http) = message_option(method.parent_pool(), &method.options(), "google.api.http") else {
        return Vec::new();
    };
    let more = http.get_field_by_name("additional_bindings").map(Cow::into_owned);
    let more: Vec<Value> = more.as_ref().and_then(Value::as_list).unwrap_or_default().to_vec();
    std::iter::once(&http).chain(more.iter().filter_map(Value::as_message)).filter_map(binding).collect()
}

fn binding(http: &DynamicMessage) -> Option<Binding> {
    let verb = ["get", "put", "post", "delete", "patch"].into_iter().find(|verb| http.has_field_by_name(verb))?;
    let template = text(http, verb);
    Some(Binding {
        verb: verb.to_owned(),
        template,
        body: text(http, "body"),
        response_body: text(http, "response_body"),
    })
}

/// Returns the field at a dotted path such as `customer.name`.
#[must_use]
pub fn field_at(message: &MessageDescriptor, path: &str) -> Option<FieldDescriptor> {
    let (head, rest) = path.split_once('.').unwrap_or((path, ""));
    let field = message.get_field_by_name(head)?;
    match field.kind() {
        _ if rest.is_empty() => Some(field),
        Kind::Message(inner) if !field.is_list() => field_at(&inner, rest),
        _ => None,
    }
}

/// Returns the `google.api.field_behavior` of a field.
#[must_use]
pub fn behavior(field: &FieldDescriptor) -> Vec<i32> {
    let Some(extension) = field.parent_file().parent_pool().get_extension_by_name("google.api.field_behavior") else {
        return Vec::new();
    };
    field
        .options()
        .get_extension(&extension)
        .as_list()
        .unwrap_or_default()
        .iter()
        .filter_map(Value::as_enum_number)
        .collect()
}

/// Returns the kind of resource that a field names.
#[must_use]
pub fn reference(field: &FieldDescriptor) -> Option<String> {
    Some(text(
        &message_option(field.parent_file().parent_pool(), &field.options(), "google.api.resource_reference")?,
        "type",
    ))
}

/// Returns the kind of resource that a message describes.
#[must_use]
pub fn resource_kind(message: &MessageDescriptor) -> Option<String> {
    Some(text(&message_option(message.parent_pool(), &message.options(), "google.api.resource")?, "type"))
}

/// Returns the `buf.validate` rules of a field.
#[must_use]
pub fn validation(field: &FieldDescriptor) -> Option<DynamicMessage> {
    message_option(field.parent_file().parent_pool(), &field.options(), "buf.validate.field")
}

/// Whether a field is marked as holding personal data (`debug_redact`).
#[must_use]
pub fn is_redacted(field: &FieldDescriptor) -> bool {
    field.options().get_field_by_name("debug_redact").is_some_and(|value| value.as_bool() == Some(true))
}

/// A declared kind of resource.
#[derive(Debug)]
pub struct Resource {
    /// The message, or for a file option the package, that declares the kind.
    pub declared_in: String,
    /// The kind, e.g. `kefu/Request`.
    pub kind: String,
    /// The patterns of its names, e.g. `requests/{request}`.
    pub patterns: Vec<String>,
}

/// Returns every declared kind of resource.
#[must_use]
pub fn resources(pool: &DescriptorPool) -> Vec<Resource> {
    let of_messages = pool.all_messages().filter_map(|message| {
        let option = message_option(pool, &message.options(), "google.api.resource")?;
        Some(resource(message.full_name().to_owned(), &option))
    });
    let of_files = pool.files().flat_map(|file| {
        let extension = pool.get_extension_by_name("google.api.resource_definition");
        let definitions = extension.map(|extension| file.options().get_extension(&extension).into_owned());
        let definitions: Vec<Value> = definitions.as_ref().and_then(Value::as_list).unwrap_or_default().to_vec();
        definitions
            .iter()
            .filter_map(Value::as_message)
            .map(|option| resource(file.package_name().to_owned(), option))
            .collect::<Vec<_>>()
    });
    of_messages.chain(of_files).collect()
}

/// Replaces the variables of a pattern by wildcards: `requests/{request}` becomes `requests/*`.
#[must_use]
pub fn wildcards(pattern: &str) -> String {
    pattern.split('/').map(|segment| if segment.starts_with('{') { "*" } else { segment }).collect::<Vec<_>>().join("/")
}

fn resource(declared_in: String, option: &DynamicMessage) -> Resource {
    let patterns = option.get_field_by_name("pattern").map(Cow::into_owned);
    let patterns = patterns.as_ref().and_then(Value::as_list).unwrap_or_default().iter();
    Resource {
        declared_in,
        kind: text(option, "type"),
        patterns: patterns.filter_map(|pattern| pattern.as_str().map(str::to_owned)).collect(),
    }
}

/// Returns what a message states about events that have it as their payload: whether customers see them.
#[must_use]
pub fn seen_by_customers(message: &MessageDescriptor) -> SeenByCustomers {
    let stated = || {
        let extension = message.parent_pool().get_extension_by_name("kefu.events.v1.seen_by_customers")?;
        message.options().get_extension(&extension).as_enum_number()
    };
    stated().and_then(|seen| SeenByCustomers::try_from(seen).ok()).unwrap_or_default()
}

/// Returns the condition under which customers see an event that they see only sometimes.
#[must_use]
pub fn seen_when(message: &MessageDescriptor) -> Option<SeenWhen> {
    message_option(message.parent_pool(), &message.options(), "kefu.events.v1.seen_when")?.transcode_to().ok()
}

/// Returns an option whose value is a message, if it is set.
fn message_option(pool: &DescriptorPool, options: &DynamicMessage, name: &str) -> Option<DynamicMessage> {
    let extension = pool.get_extension_by_name(name).filter(|extension| options.has_extension(extension))?;
    options.get_extension(&extension).as_message().cloned()
}

fn text(message: &DynamicMessage, field: &str) -> String {
    message.get_field_by_name(field).and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}
