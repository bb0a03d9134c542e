// `ProgressRow` of services/intake/src/request/store.rs, expanded.

///Queries `intake.progress`: what follows the `from`, and its parameters.
macro_rules! steps {
    ($rest:literal $($arguments:tt)*) => {
        ::sqlx::query_as!(ProgressRow,
        r"select id, request, text, told_by, carrier_state, author, occurred_at, created_at
from intake.progress "
        + $rest $($arguments)*)
    };
}
#[allow(unused_imports, reason = "a table may be queried in its own module only")]
pub(crate) use steps;
impl ProgressRow {
    /// A row of which nothing is known yet, made at `now`.
    #[allow(dead_code, reason = "not every row is made or named by hand")]
    pub fn blank(now: ::jiff::Timestamp) -> Self {
        Self {
            id: ::kefu_chassis::names::Id::<Progress>::new(now).uuid(),
            request: ::kefu_chassis::record::Blank::blank(now),
            text: ::kefu_chassis::record::Blank::blank(now),
            told_by: ::kefu_chassis::record::Blank::blank(now),
            carrier_state: ::kefu_chassis::record::Blank::blank(now),
            author: ::kefu_chassis::record::Blank::blank(now),
            occurred_at: ::kefu_chassis::record::Blank::blank(now),
            created_at: ::kefu_chassis::record::Blank::blank(now),
        }
    }
    /// Its id.
    #[allow(dead_code, reason = "not every row is made or named by hand")]
    pub fn id(&self) -> ::kefu_chassis::names::Id<Progress> {
        ::kefu_chassis::names::Id::from_uuid(self.id)
    }
}
impl ProgressRow {
    /// The row as the contract shows it, to whoever may see all of it.
    pub fn show(&self) -> pb::Progress {
        pb::Progress {
            name: format!(
                "{}/{}", ::kefu_chassis::names::Id:: < Request > ::from_uuid(self
                .request), ::kefu_chassis::names::Id:: < Progress > ::from_uuid(self.id)
            ),
            text: ::kefu_chassis::record::Show::show(&self.text),
            told_by: ::kefu_chassis::record::Show::show(&self.told_by),
            carrier_state: ::kefu_chassis::record::Show::show(&self.carrier_state),
            author: ::kefu_chassis::record::Show::show(&self.author),
            occurred_time: ::kefu_chassis::record::Show::show(&self.occurred_at),
            create_time: ::kefu_chassis::record::Show::show(&self.created_at),
        }
    }
}
impl ProgressRow {
    /// Stores the new row.
    pub async fn insert(
        &self,
        connection: &mut ::sqlx::PgConnection,
    ) -> Result<(), ::sqlx::Error> {
        ::sqlx::query!(
            r"insert into intake.progress (
    id, request, text, told_by, carrier_state, author, occurred_at, created_at)
values ($1, $2, $3, $4, $5, $6, $7, $8)",
            self.id, self.request, self.text, self.told_by, self.carrier_state, self
            .author, self.occurred_at, self.created_at
        )
            .execute(connection)
            .await?;
        Ok(())
    }
}
impl ::kefu_chassis::record::ResourceRow for ProgressRow {
    type Kind = Progress;
    type Shown = pb::Progress;
    fn id(&self) -> ::kefu_chassis::names::Id<Progress> {
        Self::id(self)
    }
    fn name(&self) -> String {
        format!(
            "{}/{}", ::kefu_chassis::names::Id:: < Request > ::from_uuid(self.request),
            ::kefu_chassis::names::Id:: < Progress > ::from_uuid(self.id)
        )
    }
    fn show(&self) -> pb::Progress {
        Self::show(self)
    }
}
impl ::kefu_chassis::record::ChildRow for ProgressRow {
    async fn newest_of(
        connection: &mut ::sqlx::PgConnection,
        parent: ::uuid::Uuid,
        after: Option<::uuid::Uuid>,
        limit: i64,
    ) -> Result<Vec<Self>, ::sqlx::Error> {
        ::sqlx::query_as!(
            ProgressRow,
            r"select id, request, text, told_by, carrier_state, author, occurred_at, created_at
from intake.progress
where request = $1 and ($2::uuid is null or id < $2) order by id desc limit $3",
            parent, after, limit
        )
            .fetch_all(connection)
            .await
    }
}
