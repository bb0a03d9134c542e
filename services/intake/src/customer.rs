//! Customers: the file of everyone the desk serves. Projects are served beside them, from `project.rs`.

use std::sync::Arc;

use jiff_sqlx::Timestamp as SqlTime;
use kefu_chassis::call::{Holder, check_etag, etag};
use kefu_chassis::error::Violation;
use kefu_chassis::journal::NewEvent;
use kefu_chassis::mask::masked;
use kefu_chassis::names::Id;
use kefu_chassis::paging::{Page, Pages};
use kefu_chassis::time::{from_proto, sql, to_proto};
use kefu_chassis::{Call, Chassis, Error};
use kefu_proto::intake::v1 as pb;
use kefu_proto::intake::v1::customer_service_server::CustomerService;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::request::search::text::Entry;
use crate::shared::{Contact, Country, Customer, id, unknown};

mod find;

/// Serves customers and projects.
#[derive(Clone, Debug)]
pub struct Customers(pub Arc<Chassis>, pub Country);

kefu_chassis::delegate! {
    impl CustomerService for Customers {
        create_customer(pb::CreateCustomerRequest) -> pb::Customer = create;
        get_customer(pb::GetCustomerRequest) -> pb::Customer = get;
        batch_get_customers(pb::BatchGetCustomersRequest) -> pb::BatchGetCustomersResponse = batch_get;
        list_customers(pb::ListCustomersRequest) -> pb::ListCustomersResponse = list;
        update_customer(pb::UpdateCustomerRequest) -> pb::Customer = update;
        find_customers(pb::FindCustomersRequest) -> pb::FindCustomersResponse = find;
        get_customer_timeline(pb::GetCustomerTimelineRequest) -> pb::GetCustomerTimelineResponse = timeline;
        create_project(pb::CreateProjectRequest) -> pb::Project = create_project;
        get_project(pb::GetProjectRequest) -> pb::Project = get_project;
        batch_get_projects(pb::BatchGetProjectsRequest) -> pb::BatchGetProjectsResponse = batch_get_projects;
        list_projects(pb::ListProjectsRequest) -> pb::ListProjectsResponse = list_projects;
        update_project(pb::UpdateProjectRequest) -> pb::Project = update_project;
    }
}

/// The fields an update may change.
const FIELDS: [&str; 8] =
    ["display_name", "kind", "contacts", "preferences", "needs", "service_plan", "since_time", "owner"];

/// A query of customers. Columns are named, so that a later version may add some while this one runs.
macro_rules! customers {
    ($rest:literal $($arguments:tt)*) => {
        sqlx::query_as!(
            $crate::customer::Record,
            "select id, display_name, kind, contacts, phones, emails, preferred_channel, preferred_hours, preferred_language,
                needs, service_plan, since_at, owner, created_at, updated_at, version
            from intake.customer " + $rest $($arguments)*
        )
    };
}

use customers;

/// A customer as it is stored.
#[derive(Clone, Debug)]
struct Record {
    id: Uuid,
    display_name: String,
    kind: i16,
    contacts: serde_json::Value,
    phones: Vec<String>,
    emails: Vec<String>,
    preferred_channel: i16,
    preferred_hours: String,
    preferred_language: i16,
    needs: String,
    service_plan: String,
    since_at: SqlTime,
    owner: String,
    created_at: SqlTime,
    updated_at: SqlTime,
    version: i64,
}

impl Record {
    fn show(&self) -> pb::Customer {
        let contacts: Vec<Contact> = serde_json::from_value(self.contacts.clone()).unwrap_or_default();
        let preferences = pb::Preferences {
            channel: self.preferred_channel.into(),
            hours: self.preferred_hours.clone(),
            language: self.preferred_language.into(),
        };
        pb::Customer {
            name: Id::<Customer>::from_uuid(self.id).to_string(),
            display_name: self.display_name.clone(),
            kind: self.kind.into(),
            contacts: contacts.iter().map(Contact::show).collect(),
            preferences: (preferences != pb::Preferences::default()).then_some(preferences),
            needs: self.needs.clone(),
            service_plan: self.service_plan.clone(),
            since_time: Some(to_proto(self.since_at.to_jiff())),
            owner: self.owner.clone(),
            create_time: Some(to_proto(self.created_at.to_jiff())),
            update_time: Some(to_proto(self.updated_at.to_jiff())),
            etag: etag(self.version),
        }
    }

