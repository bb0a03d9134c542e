//! Compares the page of who may call what, docs/access.md, with the contracts.

use std::fmt::{self, Write as _};

use expect_test::expect_file;
use kefu_chassis::rules::Rules;
use kefu_proto::rules::v1::Role;
use kefu_testkit::any::access::{Reach, reach};

/// Text of the page before its tables.
const PREFACE: &str = "# Who may call what

Generated from the rules in [proto](../proto). A test tries every cell on the services themselves, on what is the caller's
own and on another's, with every kind of token: [services/testkit/src/any/access.rs](../services/testkit/src/any/access.rs).

- **all**: whatever the call names.
- **department**: what the caller owns, and what their department is responsible for.
- **own**: what the caller owns; of a customer, what is theirs. A list shows as much as that.
- empty: PERMISSION_DENIED.

What is out of reach is NOT_FOUND, as if it did not exist. A token that does not hold is UNAUTHENTICATED. A role of the
staff counts only if the directory has it too; until the copy of the directory holds staff, what changes something (**!**)
is for ADMIN and SERVICE, and FAILED_PRECONDITION for all others.
";

/// Returns every gRPC service of the contracts.
fn services() -> Vec<prost_reflect::ServiceDescriptor> {
    kefu_proto::pool().services().filter(|service| service.full_name().starts_with("kefu.")).collect()
}

fn roles() -> Vec<Role> {
    (1..).map_while(|number| Role::try_from(number).ok()).collect()
}

fn write_page(page: &mut String) -> fmt::Result {
    let services = services();
    let names: Vec<&str> = services.iter().map(prost_reflect::ServiceDescriptor::full_name).collect();
    let rules = Rules::of(kefu_proto::pool(), &names).unwrap();
    page.write_str(PREFACE)?;
    for service in &services {
        writeln!(page, "\n## {}\n", service.full_name())?;
        let columns: Vec<&str> = roles().iter().map(Role::as_str_name).collect();
        writeln!(page, "| method | {} | clauses |", columns.join(" | "))?;
        writeln!(page, "|---{}|---|", "|---".repeat(columns.len()))?;
        for method in service.methods() {
            let rule = rules.at(&format!("/{}/{}", service.full_name(), method.name())).unwrap();
            let cells = roles().into_iter().map(|role| match reach(rule, role) {
                Reach::Nothing => "",
                Reach::Own => "own",
                Reach::Department => "department",
                Reach::All => "all",
            });
            let cells: Vec<&str> = cells.collect();
            let changes = if rule.reads { "" } else { " **!**" };
            let (name, clauses) = (method.name(), rule.clauses.join(", "));
            writeln!(page, "| {name}{changes} | {} | {clauses} |", cells.join(" | "))?;
        }
    }
    Ok(())
}

#[test]
fn the_access_page_is_the_one_generated_from_the_rules() {
    let mut page = String::new();
    write_page(&mut page).unwrap();
    expect_file!["../../docs/access.md"].assert_eq(&page);
}
