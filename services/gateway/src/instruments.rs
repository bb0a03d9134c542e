//! The instruments that measure requests.

use kefu_chassis::telemetry::BOUNDS_S;
use opentelemetry::metrics::{Histogram, Meter, UpDownCounter};

/// The instruments of one meter.
#[derive(Debug)]
pub struct Instruments {
    /// Time until the head of the answer, in seconds.
    pub durations: Histogram<f64>,
    active: UpDownCounter<i64>,
}

impl Instruments {
    /// Creates the instruments of a meter.
    pub fn of(meter: &Meter) -> Self {
        let durations = meter.f64_histogram("http.server.request.duration").with_unit("s");
        let durations = durations.with_description("How long requests took, up to the head of their answer");
        let active = meter.i64_up_down_counter("http.server.active_requests").with_unit("{request}");
        Self {
            durations: durations.with_boundaries(BOUNDS_S.to_vec()).build(),
            active: active.with_description("Requests whose answer has not begun").build(),
        }
    }
}

/// A request under way, counted until it is dropped.
pub struct Active<'g>(&'g [Instruments]);

impl<'g> Active<'g> {
    /// Counts the request until this is dropped.
    pub fn new(instruments: &'g [Instruments]) -> Self {
        for each in instruments {
            each.active.add(1, &[]);
        }
        Self(instruments)
    }
}

impl Drop for Active<'_> {
    fn drop(&mut self) {
        for each in self.0 {
            each.active.add(-1, &[]);
        }
    }
}
