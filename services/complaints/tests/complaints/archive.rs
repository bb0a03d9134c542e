//! The archive: what it contains, how it is verified, and that nothing changes it (C5.9).

use std::fmt::Write as _;

use kefu_proto::complaints::v1 as pb;
use kefu_proto::complaints::v1::verify_archive_response::fault::Kind;
use kefu_proto::rules::v1::ErrorReason;
use kefu_testkit::assert_refused;
use prost::Message as _;
use sha2::Digest as _;
use sqlx::{AssertSqlSafe, Executor as _, PgPool};
use tonic::Code;

use super::desk::Desk;
use super::evidence::{client, picture, stated, upload};

/// The tables of a file; each stands before those that refer to it.
pub const TABLES: [&str; 5] = ["complaint", "paper", "evidence", "evidence_content", "archive"];

/// A complaint with ten papers, a picture in two pieces and a link, closed and archived.
pub async fn archived_at(desk: &Desk) -> pb::Archive {
    let name = desk.executed().await.name;
    let content = picture(300_000);
    upload(desk, stated(&name, &content), &content).await.unwrap();
    let link = pb::AddEvidenceRequest {
        parent: name.clone(),
        kind: pb::evidence::Kind::CallRecording.into(),
        source: "呼叫中心".into(),
        uri: "https://recordings.example/42".into(),
        ..Default::default()
    };
    client(desk, "staff/lin").add_evidence(link).await.unwrap();
    desk.call_back(&name, true).await.unwrap();
    desk.archive(&name).await.unwrap()
}

async fn archived() -> (Desk, pb::Archive) {
    let desk = Desk::open().await;
    let archive = archived_at(&desk).await;
    (desk, archive)
}

async fn verify(desk: &Desk, name: &str) -> pb::VerifyArchiveResponse {
    let call = pb::VerifyArchiveRequest { name: name.into() };
    desk.as_("staff/lin").verify_archive(call).await.unwrap().into_inner()
}

/// The complaint's id.
pub fn id(archive: &pb::Archive) -> &str {
    archive.name.split('/').nth(1).unwrap()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}

/// SHA-256 of the entries as `sha256sum` would list them, one line each.
fn root(entries: &[pb::archive::Entry]) -> Vec<u8> {
    let lines = entries.iter().map(|entry| format!("{}  {}\n", hex(&entry.sha256), entry.name));
    sha2::Sha256::digest(lines.collect::<String>()).to_vec()
}

/// Runs statements that must succeed.
pub async fn run(pool: &PgPool, statements: &str) {
    pool.execute(sqlx::raw_sql(AssertSqlSafe(statements))).await.unwrap();
}

/// Runs statements in one transaction. Returns the database's error; none if it accepts them.
pub async fn refusal(pool: &PgPool, statements: &str) -> Option<String> {
    let whole = format!("begin; {statements}; commit");
    let mut connection = pool.acquire().await.unwrap().detach();
    connection.execute(sqlx::raw_sql(AssertSqlSafe(whole))).await.err().map(|error| error.to_string())
}

#[tokio::test]
async fn the_root_digest_is_that_of_the_list_as_sha256sum_prints_it() {
    let (desk, archive) = archived().await;
    let of = |part: &str| archive.entries.iter().filter(|entry| entry.name.contains(part)).count();
    assert_eq!((of("/papers/"), of("/evidence/"), of("/content"), of("/row"), of("/events/")), (10, 3, 1, 1, 15));
    assert_eq!(archive.entries.len(), 30, "and the complaint");
    assert_eq!(archive.root_sha256, root(&archive.entries));
    assert!(archive.entries.is_sorted_by(|one, other| one.name < other.name));
    let verified = verify(&desk, &archive.name).await;
    assert!(verified.intact, "{:?}", verified.faults);
    assert_eq!((verified.root_sha256, verified.entry_count), (archive.root_sha256.clone(), 30));
    let got = pb::GetArchiveRequest { name: archive.name.clone() };
    assert_eq!(desk.as_("staff/lin").get_archive(got).await.unwrap().into_inner(), archive);
}

