-- Columns of duties take the names that the code has for them.
alter table duty rename column holds to pause_reasons;
alter table duty rename column told to escalation_level;
alter table duty rename column tell_next_at to next_escalation_at;
alter index duty_tell_next rename to duty_next_escalation;
