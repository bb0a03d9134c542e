// `AuthorizationRow` of services/intake/src/request/remote.rs, expanded.

///Queries `intake.remote_authorization`: what follows the `from`, and its parameters.
macro_rules! authorizations {
    ($rest:literal $($arguments:tt)*) => {
        ::sqlx::query_as!(AuthorizationRow,
        r"select id, request, authorized_by, given_by, scope, expire_at, author, occurred_at, created_at
from intake.remote_authorization "
        + $rest $($arguments)*)
    };
}
#[allow(unused_imports, reason = "a table may be queried in its own module only")]
pub(crate) use authorizations;
impl AuthorizationRow {
    /// A row of which nothing is known yet, made at `now`.
    #[allow(dead_code, reason = "not every row is made or named by hand")]
    pub fn blank(now: ::jiff::Timestamp) -> Self {
        Self {
            id: ::kefu_chassis::names::Id::<RemoteAuthorization>::new(now).uuid(),
            request: ::kefu_chassis::record::Blank::blank(now),
            authorized_by: ::kefu_chassis::record::Blank::blank(now),
            given_by: ::kefu_chassis::record::Blank::blank(now),
            scope: ::kefu_chassis::record::Blank::blank(now),
            expire_at: ::kefu_chassis::record::Blank::blank(now),
            author: ::kefu_chassis::record::Blank::blank(now),
            occurred_at: ::kefu_chassis::record::Blank::blank(now),
            created_at: ::kefu_chassis::record::Blank::blank(now),
        }
    }
    /// Its id.
    #[allow(dead_code, reason = "not every row is made or named by hand")]
    pub fn id(&self) -> ::kefu_chassis::names::Id<RemoteAuthorization> {
        ::kefu_chassis::names::Id::from_uuid(self.id)
    }
}
impl AuthorizationRow {
    /// The row as the contract shows it, to whoever may see all of it.
    pub fn show(&self) -> pb::RemoteAuthorization {
        pb::RemoteAuthorization {
            name: format!(
                "{}/{}", ::kefu_chassis::names::Id:: < Request > ::from_uuid(self
                .request), ::kefu_chassis::names::Id:: < RemoteAuthorization >
                ::from_uuid(self.id)
            ),
            authorized_by: ::kefu_chassis::record::Show::show(&self.authorized_by),
            given_by: ::kefu_chassis::record::Show::show(&self.given_by),
            scope: ::kefu_chassis::record::Show::show(&self.scope),
            expire_time: ::kefu_chassis::record::Show::show(&self.expire_at),
            author: ::kefu_chassis::record::Show::show(&self.author),
            occurred_time: ::kefu_chassis::record::Show::show(&self.occurred_at),
            create_time: ::kefu_chassis::record::Show::show(&self.created_at),
        }
    }
}
impl AuthorizationRow {
    /// Stores the new row.
    pub async fn insert(
        &self,
        connection: &mut ::sqlx::PgConnection,
    ) -> Result<(), ::sqlx::Error> {
        ::sqlx::query!(
            r"insert into intake.remote_authorization (
    id, request, authorized_by, given_by, scope, expire_at, author, occurred_at, created_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
            self.id, self.request, self.authorized_by, self.given_by, self.scope, self
            .expire_at, self.author, self.occurred_at, self.created_at
        )
            .execute(connection)
            .await?;
        Ok(())
    }
}
impl ::kefu_chassis::record::ResourceRow for AuthorizationRow {
    type Kind = RemoteAuthorization;
    type Shown = pb::RemoteAuthorization;
    fn id(&self) -> ::kefu_chassis::names::Id<RemoteAuthorization> {
        Self::id(self)
    }
    fn name(&self) -> String {
        format!(
            "{}/{}", ::kefu_chassis::names::Id:: < Request > ::from_uuid(self.request),
            ::kefu_chassis::names::Id:: < RemoteAuthorization > ::from_uuid(self.id)
        )
    }
    fn show(&self) -> pb::RemoteAuthorization {
        Self::show(self)
    }
}
impl ::kefu_chassis::record::ChildRow for AuthorizationRow {
    async fn newest_of(
        connection: &mut ::sqlx::PgConnection,
        parent: ::uuid::Uuid,
        after: Option<::uuid::Uuid>,
        limit: i64,
    ) -> Result<Vec<Self>, ::sqlx::Error> {
        ::sqlx::query_as!(
            AuthorizationRow,
            r"select id, request, authorized_by, given_by, scope, expire_at, author, occurred_at, created_at
from intake.remote_authorization
where request = $1 and ($2::uuid is null or id < $2) order by id desc limit $3",
            parent, after, limit
        )
            .fetch_all(connection)
            .await
    }
}
