// `AbsenceRow` of services/appraisal/src/directory/absence.rs, expanded.

///Queries `appraisal.absence`: what follows the `from`, and its parameters.
macro_rules! absences {
    ($rest:literal $($arguments:tt)*) => {
        ::sqlx::query_as!(AbsenceRow,
        r"select id, staff, start_at, end_at, kind, created_at, version
from appraisal.absence "
        + $rest $($arguments)*)
    };
}
#[allow(unused_imports, reason = "a table may be queried in its own module only")]
pub(crate) use absences;
impl AbsenceRow {
    /// A row of which nothing is known yet, made at `now`.
    #[allow(dead_code, reason = "not every row is made or named by hand")]
    fn blank(now: ::jiff::Timestamp) -> Self {
        Self {
            id: ::kefu_chassis::names::Id::<Absence>::new(now).uuid(),
            staff: ::kefu_chassis::record::Blank::blank(now),
            start_at: ::kefu_chassis::record::Blank::blank(now),
            end_at: ::kefu_chassis::record::Blank::blank(now),
            kind: ::kefu_chassis::record::Blank::blank(now),
            created_at: ::kefu_chassis::record::Blank::blank(now),
            version: 1,
        }
    }
    /// Its id.
    #[allow(dead_code, reason = "not every row is made or named by hand")]
    fn id(&self) -> ::kefu_chassis::names::Id<Absence> {
        ::kefu_chassis::names::Id::from_uuid(self.id)
    }
}
impl AbsenceRow {
    /// The row as the contract shows it, to whoever may see all of it.
    fn show(&self) -> pb::Absence {
        pb::Absence {
            name: format!(
                "{}/{}", self.staff, ::kefu_chassis::names::Id:: < Absence >
                ::from_uuid(self.id)
            ),
            start_time: ::kefu_chassis::record::Show::show(&self.start_at),
            end_time: ::kefu_chassis::record::Show::show(&self.end_at),
            kind: ::kefu_chassis::record::Show::show(&self.kind),
            create_time: ::kefu_chassis::record::Show::show(&self.created_at),
            etag: ::kefu_chassis::call::etag(self.version),
        }
    }
}
impl AbsenceRow {
    /// Stores the new row.
    async fn insert(
        &self,
        connection: &mut ::sqlx::PgConnection,
    ) -> Result<(), ::sqlx::Error> {
        ::sqlx::query!(
            r"insert into appraisal.absence (
    id, staff, start_at, end_at, kind, created_at, version)
values ($1, $2, $3, $4, $5, $6, $7)",
            self.id, self.staff, self.start_at, self.end_at, self.kind, self.created_at,
            self.version
        )
            .execute(connection)
            .await?;
        Ok(())
    }
    /// Stores what can change of it. Exactly one row must be there to change.
    async fn update(
        &self,
        connection: &mut ::sqlx::PgConnection,
    ) -> Result<(), ::sqlx::Error> {
        let done = ::sqlx::query!(
            r"update appraisal.absence set
    end_at = $2, version = $3
where id = $1",
            self.id, self.end_at, self.version
        )
            .execute(connection)
            .await?;
        ::kefu_chassis::record::exactly_one(&done)
    }
}
impl ::kefu_chassis::record::ResourceRow for AbsenceRow {
    type Kind = Absence;
    type Shown = pb::Absence;
    fn id(&self) -> ::kefu_chassis::names::Id<Absence> {
        Self::id(self)
    }
    fn name(&self) -> String {
        format!(
            "{}/{}", self.staff, ::kefu_chassis::names::Id:: < Absence > ::from_uuid(self
            .id)
        )
    }
    fn show(&self) -> pb::Absence {
        Self::show(self)
    }
}
