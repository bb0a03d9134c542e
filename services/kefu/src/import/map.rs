//! A map bound to the columns of a file: turns a record into a request of the contract, or into an error. Pure.

use csv::StringRecord;
use jiff::tz::TimeZone;
use kefu_chassis::text::is_blank;
use kefu_proto::contacts::v1::Channel;
use kefu_proto::intake::v1::ImportedRequest;
use kefu_proto::intake::v1::request::{Kind, State};
use kefu_regulation::Calendar;

use super::cells::{Choice, Name, Text, Time};
use super::columns::{CellError, Columns, LeftOut, MapError, map_error};
use super::spec::{self, Spec};
use crate::language::{pick, told};

/// A map bound to columns.
#[derive(Debug)]
pub struct Map {
    /// The system the rows come from.
    pub source: String,
    /// The business calendar as TOML; empty for the service's own.
    pub calendar: String,
    external_id: Text,
    channel: Choice,
    kind: Choice,
    state: Choice,
    department: Name,
    owner: Name,
    contact: Time,
    first_response: Option<Time>,
    classified: Option<Time>,
    promised: Option<Time>,
    closed: Option<Time>,
    updated: Option<Time>,
    description: Text,
    business_domain: Text,
    problem_type: Text,
    site_address: Text,
}

impl Map {
    /// Binds a map to the columns of a file.
    pub fn bind(spec: &Spec, header: &StringRecord) -> Result<Self, MapError> {
        let columns = Columns(header);
        let fields = &spec.fields;
        if is_blank(&spec.source) {
            return Err(map_error("source", pick("must name the system the rows come from", "须写明数据来自哪个系统")));
        }
        let zone = TimeZone::get(&spec.zone).map_err(|_| {
            map_error(
                "zone",
                told!(
                    "{:?} is no time zone, such as America/Los_Angeles",
                    "{:?} 不是时区，时区写作 Asia/Shanghai 这样的形式",
                    spec.zone
                ),
            )
        })?;
        let text = |field, text: &Option<spec::Text>| {
            text.as_ref().map_or_else(|| Ok(Text::default()), |text| Text::bind(field, text, columns))
        };
        let time = |field, time: &spec::Time| Time::bind(field, time, &spec.time_format, &zone, columns);
        let maybe = |field, spec: &Option<spec::Time>| spec.as_ref().map(|spec| time(field, spec)).transpose();
        let owner = fields.owner.as_ref().map(|owner| Name::bind("owner", "staff", owner, columns)).transpose()?;
        Ok(Self {
            source: spec.source.trim().to_owned(),
            calendar: calendar(spec)?,
            external_id: Text::bind("external_id", &fields.external_id, columns)?,
            channel: Choice::bind::<Channel>("channel", &fields.channel, columns)?,
            kind: Choice::bind::<Kind>("kind", &fields.kind, columns)?,
            state: Choice::bind::<State>("state", &fields.state, columns)?,
            department: Name::bind("department", "departments", &fields.department, columns)?,
            owner: owner.unwrap_or_default(),
            contact: time("contact_time", &fields.contact_time)?,
            first_response: maybe("first_response_time", &fields.first_response_time)?,
            classified: maybe("classified_time", &fields.classified_time)?,
            promised: maybe("promised_time", &fields.promised_time)?,
            closed: maybe("closed_time", &fields.closed_time)?,
            updated: maybe("update_time", &fields.update_time)?,
            description: text("description", &fields.description)?,
            business_domain: text("business_domain", &fields.business_domain)?,
            problem_type: text("problem_type", &fields.problem_type)?,
            site_address: text("site_address", &fields.site_address)?,
        })
    }

    /// Id of a record in the other system; may be empty.
    pub fn external_id<'a>(&'a self, record: &'a StringRecord) -> &'a str {
        self.external_id.read(record)
    }

    /// Reads a record, which begins on `line`, as a request.
    pub fn request(
        &self,
        record: &StringRecord,
        line: u64,
        left_out: &mut LeftOut,
    ) -> Result<ImportedRequest, CellError> {
        let contact = self.contact.read(record, None, left_out)?.ok_or_else(|| self.contact.missing())?;
        let mut time = |time: &Option<Time>| match time {
            Some(time) => time.read(record, Some(contact), left_out).map(|time| time.map(kefu_chassis::time::to_proto)),
            None => Ok(None),
        };
        Ok(ImportedRequest {
            first_response_time: time(&self.first_response)?,
            classified_time: time(&self.classified)?,
            promised_time: time(&self.promised)?,
            closed_time: time(&self.closed)?,
            update_time: time(&self.updated)?,
            line: i64::try_from(line).unwrap_or(i64::MAX),
            external_id: self.external_id(record).to_owned(),
            channel: self.channel.read(record)?,
            kind: self.kind.read(record)?,
            state: self.state.read(record)?,
            customer: String::new(),
            description: self.description.read(record).to_owned(),
            business_domain: self.business_domain.read(record).to_owned(),
            problem_type: self.problem_type.read(record).to_owned(),
            owner: self.owner.read(record)?,
            department: self.department.read(record)?,
            site_address: self.site_address.read(record).to_owned(),
            contact_time: Some(kefu_chassis::time::to_proto(contact)),
        })
    }
}

/// The calendar as TOML for the contract. Its zone is the map's unless the calendar names one.
fn calendar(spec: &Spec) -> Result<String, MapError> {
    let Some(table) = &spec.calendar else { return Ok(String::new()) };
    let mut table = table.clone();
    table.entry("zone").or_insert_with(|| toml::Value::String(spec.zone.clone()));
    let text = table.to_string();
    Calendar::from_toml(&text).map_err(|error| map_error("calendar", kefu_chassis::error::describe(&error)))?;
    Ok(text)
}

#[cfg(test)]
mod tests;
