// `ExpectationRow` of services/intake/src/request/expectation.rs, expanded.

///Queries `intake.unmet_expectation`: what follows the `from`, and its parameters.
macro_rules! expectations {
    ($rest:literal $($arguments:tt)*) => {
        ::sqlx::query_as!(ExpectationRow,
        r"select id, request, expectation, analysis, improvement, answer, told_by, author, occurred_at, answered_at, created_at
from intake.unmet_expectation "
        + $rest $($arguments)*)
    };
}
#[allow(unused_imports, reason = "a table may be queried in its own module only")]
pub(crate) use expectations;
impl ExpectationRow {
    /// A row of which nothing is known yet, made at `now`.
    #[allow(dead_code, reason = "not every row is made or named by hand")]
    pub fn blank(now: ::jiff::Timestamp) -> Self {
        Self {
            id: ::kefu_chassis::names::Id::<UnmetExpectation>::new(now).uuid(),
            request: ::kefu_chassis::record::Blank::blank(now),
            expectation: ::kefu_chassis::record::Blank::blank(now),
            analysis: ::kefu_chassis::record::Blank::blank(now),
            improvement: ::kefu_chassis::record::Blank::blank(now),
            answer: ::kefu_chassis::record::Blank::blank(now),
            told_by: ::kefu_chassis::record::Blank::blank(now),
            author: ::kefu_chassis::record::Blank::blank(now),
            occurred_at: ::kefu_chassis::record::Blank::blank(now),
            answered_at: ::kefu_chassis::record::Blank::blank(now),
            created_at: ::kefu_chassis::record::Blank::blank(now),
        }
    }
    /// Its id.
    #[allow(dead_code, reason = "not every row is made or named by hand")]
    pub fn id(&self) -> ::kefu_chassis::names::Id<UnmetExpectation> {
        ::kefu_chassis::names::Id::from_uuid(self.id)
    }
}
impl ExpectationRow {
    /// The row as the contract shows it, to whoever may see all of it.
    pub fn show(&self) -> pb::UnmetExpectation {
        pb::UnmetExpectation {
            name: format!(
                "{}/{}", ::kefu_chassis::names::Id:: < Request > ::from_uuid(self
                .request), ::kefu_chassis::names::Id:: < UnmetExpectation >
                ::from_uuid(self.id)
            ),
            expectation: ::kefu_chassis::record::Show::show(&self.expectation),
            analysis: ::kefu_chassis::record::Show::show(&self.analysis),
            improvement: ::kefu_chassis::record::Show::show(&self.improvement),
            answer: ::kefu_chassis::record::Show::show(&self.answer),
            told_by: ::kefu_chassis::record::Show::show(&self.told_by),
            author: ::kefu_chassis::record::Show::show(&self.author),
            occurred_time: ::kefu_chassis::record::Show::show(&self.occurred_at),
            answer_time: ::kefu_chassis::record::Show::show(&self.answered_at),
            create_time: ::kefu_chassis::record::Show::show(&self.created_at),
        }
    }
}
impl ExpectationRow {
    /// Stores the new row.
    pub async fn insert(
        &self,
        connection: &mut ::sqlx::PgConnection,
    ) -> Result<(), ::sqlx::Error> {
        ::sqlx::query!(
            r"insert into intake.unmet_expectation (
    id, request, expectation, analysis, improvement, answer, told_by, author, occurred_at, answered_at, created_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
            self.id, self.request, self.expectation, self.analysis, self.improvement,
            self.answer, self.told_by, self.author, self.occurred_at, self.answered_at,
            self.created_at
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
            r"update intake.unmet_expectation set
    analysis = $2, improvement = $3, answer = $4, told_by = $5, answered_at = $6
where id = $1",
            self.id, self.analysis, self.improvement, self.answer, self.told_by, self
            .answered_at
        )
            .execute(connection)
            .await?;
        ::kefu_chassis::record::exactly_one(&done)
    }
}
impl ::kefu_chassis::record::ResourceRow for ExpectationRow {
    type Kind = UnmetExpectation;
    type Shown = pb::UnmetExpectation;
    fn id(&self) -> ::kefu_chassis::names::Id<UnmetExpectation> {
        Self::id(self)
    }
    fn name(&self) -> String {
        format!(
            "{}/{}", ::kefu_chassis::names::Id:: < Request > ::from_uuid(self.request),
            ::kefu_chassis::names::Id:: < UnmetExpectation > ::from_uuid(self.id)
        )
    }
    fn show(&self) -> pb::UnmetExpectation {
        Self::show(self)
    }
}
impl ::kefu_chassis::record::ChildRow for ExpectationRow {
    async fn newest_of(
        connection: &mut ::sqlx::PgConnection,
        parent: ::uuid::Uuid,
        after: Option<::uuid::Uuid>,
        limit: i64,
    ) -> Result<Vec<Self>, ::sqlx::Error> {
        ::sqlx::query_as!(
            ExpectationRow,
            r"select id, request, expectation, analysis, improvement, answer, told_by, author, occurred_at, answered_at, created_at
from intake.unmet_expectation
where request = $1 and ($2::uuid is null or id < $2) order by id desc limit $3",
            parent, after, limit
        )
            .fetch_all(connection)
            .await
    }
}
