//! The copy of the directory: what a service knows of the organisation, in its own schema and in memory, kept up to date from
//! the directory's feed. The service goes on with the copy while the directory is away.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use jiff::{SignedDuration, Timestamp};
use kefu_proto::directory::v1 as pb;
use kefu_proto::events::v1::Event;
use kefu_proto::rules::v1::Role;
use prost::{Message, Name};
use sqlx::{PgConnection, PgPool};

use crate::base::error::Error;
use crate::base::names::parent;
use crate::base::time::{from_proto, sql};
use crate::contract::identity::Identity;
use crate::contract::rules::MethodRule;
use crate::model::organisation::{Department, Deputy, Member, Organisation};

/// How long an absence is kept in memory after its end, because an action that is recorded late is judged by who was absent
/// when it happened.
const ABSENCES_KEPT: SignedDuration = SignedDuration::from_hours(40 * 24);
const GENERAL_MANAGER: &str = "general_manager";

/// The organisation in memory, as the copy describes it.
#[derive(Debug, Default)]
pub struct Directory {
    organisation: RwLock<Arc<Organisation>>,
}

impl Directory {
    /// Returns the organisation as it is known now.
    #[must_use]
    pub fn now(&self) -> Arc<Organisation> {
        self.organisation.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Reads the copy from the schema into memory.
    pub async fn reload(&self, pool: &PgPool, now: Timestamp) -> Result<(), sqlx::Error> {
        let organisation = load(pool, now).await?;
        *self.organisation.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(organisation);
        Ok(())
    }

    /// Returns the caller of a token, as far as the directory confirms the token. Staff keep the roles that both the
    /// token and the directory name, and belong to the department that the directory names. Refused when a member of
    /// staff is unknown or inactive, or when none of the remaining roles may call the method. While the directory is
    /// empty, tokens count as they are, and only operators and other services may write.
    pub fn admit(&self, claimed: Arc<Identity>, rule: &MethodRule, now: Timestamp) -> Result<Arc<Identity>, Error> {
        let known = self.now();
        let is_staff = claimed.subject.starts_with("staff/");
        let caller = match known.staff.get(&claimed.subject) {
            _ if !is_staff || known.staff.is_empty() => claimed,
            Some(member) if !member.inactive => {
                let roles = claimed.roles.iter().copied().filter(|role| member.roles.contains(role)).collect();
                let department = member.department_at(now).to_owned();
                Arc::new(Identity { subject: claimed.subject.clone(), roles, department })
            }
            _ => return Err(Error::RoleMissing),
        };
        if !caller.roles.iter().any(|role| rule.roles.contains(role)) {
            return Err(Error::RoleMissing);
        }
        let operates = caller.roles.contains(&Role::Admin) && rule.roles.contains(&Role::Admin);
        if known.staff.is_empty() && !rule.reads && !operates && !caller.subject.starts_with("services/") {
            return Err(Error::DirectoryEmpty);
        }
        Ok(caller)
    }
}

/// Reads the copy from the schema.
async fn load(pool: &PgPool, now: Timestamp) -> Result<Organisation, sqlx::Error> {
    let mut organisation = Organisation::default();
    for row in sqlx::query!("select name, domains, head, deputies, dissolved from directory_department")
        .fetch_all(pool)
        .await?
    {
        let deputies: Vec<Deputy> = serde_json::from_value(row.deputies).unwrap_or_default();
        let department = Department { domains: row.domains, head: row.head, deputies, dissolved: row.dissolved };
        organisation.departments.insert(row.name, department);
    }
    for row in sqlx::query!("select name, roles, supervisor, inactive from directory_staff").fetch_all(pool).await? {
        let roles = row.roles.into_iter().filter_map(|role| Role::try_from(i32::from(role)).ok()).collect();
        let member = Member { roles, supervisor: row.supervisor, inactive: row.inactive, ..Member::default() };
        organisation.staff.insert(row.name, member);
    }
    read_times(pool, now, &mut organisation.staff).await?;
    let post = sqlx::query_scalar!("select staff from directory_post where name = $1", GENERAL_MANAGER);
    organisation.general_manager = post.fetch_optional(pool).await?.unwrap_or_default();
    Ok(organisation)
}

async fn read_times(pool: &PgPool, now: Timestamp, staff: &mut HashMap<String, Member>) -> Result<(), sqlx::Error> {
    let memberships = sqlx::query!(
        r#"select staff, since_at as "since_at: jiff_sqlx::Timestamp", department from directory_membership order by staff, since_at"#
    );
    for row in memberships.fetch_all(pool).await? {
        if let Some(member) = staff.get_mut(&row.staff) {
            member.memberships.push((row.since_at.to_jiff(), row.department));
        }
    }
    let absences = sqlx::query!(
        r#"select staff, start_at as "start_at: jiff_sqlx::Timestamp", end_at as "end_at: jiff_sqlx::Timestamp"
        from directory_absence where end_at > $1"#,
        sql::at(now - ABSENCES_KEPT) as _
    );
    for row in absences.fetch_all(pool).await? {
        if let Some(member) = staff.get_mut(&row.staff) {
            member.absences.push((row.start_at.to_jiff(), row.end_at.to_jiff()));
        }
    }
    Ok(())
}

/// Applies an event of the directory to the copy; events of other kinds change nothing.
pub async fn apply(connection: &mut PgConnection, event: &Event) -> Result<(), Error> {
    let Some(payload) = &event.payload else { return Ok(()) };
    let kind = payload.type_url.rsplit('/').next().unwrap_or_default();
    let bytes = payload.value.as_slice();
    let at = event.occurred_time.as_ref().and_then(from_proto).unwrap_or(Timestamp::UNIX_EPOCH);
    if kind == pb::DepartmentCreated::full_name() {
        department(connection, decode::<pb::DepartmentCreated>(bytes)?.department).await
    } else if kind == pb::DepartmentUpdated::full_name() {
        department(connection, decode::<pb::DepartmentUpdated>(bytes)?.department).await
    } else if kind == pb::StaffCreated::full_name() {
        staff(connection, decode::<pb::StaffCreated>(bytes)?.staff, at).await
    } else if kind == pb::StaffUpdated::full_name() {
        staff(connection, decode::<pb::StaffUpdated>(bytes)?.staff, at).await
    } else if kind == pb::AbsenceRecorded::full_name() {
        absence(connection, decode::<pb::AbsenceRecorded>(bytes)?.absence).await
    } else if kind == pb::AbsenceEnded::full_name() {
        absence(connection, decode::<pb::AbsenceEnded>(bytes)?.absence).await
    } else if kind == pb::GeneralManagerAppointed::full_name() {
        general_manager(connection, &decode::<pb::GeneralManagerAppointed>(bytes)?.staff).await
    } else {
        Ok(())
    }
}

fn decode<M: Message + Default>(bytes: &[u8]) -> Result<M, Error> {
    M::decode(bytes).map_err(Error::unexpected)
}

async fn department(connection: &mut PgConnection, department: Option<pb::Department>) -> Result<(), Error> {
    let Some(department) = department else { return Ok(()) };
    let deputies: Vec<Deputy> =
        department.deputies.into_iter().map(|deputy| Deputy { staff: deputy.staff, domains: deputy.domains }).collect();
    sqlx::query!(
        "insert into directory_department (name, kind, domains, head, deputies, dissolved) values ($1, $2, $3, $4, $5, $6)
        on conflict (name) do update set kind = excluded.kind, domains = excluded.domains, head = excluded.head,
            deputies = excluded.deputies, dissolved = excluded.dissolved",
        department.name,
        i16::try_from(department.kind).unwrap_or_default(),
        &department.domains,
        department.head,
        serde_json::to_value(deputies).map_err(Error::unexpected)?,
        department.dissolved,
    )
    .execute(connection)
    .await?;
    Ok(())
}

async fn staff(connection: &mut PgConnection, staff: Option<pb::Staff>, at: Timestamp) -> Result<(), Error> {
    let Some(staff) = staff else { return Ok(()) };
    let roles: Vec<i16> = staff.roles.iter().filter_map(|&role| i16::try_from(role).ok()).collect();
    sqlx::query!(
        "insert into directory_staff (name, roles, supervisor, inactive) values ($1, $2, $3, $4)
        on conflict (name) do update set roles = excluded.roles, supervisor = excluded.supervisor, inactive = excluded.inactive",
        staff.name,
        &roles,
        staff.supervisor,
        staff.inactive,
    )
    .execute(&mut *connection)
    .await?;
    // A membership that goes on is not begun again; one that is recorded for an earlier time begins then.
    sqlx::query!(
        "insert into directory_membership (staff, since_at, department)
        select $1, $2, $3 where $3 is distinct from
            (select department from directory_membership where staff = $1 and since_at <= $2 order by since_at desc limit 1)
        on conflict (staff, since_at) do update set department = excluded.department",
        staff.name,
        sql::at(at) as _,
        staff.department,
    )
    .execute(connection)
    .await?;
    Ok(())
}

async fn absence(connection: &mut PgConnection, absence: Option<pb::Absence>) -> Result<(), Error> {
    let Some(absence) = absence else { return Ok(()) };
    let time = |time: Option<&prost_types::Timestamp>| time.and_then(from_proto);
    let (Some(start), Some(end)) = (time(absence.start_time.as_ref()), time(absence.end_time.as_ref())) else {
        return Ok(());
    };
    let staff = parent(&absence.name).unwrap_or_default();
    sqlx::query!(
        "insert into directory_absence (name, staff, start_at, end_at) values ($1, $2, $3, $4)
        on conflict (name) do update set start_at = excluded.start_at, end_at = excluded.end_at",
        absence.name,
        staff,
        sql::at(start) as _,
        sql::at(end) as _,
    )
    .execute(connection)
    .await?;
    Ok(())
}

async fn general_manager(connection: &mut PgConnection, staff: &str) -> Result<(), Error> {
    sqlx::query!(
        "insert into directory_post (name, staff) values ($1, $2) on conflict (name) do update set staff = excluded.staff",
        GENERAL_MANAGER,
        staff,
    )
    .execute(connection)
    .await?;
    Ok(())
}
