//! The test staff, which every bench's copy of the directory has from the start. Each has every role of staff, so that a
//! test chooses the role by the token.

use kefu_chassis::names::DIRECTORY;
use sqlx::{AssertSqlSafe, Executor as _, PgConnection};

/// Departments: id, business domains, head.
const DEPARTMENTS: [(&str, &str, &str); 5] = [
    ("desk", "printing,network,consultation", "head"),
    ("field", "power,cabling", "fieldhead"),
    ("other", "logistics", "chief"),
    ("office", "", "office"),
    ("management", "", "ceo"),
];

/// Staff: id, department, supervisor.
const STAFF: [(&str, &str, &str); 17] = [
    ("lin", "desk", "boss"),
    ("mei", "desk", "boss"),
    ("wu", "desk", "boss"),
    ("new", "desk", "boss"),
    ("x", "desk", ""),
    ("boss", "desk", "head"),
    ("head", "desk", "ceo"),
    ("fieldhead", "field", "ceo"),
    ("zhao", "other", "chief"),
    ("chief", "other", "ceo"),
    ("office", "office", "ceo"),
    ("ruler", "office", "ceo"),
    ("ceo", "management", ""),
    ("admin", "desk", ""),
    ("root", "", ""),
    ("operator", "", ""),
    ("writer", "", ""),
];

/// Writes the test staff into the directory's copy in the connection's schema.
pub async fn enrol(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    for (name, domains, head) in DEPARTMENTS {
        let statement = format!(
            "insert into directory_department (name, kind, domains, head, deputies, dissolved)
            values ('departments/{name}', 1, string_to_array(nullif('{domains}', ''), ','), 'staff/{head}', '[]', false)"
        );
        let statement = statement.replace("string_to_array(nullif('', ''), ',')", "'{}'");
        connection.execute(sqlx::raw_sql(AssertSqlSafe(statement))).await?;
    }
    for (name, department, supervisor) in STAFF {
        connection.execute(sqlx::raw_sql(AssertSqlSafe(member(name, department, supervisor)))).await?;
    }
    let rest = format!(
        "insert into directory_post values ('general_manager', 'staff/ceo');
        insert into feed_cursor (feed, position, hash) values ('{DIRECTORY}', 0, '')"
    );
    connection.execute(sqlx::raw_sql(AssertSqlSafe(rest))).await?;
    Ok(())
}

/// The statement that adds or moves a member of staff to a department, or to none, since the beginning of time.
pub fn member(name: &str, department: &str, supervisor: &str) -> String {
    let full = |collection: &str, id: &str| if id.is_empty() { String::new() } else { format!("{collection}/{id}") };
    let (department, supervisor) = (full("departments", department), full("staff", supervisor));
    format!(
        "insert into directory_staff (name, roles, supervisor, inactive)
        values ('staff/{name}', '{{1,2,3,4,5,6,7,8,9,10}}', '{supervisor}', false) on conflict (name) do nothing;
        insert into directory_membership (staff, since_at, department)
        values ('staff/{name}', '2000-01-01', '{department}')
        on conflict (staff, since_at) do update set department = excluded.department"
    )
}
