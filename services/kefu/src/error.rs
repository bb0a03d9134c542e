//! Errors of commands, as sentences for the operator. A sentence never repeats its cause, which is printed after it.

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use kefu_chassis::config::ConfigError;
use kefu_chassis::database::DatabaseError;
use kefu_chassis::error::describe;
use kefu_chassis::identity::signer::SignerError;
use kefu_chassis::language::Language;
use kefu_chassis::program::StartError;
use kefu_chassis::telemetry::TelemetryError;
use tonic_types::StatusExt as _;

use crate::import::file::ImportError;
use crate::journal::checkpoint::CheckpointError;
use crate::language::spoken;

pub mod chinese;

/// The error of a command.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file cannot be used.
    #[error("{} cannot be {action}", path.display())]
    File {
        /// What was tried, as a participle.
        action: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Another kefu has the home directory.
    #[error("{} is in use by process {pid}; stop that one first, or choose another --home", home.display())]
    InUse {
        /// The home directory.
        home: PathBuf,
        /// The process.
        pid: String,
    },
    /// Another kefu has the home directory, and does not answer.
    #[error("{} is in use by process {pid}, which has no services that answer; try again when it is done", home.display())]
    Silent {
        /// The home directory.
        home: PathBuf,
        /// The process.
        pid: String,
    },
    /// The key that signs tokens cannot be used.
    #[error("the key {} cannot be used", path.display())]
    Key {
        /// The key file.
        path: PathBuf,
        /// Why.
        #[source]
        source: SignerError,
    },
    /// Others may read the key that signs tokens.
    #[error("the key {} can be read by others, who could make tokens with it: run chmod 600 on it, or remove it to get a new one", path.display())]
    KeyExposed {
        /// The key file.
        path: PathBuf,
    },
    /// No random numbers can be had.
    #[error("the system gives no random numbers")]
    Random,
    /// The regulation file cannot be used.
    #[error("the regulation cannot be used")]
    Regulation(#[from] kefu_regulation::Error),
    /// Settings in the environment cannot be used.
    #[error("the settings KEFU_TELEMETRY__… cannot be used")]
    Settings(#[from] ConfigError),
    /// Telemetry cannot start.
    #[error("telemetry cannot start")]
    Telemetry(#[from] TelemetryError),
    /// The private Postgres cannot be used.
    #[error("the private PostgreSQL cannot be used")]
    Postgres(#[from] kefu_postgres::Error),
    /// The operator's database cannot be used.
    #[error("the database of KEFU_DATABASE_URL cannot be used")]
    Elsewhere(#[source] sqlx::Error),
    /// Another kefu has the operator's database.
    #[error(
        "the database of KEFU_DATABASE_URL is in use by another kefu; stop that one first, or give this one another database"
    )]
    ElsewhereInUse,
    /// The operator's database has another encoding than UTF-8.
    #[error(
        "the database of KEFU_DATABASE_URL has the encoding {0}; make one with: create database kefu template template0 encoding 'UTF8' locale 'C.UTF-8'"
    )]
    Encoding(String),
    /// Both an ephemeral database and the operator's were asked for.
    #[error(
        "--ephemeral and the demo make a database of their own, but KEFU_DATABASE_URL names another: unset one of the two"
    )]
    EphemeralElsewhere,
    /// The database cannot be prepared.
    #[error("the database cannot be prepared")]
    Database(#[from] DatabaseError),
    /// A service cannot start.
    #[error("{schema} cannot start")]
    Start {
        /// The service.
        schema: &'static str,
        /// Why.
        #[source]
        source: Box<StartError>,
    },
    /// A service's port is taken.
    #[error("{schema} cannot start: {address} is taken, perhaps by another kefu; choose other ports with --port-base")]
    Taken {
        /// The service.
        schema: &'static str,
        /// Its address.
        address: SocketAddr,
    },
    /// The gateway cannot start.
    #[error("the gateway cannot start")]
    Gateway(#[source] Box<kefu_gateway::StartError>),
    /// The gateway's port is taken.
    #[error("the gateway cannot start: {0} is taken, perhaps by another kefu; choose another port with --http-port")]
    HttpTaken(SocketAddr),
    /// A service ended by itself.
    #[error("{0} has ended; its log says why")]
    Ended(&'static str),
    /// The private Postgres ended again soon after it was started again.
    #[error("PostgreSQL has ended {times} times in a row; its log says why")]
    PostgresEnds {
        /// How often.
        times: u32,
    },
    /// There is no such clause.
    #[error("the rule book has no clause {0}; they are written as in C2.1")]
    NoClause(String),
    /// There is no such service.
    #[error("there is no service {asked}; there are: {known}")]
    NoService {
        /// What was asked for.
        asked: String,
        /// The services that run.
        known: String,
    },
    /// A service cannot be reached.
    #[error("{service} cannot be reached at {address}")]
    Unreachable {
        /// The service.
        service: String,
        /// Where it should be.
        address: SocketAddr,
        /// Why.
        #[source]
        source: tonic::transport::Error,
    },
    /// A service refuses a call.
    #[error("{service} refuses ({code:?}): {message}")]
    Refused {
        /// The service.
        service: String,
        /// The code.
        code: tonic::Code,
        /// Its own words.
        message: String,
    },
    /// The demo is asked to play under another rule book.
    #[error("the demo is played under the rule book as it comes: leave --regulation out")]
    DemoRegulation,
    /// A scene of the demo cannot go on.
    #[error("the demo cannot go on ({code:?}): {message}")]
    Scene {
        /// The code.
        code: tonic::Code,
        /// What was refused, or did not come.
        message: String,
    },
    /// An expectation of the demo did not hold.
    #[error("the demo's day did not go as it has to; what went wrong stands above")]
    DemoFailed,
    /// Arguments do not fit together.
    #[error("the arguments cannot be used")]
    Usage(#[source] clap::Error),
    /// An import failed.
    #[error(transparent)]
    Import(#[from] ImportError),
    /// A checkpoint cannot be made or used.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// The runtime cannot start.
    #[error("the runtime cannot start")]
    Runtime(#[source] io::Error),
    /// A part of this process failed.
    #[error("a background task failed")]
    Task(#[from] tokio::task::JoinError),
}

impl Error {
    /// A service's refusal of a call, in its words for people where those are in Chinese.
    pub fn refused(service: &str, status: &tonic::Status) -> Self {
        let told = status.get_details_localized_message().filter(|_| spoken() == Language::Chinese);
        let message = told.map_or_else(|| status.message().to_owned(), |told| told.message);
        Self::Refused { service: service.to_owned(), code: status.code(), message }
    }

    /// Tells the error with its causes, in a language.
    pub fn told(&self, language: Language) -> String {
        match language {
            Language::English => describe(self),
            Language::Chinese => chinese::told(self),
        }
    }
}

/// Adds to an I/O error what was tried, as a participle, and the path.
pub fn file(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Error {
    let path = path.to_path_buf();
    move |source| Error::File { action, path, source }
}
