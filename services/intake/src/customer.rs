//! Customers: everyone the desk serves. The same gRPC service has their projects, in `project.rs`.

use std::borrow::Cow;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::Arc;

use jiff_sqlx::Timestamp as SqlTime;
use kefu_chassis::call::Stakeholders;
use kefu_chassis::error::Violation;
use kefu_chassis::mask::{masked, try_updated};
use kefu_chassis::names::Id;
use kefu_chassis::paging::Page;
use kefu_chassis::record::{Record, VersionedRow as _};
use kefu_chassis::resource::batch_get;
use kefu_chassis::search::{Entry, Searched, folded, pairs};
use kefu_chassis::time::{from_proto, sql};
use kefu_chassis::wrong;
use kefu_chassis::{Call, Chassis, Error};
use kefu_proto::Changeable as _;
use kefu_proto::contacts::v1::Contact as ShownContact;
use kefu_proto::intake::v1 as pb;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::request::search::text::entry_of_customer;
use crate::shared::{Contact, Country, Customer, id, unknown};

mod find;
pub mod merge;

/// Serves customers and projects.
#[derive(Clone, Debug)]
pub struct Customers {
    /// What every service shares: database, clock, directory copy, regulation.
    pub chassis: Arc<Chassis>,
    /// Country of telephone numbers written without a country code.
    pub country: Country,
}

kefu_proto::serve_customer_service!(Customers);

/// A customer as it is stored.
#[derive(Clone, Debug, PartialEq, Record)]
#[record(table = "intake.customer", query = customers, kind = Customer)]
#[record(search("intake.customer_search", customer = id))]
#[record(shows = pb::Customer, computed(contacts = Self::contacts, preferences = Self::preferences))]
#[record(hidden(contacts, phones, emails, preferred_channel, preferred_hours, preferred_language))]
#[record(hidden(name_key, name_pairs, phone_ends, merged_into))]
pub struct CustomerRow {
    pub id: Uuid,
    pub display_name: String,
    pub kind: i16,
    #[record(blank = serde_json::json!([]))]
    pub contacts: serde_json::Value,
    pub phones: Vec<String>,
    pub emails: Vec<String>,
    pub preferred_channel: i16,
    pub preferred_hours: String,
    pub preferred_language: i16,
    pub needs: String,
    pub service_plan: String,
    pub since_at: SqlTime,
    pub owner: String,
    pub created_at: SqlTime,
    pub updated_at: SqlTime,
    pub version: i64,
    pub name_key: String,
    pub name_pairs: Vec<String>,
    pub phone_ends: Vec<String>,
    /// The customer that has everything of this one, which is kept for the record only.
    pub merged_into: Option<Uuid>,
}

impl CustomerRow {
    /// The customer's contacts.
    fn contacts(&self) -> Vec<ShownContact> {
        self.stored_contacts().iter().map(Contact::show).collect()
    }

    fn stored_contacts(&self) -> Vec<Contact> {
        serde_json::from_value(self.contacts.clone()).unwrap_or_default()
    }

    /// The preferred channel, hours and language (A10.7); none if the customer stated none of these.
    pub fn preferences(&self) -> Option<pb::Preferences> {
        let preferences = pb::Preferences {
            channel: self.preferred_channel.into(),
            hours: self.preferred_hours.clone(),
            language: self.preferred_language.into(),
        };
        (preferences != pb::Preferences::default()).then_some(preferences)
    }

    /// Copies one field of the contract's customer into the row.
    fn set(&mut self, field: &str, given: &pb::Customer, country: Country) -> Result<(), Error> {
        match field {
            "display_name" => {
                self.display_name.clone_from(&given.display_name);
                self.name_key = folded(&given.display_name);
                self.name_pairs = pairs(&self.name_key);
            }
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
        self.keep_contacts(&contacts)
    }

    /// Keeps contacts, and what the customer is found by of them.
    fn keep_contacts(&mut self, contacts: &[Contact]) -> Result<(), Error> {
        self.phones = contacts.iter().map(|contact| contact.phone.clone()).filter(|phone| !phone.is_empty()).collect();
        self.emails =
            contacts.iter().map(|contact| contact.email.to_lowercase()).filter(|email| !email.is_empty()).collect();
        self.phone_ends = self.phones.iter().map(|phone| find::last_four(phone).to_owned()).collect();
        self.contacts = serde_json::to_value(contacts).map_err(Error::unexpected)?;
        Ok(())
    }
}

impl CustomerRow {
    /// The customer without the desk's own words when the caller is the customer.
    fn show_to(&self, call: &Call) -> pb::Customer {
        let shown = self.show();
        if !call.is_customer() {
            return shown;
        }
        pb::Customer { needs: String::new(), service_plan: String::new(), ..shown }
    }

