//! Runs the program as its users do: starts, calls, stops and kills it, and imports the real file of `MyLA311`.
#![expect(clippy::unwrap_used, reason = "a test fails by a panic")]

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, Instant};

use kefu_proto::intake::v1 as pb;
use kefu_proto::intake::v1::customer_service_client::CustomerServiceClient;
use opentelemetry_proto::tonic::collector::metrics::v1::metrics_service_server::{
    MetricsService, MetricsServiceServer,
};
use opentelemetry_proto::tonic::collector::metrics::v1::{ExportMetricsServiceRequest, ExportMetricsServiceResponse};
use serde_json::Value;
use tonic::transport::Channel;

mod kefu {
    mod languages;
    mod silence;
}

const PATIENCE: Duration = Duration::from_mins(1);

/// A home directory for one test, removed when the test ends.
struct Home(PathBuf);

impl Home {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("kefu-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_kefu"));
        command.arg("--home").arg(&self.0).args(arguments).env_remove("KEFU_DATABASE_URL");
        command.env("LC_ALL", "C.UTF-8");
        command
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    fn text(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// Starts everything on free ports and waits until it runs.
    fn up(&self, arguments: &[&str]) -> Up {
        self.up_with(arguments, &[])
    }

    fn up_with(&self, arguments: &[&str], environment: &[(&str, &str)]) -> Up {
        self.up_logging(arguments, environment, Stdio::inherit())
    }

    /// Starts everything as [`Home::up`] does, and sends what it logs to `logs`.
    fn up_logging(&self, arguments: &[&str], environment: &[(&str, &str)], logs: Stdio) -> Up {
        let base = free_ports().to_string();
        let started = Instant::now();
        let up = [&["up", "--port-base", &base, "--http-port", "0"], arguments].concat();
        let mut command = self.command(&up);
        command.envs(environment.iter().copied());
        let child = command.stdout(Stdio::null()).stderr(logs).spawn().unwrap();
        let state = self.0.join("run.json");
        let is_up = || read(&state).is_some_and(|state| state["pid"] == child.id());
        eventually("everything runs", is_up);
        let address = read(&state).unwrap()["services"]["intake"].as_str().unwrap().to_owned();
        Up { child, address, took: started.elapsed() }
    }

    fn has_no_ephemeral_data(&self) -> bool {
        self.0.join("ephemeral").read_dir().map_or(true, |mut entries| entries.next().is_none())
    }

    /// Returns the command lines of the processes that name this home.
    fn processes(&self) -> Vec<String> {
        self.processes_by_id().into_iter().map(|(_, line)| line).collect()
    }

    /// Returns the ids and command lines of the processes that name this home.
    fn processes_by_id(&self) -> Vec<(String, String)> {
        let path = self.0.to_str().unwrap();
        let entries = std::fs::read_dir("/proc").unwrap().filter_map(Result::ok);
        let read = |entry: std::fs::DirEntry| {
            let line = std::fs::read(entry.path().join("cmdline")).ok()?;
            Some((entry.file_name().into_string().ok()?, String::from_utf8_lossy(&line).replace('\0', " ")))
        };
        entries.filter_map(read).filter(|(_, line)| line.contains(path)).collect()
    }

    /// Kills Postgres' first process, which its others do not outlive. Returns the directory of its data.
    fn kill_postgres(&self) -> PathBuf {
        let processes = self.processes_by_id();
        let (id, line) = processes.iter().find(|(_, line)| line.contains("postgres -D ")).unwrap();
        assert!(Command::new("kill").args(["-KILL", id]).status().unwrap().success());
        let gone = Path::new("/proc").join(id).join("cmdline");
        eventually("Postgres is gone", || std::fs::read(&gone).map_or(true, |line| line.is_empty()));
        line.split(" -D ").nth(1).unwrap().split(' ').next().unwrap().into()
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.0).ok();
    }
}

struct Up {
    child: Child,
    address: String,
    took: Duration,
}

