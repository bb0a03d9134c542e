-- What was recorded stays as it was: papers and evidence are never changed, and of an archived complaint nothing is (C5.9).
-- These hold for whoever asks. A file is deleted as a whole or not at all, and only when the journal says so: the event must
-- stand in it by the end of the transaction, and neither its time nor the machine's may be before the file may go.
-- What a complaint is found by, complaint_search, is only an index: nothing here guards it.

create function complaints.complaint_guard() returns trigger language plpgsql as $$
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
        raise exception 'C5.9: an archived complaint is never changed';
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
create trigger complaint_guard before insert or update or delete on complaints.complaint
    for each row execute function complaints.complaint_guard();

-- The first argument says how the complaint is found from the row: by its own column, or by that of its evidence.
create function complaints.file_guard() returns trigger language plpgsql as $$
declare
    owner uuid;
begin
    if tg_op = 'UPDATE' then
        raise exception 'C5.9: % is never changed', tg_table_name;
    end if;
    if tg_argv[0] = 'evidence' then
        select complaint into owner from complaints.evidence where id = new.evidence;
    else
        owner := new.complaint;
    end if;
    -- Under a lock, so that nothing slips into a file that is being closed at this moment.
    perform from complaints.complaint where id = owner and state <> 11 for share;
    if not found then
        raise exception 'C5.9: nothing is added to an archived complaint';
    end if;
    return new;
end $$;
create trigger file_guard before insert or update on complaints.paper
    for each row execute function complaints.file_guard('complaint');
create trigger file_guard before insert or update on complaints.evidence
    for each row execute function complaints.file_guard('complaint');
create trigger file_guard before insert or update on complaints.evidence_content
    for each row execute function complaints.file_guard('evidence');

create function complaints.archive_guard() returns trigger language plpgsql as $$
begin
    if tg_op = 'UPDATE' then
        raise exception 'C5.9: % is never changed', tg_table_name;
    end if;
    perform from complaints.complaint where id = new.complaint and state in (10, 12) for share;
    if not found then
        raise exception 'C5.9: only a closed or withdrawn complaint is archived';
    end if;
    if new.retain_until <= new.archived_at then
        raise exception 'C5.9: an archive is kept for some time';
    end if;
    return new;
end $$;
create trigger archive_guard before insert or update on complaints.archive
    for each row execute function complaints.archive_guard();

-- A database is stamped as one of simulated time before anything is recorded in it, or never.
create function complaints.stamp_guard() returns trigger language plpgsql as $$
begin
    if new.name = 'simulated_time' and exists (select from complaints.journal) then
        raise exception 'C5.9: what was recorded on real time is not said to be simulated';
    end if;
    return new;
end $$;
create trigger stamp_guard before insert or update on complaints.fact
    for each row execute function complaints.stamp_guard();

create function complaints.truncate_guard() returns trigger language plpgsql as $$
begin
    raise exception 'C5.9: % is never emptied', tg_table_name;
end $$;
create trigger truncate_guard before truncate on complaints.complaint execute function complaints.truncate_guard();
create trigger truncate_guard before truncate on complaints.paper execute function complaints.truncate_guard();
create trigger truncate_guard before truncate on complaints.evidence execute function complaints.truncate_guard();
create trigger truncate_guard before truncate on complaints.evidence_content execute function complaints.truncate_guard();
create trigger truncate_guard before truncate on complaints.archive execute function complaints.truncate_guard();

create function complaints.purge_guard() returns trigger language plpgsql as $$
begin
    if tg_table_name = 'archive' then
        if not exists (select from complaints.journal where aggregate = 'complaints/' || old.complaint
            and payload_type = 'kefu.complaints.v1.ComplaintPurged' and recorded_at >= old.retain_until)
        then
            raise exception 'C5.9: this file has to be kept, or the journal does not tell of its deletion';
        end if;
        -- The one place where SQL asks for the time: an event's is the word of whoever writes it, and who would delete
        -- too early writes a later one. In a database of simulated time the machine's says nothing.
        if clock_timestamp() < old.retain_until
            and not exists (select from complaints.fact where name = 'simulated_time')
        then
            raise exception 'C5.9: this file has to be kept';
        end if;
        if exists (select from complaints.complaint where id = old.complaint) then
            raise exception 'C5.9: a file is deleted as a whole';
        end if;
    elsif tg_table_name = 'evidence_content' then
        if exists (select from complaints.evidence where id = old.evidence) then
            raise exception 'C5.9: a file is deleted as a whole';
        end if;
    elsif exists (select from complaints.complaint where id = old.complaint) then
        raise exception 'C5.9: a file is deleted as a whole';
    end if;
    return null;
end $$;
create constraint trigger purge_guard after delete on complaints.paper deferrable initially deferred
    for each row execute function complaints.purge_guard();
create constraint trigger purge_guard after delete on complaints.evidence deferrable initially deferred
    for each row execute function complaints.purge_guard();
create constraint trigger purge_guard after delete on complaints.evidence_content deferrable initially deferred
    for each row execute function complaints.purge_guard();
create constraint trigger purge_guard after delete on complaints.archive deferrable initially deferred
    for each row execute function complaints.purge_guard();
