-- Complaints, their papers and their evidence. Columns marked `personal` are never logged and will be erasable.

create sequence complaints.complaint_number;

create table complaints.complaint (
    id uuid primary key,
    number text not null unique,
    channel smallint not null,
    received_at timestamptz not null,
    customer uuid,
    contact jsonb not null,
    matter text not null,
    desired_remedy text not null,
    category smallint not null,
    subcategory text not null,
    severity smallint not null,
    product text not null,
    request uuid constraint complaint_request unique,
    handler text not null,
    department text not null,
    responsible_department text not null,
    responsible_person text not null,
    no_person_reason text not null,
    notified text[] not null,
    investigator text not null,
    parties text[] not null,
    state smallint not null,
    cycle integer not null,
    cause_category smallint not null,
    cause text not null,
    whys text[] not null,
    outcome smallint not null,
    resolution bytea,
    closure smallint not null,
    satisfaction smallint not null,
    unreached_attempts integer not null,
    attempt_days text[] not null,
    contacted boolean not null,
    waived boolean not null,
    evidence_count integer not null,
    withdraw_reason text not null,
    acknowledged_at timestamptz,
    investigated_at timestamptz,
    concluded_at timestamptz,
    proposed_at timestamptz,
    approved_at timestamptz,
    agreed_at timestamptz,
    executed_at timestamptz,
    closed_at timestamptz,
    archived_at timestamptz,
    last_informed_at timestamptz,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    version bigint not null
);
comment on column complaints.complaint.contact is 'personal; how the complainant can be reached';
comment on column complaints.complaint.matter is 'personal';
comment on column complaints.complaint.desired_remedy is 'personal';
comment on column complaints.complaint.no_person_reason is 'personal';
comment on column complaints.complaint.cause is 'personal';
comment on column complaints.complaint.whys is 'personal';
comment on column complaints.complaint.resolution is 'personal; the present kefu.complaints.v1.Resolution, encoded';
comment on column complaints.complaint.withdraw_reason is 'personal';
comment on column complaints.complaint.parties is 'staff and departments that have to do with it, who may see it';
comment on column complaints.complaint.attempt_days is 'the working days (ISO 8601) on which attempts for the present step found nobody (C5.8)';
comment on column complaints.complaint.contacted is 'the investigation of this cycle had words with the complainant (D8.4)';
comment on column complaints.complaint.waived is 'this cycle went on without the complainant';
create index complaint_newest on complaints.complaint (received_at desc, id desc);
create index complaint_customer on complaints.complaint (customer, received_at desc, id desc);
create index complaint_handler on complaints.complaint (handler, received_at desc, id desc);
create index complaint_department on complaints.complaint (department, received_at desc, id desc);
create index complaint_responsible on complaints.complaint (responsible_department, received_at desc, id desc);
create index complaint_investigator on complaints.complaint (investigator, received_at desc, id desc);
create index complaint_state on complaints.complaint (state, received_at desc, id desc);
create index complaint_parties on complaints.complaint using gin (parties);

-- What was recorded in the course of a complaint, each the encoding of a kefu.complaints.v1.Paper: written once.
create table complaints.paper (
    id uuid primary key,
    complaint uuid not null references complaints.complaint,
    kind smallint not null,
    body bytea not null
);
comment on column complaints.paper.body is 'personal';
create index paper_complaint on complaints.paper (complaint, id);

-- Evidence, each the encoding of a kefu.complaints.v1.Evidence: written once.
create table complaints.evidence (
    id uuid primary key,
    complaint uuid not null references complaints.complaint,
    body bytea not null
);
comment on column complaints.evidence.body is 'personal';
create index evidence_complaint on complaints.evidence (complaint, id);

-- Its content, in pieces, apart from what is read and changed often. Most of it is compressed as it comes.
create table complaints.evidence_content (
    evidence uuid not null references complaints.evidence,
    ordinal integer not null,
    bytes bytea not null,
    primary key (evidence, ordinal)
);
alter table complaints.evidence_content alter column bytes set storage external;
comment on column complaints.evidence_content.bytes is 'personal';

-- The closed file of a complaint (C5.9).
create table complaints.archive (
    complaint uuid primary key references complaints.complaint,
    body bytea not null,
    complaint_body bytea not null,
    root_sha256 bytea not null,
    archived_at timestamptz not null,
    retain_until timestamptz not null
);
comment on column complaints.archive.body is 'the manifest: a kefu.complaints.v1.Archive, encoded';
comment on column complaints.archive.complaint_body is 'personal; the complaint as it was closed: a kefu.complaints.v1.Complaint, encoded';
create index archive_retain_until on complaints.archive (retain_until);
