-- The directory: departments, staff, absences, the general manager. Columns marked `personal` are never logged.
-- Departments and staff are known by the names that their tokens and every other service use.

create table appraisal.department (
    name text collate "C" primary key,
    display_name text not null,
    kind smallint not null,
    domains text[] not null,
    head text collate "C",
    deputies jsonb not null,
    dissolved boolean not null,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    version bigint not null
);

create table appraisal.staff (
    name text collate "C" primary key,
    number text collate "C" not null constraint staff_number unique,
    display_name text not null,
    department text collate "C" constraint staff_department references appraisal.department,
    post text not null,
    level smallint not null,
    roles smallint[] not null,
    skills text[] not null,
    qualifications jsonb not null,
    supervisor text collate "C" constraint staff_supervisor references appraisal.staff,
    inactive boolean not null,
    department_since timestamptz not null,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    version bigint not null
);
comment on column appraisal.staff.display_name is 'personal';
comment on column appraisal.staff.department_since is 'since when they belong to their department';
create index staff_department on appraisal.staff (department, name);
create index staff_active on appraisal.staff (name) where not inactive;
create index staff_roles on appraisal.staff using gin (roles);

alter table appraisal.department add constraint department_head foreign key (head) references appraisal.staff;
create index department_head on appraisal.department (head) where head is not null;

create table appraisal.absence (
    id uuid primary key,
    staff text collate "C" not null references appraisal.staff,
    start_at timestamptz not null,
    end_at timestamptz not null,
    kind smallint not null,
    created_at timestamptz not null,
    version bigint not null,
    check (start_at <= end_at)
);
create index absence_end on appraisal.absence (end_at, id);
create index absence_staff on appraisal.absence (staff, end_at, id);

-- One row. Whoever changes departments or staff takes it first: their rules relate rows with each other, and they are
-- seldom changed. Its version tells a longer piece of work whether somebody else came in between.
create table appraisal.organisation (
    single boolean primary key default true check (single),
    general_manager text collate "C" references appraisal.staff,
    general_manager_version bigint not null,
    version bigint not null
);
insert into appraisal.organisation (general_manager_version, version) values (0, 0);
