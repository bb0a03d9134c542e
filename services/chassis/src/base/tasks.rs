//! Tasks of the process.

/// Runs `work` as a task. Whoever spawns it awaits the handle when the service stops.
#[expect(
    clippy::disallowed_methods,
    reason = "the one place that spawns: its handles are awaited when the service stops"
)]
pub fn spawn<F: Future<Output = ()> + Send + 'static>(work: F) -> tokio::task::JoinHandle<()> {
    tokio::spawn(work)
}
