// `RequestRow` of services/intake/src/request/row.rs, expanded.

///Queries `intake.request`: what follows the `from`, and its parameters.
macro_rules! requests {
    ($rest:literal $($arguments:tt)*) => {
        ::sqlx::query_as!(RequestRow,
        r"select id, number, channel, kind, customer, contact, project, order_number, product_model, description, business_domain,
    problem_type, priority, first_responder, owner, department, state, cycle, carrier_state, origin, source,
    external_id, contact_at, first_response_at, promised_at, promise_reason, last_informed_at, resolution, assistance,
    resolved_at, closed_at, first_contact_resolution, settled_at_once, awaited, cancel_reason, cancelled_by,
    unreached_attempts, created_at, updated_at, version, major, major_reason, major_at, in_scope, service_level,
    repeat_of, repeat_contacts, linked, transfers, pending_transfer, solved_first, emergency_reason, work_orders,
    open_expectations, complaint, order_key, problem_key, major_reported_to
from intake.request "
        + $rest $($arguments)*)
    };
}
#[allow(unused_imports, reason = "a table may be queried in its own module only")]
pub(crate) use requests;
impl RequestRow {
    /// A row of which nothing is known yet, made at `now`.
    #[allow(dead_code, reason = "not every row is made or named by hand")]
    pub fn blank(now: ::jiff::Timestamp) -> Self {
        Self {
            id: ::kefu_chassis::names::Id::<Request>::new(now).uuid(),
            number: ::kefu_chassis::record::Blank::blank(now),
            channel: ::kefu_chassis::record::Blank::blank(now),
            kind: ::kefu_chassis::record::Blank::blank(now),
            customer: ::kefu_chassis::record::Blank::blank(now),
            contact: ::kefu_chassis::record::Blank::blank(now),
            project: ::kefu_chassis::record::Blank::blank(now),
            order_number: ::kefu_chassis::record::Blank::blank(now),
            product_model: ::kefu_chassis::record::Blank::blank(now),
            description: ::kefu_chassis::record::Blank::blank(now),
            business_domain: ::kefu_chassis::record::Blank::blank(now),
            problem_type: ::kefu_chassis::record::Blank::blank(now),
            priority: Priority::Normal as i16,
            first_responder: ::kefu_chassis::record::Blank::blank(now),
            owner: ::kefu_chassis::record::Blank::blank(now),
            department: ::kefu_chassis::record::Blank::blank(now),
            state: ::kefu_chassis::record::Blank::blank(now),
            cycle: ::kefu_chassis::record::Blank::blank(now),
            carrier_state: ::kefu_chassis::record::Blank::blank(now),
            origin: Origin::Live as i16,
            source: ::kefu_chassis::record::Blank::blank(now),
            external_id: ::kefu_chassis::record::Blank::blank(now),
            contact_at: ::kefu_chassis::record::Blank::blank(now),
            first_response_at: ::kefu_chassis::record::Blank::blank(now),
            promised_at: ::kefu_chassis::record::Blank::blank(now),
            promise_reason: ::kefu_chassis::record::Blank::blank(now),
            last_informed_at: ::kefu_chassis::record::Blank::blank(now),
            resolution: ::kefu_chassis::record::Blank::blank(now),
            assistance: ::kefu_chassis::record::Blank::blank(now),
            resolved_at: ::kefu_chassis::record::Blank::blank(now),
            closed_at: ::kefu_chassis::record::Blank::blank(now),
            first_contact_resolution: ::kefu_chassis::record::Blank::blank(now),
            settled_at_once: true,
            awaited: ::kefu_chassis::record::Blank::blank(now),
            cancel_reason: ::kefu_chassis::record::Blank::blank(now),
            cancelled_by: ::kefu_chassis::record::Blank::blank(now),
            unreached_attempts: ::kefu_chassis::record::Blank::blank(now),
            created_at: ::kefu_chassis::record::Blank::blank(now),
            updated_at: ::kefu_chassis::record::Blank::blank(now),
            version: 1,
            major: ::kefu_chassis::record::Blank::blank(now),
            major_reason: ::kefu_chassis::record::Blank::blank(now),
            major_at: ::kefu_chassis::record::Blank::blank(now),
            in_scope: ::kefu_chassis::record::Blank::blank(now),
            service_level: ServiceLevel::Hotline as i16,
            repeat_of: ::kefu_chassis::record::Blank::blank(now),
            repeat_contacts: ::kefu_chassis::record::Blank::blank(now),
            linked: ::kefu_chassis::record::Blank::blank(now),
            transfers: ::kefu_chassis::record::Blank::blank(now),
            pending_transfer: ::kefu_chassis::record::Blank::blank(now),
            solved_first: ::kefu_chassis::record::Blank::blank(now),
            emergency_reason: ::kefu_chassis::record::Blank::blank(now),
            work_orders: ::kefu_chassis::record::Blank::blank(now),
            open_expectations: ::kefu_chassis::record::Blank::blank(now),
            complaint: ::kefu_chassis::record::Blank::blank(now),
            order_key: ::kefu_chassis::record::Blank::blank(now),
            problem_key: ::kefu_chassis::record::Blank::blank(now),
            major_reported_to: ::kefu_chassis::record::Blank::blank(now),
        }
    }
    /// Its id.
    #[allow(dead_code, reason = "not every row is made or named by hand")]
    pub fn id(&self) -> ::kefu_chassis::names::Id<Request> {
        ::kefu_chassis::names::Id::from_uuid(self.id)
    }
    /// Where it stands.
    pub fn state(&self) -> State {
        State::try_from(i32::from(self.state)).unwrap_or_default()
    }
}
impl RequestRow {
    /// The row as the contract shows it, to whoever may see all of it.
    pub fn show(&self) -> pb::Request {
        pb::Request {
            name: ::kefu_chassis::names::Id::<Request>::from_uuid(self.id).to_string(),
            number: ::kefu_chassis::record::Show::show(&self.number),
            channel: ::kefu_chassis::record::Show::show(&self.channel),
            kind: ::kefu_chassis::record::Show::show(&self.kind),
            customer: ::kefu_chassis::record::named::<Customer, _>(&self.customer),
            order_number: ::kefu_chassis::record::Show::show(&self.order_number),
            product_model: ::kefu_chassis::record::Show::show(&self.product_model),
            description: ::kefu_chassis::record::Show::show(&self.description),
            business_domain: ::kefu_chassis::record::Show::show(&self.business_domain),
            problem_type: ::kefu_chassis::record::Show::show(&self.problem_type),
            priority: ::kefu_chassis::record::Show::show(&self.priority),
            first_responder: ::kefu_chassis::record::Show::show(&self.first_responder),
            owner: ::kefu_chassis::record::Show::show(&self.owner),
            department: ::kefu_chassis::record::Show::show(&self.department),
            state: ::kefu_chassis::record::Show::show(&self.state),
            cycle: ::kefu_chassis::record::Show::show(&self.cycle),
            carrier_state: ::kefu_chassis::record::Show::show(&self.carrier_state),
            origin: ::kefu_chassis::record::Show::show(&self.origin),
            external_id: ::kefu_chassis::record::Show::show(&self.external_id),
            contact_time: ::kefu_chassis::record::Show::show(&self.contact_at),
            first_response_time: ::kefu_chassis::record::Show::show(
                &self.first_response_at,
            ),
            promised_time: ::kefu_chassis::record::Show::show(&self.promised_at),
            promise_reason: ::kefu_chassis::record::Show::show(&self.promise_reason),
            last_informed_time: ::kefu_chassis::record::Show::show(
                &self.last_informed_at,
            ),
            resolution: ::kefu_chassis::record::Show::show(&self.resolution),
            assistance: ::kefu_chassis::record::Show::show(&self.assistance),
            resolved_time: ::kefu_chassis::record::Show::show(&self.resolved_at),
            closed_time: ::kefu_chassis::record::Show::show(&self.closed_at),
            first_contact_resolution: ::kefu_chassis::record::Show::show(
                &self.first_contact_resolution,
            ),
            awaited: ::kefu_chassis::record::Show::show(&self.awaited),
            cancel_reason: ::kefu_chassis::record::Show::show(&self.cancel_reason),
            unreached_attempts: ::kefu_chassis::record::Show::show(
                &self.unreached_attempts,
            ),
            create_time: ::kefu_chassis::record::Show::show(&self.created_at),
            update_time: ::kefu_chassis::record::Show::show(&self.updated_at),
            etag: ::kefu_chassis::call::etag(self.version),
            major: ::kefu_chassis::record::Show::show(&self.major),
            major_reason: ::kefu_chassis::record::Show::show(&self.major_reason),
            major_time: ::kefu_chassis::record::Show::show(&self.major_at),
            in_scope: ::kefu_chassis::record::Show::show(&self.in_scope),
            service_level: ::kefu_chassis::record::Show::show(&self.service_level),
            repeat_of: ::kefu_chassis::record::named::<Request, _>(&self.repeat_of),
            repeat_contacts: ::kefu_chassis::record::Show::show(&self.repeat_contacts),
            linked_requests: ::kefu_chassis::record::named::<Request, _>(&self.linked),
            transfer_count: ::kefu_chassis::record::Show::show(&self.transfers),
            solved_first: ::kefu_chassis::record::Show::show(&self.solved_first),
            emergency_reason: ::kefu_chassis::record::Show::show(&self.emergency_reason),
            open_expectations: ::kefu_chassis::record::Show::show(
                &self.open_expectations,
            ),
            complaint: ::kefu_chassis::record::named::<Complaint, _>(&self.complaint),
            contact: Self::contact(self),
            project: Self::project_name(self),
            pending_transfer: Self::transfer_name(self),
        }
    }
}
impl ::kefu_chassis::record::VersionedRow for RequestRow {
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
            RequestRow,
            r"select id, number, channel, kind, customer, contact, project, order_number, product_model, description, business_domain,
    problem_type, priority, first_responder, owner, department, state, cycle, carrier_state, origin, source,
    external_id, contact_at, first_response_at, promised_at, promise_reason, last_informed_at, resolution, assistance,
    resolved_at, closed_at, first_contact_resolution, settled_at_once, awaited, cancel_reason, cancelled_by,
    unreached_attempts, created_at, updated_at, version, major, major_reason, major_at, in_scope, service_level,
    repeat_of, repeat_contacts, linked, transfers, pending_transfer, solved_first, emergency_reason, work_orders,
    open_expectations, complaint, order_key, problem_key, major_reported_to
from intake.request
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
            RequestRow,
            r"select id, number, channel, kind, customer, contact, project, order_number, product_model, description, business_domain,
    problem_type, priority, first_responder, owner, department, state, cycle, carrier_state, origin, source,
    external_id, contact_at, first_response_at, promised_at, promise_reason, last_informed_at, resolution, assistance,
    resolved_at, closed_at, first_contact_resolution, settled_at_once, awaited, cancel_reason, cancelled_by,
    unreached_attempts, created_at, updated_at, version, major, major_reason, major_at, in_scope, service_level,
    repeat_of, repeat_contacts, linked, transfers, pending_transfer, solved_first, emergency_reason, work_orders,
    open_expectations, complaint, order_key, problem_key, major_reported_to
from intake.request
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
            RequestRow,
            r"select id, number, channel, kind, customer, contact, project, order_number, product_model, description, business_domain,
    problem_type, priority, first_responder, owner, department, state, cycle, carrier_state, origin, source,
    external_id, contact_at, first_response_at, promised_at, promise_reason, last_informed_at, resolution, assistance,
    resolved_at, closed_at, first_contact_resolution, settled_at_once, awaited, cancel_reason, cancelled_by,
    unreached_attempts, created_at, updated_at, version, major, major_reason, major_at, in_scope, service_level,
    repeat_of, repeat_contacts, linked, transfers, pending_transfer, solved_first, emergency_reason, work_orders,
    open_expectations, complaint, order_key, problem_key, major_reported_to
from intake.request
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
    insert into intake.request_search (request, contact_at, tokens, texts) values ($1, $2, $3, $4))