/// Statements that would change an archived file.
fn mutations(id: &str) -> Vec<String> {
    let of_evidence = format!("in (select id from complaints.evidence where complaint = '{id}')");
    let mut tried = vec![
        format!("update complaints.complaint set matter = 'x' where id = '{id}'"),
        format!("update complaints.complaint set state = 10 where id = '{id}'"),
        format!("update complaints.complaint set version = version where id = '{id}'"),
        format!("insert into complaints.paper values (gen_random_uuid(), '{id}', 1, 'x')"),
        format!("insert into complaints.evidence values (gen_random_uuid(), '{id}', 'x')"),
        format!(
            "insert into complaints.evidence_content select id, 9, 'x' from complaints.evidence where complaint = '{id}'"
        ),
        format!(
            "insert into complaints.archive select complaint, 'x', 'x', 'x', archived_at, archived_at
            from complaints.archive where complaint = '{id}' on conflict (complaint) do update set body = excluded.body"
        ),
        format!("update complaints.paper set body = body where complaint = '{id}'"),
        format!("update complaints.evidence set body = 'x' where complaint = '{id}'"),
        format!("update complaints.evidence_content set bytes = 'x' where evidence {of_evidence}"),
        format!("update complaints.evidence_content set ordinal = ordinal + 7 where evidence {of_evidence}"),
        format!("update complaints.archive set root_sha256 = 'x' where complaint = '{id}'"),
        format!("update complaints.archive set retain_until = archived_at where complaint = '{id}'"),
        format!("delete from complaints.paper where complaint = '{id}'"),
        format!("delete from complaints.evidence_content where evidence {of_evidence}"),
        format!("delete from complaints.evidence_content where ordinal = 1 and evidence {of_evidence}"),
        format!("delete from complaints.archive where complaint = '{id}'"),
    ];
    tried.extend(TABLES.map(|table| format!("truncate complaints.{table} cascade")));
    tried
}

/// Statements that delete every part of a file, in an order that foreign keys allow.
pub fn deletion(id: &str) -> String {
    format!(
        "delete from complaints.complaint_search where complaint = '{id}';
        delete from complaints.evidence_content
            where evidence in (select id from complaints.evidence where complaint = '{id}');
        delete from complaints.evidence where complaint = '{id}'; delete from complaints.paper where complaint = '{id}';
        delete from complaints.archive where complaint = '{id}'; delete from complaints.complaint where id = '{id}'"
    )
}

#[tokio::test]
async fn the_database_itself_refuses_every_change_of_an_archived_complaint_whoever_asks() {
    let (desk, archive) = archived().await;
    for statement in mutations(id(&archive)) {
        let told = refusal(desk.bench.admin(), &statement).await;
        assert!(told.as_ref().is_some_and(|told| told.contains("C5.9")), "{statement}: {told:?}");
        let told = refusal(desk.bench.pool(), &statement).await;
        let is_barred = |told: &String| told.contains("C5.9") || told.contains("permission denied");
        assert!(told.as_ref().is_some_and(is_barred), "{statement}: {told:?}");
    }
    let alone = format!("delete from complaints.complaint where id = '{}'", id(&archive));
    assert!(refusal(desk.bench.admin(), &alone).await.is_some(), "its parts refer to it");
    let whole = deletion(id(&archive));
    for pool in [desk.bench.admin(), desk.bench.pool()] {
        let told = refusal(pool, &whole).await;
        assert!(told.as_ref().is_some_and(|told| told.contains("C5.9")), "{told:?}");
    }
    // The service's role cannot disable the triggers.
    for table in TABLES {
        let statement = format!("alter table complaints.{table} disable trigger all");
        assert!(refusal(desk.bench.pool(), &statement).await.is_some(), "{statement}");
    }
    assert!(refusal(desk.bench.pool(), "set local session_replication_role = replica").await.is_some());
    assert!(verify(&desk, &archive.name).await.intact);
}

