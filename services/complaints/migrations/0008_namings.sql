-- Who is or was said to be responsible in person, struck namings too.
alter table complaints.complaint add column namings bytea[] not null default '{}';
comment on column complaints.complaint.namings is 'personal; each a kefu.complaints.v1.Naming, encoded';
