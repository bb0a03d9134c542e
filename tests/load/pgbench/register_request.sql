-- Inserts the rows of RegisterRequest in one transaction: a request, its search entry, its event, its three duties,
-- its reply. Values that vary in length (:payload, :response and so on) are those of a row that the service wrote. The
-- search entry is one of :places that the service wrote, because repeating one would find its index pages warm. Keys
-- rise, as the service's do.
\set i :i + 1
\set k :i * 64 + :client_id
\set place random(1, :places)
begin;
insert into intake.request (
    id, number, channel, kind, customer, contact, project, order_number, product_model, description, business_domain,
    problem_type, priority, first_responder, owner, department, state, cycle, carrier_state, origin, contact_at,
    first_response_at, promise_reason, last_informed_at, resolution, assistance, first_contact_resolution,
    settled_at_once, awaited, cancel_reason, unreached_attempts, created_at, updated_at, version, in_scope, repeat_of,
    linked)
select lpad(to_hex(:k::bigint), 32, '0')::uuid, 'R-20261127-' || lpad(n::text, greatest(6, length(n::text)), '0'), 4, 2,
    :customer, :contact, null, '', :product_model, :description, '', '', 2, :actor, :actor, :department, 1, 0, 0, 1,
    clock_timestamp(), null, '', null, '', '', false, true, '', '', 0, clock_timestamp(), clock_timestamp(), 1, null, null,
    '{}'
from nextval('intake.request_number') as n;
insert into intake.request_search (request, contact_at, tokens, texts)
select lpad(to_hex(:k::bigint), 32, '0')::uuid, clock_timestamp(), tokens, texts from texts_request where place = :place;
insert into intake.journal (
    event_id, aggregate, aggregate_version, actor, occurred_at, recorded_at, clauses, regulation, payload_type,
    payload, salt, payload_digest, duty_changes, corrects)
values (
    lpad(to_hex(:k::bigint), 32, '0')::uuid, 'requests/' || lpad(to_hex(:k::bigint), 32, '0')::uuid, 1, :actor, clock_timestamp(),
    clock_timestamp(), string_to_array(:clauses, ','), :regulation, :payload_type, :payload, :salt, :payload_digest,
    :duty_changes, null);
insert into intake.duty (
    id, clause, kind, subject, owner, department, regulation, calendar, state, measure, budget_us, elapsed_us, paused_us,
    opened_at, running_since, paused_since, pause_reasons, due_at, provisional, met_at, breached_at, breach_event, late, recorded_late,
    reason, decided_by, version, escalation_level, next_escalation_at)
values
    (lpad(to_hex(:k::bigint * 4 + 0), 32, '0')::uuid, 'C2.1', 'first_response', 'requests/' || lpad(to_hex(:k::bigint), 32, '0')::uuid,
        :actor, :department, :regulation, :calendar, 1, 2, 3600000000, 0, 0, clock_timestamp(), clock_timestamp(), null, 0,
        clock_timestamp() + interval '3 days', false, null, null, null, false, false, '', '', 1, 0, null),
    (lpad(to_hex(:k::bigint * 4 + 1), 32, '0')::uuid, 'C2.4', 'classification', 'requests/' || lpad(to_hex(:k::bigint), 32, '0')::uuid,
        :actor, :department, :regulation, :calendar, 1, 2, 1800000000, 0, 0, clock_timestamp(), clock_timestamp(), null, 0,
        clock_timestamp() + interval '3 days', false, null, null, null, false, false, '', '', 1, 0, null),
    (lpad(to_hex(:k::bigint * 4 + 2), 32, '0')::uuid, 'A2.8', 'pass_on', 'requests/' || lpad(to_hex(:k::bigint), 32, '0')::uuid,
        :actor, :department, :regulation, :calendar, 1, 2, 1800000000, 0, 0, clock_timestamp(), clock_timestamp(), null, 0,
        clock_timestamp() + interval '3 days', false, null, null, null, false, false, '', '', 1, 0, null);
insert into intake.reply (subject, method, request_id, digest, response, recorded_at)
values (:actor, :method, gen_random_uuid(), :payload_digest, :response, clock_timestamp());
end;
