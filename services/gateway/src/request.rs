//! Messages from HTTP requests: path, query, body and headers set the fields, each field once.

use std::fmt::Display;

use bytes::Bytes;
use http::HeaderMap;
use http::header::{HeaderName, IF_MATCH};
use kefu_chassis::error::Wrong;
use kefu_chassis::wrong;
use percent_encoding::percent_decode_str;
use prost_reflect::{DynamicMessage, FieldDescriptor, Kind, MessageDescriptor, ReflectMessage as _, Value};

use crate::json;
use crate::problem::{Label, Problem};
use crate::routes::{Body, Method, Route, fields_along};

/// The header with the key of a call, under which it may be repeated.
pub const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// The header with the event after which a stream resumes.
pub const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// The head of a request: everything but its body.
#[derive(Clone, Copy, Debug)]
pub struct RequestHead<'r> {
    /// The values that the path gives to fields.
    pub captures: &'r [(&'r str, String)],
    /// The query, as it came.
    pub query: &'r str,
    /// The headers.
    pub headers: &'r HeaderMap,
}

/// Reads the message of a request with this body.
pub fn message(route: &Route, head: RequestHead<'_>, body: &Bytes) -> Result<DynamicMessage, Problem> {
    let input = route.method.descriptor.input();
    let mut message = match &route.body {
        Body::None => DynamicMessage::new(input),
        // An empty body is an empty request: curl sends none when it is given none.
        Body::Whole if body.is_empty() => DynamicMessage::new(input),
        Body::Whole => json::read(&input, body, "")?,
        Body::Field(field) => field_from(field, &input, body)?,
    };
    complete(route, head, &mut message)?;
    Ok(message)
}

/// Adds the values of path, query and headers to the message of a body.
pub fn complete(route: &Route, head: RequestHead<'_>, message: &mut DynamicMessage) -> Result<(), Problem> {
    for (field, value) in head.captures {
        put_once(message, field, value)?;
    }
    for (name, value) in pairs(head.query)? {
        if !takes(route, &name) {
            return Err(not_taken(route, &name));
        }
        put(message, &name, &value)?;
    }
    from_headers(&route.method, head.headers, message)
}