    /// Takes the field of a customer as given.
    fn set(&mut self, field: &str, given: &pb::Customer, country: Country) -> Result<(), Error> {
        match field {
            "display_name" => self.display_name.clone_from(&given.display_name),
            "kind" => self.kind = if given.kind == 0 { pb::customer::Kind::Person } else { given.kind() } as i16,
            "contacts" => self.set_contacts(given, country)?,
            "preferences" => {
                let preferences = given.preferences.clone().unwrap_or_default();
                self.preferred_channel = preferences.channel() as i16;
                self.preferred_language = preferences.language() as i16;
                self.preferred_hours = preferences.hours;
            }
            "needs" => self.needs.clone_from(&given.needs),
            "service_plan" => self.service_plan.clone_from(&given.service_plan),
            "since_time" => {
                self.since_at = given.since_time.as_ref().and_then(from_proto).map_or(self.since_at, sql::at);
            }
            "owner" if !given.owner.is_empty() => self.owner.clone_from(&given.owner),
            _ => {}
        }
        Ok(())
    }

    fn set_contacts(&mut self, given: &pb::Customer, country: Country) -> Result<(), Error> {
        let mut contacts = Vec::new();
        let mut violations: Vec<Violation> = Vec::new();
        for (index, contact) in given.contacts.iter().enumerate() {
            match Contact::read(contact, &format!("customer.contacts[{index}]"), "A2.2", country) {
                Ok(contact) => contacts.push(contact),
                Err(violation) => violations.push(violation),
            }
        }
        if !violations.is_empty() {
            return Err(Error::Invalid(violations));
        }
        self.phones = contacts.iter().map(|contact| contact.phone.clone()).filter(|phone| !phone.is_empty()).collect();
        self.emails =
            contacts.iter().map(|contact| contact.email.to_lowercase()).filter(|email| !email.is_empty()).collect();
        self.contacts = serde_json::to_value(&contacts).map_err(Error::unexpected)?;
        Ok(())
    }
}

/// Whether a field of a given customer is set.
fn is_set(given: &pb::Customer, field: &str) -> bool {
    match field {
        "display_name" => !given.display_name.is_empty(),
        "kind" => given.kind != 0,
        "contacts" => !given.contacts.is_empty(),
        "preferences" => given.preferences.is_some(),
        "needs" => !given.needs.is_empty(),
        "service_plan" => !given.service_plan.is_empty(),
        "since_time" => given.since_time.is_some(),
        _ => !given.owner.is_empty(),
    }
}

impl Customers {
    async fn create(&self, call: &Call, request: pb::CreateCustomerRequest) -> Result<pb::Customer, Error> {
        let given = request.customer.unwrap_or_default();
        let now = sql::at(call.now);
        let mut record = Record {
            id: Id::<Customer>::new(call.now).uuid(),
            display_name: String::new(),
            kind: 0,
            contacts: serde_json::json!([]),
            phones: Vec::new(),
            emails: Vec::new(),
            preferred_channel: 0,
            preferred_hours: String::new(),
            preferred_language: 0,
            needs: String::new(),
            service_plan: String::new(),
            since_at: now,
            owner: call.caller.subject.clone(),
            created_at: now,
            updated_at: now,
            version: 1,
        };
        for field in FIELDS {
            record.set(field, &given, self.1)?;
        }
        let mut change = self.0.begin(call).await?;
        store(change.connection(), &record).await?;
        let shown = record.show();
        let payload = pb::CustomerCreated { customer: Some(shown.clone()) };
        change.record(NewEvent::new(shown.name.clone(), 1, call.now, &call.rule.clauses, &payload));
        change.commit(shown).await
    }

    async fn get(&self, call: &Call, request: pb::GetCustomerRequest) -> Result<pb::Customer, Error> {
        let id = id::<Customer>(&request.name)?;
        let holder = Holder { customer: &request.name, ..Holder::default() };
        let row = customers!("where id = $1", id.uuid()).fetch_optional(self.0.pool()).await?;
        row.filter(|_| call.reaches(holder))
            .map(|record| record.show())
            .ok_or_else(|| unknown::<Customer>(&request.name))
    }

