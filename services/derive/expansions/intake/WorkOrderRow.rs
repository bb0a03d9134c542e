// `WorkOrderRow` of services/intake/src/request/work_order.rs, expanded.

impl WorkOrderRow {
    /// A row of which nothing is known yet, made at `now`.
    #[allow(dead_code, reason = "not every row is made or named by hand")]
    pub fn blank(now: ::jiff::Timestamp) -> Self {
        Self {
            id: ::kefu_chassis::names::Id::<WorkOrder>::new(now).uuid(),
            request: ::kefu_chassis::record::Blank::blank(now),
            for_department: ::kefu_chassis::record::Blank::blank(now),
            content: ::kefu_chassis::record::Blank::blank(now),
            retroactive: ::kefu_chassis::record::Blank::blank(now),
            reason: ::kefu_chassis::record::Blank::blank(now),
            author: ::kefu_chassis::record::Blank::blank(now),
            occurred_at: ::kefu_chassis::record::Blank::blank(now),
            created_at: ::kefu_chassis::record::Blank::blank(now),
        }
    }
    /// Its id.
    #[allow(dead_code, reason = "not every row is made or named by hand")]
    pub fn id(&self) -> ::kefu_chassis::names::Id<WorkOrder> {
        ::kefu_chassis::names::Id::from_uuid(self.id)
    }
}
impl WorkOrderRow {
    /// The row as the contract shows it, to whoever may see all of it.
    pub fn show(&self) -> pb::WorkOrder {
        pb::WorkOrder {
            name: format!(
                "{}/{}", ::kefu_chassis::names::Id:: < Request > ::from_uuid(self
                .request), ::kefu_chassis::names::Id:: < WorkOrder > ::from_uuid(self.id)
            ),
            for_department: ::kefu_chassis::record::Show::show(&self.for_department),
            content: ::kefu_chassis::record::Show::show(&self.content),
            retroactive: ::kefu_chassis::record::Show::show(&self.retroactive),
            reason: ::kefu_chassis::record::Show::show(&self.reason),
            author: ::kefu_chassis::record::Show::show(&self.author),
            occurred_time: ::kefu_chassis::record::Show::show(&self.occurred_at),
            create_time: ::kefu_chassis::record::Show::show(&self.created_at),
        }
    }
}
impl WorkOrderRow {
    /// Stores the new row.
    pub async fn insert(
        &self,
        connection: &mut ::sqlx::PgConnection,
    ) -> Result<(), ::sqlx::Error> {
        ::sqlx::query!(
            r"insert into intake.work_order (
    id, request, for_department, content, retroactive, reason, author, occurred_at, created_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
            self.id, self.request, self.for_department, self.content, self.retroactive,
            self.reason, self.author, self.occurred_at, self.created_at
        )
            .execute(connection)
            .await?;
        Ok(())
    }
}
impl ::kefu_chassis::record::ResourceRow for WorkOrderRow {
    type Kind = WorkOrder;
    type Shown = pb::WorkOrder;
    fn id(&self) -> ::kefu_chassis::names::Id<WorkOrder> {
        Self::id(self)
    }
    fn name(&self) -> String {
        format!(
            "{}/{}", ::kefu_chassis::names::Id:: < Request > ::from_uuid(self.request),
            ::kefu_chassis::names::Id:: < WorkOrder > ::from_uuid(self.id)
        )
    }
    fn show(&self) -> pb::WorkOrder {
        Self::show(self)
    }
}
impl ::kefu_chassis::record::ChildRow for WorkOrderRow {
    async fn newest_of(
        connection: &mut ::sqlx::PgConnection,
        parent: ::uuid::Uuid,
        after: Option<::uuid::Uuid>,
        limit: i64,
    ) -> Result<Vec<Self>, ::sqlx::Error> {
        ::sqlx::query_as!(
            WorkOrderRow,
            r"select id, request, for_department, content, retroactive, reason, author, occurred_at, created_at
from intake.work_order
where request = $1 and ($2::uuid is null or id < $2) order by id desc limit $3",
            parent, after, limit
        )
            .fetch_all(connection)
            .await
    }
}
