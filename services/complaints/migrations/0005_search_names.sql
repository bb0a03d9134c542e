-- The column of the searchable texts takes the name that the code has for it.
alter table complaints.complaint_search rename column said to texts;
