-- The column of the searchable texts takes the name that the code has for it.
alter table intake.request_search rename column said to texts;
alter table intake.customer_search rename column said to texts;
