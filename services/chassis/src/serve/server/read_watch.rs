//! Who does not take what a stream has ready for them is cut off after a while: the stream is reset, its page and its slot are
//! free again. HTTP/2 itself lets a caller wait for ever without reading, and answers to pings say that it is alive.

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
    /// How the answer of the stream is taken that the task serves.
    static READ_WATCH: Arc<ReadWatch>;
}

/// How many parts of an answer were ready, and how many of them were taken.
#[derive(Debug, Default)]
struct ReadWatch {
    ready: AtomicUsize,
    taken: AtomicUsize,
}

impl ReadWatch {
    /// The part that waits to be taken.
    fn waiting(&self) -> Option<usize> {
        let (ready, taken) = (self.ready.load(Ordering::Relaxed), self.taken.load(Ordering::Relaxed));
        (ready > taken).then_some(ready)
    }
}

/// The answer, seen by the task that serves its stream.
pub fn watch(response: Response) -> Response {
    let Ok(watch) = READ_WATCH.try_with(Arc::clone) else { return response };
    parts::seen(response, move |asked| {
        // The transport asks for a part only when it has handed on the one before.
        let ready = watch.ready.load(Ordering::Relaxed);
        watch.taken.store(ready, Ordering::Relaxed);
        watch.ready.store(ready + usize::from(asked.is_ready()), Ordering::Relaxed);
        asked
    })
}

/// Runs the streams of a connection, each a task.
#[derive(Clone, Debug)]
pub struct Streams {
    /// The connection, which is not idle while they run.
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
    /// For which part, and until when.
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
