// `ComplaintRow` of services/complaints/src/complaint/row.rs, expanded.

///Queries `complaints.complaint`: what follows the `from`, and its parameters.
macro_rules! complaints {
    ($rest:literal $($arguments:tt)*) => {
        ::sqlx::query_as!(ComplaintRow,
        r"select id, number, channel, received_at, customer, contact, matter, desired_remedy, category, subcategory, severity,
    product, request, handler, department, responsible_department, responsible_person, no_person_reason, notified,
    investigator, parties, state, cycle, cause_category, cause, whys, outcome, resolution, closure, satisfaction,
    unreached_attempts, attempt_days, tried_by, contacted, waived, evidence_count, withdraw_reason, namings,
    acknowledged_at, investigated_at, concluded_at, proposed_at, approved_at, agreed_at, executed_at, closed_at,
    archived_at, last_informed_at, created_at, updated_at, version
from complaints.complaint "
        + $rest $($arguments)*)
    };
}
#[allow(unused_imports, reason = "a table may be queried in its own module only")]
pub(crate) use complaints;
impl ComplaintRow {
    /// A row of which nothing is known yet, made at `now`.
    #[allow(dead_code, reason = "not every row is made or named by hand")]
    pub fn blank(now: ::jiff::Timestamp) -> Self {
        Self {
            id: ::kefu_chassis::names::Id::<Complaint>::new(now).uuid(),
            number: ::kefu_chassis::record::Blank::blank(now),
            channel: ::kefu_chassis::record::Blank::blank(now),
            received_at: ::kefu_chassis::record::Blank::blank(now),
            customer: ::kefu_chassis::record::Blank::blank(now),
            contact: ::kefu_chassis::record::Blank::blank(now),
            matter: ::kefu_chassis::record::Blank::blank(now),
            desired_remedy: ::kefu_chassis::record::Blank::blank(now),
            category: ::kefu_chassis::record::Blank::blank(now),
            subcategory: ::kefu_chassis::record::Blank::blank(now),
            severity: ::kefu_chassis::record::Blank::blank(now),
            product: ::kefu_chassis::record::Blank::blank(now),
            request: ::kefu_chassis::record::Blank::blank(now),
            handler: ::kefu_chassis::record::Blank::blank(now),
            department: ::kefu_chassis::record::Blank::blank(now),
            responsible_department: ::kefu_chassis::record::Blank::blank(now),
            responsible_person: ::kefu_chassis::record::Blank::blank(now),
            no_person_reason: ::kefu_chassis::record::Blank::blank(now),
            notified: ::kefu_chassis::record::Blank::blank(now),
            investigator: ::kefu_chassis::record::Blank::blank(now),
            parties: ::kefu_chassis::record::Blank::blank(now),
            state: ::kefu_chassis::record::Blank::blank(now),
            cycle: ::kefu_chassis::record::Blank::blank(now),
            cause_category: ::kefu_chassis::record::Blank::blank(now),
            cause: ::kefu_chassis::record::Blank::blank(now),
            whys: ::kefu_chassis::record::Blank::blank(now),
            outcome: ::kefu_chassis::record::Blank::blank(now),
            resolution: ::kefu_chassis::record::Blank::blank(now),
            closure: ::kefu_chassis::record::Blank::blank(now),
            satisfaction: ::kefu_chassis::record::Blank::blank(now),
            unreached_attempts: ::kefu_chassis::record::Blank::blank(now),
            attempt_days: ::kefu_chassis::record::Blank::blank(now),
            tried_by: ::kefu_chassis::record::Blank::blank(now),
            contacted: ::kefu_chassis::record::Blank::blank(now),
            waived: ::kefu_chassis::record::Blank::blank(now),
            evidence_count: ::kefu_chassis::record::Blank::blank(now),
            withdraw_reason: ::kefu_chassis::record::Blank::blank(now),
            namings: ::kefu_chassis::record::Blank::blank(now),
            acknowledged_at: ::kefu_chassis::record::Blank::blank(now),
            investigated_at: ::kefu_chassis::record::Blank::blank(now),
            concluded_at: ::kefu_chassis::record::Blank::blank(now),
            proposed_at: ::kefu_chassis::record::Blank::blank(now),
            approved_at: ::kefu_chassis::record::Blank::blank(now),
            agreed_at: ::kefu_chassis::record::Blank::blank(now),
            executed_at: ::kefu_chassis::record::Blank::blank(now),
            closed_at: ::kefu_chassis::record::Blank::blank(now),
            archived_at: ::kefu_chassis::record::Blank::blank(now),
            last_informed_at: ::kefu_chassis::record::Blank::blank(now),
            created_at: ::kefu_chassis::record::Blank::blank(now),
            updated_at: ::kefu_chassis::record::Blank::blank(now),
            version: 1,
        }
    }
    /// Its id.
    #[allow(dead_code, reason = "not every row is made or named by hand")]
    pub fn id(&self) -> ::kefu_chassis::names::Id<Complaint> {
        ::kefu_chassis::names::Id::from_uuid(self.id)
    }
    /// Where it stands.
    pub fn state(&self) -> State {
        State::try_from(i32::from(self.state)).unwrap_or_default()
    }
}
impl ComplaintRow {
    /// The row as the contract shows it, to whoever may see all of it.
    pub fn show(&self) -> pb::Complaint {
        pb::Complaint {
            name: ::kefu_chassis::names::Id::<Complaint>::from_uuid(self.id).to_string(),
            number: ::kefu_chassis::record::Show::show(&self.number),
            channel: ::kefu_chassis::record::Show::show(&self.channel),
            received_time: ::kefu_chassis::record::Show::show(&self.received_at),
            customer: ::kefu_chassis::record::named::<Customer, _>(&self.customer),
            matter: ::kefu_chassis::record::Show::show(&self.matter),
            desired_remedy: ::kefu_chassis::record::Show::show(&self.desired_remedy),
            category: ::kefu_chassis::record::Show::show(&self.category),
            subcategory: ::kefu_chassis::record::Show::show(&self.subcategory),
            severity: ::kefu_chassis::record::Show::show(&self.severity),
            product: ::kefu_chassis::record::Show::show(&self.product),
            request: ::kefu_chassis::record::named::<Request, _>(&self.request),
            handler: ::kefu_chassis::record::Show::show(&self.handler),
            department: ::kefu_chassis::record::Show::show(&self.department),
            responsible_department: ::kefu_chassis::record::Show::show(
                &self.responsible_department,
            ),
            responsible_person: ::kefu_chassis::record::Show::show(
                &self.responsible_person,
            ),
            no_person_reason: ::kefu_chassis::record::Show::show(&self.no_person_reason),
            notified_departments: ::kefu_chassis::record::Show::show(&self.notified),
            investigator: ::kefu_chassis::record::Show::show(&self.investigator),
            state: ::kefu_chassis::record::Show::show(&self.state),
            cycle: ::kefu_chassis::record::Show::show(&self.cycle),
            outcome: ::kefu_chassis::record::Show::show(&self.outcome),
            closure: ::kefu_chassis::record::Show::show(&self.closure),
            satisfaction: ::kefu_chassis::record::Show::show(&self.satisfaction),
            unreached_attempts: ::kefu_chassis::record::Show::show(
                &self.unreached_attempts,
            ),
            evidence_count: ::kefu_chassis::record::Show::show(&self.evidence_count),
            withdraw_reason: ::kefu_chassis::record::Show::show(&self.withdraw_reason),
            acknowledged_time: ::kefu_chassis::record::Show::show(&self.acknowledged_at),
            investigation_time: ::kefu_chassis::record::Show::show(
                &self.investigated_at,
            ),
            concluded_time: ::kefu_chassis::record::Show::show(&self.concluded_at),
            proposed_time: ::kefu_chassis::record::Show::show(&self.proposed_at),
            approved_time: ::kefu_chassis::record::Show::show(&self.approved_at),
            agreed_time: ::kefu_chassis::record::Show::show(&self.agreed_at),
            executed_time: ::kefu_chassis::record::Show::show(&self.executed_at),
            closed_time: ::kefu_chassis::record::Show::show(&self.closed_at),
            archived_time: ::kefu_chassis::record::Show::show(&self.archived_at),
            last_informed_time: ::kefu_chassis::record::Show::show(
                &self.last_informed_at,
            ),
            create_time: ::kefu_chassis::record::Show::show(&self.created_at),
            update_time: ::kefu_chassis::record::Show::show(&self.updated_at),
            etag: ::kefu_chassis::call::etag(self.version),
            contact: Self::contact(self),
            root_cause: Self::root_cause(self),
            resolution: Self::resolution(self),
            namings: Self::namings(self),
        }
    }
}
impl ::kefu_chassis::record::VersionedRow for ComplaintRow {
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
            ComplaintRow,
            r"select id, number, channel, received_at, customer, contact, matter, desired_remedy, category, subcategory, severity,
    product, request, handler, department, responsible_department, responsible_person, no_person_reason, notified,
    investigator, parties, state, cycle, cause_category, cause, whys, outcome, resolution, closure, satisfaction,
    unreached_attempts, attempt_days, tried_by, contacted, waived, evidence_count, withdraw_reason, namings,
    acknowledged_at, investigated_at, concluded_at, proposed_at, approved_at, agreed_at, executed_at, closed_at,
    archived_at, last_informed_at, created_at, updated_at, version
from complaints.complaint
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
            ComplaintRow,
            r"select id, number, channel, received_at, customer, contact, matter, desired_remedy, category, subcategory, severity,
    product, request, handler, department, responsible_department, responsible_person, no_person_reason, notified,
    investigator, parties, state, cycle, cause_category, cause, whys, outcome, resolution, closure, satisfaction,
    unreached_attempts, attempt_days, tried_by, contacted, waived, evidence_count, withdraw_reason, namings,
    acknowledged_at, investigated_at, concluded_at, proposed_at, approved_at, agreed_at, executed_at, closed_at,
    archived_at, last_informed_at, created_at, updated_at, version
from complaints.complaint
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
            ComplaintRow,
            r"select id, number, channel, received_at, customer, contact, matter, desired_remedy, category, subcategory, severity,
    product, request, handler, department, responsible_department, responsible_person, no_person_reason, notified,
    investigator, parties, state, cycle, cause_category, cause, whys, outcome, resolution, closure, satisfaction,
    unreached_attempts, attempt_days, tried_by, contacted, waived, evidence_count, withdraw_reason, namings,
    acknowledged_at, investigated_at, concluded_at, proposed_at, approved_at, agreed_at, executed_at, closed_at,
    archived_at, last_informed_at, created_at, updated_at, version
from complaints.complaint
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
        let entry = ::kefu_chassis::search::Searched::entry(self);
        let (tokens, texts) = (&entry.tokens, &entry.texts);
        self.number = ::sqlx::query_scalar!(
            r"with searched as (
    insert into complaints.complaint_search (complaint, received_at, tokens, texts) values ($1, $2, $3, $4))
insert into complaints.complaint (
    id, number, channel, received_at, customer, contact, matter, desired_remedy, category, subcategory, severity,
    product, request, handler, department, responsible_department, responsible_person, no_person_reason, notified,
    investigator, parties, state, cycle, cause_category, cause, whys, outcome, resolution, closure, satisfaction,
    unreached_attempts, attempt_days, tried_by, contacted, waived, evidence_count, withdraw_reason, namings,
    acknowledged_at, investigated_at, concluded_at, proposed_at, approved_at, agreed_at, executed_at, closed_at,
    archived_at, last_informed_at, created_at, updated_at, version)
select $1, 'C-' || $5 || '-' || lpad(n::text, greatest(6, length(n::text)), '0'), $6, $2, $7, $8, $9, $10, $11, $12, $13,
    $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26, $27, $28, $29, $30, $31, $32, $33, $34, $35, $36,
    $37, $38, $39, $40, $41, $42, $43, $44, $45, $46, $47, $48, $49, $50, $51, $52, $53
from nextval('complaints.complaint_number') as n
returning number",
            self.id, self.received_at, tokens, texts, day, self.channel, self.customer,
            self.contact, self.matter, self.desired_remedy, self.category, self
            .subcategory, self.severity, self.product, self.request, self.handler, self
            .department, self.responsible_department, self.responsible_person, self
            .no_person_reason, & self.notified, self.investigator, & self.parties, self
            .state, self.cycle, self.cause_category, self.cause, & self.whys, self
            .outcome, self.resolution, self.closure, self.satisfaction, self
            .unreached_attempts, & self.attempt_days, & self.tried_by, self.contacted,
            self.waived, self.evidence_count, self.withdraw_reason, & self.namings, self
            .acknowledged_at, self.investigated_at, self.concluded_at, self.proposed_at,
            self.approved_at, self.agreed_at, self.executed_at, self.closed_at, self
            .archived_at, self.last_informed_at, self.created_at, self.updated_at, self
            .version
        )
            .fetch_one(connection)
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
    update complaints.complaint_search set tokens = $2, texts = $3
    where complaint = $1 and $2::text[] is not null)
