//! The archive: closed, proven, unchangeable, and deleted only when its time is over (C5.9).

use std::fmt::Write as _;

use jiff::ToSpan as _;
use kefu_proto::complaints::v1 as pb;
use kefu_proto::complaints::v1::verify_archive_response::fault::Kind;
use kefu_testkit::eventually;
use sha2::Digest as _;
use sqlx::{AssertSqlSafe, Executor as _};

use super::desk::Desk;

async fn archived() -> (Desk, pb::Archive) {
    let desk = Desk::open().await;
    let name = desk.executed().await.name;
    desk.call_back(&name, true).await.unwrap();
    let archive = desk.archive(&name).await.unwrap();
    (desk, archive)
}

async fn verify(desk: &Desk, name: &str) -> pb::VerifyArchiveResponse {
    let call = pb::VerifyArchiveRequest { name: name.into() };
    desk.as_("staff/lin").verify_archive(call).await.unwrap().into_inner()
}

fn id(archive: &pb::Archive) -> &str {
    archive.name.split('/').nth(1).unwrap()
}

#[tokio::test]
async fn the_root_digest_is_that_of_the_list_as_sha256sum_prints_it() {
    let (desk, archive) = archived().await;
    assert_eq!(archive.entries.len(), 11, "the complaint and its ten papers");
    let mut list = String::new();
    for entry in &archive.entries {
        for byte in &entry.sha256 {
            write!(list, "{byte:02x}").unwrap();
        }
        writeln!(list, "  {}", entry.name).unwrap();
    }
    assert_eq!(archive.root_sha256, &sha2::Sha256::digest(list)[..]);
    assert!(archive.entries.is_sorted_by(|one, other| one.name < other.name));
    let verified = verify(&desk, &archive.name).await;
    assert!(verified.intact, "{:?}", verified.faults);
    assert_eq!((verified.root_sha256, verified.entry_count), (archive.root_sha256.clone(), 11));
    let got = pb::GetArchiveRequest { name: archive.name.clone() };
    assert_eq!(desk.as_("staff/lin").get_archive(got).await.unwrap().into_inner(), archive);
}

#[tokio::test]
async fn the_database_itself_refuses_every_change_of_an_archived_complaint_whoever_asks() {
    let (desk, archive) = archived().await;
    let id = id(&archive);
    let statements = [
        format!("update complaints.complaint set matter = 'x' where id = '{id}'"),
        format!("update complaints.complaint set state = 10 where id = '{id}'"),
        format!("delete from complaints.complaint where id = '{id}'"),
        format!("insert into complaints.paper values (gen_random_uuid(), '{id}', 1, 'x')"),
        format!("update complaints.paper set body = 'x' where complaint = '{id}'"),
        format!("delete from complaints.paper where complaint = '{id}'"),
        format!("insert into complaints.evidence values (gen_random_uuid(), '{id}', 'x')"),
        format!("update complaints.archive set root_sha256 = 'x' where complaint = '{id}'"),
        format!("delete from complaints.archive where complaint = '{id}'"),
        format!(
            "with a as (delete from complaints.archive where complaint = '{id}'),
                p as (delete from complaints.paper where complaint = '{id}')
            delete from complaints.complaint where id = '{id}'"
        ),
        "truncate complaints.paper".to_owned(),
        "truncate complaints.complaint cascade".to_owned(),
    ];
    for statement in statements {
        for pool in [desk.bench.pool(), desk.bench.admin()] {
            let outcome = pool.execute(sqlx::raw_sql(AssertSqlSafe(statement.as_str()))).await;
            assert!(outcome.is_err(), "{statement}");
        }
    }
    assert!(verify(&desk, &archive.name).await.intact);
}

#[tokio::test]
async fn what_is_changed_behind_the_guards_is_found_and_named() {
    let (desk, archive) = archived().await;
    let id = id(&archive);
    let paper = archive.entries.iter().find(|entry| entry.name.contains("/papers/")).unwrap().name.clone();
    let paper_id = paper.rsplit('/').next().unwrap();
    let tamper = async |statement: &str| {
        let whole = format!("begin; set local session_replication_role = replica; {statement}; commit");
        desk.bench.admin().execute(sqlx::raw_sql(AssertSqlSafe(whole))).await.unwrap();
        let found = verify(&desk, &archive.name).await;
        assert!(!found.intact);
        found.faults.into_iter().map(|fault| (fault.name.clone(), fault.kind())).collect::<Vec<_>>()
    };
    let complaint = format!("complaints/{id}");
    let changed = tamper(&format!("update complaints.complaint set matter = matter || '!' where id = '{id}'")).await;
    assert_eq!(changed, [(complaint.clone(), Kind::Changed)]);
    tamper(&format!("update complaints.complaint set matter = rtrim(matter, '!'), severity = 3 where id = '{id}'"))
        .await;
    let restore = format!("update complaints.complaint set severity = 2 where id = '{id}'");
    let swapped = format!("{restore}; update complaints.paper set body = body || '\\x00' where id = '{paper_id}'");
    assert_eq!(tamper(&swapped).await, [(paper.clone(), Kind::Changed)]);
    let removed = tamper(&format!("delete from complaints.paper where id = '{paper_id}'")).await;
    assert_eq!(removed, [(paper.clone(), Kind::Missing)]);
    let added = "insert into complaints.paper values ('0199aaaa-0000-7000-8000-00000000000a', ";
    let added = tamper(&format!("{added} '{id}', 1, 'x')")).await;
    let stranger = format!("{complaint}/papers/0199aaaa-0000-7000-8000-00000000000a");
    assert_eq!(added, [(stranger.clone(), Kind::Added), (paper.clone(), Kind::Missing)]);
    // A manifest that is made to fit does not fit what the journal tells.
    let root =
        tamper(&format!("update complaints.archive set root_sha256 = sha256('x') where complaint = '{id}'")).await;
    assert!(root.contains(&(archive.name.clone(), Kind::Root)), "{root:?}");
}

#[tokio::test]
async fn an_archive_is_deleted_when_its_time_is_over_and_not_a_microsecond_before_and_the_journal_tells_of_it() {
    let (desk, archive) = archived().await;
    let until = kefu_chassis::time::from_proto(archive.retain_until_time.as_ref().unwrap()).unwrap();
    let closed = kefu_chassis::time::from_proto(archive.archived_time.as_ref().unwrap()).unwrap();
    let zone = jiff::tz::TimeZone::get("Asia/Shanghai").unwrap();
    assert_eq!(closed.to_zoned(zone).checked_add(5.years()).unwrap().timestamp(), until, "C5.9: five years");
    desk.bench.time().advance_to(until - 1.microsecond());
    kefu_complaints::purge(desk.bench.chassis()).await.unwrap();
    assert_eq!(desk.bench.number("select count(*) from complaints.complaint").await, 1);
    desk.bench.time().advance_to(until);
    eventually("the file is deleted", async || {
        kefu_complaints::purge(desk.bench.chassis()).await.unwrap();
        (desk.bench.number("select count(*) from complaints.complaint").await == 0).then_some(())
    })
    .await;
    for table in ["select count(*) from complaints.paper", "select count(*) from complaints.archive"] {
        assert_eq!(desk.bench.number(table).await, 0, "{table}");
    }
    let told = "select count(*) from journal where payload_type = 'kefu.complaints.v1.ComplaintPurged'";
    assert_eq!(desk.bench.number(told).await, 1);
    desk.bench.events().await;
}