#[tokio::test]
async fn the_database_lets_nothing_that_was_recorded_be_changed_or_deleted_while_a_complaint_is_open() {
    let desk = Desk::open().await;
    let name = desk.concluded(pb::complaint::Outcome::Upheld).await.name;
    let content = picture(300_000);
    upload(&desk, stated(&name, &content), &content).await.unwrap();
    let id = name.rsplit('/').next().unwrap();
    let archived = "create temporary table copy as table complaints.complaint;
        update copy set id = gen_random_uuid(), number = 'x', state = 11; insert into complaints.complaint table copy";
    let tried = [
        "update complaints.paper set kind = 2".to_owned(),
        "update complaints.evidence set body = body".to_owned(),
        "update complaints.evidence_content set bytes = 'x'".to_owned(),
        "delete from complaints.paper".to_owned(),
        "delete from complaints.evidence_content".to_owned(),
        "delete from complaints.evidence_content; delete from complaints.evidence".to_owned(),
        format!("update complaints.complaint set state = 11 where id = '{id}'"),
        format!("update complaints.complaint set id = gen_random_uuid() where id = '{id}'"),
        format!("update complaints.complaint set received_at = received_at - interval '1 day' where id = '{id}'"),
        format!("insert into complaints.archive values ('{id}', 'x', 'x', 'x', '2026-11-20', '2031-11-20')"),
        deletion(id),
        archived.to_owned(),
    ];
    for statement in tried {
        let told = refusal(desk.bench.admin(), &statement).await;
        assert!(told.as_ref().is_some_and(|told| told.contains("C5.9")), "{statement}: {told:?}");
        assert!(refusal(desk.bench.pool(), &statement).await.is_some(), "{statement}");
    }
    assert_eq!(desk.get(&name).await.evidence_count, 1);
}

/// An archive whose tables are changed past the triggers.
struct Tampered {
    desk: Desk,
    archive: pb::Archive,
}

impl Tampered {
    async fn open() -> Self {
        let (desk, archive) = archived().await;
        for table in TABLES {
            run(desk.bench.admin(), &format!("create table kept_{table} as table complaints.{table}")).await;
        }
        Self { desk, archive }
    }

    /// Runs statements without triggers.
    async fn behind(&self, statements: &str) {
        let whole = format!("begin; set local session_replication_role = replica; {statements}; commit");
        run(self.desk.bench.admin(), &whole).await;
    }

    /// The faults that verification finds after statements without triggers. Restores all tables afterwards.
    async fn found(&self, statements: &str) -> Vec<(String, Kind)> {
        self.behind(statements).await;
        let verified = verify(&self.desk, &self.archive.name).await;
        assert_eq!(verified.intact, verified.faults.is_empty());
        let put_back = TABLES.map(|table| {
            format!("delete from complaints.{table}; insert into complaints.{table} table complaints.kept_{table};")
        });
        self.behind(&put_back.concat()).await;
        assert!(verify(&self.desk, &self.archive.name).await.intact, "all is as it was");
        verified.faults.into_iter().map(|fault| (fault.name.clone(), fault.kind())).collect()
    }

    /// Name of the first entry whose name contains `part`.
    fn named(&self, part: &str) -> String {
        self.archive.entries.iter().find(|entry| entry.name.contains(part)).unwrap().name.clone()
    }
}

fn last(name: &str) -> &str {
    name.rsplit('/').next().unwrap()
}

