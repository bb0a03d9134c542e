-- Order numbers and types of problem in the folded form of the search, in which they are compared: `A-1`, `a1` and `Ａ－１`
-- are one. They are shown as they were typed.
alter table intake.request
    add column order_key text not null default '',
    add column problem_key text not null default '';
update intake.request set
    order_key = regexp_replace(lower(normalize(order_number, nfkc)), '[[:space:][:punct:]]', '', 'g'),
    problem_key = regexp_replace(lower(normalize(problem_type, nfkc)), '[[:space:][:punct:]]', '', 'g');
drop index intake.request_order_number;
create index request_order_key on intake.request (order_key, contact_at desc, id desc) where order_key <> '';
create index request_problem_key on intake.request (customer, problem_key, contact_at desc) where problem_key <> '';

-- What entries of other services are about, in a few words.
alter table intake.timeline_entry add column summary text not null default '';
comment on column intake.timeline_entry.summary is 'personal';

-- What a customer is found and recognised by: the folded name, its pairs of characters, and the last four digits of each
-- telephone number. A customer that was merged into another one is kept for the record only.
alter table intake.customer
    add column name_key text not null default '',
    add column name_pairs text[] not null default '{}',
    add column phone_ends text[] not null default '{}',
    add column merged_into uuid references intake.customer;
update intake.customer set
    name_key = regexp_replace(lower(normalize(display_name, nfkc)), '[[:space:][:punct:]]', '', 'g'),
    phone_ends = array(select distinct right(phone, 4) from unnest(phones) as phone);
update intake.customer set
    name_pairs = array(select distinct substr(name_key, at, 2) from generate_series(1, length(name_key) - 1) as at);
comment on column intake.customer.name_key is 'personal; the name in folded form';
comment on column intake.customer.name_pairs is 'personal; the pairs of adjacent characters of name_key';
comment on column intake.customer.phone_ends is 'personal; the last four digits of the phones';
drop index intake.customer_display_name;
create index customer_name_pairs on intake.customer using gin (name_pairs);
create index customer_phone_ends on intake.customer using gin (phone_ends);

-- What is registered under the name of a customer who was merged meanwhile is the other one's.
create function intake.present_customer() returns trigger language plpgsql as $$
begin
    if new.customer is not null then
        new.customer := substr(intake.present_name('customers/' || new.customer), 11)::uuid;
    end if;
    return new;
end $$;
create trigger request_present_customer before insert on intake.request
    for each row execute function intake.present_customer();
create trigger project_present_customer before insert on intake.project
    for each row execute function intake.present_customer();
create trigger timeline_entry_present_customer before insert on intake.timeline_entry
    for each row execute function intake.present_customer();

-- Whom a major matter was reported to last (A2.5).
alter table intake.request add column major_reported_to text not null default '';

-- What a customer was told before the registration is noted with it.
alter table intake.progress alter constraint progress_request_fkey deferrable initially deferred;
