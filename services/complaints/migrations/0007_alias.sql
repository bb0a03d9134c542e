-- What is registered under the name of a customer who was merged meanwhile is the other one's.
create function complaints.present_customer() returns trigger language plpgsql as $$
begin
    if new.customer is not null then
        new.customer := substr(complaints.present_name('customers/' || new.customer), 11)::uuid;
    end if;
    return new;
end $$;
create trigger complaint_present_customer before insert on complaints.complaint
    for each row execute function complaints.present_customer();

-- Of an archived complaint one thing changes: a customer who was merged into another is that one (C5.9, A2.8).
create or replace function complaints.complaint_guard() returns trigger language plpgsql as $$
begin
    if tg_op = 'INSERT' then
        if new.state = 11 then
            raise exception 'C5.9: a complaint is not archived from the start';
        end if;
        return new;
    end if;
    if tg_op = 'DELETE' then
        if old.state <> 11 then
            raise exception 'C5.9: a complaint that is not archived is not deleted';
        end if;
        return old;
    end if;
    if old.state = 11 then
        if to_jsonb(new) - 'customer' is distinct from to_jsonb(old) - 'customer'
            or new.customer is not distinct from old.customer
            or 'customers/' || new.customer is distinct from complaints.present_name('customers/' || old.customer)
        then
            raise exception 'C5.9: an archived complaint is never changed';
        end if;
        return new;
    end if;
    -- What refers to it is guarded at the end of a transaction: under another id its file could be exchanged before that.
    if (new.id, new.number, new.received_at, new.created_at)
        is distinct from (old.id, old.number, old.received_at, old.created_at)
    then
        raise exception 'C5.9: which complaint it is and when it came is never changed';
    end if;
    if new.state = 11 and old.state not in (10, 12) then
        raise exception 'C5.9: only a closed or withdrawn complaint is archived';
    end if;
    if new.state = 11 and not exists (select from complaints.archive where complaint = new.id) then
        raise exception 'C5.9: a complaint is archived with its manifest';
    end if;
    return new;
end $$;
