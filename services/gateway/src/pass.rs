//! gRPC, which is passed through as it is, and gRPC-Web, which becomes gRPC. The path says which service a call is for
//! or, where every service serves the method, the first message or the metadata `kefu-service`.

use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::body::Body as HttpBody;
use axum::extract::State;
use bytes::{Buf as _, Bytes, BytesMut};
use futures::{StreamExt as _, TryStreamExt};
use http::header::{CONNECTION, HOST, HeaderMap, HeaderName};
use http::{Request, Response, Uri};
use http_body::Frame;
use http_body_util::{BodyExt as _, BodyStream, StreamBody};
use kefu_chassis::Error;
use kefu_chassis::error::{too_large, unreadable};
use kefu_chassis::server::parts;
use kefu_chassis::wrong;
use prost_reflect::DynamicMessage;
use tower_service::Service as _;

use crate::backends::{Kind, NoLease};
use crate::call::is_late;
use crate::gateway::Gateway;
use crate::observe::Routed;
use crate::problem::AnswerContext;
use crate::routes::Method;
use crate::serve::service_in;

/// The metadata that name the service.
const SERVICE: HeaderName = HeaderName::from_static("kefu-service");
/// The longest first message, in bytes, as services accept it.
const FIRST: usize = 4 << 20;
/// The length of a message's head, which says whether it is compressed, and how long it is.
const HEAD: usize = 5;

/// Passes a call on, and its answer back.
pub async fn pass(
    State(gateway): State<Arc<Gateway>>,
    Extension(context): Extension<AnswerContext>,
    request: Request<HttpBody>,
) -> Response<HttpBody> {
    let input = gateway.routes.method(request.uri().path()).map(|method| method.descriptor.input());
    match passed(&gateway, request).await {
        Ok(response) => response,
        Err(error) => error.into_status_of(context.language, input.as_ref()).into_http(),
    }
}

async fn passed(gateway: &Arc<Gateway>, request: Request<HttpBody>) -> Result<Response<HttpBody>, Error> {
    let method = gateway.routes.method(request.uri().path()).ok_or(Error::UnknownMethod)?;
    let routed = Routed(method.path.as_str().into());
    let (mut parts, body) = request.into_parts();
    let (name, body) = match method.served_by.clone().or_else(|| named(&parts.headers)) {
        Some(name) => (name, body),
        None => within(Duration::from_millis(gateway.limits.body_ms), addressed(method, body)).await?,
    };
    let backend = gateway.backends.get(&name).ok_or_else(|| Error::ServiceAway(name.clone()))?;
    let is_stream = method.takes_stream() || method.gives_stream();
    let kind = if is_stream { Kind::Stream } else { Kind::Call };
    let lease = backend.lease(kind).map_err(|none| match none {
        NoLease::Away => Error::ServiceAway(name.clone()),
        NoLease::Full => Error::Overloaded,
    })?;
    parts.uri = Uri::from(method.path.clone());
    parts.version = http::Version::HTTP_2;
    for of_the_hop in
        [CONNECTION, HOST, HeaderName::from_static("keep-alive"), HeaderName::from_static("proxy-connection")]
    {
        parts.headers.remove(of_the_hop);
    }
    let mut channel = lease.channel();
    let away = || Error::ServiceAway(name.clone());
    std::future::poll_fn(|cx| channel.poll_ready(cx)).await.map_err(|_| away())?;
    let answer = channel.call(Request::from_parts(parts, tonic::body::Body::new(body))).await;
    let answer = answer.map_err(|error| {
        if is_late(&error) {
            return Error::Deadline;
        }
        lease.suspect();
        away()
    })?;
    // The lease ends with the answer.
    let mut answer = parts::holding(answer.map(HttpBody::new), lease);
    answer.extensions_mut().insert(routed);
    Ok(answer)
}

async fn within<T>(time: Duration, work: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    tokio::time::timeout(time, work).await.unwrap_or(Err(Error::Deadline))
}

/// Returns the service that the metadata name, as `services/intake` or `intake`.
fn named(headers: &HeaderMap) -> Option<String> {
    let name = headers.get(SERVICE)?.to_str().ok()?;
    Some(format!("services/{}", name.strip_prefix("services/").unwrap_or(name)))
}

/// Returns the service that the first message names in `parent` or `name`, and the body with everything that was read
/// of it.
async fn addressed(method: &Method, mut body: HttpBody) -> Result<(String, HttpBody), Error> {
    let mut read = BytesMut::new();
    let first = loop {
        if let Some(first) = first_message(&read)? {
            break first;
        }
        match body.frame().await {
            Some(Ok(frame)) => {
                if let Ok(data) = frame.into_data() {
                    read.extend_from_slice(&data);
                }
            }
            _ => return Err(Error::field("", unreadable())),
        }
    };
    let message =
        DynamicMessage::decode(method.descriptor.input(), first).map_err(|_| Error::field("", unreadable()))?;
    let name = ["parent", "name"].into_iter().find_map(|field| {
        let value = message.get_field_by_name(field)?;
        value.as_str().and_then(service_in).map(str::to_owned)
    });
    let name = name.ok_or_else(|| {
        Error::field("parent", wrong!(ResourceName, "must name a service, e.g. services/intake", "须指明系统服务"))
    })?;
    let head = futures::stream::once(std::future::ready(Ok(Frame::data(read.freeze()))));
    let rest = TryStreamExt::map_err(BodyStream::new(body), axum::Error::new);
    Ok((name, HttpBody::new(StreamBody::new(head.chain(rest)))))
}

/// Returns the first message, once all of it is there.
fn first_message(read: &[u8]) -> Result<Option<Bytes>, Error> {
    let Some((mut head, rest)) = read.split_at_checked(HEAD) else { return Ok(None) };
    if head.get_u8() != 0 {
        return Err(Error::field(
            SERVICE.as_str(),
            wrong!(Required, "must name the service of a message that is compressed", "消息经过压缩时必须指明系统服务"),
        ));
    }
    let length = usize::try_from(head.get_u32()).unwrap_or(usize::MAX);
    if length > FIRST {
        return Err(Error::field("", too_large()));
    }
    Ok(rest.get(..length).map(Bytes::copy_from_slice))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_read_when_all_of_it_is_there() {
        let framed = [0, 0, 0, 0, 3, b'a', b'b', b'c', b'd'];
        for end in 0..8 {
            assert_eq!(first_message(&framed[..end]).unwrap(), None);
        }
        assert_eq!(first_message(&framed).unwrap().as_deref(), Some(b"abc".as_slice()));
        assert!(first_message(&[1, 0, 0, 0, 0]).is_err() && first_message(&[0, 1, 0, 0, 0]).is_err());
    }
}