#[tokio::test]
async fn what_is_changed_removed_or_added_behind_the_guards_is_found_and_named() {
    let file = Tampered::open().await;
    let id = id(&file.archive);
    let (complaint, paper) = (format!("complaints/{id}"), file.named("/papers/"));
    let row = format!("{complaint}/row");
    let content = file.named("/content");
    let stored = content.trim_end_matches("/content").to_owned();
    let is_link = |name: &str| name.contains("/evidence/") && !name.starts_with(&stored);
    let link = file.archive.entries.iter().find(|entry| is_link(&entry.name)).unwrap().name.clone();
    let (paper_id, stored_id, link_id) = (last(&paper), last(&stored), last(&link));
    let stranger = "0199aaaa-0000-7000-8000-00000000000a";
    let changed = |name: &str| vec![(name.to_owned(), Kind::Changed)];
    let missing = |name: &str| (name.to_owned(), Kind::Missing);
    let added = |name: String| vec![(name, Kind::Added)];
    let cases = [
        ("update complaints.complaint set matter = matter || '!'".to_owned(), changed(&complaint)),
        ("update complaints.complaint set severity = 3, outcome = 3".to_owned(), changed(&complaint)),
        ("update complaints.complaint set satisfaction = 4".to_owned(), changed(&complaint)),
        ("update complaints.complaint set archived_at = archived_at - interval '1 day'".to_owned(), changed(&complaint)),
        ("update complaints.complaint set updated_at = updated_at + interval '1 us'".to_owned(), changed(&complaint)),
        ("update complaints.complaint set state = 10".to_owned(), changed(&complaint)),
        (r"update complaints.complaint set resolution = '\x00'".to_owned(), changed(&complaint)),
        ("update complaints.archive set complaint_body = complaint_body || 'x'".to_owned(), changed(&complaint)),
        (format!("update complaints.paper set body = body || '\\x00' where id = '{paper_id}'"), changed(&paper)),
        (format!("delete from complaints.paper where id = '{paper_id}'"), vec![missing(&paper)]),
        (
            format!("insert into complaints.paper values ('{stranger}', '{id}', 1, 'x')"),
            added(format!("{complaint}/papers/{stranger}")),
        ),
        (format!("update complaints.evidence set body = body || body where id = '{stored_id}'"), changed(&stored)),
        (format!("delete from complaints.evidence where id = '{link_id}'"), vec![missing(&link)]),
        (
            format!("delete from complaints.evidence where id = '{stored_id}'"),
            vec![missing(&stored), missing(&content)],
        ),
        (
            format!("insert into complaints.evidence values ('{stranger}', '{id}', 'x')"),
            added(format!("{complaint}/evidence/{stranger}")),
        ),
        (
            "update complaints.evidence_content set bytes = set_bit(bytes, 42, 1 - get_bit(bytes, 42)) where ordinal = 1"
                .to_owned(),
            changed(&content),
        ),
        ("update complaints.evidence_content set ordinal = ordinal + 7".to_owned(), changed(&content)),
        (format!("update complaints.paper set kind = 5 - kind where id = '{paper_id}'"), changed(&paper)),
        ("update complaints.complaint set parties = array_append(parties, 'staff/x')".to_owned(), changed(&row)),
        ("update complaints.complaint set contacted = not contacted, waived = not waived".to_owned(), changed(&row)),
        ("delete from complaints.evidence_content where ordinal = 1".to_owned(), changed(&content)),
        ("update complaints.evidence_content set ordinal = 1 - ordinal + 10".to_owned(), changed(&content)),
        (format!("insert into complaints.evidence_content values ('{stored_id}', 2, 'x')"), changed(&content)),
        ("delete from complaints.evidence_content".to_owned(), vec![missing(&content)]),
        (
            format!("insert into complaints.evidence_content values ('{link_id}', 0, 'x')"),
            added(format!("{link}/content")),
        ),
    ];
    for (statement, expected) in cases {
        assert_eq!(file.found(&statement).await, expected, "{statement}");
    }
    // The content of evidence whose message is unreadable is still checked.
    let garbled = file.found(&format!("update complaints.evidence set body = 'x' where id = '{stored_id}'")).await;
    assert_eq!(garbled, [changed(&stored), changed(&content)].concat());
}

#[tokio::test]
async fn a_manifest_that_says_something_else_than_the_journal_is_found() {
    let file = Tampered::open().await;
    let (archive, paper) = (&file.archive, file.named("/papers/"));
    let with = |change: &dyn Fn(&mut pb::Archive)| {
        let mut other = archive.clone();
        change(&mut other);
        format!("update complaints.archive set body = '\\x{}'", hex(&other.encode_to_vec()))
    };
    let changed = [(archive.name.clone(), Kind::Changed)];
    for statement in [
        with(&|it| it.archivist = "staff/mei".into()),
        with(&|it| it.archived_time.as_mut().unwrap().seconds -= 1),
        with(&|it| it.retain_until_time.as_mut().unwrap().seconds -= 86_400),
        with(&|it| it.name = "complaints/x/archive".into()),
        r"update complaints.archive set body = body || '\x7a0178'".to_owned(),
        "update complaints.archive set retain_until = archived_at".to_owned(),
        "update complaints.archive set archived_at = archived_at - interval '1 year'".to_owned(),
    ] {
        assert_eq!(file.found(&statement).await, changed, "{statement}");
    }
    let is_root = [(archive.name.clone(), Kind::Root)];
    let other_root = "update complaints.archive set root_sha256 = sha256('x')";
    assert_eq!(file.found(other_root).await, is_root);
    assert_eq!(file.found(&with(&|it| it.root_sha256[0] ^= 1)).await, is_root);
    // Forges a paper together with a manifest and roots that match it.
    let forged = sha2::Sha256::digest("forged").to_vec();
    let mut fitting = archive.clone();
    for entry in fitting.entries.iter_mut().filter(|entry| entry.name == paper) {
        (entry.sha256, entry.size_bytes) = (forged.clone(), 6);
    }
    fitting.root_sha256 = root(&fitting.entries);
    let statement = format!(
        "update complaints.paper set body = 'forged' where id = '{}';
        update complaints.archive set body = '\\x{}', root_sha256 = '\\x{}'",
        last(&paper),
        hex(&fitting.encode_to_vec()),
        hex(&fitting.root_sha256)
    );
    // The forged paper is no readable message, so its digest covers the column `kind` too and differs from the
    // manifest's.
    assert_eq!(file.found(&statement).await, [is_root.as_slice(), &[(paper.clone(), Kind::Changed)]].concat());
    // An unreadable manifest lists nothing, so every entry counts as added.
    let garbled = file.found("update complaints.archive set body = 'x'").await;
    assert_eq!(garbled.iter().filter(|(_, kind)| *kind == Kind::Added).count(), 30);
    assert!(garbled.contains(&is_root[0]));
}

