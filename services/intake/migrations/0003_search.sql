-- What requests and customers are found by: tokens made by the service (chassis, search), apart from the rows they are of,
-- so that these stay cheap to change. New tokens go straight into the index: a list of pending ones would be read by every
-- search.

create table intake.request_search (
    request uuid primary key references intake.request,
    contact_at timestamptz not null,
    tokens text[] collate "C" not null,
    said text not null
);
comment on column intake.request_search.tokens is 'personal; grams of what is said, and the spans of time it lies in';
comment on column intake.request_search.said is 'personal; the texts in normal form, which a search compares without reading the request';
create index request_search_tokens on intake.request_search using gin (tokens) with (fastupdate = off);

create table intake.customer_search (
    customer uuid primary key references intake.customer,
    tokens text[] collate "C" not null,
    said text not null
);
comment on column intake.customer_search.tokens is 'personal; grams of names and addresses, each with its era';
comment on column intake.customer_search.said is 'personal; names and addresses in normal form';
create index customer_search_tokens on intake.customer_search using gin (tokens) with (fastupdate = off);

-- What the service has yet to index: all that was there before this migration, and what is imported.
create table intake.request_to_index (request uuid primary key);
insert into intake.request_to_index select id from intake.request;
create table intake.customer_to_index (customer uuid primary key);
insert into intake.customer_to_index select id from intake.customer;

create index request_order_number on intake.request (order_number, contact_at desc, id desc) where order_number <> '';
create index request_running_number on intake.request ((split_part(number, '-', 3)));
