//! Field rules, compiled once from the descriptors and checked on every request before a handler gets it.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;

use kefu_proto::contract::resources;
use kefu_proto::field::FieldRules;
use kefu_proto::rules::v1 as pb;
use prost_reflect::{DescriptorPool, DynamicMessage, FieldDescriptor, Kind, MessageDescriptor, Value};
use regex::Regex;

use crate::base::error::{Violation, Wrong};
use crate::base::text::is_blank;
use crate::contract::mask::Mask;
use crate::contract::problem::ContractError;
use crate::wrong;

mod condition;
mod giver;
mod limit;
mod order;
mod renamed;
mod set;
mod value;

use condition::Condition;
use giver::ForRoles;
pub use giver::Giver;
use limit::Limit;
use order::LaterThan;
use set::{AtMostOne, OneOf};
use value::Check;
pub use value::wrong_time;

/// The rules of one message's fields.
#[derive(Debug)]
pub struct Fields {
    /// The message.
    pub message: MessageDescriptor,
    checks: Vec<FieldChecks>,
    sets: Vec<OneOf>,
}

#[derive(Debug)]
struct FieldChecks {
    field: FieldDescriptor,
    required: bool,
    /// Whether the field is the name of the resource that the message describes.
    is_identity: bool,
    /// Whether a field that is not set passes.
    unless_zero: bool,
    min_items: usize,
    max_items: usize,
    unique: bool,
    /// The checks of the value or, in a repeated field, of each item.
    each: Vec<Check>,
    required_when: Vec<Condition>,
    only_when: Vec<Condition>,
    for_roles: ForRoles,
    limits: Vec<Limit>,
    at_most_one: Vec<AtMostOne>,
    later_than: Option<LaterThan>,
    nested: Option<Arc<Fields>>,
}

/// A check of one message of a request.
struct Inspection<'a> {
    caller: &'a Giver<'a>,
    found: Vec<Violation>,
}

impl Fields {
    /// Returns the violations of an encoded message (none when it may be handled), and its request id.
    pub fn inspect(
        &self,
        encoded: &[u8],
        caller: &Giver<'_>,
    ) -> Result<(Vec<Violation>, Option<String>), prost::DecodeError> {
        let message = DynamicMessage::decode(self.message.clone(), encoded)?;
        let mut inspection = Inspection { caller, found: Vec::new() };
        self.check(&message, "", None, &mut inspection);
        let request_id = message.get_field_by_name("request_id").and_then(|id| id.as_str().map(str::to_owned));
        Ok((inspection.found, request_id))
    }

    /// Adds the violations of `message`, which lies at `path`; those of an update only where its mask reaches. Conditions
    /// are asked only about fields of which nothing else is wrong.
    fn check(&self, message: &DynamicMessage, path: &str, update: Option<&Mask>, inspection: &mut Inspection<'_>) {
        let inner = mask_of(message);
        let known = inspection.found.len();
        let below = |field: &str| if path.is_empty() { field.to_owned() } else { format!("{path}.{field}") };
        let reaches = |field: &FieldDescriptor| update.is_none_or(|update| update.touches(field.name()));
        for checks in self.checks.iter().filter(|checks| checks.is_identity || reaches(&checks.field)) {
            let is_required = match update {
                // An update without a mask leaves fields that are not set as they are, required ones too.
                Some(update) => checks.is_identity || checks.required && !matches!(update, Mask::Set),
                None => checks.required,
            };
            checks.check(message, &below(checks.field.name()), is_required, inner.as_ref(), inspection);
        }
        let wrong: Vec<String> = inspection.found[known..].iter().map(|violation| violation.field.clone()).collect();
        let is_open = |field: &FieldDescriptor| reaches(field) && !wrong.contains(&below(field.name()));
        for checks in self.checks.iter().filter(|checks| is_open(&checks.field)) {
            if let Some(wrong) = checks.refuses_by_conditions(message, inspection.caller, &is_open) {
                inspection.found.push(Violation::new(below(checks.field.name()), wrong));
            }
        }
        for set in self.sets.iter().filter(|set| set.fields().iter().all(is_open)) {
            let Some((given, wrong)) = set.refuses(message) else { continue };
            let first = set.fields().first().map_or("", FieldDescriptor::name);
            // What has too little is named as a whole where it is a field.
            let wrong_at = match given.as_slice() {
                [] if path.is_empty() => vec![first.to_owned()],
                [] => vec![path.to_owned()],
                given => given.iter().map(|field| below(field)).collect(),
            };
            inspection.found.extend(wrong_at.into_iter().map(|at| Violation::new(at, wrong.clone())));
        }
    }
}

