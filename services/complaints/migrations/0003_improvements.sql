-- Improvements, and how many contacts intake had, by which complaints are counted.

create sequence complaints.improvement_number;

create table complaints.improvement (
    id uuid primary key,
    number text not null unique,
    complaints uuid[] not null,
    cause_category smallint not null,
    cause text not null,
    responsible_department text not null,
    measure text not null,
    owner text not null,
    department text not null,
    due_at timestamptz not null,
    verifier text not null,
    state smallint not null,
    report text not null,
    completed_at timestamptz,
    check_at timestamptz,
    verified_at timestamptz,
    comment text not null,
    days integer not null,
    count_before bigint not null,
    count_after bigint not null,
    contacts_before bigint not null,
    contacts_after bigint not null,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    version bigint not null
);
comment on column complaints.improvement.cause is 'personal';
comment on column complaints.improvement.measure is 'personal';
comment on column complaints.improvement.report is 'personal';
comment on column complaints.improvement.comment is 'personal';

create index improvement_owner on complaints.improvement (owner, id);
create index improvement_responsible on complaints.improvement (responsible_department, id);

-- Kept from intake's feed: requests by the day that the customer came, in the business calendar's zone.
create table complaints.contact_count (
    day date primary key,
    contacts bigint not null,
    live boolean not null
);
comment on column complaints.contact_count.live is 'some of them were registered, and not imported: from the first such day on contacts are recorded as they come';

create index complaint_cause on complaints.complaint (responsible_department, cause_category, received_at);
create index complaint_repeated on complaints.complaint (customer, cause_category, received_at) where customer is not null;
