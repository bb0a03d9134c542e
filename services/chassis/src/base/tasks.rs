//! Background tasks of the process, apart so that there is one place that spawns them.

/// Spawns `work` as a task. The caller awaits the handle when the service stops.
#[expect(
    clippy::disallowed_methods,
    reason = "the one place that spawns: its handles are awaited when the service stops"
)]
pub fn spawn<F: Future<Output = ()> + Send + 'static>(work: F) -> tokio::task::JoinHandle<()> {
    tokio::spawn(work)
}
