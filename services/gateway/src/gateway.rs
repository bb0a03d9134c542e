//! The state that the gateway's handlers share.

use kefu_chassis::Clock;
use kefu_chassis::telemetry::Telemetry;
use opentelemetry_sdk::metrics::SdkMeterProvider;
use tokio::sync::watch;

use crate::backends::Backends;
use crate::config::Limits;
use crate::instruments::Instruments;
use crate::rate::Rates;
use crate::routes::Routes;

/// The state that the handlers share.
#[derive(Debug)]
pub struct Gateway {
    pub(crate) routes: Routes,
    pub(crate) backends: Backends,
    pub(crate) limits: Limits,
    pub(crate) clock: Clock,
    pub(crate) telemetry: Telemetry,
    pub(crate) instruments: Vec<Instruments>,
    pub(crate) rates: Rates,
    /// The metrics that `/metrics` shows.
    pub(crate) metrics: prometheus::Registry,
    /// The meters, which measure as long as they live.
    pub(crate) _meters: SdkMeterProvider,
    pub(crate) stop: watch::Sender<bool>,
}

impl Gateway {
    /// Returns a receiver that becomes true when the gateway is to end.
    pub(crate) fn stopping(&self) -> watch::Receiver<bool> {
        self.stop.subscribe()
    }
}
