-- Requests that become complaints, and what other services have of a customer.

alter table intake.request add column complaint uuid;

-- A request that is to become a complaint: what is registered, under one id whoever tries and however often.
create table intake.conversion (
    request uuid primary key references intake.request,
    call_id uuid not null,
    registration bytea not null,
    actor text not null,
    request_id uuid,
    digest bytea not null,
    done boolean not null,
    try_next_at timestamptz not null,
    created_at timestamptz not null
);
comment on column intake.conversion.registration is 'personal; a kefu.complaints.v1.RegisterComplaintRequest, encoded';
comment on column intake.conversion.digest is 'of the payload of the call that decided it, which request_id names: it is answered whoever finishes it';
create index conversion_open on intake.conversion (try_next_at) where not done;

-- What other services have of customers, kept from their feeds: one line a resource (B1.2).
create table intake.timeline_entry (
    id uuid primary key,
    customer uuid not null,
    kind smallint not null,
    number text not null,
    began_at timestamptz not null,
    state text not null,
    topic text not null,
    linked text not null
);
create index timeline_entry_customer on intake.timeline_entry (customer, began_at desc, id desc);
