//! The Postgres of this process: started on first use, removed when the process ends, even by a crash. Each service's
//! schema is made once, in a template database; each test gets a copy.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use kefu_chassis::database;
use kefu_chassis::error::describe;
use kefu_chassis::program::Service;
use kefu_postgres::{Options, Postgres};
use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection};
use tokio::sync::Mutex;

use crate::caller::jwks;

/// Directory of the server's data while it runs, and of downloaded Postgres programs.
const HOME: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../.kefu");
/// Settings of the server: many connections, since each parallel test has a pool; no vacuum or replication, since no data
/// outlive the process.
const SETTINGS: [(&str, &str); 5] = [
    ("max_connections", "500"),
    ("autovacuum", "off"),
    ("jit", "off"),
    ("wal_level", "minimal"),
    ("max_wal_senders", "0"),
];

static CLUSTER: OnceLock<Cluster> = OnceLock::new();

/// A running Postgres with the databases of this process.
pub struct Cluster {
    postgres: Postgres,
    templates: Mutex<HashSet<&'static str>>,
    made: AtomicU32,
}

impl Cluster {
    /// The cluster of this process, started on first use.
    pub async fn get() -> &'static Self {
        if let Some(cluster) = CLUSTER.get() {
            return cluster;
        }
        tokio::task::spawn_blocking(|| CLUSTER.get_or_init(Self::start)).await.expect("Postgres can be started")
    }

    fn start() -> Self {
        let mut options = Options::ephemeral(HOME);
        options.settings = SETTINGS.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect();
        options.on_progress = |sentence| eprintln!("{sentence}");
        let postgres = Postgres::start(options).unwrap_or_else(|error| panic!("{}", describe(&error)));
        let cluster = Self { postgres, templates: Mutex::default(), made: AtomicU32::new(0) };
        std::fs::write(cluster.jwks_file(), jwks()).expect("the public keys can be written");
        cluster
    }

    /// File with the public keys of this process, removed together with the data.
    pub fn jwks_file(&self) -> PathBuf {
        self.postgres.data_dir().parent().unwrap_or(Path::new("/")).join("jwks.json")
    }

    /// Port of the server.
    pub fn port(&self) -> u16 {
        self.postgres.port()
    }

    /// Connection options of the superuser.
    pub fn superuser(&self, database: &str) -> PgConnectOptions {
        self.postgres.url(database).parse().expect("the URL of a database")
    }

    /// Makes a new database with the service's schema. Returns its name.
    pub async fn create(&self, service: &'static Service) -> String {
        let template = format!("template_{}", service.schema);
        self.make_template(service, &template).await;
        let database = format!("{}_{}", service.schema, self.made.fetch_add(1, Ordering::Relaxed) + 1);
        self.run(&format!("create database {database} template {template}")).await;
        database
    }

    /// Empties the directory's copy in a database.
    pub async fn empty_directory(&self, database: &str, schema: &str) {
        let options = self.superuser(database).options([("search_path", schema)]);
        let mut connection = PgConnection::connect_with(&options).await.unwrap();
        let tables = "directory_department, directory_staff, directory_membership, directory_absence, directory_post, feed_cursor";
        connection.execute(sqlx::raw_sql(AssertSqlSafe(format!("truncate {tables}")))).await.unwrap();
        connection.close().await.unwrap();
    }

    /// Makes the template unless it exists. One at a time, since roles belong to all databases.
    async fn make_template(&self, service: &'static Service, template: &str) {
        let mut templates = self.templates.lock().await;
        if templates.contains(service.schema) {
            return;
        }
        // A test cancelled at this point leaves the template half made.
        self.run(&format!("drop database if exists {template} with (force)")).await;
        self.run(&format!("create database {template}")).await;
        let mut connection = PgConnection::connect_with(&self.superuser(template)).await.unwrap();
        database::bootstrap(&mut connection, service.schema, "")
            .await
            .unwrap_or_else(|error| panic!("{}", describe(&error)));
        connection.close().await.unwrap();
        let migrated = database::migrate(self.superuser(template), service.schema, service.migrator).await;
        migrated.unwrap_or_else(|error| panic!("{}", describe(&error)));
        let in_schema = self.superuser(template).options([("search_path", service.schema)]);
        let mut connection = PgConnection::connect_with(&in_schema).await.unwrap();
        crate::cast::enrol(&mut connection).await.unwrap();
        connection.close().await.unwrap();
        templates.insert(service.schema);
    }

    async fn run(&self, statement: &str) {
        let mut connection = PgConnection::connect_with(&self.superuser("postgres")).await.unwrap();
        connection.execute(sqlx::raw_sql(AssertSqlSafe(statement))).await.unwrap();
        connection.close().await.unwrap();
    }
}
