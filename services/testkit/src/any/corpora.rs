//! Hostile texts (SQL, paths, templates, markup) in every string field of every method. Each must be refused with its
//! field, or stored unchanged; none may be executed, and nothing confidential may be logged.

use std::collections::BTreeMap;
use std::time::Duration;

use kefu_chassis::names::DIRECTORY;
use kefu_chassis::telemetry::Telemetry;
use prost::Message as _;
use prost_reflect::{DynamicMessage, FieldDescriptor, Kind, MethodDescriptor, ReflectMessage as _, Value};
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use super::wrong::{is_output, longest};
use super::{World, has, path, with_text};
use crate::bench::Bench;
use crate::logs::Logs;
use crate::refusal::Refusal;

/// Each text means something to some system: SQL, shell, CSV, paths, templates, look-ups, markup, combining characters,
/// right to left text, unassigned characters.
const CORPUS: [&str; 24] = [
    "'; drop table journal; --",
    "' or '1'='1",
    "\\'; select pg_sleep(9) /*",
    "*/ $1 $$ :name ?",
    "%s%n%x{}{0}",
    "${jndi:ldap://x/a}",
    "#{7*7}{{7*7}}",
    "../../etc/passwd",
    "..\\..\\nul",
    "<script>alert(1)</script>",
    "&lt;&#x3c;]]>",
    "=1+1|cmd",
    "\"}\\n{\"level\":\"ERROR",
    "\\u0000\\x1b[31m",
    "\u{200b}\u{200d}\u{2060}\u{feff}",
    "e\u{301}\u{30a}n\u{303}",
    "👨\u{200d}👩\u{200d}👧\u{200d}👦🏳\u{fe0f}\u{200d}🌈",
    "\u{0378}\u{e0041}\u{fffe}\u{10ffff}",
    "שלום عربي",
    "\u{2028}\u{2029}",
    "ＦＵＬＬ　ｗｉｄｔｈ",
    "İıſßﬃ",
    "null undefined NaN",
    "\r\n{\"level\":\"ERROR\"}\t\n",
];
/// First character of texts in fields marked `debug_redact`, and in other fields.
const MARKS: [char; 2] = ['⟪', '⟦'];
/// Calls of each method, each in a new world. Short fields take a part of the corpus in each round.
const ROUNDS: usize = 5;

/// Counts of what happened to the texts.
#[derive(Debug, Default)]
pub struct Tally {
    /// Texts stored unchanged.
    pub kept: usize,
    /// Texts in queries, which changed nothing.
    pub asked: usize,
    /// Fields whose text was stored changed.
    changed: Vec<String>,
    /// Codes of refusals, by field.
    pub refused: BTreeMap<String, Code>,
}

/// Number of a round, and of a call in the round: makes every text of a round different.
#[derive(Clone, Copy)]
struct Turn {
    round: usize,
    nth: usize,
}

#[derive(Debug)]
struct Placed {
    path: String,
    text: String,
}

/// Calls every method with hostile texts in every string field, and asserts that each is stored unchanged or refused.
pub async fn assert_texts_are_kept_or_refused<W: World>(world: impl AsyncFn() -> W) -> Tally {
    let mut tally = Tally::default();
    for round in 0..ROUNDS {
        call_each(&world().await, round, &mut tally).await;
    }
    eprintln!("texts: {} kept, {} asked for, {} fields refuse some", tally.kept, tally.asked, tally.refused.len());
    tally
}

async fn call_each(world: &impl World, round: usize, tally: &mut Tally) {
    let mut logged = 0;
    let logs = Logs::keep(&Telemetry::default(), "debug");
    for (nth, method) in world.methods().iter().enumerate() {
        let turn = Turn { round, nth };
        let (filled, placed) = fill(&world.sample(method), "", turn, &[]);
        if world.asks(method.name(), &filled) {
            call_one(world, method, turn, tally).await;
        } else {
            // The fields of a query exclude each other, so each is tried alone.
            for one in placed.into_iter().filter(|one| one.path != "page_token") {
                let question = with_text(&DynamicMessage::new(method.input()), &one.path, one.text.clone());
                let refused = refusals(world, method, &send(world, method, &question).await, &[one]);
                tally.asked += usize::from(refused.is_none());
            }
        }
        let records = logs.take();
        logged += records.len();
        let leak = records.iter().find(|record| record.contains(MARKS[0]));
        assert!(leak.is_none(), "{}: {}", method.name(), leak.unwrap());
    }
    assert!(logged > 0, "what is logged is looked at");
    assert!(tally.changed.is_empty(), "changed on the way: {:#?}", tally.changed);
    let clean = "select count(*) from pg_class where relname in ('journal', 'duty', 'reply') and relkind = 'r'
        and relnamespace = current_schema()::regnamespace";
    assert_eq!(world.bench().number(clean).await, 3, "no table is gone");
    world.settled().await;
    world.bench().events().await;
}