/// A statement that appends a copy of the archiving event with another payload type and sequence number.
fn appended(archive: &pb::Archive, payload_type: &str, seq: &str) -> String {
    format!(
        "insert into complaints.journal (seq, event_id, aggregate, aggregate_version, actor, occurred_at, recorded_at,
            clauses, regulation, payload_type, payload, salt, payload_digest, duty_changes) overriding system value
        select {seq}, gen_random_uuid(), aggregate, aggregate_version, actor, occurred_at, recorded_at, clauses, regulation,
            'kefu.complaints.v1.{payload_type}', payload, salt, payload_digest, duty_changes
        from complaints.journal
        where aggregate = 'complaints/{}' and payload_type = 'kefu.complaints.v1.ComplaintArchived'",
        id(archive)
    )
}

#[tokio::test]
async fn a_closing_that_is_told_twice_proves_nothing_and_what_is_told_later_is_no_part_of_the_file() {
    let (desk, archive) = archived().await;
    desk.bench.seal().await;
    let next = "nextval(pg_get_serial_sequence('complaints.journal', 'seq'))";
    run(desk.bench.admin(), &appended(&archive, "CustomerContacted", next)).await;
    assert!(verify(&desk, &archive.name).await.intact, "told after the closing");
    run(desk.bench.admin(), &appended(&archive, "ComplaintArchived", next)).await;
    let faults = verify(&desk, &archive.name).await.faults;
    assert_eq!(faults.len(), 1, "{faults:?}");
    assert_eq!((faults[0].name.as_str(), faults[0].kind()), (archive.name.as_str(), Kind::Root));
}

#[tokio::test]
async fn what_the_journal_tells_of_a_complaint_is_part_of_its_file() {
    let (desk, archive) = archived().await;
    desk.bench.seal().await;
    let behind = async |statement: &str| {
        let whole = format!("begin; set local session_replication_role = replica; {statement}; commit");
        run(desk.bench.admin(), &whole).await;
    };
    behind(&appended(&archive, "CustomerContacted", "-1")).await;
    let faults = verify(&desk, &archive.name).await.faults;
    let told: Vec<_> = faults.iter().map(|fault| (fault.name.contains("/events/"), fault.kind())).collect();
    assert_eq!(told, [(true, Kind::Added)], "put in before it");
    behind("delete from complaints.journal where seq = -1").await;
    let classified = "where payload_type = 'kefu.complaints.v1.ComplaintClassified'";
    behind(&format!("update complaints.journal set payload = payload || '\\x00' {classified}")).await;
    let faults = verify(&desk, &archive.name).await.faults;
    let told: Vec<_> = faults.iter().map(|fault| (fault.name.contains("/events/"), fault.kind())).collect();
    assert_eq!(told, [(true, Kind::Changed)]);
    // Erasing personal data leaves the payload's digest, which the journal's chain covers.
    behind(&format!("update complaints.journal set payload = null, salt = null {classified}")).await;
    assert!(verify(&desk, &archive.name).await.intact);
}

#[tokio::test]
async fn the_accused_see_no_archive_of_what_is_brought_against_them() {
    let (desk, archive) = archived().await;
    let get = pb::GetArchiveRequest { name: archive.name.clone() };
    let hidden = desk.as_(super::desk::ACCUSED).get_archive(get).await;
    assert_refused(hidden, Code::NotFound, ErrorReason::ResourceNotFound);
    let call = pb::VerifyArchiveRequest { name: archive.name };
    let hidden = desk.as_(super::desk::ACCUSED).verify_archive(call).await;
    assert_refused(hidden, Code::NotFound, ErrorReason::ResourceNotFound);
}
