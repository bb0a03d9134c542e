-- What a test writes events about when no domain is at hand: an aggregate that has a version and nothing else.
create table bare.thing (
    name text primary key,
    version bigint not null
);
