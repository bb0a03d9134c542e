-- Who recorded the attempts of the present step that reached nobody: they do not waive the contact (C5.8).
alter table complaints.complaint add column tried_by text[] not null default '{}';
