-- The copy of the directory, notifications, and the escalation of duties.

-- Departments, staff and absences as kefu.directory.v1 tells of them; kept from its feed and from nowhere else.
create table directory_department (
    name text primary key,
    kind smallint not null,
    domains text[] not null,
    head text not null,
    deputies jsonb not null,
    dissolved boolean not null
);
comment on column directory_department.deputies is 'who stands in for the head, in order: [{staff, domains}]';

create table directory_staff (
    name text primary key,
    roles smallint[] not null,
    supervisor text not null,
    inactive boolean not null
);

-- Since when somebody belongs to a department: what happened before stays with the one they were in.
create table directory_membership (
    staff text not null,
    since_at timestamptz not null,
    department text not null,
    primary key (staff, since_at)
);

create table directory_absence (
    name text primary key,
    staff text not null,
    start_at timestamptz not null,
    end_at timestamptz not null
);
create index directory_absence_end on directory_absence (end_at);

-- Posts that one person holds, such as the general manager's.
create table directory_post (
    name text primary key,
    staff text not null
);

-- How far the journal of another service was followed: changed in the transaction of what it brought about.
create table feed_cursor (
    feed text primary key,
    position bigint not null,
    hash bytea not null
);

-- What somebody of the staff has to know; written with the event that it comes from.
create table notification (
    id uuid primary key,
    event uuid not null,
    recipient text not null,
    kind text not null,
    clause text not null,
    subject text not null,
    duty uuid,
    text_en text not null,
    text_zh text not null,
    acknowledgement_required boolean not null,
    acknowledged_at timestamptz,
    created_at timestamptz not null
);
create index notification_recipient on notification (recipient, id desc);
create index notification_open on notification (recipient, id desc) where acknowledged_at is null;
create index notification_event on notification (event);

-- Who has been told of a breach, one after the other, and when the next is.
alter table duty
    add column told smallint not null default 0,
    add column tell_next_at timestamptz;
create index duty_tell_next on duty (tell_next_at) where state = 1 and tell_next_at is not null;