fn field_from(field: &FieldDescriptor, input: &MessageDescriptor, body: &Bytes) -> Result<DynamicMessage, Problem> {
    let name = field.json_name();
    let Kind::Message(inner) = field.kind() else {
        return json::read(input, &[br#"{""#, name.as_bytes(), br#"":"#, body, b"}"].concat(), "");
    };
    let mut message = DynamicMessage::new(input.clone());
    let inner = if body.is_empty() { DynamicMessage::new(inner) } else { json::read(&inner, body, name)? };
    message.set_field(field, Value::Message(inner));
    Ok(message)
}

/// Sets a field from a part of a form: a message is JSON, every other value is written as in a query.
pub fn part_into(message: &mut DynamicMessage, field: &FieldDescriptor, text: &[u8]) -> Result<(), Problem> {
    if let (Kind::Message(inner), false) = (field.kind(), field.is_list()) {
        let value = json::read(&inner, text, field.json_name())?;
        message.set_field(field, Value::Message(value));
        return Ok(());
    }
    let text = str::from_utf8(text).map_err(|_| Problem::invalid(field.json_name(), not_utf8()))?;
    put(message, field.name(), text)
}

/// What is wrong with bytes that are no text.
fn not_utf8() -> Wrong {
    wrong!(Unreadable, "is not UTF-8", "编码无法读取")
}

/// Creates the problem that a parameter of the query is not one of this method: its field has another place, or there is
/// none.
fn not_taken(route: &Route, name: &str) -> Problem {
    match fields_along(&route.method.descriptor.input(), name) {
        Some(fields) => Problem::invalid(
            &json_path(&fields),
            wrong!(
                NotAccepted,
                "is no parameter of the query: path or body have it",
                "不能作为查询参数，须在路径或请求内容中给出"
            ),
        ),
        None => Problem::invalid(name, wrong!(UnknownField, "is no parameter of this method", "不是此方法的查询参数")),
    }
}

/// Returns the path of fields as JSON names it.
fn json_path(fields: &[FieldDescriptor]) -> String {
    fields.iter().map(FieldDescriptor::json_name).collect::<Vec<_>>().join(".")
}

/// Whether a field may be set in the query, because neither path nor body carries it.
fn takes(route: &Route, name: &str) -> bool {
    let Some(fields) = fields_along(&route.method.descriptor.input(), name) else { return false };
    let path = fields.iter().map(FieldDescriptor::name).collect::<Vec<_>>().join(".");
    let is_in_body = match &route.body {
        Body::None => false,
        Body::Whole => true,
        Body::Field(body) => fields.first() == Some(body),
    };
    !is_in_body && route.template.fields().all(|bound| bound != path)
}

/// Sets the fields that headers carry: the key for repeating the call, the etag, and where a stream resumes.
fn from_headers(method: &Method, headers: &HeaderMap, message: &mut DynamicMessage) -> Result<(), Problem> {
    let is_not_taken = || wrong!(NotAccepted, "is not taken by this method", "不适用于此方法");
    let label =
        |fields: Option<&[FieldDescriptor]>, name: &str| Label::Of(fields.map_or_else(|| name.to_owned(), json_path));
    let key_label = label(method.request_id.as_deref(), "request_id");
    if let Some(key) = text(headers, &IDEMPOTENCY_KEY, &key_label)? {
        match &method.request_id {
            // The draft standard writes the key in quotation marks.
            Some(fields) => put_along(message, fields, key.trim_matches('"'))?,
            // A read may be repeated without a key.
            None if method.is_safe_to_repeat() => {}
            None => return Err(Problem::header(&IDEMPOTENCY_KEY, key_label, is_not_taken())),
        }
    }
    let etag_label = label(method.etag.as_deref(), "etag");
    if let Some(etag) = text(headers, &IF_MATCH, &etag_label)?.filter(|etag| *etag != "*") {
        // Etags of the contracts are written as in HTTP, with quotation marks.
        let is_one = etag.strip_prefix('"').is_some_and(|rest| rest.find('"') == rest.len().checked_sub(1));
        match &method.etag {
            Some(fields) if is_one => put_along(message, fields, etag)?,
            Some(_) => {
                let wrong = wrong!(Form, "must be one strong etag", "须为一个带引号的版本标记");
                return Err(Problem::header(&IF_MATCH, etag_label, wrong));
            }
            None => return Err(Problem::header(&IF_MATCH, etag_label, is_not_taken())),
        }
    }
    let resume = method.resume.as_ref().map_or("after_position", FieldDescriptor::name);
    if let (Some(position), Some(field)) =
        (text(headers, &LAST_EVENT_ID, &Label::Of(resume.to_owned()))?, &method.resume)
    {
        // A browser sends this header by itself when it resumes a stream that its page asked for with the first
        // position.
        message.set_field(field, parse(field, position)?);
    }
    Ok(())
}

fn text<'h>(headers: &'h HeaderMap, name: &HeaderName, label: &Label) -> Result<Option<&'h str>, Problem> {
    let mut values = headers.get_all(name).iter();
    let (first, more) = (values.next(), values.next());
    match first.map(|value| value.to_str()) {
        Some(Ok(text)) if more.is_none() => Ok(Some(text).filter(|text| !text.is_empty())),
        None => Ok(None),
        _ => {
            let wrong = wrong!(Form, "must stand once and be ASCII", "须只出现一次，且不含特殊字符");
            Err(Problem::header(name, label.clone(), wrong))
        }
    }
}

/// Sets the value of a header where the body has set none, or the same.
fn put_along(message: &mut DynamicMessage, fields: &[FieldDescriptor], value: &str) -> Result<(), Problem> {
    put_once(message, &json_path(fields), value)
}

