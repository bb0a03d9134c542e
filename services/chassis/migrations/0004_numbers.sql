-- What people call the subject of a duty or of a notification, e.g. R-20261130-000001; never personal data.
alter table duty add column number text not null default '';
alter table notification add column number text not null default '';