/// Returns the mask of an update; none if the message is no update. Of the resource in an update, only the fields that
/// the mask names and the resource's name are checked.
fn mask_of(message: &DynamicMessage) -> Option<Mask> {
    let value = message.get_field_by_name("update_mask")?;
    let paths = value.as_message()?.get_field_by_name("paths")?;
    Some(Mask::of(paths.as_list()?.iter().filter_map(|path| path.as_str().map(str::to_owned)).collect()))
}

/// Whether a field is given: set, and no text of which nothing is seen.
fn is_given(message: &DynamicMessage, field: &FieldDescriptor) -> bool {
    message.has_field(field) && message.get_field(field).as_str().is_none_or(|text| !is_blank(text))
}

impl FieldChecks {
    fn check(
        &self,
        message: &DynamicMessage,
        path: &str,
        is_required: bool,
        update: Option<&Mask>,
        inspection: &mut Inspection<'_>,
    ) {
        if is_required && !is_given(message, &self.field) {
            inspection.found.push(Violation::new(path, wrong!(Required, "is required", "必填")));
            return;
        }
        if !message.has_field(&self.field) && (self.unless_zero || self.field.supports_presence()) {
            return;
        }
        let value = message.get_field(&self.field);
        let Some(items) = value.as_list() else {
            self.check_one(&value, path, update, inspection);
            return;
        };
        if items.len() < self.min_items || items.len() > self.max_items {
            let (least, most) = (self.min_items, self.max_items);
            let wrong = wrong!(ItemCount, "must have {least} to {most} items", "须有{least}至{most}项");
            inspection.found.push(Violation::new(path, wrong));
            return;
        }
        for (index, item) in items.iter().enumerate() {
            let path = format!("{path}[{index}]");
            if self.unique && items[..index].contains(item) {
                let wrong = wrong!(RepeatedItem, "stands twice", "重复出现");
                inspection.found.push(Violation::new(path.as_str(), wrong));
            }
            self.check_one(item, &path, None, inspection);
        }
    }

    /// Returns what is wrong with the field being given, or not, or with its value, by its conditions on fields that are open to
    /// judgement and on the caller.
    fn refuses_by_conditions(
        &self,
        message: &DynamicMessage,
        caller: &Giver<'_>,
        is_open: &dyn Fn(&FieldDescriptor) -> bool,
    ) -> Option<Wrong> {
        if !is_given(message, &self.field) {
            let due = |condition: &&Condition| is_open(condition.on()) && condition.holds(message);
            let wrong = self.required_when.iter().find(due).map(Condition::required_when);
            return wrong.or_else(|| self.for_roles.demands(caller));
        }
        let allows = |condition: &Condition| !is_open(condition.on()) || condition.holds(message);
        if !self.only_when.is_empty() && !self.only_when.iter().any(allows) {
            return Some(Condition::only_when(&self.only_when));
        }
        let value = message.get_field(&self.field);
        let limited = |limit: &Limit| limit.refuses(&value, message, caller, is_open);
        let wrong = self.for_roles.refuses(&value, caller).or_else(|| self.limits.iter().find_map(limited));
        let wrong = wrong.or_else(|| self.at_most_one.iter().find_map(|set| set.refuses(value.as_list()?)));
        let earlier = self.later_than.as_ref().filter(|earlier| is_open(earlier.field()));
        wrong.or_else(|| earlier?.refuses(&value, message))
    }

    fn check_one(&self, value: &Value, path: &str, update: Option<&Mask>, inspection: &mut Inspection<'_>) {
        if let Some(wrong) = self.each.iter().find_map(|check| check.refuses(value)) {
            inspection.found.push(Violation::new(path, wrong));
            return;
        }
        if let (Some(nested), Value::Message(message)) = (&self.nested, value) {
            nested.check(message, path, update, inspection);
        }
    }
}

