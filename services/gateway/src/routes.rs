//! Routes: every HTTP binding of every method, found by path and verb, and every method by its gRPC path.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use http::Method as Verb;
use http::uri::PathAndQuery;
use kefu_proto::contract::{self, bindings, field_at, rule};
use prost_reflect::{DescriptorPool, FieldDescriptor, Kind, MessageDescriptor, MethodDescriptor};

use crate::template::{Path, Template, TemplateError};

/// A method of the contracts.
#[derive(Debug)]
pub struct Method {
    /// The descriptor.
    pub descriptor: MethodDescriptor,
    /// The gRPC path, e.g. `/kefu.intake.v1.RequestService/GetRequest`.
    pub path: PathAndQuery,
    /// The service of the suite that serves the method, e.g. `services/intake`; none where every service does.
    pub served_by: Option<String>,
    /// The field that `Idempotency-Key` sets: `request_id` of the request, or of a message in it.
    pub request_id: Option<Vec<FieldDescriptor>>,
    /// The field that `If-Match` sets: `etag` of the request, or of a message in it.
    pub etag: Option<Vec<FieldDescriptor>>,
    /// The `etag` of the answer.
    pub answered_etag: Option<FieldDescriptor>,
    /// The field that `Last-Event-ID` sets.
    pub resume: Option<FieldDescriptor>,
    /// The field of an answer with its position in the stream.
    pub position: Option<Vec<FieldDescriptor>>,
}

/// An HTTP binding of a method.
#[derive(Debug)]
pub struct Route {
    /// The method.
    pub method: Arc<Method>,
    /// The path as the contract writes it, for spans and metrics.
    pub pattern: Arc<str>,
    /// The verb.
    pub verb: Verb,
    /// The template of the paths that fit.
    pub template: Template,
    /// The meaning of the body.
    pub body: Body,
    /// The field of the answer that is sent as the body; the whole answer when none.
    pub answer: Option<FieldDescriptor>,
}

/// The meaning of a request's body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Body {
    /// There is no body.
    None,
    /// The body is the request, but for the fields in the path.
    Whole,
    /// The body is a field of the request.
    Field(FieldDescriptor),
}

/// Why a contract cannot be served over HTTP.
#[derive(Debug, thiserror::Error)]
pub enum RouteError {
    /// A template cannot be read.
    #[error(transparent)]
    Template(#[from] TemplateError),
    /// A binding names a field that does not exist.
    #[error("{method}: {field} is not a field of it")]
    Field {
        /// The method.
        method: String,
        /// The field.
        field: String,
    },
    /// A path or verb is not possible in HTTP.
    #[error("{method}: its path or verb cannot be used")]
    Path {
        /// The method.
        method: String,
    },
}

/// The routes of every binding and every method.
#[derive(Debug, Default)]
pub struct Routes {
    by_shape: HashMap<(Option<usize>, String), Vec<Arc<Route>>>,
    by_path: HashMap<String, Arc<Method>>,
    /// The gRPC services, each with the service of the suite that serves it; none where every service does.
    pub services: BTreeMap<String, Option<String>>,
}

/// The result of finding a path and verb.
#[derive(Debug)]
pub enum Found<'r> {
    /// A route, and the values that the path gives to fields.
    Route(&'r Arc<Route>, Vec<(&'r str, String)>),
    /// The path is known, but only with these verbs.
    Verbs(BTreeSet<String>),
    /// Nothing is at this path.
    Nothing,
}

impl Routes {
    /// Reads the methods of kefu's packages.
    pub fn of(pool: &DescriptorPool) -> Result<Self, RouteError> {
        Self::within(pool, "kefu.")
    }

    /// Reads the methods of the packages whose names begin with `packages`.
    pub fn within(pool: &DescriptorPool, packages: &str) -> Result<Self, RouteError> {
        let mut routes = Self::default();
        for service in pool.services().filter(|service| service.full_name().starts_with(packages)) {
            routes.services.insert(service.full_name().to_owned(), contract::served_by(&service));
            for descriptor in service.methods() {
                routes.add(&descriptor)?;
            }
        }
        for bucket in routes.by_shape.values_mut() {
            bucket.sort_by_key(|route| std::cmp::Reverse(route.template.literals()));
        }
        Ok(routes)
    }

