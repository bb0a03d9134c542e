// `ProjectRow` of services/intake/src/project.rs, expanded.

///Queries `intake.project`: what follows the `from`, and its parameters.
macro_rules! projects {
    ($rest:literal $($arguments:tt)*) => {
        ::sqlx::query_as!(ProjectRow,
        r"select id, customer, display_name, product, contract_signatory, manager, delivered_at, site_address, site_tier,
    watched_urls, created_at, updated_at, version
from intake.project "
        + $rest $($arguments)*)
    };
}
#[allow(unused_imports, reason = "a table may be queried in its own module only")]
pub(crate) use projects;
impl ProjectRow {
    /// A row of which nothing is known yet, made at `now`.
    #[allow(dead_code, reason = "not every row is made or named by hand")]
    fn blank(now: ::jiff::Timestamp) -> Self {
        Self {
            id: ::kefu_chassis::names::Id::<Project>::new(now).uuid(),
            customer: ::kefu_chassis::record::Blank::blank(now),
            display_name: ::kefu_chassis::record::Blank::blank(now),
            product: ::kefu_chassis::record::Blank::blank(now),
            contract_signatory: ::kefu_chassis::record::Blank::blank(now),
            manager: ::kefu_chassis::record::Blank::blank(now),
            delivered_at: ::kefu_chassis::record::Blank::blank(now),
            site_address: ::kefu_chassis::record::Blank::blank(now),
            site_tier: ::kefu_chassis::record::Blank::blank(now),
            watched_urls: ::kefu_chassis::record::Blank::blank(now),
            created_at: ::kefu_chassis::record::Blank::blank(now),
            updated_at: ::kefu_chassis::record::Blank::blank(now),
            version: 1,
        }
    }
    /// Its id.
    #[allow(dead_code, reason = "not every row is made or named by hand")]
    fn id(&self) -> ::kefu_chassis::names::Id<Project> {
        ::kefu_chassis::names::Id::from_uuid(self.id)
    }
}
impl ProjectRow {
    /// The row as the contract shows it, to whoever may see all of it.
    fn show(&self) -> pb::Project {
        pb::Project {
            name: format!(
                "{}/{}", ::kefu_chassis::names::Id:: < Customer > ::from_uuid(self
                .customer), ::kefu_chassis::names::Id:: < Project > ::from_uuid(self.id)
            ),
            display_name: ::kefu_chassis::record::Show::show(&self.display_name),
            product: ::kefu_chassis::record::Show::show(&self.product),
            contract_signatory: ::kefu_chassis::record::Show::show(
                &self.contract_signatory,
            ),
            manager: ::kefu_chassis::record::Show::show(&self.manager),
            delivered_time: ::kefu_chassis::record::Show::show(&self.delivered_at),
            site_address: ::kefu_chassis::record::Show::show(&self.site_address),
            site_tier: ::kefu_chassis::record::Show::show(&self.site_tier),
            watched_urls: ::kefu_chassis::record::Show::show(&self.watched_urls),
            create_time: ::kefu_chassis::record::Show::show(&self.created_at),
            update_time: ::kefu_chassis::record::Show::show(&self.updated_at),
            etag: ::kefu_chassis::call::etag(self.version),
        }
    }
}
impl ::kefu_chassis::record::VersionedRow for ProjectRow {
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
    async fn get(
        connection: &mut ::sqlx::PgConnection,
        id: ::uuid::Uuid,
    ) -> Result<Option<Self>, ::sqlx::Error> {
        ::sqlx::query_as!(
            ProjectRow,
            r"select id, customer, display_name, product, contract_signatory, manager, delivered_at, site_address, site_tier,
    watched_urls, created_at, updated_at, version
from intake.project
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
            ProjectRow,
            r"select id, customer, display_name, product, contract_signatory, manager, delivered_at, site_address, site_tier,
    watched_urls, created_at, updated_at, version
from intake.project
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
            ProjectRow,
            r"select id, customer, display_name, product, contract_signatory, manager, delivered_at, site_address, site_tier,
    watched_urls, created_at, updated_at, version
from intake.project
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
        ::sqlx::query!(
            r"insert into intake.project (
    id, customer, display_name, product, contract_signatory, manager, delivered_at, site_address, site_tier,
    watched_urls, created_at, updated_at, version)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
            self.id, self.customer, self.display_name, self.product, self
            .contract_signatory, self.manager, self.delivered_at, self.site_address, self
            .site_tier, & self.watched_urls, self.created_at, self.updated_at, self
            .version
        )
            .execute(connection)
            .await?;
        Ok(())
    }
    async fn update(
        &self,
        connection: &mut ::sqlx::PgConnection,
        _reindex: bool,
    ) -> Result<(), ::sqlx::Error> {
        let done = ::sqlx::query!(
            r"update intake.project set
    display_name = $2, product = $3, contract_signatory = $4, manager = $5, delivered_at = $6, site_address = $7,
    site_tier = $8, watched_urls = $9, updated_at = $10, version = $11
where id = $1",
            self.id, self.display_name, self.product, self.contract_signatory, self
            .manager, self.delivered_at, self.site_address, self.site_tier, & self
            .watched_urls, self.updated_at, self.version
        )
            .execute(connection)
            .await?;
        ::kefu_chassis::record::exactly_one(&done)
    }
}
impl ::kefu_chassis::record::ResourceRow for ProjectRow {
    type Kind = Project;
    type Shown = pb::Project;
    fn id(&self) -> ::kefu_chassis::names::Id<Project> {
        Self::id(self)
    }
    fn name(&self) -> String {
        format!(
            "{}/{}", ::kefu_chassis::names::Id:: < Customer > ::from_uuid(self.customer),
            ::kefu_chassis::names::Id:: < Project > ::from_uuid(self.id)
        )
    }
    fn show(&self) -> pb::Project {
        Self::show(self)
    }
}
impl ::kefu_chassis::record::ChildRow for ProjectRow {
    async fn newest_of(
        connection: &mut ::sqlx::PgConnection,
        parent: ::uuid::Uuid,
        after: Option<::uuid::Uuid>,
        limit: i64,
    ) -> Result<Vec<Self>, ::sqlx::Error> {
        ::sqlx::query_as!(
            ProjectRow,
            r"select id, customer, display_name, product, contract_signatory, manager, delivered_at, site_address, site_tier,
    watched_urls, created_at, updated_at, version
from intake.project
where customer = $1 and ($2::uuid is null or id < $2) order by id desc limit $3",
            parent, after, limit
        )
            .fetch_all(connection)
            .await
    }
}
