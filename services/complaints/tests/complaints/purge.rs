//! The purge of an archive: at the end of its retention and not before, as a whole, once, and recorded in the journal
//! (C5.9).

use jiff::{Timestamp, ToSpan as _};
use kefu_chassis::time::from_proto;
use kefu_proto::complaints::v1 as pb;
use kefu_testkit::eventually;
use prost::Message as _;
use sqlx::Row as _;

use super::archive::{TABLES, archived_at, deletion, id, refusal};
use super::desk::Desk;

fn until(archive: &pb::Archive) -> Timestamp {
    from_proto(archive.retain_until_time.as_ref().unwrap()).unwrap()
}

/// Number of rows in each table of a file.
async fn rows(desk: &Desk) -> Vec<i64> {
    let mut counts = Vec::new();
    for table in TABLES.into_iter().chain(["complaint_search"]) {
        let query = sqlx::AssertSqlSafe(format!("select count(*) from complaints.{table}"));
        counts.push(sqlx::query_scalar(query).fetch_one(desk.bench.admin()).await.unwrap());
    }
    counts
}

/// The purges in the journal: complaint, actor, time and payload of each.
async fn told(desk: &Desk) -> Vec<(String, String, Timestamp, pb::ComplaintPurged)> {
    let query = "select aggregate, actor, recorded_at, payload from journal
        where payload_type = 'kefu.complaints.v1.ComplaintPurged' order by seq";
    let events = sqlx::query(query).fetch_all(desk.bench.admin()).await.unwrap();
    let purged = |payload: Vec<u8>| pb::ComplaintPurged::decode(payload.as_slice()).unwrap();
    let at = |time: jiff_sqlx::Timestamp| time.to_jiff();
    events.iter().map(|event| (event.get(0), event.get(1), at(event.get(2)), purged(event.get(3)))).collect()
}

#[tokio::test]
async fn an_archive_is_deleted_when_its_time_is_over_and_not_a_microsecond_before_and_the_journal_tells_of_it() {
    let desk = Desk::open().await;
    let open = desk.register().await;
    let archive = archived_at(&desk).await;
    desk.pass(1);
    let younger = archived_at(&desk).await;
    let number = desk.get(&format!("complaints/{}", id(&archive))).await.number;
    let closed = from_proto(archive.archived_time.as_ref().unwrap()).unwrap();
    let zone = jiff::tz::TimeZone::get("Asia/Shanghai").unwrap();
    assert_eq!(closed.to_zoned(zone).checked_add(5.years()).unwrap().timestamp(), until(&archive), "C5.9: five years");
    assert_eq!(rows(&desk).await, [3, 20, 4, 4, 2, 3]);
    desk.bench.time().advance_to(until(&archive) - 1.microsecond());
    assert!(!kefu_complaints::purge(desk.bench.chassis()).await.unwrap());
    assert_eq!(rows(&desk).await, [3, 20, 4, 4, 2, 3]);
    desk.bench.time().advance_to(until(&archive));
    eventually("the job beside the calls deletes it", async || (rows(&desk).await[0] == 2).then_some(())).await;
    assert_eq!(rows(&desk).await, [2, 10, 2, 2, 1, 2], "the younger one and the open one stay whole");
    let payload =
        pb::ComplaintPurged { number, root_sha256: archive.root_sha256, retain_until_time: archive.retain_until_time };
    let name = archive.name.trim_end_matches("/archive").to_owned();
    let until = from_proto(payload.retain_until_time.as_ref().unwrap()).unwrap();
    assert_eq!(told(&desk).await, [(name, "services/complaints".to_owned(), until, payload)]);
    let verify = pb::VerifyArchiveRequest { name: younger.name };
    assert!(desk.as_("staff/lin").verify_archive(verify).await.unwrap().into_inner().intact);
    desk.get(&open.name).await;
    desk.bench.seal().await;
}

#[tokio::test]
async fn the_database_accepts_a_deletion_only_whole_journalled_and_not_before_its_time_whoever_asks() {
    let desk = Desk::open().await;
    let archive = archived_at(&desk).await;
    let id = id(&archive);
    let journalled = |name: &str, at: Timestamp, kind: &str| {
        format!(
            "insert into complaints.journal (event_id, aggregate, aggregate_version, actor, occurred_at, recorded_at,
                clauses, regulation, payload_type, payload, salt, payload_digest, duty_changes)
            select gen_random_uuid(), 'complaints/{name}', 99, actor, '{at}', '{at}', clauses, regulation,
                'kefu.complaints.v1.{kind}', payload, salt, payload_digest, duty_changes
            from complaints.journal where aggregate = 'complaints/{id}' order by seq desc limit 1"
        )
    };
    let (time, early) = (until(&archive), until(&archive) - 1.microsecond());
    let other = "0199aaaa-0000-7000-8000-00000000000a";
    let whole = deletion(id);
    let but_for = |part: &str| whole.split(';').filter(|one| !one.contains(part)).collect::<Vec<_>>().join(";");
    let tried = [
        whole.clone(),
        format!("{whole}; {}", journalled(id, early, "ComplaintPurged")),
        format!("{whole}; {}", journalled(other, time, "ComplaintPurged")),
        format!("{whole}; {}", journalled(id, time, "ComplaintArchived")),
        format!("{}; {}", but_for("from complaints.complaint where id"), journalled(id, time, "ComplaintPurged")),
        format!("delete from complaints.paper where complaint = '{id}'; {}", journalled(id, time, "ComplaintPurged")),
        format!(
            "delete from complaints.evidence_content where ordinal = 1; {}",
            journalled(id, time, "ComplaintPurged")
        ),
    ];
    let before = rows(&desk).await;
    for statement in tried {
        for pool in [desk.bench.admin(), desk.bench.pool()] {
            let told = refusal(pool, &statement).await;
            assert!(told.as_ref().is_some_and(|told| told.contains("C5.9")), "{statement}: {told:?}");
        }
    }
    assert_eq!(rows(&desk).await, before);
    let right = format!("{whole}; {}", journalled(id, time, "ComplaintPurged"));
    assert_eq!(refusal(desk.bench.pool(), &right).await, None, "all that was wrong was wrong by itself");
    assert_eq!(rows(&desk).await, [0; 6]);
}

#[tokio::test]
async fn replicas_share_the_purge_and_tell_of_each_file_once() {
    let desk = Desk::open().await;
    let mut archives = Vec::new();
    for _ in 0..4 {
        archives.push(archived_at(&desk).await);
    }
    let replica = desk.bench.replica().await;
    desk.bench.time().advance_to(until(&archives[3]));
    let work = async |chassis: &kefu_chassis::Chassis| while kefu_complaints::purge(chassis).await.unwrap() {};
    futures::join!(
        work(desk.bench.chassis()),
        work(replica.chassis()),
        work(desk.bench.chassis()),
        work(replica.chassis())
    );
    eventually("every file is deleted", async || (rows(&desk).await == [0; 6]).then_some(())).await;
    let mut told: Vec<String> = told(&desk).await.into_iter().map(|(name, ..)| format!("{name}/archive")).collect();
    told.sort();
    let mut expected: Vec<String> = archives.into_iter().map(|archive| archive.name).collect();
    expected.sort();
    assert_eq!(told, expected);
}