insert into intake.request (
    id, number, channel, kind, customer, contact, project, order_number, product_model, description, business_domain,
    problem_type, priority, first_responder, owner, department, state, cycle, carrier_state, origin, source,
    external_id, contact_at, first_response_at, promised_at, promise_reason, last_informed_at, resolution, assistance,
    resolved_at, closed_at, first_contact_resolution, settled_at_once, awaited, cancel_reason, cancelled_by,
    unreached_attempts, created_at, updated_at, version, major, major_reason, major_at, in_scope, service_level,
    repeat_of, repeat_contacts, linked, transfers, pending_transfer, solved_first, emergency_reason, work_orders,
    open_expectations, complaint, order_key, problem_key, major_reported_to)
select $1, 'R-' || $5 || '-' || lpad(n::text, greatest(6, length(n::text)), '0'), $6, $7, $8, $9, $10, $11, $12, $13, $14,
    $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $2, $26, $27, $28, $29, $30, $31, $32, $33, $34, $35, $36,
    $37, $38, $39, $40, $41, $42, $43, $44, $45, $46, $47, $48, $49, $50, $51, $52, $53, $54, $55, $56, $57, $58, $59,
    $60
from nextval('intake.request_number') as n
returning number",
            self.id, self.contact_at, tokens, texts, day, self.channel, self.kind, self
            .customer, self.contact, self.project, self.order_number, self.product_model,
            self.description, self.business_domain, self.problem_type, self.priority,
            self.first_responder, self.owner, self.department, self.state, self.cycle,
            self.carrier_state, self.origin, self.source, self.external_id, self
            .first_response_at, self.promised_at, self.promise_reason, self
            .last_informed_at, self.resolution, self.assistance, self.resolved_at, self
            .closed_at, self.first_contact_resolution, self.settled_at_once, self
            .awaited, self.cancel_reason, self.cancelled_by, self.unreached_attempts,
            self.created_at, self.updated_at, self.version, self.major, self
            .major_reason, self.major_at, self.in_scope, self.service_level, self
            .repeat_of, self.repeat_contacts, & self.linked, self.transfers, self
            .pending_transfer, self.solved_first, self.emergency_reason, self
            .work_orders, self.open_expectations, self.complaint, self.order_key, self
            .problem_key, self.major_reported_to
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
    update intake.request_search set tokens = $2, texts = $3
    where request = $1 and $2::text[] is not null)
