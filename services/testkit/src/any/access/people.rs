//! Callers of the access matrix: for each role the owner of the resource, a member of the owner's department, and an
//! outsider.

use std::collections::BTreeSet;

use kefu_proto::rules::v1::Role;

use super::Reach;
use crate::any::World;
use crate::any::bad_input::NOBODY;

/// A member of staff who has left.
pub const GONE: &str = "staff/gone";
/// A subject that the directory does not know.
pub const NOBODY_KNOWN: &str = "staff/nobody";
/// Departments of the test staff in which valid requests act.
const DEPARTMENTS: [&str; 2] = ["departments/desk", "departments/other"];

/// A caller with one role, and their relation to the resource of a call.
#[derive(Clone, Debug)]
pub struct Person {
    /// Subject of the token, e.g. `staff/access-3`.
    pub subject: String,
    /// The only role that the directory gives them.
    pub role: Role,
    /// Whether the caller owns the resource.
    pub owns: bool,
    /// Whether the caller's department is responsible for the resource.
    pub is_near: bool,
}

/// Every role.
pub fn roles() -> impl Iterator<Item = Role> {
    (1..).map_while(|number| Role::try_from(number).ok())
}

/// Whether a role is one of staff, which the directory must confirm.
pub fn is_of_staff(role: Role) -> bool {
    !matches!(role, Role::Customer | Role::Service)
}

/// A member of staff with every role of staff except this one.
pub fn without(role: Role) -> String {
    format!("staff/not-{}", role.as_str_name().to_lowercase())
}

impl Person {
    /// Whether the caller reaches the resource.
    pub fn is_within(&self, reach: Reach) -> bool {
        match reach {
            Reach::Nothing => false,
            Reach::Own => self.owns,
            Reach::Department => self.owns || self.is_near,
            Reach::All => true,
        }
    }
}

/// The callers with `role` for a resource of `owner` in `department`. `at_home`: owners are in their departments, not moved
/// elsewhere.
pub fn people(world: &impl World, role: Role, (owner, department): (&str, &str), at_home: bool) -> Vec<Person> {
    let is = |subject: &str, owns, is_near| Person { subject: subject.to_owned(), role, owns, is_near };
    match role {
        _ if !at_home && is_of_staff(role) => vec![is(owner, true, false)],
        _ if !at_home => Vec::new(),
        Role::Customer => {
            let nobody = format!("customers/{NOBODY}");
            let customers = [world.customer(), world.other_customer(), Some(nobody.as_str())];
            customers.into_iter().flatten().map(|name| is(name, world.customer() == Some(name), false)).collect()
        }
        Role::Service => vec![is("services/web", false, false)],
        _ => {
            let [near, far] = if department == DEPARTMENTS[0] { ["mei", "zhao"] } else { ["zhao", "mei"] };
            vec![
                is(owner, true, true),
                is(&format!("staff/{near}"), false, true),
                is(&format!("staff/{far}"), false, false),
                is("staff/root", false, false),
            ]
        }
    }
}

/// Moves the test staff into the departments of the matrix, and adds members without the roles that their tokens claim.
pub async fn enrol(world: &impl World) {
    let bench = world.bench();
    for (staff, department) in [("staff/mei", DEPARTMENTS[0]), ("staff/zhao", DEPARTMENTS[1]), ("staff/root", "")] {
        bench.enrol(staff, department).await;
    }
    bench.enrol(GONE, DEPARTMENTS[0]).await;
    bench.change_directory("update directory_staff set inactive = true where name = 'staff/gone'").await;
    for role in roles().filter(|&role| is_of_staff(role)) {
        let (name, number) = (without(role), i32::from(role));
        bench.enrol(&name, DEPARTMENTS[0]).await;
        let takes =
            format!("update directory_staff set roles = array_remove(roles, {number}::smallint) where name = '{name}'");
        bench.change_directory(&takes).await;
    }
}

/// Owners of the resources of valid requests, each with their department.
pub fn holders(world: &impl World) -> BTreeSet<(String, String)> {
    let methods = world.methods();
    let holders = methods.iter().map(|method| world.holder(method.name()));
    holders.map(|(owner, department)| (owner.to_owned(), department.to_owned())).collect()
}

/// The staff who have left.
pub async fn left(world: &impl World) -> BTreeSet<String> {
    let left = sqlx::query_scalar("select name from directory_staff where inactive");
    left.fetch_all(world.bench().admin()).await.unwrap().into_iter().collect()
}
