-- Duties are judged by when things happened. What the record shows besides: what was recorded late, marks that were taken
-- back, due times that a leader moved late, attempts, imports, and who owned or tried what.
alter table duty
    add column recorded_late boolean not null default false,
    add column taken_back smallint not null default 0,
    add column moved_late boolean not null default false,
    add column attempted boolean not null default false,
    add column imported boolean not null default false,
    add column tried_by text not null default '',
    add column past_owners text not null default '',
    add column owned_since timestamptz,
    add column recurs boolean not null default false;
comment on column duty.tried_by is 'names of staff, separated by commas';
comment on column duty.past_owners is 'names of staff, separated by commas';
update duty set taken_back = 1 where corrected;
update duty set breached_at = null where corrected;
update duty set late = true where state in (4, 5) and breached_at is not null;
alter table duty drop column corrected;

-- Whether a duty is late at a time: the one judgement in SQL of what "breached" means; the code's is Duty::is_late.
create function is_late(state smallint, late boolean, paused_since timestamptz, due_at timestamptz, at timestamptz)
returns boolean language sql immutable parallel safe
return case when state in (1, 2) then least(paused_since, at) > due_at else late end;

-- Whether a recurring duty was fulfilled before a share of its time, in basis points, had passed: the one judgement in SQL;
-- the code's is Duty::is_early.
create function is_early(recurs boolean, state smallint, late boolean, elapsed_us bigint, budget_us bigint, share integer)
returns boolean language sql immutable parallel safe
return recurs and state = 3 and not late and elapsed_us::numeric * 10000 < budget_us::numeric * share;
