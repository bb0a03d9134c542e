//! The services' database: a private Postgres of this home, or the operator's.

use std::path::PathBuf;
use std::str::FromStr as _;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use kefu_chassis::database::DatabaseError;
use kefu_postgres::{Auth, Durability, Lifetime, Options, Postgres};
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _, Executor as _, PgConnection};

use crate::error::Error;
use crate::home::{Data, Home};
use crate::language::pick;

/// Name of the database in a private Postgres.
const DATABASE: &str = "kefu";
/// Key of the advisory lock on an operator's database: "kefu" in ASCII.
const LOCK: i64 = 0x6b65_6675;
/// How often a private Postgres is looked after.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How long a Postgres that was started again has to run until its end counts as the first one.
const STEADY_AFTER: u32 = 60;
/// How often in a row Postgres is started again.
const MOST_RESTARTS: u32 = 3;

/// An open database, with a superuser's connection.
#[derive(Debug)]
pub struct Store {
    /// Connection options of a superuser.
    pub options: PgConnectOptions,
    /// A superuser's connection. On an operator's database this connection holds the lock.
    pub connection: PgConnection,
    postgres: Option<Private>,
}

/// A private Postgres: none once it has been stopped. Shared with the thread that starts it again.
#[derive(Clone, Debug)]
struct Private(Arc<Mutex<Option<Postgres>>>);

impl Private {
    fn lock(&self) -> MutexGuard<'_, Option<Postgres>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Starts Postgres again if it has ended. Returns whether it had. Blocks.
    fn revive(&self) -> Result<bool, kefu_postgres::Error> {
        let mut postgres = self.lock();
        let Some(postgres) = postgres.as_mut() else { return Ok(false) };
        if postgres.is_running()? {
            return Ok(false);
        }
        eprintln!("kefu: {}", pick("PostgreSQL has ended; starting it again", "PostgreSQL 已终止，正在重新启动"));
        postgres.restart()?;
        Ok(true)
    }
}

impl Store {
    /// Opens the operator's database at `url`, or starts a Postgres in the home and makes the database there.
    pub async fn open(home: &Home, data: Data, url: Option<&str>) -> Result<Self, Error> {
        match url {
            Some(url) => Self::elsewhere(url).await,
            None => Self::private(home, data).await,
        }
    }

    async fn elsewhere(url: &str) -> Result<Self, Error> {
        let options = PgConnectOptions::from_str(url).map_err(Error::Elsewhere)?.application_name("kefu");
        let mut connection = options.connect().await.map_err(Error::Elsewhere)?;
        let encoding: String =
            sqlx::query_scalar("show server_encoding").fetch_one(&mut connection).await.map_err(Error::Elsewhere)?;
        if encoding != "UTF8" {
            return Err(Error::Encoding(encoding));
        }
        // Every start sets new passwords for the roles, so a second kefu would lock the first one out.
        let locked = sqlx::query_scalar("select pg_try_advisory_lock($1)").bind(LOCK).fetch_one(&mut connection).await;
        if !locked.map_err(Error::Elsewhere)? {
            return Err(Error::ElsewhereInUse);
        }
        Ok(Self { options, connection, postgres: None })
    }

    async fn private(home: &Home, data: Data) -> Result<Self, Error> {
        let lifetime = if data == Data::Ephemeral { Lifetime::Ephemeral } else { Lifetime::Kept };
        let options = Options {
            durability: Durability::Full,
            lifetime,
            auth: Auth::Scram,
            on_progress: |what| eprintln!("kefu: {what}"),
            ..Options::new(home.path())
        };
        let postgres = tokio::task::spawn_blocking(|| Postgres::start(options)).await??;
        let connect = |database| PgConnectOptions::from_str(&postgres.url(database)).map_err(DatabaseError::Sql);
        make_database(&connect("postgres")?).await.map_err(DatabaseError::Sql)?;
        let options = connect(DATABASE)?.application_name("kefu");
        let connection = options.connect().await.map_err(DatabaseError::Sql)?;
        Ok(Self { options, connection, postgres: Some(Private(Arc::new(Mutex::new(Some(postgres))))) })
    }

    /// Describes the database for people.
    pub fn describe(&self) -> String {
        match self.postgres.as_ref().map(Private::lock).as_deref() {
            Some(Some(postgres)) => format!("PostgreSQL {} in {}", postgres.version(), postgres.data_dir().display()),
            _ => format!(
                "{}:{}/{}",
                self.options.get_host(),
                self.options.get_port(),
                self.options.get_database().unwrap_or_default()
            ),
        }
    }

    /// Log file of the private Postgres; none for the operator's database.
    pub fn log(&self) -> Option<PathBuf> {
        self.postgres.as_ref()?.lock().as_ref().map(|postgres| postgres.log_file().to_owned())
    }

    /// Looks after a private Postgres and starts it again when it was killed. Returns only when that fails, or when Postgres
    /// ends again and again. Waits for ever where the database is the operator's.
    pub async fn failed(&self) -> Error {
        let Some(postgres) = &self.postgres else { return std::future::pending().await };
        let (mut restarts, mut looks) = (0, 0);
        loop {
            tokio::time::sleep(LOOK_EVERY).await;
            let postgres = postgres.clone();
            match tokio::task::spawn_blocking(move || postgres.revive()).await {
                Ok(Ok(false)) => looks += 1,
                Ok(Ok(true)) => {
                    restarts = if looks > STEADY_AFTER { 1 } else { restarts + 1 };
                    looks = 0;
                }
                Ok(Err(error)) => return error.into(),
                Err(error) => return error.into(),
            }
            if restarts > MOST_RESTARTS {
                return Error::PostgresEnds { times: restarts };
            }
        }
    }

    /// Closes the connection and stops a private Postgres.
    pub async fn close(self) -> Result<(), Error> {
        // Closing fails only if the database is gone, which needs no closing.
        let _ = self.connection.close().await;
        if let Some(postgres) = self.postgres {
            tokio::task::spawn_blocking(move || postgres.lock().take().map_or(Ok(()), Postgres::stop)).await??;
        }
        Ok(())
    }
}

/// Makes the database from `template0`, which has the cluster's locale: UTF-8, sorted by code point.
async fn make_database(maintenance: &PgConnectOptions) -> Result<(), sqlx::Error> {
    let mut connection = maintenance.connect().await?;
    let exists = sqlx::query_scalar("select exists (select from pg_database where datname = $1)").bind(DATABASE);
    if !exists.fetch_one(&mut connection).await? {
        connection.execute("create database kefu template template0 encoding 'UTF8'").await?;
    }
    connection.close().await
}
