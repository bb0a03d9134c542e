//! Calls to the services: a channel to each, and the operator's token with every call.

use std::net::SocketAddr;
use std::time::Duration;

use kefu_chassis::identity::signer::{Grant, Signer, SignerError};
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

/// Who the operator is to the services: the one ADMIN that a fresh directory has.
pub const OPERATOR: &str = "staff/admin";
/// A token is checked when a call begins; calls may take longer.
pub const TOKEN_FOR: Duration = Duration::from_mins(10);
const CONNECT_WITHIN: Duration = Duration::from_secs(2);
const HEALTH_WITHIN: Duration = Duration::from_secs(3);
/// What every service of kefu serves.
const SHARED_SERVICE: &str = "kefu.events.v1.EventFeed";

/// A channel whose calls carry the operator's token.
pub type Authorised = InterceptedService<Channel, Bearer>;

/// Adds a token to every call.
#[derive(Clone, Debug)]
pub struct Bearer(MetadataValue<Ascii>);

impl Bearer {
    /// The operator's, good for a few minutes.
    pub fn operator(home: &Home) -> Result<Self, Error> {
        let grant = Grant { subject: OPERATOR.into(), roles: vec!["ADMIN".into()], ttl: TOKEN_FOR };
        let unusable = |source| Error::Key { path: home.path().join("keys"), source };
        Self::sign(&home.signer()?, &grant).map_err(unusable)
    }

    /// Of whoever `grant` says.
    pub fn sign(signer: &Signer, grant: &Grant) -> Result<Self, SignerError> {
        let token = signer.token(grant)?;
        let mut value: MetadataValue<Ascii> = format!("Bearer {token}").parse().map_err(|_| SignerError::Key)?;
        value.set_sensitive(true);
        Ok(Self(value))
    }
}

impl Interceptor for Bearer {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        request.metadata_mut().insert("authorization", self.0.clone());
        Ok(request)
    }
}

/// A channel to the service.
pub async fn connect(service: &str, address: SocketAddr, bearer: Bearer) -> Result<Authorised, Error> {
    let unreachable = |source| Error::Unreachable { service: service.to_owned(), address, source };
    let channel = channel(address).await.map_err(unreachable)?;
    Ok(InterceptedService::new(channel, bearer))
}

/// A channel to whatever is at `address`.
pub async fn channel(address: SocketAddr) -> Result<Channel, tonic::transport::Error> {
    Endpoint::from_shared(format!("http://{address}"))?
        .connect_timeout(CONNECT_WITHIN)
        .tcp_nodelay(true)
        .connect()
        .await
}

/// Whether a service of kefu is at `address` and ready.
pub async fn is_ready(address: SocketAddr) -> bool {
    let check = async {
        let channel = channel(address).await.ok()?;
        let asked = HealthCheckRequest { service: SHARED_SERVICE.into() };
        HealthClient::new(channel).check(asked).await.ok()
    };
    let answer = tokio::time::timeout(HEALTH_WITHIN, check).await;
    matches!(answer, Ok(Some(answer)) if answer.get_ref().status() == ServingStatus::Serving)
}
