//! Compares the acknowledged calls with the tables, row by row. As every call is repeated until it is acknowledged, the
//! tables must hold nothing else either.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;

use kefu_proto::intake::v1::request::State;
use sqlx::PgPool;
use uuid::Uuid;

use super::journal::Journal;
use crate::ledger::{Answered, Entries, Ledger};

/// Most differences of one kind that a violation shows.
const SHOWN: usize = 3;

/// Compares the ledger with the tables and the journal of intake, and records every difference as a violation.
pub async fn compare(pool: &PgPool, ledger: &Ledger, intake: &Journal) {
    let entries = ledger.entries().clone();
    requests(pool, ledger, &entries).await;
    let texts = "select request, text from intake.progress";
    parts(pool, ledger, "progress", texts, entries.requests.iter().map(|(name, known)| (name, &known.progress))).await;
    let texts = "select request, comment from intake.contact_attempt";
    parts(pool, ledger, "contacts", texts, entries.requests.iter().map(|(name, known)| (name, &known.contacts))).await;
    for (name, known) in &entries.requests {
        let events = intake.events_of(name);
        if events != known.events {
            ledger.violated(format!("{name} has {events} events and must have {}: {known:?}", known.events));
        }
    }
    answers(pool, ledger, &entries).await;
    let staff: Vec<String> =
        sqlx::query_scalar("select name from appraisal.staff where number like 'n%'").fetch_all(pool).await.unwrap();
    differ(ledger, "staff", &entries.staff, &staff.into_iter().collect());
}

/// Compares the description, state and complaint of every request.
async fn requests(pool: &PgPool, ledger: &Ledger, entries: &Entries) {
    type Row = (Uuid, String, i16, Option<Uuid>);
    let rows: Vec<Row> =
        sqlx::query_as("select id, description, state, complaint from intake.request").fetch_all(pool).await.unwrap();
    let held = rows.into_iter().map(|(id, description, state, complaint)| {
        let complaint = complaint.map(|id| format!("complaints/{id}")).unwrap_or_default();
        (format!("requests/{id}"), description, State::try_from(i32::from(state)).unwrap(), complaint)
    });
    let told = entries.requests.iter().map(|(name, known)| {
        (name.clone(), known.registered_by.clone(), known.state, known.complaint.clone().unwrap_or_default())
    });
    let by_name = |(name, registered_by, state, complaint)| (name, format!("{registered_by} {state:?} {complaint}"));
    differ(ledger, "requests", &told.map(by_name).collect(), &held.map(by_name).collect());
}

/// Compares texts that belong to requests, as `query` returns them: each acknowledged text must be stored exactly once.
async fn parts<'a>(
    pool: &PgPool,
    ledger: &Ledger,
    what: &str,
    query: &'static str,
    told: impl Iterator<Item = (&'a String, &'a Vec<String>)>,
) {
    let rows: Vec<(Uuid, String)> = sqlx::query_as(query).fetch_all(pool).await.unwrap();
    let mut held: BTreeMap<(String, String), usize> = BTreeMap::new();
    for (request, text) in rows {
        *held.entry((format!("requests/{request}"), text)).or_default() += 1;
    }
    let told = told.flat_map(|(name, texts)| texts.iter().map(move |text| ((name.clone(), text.clone()), 1)));
    differ(ledger, what, &told.collect(), &held.into_iter().collect());
}

/// Checks that intake stores a reply for every acknowledged call, and no other replies.
async fn answers(pool: &PgPool, ledger: &Ledger, entries: &Entries) {
    let rows: Vec<(String, String, Uuid)> =
        sqlx::query_as("select subject, method, request_id from intake.reply").fetch_all(pool).await.unwrap();
    let held: BTreeSet<Answered> =
        rows.into_iter().map(|(subject, method, id)| (subject, method, id.to_string())).collect();
    differ(ledger, "replies", &entries.answered, &held);
}

fn differ<T: Ord + Debug>(ledger: &Ledger, what: &str, told: &BTreeSet<T>, held: &BTreeSet<T>) {
    let (lost, surplus): (Vec<&T>, Vec<&T>) = (told.difference(held).collect(), held.difference(told).collect());
    for (problem, differences) in [("acknowledged and not there", lost), ("there and not acknowledged", surplus)] {
        if !differences.is_empty() {
            let shown = &differences[..differences.len().min(SHOWN)];
            ledger.violated(format!("{what}: {} {problem}: {shown:?}", differences.len()));
        }
    }
}
