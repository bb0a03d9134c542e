//! Real servers, and real ends of the processes that own them. A test that needs an owner to kill
//! runs this binary again as one (`an_owner_to_be_killed`).
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests fail the test")]

use std::env;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use kefu_postgres::{Auth, Durability, Error, Lifetime, Options, Postgres};

const HELPER_HOME: &str = "KEFU_POSTGRES_TEST_HOME";
const HELPER_LIFETIME: &str = "KEFU_POSTGRES_TEST_LIFETIME";

/// A home directory of a test's own, removed in the end.
struct Home(PathBuf);

impl Home {
    fn new() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("kefu-postgres-test-{}-{number}", std::process::id());
        let path = env::temp_dir().join(name);
        fs::create_dir(&path).unwrap();
        Self(path.canonicalize().unwrap())
    }

    fn kept(&self) -> Options {
        Options { durability: Durability::None, ..Options::new(&self.0) }
    }

    fn ephemeral(&self) -> Options {
        Options::ephemeral(&self.0)
    }

    /// Ids of the processes that work in this home directory or name it in their arguments.
    fn processes(&self) -> Vec<(u32, String)> {
        let home = self.0.to_str().unwrap();
        let entries = fs::read_dir("/proc").unwrap().flatten();
        let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        pids.filter_map(|pid: u32| {
            let arguments = fs::read_to_string(format!("/proc/{pid}/cmdline")).ok()?;
            let inside = fs::read_link(format!("/proc/{pid}/cwd")).is_ok_and(|cwd| cwd.starts_with(home));
            (inside || arguments.contains(home)).then_some((pid, arguments))
        })
        .collect()
    }

    fn watchdog(&self) -> u32 {
        let mut all = self.processes().into_iter();
        all.find(|(_, arguments)| arguments.contains("watchdog")).expect("a watchdog").0
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).ok();
    }
}

fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !holds() {
        assert!(Instant::now() < deadline, "waited in vain until {what}");
        thread::sleep(Duration::from_millis(2));
    }
}

fn signal(name: &str, pid: u32) {
    let status = Command::new("sh").args(["-c", "kill -s \"$0\" \"$1\"", name, &pid.to_string()]).status().unwrap();
    assert!(status.success());
}

/// The smallest client: connects with trust and returns the first column of every row.
fn query(port: u16, sql: &str) -> Result<Vec<String>, String> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).map_err(|error| error.to_string())?;
    let parameters = b"user\0postgres\0database\0postgres\0\0";
    let length = u32::try_from(parameters.len() + 8).unwrap();
    let mut startup = length.to_be_bytes().to_vec();
    startup.extend(196_608_u32.to_be_bytes());
    startup.extend(parameters);
    stream.write_all(&startup).map_err(|error| error.to_string())?;
    answers(&mut stream)?;
    let length = u32::try_from(sql.len() + 5).unwrap();
    let mut message = vec![b'Q'];
    message.extend(length.to_be_bytes());
    message.extend(sql.as_bytes());
    message.push(0);
    stream.write_all(&message).map_err(|error| error.to_string())?;
    answers(&mut stream)
}

fn answers(stream: &mut TcpStream) -> Result<Vec<String>, String> {
    let mut rows = Vec::new();
    loop {
        let mut head = [0; 5];
        stream.read_exact(&mut head).map_err(|error| error.to_string())?;
        let length = u32::from_be_bytes([head[1], head[2], head[3], head[4]]) as usize;
        let mut body = vec![0; length - 4];
        stream.read_exact(&mut body).map_err(|error| error.to_string())?;
        match head[0] {
            b'D' => rows.push(String::from_utf8_lossy(&body[6..]).into_owned()),
            b'E' => return Err(String::from_utf8_lossy(&body).into_owned()),
            b'R' if body[3] != 0 => return Err(format!("authentication {}", body[3])),
            b'Z' => return Ok(rows),
            _ => {}
        }
    }
}

/// Another process that owns a server.
struct Owner {
    process: Child,
    lines: BufReader<std::process::ChildStdout>,
}

