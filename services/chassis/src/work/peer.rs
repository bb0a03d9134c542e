//! Peers: the other services of the suite as this service calls them, with their addresses and the token that identifies this
//! service.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};

use serde::Deserialize;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::service::Interceptor;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint};
use tonic::{Code, Request, Status};

use crate::base::error::Error;
use crate::contract::identity::signer::{Grant, Signer, SignerError};
use crate::telemetry::Telemetry;
use crate::telemetry::traced::Traced;

const CONNECT_WITHIN: Duration = Duration::from_secs(3);
const TOKEN_FOR: Duration = Duration::from_mins(5);
/// How long a connection is used for commands. It is shorter than `TOKEN_FOR`, so that the connection's token is still valid
/// when its last command arrives.
const KEPT_FOR: Duration = Duration::from_mins(2);

/// The settings of a peer.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PeerConfig {
    /// The address, e.g. `https://appraisal:7004`.
    pub url: String,
    /// A file with this service's token, read for each connection.
    pub token_file: PathBuf,
    /// The authority of the peer's certificate (PEM); needed for `https`.
    #[serde(default)]
    pub ca_file: Option<PathBuf>,
}

/// A peer.
#[derive(Clone, Debug)]
pub struct Peer {
    url: String,
    ca_file: Option<PathBuf>,
    token: Token,
    kept: Arc<Mutex<Option<(Instant, Connection)>>>,
}

/// The other services of the suite, by the names of their schemas. Further ones may be added at any time.
#[derive(Clone, Debug, Default)]
pub struct Peers {
    by_schema: Arc<RwLock<HashMap<String, Peer>>>,
}

impl Peers {
    /// Adds a peer.
    pub fn add(&self, schema: &str, peer: Peer) {
        self.by_schema.write().unwrap_or_else(PoisonError::into_inner).insert(schema.to_owned(), peer);
    }

    /// Returns a peer, if it is known.
    #[must_use]
    pub fn get(&self, schema: &str) -> Option<Peer> {
        self.by_schema.read().unwrap_or_else(PoisonError::into_inner).get(schema).cloned()
    }
}

/// The source of this service's token.
#[derive(Clone)]
enum Token {
    File(PathBuf),
    Signed(Arc<Signer>, String),
}

/// Why a peer cannot be called.
#[derive(Debug, thiserror::Error)]
pub enum PeerError {
    /// The peer cannot be reached.
    #[error("the peer cannot be reached")]
    Transport(#[from] tonic::transport::Error),
    /// The token or the certificate cannot be read.
    #[error("{path} cannot be read")]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// No token can be signed.
    #[error("no token can be made")]
    Token(#[from] SignerError),
    /// The peer is to be reached by TLS, and no authority is named.
    #[error("the peer's ca_file is not set")]
    Authority,
    /// The token cannot be sent as a header.
    #[error("the token is malformed")]
    Malformed,
}

/// A channel whose calls bear this service's token and are part of its traces.
pub type Connection = InterceptedService<Traced<Channel>, Bearer>;

/// An interceptor that adds the token to each call.
#[derive(Clone, Debug)]
pub struct Bearer {
    header: MetadataValue<Ascii>,
}

impl Interceptor for Bearer {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        request.metadata_mut().insert("authorization", self.header.clone());
        Ok(request)
    }
}

impl From<PeerConfig> for Peer {
    fn from(config: PeerConfig) -> Self {
        Self::new(config.url, config.ca_file, Token::File(config.token_file))
    }
}

impl Peer {
    fn new(url: String, ca_file: Option<PathBuf>, token: Token) -> Self {
        Self { url, ca_file, token, kept: Arc::default() }
    }

    /// Returns a connection of `service` to the peer for commands; one connection serves all of them for two minutes.
    pub async fn connection(&self, service: &str, telemetry: &Telemetry) -> Result<Connection, PeerError> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some((since, connection)) = kept
            && since.elapsed() < KEPT_FOR
        {
            return Ok(connection);
        }
        // Two calls at once may connect twice, so that none waits for another's connection.
        let connection = self.connect(service, telemetry).await?;
        *self.kept.lock().unwrap_or_else(PoisonError::into_inner) = Some((Instant::now(), connection.clone()));
        Ok(connection)
    }