/// Calls a method again with the original text in every field that was refused, until the call succeeds.
async fn call_one(world: &impl World, method: &MethodDescriptor, turn: Turn, tally: &mut Tally) {
    let good = world.sample(method);
    let mut refused: Vec<String> = Vec::new();
    let before = events(world).await;
    loop {
        let (request, placed) = fill(&good, "", turn, &refused);
        let outcome = send(world, method, &request).await;
        let Some((names, code)) = refusals(world, method, &outcome, &placed) else {
            let reply = DynamicMessage::decode(method.output(), outcome.unwrap().as_slice()).unwrap();
            return assert_kept(world, method, &reply, &placed, tally).await;
        };
        assert_eq!(events(world).await, before, "{}: what is refused changes nothing", method.name());
        for name in &names {
            tally.refused.insert(format!("{}.{name}", method.name()), code);
        }
        refused.extend(names);
    }
}

/// Counts the events, once what follows from earlier calls is written too.
async fn events(world: &impl World) -> i64 {
    world.settled().await;
    if world.bench().name() == DIRECTORY {
        world.bench().followed().await;
    }
    world.bench().number("select count(*) from journal").await
}

async fn send(world: &impl World, method: &MethodDescriptor, request: &DynamicMessage) -> Result<Vec<u8>, Status> {
    let bodies = std::iter::once(request.encode_to_vec()).chain(world.rest(method.name())).collect();
    let path = path(method);
    let call = world.send_to(&path, Some(world.able(method)), bodies);
    if method.is_server_streaming() {
        // A watch with a hostile filter gets no message; stops after a while.
        tokio::time::timeout(Duration::from_millis(300), call).await.unwrap_or(Ok(Vec::new()))
    } else {
        call.await
    }
}

/// The refused fields of a call, each of which must have had a hostile text; empty if the call succeeded.
fn refusals(
    world: &impl World,
    method: &MethodDescriptor,
    outcome: &Result<Vec<u8>, Status>,
    placed: &[Placed],
) -> Option<(Vec<String>, Code)> {
    let (names, code) = match outcome {
        Ok(reply) if !world.rejects(method.name(), reply) => return None,
        Ok(reply) => (world.fields(method.name(), Ok(reply.clone())), Code::InvalidArgument),
        Err(status) => {
            let answer = format!("{} {}", status.message(), String::from_utf8_lossy(status.details()));
            assert!(!answer.contains(MARKS[0]), "{}: an error says what is confidential: {answer}", method.name());
            let refusal = Refusal { status: status.clone(), details: status.get_error_details() };
            let names: Vec<String> = match status.code() {
                Code::InvalidArgument => refusal.fields().into_iter().map(str::to_owned).collect(),
                Code::NotFound => vec![refusal.resource().to_owned()],
                Code::Aborted => vec!["etag".to_owned()],
                _ => panic!("{}: {status:?} for {placed:#?}", method.name()),
            };
            (names, status.code())
        }
    };
    let is_meant = |one: &Placed| {
        names.iter().any(|name| {
            one.path == *name
                || one.text == *name
                || one.path.ends_with(&format!(".{name}"))
                || one.path.starts_with(&format!("{name}["))
        })
    };
    let found: Vec<String> = placed.iter().filter(|one| is_meant(one)).map(|one| one.path.clone()).collect();
    assert!(!found.is_empty(), "{}: {names:?} is refused, which had no such text: {placed:#?}", method.name());
    Some((found, code))
}

/// Asserts that each text of a change is unchanged in the reply, a row or the journal.
async fn assert_kept(
    world: &impl World,
    method: &MethodDescriptor,
    reply: &DynamicMessage,
    placed: &[Placed],
    tally: &mut Tally,
) {
    if !has(&world.sample(method), "request_id") && !method.is_client_streaming() {
        tally.asked += placed.len();
        return;
    }
    // An etag is no content.
    for Placed { path, text } in placed.iter().filter(|one| !one.path.ends_with("etag")) {
        let mut is_kept = holds(&Value::Message(reply.clone()), text) || is_stored(world.bench(), text).await;
        for bench in world.beside() {
            is_kept = is_kept || is_stored(bench, text).await;
        }
        if is_kept {
            tally.kept += 1;
        } else {
            tally.changed.push(format!("{}.{path}: {text}", method.name()));
        }
    }
}