impl Owner {
    fn start(home: &Home, lifetime: &str) -> Self {
        let mut process = Command::new(env::current_exe().unwrap())
            .args(["an_owner_to_be_killed", "--exact", "--nocapture", "--test-threads=1"])
            .env(HELPER_HOME, &home.0)
            .env(HELPER_LIFETIME, lifetime)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(process.stdout.take().unwrap());
        Self { process, lines }
    }

    /// What the owner says next after this word.
    fn says(&mut self, word: &str) -> String {
        loop {
            let mut line = String::new();
            let length = self.lines.read_line(&mut line).unwrap();
            assert!(length > 0, "the owner ended without saying {word}");
            if let Some((_, said)) = line.split_once(&format!("owner: {word} ")) {
                return said.trim().to_owned();
            }
        }
    }

    fn port(&mut self) -> u16 {
        self.says("port").parse().unwrap()
    }

    fn kill(mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

/// Not a test by itself: the process that other tests start and kill.
#[test]
fn an_owner_to_be_killed() {
    let Some(home) = env::var_os(HELPER_HOME) else {
        return;
    };
    let options = Options {
        lifetime: if env::var_os(HELPER_LIFETIME).unwrap() == "kept" { Lifetime::Kept } else { Lifetime::Ephemeral },
        on_progress: |text| println!("owner: progress {text}"),
        ..Options::ephemeral(home)
    };
    let postgres = Postgres::start(options).unwrap();
    println!("owner: data {}", postgres.data_dir().display());
    println!("owner: port {}", postgres.port());
    std::io::stdin().read_to_end(&mut Vec::new()).unwrap();
    postgres.stop().unwrap();
}

#[test]
fn an_ephemeral_server_answers_in_utf8_and_leaves_nothing() {
    let home = Home::new();
    let postgres = Postgres::start(home.ephemeral()).unwrap();
    let (port, data) = (postgres.port(), postgres.data_dir().to_path_buf());
    assert_eq!(query(port, "show server_encoding").unwrap(), ["UTF8"]);
    assert_eq!(query(port, "show fsync").unwrap(), ["off"]);
    assert_eq!(query(port, "select '客服' ~ '^\\w{2}$'").unwrap(), ["t"]);
    assert_eq!(query(port, "select upper('é')").unwrap(), ["É"]);
    let number = query(port, "show server_version_num").unwrap().remove(0);
    assert_eq!(number.parse::<u32>().unwrap() / 10_000, postgres.version());
    assert_eq!(postgres.url("a b"), format!("postgres://postgres@127.0.0.1:{port}/a%20b"));
    assert!(postgres.bin_dir().join("postgres").is_file());
    postgres.stop().unwrap();
    assert!(!data.parent().unwrap().exists());
    assert_eq!(home.processes(), []);
    assert!(query(port, "select 1").is_err());
}

#[test]
fn kept_data_outlive_the_server_and_keep_their_password() {
    let home = Home::new();
    let scram = Options { auth: Auth::Scram, ..home.kept() };
    let postgres = Postgres::start(scram).unwrap();
    let password = postgres.password().unwrap().to_owned();
    assert!(postgres.url("x").contains(&format!("postgres:{password}@")));
    assert_eq!(query(postgres.port(), "select 1"), Err("authentication 10".to_owned()));
    let file = postgres.data_dir().with_file_name("password");
    assert_eq!(fs::metadata(file).unwrap().mode() & 0o777, 0o600);
    assert!(!postgres.data_dir().with_file_name("password.initdb").exists());
    drop(postgres);
    assert_eq!(home.processes(), []);
    let again = Postgres::start(home.kept()).unwrap();
    assert_eq!(again.password(), Some(password.as_str()));
}

#[test]
fn a_second_owner_is_refused_and_told_who_has_it() {
    let home = Home::new();
    let first = Postgres::start(home.kept()).unwrap();
    let refused = Postgres::start(home.kept()).unwrap_err();
    let own = std::process::id().to_string();
    assert!(matches!(&refused, Error::InUse { holder, .. } if *holder == own), "{refused}");
    assert!(query(first.port(), "select 1").is_ok());
    // Servers whose data are removed are each on their own, also in the same home directory.
    let other = Postgres::start(home.ephemeral()).unwrap();
    assert_ne!(first.port(), other.port());
}

#[test]
fn a_stopped_owner_keeps_its_server_and_a_killed_one_leaves_nothing() {
    let home = Home::new();
    let mut owner = Owner::start(&home, "ephemeral");
    let data = PathBuf::from(owner.says("data"));
    let port = owner.port();
    signal("STOP", owner.process.id());
    for _ in 0..20 {
        assert!(query(port, "select 1").is_ok());
    }
    signal("CONT", owner.process.id());
    assert!(data.exists());
    owner.kill();
    until("no process is left", || home.processes().is_empty());
    assert!(!data.parent().unwrap().exists());
}

#[test]
fn every_start_right_after_a_kill_gives_a_server_with_all_that_was_committed() {
    let home = Home::new();
    let rounds = 20;
    for round in 0..rounds {
        let mut owner = Owner::start(&home, "kept");
        let port = owner.port();
        if round == 0 {
            query(port, "create table kept (round int)").unwrap();
        }
        query(port, &format!("insert into kept values ({round})")).unwrap();
        owner.kill();
    }
    let postgres = Postgres::start(home.kept()).unwrap();
    let count = query(postgres.port(), "select count(*) from kept").unwrap();
    assert_eq!(count, [rounds.to_string()]);
    postgres.stop().unwrap();
    assert_eq!(home.processes(), []);
}

#[test]
fn a_killed_server_starts_again_on_its_port_with_all_that_was_committed() {
    let home = Home::new();
    let durable = Options { durability: Durability::Full, ..home.ephemeral() };
    let mut postgres = Postgres::start(durable).unwrap();
    let (port, first) = (postgres.port(), postgres.pid());
    query(port, "create table kept (round int)").unwrap();
    for round in 0..3 {
        query(port, &format!("insert into kept values ({round})")).unwrap();
        signal("KILL", postgres.pid());
        postgres.restart().unwrap();
        assert_eq!(postgres.port(), port);
    }
    postgres.restart().unwrap();
    assert_eq!(query(port, "select count(*) from kept").unwrap(), ["3"], "one that runs is ended and starts again too");
    assert_ne!(postgres.pid(), first);
    postgres.stop().unwrap();
    assert_eq!(home.processes(), []);
}

#[test]
fn a_server_that_lost_owner_and_watchdog_is_taken_over_unless_its_settings_differ() {
    let home = Home::new();
    let mut owner = Owner::start(&home, "kept");
    let port = owner.port();
    let started = query(port, "select pg_postmaster_start_time()").unwrap();
    signal("KILL", home.watchdog());
    owner.kill();
    let clock = Instant::now();
    let postgres = Postgres::start(home.kept()).unwrap();
    println!("taken over in {:?}", clock.elapsed());
    assert_eq!(postgres.port(), port);
    assert_eq!(query(port, "select pg_postmaster_start_time()").unwrap(), started);
    assert!(home.watchdog() > 0);
    postgres.stop().unwrap();
    assert_eq!(home.processes(), []);

    let mut owner = Owner::start(&home, "kept");
    owner.port();
    signal("KILL", home.watchdog());
    owner.kill();
    let changed = Options { settings: vec![("max_connections".to_owned(), "17".to_owned())], ..home.kept() };
    let postgres = Postgres::start(changed).unwrap();
    assert_eq!(query(postgres.port(), "show max_connections").unwrap(), ["17"]);
}

#[test]
fn a_start_after_everything_was_killed_recovers_what_was_committed() {
    let home = Home::new();
    let mut owner = Owner::start(&home, "kept");
    let data = PathBuf::from(owner.says("data"));
    let port = owner.port();
    // The server itself is killed too, so the commit must be out of its memory.
    query(port, "set synchronous_commit = on; create table kept as select 42").unwrap();
    let pid_file = fs::read_to_string(data.join("postmaster.pid")).unwrap();
    signal("KILL", home.watchdog());
    signal("KILL", pid_file.lines().next().unwrap().parse().unwrap());
    owner.kill();
    let postgres = Postgres::start(home.kept()).unwrap();
    assert_eq!(query(postgres.port(), "select * from kept").unwrap(), ["42"]);
    postgres.stop().unwrap();
    assert_eq!(home.processes(), []);
}

#[test]
fn ephemeral_data_that_lost_owner_and_watchdog_are_cleared_by_the_next_start() {
    let home = Home::new();
    let mut owner = Owner::start(&home, "ephemeral");
    let lost = PathBuf::from(owner.says("data"));
    owner.port();
    signal("KILL", home.watchdog());
    owner.kill();
    assert!(lost.exists());
    let postgres = Postgres::start(home.ephemeral()).unwrap();
    assert!(!lost.parent().unwrap().exists());
    postgres.stop().unwrap();
    assert_eq!(home.processes(), []);
}

#[test]
fn a_kill_while_the_data_are_made_leaves_nothing_in_the_way() {
    let home = Home::new();
    for lifetime in ["kept", "ephemeral"] {
        let mut owner = Owner::start(&home, lifetime);
        owner.says("progress");
        until("initdb runs", || home.processes().iter().any(|(_, arguments)| arguments.contains("data.new")));
        owner.kill();
        until("no process is left", || home.processes().is_empty());
    }
    assert!(fs::read_dir(home.0.join("ephemeral")).unwrap().next().is_none());
    let kept = fs::read_dir(&home.0).unwrap().flatten().map(|entry| entry.path());
    let kept = kept.into_iter().find(|path| path.join("watchdog.lock").exists()).unwrap();
    let (made, half) = (kept.join("data").exists(), kept.join("data.new").exists());
    assert!(half && !made, "half {half} made {made}");
    let postgres = Postgres::start(home.kept()).unwrap();
    assert!(query(postgres.port(), "select 1").is_ok());
}

#[test]
fn a_pid_file_that_names_an_innocent_process_is_no_obstacle() {
    let home = Home::new();
    let postgres = Postgres::start(home.kept()).unwrap();
    let data = postgres.data_dir().to_path_buf();
    postgres.stop().unwrap();
    // After a crash of the machine the old id may belong to anything, such as to this test.
    let own = std::process::id();
    let pid_file = data.join("postmaster.pid");
    fs::write(&pid_file, format!("{own}\n{}\n1\n5432\n\n127.0.0.1\n", data.display())).unwrap();
    let owner = fs::metadata(&data).unwrap();
    std::os::unix::fs::chown(&pid_file, Some(owner.uid()), Some(owner.gid())).unwrap();
    let postgres = Postgres::start(home.kept()).unwrap();
    assert!(query(postgres.port(), "select 1").is_ok());
}

#[test]
fn a_server_that_does_not_start_is_explained_by_its_log_and_leaves_nothing() {
    let home = Home::new();
    let nonsense = Options { settings: vec![("nonsense".to_owned(), "1".to_owned())], ..home.ephemeral() };
    let error = Postgres::start(nonsense).unwrap_err();
    assert!(matches!(&error, Error::Start { tail, .. } if tail.contains("nonsense")), "{error}");
    assert_eq!(home.processes(), []);
    assert!(fs::read_dir(home.0.join("ephemeral")).unwrap().next().is_none());
}

#[test]
fn data_of_a_version_that_is_gone_are_not_passed_over() {
    if env::var_os("PG_BIN_DIR").is_some() {
        // Whoever names the programs may start another version beside the data.
        return;
    }
    let home = Home::new();
    fs::create_dir_all(home.0.join("pg14/data")).unwrap();
    let error = Postgres::start(home.kept()).unwrap_err();
    assert!(matches!(&error, Error::OtherMajor { made_by, .. } if made_by == "14"), "{error}");
    assert!(Path::new(&home.0).join("pg14/data").exists());
}
