// `AttemptRow` of services/intake/src/request/store.rs, expanded.

impl AttemptRow {
    /// A row of which nothing is known yet, made at `now`.
    #[allow(dead_code, reason = "not every row is made or named by hand")]
    pub fn blank(now: ::jiff::Timestamp) -> Self {
        Self {
            id: ::kefu_chassis::names::Id::<ContactAttempt>::new(now).uuid(),
            request: ::kefu_chassis::record::Blank::blank(now),
            outcome: ::kefu_chassis::record::Blank::blank(now),
            channel: ::kefu_chassis::record::Blank::blank(now),
            comment: ::kefu_chassis::record::Blank::blank(now),
            cycle: ::kefu_chassis::record::Blank::blank(now),
            working_day: ::kefu_chassis::record::Blank::blank(now),
            author: ::kefu_chassis::record::Blank::blank(now),
            occurred_at: ::kefu_chassis::record::Blank::blank(now),
            created_at: ::kefu_chassis::record::Blank::blank(now),
        }
    }
    /// Its id.
    #[allow(dead_code, reason = "not every row is made or named by hand")]
    pub fn id(&self) -> ::kefu_chassis::names::Id<ContactAttempt> {
        ::kefu_chassis::names::Id::from_uuid(self.id)
    }
}
impl AttemptRow {
    /// The row as the contract shows it, to whoever may see all of it.
    pub fn show(&self) -> pb::ContactAttempt {
        pb::ContactAttempt {
            name: format!(
                "{}/{}", ::kefu_chassis::names::Id:: < Request > ::from_uuid(self
                .request), ::kefu_chassis::names::Id:: < ContactAttempt >
                ::from_uuid(self.id)
            ),
            outcome: ::kefu_chassis::record::Show::show(&self.outcome),
            channel: ::kefu_chassis::record::Show::show(&self.channel),
            comment: ::kefu_chassis::record::Show::show(&self.comment),
            cycle: ::kefu_chassis::record::Show::show(&self.cycle),
            author: ::kefu_chassis::record::Show::show(&self.author),
            occurred_time: ::kefu_chassis::record::Show::show(&self.occurred_at),
            create_time: ::kefu_chassis::record::Show::show(&self.created_at),
        }
    }
}
impl AttemptRow {
    /// Stores the new row.
    pub async fn insert(
        &self,
        connection: &mut ::sqlx::PgConnection,
    ) -> Result<(), ::sqlx::Error> {
        ::sqlx::query!(
            r"insert into intake.contact_attempt (
    id, request, outcome, channel, comment, cycle, working_day, author, occurred_at, created_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
            self.id, self.request, self.outcome, self.channel, self.comment, self.cycle,
            self.working_day, self.author, self.occurred_at, self.created_at
        )
            .execute(connection)
            .await?;
        Ok(())
    }
}
impl ::kefu_chassis::record::ResourceRow for AttemptRow {
    type Kind = ContactAttempt;
    type Shown = pb::ContactAttempt;
    fn id(&self) -> ::kefu_chassis::names::Id<ContactAttempt> {
        Self::id(self)
    }
    fn name(&self) -> String {
        format!(
            "{}/{}", ::kefu_chassis::names::Id:: < Request > ::from_uuid(self.request),
            ::kefu_chassis::names::Id:: < ContactAttempt > ::from_uuid(self.id)
        )
    }
    fn show(&self) -> pb::ContactAttempt {
        Self::show(self)
    }
}
impl ::kefu_chassis::record::ChildRow for AttemptRow {
    async fn newest_of(
        connection: &mut ::sqlx::PgConnection,
        parent: ::uuid::Uuid,
        after: Option<::uuid::Uuid>,
        limit: i64,
    ) -> Result<Vec<Self>, ::sqlx::Error> {
        ::sqlx::query_as!(
            AttemptRow,
            r"select id, request, outcome, channel, comment, cycle, working_day, author, occurred_at, created_at
from intake.contact_attempt
where request = $1 and ($2::uuid is null or id < $2) order by id desc limit $3",
            parent, after, limit
        )
            .fetch_all(connection)
            .await
    }
}