    async fn batch_get(
        &self,
        _call: &Call,
        request: pb::BatchGetCustomersRequest,
    ) -> Result<pb::BatchGetCustomersResponse, Error> {
        let ids = request.names.iter().map(|name| id::<Customer>(name)).collect::<Result<Vec<_>, _>>()?;
        let uuids: Vec<Uuid> = ids.iter().map(|id| id.uuid()).collect();
        let rows = customers!("where id = any($1)", &uuids).fetch_all(self.0.pool()).await?;
        let find = |id: &Id<Customer>| {
            rows.iter()
                .find(|row| row.id == id.uuid())
                .map(Record::show)
                .ok_or_else(|| unknown::<Customer>(&id.to_string()))
        };
        Ok(pb::BatchGetCustomersResponse { customers: ids.iter().map(find).collect::<Result<_, _>>()? })
    }

    async fn list(&self, call: &Call, request: pb::ListCustomersRequest) -> Result<pb::ListCustomersResponse, Error> {
        let page: Page<Id<Customer>> =
            Pages::new(call, &[&request.owner]).read(&request.page_token, request.page_size)?;
        let rows = customers!(
            "where ($1::uuid is null or id < $1) and ($2 = '' or owner = $2) order by id desc limit $3",
            page.after.map(Id::uuid),
            request.owner,
            page.limit
        )
        .fetch_all(self.0.pool())
        .await?;
        let (rows, next_page_token) = page.cut(rows, |row| Id::from_uuid(row.id));
        Ok(pb::ListCustomersResponse { customers: rows.iter().map(Record::show).collect(), next_page_token })
    }

    async fn update(&self, call: &Call, request: pb::UpdateCustomerRequest) -> Result<pb::Customer, Error> {
        let given = request.customer.unwrap_or_default();
        let fields = masked(request.update_mask.as_ref(), &FIELDS, |field| is_set(&given, field))?;
        let id = id::<Customer>(&given.name)?;
        let mut change = self.0.begin(call).await?;
        let row = customers!("where id = $1 for no key update", id.uuid());
        let mut record =
            row.fetch_optional(change.connection()).await?.ok_or_else(|| unknown::<Customer>(&given.name))?;
        check_etag(&given.etag, &etag(record.version), &given.name)?;
        for field in &fields {
            record.set(field, &given, self.1)?;
        }
        record.version += 1;
        record.updated_at = sql::at(call.now);
        store(change.connection(), &record).await?;
        let shown = record.show();
        let changed_fields = fields.iter().map(|&field| field.to_owned()).collect();
        let payload = pb::CustomerUpdated { customer: Some(shown.clone()), changed_fields };
        change.record(NewEvent::new(shown.name.clone(), record.version, call.now, &call.rule.clauses, &payload));
        change.commit(shown).await
    }
}

/// How a customer wishes to be served, if they stated it (A10.7).
pub async fn preferences(connection: &mut PgConnection, id: Uuid) -> Result<Option<pb::Preferences>, Error> {
    let record = customers!("where id = $1", id).fetch_optional(connection).await?;
    Ok(record.and_then(|record| record.show().preferences))
}

/// Stores a customer, new or changed, and what they are found by.
async fn store(connection: &mut PgConnection, record: &Record) -> Result<(), Error> {
    let entry = Entry::of_customer(&record.display_name, &record.contacts, record.created_at.to_jiff());
    sqlx::query!(
        "with searched as (
            insert into intake.customer_search (customer, tokens, said) values ($1, $17, $18)
            on conflict (customer) do update set tokens = excluded.tokens, said = excluded.said
            where customer_search.said <> excluded.said)
        insert into intake.customer values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)
        on conflict (id) do update set
            display_name = excluded.display_name, kind = excluded.kind, contacts = excluded.contacts, phones = excluded.phones,
            emails = excluded.emails, preferred_channel = excluded.preferred_channel, preferred_hours = excluded.preferred_hours,
            preferred_language = excluded.preferred_language, needs = excluded.needs, service_plan = excluded.service_plan,
            since_at = excluded.since_at, owner = excluded.owner, updated_at = excluded.updated_at, version = excluded.version",
        record.id,
        record.display_name,
        record.kind,
        record.contacts,
        &record.phones,
        &record.emails,
        record.preferred_channel,
        record.preferred_hours,
        record.preferred_language,
        record.needs,
        record.service_plan,
        record.since_at as _,
        record.owner,
        record.created_at as _,
        record.updated_at as _,
        record.version,
        &entry.tokens,
        entry.said,
    )
    .execute(connection)
    .await?;
    Ok(())
}
