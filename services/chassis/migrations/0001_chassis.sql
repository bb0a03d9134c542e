-- The chassis' tables, the same in every service's schema: names are unqualified and resolve by search_path.
-- No statement here or elsewhere reads the database's clock: times come from the service's injected clock.

-- Every change, in the order it was appended; sealed in batches into a gapless, hash-chained sequence.
create table journal (
    seq bigint generated always as identity primary key,
    position bigint unique,
    hash bytea,
    event_id uuid not null,
    aggregate text not null,
    aggregate_version bigint not null,
    actor text not null,
    occurred_at timestamptz not null,
    recorded_at timestamptz not null,
    clauses text[] not null,
    regulation text not null,
    payload_type text not null,
    payload bytea,
    salt bytea,
    payload_digest bytea not null,
    duty_changes bytea not null,
    corrects uuid,
    check ((position is null) = (hash is null))
);
create index journal_unsealed on journal (seq) where position is null;
create index journal_aggregate on journal (aggregate, seq);

-- A sealed event is never changed again, whoever asks; only its payload and salt may be erased.
create function journal_guard() returns trigger language plpgsql as $$
begin
    if tg_op in ('DELETE', 'TRUNCATE') then
        raise exception 'the journal is append-only';
    end if;
    if old.position is not null and (
        to_jsonb(new) - 'payload' - 'salt' is distinct from to_jsonb(old) - 'payload' - 'salt'
        or new.payload is distinct from old.payload and new.payload is not null
        or new.salt is distinct from old.salt and new.salt is not null)
    then
        raise exception 'a sealed event is never changed';
    end if;
    return new;
end $$;
create trigger journal_guard before update or delete on journal for each row execute function journal_guard();
create trigger journal_guard_all before truncate on journal for each statement execute function journal_guard();

-- Obligations under a clause, each with a clock.
create table duty (
    id uuid primary key,
    clause text not null,
    kind text not null,
    subject text not null,
    owner text not null,
    department text not null,
    regulation text not null,
    calendar text not null,
    state smallint not null,
    measure smallint not null,
    budget_us bigint not null,
    elapsed_us bigint not null,
    paused_us bigint not null,
    opened_at timestamptz not null,
    running_since timestamptz,
    paused_since timestamptz,
    holds smallint not null,
    due_at timestamptz not null,
    provisional boolean not null,
    met_at timestamptz,
    breached_at timestamptz,
    breach_event uuid,
    late boolean not null,
    corrected boolean not null,
    reason text not null,
    decided_by text not null,
    version bigint not null
);
create index duty_due on duty (due_at) where state = 1 and breached_at is null;
create index duty_live on duty (subject) where state in (1, 2);
create index duty_list on duty (due_at, id);
create index duty_subject on duty (subject, due_at, id);
create index duty_owner on duty (owner, due_at, id);
create index duty_department on duty (department, due_at, id);
create index duty_clause on duty (clause, opened_at);
create index duty_opened on duty (opened_at);

-- Replies to calls that carried a request_id, for their repetition; kept 7 days.
create table reply (
    subject text not null,
    method text not null,
    request_id uuid not null,
    digest bytea not null,
    response bytea not null,
    recorded_at timestamptz not null,
    primary key (subject, method, request_id)
);
create index reply_recorded on reply (recorded_at);

-- The calendars that duties count on: a clock keeps the one it started with.
create table calendar (
    version text primary key,
    definition text not null
);

-- What is true of the whole schema: e.g. that it has seen simulated time.
create table fact (
    name text primary key,
    value text not null
);
