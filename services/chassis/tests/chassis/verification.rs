//! Whatever a superuser changes in the journal, the verification names the first bad position.

use std::collections::BTreeSet;

use kefu_proto::events::v1::event_feed_client::EventFeedClient;
use kefu_proto::events::v1::finding::Kind;
use kefu_proto::events::v1::{Anchor, VerifyJournalRequest, VerifyJournalResponse};
use kefu_testkit::tampering::assert_nothing_escapes;
use kefu_testkit::{BARE, Bearer, Bench, assert_chinese, sign};
use sqlx::pool::PoolConnection;
use sqlx::{AssertSqlSafe, Executor as _, Postgres};

use crate::stage::write;

const EVENTS: i64 = 8;

/// Returns a bench with a journal of eight sealed events, and a superuser's connection on which no trigger fires.
async fn journal() -> (Bench, PoolConnection<Postgres>) {
    let bench = Bench::of(&BARE).await;
    write(&bench, "things/1", 4).await;
    write(&bench, "things/2", 4).await;
    bench.seal().await;
    let mut superuser = bench.admin().acquire().await.unwrap();
    superuser.execute("set session_replication_role = replica").await.unwrap();
    superuser.execute("create table kept as select * from journal").await.unwrap();
    (bench, superuser)
}

async fn verify(bench: &Bench, anchors: &[Anchor]) -> VerifyJournalResponse {
    let request = VerifyJournalRequest { parent: bench.name(), anchors: anchors.to_vec() };
    let caller = Bearer::new(&sign("services/tests", &["SERVICE"])).reading("zh");
    let verified = EventFeedClient::new(caller.on(bench.channel())).verify_journal(request).await.unwrap().into_inner();
    verified.findings.iter().for_each(|finding| assert_chinese(&finding.detail));
    verified
}

/// Applies `tampering`, verifies the journal and undoes it. Returns the findings.
async fn found(
    bench: &Bench,
    superuser: &mut PoolConnection<Postgres>,
    tampering: &str,
    anchors: &[Anchor],
) -> Vec<(i64, Kind)> {
    superuser.execute(sqlx::raw_sql(AssertSqlSafe(tampering))).await.unwrap();
    let findings = verify(bench, anchors).await.findings;
    let undo = "truncate journal; insert into journal overriding system value select * from kept";
    superuser.execute(sqlx::raw_sql(undo)).await.unwrap();
    findings.iter().map(|finding| (finding.position, finding.kind())).collect()
}

#[tokio::test]
async fn a_change_to_any_column_of_any_event_is_found_at_its_position() {
    let cases = [
        ("position", "50", Kind::Gap),
        ("hash", "payload_digest", Kind::HashMismatch),
        ("event_id", "gen_random_uuid()", Kind::HashMismatch),
        ("aggregate", "aggregate || '0'", Kind::HashMismatch),
        ("aggregate_version", "aggregate_version + 1", Kind::HashMismatch),
        ("actor", "'staff/other'", Kind::HashMismatch),
        ("occurred_at", "occurred_at - interval '1 microsecond'", Kind::HashMismatch),
        ("recorded_at", "recorded_at + interval '1 microsecond'", Kind::HashMismatch),
        ("clauses", "array['A9.1,A2.1']", Kind::HashMismatch),
        ("regulation", "''", Kind::HashMismatch),
        ("payload_type", "'kefu.events.v1.Event'", Kind::HashMismatch),
        ("payload", "payload || '\\x00'", Kind::PayloadMismatch),
        ("salt", "'\\x00'", Kind::PayloadMismatch),
        ("payload_digest", "sha256('')", Kind::HashMismatch),
        ("duty_changes", "'\\x0a00'", Kind::HashMismatch),
        ("corrects", "event_id", Kind::HashMismatch),
    ];
    let (bench, mut superuser) = journal().await;
    let columns = "select column_name::text from information_schema.columns where table_name = 'journal'";
    let columns: Vec<String> = sqlx::query_scalar(columns).fetch_all(&mut *superuser).await.unwrap();
    // The chain covers every column but `seq`, which nothing reads once an event has its position.
    let covered: BTreeSet<&str> = cases.iter().map(|(column, ..)| *column).chain(["seq"]).collect();
    assert_eq!(columns.iter().map(String::as_str).collect::<BTreeSet<_>>(), covered);
    for position in [1, 5, EVENTS] {
        for (column, value, kind) in cases {
            let tampering = format!("update journal set {column} = {value} where position = {position}");
            let findings = found(&bench, &mut superuser, &tampering, &[]).await;
            assert_eq!(findings.first(), Some(&(position, kind)), "{column} at {position}: {findings:?}");
        }
    }
    assert_eq!(verify(&bench, &[]).await.findings, []);
}

