// `ImprovementRow` of services/complaints/src/improvement/row.rs, expanded.

///Queries `complaints.improvement`: what follows the `from`, and its parameters.
macro_rules! improvements {
    ($rest:literal $($arguments:tt)*) => {
        ::sqlx::query_as!(ImprovementRow,
        r"select id, number, complaints, cause_category, cause, responsible_department, measure, owner, department, due_at,
    verifier, state, report, completed_at, check_at, verified_at, comment, days, count_before, count_after,
    contacts_before, contacts_after, created_at, updated_at, version
from complaints.improvement "
        + $rest $($arguments)*)
    };
}
#[allow(unused_imports, reason = "a table may be queried in its own module only")]
pub(crate) use improvements;
impl ImprovementRow {
    /// A row of which nothing is known yet, made at `now`.
    #[allow(dead_code, reason = "not every row is made or named by hand")]
    pub fn blank(now: ::jiff::Timestamp) -> Self {
        Self {
            id: ::kefu_chassis::names::Id::<Improvement>::new(now).uuid(),
            number: ::kefu_chassis::record::Blank::blank(now),
            complaints: ::kefu_chassis::record::Blank::blank(now),
            cause_category: ::kefu_chassis::record::Blank::blank(now),
            cause: ::kefu_chassis::record::Blank::blank(now),
            responsible_department: ::kefu_chassis::record::Blank::blank(now),
            measure: ::kefu_chassis::record::Blank::blank(now),
            owner: ::kefu_chassis::record::Blank::blank(now),
            department: ::kefu_chassis::record::Blank::blank(now),
            due_at: ::kefu_chassis::record::Blank::blank(now),
            verifier: ::kefu_chassis::record::Blank::blank(now),
            state: ::kefu_chassis::record::Blank::blank(now),
            report: ::kefu_chassis::record::Blank::blank(now),
            completed_at: ::kefu_chassis::record::Blank::blank(now),
            check_at: ::kefu_chassis::record::Blank::blank(now),
            verified_at: ::kefu_chassis::record::Blank::blank(now),
            comment: ::kefu_chassis::record::Blank::blank(now),
            days: ::kefu_chassis::record::Blank::blank(now),
            count_before: ::kefu_chassis::record::Blank::blank(now),
            count_after: ::kefu_chassis::record::Blank::blank(now),
            contacts_before: ::kefu_chassis::record::Blank::blank(now),
            contacts_after: ::kefu_chassis::record::Blank::blank(now),
            created_at: ::kefu_chassis::record::Blank::blank(now),
            updated_at: ::kefu_chassis::record::Blank::blank(now),
            version: 1,
        }
    }
    /// Its id.
    #[allow(dead_code, reason = "not every row is made or named by hand")]
    pub fn id(&self) -> ::kefu_chassis::names::Id<Improvement> {
        ::kefu_chassis::names::Id::from_uuid(self.id)
    }
    /// Where it stands.
    pub fn state(&self) -> State {
        State::try_from(i32::from(self.state)).unwrap_or_default()
    }
}
impl ImprovementRow {
    /// The row as the contract shows it, to whoever may see all of it.
    pub fn show(&self) -> pb::Improvement {
        pb::Improvement {
            name: ::kefu_chassis::names::Id::<Improvement>::from_uuid(self.id)
                .to_string(),
            number: ::kefu_chassis::record::Show::show(&self.number),
            complaints: ::kefu_chassis::record::named::<Complaint, _>(&self.complaints),
            cause_category: ::kefu_chassis::record::Show::show(&self.cause_category),
            cause: ::kefu_chassis::record::Show::show(&self.cause),
            responsible_department: ::kefu_chassis::record::Show::show(
                &self.responsible_department,
            ),
            measure: ::kefu_chassis::record::Show::show(&self.measure),
            owner: ::kefu_chassis::record::Show::show(&self.owner),
            department: ::kefu_chassis::record::Show::show(&self.department),
            due_time: ::kefu_chassis::record::Show::show(&self.due_at),
            verifier: ::kefu_chassis::record::Show::show(&self.verifier),
            state: ::kefu_chassis::record::Show::show(&self.state),
            report: ::kefu_chassis::record::Show::show(&self.report),
            completed_time: ::kefu_chassis::record::Show::show(&self.completed_at),
            check_time: ::kefu_chassis::record::Show::show(&self.check_at),
            verified_time: ::kefu_chassis::record::Show::show(&self.verified_at),
            comment: ::kefu_chassis::record::Show::show(&self.comment),
            create_time: ::kefu_chassis::record::Show::show(&self.created_at),
            update_time: ::kefu_chassis::record::Show::show(&self.updated_at),
            etag: ::kefu_chassis::call::etag(self.version),
            effect: Self::effect(self),
        }
    }
}
impl ::kefu_chassis::record::VersionedRow for ImprovementRow {
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
            ImprovementRow,
            r"select id, number, complaints, cause_category, cause, responsible_department, measure, owner, department, due_at,
    verifier, state, report, completed_at, check_at, verified_at, comment, days, count_before, count_after,
    contacts_before, contacts_after, created_at, updated_at, version
from complaints.improvement
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
            ImprovementRow,
            r"select id, number, complaints, cause_category, cause, responsible_department, measure, owner, department, due_at,
    verifier, state, report, completed_at, check_at, verified_at, comment, days, count_before, count_after,
    contacts_before, contacts_after, created_at, updated_at, version
from complaints.improvement
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
            ImprovementRow,
            r"select id, number, complaints, cause_category, cause, responsible_department, measure, owner, department, due_at,
    verifier, state, report, completed_at, check_at, verified_at, comment, days, count_before, count_after,
    contacts_before, contacts_after, created_at, updated_at, version
from complaints.improvement
where id = any($1) order by id for no key update",
            ids
        )
            .fetch_all(connection)
            .await
    }
    async fn insert(
        &mut self,
        connection: &mut ::sqlx::PgConnection,
        day: &str,
    ) -> Result<(), ::sqlx::Error> {
        self.number = ::sqlx::query_scalar!(
            r"insert into complaints.improvement (
    id, number, complaints, cause_category, cause, responsible_department, measure, owner, department, due_at,
    verifier, state, report, completed_at, check_at, verified_at, comment, days, count_before, count_after,
    contacts_before, contacts_after, created_at, updated_at, version)
select $1, 'I-' || $2 || '-' || lpad(n::text, greatest(6, length(n::text)), '0'), $3, $4, $5, $6, $7, $8, $9, $10, $11,
    $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25
from nextval('complaints.improvement_number') as n
returning number",
            self.id, day, & self.complaints, self.cause_category, self.cause, self
            .responsible_department, self.measure, self.owner, self.department, self
            .due_at, self.verifier, self.state, self.report, self.completed_at, self
            .check_at, self.verified_at, self.comment, self.days, self.count_before, self
            .count_after, self.contacts_before, self.contacts_after, self.created_at,
            self.updated_at, self.version
        )
            .fetch_one(connection)
            .await?;
        Ok(())
    }
    async fn update(
        &self,
        connection: &mut ::sqlx::PgConnection,
        _reindex: bool,
    ) -> Result<(), ::sqlx::Error> {
        let done = ::sqlx::query!(
            r"update complaints.improvement set
    state = $2, report = $3, completed_at = $4, check_at = $5, verified_at = $6, comment = $7, days = $8,
    count_before = $9, count_after = $10, contacts_before = $11, contacts_after = $12, updated_at = $13, version = $14
where id = $1",
            self.id, self.state, self.report, self.completed_at, self.check_at, self
            .verified_at, self.comment, self.days, self.count_before, self.count_after,
            self.contacts_before, self.contacts_after, self.updated_at, self.version
        )
            .execute(connection)
            .await?;
        ::kefu_chassis::record::exactly_one(&done)
    }
}
impl ::kefu_chassis::record::ResourceRow for ImprovementRow {
    type Kind = Improvement;
    type Shown = pb::Improvement;
    fn id(&self) -> ::kefu_chassis::names::Id<Improvement> {
        Self::id(self)
    }
    fn name(&self) -> String {
        ::kefu_chassis::names::Id::<Improvement>::from_uuid(self.id).to_string()
    }
    fn show(&self) -> pb::Improvement {
        Self::show(self)
    }
}
impl ::kefu_chassis::record::StatefulRow for ImprovementRow {
    type State = State;
    fn number(&self) -> &str {
        &self.number
    }
    fn state(&self) -> State {
        Self::state(self)
    }
    fn enter(&mut self, state: State) {
        self.state = state as i16;
    }
}
