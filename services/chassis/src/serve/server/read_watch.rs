//! Streams whose caller does not read are reset after a while, which frees their page and their slot. HTTP/2 itself lets a
//! caller wait for ever without reading, and such a caller still answers pings.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::response::Response;
use hyper::rt::Executor;
use tokio::time::{Instant, Sleep};

use super::connection::Connection;
use super::parts;
use crate::base::tasks::spawn;

tokio::task_local! {
    /// The read watch of the stream that the task serves.
    static READ_WATCH: Arc<ReadWatch>;
}

/// The number of parts of an answer that were ready, and of those that were taken.
#[derive(Debug, Default)]
struct ReadWatch {
    ready: AtomicUsize,
    taken: AtomicUsize,
}

impl ReadWatch {
    /// Returns the number of the part that waits to be taken, if one does.
    fn waiting(&self) -> Option<usize> {
        let (ready, taken) = (self.ready.load(Ordering::Relaxed), self.taken.load(Ordering::Relaxed));
        (ready > taken).then_some(ready)
    }
}

/// Wraps the answer so that the task of its stream sees when a part is taken.
pub fn watch(response: Response) -> Response {
    let Ok(watch) = READ_WATCH.try_with(Arc::clone) else { return response };
    parts::seen(response, move |asked| {
        // The transport polls for a part only when it has handed on the one before.
        let ready = watch.ready.load(Ordering::Relaxed);
        watch.taken.store(ready, Ordering::Relaxed);
        watch.ready.store(ready + usize::from(asked.is_ready()), Ordering::Relaxed);
        asked
    })
}

/// An executor that runs each stream of a connection as a task.
#[derive(Clone, Debug)]
pub struct Streams {
    /// The connection, which is not idle while its streams run.
    pub connection: Arc<Connection>,
    /// How long a part of an answer may wait to be taken.
    pub patience: Duration,
}

impl<F: Future<Output = ()> + Send + 'static> Executor<F> for Streams {
    fn execute(&self, stream: F) {
        let (busy, watch) = (self.connection.busy(), Arc::<ReadWatch>::default());
        let stream = Box::pin(READ_WATCH.scope(watch.clone(), stream));
        let stream = Impatient { stream, watch, patience: self.patience, wait: None };
        spawn(async move {
            let _busy = busy;
            stream.await;
        });
    }
}

/// A stream that ends, and is thereby reset, when a part of its answer waits for too long.
struct Impatient<F> {
    stream: Pin<Box<F>>,
    watch: Arc<ReadWatch>,
    patience: Duration,
    /// The part that waits, and until when it may.
    wait: Option<(usize, Pin<Box<Sleep>>)>,
}

impl<F: Future<Output = ()>> Future for Impatient<F> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if self.stream.as_mut().poll(context).is_ready() {
            return Poll::Ready(());
        }
        let Some(part) = self.watch.waiting() else {
            self.wait = None;
            return Poll::Pending;
        };
        let until = Instant::now() + self.patience;
        let wait = match self.wait.take() {
            Some(wait) if wait.0 == part => wait,
            _ => (part, Box::pin(tokio::time::sleep_until(until))),
        };
        self.wait.insert(wait).1.as_mut().poll(context)
    }
}
