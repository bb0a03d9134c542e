//! Bodies of requests: their stated length, their type, and reading them whole within bounds.

use std::pin::pin;
use std::time::Duration;

use axum::body::Body as HttpBody;
use bytes::{Bytes, BytesMut};
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderValue};
use http_body_util::{BodyExt as _, Limited};

use crate::problem::Problem;

/// The media type of JSON.
pub const JSON: &str = "application/json";

/// Reads a body of JSON whole, which must not be larger than `at_most` and must come in time.
pub async fn json_body(
    headers: &HeaderMap,
    body: HttpBody,
    at_most: usize,
    within: Duration,
) -> Result<Bytes, Problem> {
    if let Some(kind) = headers.get(CONTENT_TYPE)
        && !is_json(kind)
    {
        return Err(Problem::media_type(JSON));
    }
    whole(headers, body, at_most, within).await
}

/// Reads a body whole, which must not be larger than `at_most` and must come in time.
async fn whole(headers: &HeaderMap, body: HttpBody, at_most: usize, within: Duration) -> Result<Bytes, Problem> {
    if stated_length(headers).is_some_and(|length| length > at_most) {
        return Err(Problem::too_large());
    }
    let mut body = pin!(Limited::new(body, at_most));
    // Bytes are copied together, because pieces of a byte kept as they come take many times their size.
    let reading = async {
        let mut whole = BytesMut::new();
        while let Some(frame) = body.frame().await {
            if let Ok(bytes) = frame?.into_data() {
                whole.extend_from_slice(&bytes);
            }
        }
        Ok(whole.freeze())
    };
    match tokio::time::timeout(within, reading).await {
        Ok(outcome) => outcome.map_err(|error: Box<dyn std::error::Error + Send + Sync>| match error {
            error if error.is::<http_body_util::LengthLimitError>() => Problem::too_large(),
            error => Problem::broken_off(error),
        }),
        Err(_) => Err(Problem::too_slow()),
    }
}

/// Returns the length that the body's header states.
pub fn stated_length(headers: &HeaderMap) -> Option<usize> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// Whether a body of this type is JSON.
fn is_json(kind: &HeaderValue) -> bool {
    let kind = kind.to_str().unwrap_or_default().split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    kind == JSON || kind.starts_with("application/") && kind.ends_with("+json")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_json_whatever_stands_after_it() {
        for (kind, expected) in [
            ("application/json", true),
            ("Application/JSON; charset=utf-8", true),
            ("application/merge-patch+json", true),
            ("application/x-www-form-urlencoded", false),
            ("text/plain", false),
            ("application/jsonp", false),
        ] {
            assert_eq!(is_json(&HeaderValue::from_static(kind)), expected, "{kind}");
        }
    }
}
