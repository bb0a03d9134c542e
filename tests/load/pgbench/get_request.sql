-- Selects a request by its key as GetRequest does: one of the :rows that register_request wrote with 32 clients.
\set k random(1, :rows) * 64 + random(0, 31)
select id, number, channel, kind, customer, contact, project, order_number, product_model, description, business_domain,
    problem_type, priority, first_responder, owner, department, state, cycle, carrier_state, origin, source, external_id,
    contact_at, first_response_at, promised_at, promise_reason, last_informed_at, resolution, assistance, resolved_at,
    closed_at, first_contact_resolution, settled_at_once, awaited, cancel_reason, unreached_attempts, created_at,
    updated_at, version, major, major_reason, major_at, in_scope, service_level, repeat_of, repeat_contacts, linked,
    transfers, pending_transfer, solved_first, emergency_reason, work_orders, open_expectations, complaint
from intake.request where id = lpad(to_hex(:k::bigint), 32, '0')::uuid;