update complaints.complaint set
    category = $4, subcategory = $5, severity = $6, product = $7, handler = $8, responsible_department = $9,
    responsible_person = $10, no_person_reason = $11, notified = $12, investigator = $13, parties = $14, state = $15,
    cycle = $16, cause_category = $17, cause = $18, whys = $19, outcome = $20, resolution = $21, closure = $22,
    satisfaction = $23, unreached_attempts = $24, attempt_days = $25, tried_by = $26, contacted = $27, waived = $28,
    evidence_count = $29, withdraw_reason = $30, namings = $31, acknowledged_at = $32, investigated_at = $33,
    concluded_at = $34, proposed_at = $35, approved_at = $36, agreed_at = $37, executed_at = $38, closed_at = $39,
    archived_at = $40, last_informed_at = $41, updated_at = $42, version = $43
where id = $1",
            self.id, tokens, texts, self.category, self.subcategory, self.severity, self
            .product, self.handler, self.responsible_department, self.responsible_person,
            self.no_person_reason, & self.notified, self.investigator, & self.parties,
            self.state, self.cycle, self.cause_category, self.cause, & self.whys, self
            .outcome, self.resolution, self.closure, self.satisfaction, self
            .unreached_attempts, & self.attempt_days, & self.tried_by, self.contacted,
            self.waived, self.evidence_count, self.withdraw_reason, & self.namings, self
            .acknowledged_at, self.investigated_at, self.concluded_at, self.proposed_at,
            self.approved_at, self.agreed_at, self.executed_at, self.closed_at, self
            .archived_at, self.last_informed_at, self.updated_at, self.version
        )
            .execute(connection)
            .await?;
        ::kefu_chassis::record::exactly_one(&done)
    }
}
impl ::kefu_chassis::record::ResourceRow for ComplaintRow {
    type Kind = Complaint;
    type Shown = pb::Complaint;
    fn id(&self) -> ::kefu_chassis::names::Id<Complaint> {
        Self::id(self)
    }
    fn name(&self) -> String {
        ::kefu_chassis::names::Id::<Complaint>::from_uuid(self.id).to_string()
    }
    fn show(&self) -> pb::Complaint {
        Self::show(self)
    }
}
impl ::kefu_chassis::record::StatefulRow for ComplaintRow {
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
