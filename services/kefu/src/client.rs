//! Calls to the services: a channel to each, and the operator's token with every call.

use std::net::SocketAddr;
use std::time::Duration;

use kefu_chassis::identity::signer::{Grant, Signer, SignerError};
use kefu_chassis::language::Language;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::service::Interceptor;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Status};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use crate::error::Error;
use crate::home::Home;
use crate::language::spoken;

/// Subject of the operator's calls: the one ADMIN of a fresh directory.
pub const OPERATOR: &str = "staff/admin";
/// Lifetime of a token. It is checked when a call begins; the call may take longer.
pub const TOKEN_FOR: Duration = Duration::from_mins(10);
const CONNECT_WITHIN: Duration = Duration::from_secs(2);
const HEALTH_WITHIN: Duration = Duration::from_secs(3);
/// A gRPC service that every service of kefu serves.
const SHARED_SERVICE: &str = "kefu.events.v1.EventFeed";

/// A channel whose calls carry the operator's token.
pub type Authorised = InterceptedService<Channel, Bearer>;

/// Adds a token to every call, and the language in which the answer is wanted.
#[derive(Clone, Debug)]
pub struct Bearer {
    token: MetadataValue<Ascii>,
    language: Language,
}

impl Bearer {
    /// The operator's token, which expires after `TOKEN_FOR`; answers are in the language of the process.
    pub fn operator(home: &Home) -> Result<Self, Error> {
        let grant = Grant { subject: OPERATOR.into(), roles: vec!["ADMIN".into()], ttl: TOKEN_FOR };
        let unusable = |source| Error::Key { path: home.path().join("keys"), source };
        let bearer = Self::sign(&home.signer()?, &grant).map_err(unusable)?;
        Ok(Self { language: spoken(), ..bearer })
    }

    /// Signs a token for `grant`; answers are in English.
    pub fn sign(signer: &Signer, grant: &Grant) -> Result<Self, SignerError> {
        let token = signer.token(grant)?;
        let mut value: MetadataValue<Ascii> = format!("Bearer {token}").parse().map_err(|_| SignerError::Key)?;
        value.set_sensitive(true);
        Ok(Self { token: value, language: Language::English })
    }
}

impl Interceptor for Bearer {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        request.metadata_mut().insert("authorization", self.token.clone());
        if !request.metadata().contains_key("accept-language") {
            request.metadata_mut().insert("accept-language", MetadataValue::from_static(self.language.tag()));
        }
        Ok(request)
    }
}

/// Connects to a service.
pub async fn connect(service: &str, address: SocketAddr, bearer: Bearer) -> Result<Authorised, Error> {
    let unreachable = |source| Error::Unreachable { service: service.to_owned(), address, source };
    let channel = channel(address).await.map_err(unreachable)?;
    Ok(InterceptedService::new(channel, bearer))
}

/// Connects to `address`, whatever listens there.
pub async fn channel(address: SocketAddr) -> Result<Channel, tonic::transport::Error> {
    Endpoint::from_shared(format!("http://{address}"))?
        .connect_timeout(CONNECT_WITHIN)
        .tcp_nodelay(true)
        .connect()
        .await
}

/// Whether a service of kefu listens at `address` and is ready.
pub async fn is_ready(address: SocketAddr) -> bool {
    let check = async {
        let channel = channel(address).await.ok()?;
        let asked = HealthCheckRequest { service: SHARED_SERVICE.into() };
        HealthClient::new(channel).check(asked).await.ok()
    };
    let answer = tokio::time::timeout(HEALTH_WITHIN, check).await;
    matches!(answer, Ok(Some(answer)) if answer.get_ref().status() == ServingStatus::Serving)
}