/// A compiler of the rules of messages.
pub struct Checker {
    names: HashMap<String, Regex>,
    compiled: RefCell<HashMap<String, Arc<Fields>>>,
}

impl Checker {
    /// Creates a compiler for the messages of `pool`.
    #[must_use]
    pub fn new(pool: &DescriptorPool) -> Self {
        Self { names: resource_names(pool), compiled: RefCell::default() }
    }

    /// Compiles the rules of `message` and of every message within it. Must not be called for messages that contain
    /// themselves.
    pub fn fields(&self, message: &MessageDescriptor) -> Result<Arc<Fields>, ContractError> {
        if let Some(known) = self.compiled.borrow().get(message.full_name()) {
            return Ok(known.clone());
        }
        let mut checks = Vec::new();
        for field in message.fields() {
            checks.extend(self.field(&field)?);
        }
        let sets =
            OneOf::all(message).map_err(|problem| ContractError { method: message.full_name().to_owned(), problem })?;
        let fields = Arc::new(Fields { message: message.clone(), checks, sets });
        self.compiled.borrow_mut().insert(message.full_name().to_owned(), fields.clone());
        Ok(fields)
    }

    fn field(&self, field: &FieldDescriptor) -> Result<Option<FieldChecks>, ContractError> {
        let fail = |problem: String| ContractError { method: field.full_name().to_owned(), problem };
        let rules = FieldRules::of(field);
        if rules.is_output {
            return Ok(None);
        }
        let mut each = Check::of_kind(field);
        if let Some(kind) = &rules.names {
            let form =
                self.names.get(kind).ok_or_else(|| fail(format!("refers to {kind}, which no contract declares")))?;
            each.push(Check::Name(kind.clone(), form.clone()));
        }
        each.extend(Check::of_rules(field, &rules).map_err(fail)?);
        let nested = match field.kind() {
            Kind::Message(inner) if inner.full_name().starts_with("kefu.") => Some(self.fields(&inner)?),
            _ => None,
        };
        let conditions = |given: &[pb::Condition]| {
            given.iter().map(|each| Condition::of(field, each.clone())).collect::<Result<Vec<_>, _>>().map_err(fail)
        };
        let limits = rules.limits.iter().map(|limit| Limit::of(field, limit.clone())).collect::<Result<_, _>>();
        let at_most_one = rules.at_most_one_of.iter().map(|set| AtMostOne::of(field, set.clone()));
        let later_than = rules.later_than.as_deref().map(|name| LaterThan::of(field, name));
        Ok(Some(FieldChecks {
            field: field.clone(),
            required: rules.required,
            is_identity: rules.is_identity,
            unless_zero: rules.unless_zero,
            min_items: rules.min_items,
            max_items: rules.max_items.unwrap_or(usize::MAX),
            unique: rules.unique,
            each,
            required_when: conditions(&rules.required_when)?,
            only_when: conditions(&rules.only_when)?,
            for_roles: ForRoles::of(&rules),
            limits: limits.map_err(fail)?,
            at_most_one: at_most_one.collect::<Result<_, _>>().map_err(fail)?,
            later_than: later_than.transpose().map_err(fail)?,
            nested,
        }))
    }
}

/// Returns the form of names, by kind of resource, as the pool declares it.
fn resource_names(pool: &DescriptorPool) -> HashMap<String, Regex> {
    let forms = resources(pool).into_iter().filter_map(|resource| {
        let forms: Vec<String> = resource.patterns.iter().map(|pattern| name_form(pattern)).collect();
        Some((resource.kind, Regex::new(&format!("^(?:{})$", forms.join("|"))).ok()?))
    });
    forms.collect()
}

/// Turns a pattern such as `requests/{request}` into a regular expression.
fn name_form(pattern: &str) -> String {
    let segment = |segment: &str| {
        if segment.starts_with('{') { "[A-Za-z0-9._~-]{1,63}".to_owned() } else { regex::escape(segment) }
    };
    pattern.split('/').map(segment).collect::<Vec<_>>().join("/")
}

#[cfg(test)]
mod tests;
