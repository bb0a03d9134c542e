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
