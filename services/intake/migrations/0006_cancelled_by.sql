-- Who cancelled a request: the customer, or somebody of us (A2.8).
alter table intake.request add column cancelled_by text not null default '';
