-- Names of resources that were merged into others: each stays an alias of the one that has everything now.
create table alias (
    old_name text primary key,
    new_name text not null,
    merged_at timestamptz not null
);
create index alias_new_name on alias (new_name);

-- The present name of a resource. Until the transaction ends the name is not merged into another, so what is stored under it
-- is moved with the rest: a merge waits for this lock, and this waits for a merge.
create function present_name(given text) returns text language plpgsql as $$
begin
    perform pg_advisory_xact_lock_shared(hashtextextended('kefu.alias.' || given, 0));
    return coalesce((select a.new_name from alias as a where a.old_name = given), given);
end $$;

-- One acknowledgement settles all notices of a duty that it fulfils.
create index notification_owed on notification (duty) where acknowledgement_required and acknowledged_at is null;

-- Whether somebody's departure was told of already.
create index notification_matters_left on notification (subject, created_at) where kind = 'matters_left';