fn holds(value: &Value, text: &str) -> bool {
    match value {
        Value::String(one) => one == text,
        Value::List(items) => items.iter().any(|item| holds(item, text)),
        Value::Message(message) => message.fields().any(|(_, value)| holds(value, text)),
        _ => false,
    }
}

/// Whether a column of a row has exactly this text, or an event's payload contains it.
async fn is_stored(bench: &Bench, text: &str) -> bool {
    let tables =
        "select relname::text from pg_class where relkind = 'r' and relnamespace = current_schema()::regnamespace";
    let tables: Vec<String> = sqlx::query_scalar(tables).fetch_all(bench.admin()).await.unwrap();
    let in_rows = tables.iter().map(|table| {
        format!("exists (select from {table} t where jsonb_path_exists(to_jsonb(t), '$.** ? (@ == $text)', jsonb_build_object('text', $1::text)))")
    });
    let in_events = "exists (select from journal where position(convert_to($1, 'UTF8') in payload) > 0)".to_owned();
    let query = format!("select {}", in_rows.chain([in_events]).collect::<Vec<_>>().join(" or "));
    sqlx::query_scalar(sqlx::AssertSqlSafe(query)).bind(text).fetch_one(bench.admin()).await.unwrap()
}

/// Fills every string field except `refused` with a hostile text. Returns the request, and the text of each field.
fn fill(good: &DynamicMessage, above: &str, turn: Turn, refused: &[String]) -> (DynamicMessage, Vec<Placed>) {
    let (mut request, mut placed) = (good.clone(), Vec::new());
    let is_open = |field: &FieldDescriptor| field.containing_oneof().is_none() || good.has_field(field);
    for field in good.descriptor().fields().filter(|field| !is_output(field) && is_open(field)) {
        let index = if field.is_list() { "[0]" } else { "" };
        let path = format!("{above}{}{index}", field.name());
        let put = |value: Value| if field.is_list() { Value::List(vec![value]) } else { value };
        match field.kind() {
            Kind::String if !refused.contains(&path) => {
                let text = text_for(&field, turn, placed.len());
                request.set_field(&field, put(Value::String(text.clone())));
                placed.push(Placed { path, text });
            }
            Kind::Message(inner) if inner.full_name().starts_with("kefu.") => {
                let value = good.get_field(&field);
                let present = value.as_list().map_or(Some(&*value), |items| items.first());
                let present = present.filter(|_| good.has_field(&field)).and_then(Value::as_message);
                if let Some(present) = present {
                    let (inner, within) = fill(present, &format!("{path}."), turn, refused);
                    request.set_field(&field, put(Value::Message(inner)));
                    placed.extend(within);
                }
            }
            _ => {}
        }
    }
    (request, placed)
}

/// The text for a field: as much of the corpus as fits, the rest in later rounds. The last round has one endless combining
/// character.
fn text_for(field: &FieldDescriptor, turn: Turn, place: usize) -> String {
    let Turn { round, nth } = turn;
    let longest = longest(field).unwrap_or(100);
    let is_one_line = longest <= 200;
    let mark = MARKS[usize::from(!is_confidential(field))];
    let room = longest.min(500).saturating_sub(10);
    if round + 1 == ROUNDS {
        return format!("{mark}{nth}.{place}{}", "\u{335}\u{301}".repeat(room / 2));
    }
    let mut pieces = vec![String::new()];
    for one in CORPUS.iter().filter(|one| !is_one_line || !one.contains('\n')).filter(|one| one.chars().count() <= room)
    {
        if pieces.last().unwrap().chars().count() + one.chars().count() > room {
            pieces.push(String::new());
        }
        pieces.last_mut().unwrap().push_str(one);
    }
    format!("{mark}{nth}.{place} {}⟫", pieces[round % pieces.len()])
}

fn is_confidential(field: &FieldDescriptor) -> bool {
    field.options().get_field_by_name("debug_redact").is_some_and(|value| value.as_bool() == Some(true))
}
