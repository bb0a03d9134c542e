//! `journal`: verifies the journals' hash chains, and signs their heads so that later changes before a head can be
//! proved.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use kefu_chassis::clock::Clock;
use kefu_chassis::labels;
use kefu_chassis::language::Language;
use kefu_chassis::time::from_proto;
use kefu_proto::events::v1::event_feed_client::EventFeedClient;
use kefu_proto::events::v1::finding::Kind;
use kefu_proto::events::v1::{Anchor, VerifyJournalRequest, VerifyJournalResponse};
use tonic::Request;

use crate::client::Authorised;
use crate::common::Common;
use crate::error::Error;
use crate::join::Session;
use crate::language::{of, spoken, told};
use crate::terminal::{grouped, say};

pub mod checkpoint;

pub use checkpoint::CheckpointError;
use checkpoint::{Checkpoint, hex};

/// Longest time that a service allows a verification.
const VERIFY_WITHIN: Duration = Duration::from_mins(10);
/// Most anchors that a service accepts. The newest are sent, since each covers everything before it.
const ANCHORS_AT_MOST: usize = 1_000;

/// The enum of what can be wrong with a journal.
const KIND: &str = "kefu.events.v1.Finding.Kind";

/// Which journals to verify.
#[derive(Args, Debug)]
pub struct VerifyArguments {
    /// Only this service's, e.g. `intake`.
    #[arg(long, value_name = "NAME")]
    service: Option<String>,
    /// The file of signed checkpoints to compare with; the home's `checkpoints.jsonl`, if there is one, when not given.
    #[arg(long, value_name = "FILE")]
    anchor: Option<PathBuf>,
}