    /// Fails if the customer was merged into another while the call was under way: a repetition of the call finds the other.
    fn check_is_present(&self) -> Result<(), Error> {
        if self.merged_into.is_some() { Err(Error::StaleEtag(self.id().to_string())) } else { Ok(()) }
    }
}

impl Customers {
    async fn create_customer(&self, call: &Call, request: pb::CreateCustomerRequest) -> Result<pb::Customer, Error> {
        let given = request.customer.unwrap_or_default();
        self.check_owner(&given.owner)?;
        let mut row = CustomerRow { owner: call.caller.subject.clone(), ..CustomerRow::blank(call.now) };
        for field in pb::Customer::FIELDS {
            row.set(field, &given, self.country)?;
        }
        let mut work = self.chassis.begin(call).await?;
        if !request.allow_shared_contacts {
            find::refuse_shared(work.connection(), &row).await?;
        }
        row.insert(work.connection(), "").await?;
        work.finish(&row, row.version, |customer| pb::CustomerCreated { customer: Some(customer) }).await
    }

    /// Refuses somebody as who looks after a customer whom the directory does not know as active.
    fn check_owner(&self, owner: &str) -> Result<(), Error> {
        let known = self.chassis.directory.now();
        if owner.is_empty() || known.is_empty() || known.is_active(owner) {
            return Ok(());
        }
        let wrong = wrong!(NotAccepted under "B1.1", "is not active in the directory", "不是员工目录中的在职员工");
        Err(Error::field("customer.owner", wrong))
    }

    async fn get_customer(&self, call: &Call, request: pb::GetCustomerRequest) -> Result<pb::Customer, Error> {
        let id = id::<Customer>(&request.name)?;
        let stakeholders = Stakeholders { customer: Cow::from(&request.name), ..Stakeholders::default() };
        let row = CustomerRow::get(&mut *self.chassis.pool().acquire().await?, id.uuid()).await?;
        row.filter(|_| call.reaches(&stakeholders))
            .map(|row| row.show_to(call))
            .ok_or_else(|| unknown::<Customer>(&request.name))
    }

    async fn batch_get_customers(
        &self,
        _call: &Call,
        request: pb::BatchGetCustomersRequest,
    ) -> Result<pb::BatchGetCustomersResponse, Error> {
        let mut connection = self.chassis.pool().acquire().await?;
        let customers = batch_get::<CustomerRow>(&mut connection, &request.names).await?;
        Ok(pb::BatchGetCustomersResponse { customers })
    }

    async fn list_customers(
        &self,
        call: &Call,
        request: pb::ListCustomersRequest,
    ) -> Result<pb::ListCustomersResponse, Error> {
        let page: Page<Id<Customer>> = Page::of(call, &request)?;
        let rows = customers!(
            "where ($1::uuid is null or id < $1) and ($2 = '' or owner = $2) and merged_into is null order by id desc limit $3",
            page.after.map(Id::uuid),
            request.owner,
            page.limit
        )
        .fetch_all(self.chassis.pool())
        .await?;
        let (customers, next_page_token) = page.fill(rows.iter().map(|row| (Id::from_uuid(row.id), row.show())));
        Ok(pb::ListCustomersResponse { customers, next_page_token })
    }

    async fn update_customer(&self, call: &Call, request: pb::UpdateCustomerRequest) -> Result<pb::Customer, Error> {
        let given = request.customer.unwrap_or_default();
        let fields = masked(request.update_mask.as_ref(), &given)?;
        self.check_owner(&given.owner)?;
        let mut work = self.chassis.begin(call).await?;
        let old: CustomerRow = work.lock(&given.name, &given.etag).await?;
        old.check_is_present()?;
        let (mut new, changed) = try_updated(&old, &fields, |row, field| row.set(field, &given, self.country))?;
        if changed.is_empty() {
            return work.commit(old.show()).await;
        }
        work.replace(&old, &mut new).await?;
        let changed_fields = changed.into_iter().map(str::to_owned).collect();
        let payload = |customer| pb::CustomerUpdated { customer: Some(customer), changed_fields };
        work.finish(&new, new.version, payload).await
    }
}

impl Searched for CustomerRow {
    fn entry(&self) -> Entry {
        entry_of_customer(&self.display_name, &self.contacts, self.created_at.to_jiff())
    }

    fn fingerprint(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        (&self.display_name, &self.contacts).hash(&mut hasher);
        hasher.finish()
    }
}

/// The preferences of the customer `id` (A10.7); none if the customer is unknown or stated none.
pub async fn preferences(connection: &mut PgConnection, id: Uuid) -> Result<Option<pb::Preferences>, Error> {
    Ok(CustomerRow::get(connection, id).await?.and_then(|row| row.preferences()))
}
