-- Inserts the rows of RegisterComplaint in one transaction: a complaint, its search entry, its event, its two duties,
-- its reply. Values that vary in length (:payload, :response and so on) are those of a row that the service wrote. The
-- search entry is one of :places that the service wrote, because repeating one would find its index pages warm. Keys
-- rise, as the service's do.
\set i :i + 1
\set k :i * 64 + :client_id
\set place random(1, :places)
begin;
insert into complaints.complaint (
    id, number, channel, received_at, customer, contact, matter, desired_remedy, category, subcategory, severity, product,
    request, handler, department, responsible_department, responsible_person, no_person_reason, notified, investigator,
    parties, state, cycle, cause_category, cause, whys, outcome, closure, satisfaction, unreached_attempts, attempt_days,
    contacted, waived, evidence_count, withdraw_reason, created_at, updated_at, version)
select lpad(to_hex(:k::bigint), 32, '0')::uuid, 'C-20261127-' || lpad(n::text, greatest(6, length(n::text)), '0'), 1,
    clock_timestamp(), null, :contact, :matter, :desired_remedy, 0, '', 0, '', null, :actor, :department, '', '', '', '{}',
    '', array[:actor, :department], 1, 0, 0, '', '{}', 0, 0, 0, 0, '{}', false, false, 0, '', clock_timestamp(),
    clock_timestamp(), 1
from nextval('complaints.complaint_number') as n;
insert into complaints.complaint_search (complaint, received_at, tokens, texts)
select lpad(to_hex(:k::bigint), 32, '0')::uuid, clock_timestamp(), tokens, texts from texts_complaint where place = :place;
insert into complaints.journal (
    event_id, aggregate, aggregate_version, actor, occurred_at, recorded_at, clauses, regulation, payload_type,
    payload, salt, payload_digest, duty_changes, corrects)
values (
    lpad(to_hex(:k::bigint), 32, '0')::uuid, 'complaints/' || lpad(to_hex(:k::bigint), 32, '0')::uuid, 1, :actor, clock_timestamp(),
    clock_timestamp(), string_to_array(:clauses, ','), :regulation, :payload_type, :payload, :salt, :payload_digest,
    :duty_changes, null);
insert into complaints.duty (
    id, clause, kind, subject, owner, department, regulation, calendar, state, measure, budget_us, elapsed_us, paused_us,
    opened_at, running_since, paused_since, pause_reasons, due_at, provisional, met_at, breached_at, breach_event, late, recorded_late,
    reason, decided_by, version, escalation_level, next_escalation_at)
values
    (lpad(to_hex(:k::bigint * 4 + 0), 32, '0')::uuid, 'C5.2', 'acknowledgement', 'complaints/' || lpad(to_hex(:k::bigint), 32, '0')::uuid,
        :actor, :department, :regulation, :calendar, 1, 2, 3600000000, 0, 0, clock_timestamp(), clock_timestamp(), null, 0,
        clock_timestamp() + interval '3 days', false, null, null, null, false, false, '', '', 1, 0, null),
    (lpad(to_hex(:k::bigint * 4 + 1), 32, '0')::uuid, 'C5.3', 'investigation', 'complaints/' || lpad(to_hex(:k::bigint), 32, '0')::uuid,
        :actor, :department, :regulation, :calendar, 1, 2, 86400000000, 0, 0, clock_timestamp(), clock_timestamp(), null, 0,
        clock_timestamp() + interval '3 days', false, null, null, null, false, false, '', '', 1, 0, null);
insert into complaints.reply (subject, method, request_id, digest, response, recorded_at)
values (:actor, :method, gen_random_uuid(), :payload_digest, :response, clock_timestamp());
end;