/// Sets a field that is not set yet, or to the same value.
fn put_once(message: &mut DynamicMessage, path: &str, value: &str) -> Result<(), Problem> {
    let (within, field, path) = field_at(message, path)?;
    let parsed = parse(&field, value)?;
    if within.has_field(&field) && *within.get_field(&field) != parsed {
        let wrong = wrong!(
            Conflicting,
            "says something else than the address or the headers do",
            "与请求地址或请求头中的内容不一致"
        );
        return Err(Problem::invalid(&path, wrong));
    }
    within.set_field(&field, parsed);
    Ok(())
}

/// Sets a field from the query; a repeated field gets one more value.
fn put(message: &mut DynamicMessage, path: &str, value: &str) -> Result<(), Problem> {
    let (within, field, path) = field_at(message, path)?;
    let parsed = parse(&field, value)?;
    if field.is_list() {
        if let Some(list) = within.get_field_mut(&field).as_list_mut() {
            list.push(parsed);
        }
    } else if within.has_field(&field) {
        return Err(Problem::invalid(&path, wrong!(RepeatedItem, "stands twice", "重复出现")));
    } else {
        within.set_field(&field, parsed);
    }
    Ok(())
}

/// Returns the field at a path, the message that contains it, and the path as JSON names it; messages on the way are
/// created.
fn field_at<'m>(
    message: &'m mut DynamicMessage,
    path: &str,
) -> Result<(&'m mut DynamicMessage, FieldDescriptor, String), Problem> {
    let unknown = || Problem::invalid(path, wrong!(UnknownField, "is not known", "不是此处可用的字段"));
    let mut fields = fields_along(&message.descriptor(), path).ok_or_else(unknown)?;
    let path = json_path(&fields);
    let last = fields.pop().ok_or_else(unknown)?;
    let mut within = message;
    for field in &fields {
        within = within.get_field_mut(field).as_message_mut().ok_or_else(unknown)?;
    }
    Ok((within, last, path))
}

/// Reads a value as a query writes it: as in JSON, but without quotation marks.
fn parse(field: &FieldDescriptor, text: &str) -> Result<Value, Problem> {
    let refused = |error: &dyn Display| {
        Problem::invalid(field.json_name(), json::expected(field, false, &error.to_string())).because(error)
    };
    match field.kind() {
        Kind::String => Ok(Value::String(text.to_owned())),
        Kind::Bool => text.parse().map(Value::Bool).map_err(|_| refused(&format!("{text} is neither true nor false"))),
        Kind::Enum(_) if let Ok(number) = text.parse() => Ok(Value::EnumNumber(number)),
        _ => {
            let value = serde_json::Value::String(text.to_owned());
            let value = if field.is_list() { serde_json::Value::Array(vec![value]) } else { value };
            let named = serde_json::Map::from_iter([(field.json_name().to_owned(), value)]);
            let message = DynamicMessage::deserialize(field.parent_message().clone(), serde_json::Value::Object(named));
            let value = message.map_err(|error| refused(&error))?.get_field(field).into_owned();
            match value {
                Value::List(mut items) => items.pop().ok_or_else(|| refused(&"is empty")),
                value => Ok(value),
            }
        }
    }
}

/// Returns the decoded pairs of a query.
fn pairs(query: &str) -> Result<Vec<(String, String)>, Problem> {
    let decode = |text: &str| {
        let spaced = text.replace('+', " ");
        let decoded = percent_decode_str(&spaced).decode_utf8().map(std::borrow::Cow::into_owned);
        decoded
            .map_err(|_| Problem::invalid("", wrong!(Unreadable, "the query is not UTF-8", "查询参数的编码无法读取")))
    };
    let parts = query.split('&').filter(|part| !part.is_empty());
    parts
        .map(|part| {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            Ok((decode(name)?, decode(value)?))
        })
        .collect()
}
