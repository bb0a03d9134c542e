// `TransferRow` of services/intake/src/request/transfer.rs, expanded.

///Queries `intake.transfer`: what follows the `from`, and its parameters.
macro_rules! transfers {
    ($rest:literal $($arguments:tt)*) => {
        ::sqlx::query_as!(TransferRow,
        r"select id, request, from_owner, from_department, recipient, department, capacity, reason, state, answered_by,
    decline_reason, occurred_at, answered_at, created_at
from intake.transfer "
        + $rest $($arguments)*)
    };
}
#[allow(unused_imports, reason = "a table may be queried in its own module only")]
pub(crate) use transfers;
impl TransferRow {
    /// A row of which nothing is known yet, made at `now`.
    #[allow(dead_code, reason = "not every row is made or named by hand")]
    pub fn blank(now: ::jiff::Timestamp) -> Self {
        Self {
            id: ::kefu_chassis::names::Id::<Transfer>::new(now).uuid(),
            request: ::kefu_chassis::record::Blank::blank(now),
            from_owner: ::kefu_chassis::record::Blank::blank(now),
            from_department: ::kefu_chassis::record::Blank::blank(now),
            recipient: ::kefu_chassis::record::Blank::blank(now),
            department: ::kefu_chassis::record::Blank::blank(now),
            capacity: ::kefu_chassis::record::Blank::blank(now),
            reason: ::kefu_chassis::record::Blank::blank(now),
            state: ::kefu_chassis::record::Blank::blank(now),
            answered_by: ::kefu_chassis::record::Blank::blank(now),
            decline_reason: ::kefu_chassis::record::Blank::blank(now),
            occurred_at: ::kefu_chassis::record::Blank::blank(now),
            answered_at: ::kefu_chassis::record::Blank::blank(now),
            created_at: ::kefu_chassis::record::Blank::blank(now),
        }
    }
    /// Its id.
    #[allow(dead_code, reason = "not every row is made or named by hand")]
    pub fn id(&self) -> ::kefu_chassis::names::Id<Transfer> {
        ::kefu_chassis::names::Id::from_uuid(self.id)
    }
}
impl TransferRow {
    /// The row as the contract shows it, to whoever may see all of it.
    pub fn show(&self) -> pb::Transfer {
        pb::Transfer {
            name: format!(
                "{}/{}", ::kefu_chassis::names::Id:: < Request > ::from_uuid(self
                .request), ::kefu_chassis::names::Id:: < Transfer > ::from_uuid(self.id)
            ),
            from_owner: ::kefu_chassis::record::Show::show(&self.from_owner),
            from_department: ::kefu_chassis::record::Show::show(&self.from_department),
            recipient: ::kefu_chassis::record::Show::show(&self.recipient),
            department: ::kefu_chassis::record::Show::show(&self.department),
            capacity: ::kefu_chassis::record::Show::show(&self.capacity),
            reason: ::kefu_chassis::record::Show::show(&self.reason),
            state: ::kefu_chassis::record::Show::show(&self.state),
            answered_by: ::kefu_chassis::record::Show::show(&self.answered_by),
            decline_reason: ::kefu_chassis::record::Show::show(&self.decline_reason),
            occurred_time: ::kefu_chassis::record::Show::show(&self.occurred_at),
            answer_time: ::kefu_chassis::record::Show::show(&self.answered_at),
            create_time: ::kefu_chassis::record::Show::show(&self.created_at),
        }
    }
}
impl TransferRow {
    /// Stores the new row.
    pub async fn insert(
        &self,
        connection: &mut ::sqlx::PgConnection,
    ) -> Result<(), ::sqlx::Error> {
        ::sqlx::query!(
            r"insert into intake.transfer (
    id, request, from_owner, from_department, recipient, department, capacity, reason, state, answered_by,
    decline_reason, occurred_at, answered_at, created_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)",
            self.id, self.request, self.from_owner, self.from_department, self.recipient,
            self.department, self.capacity, self.reason, self.state, self.answered_by,
            self.decline_reason, self.occurred_at, self.answered_at, self.created_at
        )
            .execute(connection)
            .await?;
        Ok(())
    }
    /// Stores what can change of it. Exactly one row must be there to change.
    pub async fn update(
        &self,
        connection: &mut ::sqlx::PgConnection,
    ) -> Result<(), ::sqlx::Error> {
        let done = ::sqlx::query!(
            r"update intake.transfer set
    state = $2, answered_by = $3, decline_reason = $4, answered_at = $5
where id = $1",
            self.id, self.state, self.answered_by, self.decline_reason, self.answered_at
        )
            .execute(connection)
            .await?;
        ::kefu_chassis::record::exactly_one(&done)
    }
}
impl ::kefu_chassis::record::ResourceRow for TransferRow {
    type Kind = Transfer;
    type Shown = pb::Transfer;
    fn id(&self) -> ::kefu_chassis::names::Id<Transfer> {
        Self::id(self)
    }
    fn name(&self) -> String {
        format!(
            "{}/{}", ::kefu_chassis::names::Id:: < Request > ::from_uuid(self.request),
            ::kefu_chassis::names::Id:: < Transfer > ::from_uuid(self.id)
        )
    }
    fn show(&self) -> pb::Transfer {
        Self::show(self)
    }
}
impl ::kefu_chassis::record::ChildRow for TransferRow {
    async fn newest_of(
        connection: &mut ::sqlx::PgConnection,
        parent: ::uuid::Uuid,
        after: Option<::uuid::Uuid>,
        limit: i64,
    ) -> Result<Vec<Self>, ::sqlx::Error> {
        ::sqlx::query_as!(
            TransferRow,
            r"select id, request, from_owner, from_department, recipient, department, capacity, reason, state, answered_by,
    decline_reason, occurred_at, answered_at, created_at
from intake.transfer
where request = $1 and ($2::uuid is null or id < $2) order by id desc limit $3",
            parent, after, limit
        )
            .fetch_all(connection)
            .await
    }
}
