// `RequestRow` of services/intake/src/request/row.rs, expanded.

///Queries `intake.request`: what follows the `from`, and its parameters.
macro_rules! requests {
    ($rest:literal $($arguments:tt)*) => {
        ::sqlx::query_as!(RequestRow,
        r"select id, number, channel, kind, customer, contact, project, order_number, product_model, description, business_domain,
    problem_type, priority, first_responder, owner, department, state, cycle, carrier_state, origin, source,
    external_id, contact_at, first_response_at, promised_at, promise_reason, last_informed_at, resolution, assistance,
    resolved_at, closed_at, first_contact_resolution, settled_at_once, awaited, cancel_reason, unreached_attempts,
    created_at, updated_at, version, major, major_reason, major_at, in_scope, service_level, repeat_of,
    repeat_contacts, linked, transfers, pending_transfer, solved_first, emergency_reason, work_orders,
    open_expectations, complaint
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
        self.updated_at = ::kefu_chassis::time::sql::at(now);
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
    resolved_at, closed_at, first_contact_resolution, settled_at_once, awaited, cancel_reason, unreached_attempts,
    created_at, updated_at, version, major, major_reason, major_at, in_scope, service_level, repeat_of,
    repeat_contacts, linked, transfers, pending_transfer, solved_first, emergency_reason, work_orders,
    open_expectations, complaint
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
    resolved_at, closed_at, first_contact_resolution, settled_at_once, awaited, cancel_reason, unreached_attempts,
    created_at, updated_at, version, major, major_reason, major_at, in_scope, service_level, repeat_of,
    repeat_contacts, linked, transfers, pending_transfer, solved_first, emergency_reason, work_orders,
    open_expectations, complaint
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
    resolved_at, closed_at, first_contact_resolution, settled_at_once, awaited, cancel_reason, unreached_attempts,
    created_at, updated_at, version, major, major_reason, major_at, in_scope, service_level, repeat_of,
    repeat_contacts, linked, transfers, pending_transfer, solved_first, emergency_reason, work_orders,
    open_expectations, complaint
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
    resolved_at, closed_at, first_contact_resolution, settled_at_once, awaited, cancel_reason, unreached_attempts,
    created_at, updated_at, version, major, major_reason, major_at, in_scope, service_level, repeat_of,
    repeat_contacts, linked, transfers, pending_transfer, solved_first, emergency_reason, work_orders,
    open_expectations, complaint)
select $1, 'R-' || $5 || '-' || lpad(n::text, greatest(6, length(n::text)), '0'), $6, $7, $8, $9, $10, $11, $12, $13, $14,
    $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $2, $26, $27, $28, $29, $30, $31, $32, $33, $34, $35, $36,
    $37, $38, $39, $40, $41, $42, $43, $44, $45, $46, $47, $48, $49, $50, $51, $52, $53, $54, $55, $56
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
            .awaited, self.cancel_reason, self.unreached_attempts, self.created_at, self
            .updated_at, self.version, self.major, self.major_reason, self.major_at, self
            .in_scope, self.service_level, self.repeat_of, self.repeat_contacts, & self
            .linked, self.transfers, self.pending_transfer, self.solved_first, self
            .emergency_reason, self.work_orders, self.open_expectations, self.complaint
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
    settled_at_once = $21, awaited = $22, cancel_reason = $23, unreached_attempts = $24, updated_at = $25,
    version = $26, major = $27, major_reason = $28, major_at = $29, in_scope = $30, service_level = $31,
    repeat_of = $32, repeat_contacts = $33, linked = $34, transfers = $35, pending_transfer = $36, solved_first = $37,
    emergency_reason = $38, work_orders = $39, open_expectations = $40, complaint = $41
where id = $1",
            self.id, tokens, texts, self.business_domain, self.problem_type, self
            .priority, self.owner, self.department, self.state, self.cycle, self
            .carrier_state, self.first_response_at, self.promised_at, self
            .promise_reason, self.last_informed_at, self.resolution, self.assistance,
            self.resolved_at, self.closed_at, self.first_contact_resolution, self
            .settled_at_once, self.awaited, self.cancel_reason, self.unreached_attempts,
            self.updated_at, self.version, self.major, self.major_reason, self.major_at,
            self.in_scope, self.service_level, self.repeat_of, self.repeat_contacts, &
            self.linked, self.transfers, self.pending_transfer, self.solved_first, self
            .emergency_reason, self.work_orders, self.open_expectations, self.complaint
        )
            .execute(connection)
            .await?;
        ::kefu_chassis::record::exactly_one(&done)
    }
}
impl ::kefu_chassis::record::ResourceRow for RequestRow {
    type Kind = Request;
    type Shown = pb::Request;
    fn id(&self) -> ::kefu_chassis::names::Id<Request> {
        Self::id(self)
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
///[`RequestRow`]s, a vector for each column, as a statement unnests them.
#[derive(Debug)]
pub struct RequestColumns {
    pub id: Vec<Uuid>,
    pub channel: Vec<i16>,
    pub kind: Vec<i16>,
    pub customer: Vec<Option<Uuid>>,
    pub contact: Vec<serde_json::Value>,
    pub description: Vec<String>,
    pub business_domain: Vec<String>,
    pub problem_type: Vec<String>,
    pub priority: Vec<i16>,
    pub first_responder: Vec<String>,
    pub owner: Vec<String>,
    pub department: Vec<String>,
    pub state: Vec<i16>,
    pub origin: Vec<i16>,
    pub source: Vec<Option<String>>,
    pub external_id: Vec<Option<String>>,
    pub contact_at: Vec<SqlTime>,
    pub first_response_at: Vec<Option<SqlTime>>,
    pub promised_at: Vec<Option<SqlTime>>,
    pub resolved_at: Vec<Option<SqlTime>>,
    pub closed_at: Vec<Option<SqlTime>>,
    pub created_at: Vec<SqlTime>,
}
impl FromIterator<RequestRow> for RequestColumns {
    fn from_iter<I: IntoIterator<Item = RequestRow>>(rows: I) -> Self {
        let rows = rows.into_iter();
        let count = rows.size_hint().0;
        let mut columns = Self {
            id: Vec::with_capacity(count),
            channel: Vec::with_capacity(count),
            kind: Vec::with_capacity(count),
            customer: Vec::with_capacity(count),
            contact: Vec::with_capacity(count),
            description: Vec::with_capacity(count),
            business_domain: Vec::with_capacity(count),
            problem_type: Vec::with_capacity(count),
            priority: Vec::with_capacity(count),
            first_responder: Vec::with_capacity(count),
            owner: Vec::with_capacity(count),
            department: Vec::with_capacity(count),
            state: Vec::with_capacity(count),
            origin: Vec::with_capacity(count),
            source: Vec::with_capacity(count),
            external_id: Vec::with_capacity(count),
            contact_at: Vec::with_capacity(count),
            first_response_at: Vec::with_capacity(count),
            promised_at: Vec::with_capacity(count),
            resolved_at: Vec::with_capacity(count),
            closed_at: Vec::with_capacity(count),
            created_at: Vec::with_capacity(count),
        };
        for row in rows {
            columns.id.push(row.id);
            columns.channel.push(row.channel);
            columns.kind.push(row.kind);
            columns.customer.push(row.customer);
            columns.contact.push(row.contact);
            columns.description.push(row.description);
            columns.business_domain.push(row.business_domain);
            columns.problem_type.push(row.problem_type);
            columns.priority.push(row.priority);
            columns.first_responder.push(row.first_responder);
            columns.owner.push(row.owner);
            columns.department.push(row.department);
            columns.state.push(row.state);
            columns.origin.push(row.origin);
            columns.source.push(row.source);
            columns.external_id.push(row.external_id);
            columns.contact_at.push(row.contact_at);
            columns.first_response_at.push(row.first_response_at);
            columns.promised_at.push(row.promised_at);
            columns.resolved_at.push(row.resolved_at);
            columns.closed_at.push(row.closed_at);
            columns.created_at.push(row.created_at);
        }
        columns
    }
}