    fn add(&mut self, descriptor: &MethodDescriptor) -> Result<(), RouteError> {
        let method = Arc::new(Method::of(descriptor)?);
        self.by_path.insert(method.path.as_str().to_owned(), method.clone());
        for binding in bindings(descriptor) {
            let unknown =
                |field: &str| RouteError::Field { method: descriptor.full_name().to_owned(), field: field.to_owned() };
            let template = Template::parse(&binding.template)?;
            if let Some(field) = template.fields().find(|field| field_at(&descriptor.input(), field).is_none()) {
                return Err(unknown(field));
            }
            let field =
                |message: MessageDescriptor, name: &str| message.get_field_by_name(name).ok_or_else(|| unknown(name));
            let body = match binding.body.as_str() {
                "" => Body::None,
                "*" => Body::Whole,
                name => Body::Field(field(descriptor.input(), name)?),
            };
            let answer = match binding.response_body.as_str() {
                "" => None,
                name => Some(field(descriptor.output(), name)?),
            };
            let verb = Verb::from_bytes(binding.verb.to_ascii_uppercase().as_bytes())
                .map_err(|_| RouteError::Path { method: descriptor.full_name().to_owned() })?;
            let (length, custom) = template.shape();
            let bucket = self.by_shape.entry((length, custom.to_owned())).or_default();
            let route =
                Route { method: method.clone(), pattern: binding.template.into(), verb, template, body, answer };
            bucket.push(Arc::new(route));
        }
        Ok(())
    }

    /// Finds what a percent-encoded path and a verb lead to. `HEAD` leads where `GET` does.
    pub fn find(&self, verb: &Verb, path: &str) -> Found<'_> {
        let asked = if verb == Verb::HEAD { &Verb::GET } else { verb };
        let path = Path::parse(path);
        let mut verbs = BTreeSet::new();
        for length in [Some(path.length()), None] {
            for route in self.by_shape.get(&(length, path.verb().to_owned())).into_iter().flatten() {
                let Some(captures) = route.template.captures(&path) else { continue };
                if route.verb == asked {
                    return Found::Route(route, captures);
                }
                verbs.insert(route.verb.as_str().to_owned());
            }
        }
        if verbs.is_empty() { Found::Nothing } else { Found::Verbs(verbs) }
    }

    /// Returns the method at a gRPC path.
    pub fn method(&self, path: &str) -> Option<&Arc<Method>> {
        self.by_path.get(path)
    }
}

impl Method {
    fn of(descriptor: &MethodDescriptor) -> Result<Self, RouteError> {
        let (input, output) = (descriptor.input(), descriptor.output());
        let service = descriptor.parent_service();
        let path = format!("/{}/{}", service.full_name(), descriptor.name());
        let rule = rule(descriptor).unwrap_or_default();
        let unknown =
            |field: &str| RouteError::Field { method: descriptor.full_name().to_owned(), field: field.to_owned() };
        let along = |message: &MessageDescriptor, path: &str| match path {
            "" => Ok(None),
            _ => fields_along(message, path).map(Some).ok_or_else(|| unknown(path)),
        };
        Ok(Self {
            path: path.parse().map_err(|_| RouteError::Path { method: descriptor.full_name().to_owned() })?,
            served_by: contract::served_by(service),
            request_id: here_or_within(&input, "request_id"),
            etag: here_or_within(&input, "etag"),
            answered_etag: output.get_field_by_name("etag").filter(|_| !descriptor.is_server_streaming()),
            resume: along(&input, &rule.resume_field)?.and_then(|mut fields| fields.pop()),
            position: along(&output, &rule.position_field)?,
            descriptor: descriptor.clone(),
        })
    }

    /// Whether the caller sends a stream.
    pub fn takes_stream(&self) -> bool {
        self.descriptor.is_client_streaming()
    }

    /// Whether the answer is a stream.
    pub fn gives_stream(&self) -> bool {
        self.descriptor.is_server_streaming()
    }

    /// Whether a call may be repeated without harm when nobody knows what became of it.
    pub fn is_safe_to_repeat(&self) -> bool {
        !self.takes_stream() && self.request_id.is_none()
    }
}

/// Returns the fields along a dotted path, each within the one before.
pub fn fields_along(message: &MessageDescriptor, path: &str) -> Option<Vec<FieldDescriptor>> {
    let mut fields: Vec<FieldDescriptor> = Vec::new();
    for name in path.split('.') {
        let within = match fields.last() {
            None => message.clone(),
            Some(field) if field.is_list() => return None,
            Some(field) => match field.kind() {
                Kind::Message(inner) => inner,
                _ => return None,
            },
        };
        // People write the names as JSON does, contracts as the proto files do.
        fields.push(within.get_field_by_name(name).or_else(|| within.get_field_by_json_name(name))?);
    }
    Some(fields)
}

/// Returns a text field of this name of the message, or else of a message in it.
pub(crate) fn here_or_within(message: &MessageDescriptor, name: &str) -> Option<Vec<FieldDescriptor>> {
    let text =
        |message: &MessageDescriptor| message.get_field_by_name(name).filter(|field| field.kind() == Kind::String);
    if let Some(field) = text(message) {
        return Some(vec![field]);
    }
    message.fields().filter(|field| !field.is_list()).find_map(|field| match field.kind() {
        Kind::Message(inner) => text(&inner).map(|found| vec![field.clone(), found]),
        _ => None,
    })
}
