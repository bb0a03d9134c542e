-- Whose a request is and how it changes hands, remote service, and unmet expectations.

alter table intake.request
    add column major boolean not null default false,
    add column major_reason text not null default '',
    add column major_at timestamptz,
    add column in_scope boolean,
    add column service_level smallint not null default 1,
    add column repeat_of uuid,
    add column repeat_contacts integer not null default 0,
    add column linked uuid[] not null default '{}',
    add column transfers integer not null default 0,
    add column pending_transfer uuid,
    add column solved_first boolean not null default false,
    add column emergency_reason text not null default '',
    add column work_orders integer not null default 0,
    add column open_expectations integer not null default 0;
comment on column intake.request.major_reason is 'personal';
comment on column intake.request.emergency_reason is 'personal';

-- What waits for the answer to a transfer is in its owner's queue too.
create index request_open on intake.request (owner) where state in (1, 2, 3, 4, 7);
drop index intake.request_queue;

create table intake.transfer (
    id uuid primary key,
    request uuid not null references intake.request,
    from_owner text not null,
    from_department text not null,
    recipient text not null,
    department text not null,
    capacity smallint not null,
    reason text not null,
    state smallint not null,
    answered_by text not null,
    decline_reason text not null,
    occurred_at timestamptz not null,
    answered_at timestamptz,
    created_at timestamptz not null
);
comment on column intake.transfer.reason is 'personal';
comment on column intake.transfer.decline_reason is 'personal';
create index transfer_request on intake.transfer (request, id);

create table intake.work_order (
    id uuid primary key,
    request uuid not null references intake.request,
    for_department text not null,
    content text not null,
    retroactive boolean not null,
    reason text not null,
    author text not null,
    occurred_at timestamptz not null,
    created_at timestamptz not null
);
comment on column intake.work_order.content is 'personal';
comment on column intake.work_order.reason is 'personal';
create index work_order_request on intake.work_order (request, id);

create table intake.remote_authorization (
    id uuid primary key,
    request uuid not null references intake.request,
    authorized_by text not null,
    given_by smallint not null,
    scope text not null,
    expire_at timestamptz not null,
    author text not null,
    occurred_at timestamptz not null,
    created_at timestamptz not null
);
comment on column intake.remote_authorization.authorized_by is 'personal';
comment on column intake.remote_authorization.scope is 'personal';
create index remote_authorization_request on intake.remote_authorization (request, id);

create table intake.unmet_expectation (
    id uuid primary key,
    request uuid not null references intake.request,
    expectation text not null,
    analysis text not null,
    improvement text not null,
    answer text not null,
    told_by smallint not null,
    author text not null,
    occurred_at timestamptz not null,
    answered_at timestamptz,
    created_at timestamptz not null
);
comment on column intake.unmet_expectation.expectation is 'personal';
comment on column intake.unmet_expectation.analysis is 'personal';
comment on column intake.unmet_expectation.improvement is 'personal';
comment on column intake.unmet_expectation.answer is 'personal';
create index unmet_expectation_request on intake.unmet_expectation (request, id);
