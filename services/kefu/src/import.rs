//! `import requests`: reads a CSV file by a map file, streams the rows to intake, and reports the outcome.

use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use clap::Args;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use kefu_proto::intake::v1::request_service_client::RequestServiceClient;
use kefu_proto::intake::v1::{ImportRequestsRequest, ImportRequestsResponse, RejectedRow};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Request;

use crate::client::Authorised;
use crate::common::Common;
use crate::error::Error;
use crate::join::Session;
use crate::language::{pick, told};
use crate::terminal::say;

mod cells;
mod columns;
pub mod file;
mod map;
mod outcome;
mod spec;

pub use file::ImportError;

use file::{Reading, Rows};
use outcome::Outcome;

/// Longest time that a service allows a stream.
const STREAM_WITHIN: Duration = Duration::from_hours(1);
/// Most messages read ahead of the service.
const AHEAD: usize = 4;
/// Most bytes of the answer, which may list 10,000 rejected rows.
const ANSWER_BYTES: usize = 64 << 20;

/// What to import.
#[derive(Args, Debug)]
#[command(after_help = "\
A map file says which column is which field, in which form times are written, and which word means what; start from a copy of
deploy/import/my-la-311.toml, whose comments explain every key. Rows that were imported before are recognised by the map's
source and the row's external_id, so a file may be imported again. A row that cannot be read or is refused stops nothing.")]
pub struct ImportArguments {
    /// The CSV file, in UTF-8, its first line naming the columns.
    file: PathBuf,
    /// The map file.
    #[arg(long, value_name = "MAP")]
    map: PathBuf,
    /// Write all rejected rows to this CSV file; the first 20 are shown in any case.
    #[arg(long, value_name = "FILE")]
    rejects: Option<PathBuf>,
}

/// Reads a file and a map in memory, for the fuzzer. Returns the messages that the command would send and the rows it
/// would reject. Fails where the command would not begin.
pub fn read_import(file: &[u8], map: &str) -> Result<(Vec<ImportRequestsRequest>, Vec<RejectedRow>), ImportError> {
    let (path, map_path) = (Path::new("file.csv"), Path::new("map.toml"));
    let ends_in_crlf = file::ends_in_crlf(file).unwrap_or_default();
    let mut rows = Rows::bind((path, file), (map_path, map), file.len() as u64, ends_in_crlf)?;
    let mut messages = Vec::new();
    while let Some(message) = rows.next_message()? {
        messages.push(message);
    }
    Ok((messages, rows.into_reading().rejected))
}

/// Imports the file.
pub async fn run(common: &Common, arguments: &ImportArguments) -> Result<(), Error> {
    // The map and the columns are checked before any service starts.
    let rows = Rows::open(&arguments.file, &arguments.map)?;
    let outcome = Session::with(common, async |session| {
        let client =
            RequestServiceClient::new(session.connect("intake").await?).max_decoding_message_size(ANSWER_BYTES);
        stream(client, rows).await
    });
    let mut outcome = outcome.await?;
    outcome.sort();
    if let Some(path) = &arguments.rejects {
        outcome.write_rejects(path)?;
    }
    say(&outcome.summary(arguments.rejects.as_deref()))
}

async fn stream(mut client: RequestServiceClient<Authorised>, rows: Rows) -> Result<Outcome, Error> {
    let began = Instant::now();
    let bar = progress(rows.size());
    let (sender, receiver) = mpsc::channel(AHEAD);
    let reading = tokio::task::spawn_blocking({
        let bar = bar.clone();
        move || read(rows, &sender, &bar)
    });
    let mut request = Request::new(ReceiverStream::new(receiver));
    request.set_timeout(STREAM_WITHIN);
    let answer = client.import_requests(request).await;
    let took = began.elapsed();
    let reading = reading.await?;
    bar.finish_and_clear();
    let answer: ImportRequestsResponse = answer.map_err(|status| Error::refused("intake", &status))?.into_inner();
    Ok(Outcome::new(reading?, answer, took))
}

/// Sends message after message until the file ends or the service wants no more.
fn read(
    mut rows: Rows,
    sender: &mpsc::Sender<ImportRequestsRequest>,
    bar: &ProgressBar,
) -> Result<Reading, ImportError> {
    while let Some(message) = rows.next_message()? {
        let count = message.rows.len();
        if sender.blocking_send(message).is_err() {
            break;
        }
        bar.set_position(rows.position());
        bar.set_message(told!("{} rows", "{} 行", rows.reading().sent));
        tracing::debug!(count, "rows sent");
    }
    bar.set_message(pick("waiting for intake", "等待 intake"));
    Ok(rows.into_reading())
}

fn progress(size: u64) -> ProgressBar {
    let target =
        if std::io::stderr().is_terminal() { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
    let style = ProgressStyle::with_template(pick(
        "{bar:40} {percent:>3} %  {msg}  {elapsed} (left {eta})",
        "{bar:40} {percent:>3} %  {msg}  {elapsed}（还需 {eta}）",
    ));
    let bar = ProgressBar::with_draw_target(Some(size), target);
    // The template is a constant; if it cannot be parsed, the bar keeps its plain style.
    style.map_or_else(|_| bar.clone(), |style| bar.clone().with_style(style))
}