/// Which heads to sign.
#[derive(Args, Debug)]
#[command(
    after_help = "A checkpoint proves later that nothing before it was changed or cut, if it is kept where whoever can write the \
    database cannot write: copy the file elsewhere, or name another place with --out."
)]
pub struct CheckpointArguments {
    /// Only this service's, e.g. `intake`.
    #[arg(long, value_name = "NAME")]
    service: Option<String>,
    /// The file to append to; the home's `checkpoints.jsonl` when not given.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// Verifies the journals. The exit code is 1 if one is not whole.
pub async fn verify(common: &Common, arguments: &VerifyArguments) -> Result<ExitCode, Error> {
    let is_whole = Session::with(common, async |session| {
        let checkpoints = match &arguments.anchor {
            Some(path) => checkpoint::read(path, &session.home().signer()?)?,
            // The home's checkpoints belong to another journal than an ephemeral instance's.
            None if session.is_ephemeral() || !session.home().checkpoints().exists() => Vec::new(),
            None => checkpoint::read(&session.home().checkpoints(), &session.home().signer()?)?,
        };
        let mut is_whole = true;
        for service in session.services(arguments.service.as_deref())?.keys() {
            let anchors = anchors(&checkpoints, service);
            let count = anchors.len();
            let answer = ask(session.connect(service).await?, service, anchors).await?;
            is_whole &= answer.findings.is_empty();
            say(&report(service, &answer, count, spoken()))?;
        }
        Ok(is_whole)
    });
    Ok(if is_whole.await? { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Signs the heads of the journals after verifying each against the file's earlier checkpoints.
pub async fn checkpoint(common: &Common, arguments: &CheckpointArguments) -> Result<(), Error> {
    Session::with(common, async |session| {
        let path = match &arguments.out {
            Some(path) => path.clone(),
            None if session.is_ephemeral() => return Err(CheckpointError::Ephemeral.into()),
            None => session.home().checkpoints(),
        };
        let signer = session.home().signer()?;
        let earlier = if path.exists() { checkpoint::read(&path, &signer)? } else { Vec::new() };
        for service in session.services(arguments.service.as_deref())?.keys() {
            let anchors = anchors(&earlier, service);
            let count = anchors.len();
            let answer = ask(session.connect(service).await?, service, anchors).await?;
            if !answer.findings.is_empty() {
                say(&report(service, &answer, count, spoken()))?;
                return Err(CheckpointError::NotWhole(service.clone()).into());
            }
            let Some(head) = answer.head.filter(|head| head.position > 0) else {
                say(&told!(
                    "{service}: the journal is empty, there is nothing to sign\n",
                    "{service}：运行日志为空，没有可签名的内容\n"
                ))?;
                continue;
            };
            let line = Checkpoint::sign(service, &head, Clock::system().now(), &signer);
            checkpoint::append(&path, &line)?;
            say(&told!(
                "{service}: event {} signed, appended to {}\n",
                "{service}：第 {} 个事件已签名，写入 {}\n",
                grouped(head.position),
                path.display()
            ))?;
        }
        Ok(())
    })
    .await
}

fn anchors(checkpoints: &[Checkpoint], service: &str) -> Vec<Anchor> {
    let anchors: Vec<Anchor> =
        checkpoints.iter().filter(|checkpoint| checkpoint.is_of(service)).map(Checkpoint::anchor).collect();
    let surplus = anchors.len().saturating_sub(ANCHORS_AT_MOST);
    anchors.into_iter().skip(surplus).collect()
}

/// Asks a service to verify its journal.
pub async fn ask(channel: Authorised, service: &str, anchors: Vec<Anchor>) -> Result<VerifyJournalResponse, Error> {
    let mut request = Request::new(VerifyJournalRequest { parent: format!("services/{service}"), anchors });
    request.set_timeout(VERIFY_WITHIN);
    let answer = EventFeedClient::new(channel)
        .verify_journal(request)
        .await
        .map_err(|status| Error::refused(service, &status))?;
    Ok(answer.into_inner())
}

/// The report for people, in a language; `anchors` is the number of checkpoints compared.
pub fn report(service: &str, answer: &VerifyJournalResponse, anchors: usize, language: Language) -> String {
    let head = answer.head.as_ref().filter(|head| head.position > 0);
    let head = head.map_or_else(
        || of(language, "none, the journal is empty", "无，运行日志为空").into(),
        |head| format!("{} {}", grouped(head.position), hex(&head.hash)),
    );
    let oldest = answer.oldest_unsealed_time.as_ref().and_then(from_proto);
    let oldest = oldest.map(|time| match language {
        Language::English => format!(", the oldest since {time:.0}"),
        Language::Chinese => format!("，最早的自 {time:.0} 起"),
    });
    let compared = match (anchors, language) {
        (0, _) => of(language, "none to compare with", "没有可比对的").into(),
        (_, Language::English) => format!("{} compared", count(anchors)),
        (_, Language::Chinese) => format!("已比对 {} 个", count(anchors)),
    };
    let mut text = format!("{service}\n");
    for (english, chinese, value) in [
        ("events      ", "事件数  ", grouped(answer.event_count)),
        ("head        ", "末尾    ", head),
        ("unsealed    ", "未封存  ", grouped(answer.unsealed_count) + oldest.as_deref().unwrap_or_default()),
        ("checkpoints ", "校验点  ", compared),
    ] {
        let _ = writeln!(text, "  {}{value}", of(language, english, chinese));
    }
    text.push_str(&findings(answer, language));
    text
}

/// What is wrong with a journal, a line each. In Chinese, what kind of fault it is stands for the service's own words.
fn findings(answer: &VerifyJournalResponse, language: Language) -> String {
    if answer.findings.is_empty() {
        return of(language, "  nothing is wrong\n", "  完好，没有问题\n").into();
    }
    let wrong = count(answer.findings.len());
    let mut text = match language {
        Language::English => format!("  {wrong} wrong:\n"),
        Language::Chinese => format!("  有 {wrong} 处问题：\n"),
    };
    for finding in &answer.findings {
        let kind = finding.kind();
        let name = if kind == Kind::Unspecified { "UNKNOWN" } else { kind.as_str_name() };
        let position = grouped(finding.position);
        let _ = match language {
            Language::English => writeln!(text, "    {position:>10}  {name}: {}", finding.detail),
            Language::Chinese => {
                let label = labels::of_named_value(KIND, name);
                let help = labels::help_of(KIND, name, language);
                writeln!(text, "    {position:>10}  {}：{help}", label.zh())
            }
        };
    }
    text
}

fn count(number: usize) -> String {
    grouped(i64::try_from(number).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use kefu_proto::events::v1::Finding;

    use super::*;

    #[test]
    fn a_report_names_the_head_and_every_finding() {
        let mut answer = VerifyJournalResponse {
            event_count: 20_000,
            head: Some(Anchor { position: 20_000, hash: vec![0xab; 32] }),
            ..VerifyJournalResponse::default()
        };
        let whole = report("intake", &answer, 0, Language::English);
        assert!(
            whole.contains("20,000 abab")
                && whole.contains("nothing is wrong")
                && whole.contains("none to compare with"),
            "{whole}"
        );
        answer.findings.push(Finding {
            position: 7,
            kind: Kind::HashMismatch.into(),
            detail: "event x was changed".into(),
        });
        let broken = report("intake", &answer, 2, Language::English);
        assert!(
            broken.contains("7  HASH_MISMATCH: event x was changed") && !broken.contains("nothing is wrong"),
            "{broken}"
        );
        let chinese = report("intake", &answer, 2, Language::Chinese);
        assert!(
            chinese.contains("有 1 处问题") && chinese.contains("7  条目被改动：") && chinese.contains("已比对 2 个"),
            "{chinese}"
        );
    }

    #[test]
    fn the_newest_checkpoints_of_the_service_are_compared() {
        let signer = kefu_chassis::identity::signer::Signer::generate().unwrap();
        let sign = |service, position| {
            Checkpoint::sign(service, &Anchor { position, hash: vec![1; 32] }, jiff::Timestamp::UNIX_EPOCH, &signer)
        };
        let checkpoints: Vec<Checkpoint> =
            (1..=1_500).map(|position| sign("intake", position)).chain([sign("faults", 9)]).collect();
        let anchors = anchors(&checkpoints, "intake");
        assert_eq!((anchors.len(), anchors[0].position, anchors[999].position), (1_000, 501, 1_500));
    }
}