/// Kills the program, so that a test that fails leaves nothing running.
impl Drop for Up {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

impl Up {
    fn signal(&mut self, signal: &str) -> std::process::ExitStatus {
        assert!(Command::new("kill").arg(signal).arg(self.child.id().to_string()).status().unwrap().success());
        self.child.wait().unwrap()
    }
}

/// Returns a port base from which the ports of every service are free, each base once in this process. It lies below
/// the ports that the kernel gives to outgoing connections, since tests that run at the same time may have those.
fn free_ports() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let first = u16::try_from(std::process::id() % 1_000).unwrap();
    let bases = (0..1_000).map(|_| 12_000 + (first + NEXT.fetch_add(1, Ordering::Relaxed)) % 1_000 * 8);
    let is_free = |port| TcpListener::bind(("127.0.0.1", port)).is_ok();
    bases.into_iter().find(|base| (base + 1..=base + 5).all(is_free)).unwrap()
}

fn read(state: &Path) -> Option<Value> {
    serde_json::from_slice(&std::fs::read(state).ok()?).ok()
}

fn eventually(what: &str, holds: impl Fn() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < deadline, "{what}: not within {PATIENCE:?}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Creates a customer by gRPC with a token from the command line, and returns how many customers there are then.
async fn create_customer(home: &Home, address: &str) -> usize {
    let token = home.text(&["token", "--subject", "staff/admin", "--role", "admin"]);
    let channel = Channel::from_shared(format!("http://{address}")).unwrap().connect().await.unwrap();
    let bearer: tonic::metadata::MetadataValue<_> = format!("Bearer {}", token.trim()).parse().unwrap();
    let mut client = CustomerServiceClient::with_interceptor(channel, move |mut request: tonic::Request<()>| {
        request.metadata_mut().insert("authorization", bearer.clone());
        Ok(request)
    });
    let customer = Some(pb::Customer { display_name: "王小明".into(), ..pb::Customer::default() });
    client
        .create_customer(pb::CreateCustomerRequest { customer, allow_shared_contacts: true, ..Default::default() })
        .await
        .unwrap();
    client.list_customers(pb::ListCustomersRequest::default()).await.unwrap().into_inner().customers.len()
}

#[tokio::test(flavor = "multi_thread")]
async fn it_starts_keeps_what_was_said_through_stop_and_kill_and_leaves_no_process() {
    let home = Home::new("life");
    let mut first = home.up(&[]);
    assert_eq!(create_customer(&home, &first.address).await, 1);
    assert!(first.signal("-TERM").success());
    assert_eq!(home.processes(), [""; 0], "an orderly stop leaves nothing");
    assert!(!home.0.join("run.json").exists());

    let mut second = home.up(&[]);
    assert!(second.took < Duration::from_secs(3), "the second start took {:?}", second.took);
    assert_eq!(create_customer(&home, &second.address).await, 2);
    second.signal("-KILL");
    let mut third = home.up(&[]);
    assert_eq!(create_customer(&home, &third.address).await, 3, "nothing acknowledged is lost");
    third.signal("-KILL");
    eventually("no process is left", || home.processes().is_empty());

    let report = home.text(&["journal", "verify"]);
    assert!(report.contains("nothing is wrong"), "{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_postgres_is_started_again_and_one_that_cannot_be_ends_the_program_with_a_word() {
    let home = Home::new("postgres");
    let log = home.0.join("log");
    let mut up = home.up_logging(&[], &[], std::fs::File::create(&log).unwrap().into());
    assert_eq!(create_customer(&home, &up.address).await, 1);
    home.kill_postgres();
    eventually("it was started again", || std::fs::read_to_string(&log).unwrap().contains("starting it again"));
    eventually("it runs again", || home.run(&["compliance"]).status.success());
    assert_eq!(create_customer(&home, &up.address).await, 2, "nothing acknowledged is lost");

    let data = home.kill_postgres();
    std::fs::write(data.join("postgresql.conf"), "no such setting").unwrap();
    assert!(!up.child.wait().unwrap().success(), "{}", std::fs::read_to_string(&log).unwrap());
    let said = std::fs::read_to_string(&log).unwrap();
    assert!(said.contains("did not start") && said.contains("syntax error"), "{said}");
    assert_eq!(home.processes(), [""; 0], "nothing is left");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_ephemeral_run_leaves_no_data_however_it_ends() {
    let home = Home::new("ephemeral");
    for signal in ["-INT", "-KILL"] {
        let mut up = home.up(&["--ephemeral"]);
        assert_eq!(create_customer(&home, &up.address).await, 1, "each run begins with nothing");
        up.signal(signal);
        eventually("no process is left", || home.processes().is_empty());
        eventually("no data are left", || home.has_no_ephemeral_data());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_demo_is_told_beside_a_kefu_that_serves_its_day_and_goes_on_from_there() {
    let home = Home::new("demo");
    let mut up = home.up(&["--demo"]);
    assert_eq!(create_customer(&home, &up.address).await, 13, "twelve customers came on those days");
    let verified = home.text(&["journal", "verify"]);
    assert!(verified.contains("nothing is wrong") && !verified.contains("wrong:"), "{verified}");

    let output = home.run(&["demo"]);
    let (told, said) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && !said.contains("ERROR"), "{told}{said}");
    for part in ["Monday, 23 November 2026", "林小燕 picks up", "A promised wait", "nothing is wrong", "every one held"]
    {
        assert!(told.contains(part), "{part}: {told}");
    }
    assert!(!told.contains('\u{1b}'), "colours are for terminals");
    assert!(up.signal("-TERM").success());
    eventually("no process is left", || home.processes().is_empty());
    assert!(home.has_no_ephemeral_data());
}

#[test]
fn a_demo_that_is_interrupted_leaves_nothing() {
    let home = Home::new("interrupted");
    let child = home.command(&["demo"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let mut demo = Up { child, address: String::new(), took: Duration::ZERO };
    let serves = |home: &Home| home.processes().iter().any(|process| process.contains("postgres"));
    eventually("its Postgres runs", || serves(&home));
    assert!(!demo.signal("-INT").success());
    eventually("no process is left", || home.processes().is_empty());
    eventually("no data are left", || home.has_no_ephemeral_data());
}

/// Receives metrics as a collector does, and passes their names on.
struct Collector(tokio::sync::mpsc::UnboundedSender<String>);

#[tonic::async_trait]
impl MetricsService for Collector {
    async fn export(
        &self,
        request: tonic::Request<ExportMetricsServiceRequest>,
    ) -> Result<tonic::Response<ExportMetricsServiceResponse>, tonic::Status> {
        let resources = request.into_inner().resource_metrics.into_iter();
        for metric in resources.flat_map(|resource| resource.scope_metrics).flat_map(|scope| scope.metrics) {
            self.0.send(metric.name).unwrap();
        }
        Ok(tonic::Response::new(ExportMetricsServiceResponse::default()))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn telemetry_that_waits_is_sent_when_it_is_stopped() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let (told, mut names) = tokio::sync::mpsc::unbounded_channel();
    let server = tonic::transport::Server::builder().add_service(MetricsServiceServer::new(Collector(told)));
    #[expect(clippy::disallowed_methods, reason = "it ends with the test's runtime")]
    tokio::spawn(server.serve_with_incoming(tonic::transport::server::TcpIncoming::from(listener)));

    let home = Home::new("telemetry");
    // The interval is so long that nothing is sent before the program stops.
    let settings = [("KEFU_TELEMETRY__ENDPOINT", endpoint.as_str()), ("KEFU_TELEMETRY__METRIC_INTERVAL_MS", "3600000")];
    let mut up = home.up_with(&["--ephemeral"], &settings);
    let mut stranger = CustomerServiceClient::connect(format!("http://{}", up.address)).await.unwrap();
    stranger.list_customers(pb::ListCustomersRequest::default()).await.unwrap_err();
    assert!(names.is_empty());
    assert!(up.signal("-TERM").success());
    let told: Vec<String> = std::iter::from_fn(|| names.try_recv().ok()).collect();
    assert!(told.iter().any(|name| name == "rpc.server.call.duration"), "{told:?}");
}

#[test]
fn telemetry_that_cannot_be_sent_as_asked_is_named() {
    let home = Home::new("settings");
    for (setting, value, named) in [
        ("KEFU_TELEMETRY__ENDPOINT", "localhost", "telemetry.endpoint"),
        ("KEFU_TELEMETRY__SAMPLING_RATIO", "2", "telemetry.sampling_ratio"),
        ("KEFU_TELEMETRY__ENDPONT", "http://localhost:4317", "endpont"),
    ] {
        let output = home.command(&["compliance"]).env(setting, value).output().unwrap();
        let error = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success() && error.contains(named), "{setting}: {error}");
    }
}

#[test]
fn what_cannot_be_used_is_named() {
    let home = Home::new("errors");
    let regulation = home.0.join("regulation.toml");
    std::fs::write(&regulation, "[C2.1]\nchat = '0m'\n").unwrap();
    let map = home.0.join("map.toml");
    std::fs::write(&map, "sauce = 'x'\n").unwrap();
    let (regulation, map) = (regulation.to_str().unwrap(), map.to_str().unwrap());
    let elsewhere = "postgres://nobody@127.0.0.1:1/nothing";
    let cases: [(&[&str], &str); 8] = [
        (&["--regulation", regulation, "up"], "C2.1.chat"),
        (&["token", "--subject", "staff/lin", "--role", "boss"], "boss"),
        (&["token", "--subject", "lin", "--role", "agent"], "subject"),
        (&["--regulation", regulation, "demo"], "--regulation"),
        (&["--regulation", regulation, "up", "--demo"], "--regulation"),
        (&["--database-url", elsewhere, "demo"], "KEFU_DATABASE_URL"),
        (&["--database-url", elsewhere, "up", "--demo"], "KEFU_DATABASE_URL"),
        (&["import", "requests", map, "--map", map], "sauce"),
    ];
    for (arguments, named) in cases {
        let output = home.run(arguments);
        let error = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success() && error.contains(named), "{arguments:?}: {error}");
    }
}

/// The real file lies outside the repository; without it this test checks nothing.
#[test]
fn the_real_file_is_imported_once_and_judged_where_it_has_the_times() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let file = root.join("../shared/data/service_requests_2018.csv");
    if !file.exists() {
        eprintln!("{} is not there: nothing to import", file.display());
        return;
    }
    let home = Home::new("import");
    let rejects = home.0.join("rejects.csv");
    let map = root.join("deploy/import/my-la-311.toml");
    let import = [
        "import",
        "requests",
        file.to_str().unwrap(),
        "--map",
        map.to_str().unwrap(),
        "--rejects",
        rejects.to_str().unwrap(),
    ];
    let count = |report: &str, word: &str| -> usize {
        let line = report.lines().find(|line| line.trim_end().ends_with(word)).expect(word);
        line.split_whitespace().next().unwrap().replace(',', "").parse().unwrap()
    };
    let _up = home.up(&[]);
    let first = home.text(&import);
    let (imported, rejected) = (count(&first, "imported"), count(&first, "rejected"));
    assert_eq!(imported + rejected, 10_000, "every row is in, or rejected by line and reason");
    assert_eq!(rejected, 13);
    let listed = std::fs::read_to_string(&rejects).unwrap();
    assert_eq!(
        listed.lines().filter(|line| line.contains("closed_time") && line.contains("is before contact_time")).count(),
        13
    );
    let again = home.text(&import);
    assert_eq!((count(&again, "imported"), count(&again, "known from before")), (0, imported));

    let rows: Vec<Value> = serde_json::from_str(&home.text(&["compliance", "--json"])).unwrap();
    let row = |clause: &str| rows.iter().find(|row| row["clause"] == clause).expect(clause);
    assert_eq!(row("C2.1")["opened"], row("C2.1")["not_recorded"], "the file does not know first answers");
    assert_eq!(row("C2.4")["not_recorded"], imported);
    let promised = row("C2.2");
    let judged = promised["met_in_time"].as_u64().unwrap() + promised["late"].as_u64().unwrap();
    assert_eq!(
        (promised["opened"].as_u64().unwrap(), judged, promised["met_in_time"].as_u64().unwrap()),
        (7_268, 7_212, 6_923)
    );

    home.text(&["journal", "checkpoint"]);
    let report = home.text(&["journal", "verify"]);
    assert!(report.contains("1 compared") && report.contains("nothing is wrong"), "{report}");
}