update intake.request set
    business_domain = $4, problem_type = $5, priority = $6, owner = $7, department = $8, state = $9, cycle = $10,
    carrier_state = $11, first_response_at = $12, promised_at = $13, promise_reason = $14, last_informed_at = $15,
    resolution = $16, assistance = $17, resolved_at = $18, closed_at = $19, first_contact_resolution = $20,
    settled_at_once = $21, awaited = $22, cancel_reason = $23, cancelled_by = $24, unreached_attempts = $25,
    updated_at = $26, version = $27, major = $28, major_reason = $29, major_at = $30, in_scope = $31,
    service_level = $32, repeat_of = $33, repeat_contacts = $34, linked = $35, transfers = $36, pending_transfer = $37,
    solved_first = $38, emergency_reason = $39, work_orders = $40, open_expectations = $41, complaint = $42,
    problem_key = $43, major_reported_to = $44
where id = $1",
            self.id, tokens, texts, self.business_domain, self.problem_type, self
            .priority, self.owner, self.department, self.state, self.cycle, self
            .carrier_state, self.first_response_at, self.promised_at, self
            .promise_reason, self.last_informed_at, self.resolution, self.assistance,
            self.resolved_at, self.closed_at, self.first_contact_resolution, self
            .settled_at_once, self.awaited, self.cancel_reason, self.cancelled_by, self
            .unreached_attempts, self.updated_at, self.version, self.major, self
            .major_reason, self.major_at, self.in_scope, self.service_level, self
            .repeat_of, self.repeat_contacts, & self.linked, self.transfers, self
            .pending_transfer, self.solved_first, self.emergency_reason, self
            .work_orders, self.open_expectations, self.complaint, self.problem_key, self
            .major_reported_to
        )
            .execute(connection)
            .await?;
        ::kefu_chassis::record::exactly_one(&done)
    }
}
impl RequestRow {
    /// Stores those of the rows that were not imported before, each with a number of its day (YYYYMMDD). Returns the id
    /// and the number of each row that was stored.
    #[allow(
        clippy::clone_on_copy,
        clippy::similar_names,
        reason = "columns of any type and name"
    )]
    pub async fn import(
        connection: &mut ::sqlx::PgConnection,
        rows: &[&Self],
        days: &[String],
    ) -> Result<Vec<(::uuid::Uuid, String)>, ::sqlx::Error> {
        let id: Vec<_> = rows.iter().map(|row| row.id.clone()).collect();
        let channel: Vec<_> = rows.iter().map(|row| row.channel.clone()).collect();
        let kind: Vec<_> = rows.iter().map(|row| row.kind.clone()).collect();
        let customer: Vec<_> = rows.iter().map(|row| row.customer.clone()).collect();
        let contact: Vec<_> = rows.iter().map(|row| row.contact.clone()).collect();
        let project: Vec<_> = rows.iter().map(|row| row.project.clone()).collect();
        let order_number: Vec<_> = rows
            .iter()
            .map(|row| row.order_number.clone())
            .collect();
        let product_model: Vec<_> = rows
            .iter()
            .map(|row| row.product_model.clone())
            .collect();
        let description: Vec<_> = rows
            .iter()
            .map(|row| row.description.clone())
            .collect();
        let business_domain: Vec<_> = rows
            .iter()
            .map(|row| row.business_domain.clone())
            .collect();
        let problem_type: Vec<_> = rows
            .iter()
            .map(|row| row.problem_type.clone())
            .collect();
        let priority: Vec<_> = rows.iter().map(|row| row.priority.clone()).collect();
        let first_responder: Vec<_> = rows
            .iter()
            .map(|row| row.first_responder.clone())
            .collect();
        let owner: Vec<_> = rows.iter().map(|row| row.owner.clone()).collect();
        let department: Vec<_> = rows.iter().map(|row| row.department.clone()).collect();
        let state: Vec<_> = rows.iter().map(|row| row.state.clone()).collect();
        let cycle: Vec<_> = rows.iter().map(|row| row.cycle.clone()).collect();
        let carrier_state: Vec<_> = rows
            .iter()
            .map(|row| row.carrier_state.clone())
            .collect();
        let origin: Vec<_> = rows.iter().map(|row| row.origin.clone()).collect();
        let source: Vec<_> = rows.iter().map(|row| row.source.clone()).collect();
        let external_id: Vec<_> = rows
            .iter()
            .map(|row| row.external_id.clone())
            .collect();
        let contact_at: Vec<_> = rows.iter().map(|row| row.contact_at.clone()).collect();
        let first_response_at: Vec<_> = rows
            .iter()
            .map(|row| row.first_response_at.clone())
            .collect();
        let promised_at: Vec<_> = rows
            .iter()
            .map(|row| row.promised_at.clone())
            .collect();
        let promise_reason: Vec<_> = rows
            .iter()
            .map(|row| row.promise_reason.clone())
            .collect();
        let last_informed_at: Vec<_> = rows
            .iter()
            .map(|row| row.last_informed_at.clone())
            .collect();
        let resolution: Vec<_> = rows.iter().map(|row| row.resolution.clone()).collect();
        let assistance: Vec<_> = rows.iter().map(|row| row.assistance.clone()).collect();
        let resolved_at: Vec<_> = rows
            .iter()
            .map(|row| row.resolved_at.clone())
            .collect();
        let closed_at: Vec<_> = rows.iter().map(|row| row.closed_at.clone()).collect();
        let first_contact_resolution: Vec<_> = rows
            .iter()
            .map(|row| row.first_contact_resolution.clone())
            .collect();
        let settled_at_once: Vec<_> = rows
            .iter()
            .map(|row| row.settled_at_once.clone())
            .collect();
        let awaited: Vec<_> = rows.iter().map(|row| row.awaited.clone()).collect();
        let cancel_reason: Vec<_> = rows
            .iter()
            .map(|row| row.cancel_reason.clone())
            .collect();
        let cancelled_by: Vec<_> = rows
            .iter()
            .map(|row| row.cancelled_by.clone())
            .collect();
        let unreached_attempts: Vec<_> = rows
            .iter()
            .map(|row| row.unreached_attempts.clone())
            .collect();
        let created_at: Vec<_> = rows.iter().map(|row| row.created_at.clone()).collect();
        let updated_at: Vec<_> = rows.iter().map(|row| row.updated_at.clone()).collect();
        let version: Vec<_> = rows.iter().map(|row| row.version.clone()).collect();
        let major: Vec<_> = rows.iter().map(|row| row.major.clone()).collect();
        let major_reason: Vec<_> = rows
            .iter()
            .map(|row| row.major_reason.clone())
            .collect();
        let major_at: Vec<_> = rows.iter().map(|row| row.major_at.clone()).collect();
        let in_scope: Vec<_> = rows.iter().map(|row| row.in_scope.clone()).collect();
        let service_level: Vec<_> = rows
            .iter()
            .map(|row| row.service_level.clone())
            .collect();
        let repeat_of: Vec<_> = rows.iter().map(|row| row.repeat_of.clone()).collect();
        let repeat_contacts: Vec<_> = rows
            .iter()
            .map(|row| row.repeat_contacts.clone())
            .collect();
        let transfers: Vec<_> = rows.iter().map(|row| row.transfers.clone()).collect();
        let pending_transfer: Vec<_> = rows
            .iter()
            .map(|row| row.pending_transfer.clone())
            .collect();
        let solved_first: Vec<_> = rows
            .iter()
            .map(|row| row.solved_first.clone())
            .collect();
        let emergency_reason: Vec<_> = rows
            .iter()
            .map(|row| row.emergency_reason.clone())
            .collect();
        let work_orders: Vec<_> = rows
            .iter()
            .map(|row| row.work_orders.clone())
            .collect();
        let open_expectations: Vec<_> = rows
            .iter()
            .map(|row| row.open_expectations.clone())
            .collect();
        let complaint: Vec<_> = rows.iter().map(|row| row.complaint.clone()).collect();
        let order_key: Vec<_> = rows.iter().map(|row| row.order_key.clone()).collect();
        let problem_key: Vec<_> = rows
            .iter()
            .map(|row| row.problem_key.clone())
            .collect();
        let major_reported_to: Vec<_> = rows
            .iter()
            .map(|row| row.major_reported_to.clone())
            .collect();
        let stored = ::sqlx::query!(
            r"with stored as (
    insert into intake.request (
        id, number, channel, kind, customer, contact, project, order_number, product_model, description,
        business_domain, problem_type, priority, first_responder, owner, department, state, cycle, carrier_state,
        origin, source, external_id, contact_at, first_response_at, promised_at, promise_reason, last_informed_at,
        resolution, assistance, resolved_at, closed_at, first_contact_resolution, settled_at_once, awaited,
        cancel_reason, cancelled_by, unreached_attempts, created_at, updated_at, version, major, major_reason,
        major_at, in_scope, service_level, repeat_of, repeat_contacts, transfers, pending_transfer, solved_first,
        emergency_reason, work_orders, open_expectations, complaint, order_key, problem_key, major_reported_to)
    select row.id, 'R-' || day || '-' || lpad(n::text, greatest(6, length(n::text)), '0'), row.channel, row.kind,
        row.customer, row.contact, row.project, row.order_number, row.product_model, row.description,
        row.business_domain, row.problem_type, row.priority, row.first_responder, row.owner, row.department, row.state,
        row.cycle, row.carrier_state, row.origin, row.source, row.external_id, row.contact_at, row.first_response_at,
        row.promised_at, row.promise_reason, row.last_informed_at, row.resolution, row.assistance, row.resolved_at,
        row.closed_at, row.first_contact_resolution, row.settled_at_once, row.awaited, row.cancel_reason,
        row.cancelled_by, row.unreached_attempts, row.created_at, row.updated_at, row.version, row.major,
        row.major_reason, row.major_at, row.in_scope, row.service_level, row.repeat_of, row.repeat_contacts,
        row.transfers, row.pending_transfer, row.solved_first, row.emergency_reason, row.work_orders,
        row.open_expectations, row.complaint, row.order_key, row.problem_key, row.major_reported_to
    from unnest(
        $1::text[], $2::uuid[], $3::smallint[], $4::smallint[], $5::uuid[], $6::jsonb[], $7::uuid[], $8::text[], $9::text[],
        $10::text[], $11::text[], $12::text[], $13::smallint[], $14::text[], $15::text[], $16::text[], $17::smallint[],
        $18::integer[], $19::smallint[], $20::smallint[], $21::text[], $22::text[], $23::timestamptz[],
        $24::timestamptz[], $25::timestamptz[], $26::text[], $27::timestamptz[], $28::text[], $29::text[],
        $30::timestamptz[], $31::timestamptz[], $32::boolean[], $33::boolean[], $34::text[], $35::text[], $36::text[],
        $37::integer[], $38::timestamptz[], $39::timestamptz[], $40::bigint[], $41::boolean[], $42::text[],
        $43::timestamptz[], $44::boolean[], $45::smallint[], $46::uuid[], $47::integer[], $48::integer[], $49::uuid[],
        $50::boolean[], $51::text[], $52::integer[], $53::integer[], $54::uuid[], $55::text[], $56::text[],
        $57::text[]) as row (
        day, id, channel, kind, customer, contact, project, order_number, product_model, description, business_domain,
        problem_type, priority, first_responder, owner, department, state, cycle, carrier_state, origin, source,
        external_id, contact_at, first_response_at, promised_at, promise_reason, last_informed_at, resolution,
        assistance, resolved_at, closed_at, first_contact_resolution, settled_at_once, awaited, cancel_reason,
        cancelled_by, unreached_attempts, created_at, updated_at, version, major, major_reason, major_at, in_scope,
        service_level, repeat_of, repeat_contacts, transfers, pending_transfer, solved_first, emergency_reason,
        work_orders, open_expectations, complaint, order_key, problem_key, major_reported_to)
    -- A number for each row: without the row in it, the sequence would be asked once.
    cross join lateral (select nextval('intake.request_number') + 0 * length(row.source) as n) as numbered
    where not exists (select from intake.request as known where known.source = row.source and known.external_id = row.external_id)
    on conflict (source, external_id) do nothing
    returning id, number),
to_index as (insert into intake.request_to_index select id from stored)
select id, number from stored",
            days, & id as & [Uuid], & channel as & [i16], & kind as & [i16], & customer
            as & [Option < Uuid >], & contact as & [serde_json::Value], & project as &
            [Option < Uuid >], & order_number as & [String], & product_model as &
            [String], & description as & [String], & business_domain as & [String], &
            problem_type as & [String], & priority as & [i16], & first_responder as &
            [String], & owner as & [String], & department as & [String], & state as &
            [i16], & cycle as & [i32], & carrier_state as & [i16], & origin as & [i16], &
            source as & [Option < String >], & external_id as & [Option < String >], &
            contact_at as & [SqlTime], & first_response_at as & [Option < SqlTime >], &
            promised_at as & [Option < SqlTime >], & promise_reason as & [String], &
            last_informed_at as & [Option < SqlTime >], & resolution as & [String], &
            assistance as & [String], & resolved_at as & [Option < SqlTime >], &
            closed_at as & [Option < SqlTime >], & first_contact_resolution as & [bool],
            & settled_at_once as & [bool], & awaited as & [String], & cancel_reason as &
            [String], & cancelled_by as & [String], & unreached_attempts as & [i32], &
            created_at as & [SqlTime], & updated_at as & [SqlTime], & version as & [i64],
            & major as & [bool], & major_reason as & [String], & major_at as & [Option <
            SqlTime >], & in_scope as & [Option < bool >], & service_level as & [i16], &
            repeat_of as & [Option < Uuid >], & repeat_contacts as & [i32], & transfers
            as & [i32], & pending_transfer as & [Option < Uuid >], & solved_first as &
            [bool], & emergency_reason as & [String], & work_orders as & [i32], &
            open_expectations as & [i32], & complaint as & [Option < Uuid >], & order_key
            as & [String], & problem_key as & [String], & major_reported_to as & [String]
        )
            .fetch_all(connection)
            .await?;
        Ok(stored.into_iter().map(|row| (row.id, row.number)).collect())
    }
}
impl ::kefu_chassis::record::ResourceRow for RequestRow {
    type Kind = Request;
    type Shown = pb::Request;
    fn id(&self) -> ::kefu_chassis::names::Id<Request> {
        Self::id(self)
    }
    fn name(&self) -> String {
        ::kefu_chassis::names::Id::<Request>::from_uuid(self.id).to_string()
    }
    fn show(&self) -> pb::Request {
        Self::show(self)
    }
}
impl ::kefu_chassis::record::StatefulRow for RequestRow {
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
