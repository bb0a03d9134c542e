//! What must hold after every fault, once nobody calls: everything acknowledged is there exactly once, and everything that
//! follows from it has happened exactly once, within a bounded time.

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

/// How long effects may take after a fault: a conversion that nobody finished is taken up after 20 seconds.
const EFFECTS: Duration = Duration::from_secs(30);
/// How long it may take until somebody new is let in.
const ADMITTING: Duration = Duration::from_secs(10);
/// How long a duty may stay unmarked after its time.
const MARKING: SignedDuration = SignedDuration::from_secs(3);

/// Looks on from the start to the end.
pub struct Auditor {
    journals: Vec<Journal>,
}

/// Discrepancies that time must bring to zero, each a query over `{schema}` of a service.
const OF_EACH: [(&str, &str); 7] = [
    ("events are not sealed", "select count(*) from {schema}.journal where position is null"),
    (
        "breaches are not marked",
        "select count(*) from {schema}.duty where state = 1 and breached_at is null and due_at < $1",
    ),
    ("breaches are not told on", "select count(*) from {schema}.duty where state = 1 and tell_next_at < $1"),
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

/// Discrepancies between services.
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
    /// With an eye on every journal.
    pub fn of(world: &World) -> Self {
        let process = |service: &str| world.processes().find(|process| process.service() == service).unwrap();
        Self { journals: SERVICES.map(|service| Journal::of(&world.rig, process(service))).into() }
    }

    /// Looks at everything, and writes down what is not as it must be; how long the effects took to be there.
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

/// Every process lets in who was recorded last: each replica has read its copy of the directory anew.
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

/// Returns when no discrepancy is left; those that are after a while.
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
