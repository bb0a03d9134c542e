-- Customers, their projects, and requests. Columns marked `personal` are never logged and will be erasable.

create table intake.customer (
    id uuid primary key,
    display_name text not null,
    kind smallint not null,
    contacts jsonb not null,
    phones text[] not null,
    emails text[] not null,
    preferred_channel smallint not null,
    preferred_hours text not null,
    preferred_language smallint not null,
    needs text not null,
    service_plan text not null,
    since_at timestamptz not null,
    owner text not null,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    version bigint not null
);
comment on column intake.customer.display_name is 'personal';
comment on column intake.customer.contacts is 'personal; phones as E.164';
comment on column intake.customer.phones is 'personal; the phones of contacts, to find by';
comment on column intake.customer.emails is 'personal; the e-mails of contacts in lower case, to find by';
create index customer_phones on intake.customer using gin (phones);
create index customer_emails on intake.customer using gin (emails);
create index customer_display_name on intake.customer (display_name collate "C", id);
create index customer_owner on intake.customer (owner, id);

create table intake.project (
    id uuid primary key,
    customer uuid not null references intake.customer,
    display_name text not null,
    product text not null,
    contract_signatory text not null,
    manager text not null,
    delivered_at timestamptz,
    site_address text not null,
    site_tier smallint not null,
    watched_urls text[] not null,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    version bigint not null,
    unique (customer, id)
);
comment on column intake.project.site_address is 'personal';

create sequence intake.request_number;

create table intake.request (
    id uuid primary key,
    number text not null unique,
    channel smallint not null,
    kind smallint not null,
    customer uuid constraint request_customer references intake.customer,
    contact jsonb not null,
    project uuid,
    order_number text not null,
    product_model text not null,
    description text not null,
    business_domain text not null,
    problem_type text not null,
    priority smallint not null,
    first_responder text not null,
    owner text not null,
    department text not null,
    state smallint not null,
    cycle integer not null,
    carrier_state smallint not null,
    origin smallint not null,
    source text,
    external_id text,
    contact_at timestamptz not null,
    first_response_at timestamptz,
    promised_at timestamptz,
    promise_reason text not null,
    last_informed_at timestamptz,
    resolution text not null,
    assistance text not null,
    resolved_at timestamptz,
    closed_at timestamptz,
    first_contact_resolution boolean not null,
    settled_at_once boolean not null,
    awaited text not null,
    cancel_reason text not null,
    unreached_attempts integer not null,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    version bigint not null,
    unique (source, external_id),
    constraint request_project foreign key (customer, project) references intake.project (customer, id)
);
comment on column intake.request.contact is 'personal; the contact used';
comment on column intake.request.description is 'personal';
comment on column intake.request.cancel_reason is 'personal';
comment on column intake.request.settled_at_once is 'no progress report, waiting or reopening so far (A2.3)';
create index request_newest on intake.request (contact_at desc, id desc);
create index request_customer on intake.request (customer, contact_at desc, id desc);
create index request_owner on intake.request (owner, contact_at desc, id desc);
create index request_department on intake.request (department, contact_at desc, id desc);
create index request_state on intake.request (state, contact_at desc, id desc);
create index request_external on intake.request (external_id) where external_id is not null;
create index request_queue on intake.request (owner) where state in (1, 2, 3, 4);

-- The first responder is a record of what happened (A2.1) and never changes.
create function intake.request_guard() returns trigger language plpgsql as $$
begin
    if new.first_responder <> old.first_responder then
        raise exception 'A2.1: the first responder never changes';
    end if;
    return new;
end $$;
create trigger request_guard before update of first_responder on intake.request
    for each row execute function intake.request_guard();

create table intake.progress (
    id uuid primary key,
    request uuid not null references intake.request,
    text text not null,
    told_by smallint not null,
    carrier_state smallint not null,
    author text not null,
    occurred_at timestamptz not null,
    created_at timestamptz not null
);
comment on column intake.progress.text is 'personal';
create index progress_request on intake.progress (request, id);

create table intake.contact_attempt (
    id uuid primary key,
    request uuid not null references intake.request,
    outcome smallint not null,
    channel smallint not null,
    comment text not null,
    cycle integer not null,
    working_day date,
    author text not null,
    occurred_at timestamptz not null,
    created_at timestamptz not null
);
comment on column intake.contact_attempt.comment is 'personal';
comment on column intake.contact_attempt.working_day is 'the working day it counts for under C4.2; none on a day off';
create index contact_attempt_request on intake.contact_attempt (request, id);
