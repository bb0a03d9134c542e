// `CustomerRow` of services/intake/src/customer.rs, expanded.

///Queries `intake.customer`: what follows the `from`, and its parameters.
macro_rules! customers {
    ($rest:literal $($arguments:tt)*) => {
        ::sqlx::query_as!(CustomerRow,
        r"select id, display_name, kind, contacts, phones, emails, preferred_channel, preferred_hours, preferred_language, needs,
    service_plan, since_at, owner, created_at, updated_at, version, name_key, name_pairs, phone_ends, merged_into
from intake.customer "
        + $rest $($arguments)*)
    };
}
#[allow(unused_imports, reason = "a table may be queried in its own module only")]
pub(crate) use customers;
impl CustomerRow {
    /// A row of which nothing is known yet, made at `now`.
    #[allow(dead_code, reason = "not every row is made or named by hand")]
    pub fn blank(now: ::jiff::Timestamp) -> Self {
        Self {
            id: ::kefu_chassis::names::Id::<Customer>::new(now).uuid(),
            display_name: ::kefu_chassis::record::Blank::blank(now),
            kind: ::kefu_chassis::record::Blank::blank(now),
            contacts: serde_json::json!([]),
            phones: ::kefu_chassis::record::Blank::blank(now),
            emails: ::kefu_chassis::record::Blank::blank(now),
            preferred_channel: ::kefu_chassis::record::Blank::blank(now),
            preferred_hours: ::kefu_chassis::record::Blank::blank(now),
            preferred_language: ::kefu_chassis::record::Blank::blank(now),
            needs: ::kefu_chassis::record::Blank::blank(now),
            service_plan: ::kefu_chassis::record::Blank::blank(now),
            since_at: ::kefu_chassis::record::Blank::blank(now),
            owner: ::kefu_chassis::record::Blank::blank(now),
            created_at: ::kefu_chassis::record::Blank::blank(now),
            updated_at: ::kefu_chassis::record::Blank::blank(now),
            version: 1,
            name_key: ::kefu_chassis::record::Blank::blank(now),
            name_pairs: ::kefu_chassis::record::Blank::blank(now),
            phone_ends: ::kefu_chassis::record::Blank::blank(now),
            merged_into: ::kefu_chassis::record::Blank::blank(now),
        }
    }
    /// Its id.
    #[allow(dead_code, reason = "not every row is made or named by hand")]
    pub fn id(&self) -> ::kefu_chassis::names::Id<Customer> {
        ::kefu_chassis::names::Id::from_uuid(self.id)
    }
}
impl CustomerRow {
    /// The row as the contract shows it, to whoever may see all of it.
    pub fn show(&self) -> pb::Customer {
        pb::Customer {
            name: ::kefu_chassis::names::Id::<Customer>::from_uuid(self.id).to_string(),
            display_name: ::kefu_chassis::record::Show::show(&self.display_name),
            kind: ::kefu_chassis::record::Show::show(&self.kind),
            needs: ::kefu_chassis::record::Show::show(&self.needs),
            service_plan: ::kefu_chassis::record::Show::show(&self.service_plan),
            since_time: ::kefu_chassis::record::Show::show(&self.since_at),
            owner: ::kefu_chassis::record::Show::show(&self.owner),
            create_time: ::kefu_chassis::record::Show::show(&self.created_at),
            update_time: ::kefu_chassis::record::Show::show(&self.updated_at),
            etag: ::kefu_chassis::call::etag(self.version),
            contacts: Self::contacts(self),
            preferences: Self::preferences(self),
        }
    }
}
impl ::kefu_chassis::record::VersionedRow for CustomerRow {
    fn version(&self) -> i64 {
        self.version
    }
    fn created_at(&self) -> ::jiff::Timestamp {
        self.created_at.to_jiff()
    }
    fn changed_at(&self) -> ::jiff::Timestamp {
        self.updated_at.to_jiff()
    }
    fn renew(&mut self, version: i64, now: ::jiff::Timestamp) {
        self.version = version;
        self.updated_at = ::kefu_chassis::time::sql::at(
            now.max(self.updated_at.to_jiff()),
        );
    }
    fn search_fingerprint(&self) -> u64 {
        ::kefu_chassis::search::Searched::fingerprint(self)
    }
    async fn get(
        connection: &mut ::sqlx::PgConnection,
        id: ::uuid::Uuid,
    ) -> Result<Option<Self>, ::sqlx::Error> {
        ::sqlx::query_as!(
            CustomerRow,
            r"select id, display_name, kind, contacts, phones, emails, preferred_channel, preferred_hours, preferred_language, needs,
    service_plan, since_at, owner, created_at, updated_at, version, name_key, name_pairs, phone_ends, merged_into
from intake.customer
where id = $1",
            id
        )
            .fetch_optional(connection)
            .await
    }
    async fn load(
        connection: &mut ::sqlx::PgConnection,
        ids: &[::uuid::Uuid],
    ) -> Result<Vec<Self>, ::sqlx::Error> {
        ::sqlx::query_as!(
            CustomerRow,
            r"select id, display_name, kind, contacts, phones, emails, preferred_channel, preferred_hours, preferred_language, needs,
    service_plan, since_at, owner, created_at, updated_at, version, name_key, name_pairs, phone_ends, merged_into
from intake.customer
where id = any($1)",
            ids
        )
            .fetch_all(connection)
            .await
    }
    async fn lock(
        connection: &mut ::sqlx::PgConnection,
        ids: &[::uuid::Uuid],
    ) -> Result<Vec<Self>, ::sqlx::Error> {
        ::sqlx::query_as!(
            CustomerRow,
            r"select id, display_name, kind, contacts, phones, emails, preferred_channel, preferred_hours, preferred_language, needs,
    service_plan, since_at, owner, created_at, updated_at, version, name_key, name_pairs, phone_ends, merged_into
from intake.customer
where id = any($1) order by id for no key update",
            ids
        )
            .fetch_all(connection)
            .await
    }
    async fn insert(
        &mut self,
        connection: &mut ::sqlx::PgConnection,
        _day: &str,
    ) -> Result<(), ::sqlx::Error> {
        let entry = ::kefu_chassis::search::Searched::entry(self);
        let (tokens, texts) = (&entry.tokens, &entry.texts);
        ::sqlx::query!(
            r"with searched as (
    insert into intake.customer_search (customer, tokens, texts) values ($1, $2, $3))
insert into intake.customer (
    id, display_name, kind, contacts, phones, emails, preferred_channel, preferred_hours, preferred_language, needs,
    service_plan, since_at, owner, created_at, updated_at, version, name_key, name_pairs, phone_ends, merged_into)
values ($1, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22)",
            self.id, tokens, texts, self.display_name, self.kind, self.contacts, & self
            .phones, & self.emails, self.preferred_channel, self.preferred_hours, self
            .preferred_language, self.needs, self.service_plan, self.since_at, self
            .owner, self.created_at, self.updated_at, self.version, self.name_key, & self
            .name_pairs, & self.phone_ends, self.merged_into
        )
            .execute(connection)
            .await?;
        Ok(())
    }
    async fn update(
        &self,
        connection: &mut ::sqlx::PgConnection,
        reindex: bool,
    ) -> Result<(), ::sqlx::Error> {
        let entry = reindex.then(|| ::kefu_chassis::search::Searched::entry(self));
        let (tokens, texts) = entry.map(|entry| (entry.tokens, entry.texts)).unzip();
        let tokens = tokens.as_deref();
        let done = ::sqlx::query!(
            r"with searched as (
    update intake.customer_search set tokens = $2, texts = $3
    where customer = $1 and $2::text[] is not null)
update intake.customer set
    display_name = $4, kind = $5, contacts = $6, phones = $7, emails = $8, preferred_channel = $9,
    preferred_hours = $10, preferred_language = $11, needs = $12, service_plan = $13, since_at = $14, owner = $15,
    updated_at = $16, version = $17, name_key = $18, name_pairs = $19, phone_ends = $20, merged_into = $21
where id = $1",
            self.id, tokens, texts, self.display_name, self.kind, self.contacts, & self
            .phones, & self.emails, self.preferred_channel, self.preferred_hours, self
            .preferred_language, self.needs, self.service_plan, self.since_at, self
            .owner, self.updated_at, self.version, self.name_key, & self.name_pairs, &
            self.phone_ends, self.merged_into
        )
            .execute(connection)
            .await?;
        ::kefu_chassis::record::exactly_one(&done)
    }
}
impl ::kefu_chassis::record::ResourceRow for CustomerRow {
    type Kind = Customer;
    type Shown = pb::Customer;
    fn id(&self) -> ::kefu_chassis::names::Id<Customer> {
        Self::id(self)
    }
    fn name(&self) -> String {
        ::kefu_chassis::names::Id::<Customer>::from_uuid(self.id).to_string()
    }
    fn show(&self) -> pb::Customer {
        Self::show(self)
    }
}