#[tokio::test]
async fn an_event_that_is_removed_swapped_or_added_is_found_at_its_position() {
    let (bench, mut superuser) = journal().await;
    let copy = |position: &str, of: i64| {
        format!(
            "insert into journal (position, hash, event_id, aggregate, aggregate_version, actor, occurred_at, recorded_at, clauses,
                regulation, payload_type, payload, salt, payload_digest, duty_changes)
            select {position}, hash, gen_random_uuid(), aggregate, aggregate_version, actor, occurred_at, recorded_at, clauses,
                regulation, payload_type, payload, salt, payload_digest, duty_changes from journal where position = {of};"
        )
    };
    let shift = "update journal set position = position + 100 where position >= 5;
        update journal set position = position - 99 where position > 100;";
    let swap =
        "update journal set position = 100 where position = 5; update journal set position = 5 where position = 6;
        update journal set position = 6 where position = 100;";
    let drop_index = "alter table journal drop constraint journal_position_key;";
    let cases = [
        ("the first removed", "delete from journal where position = 1".to_owned(), (1, Kind::Gap)),
        ("one removed", "delete from journal where position = 5".to_owned(), (5, Kind::Gap)),
        (
            "one removed and the gap closed",
            "delete from journal where position = 5; update journal set position = position - 1 where position > 5"
                .to_owned(),
            (5, Kind::HashMismatch),
        ),
        ("two swapped", swap.to_owned(), (5, Kind::HashMismatch)),
        (
            "two swapped with their hashes",
            format!("{swap} update journal set hash = kept.hash from kept where kept.position = journal.position"),
            (5, Kind::HashMismatch),
        ),
        ("one added between", format!("{shift} {}", copy("5", 4)), (5, Kind::HashMismatch)),
        ("one added at the end", copy("9", 8), (9, Kind::HashMismatch)),
        ("one added before the first", copy("0", 1), (0, Kind::Gap)),
        ("one added far below", copy("-7", 1), (-7, Kind::Gap)),
        // This case is the last, because it leaves the index dropped.
        ("one that stands twice", format!("{drop_index} {}", copy("5", 5)), (5, Kind::Gap)),
    ];
    for (what, tampering, first) in cases {
        let findings = found(&bench, &mut superuser, &tampering, &[]).await;
        assert_eq!(findings.first().map(|(position, _)| *position), Some(first.0), "{what}: {findings:?}");
        assert!(findings.contains(&first), "{what}: {findings:?}");
    }
    assert_eq!(verify(&bench, &[]).await.findings, []);
}

#[tokio::test]
async fn an_erased_payload_is_a_finding_and_does_not_break_the_chain() {
    let (bench, mut superuser) = journal().await;
    for columns in ["payload = null, salt = null", "payload = null", "salt = null"] {
        let tampering = format!("update journal set {columns} where position = 5");
        assert_eq!(found(&bench, &mut superuser, &tampering, &[]).await, [(5, Kind::PayloadMissing)], "{columns}");
    }
}

#[tokio::test]
async fn only_an_anchor_shows_a_cut_tail_or_a_chain_rewritten_from_the_start() {
    let (bench, mut superuser) = journal().await;
    let head = verify(&bench, &[]).await.head.unwrap();
    assert_eq!(head.position, EVENTS);
    let hash: Vec<u8> =
        sqlx::query_scalar("select hash from kept where position = 5").fetch_one(&mut *superuser).await.unwrap();
    let anchors = [head.clone(), Anchor { position: 5, hash }];
    assert_eq!(verify(&bench, &anchors).await.findings, []);

    let cut = "delete from journal where position > 6";
    assert_eq!(found(&bench, &mut superuser, cut, &[]).await, []);
    assert_eq!(found(&bench, &mut superuser, cut, &anchors).await, [(EVENTS, Kind::TailCut)]);
    assert_eq!(
        found(&bench, &mut superuser, "delete from journal", &anchors).await,
        [(5, Kind::TailCut), (EVENTS, Kind::TailCut)]
    );

    // The forger unseals events, alters them, and lets the service's own sealer make a valid chain of them.
    for (from, rewritten) in
        [(1, vec![(5, Kind::AnchorMismatch), (8, Kind::AnchorMismatch)]), (6, vec![(8, Kind::AnchorMismatch)])]
    {
        let forge = format!(
            "update journal set position = null, hash = null where position >= {from};
            update journal set actor = 'staff/other' where position is null"
        );
        superuser.execute(sqlx::raw_sql(AssertSqlSafe(forge))).await.unwrap();
        bench.seal().await;
        assert_eq!(verify(&bench, &[]).await.findings, []);
        assert_eq!(found(&bench, &mut superuser, "select 1", &anchors).await, rewritten, "from {from}");
    }
}

#[tokio::test]
async fn events_that_wait_to_be_sealed_are_told() {
    let bench = Bench::of(&BARE).await;
    // The test holds the sealers' lock, so nothing is sealed.
    let mut holder = bench.admin().begin().await.unwrap();
    holder.execute("select pg_advisory_xact_lock(hashtextextended('kefu.sealer.bare', 0))").await.unwrap();
    write(&bench, "things/1", 3).await;
    let verified = verify(&bench, &[]).await;
    let oldest = verified.oldest_unsealed_time.and_then(|time| kefu_chassis::time::from_proto(&time));
    assert_eq!((verified.event_count, verified.unsealed_count, oldest), (0, 3, Some(bench.now())));
    holder.rollback().await.unwrap();
    bench.seal().await;
    let verified = verify(&bench, &[]).await;
    assert_eq!((verified.event_count, verified.unsealed_count, verified.oldest_unsealed_time), (3, 0, None));
}

#[tokio::test]
async fn whatever_byte_or_row_is_tampered_with_the_first_place_is_named() {
    let bench = Bench::of(&BARE).await;
    write(&bench, "things/1", 4).await;
    write(&bench, "things/2", 4).await;
    assert_nothing_escapes(&bench, 500).await;
}
