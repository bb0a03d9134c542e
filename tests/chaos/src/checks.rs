//! Checks after every fault, while the load is paused, that everything acknowledged is stored exactly once, and that
//! every effect of it happens exactly once and within a bounded time.

use std::time::Duration;

use jiff::SignedDuration;
use kefu_chassis::time::sql;
use kefu_proto::notifications::v1::ListNotificationsRequest;
use kefu_proto::notifications::v1::notification_service_client::NotificationServiceClient;
use kefu_testkit::rig::SERVICES;
use sqlx::{AssertSqlSafe, PgPool};
use tokio::time::{Instant, sleep};

use crate::ledger::Ledger;
use crate::world::World;

mod deeds;
mod journal;

use journal::Journal;

/// How long effects may take after the load is paused: an unfinished conversion is taken up only after 20 seconds.
const EFFECTS: Duration = Duration::from_secs(30);
/// How long a process may take to let in a new member of staff.
const ADMITTING: Duration = Duration::from_secs(10);
/// How long a breach or an escalation may stay unmarked after its time.
const MARKING: SignedDuration = SignedDuration::from_secs(3);

/// Checks the world after each fault, and follows every journal from the start to the end of the run.
pub struct Auditor {
    journals: Vec<Journal>,
}

/// Discrepancies within a service, each with the query that counts them in its `{schema}`. Every count must fall to
/// zero within [`EFFECTS`]. `$1` is the time [`MARKING`] ago.
const OF_EACH: [(&str, &str); 7] = [
    ("events are not sealed", "select count(*) from {schema}.journal where position is null"),
    (
        "breaches are not marked",
        "select count(*) from {schema}.duty where state = 1 and breached_at is null and due_at < $1",
    ),
    ("breaches are not told on", "select count(*) from {schema}.duty where state = 1 and next_escalation_at < $1"),
    (
        "staff are not known as the directory has them",
        "select count(*) from {schema}.directory_staff as copy
            full join appraisal.staff as staff on staff.name = copy.name and staff.roles = copy.roles
                and coalesce(staff.supervisor, '') = copy.supervisor and staff.inactive = copy.inactive
        where copy.name is null or staff.name is null",
    ),
    (
        "departments are not known as the directory has them",
        "select count(*) from {schema}.directory_department as copy
            full join appraisal.department as department on department.name = copy.name
                and department.domains = copy.domains and coalesce(department.head, '') = copy.head
        where copy.name is null or department.name is null",
    ),
    (
        "memberships are not known as the directory has them",
        "select count(*) from {schema}.directory_membership as copy
            full join appraisal.staff as staff on staff.name = copy.staff and staff.department_since = copy.since_at
                and coalesce(staff.department, '') = copy.department
        where copy.staff is null or staff.name is null",
    ),
    (
        "steps of an escalation were told twice",
        "select count(*) from (select from {schema}.notification where duty is not null
            group by duty, recipient, kind having count(*) > 1) as twice",
    ),
];

/// Discrepancies between services, each with the query that counts them.
const BETWEEN: [(&str, &str); 4] = [
    (
        "contacts of intake are not counted once each by complaints",
        "select abs((select coalesce(sum(contacts), 0) from complaints.contact_count) - (select count(*) from intake.request))::bigint",
    ),
    (
        "complaints are not once in the timeline of intake",
        "select count(*) from complaints.complaint as complaint
            full join intake.timeline_entry as entry on entry.id = complaint.id
                and entry.linked = 'requests/' || complaint.request::text
        where complaint.id is null or entry.id is null",
    ),
    ("conversions are not done", "select count(*) from intake.conversion where not done"),
    (
        "requests and complaints do not name each other",
        "select count(*) from intake.request as request
            full join complaints.complaint as complaint on complaint.request = request.id
        where request.complaint is distinct from complaint.id",
    ),
];

impl Auditor {
    /// Makes an auditor that follows the journal of every service.
    pub fn of(world: &World) -> Self {
        let process = |service: &str| world.processes().find(|process| process.service() == service).unwrap();
        Self { journals: SERVICES.map(|service| Journal::of(&world.rig, process(service))).into() }
    }

    /// Makes all checks, and records what fails in the ledger. Returns how long the effects took to be complete.
    pub async fn look(&mut self, world: &World, ledger: &Ledger) -> Duration {
        let began = Instant::now();
        let took = match settled(&world.pool).await {
            Ok(()) => began.elapsed(),
            Err(left) => {
                for what in left {
                    ledger.violated(format!("after {EFFECTS:?} {what}"));
                }
                began.elapsed()
            }
        };
        let newest = ledger.entries().staff.iter().max_by_key(|name| (name.len(), (*name).clone())).cloned();
        if let Some(newest) = newest {
            admitted_everywhere(world, ledger, &newest).await;
        }
        for journal in &mut self.journals {
            if let Err(problem) = journal.follow(ledger).await {
                ledger.violated(format!("{}: {problem}", journal.service));
            }
        }
        let intake = self.journals.iter().find(|journal| journal.service == "intake");
        deeds::compare(&world.pool, ledger, intake.unwrap()).await;
        took
    }
}

/// Checks that every process lets in the newest member of staff, that is, has reread its copy of the directory.
async fn admitted_everywhere(world: &World, ledger: &Ledger, newest: &str) {
    for process in world.processes() {
        let mut client = NotificationServiceClient::new(world.rig.caller(process, newest, &["AGENT"]));
        let parent = format!("services/{}", process.service());
        let began = Instant::now();
        while let Err(status) =
            client.list_notifications(ListNotificationsRequest { parent: parent.clone(), ..Default::default() }).await
        {
            if began.elapsed() > ADMITTING {
                ledger.violated(format!("{parent} at {} does not let in {newest}: {status}", process.address()));
                break;
            }
            sleep(Duration::from_millis(50)).await;
        }
    }
}

/// Waits until no discrepancy is left. Fails with those that are left after [`EFFECTS`].
async fn settled(pool: &PgPool) -> Result<(), Vec<String>> {
    let began = Instant::now();
    loop {
        let left = discrepancies(pool).await;
        if left.is_empty() {
            return Ok(());
        }
        if began.elapsed() > EFFECTS {
            return Err(left);
        }
        sleep(Duration::from_millis(50)).await;
    }
}

async fn discrepancies(pool: &PgPool) -> Vec<String> {
    let mut found = Vec::new();
    for (what, query) in OF_EACH {
        for schema in SERVICES {
            let count = count(pool, &query.replace("{schema}", schema)).await;
            if count != 0 {
                found.push(format!("{count} {what} ({schema})"));
            }
        }
    }
    for (what, query) in BETWEEN {
        let count = count(pool, query).await;
        if count != 0 {
            found.push(format!("{count} {what}"));
        }
    }
    found
}

async fn count(pool: &PgPool, query: &str) -> i64 {
    let late = kefu_chassis::Clock::system().now() - MARKING;
    let mut asked = sqlx::query_scalar::<_, i64>(AssertSqlSafe(query.to_owned()));
    if query.contains("$1") {
        asked = asked.bind(sql::at(late));
    }
    asked.fetch_one(pool).await.unwrap_or_else(|error| panic!("{query}: {error}"))
}
