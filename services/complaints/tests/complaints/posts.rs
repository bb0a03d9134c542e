//! Directories for tests of separation: everybody has the roles of their post and no others, and variants in which hardly
//! anybody, or nobody, is left who may decide.

use super::desk::Desk;

/// Gives each of the staff the roles of their post; the test staff has every role otherwise.
const POSTS: &str = "
    update directory_staff set roles = '{1}' where name in ('staff/lin', 'staff/mei', 'staff/wu', 'staff/new');
    update directory_staff set roles = '{9}' where name = 'staff/x';
    update directory_staff set roles = '{4}' where name in ('staff/lei', 'staff/qin');
    update directory_staff set roles = '{3}' where name = 'staff/zhao';
    update directory_staff set roles = '{5}' where name = 'staff/boss';
    update directory_staff set roles = '{4,6}' where name in ('staff/head', 'staff/fieldhead', 'staff/chief');
    update directory_staff set roles = '{7}' where name = 'staff/ceo';
    update directory_staff set roles = '{8}' where name in ('staff/office', 'staff/ruler');
    update directory_staff set roles = '{10}'
        where name in ('staff/admin', 'staff/root', 'staff/operator', 'staff/writer');";

/// Every role of staff. The directory says which of them a caller has.
pub const EVERY: [&str; 10] = [
    "AGENT",
    "TECHNICIAN",
    "INVESTIGATOR",
    "APPROVER",
    "SUPERVISOR",
    "MANAGER",
    "EXECUTIVE",
    "OFFICE",
    "TRAINER",
    "ADMIN",
];

/// Everybody who decides in these directories, in the order in which they are tried.
pub const STAFF: [&str; 13] = [
    "staff/lin",
    "staff/zhao",
    "staff/boss",
    "staff/mei",
    "staff/qin",
    "staff/head",
    "staff/fieldhead",
    "staff/chief",
    "staff/office",
    "staff/ruler",
    "staff/ceo",
    "staff/lei",
    "staff/wu",
];

/// Directories in which deciding becomes hard: what each is, and how it comes from that of the posts.
pub const FAMILY: [(&str, &str); 8] = [
    ("as it is", ""),
    ("no head", "update directory_department set head = ''"),
    (
        "all absent",
        "insert into directory_absence (name, staff, start_at, end_at)
            select gen_random_uuid()::text, name, '2000-01-01', '2100-01-01' from directory_staff",
    ),
    ("one approver", "update directory_staff set roles = '{1}' where 4 = any(roles) and name <> 'staff/lei'"),
    (
        "neither executives nor office",
        "update directory_staff set inactive = true where name in ('staff/ceo', 'staff/office', 'staff/ruler');
        update directory_staff set supervisor = '' where supervisor = 'staff/ceo'; delete from directory_post",
    ),
    (
        "one department",
        "insert into directory_membership (staff, since_at, department)
            select name, '2026-11-20T10:00:00+08:00', 'departments/desk' from directory_staff
            on conflict (staff, since_at) do update set department = excluded.department",
    ),
    (
        "three people",
        "update directory_staff set inactive = true where name not in ('staff/lin', 'staff/head', 'staff/zhao');
        insert into directory_membership (staff, since_at, department)
            select name, '2026-11-20T10:00:00+08:00', 'departments/desk' from directory_staff
            on conflict (staff, since_at) do update set department = excluded.department;
        delete from directory_post",
    ),
    (
        "all moved",
        "insert into directory_membership (staff, since_at, department)
            select name, '2026-11-20T10:00:00+08:00', 'departments/field' from directory_staff
            on conflict (staff, since_at) do update set department = excluded.department",
    ),
];

const TABLES: [&str; 5] = ["department", "staff", "membership", "absence", "post"];

/// A desk whose directory has everybody on their post.
pub async fn open() -> Desk {
    let desk = Desk::open().await;
    let keep = TABLES.map(|table| format!("create table kept_{table} as select * from directory_{table};"));
    desk.bench.change_directory(&format!("{POSTS} {}", keep.concat())).await;
    desk
}

/// Gives a desk the directory back that it was opened with.
pub async fn restore(desk: &Desk) {
    let put = |table: &str| {
        format!("delete from directory_{table}; insert into directory_{table} select * from kept_{table};")
    };
    desk.bench.change_directory(&TABLES.map(put).concat()).await;
}
