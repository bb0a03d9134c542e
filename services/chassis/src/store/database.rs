//! Databases: pools of a service's role, roles and schemas at bootstrap, migrations, and the stamp of simulated time.

use std::path::PathBuf;
use std::str::FromStr as _;
use std::time::Duration;

use serde::Deserialize;
use sqlx::migrate::Migrator;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, Executor as _, PgConnection, PgPool};

use crate::base::clock::Clock;

/// The settings of a database.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Database {
    /// `postgres://role@host:port/database`, without a password.
    pub url: String,
    /// A file with the role's password.
    #[serde(default)]
    pub password_file: Option<PathBuf>,
    /// The most connections.
    #[serde(default = "default_connections")]
    pub max_connections: u32,
}

fn default_connections() -> u32 {
    16
}

static CHASSIS: Migrator = sqlx::migrate!("./migrations");

/// The role that owns every schema and runs migrations; no pod that serves has it.
pub const MIGRATOR: &str = "kefu_migrator";

/// Why a database cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DatabaseError {
    /// The database cannot be reached, or refuses.
    #[error("the database cannot be used")]
    Sql(#[from] sqlx::Error),
    /// A migration failed, or the database is newer than this program.
    #[error("the schema {schema} cannot be migrated")]
    Migration {
        /// The schema.
        schema: String,
        /// Why.
        #[source]
        source: sqlx::migrate::MigrateError,
    },
    /// The schema's tables do not exist.
    #[error("the schema {0} is not there, or not migrated: run `migrate` first")]
    NotMigrated(String),
    /// The password file cannot be read.
    #[error("the password file {path} cannot be read")]
    Password {
        /// The file.
        path: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The database has seen simulated time and the clock is real, or the other way round.
    #[error("the database holds {holds} time and cannot be served on {served} time")]
    Time {
        /// The kind of time that the database holds.
        holds: &'static str,
        /// The kind of time that was asked for.
        served: &'static str,
    },
}

/// Returns the options to connect as a service's role, with its schema as the whole search path.
pub fn options(config: &Database, schema: &str) -> Result<PgConnectOptions, DatabaseError> {
    let mut options = PgConnectOptions::from_str(&config.url)?;
    if let Some(path) = &config.password_file {
        let password = std::fs::read_to_string(path)
            .map_err(|source| DatabaseError::Password { path: path.display().to_string(), source })?;
        options = options.password(password.trim_end());
    }
    Ok(options.options([("search_path", schema)]).application_name(&format!("kefu-{schema}")))
}

/// How long a transaction may be idle before Postgres ends it, so that a replica that hangs does not hold locks for ever. No
/// code awaits anything but Postgres while a transaction is open.
const IDLE_IN_TRANSACTION: &str = "10s";

/// Creates a pool for a service. Statements slower than a second are logged, without their values.
#[must_use]
pub fn pool(options: PgConnectOptions, max_connections: u32) -> PgPool {
    let options = options.options([("idle_in_transaction_session_timeout", IDLE_IN_TRANSACTION)]);
    let options = options.log_slow_statements(tracing::log::LevelFilter::Warn, Duration::from_secs(1));
    PgPoolOptions::new()
        .max_connections(max_connections)
        .acquire_timeout(Duration::from_secs(5))
        .test_before_acquire(false)
        .connect_lazy_with(options)
}

/// Creates what a service needs of the cluster, as a superuser connected to the suite's database: the migrator role, the
/// service's login role with `password`, and its schema. Run again, it changes nothing but the password.
pub async fn bootstrap(connection: &mut PgConnection, schema: &str, password: &str) -> Result<(), DatabaseError> {
    let role = role(schema);
    // The names are our own constants, so nothing here needs escaping.
    let statements = format!(
        "do $$ begin
            if not exists (select from pg_roles where rolname = '{MIGRATOR}') then create role {MIGRATOR} login; end if;
            if not exists (select from pg_roles where rolname = '{role}') then create role {role} login; end if;
        end $$;
        create schema if not exists {schema} authorization {MIGRATOR};
        grant usage on schema {schema} to {role};"
    );
    let mut transaction = connection.begin().await?;
    transaction.execute(sqlx::raw_sql(AssertSqlSafe(statements))).await?;
    // The password is bound because statements are logged, here and by the server, and bound values are not.
    sqlx::query("select set_config('kefu.password', $1, true)").bind(password).execute(&mut *transaction).await?;
    let alter = format!(
        "do $$ begin execute format('alter role {role} password %L', current_setting('kefu.password')); end $$"
    );
    transaction.execute(sqlx::raw_sql(AssertSqlSafe(alter))).await?;
    transaction.commit().await?;
    Ok(())
}

/// Returns the login role of the service that owns `schema`.
#[must_use]
pub fn role(schema: &str) -> String {
    format!("kefu_{schema}")
}

/// Brings `schema` up to date: the chassis' tables, then the service's own. Several processes may run it at once.
pub async fn migrate(options: PgConnectOptions, schema: &str, service: &Migrator) -> Result<(), DatabaseError> {
    let mut connection = PgConnection::connect_with(&options.options([("search_path", schema)])).await?;
    let failed = |source| DatabaseError::Migration { schema: schema.to_owned(), source };
    // The lock is held until the connection closes.
    sqlx::query("select pg_advisory_lock(hashtextextended('kefu.migrate.' || $1, 0))")
        .bind(schema)
        .execute(&mut connection)
        .await?;
    // The role is set so that the tables belong to the migrator even when a superuser runs this (bootstrap, tests).
    connection.execute(sqlx::raw_sql(AssertSqlSafe(format!("set role {MIGRATOR}")))).await?;
    for (migrator, table) in
        [(&CHASSIS, format!("{schema}._chassis_migrations")), (service, format!("{schema}._migrations"))]
    {
        let mut migrator = Migrator::with_migrations(migrator.iter().cloned().collect());
        migrator.dangerous_set_table_name(table);
        migrator.run_direct(None, &mut connection, false).await.map_err(failed)?;
    }
    // The journal is append-only for the service's role: it may seal and erase, never delete or rewrite.
    let role = role(schema);
    let grants = format!(
        "grant usage on schema {schema} to {role};
        grant select, insert, update, delete on all tables in schema {schema} to {role};
        grant usage on all sequences in schema {schema} to {role};
        revoke update, delete on {schema}.journal from {role};
        grant update (position, hash, payload, salt) on {schema}.journal to {role};
        revoke insert, update, delete on {schema}._chassis_migrations, {schema}._migrations from {role}"
    );
    connection.execute(sqlx::raw_sql(AssertSqlSafe(grants))).await?;
    connection.close().await?;
    Ok(())
}

/// Stamps a database that is served on simulated time, and refuses one that has seen the other kind of time.
pub async fn check_time(pool: &PgPool, schema: &str, clock: &Clock) -> Result<(), DatabaseError> {
    let simulated =
        sqlx::query_scalar!(r#"select exists (select from fact where name = 'simulated_time') as "exists!""#)
            .fetch_one(pool)
            .await
            .map_err(|error| match error.as_database_error().and_then(sqlx::error::DatabaseError::code).as_deref() {
                Some("42P01") => DatabaseError::NotMigrated(schema.to_owned()),
                _ => error.into(),
            })?;
    match (simulated, clock.is_simulated()) {
        (true, false) => Err(DatabaseError::Time { holds: "simulated", served: "real" }),
        (false, true) => {
            let written =
                sqlx::query_scalar!(r#"select exists (select from journal) as "exists!""#).fetch_one(pool).await?;
            if written {
                return Err(DatabaseError::Time { holds: "real", served: "simulated" });
            }
            sqlx::query!("insert into fact (name, value) values ('simulated_time', 'true') on conflict do nothing")
                .execute(pool)
                .await?;
            Ok(())
        }
        _ => Ok(()),
    }
}
