-- What complaints are found by: tokens made by the service (chassis, search), apart from the rows they are of. New tokens go
-- straight into the index: a list of pending ones would be read by every search.

create table complaints.complaint_search (
    complaint uuid primary key references complaints.complaint,
    received_at timestamptz not null,
    tokens text[] collate "C" not null,
    said text not null
);
comment on column complaints.complaint_search.tokens is 'personal; grams of what is said, and the spans of time it lies in';
comment on column complaints.complaint_search.said is 'personal; the texts in normal form, a line each';
create index complaint_search_tokens on complaints.complaint_search using gin (tokens) with (fastupdate = off);
