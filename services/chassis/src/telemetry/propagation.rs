//! Propagation of traces from process to process in the header `traceparent` (W3C Trace Context), read from calls and set on
//! calls to other services. Baggage is not passed on, because a caller may have put anything into it.

use std::sync::Arc;

use http::HeaderMap;
use http::header::{HeaderName, HeaderValue};
use opentelemetry::Context;
use opentelemetry::propagation::{Extractor, Injector, TextMapPropagator as _};
use opentelemetry_sdk::propagation::TraceContextPropagator;

/// The name of the service that does the work of a span, kept in the context of its trace.
#[derive(Clone, Debug)]
pub(super) struct Within(pub Arc<str>);

struct Headers<'a>(&'a HeaderMap);

impl Extractor for Headers<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).and_then(|value| value.to_str().ok())
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(HeaderName::as_str).collect()
    }
}

struct HeadersMut<'a>(&'a mut HeaderMap);

impl Injector for HeadersMut<'_> {
    fn set(&mut self, key: &str, value: String) {
        if let (Ok(name), Ok(value)) = (key.parse::<HeaderName>(), HeaderValue::try_from(value)) {
            self.0.insert(name, value);
        }
    }
}

/// Returns the context of the work of `service` in the caller's trace, or outside any trace when the headers name none.
#[must_use]
pub fn extract(headers: &HeaderMap, service: &Arc<str>) -> Context {
    let cx = TraceContextPropagator::new().extract_with_context(&Context::new(), &Headers(headers));
    cx.with_value(Within(service.clone()))
}

/// Sets the trace of `cx` in the headers of a call.
pub fn inject(cx: &Context, headers: &mut HeaderMap) {
    TraceContextPropagator::new().inject_context(cx, &mut HeadersMut(headers));
}