    /// Creates a peer in the same process; `signer` signs the tokens of `subject`, the calling service.
    #[must_use]
    pub fn signed(url: String, signer: Arc<Signer>, subject: String) -> Self {
        Self::new(url, None, Token::Signed(signer, subject))
    }

    /// Opens a new connection of `service` to the peer.
    pub async fn connect(&self, service: &str, telemetry: &Telemetry) -> Result<Connection, PeerError> {
        let mut endpoint = Endpoint::from_shared(self.url.clone())?
            .connect_timeout(CONNECT_WITHIN)
            .tcp_nodelay(true)
            .http2_keep_alive_interval(Duration::from_secs(20))
            .keep_alive_while_idle(true);
        if self.url.starts_with("https:") {
            let authority = read(self.ca_file.as_ref().ok_or(PeerError::Authority)?).await?;
            endpoint = endpoint.tls_config(ClientTlsConfig::new().ca_certificate(Certificate::from_pem(authority)))?;
        }
        let bearer = self.token.bearer().await?;
        let server = endpoint.uri().clone();
        let channel = Traced::new(endpoint.connect().await?, telemetry, service, server);
        Ok(InterceptedService::new(channel, bearer))
    }
}

/// Whether a call was lost with its connection. The status of a lost connection is made at our own end and has a source,
/// whatever its code; a status that the peer sent has none.
#[must_use]
pub fn is_lost(status: &Status) -> bool {
    std::error::Error::source(status).is_some()
}

/// Returns the error of a call that a peer did not answer: the peer is away, or something is wrong that the caller cannot
/// mend.
#[must_use]
pub fn failure(status: Status) -> Error {
    let is_away = matches!(
        status.code(),
        Code::Unavailable
            | Code::DeadlineExceeded
            | Code::Cancelled
            | Code::ResourceExhausted
            | Code::Aborted
            | Code::Unauthenticated
    );
    if is_lost(&status) || is_away { Error::Away(status.into()) } else { Error::unexpected(status) }
}

impl Token {
    async fn bearer(&self) -> Result<Bearer, PeerError> {
        let token = match self {
            Self::File(path) => read(path).await?,
            Self::Signed(signer, subject) => {
                signer.token(&Grant { subject: subject.clone(), roles: vec!["SERVICE".into()], ttl: TOKEN_FOR })?
            }
        };
        let mut value: MetadataValue<Ascii> =
            format!("Bearer {}", token.trim()).parse().map_err(|_| PeerError::Malformed)?;
        value.set_sensitive(true);
        Ok(Bearer { header: value })
    }
}

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::File(path) => f.debug_tuple("File").field(path).finish(),
            Self::Signed(_, subject) => f.debug_tuple("Signed").field(subject).finish(),
        }
    }
}

async fn read(path: &PathBuf) -> Result<String, PeerError> {
    tokio::fs::read_to_string(path).await.map_err(|source| PeerError::File { path: path.clone(), source })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_that_ends_is_a_peer_that_is_away_whatever_code_it_ends_with() {
        let broken = || std::io::Error::from(std::io::ErrorKind::BrokenPipe);
        let lost = [
            Status::from_error(Box::new(broken())),
            Status::unavailable("the service stops"),
            Status::deadline_exceeded("the deadline has passed"),
        ];
        for status in lost {
            let shown = format!("{status:?}");
            assert!(matches!(failure(status), Error::Away(_)), "{shown}");
        }
        for status in
            [Status::internal("something unexpected happened"), Status::unknown("what"), Status::data_loss("it")]
        {
            let shown = format!("{status:?}");
            assert!(matches!(failure(status), Error::Unexpected(_)), "{shown}");
        }
    }
}
