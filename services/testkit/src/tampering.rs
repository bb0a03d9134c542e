//! A forger with all rights on a journal: verification must find every change, at its first position.

use jiff::{SignedDuration, Timestamp};
use kefu_proto::events::v1::event_feed_client::EventFeedClient;
use kefu_proto::events::v1::{Anchor, VerifyJournalRequest, VerifyJournalResponse};
use sqlx::pool::PoolConnection;
use sqlx::{AssertSqlSafe, Executor as _, Postgres};

use crate::bench::Bench;
use crate::dice::Dice;

const TEXTS: [&str; 4] = ["aggregate", "actor", "regulation", "payload_type"];
const BYTES: [&str; 5] = ["hash", "payload", "salt", "payload_digest", "duty_changes"];
const TIMES: [&str; 2] = ["occurred_at", "recorded_at"];

/// The forger of a journal, with a superuser's connection.
struct Forger<'a> {
    bench: &'a Bench,
    superuser: PoolConnection<Postgres>,
    dice: Dice,
    head: Anchor,
}

/// A forging statement, and the first position that it changes.
struct Forgery {
    statement: String,
    first: i64,
}

/// Tampers with the journal in `cases` random ways, one after the other, and asserts that each is found at its first
/// position.
pub async fn assert_nothing_escapes(bench: &Bench, cases: usize) {
    bench.seal().await;
    let head = verify(bench, &[]).await.head.unwrap();
    let mut superuser = bench.admin().acquire().await.unwrap();
    let ready = "set session_replication_role = replica;
        create table kept as select * from journal;
        do $$ declare name text; begin
            for name in select attname from pg_attribute where attrelid = 'journal'::regclass and attnum > 0 and attnotnull
                and attname <> 'seq' loop execute format('alter table journal alter column %I drop not null', name);
            end loop;
        end $$";
    superuser.execute(sqlx::raw_sql(ready)).await.unwrap();
    let mut forger = Forger { bench, superuser, dice: Dice::new(Dice::seed()), head };
    let (mut done, mut tried) = (0, 0);
    while done < cases {
        tried += 1;
        assert!(tried < 2 * cases, "most forgeries can be done");
        let forgery = forger.forge().await;
        done += usize::from(forger.is_found(&forgery).await);
    }
    assert_eq!(verify(bench, &[forger.head]).await.findings, []);
}

async fn verify(bench: &Bench, anchors: &[Anchor]) -> VerifyJournalResponse {
    let request = VerifyJournalRequest { parent: bench.name(), anchors: anchors.to_vec() };
    EventFeedClient::new(bench.as_service()).verify_journal(request).await.unwrap().into_inner()
}

impl Forger<'_> {
    /// Applies a forgery, asserts that verification finds it, and undoes it. Returns whether the forgery changed anything.
    async fn is_found(&mut self, forgery: &Forgery) -> bool {
        let Forgery { statement, first } = forgery;
        if self.superuser.execute(sqlx::raw_sql(AssertSqlSafe(statement.as_str()))).await.is_err() {
            // The position is taken, or a constraint of the table refuses the statement.
            return false;
        }
        let differs = "select exists ((table journal except table kept) union all (table kept except table journal))";
        let changed: bool = sqlx::query_scalar(differs).fetch_one(&mut *self.superuser).await.unwrap();
        if changed {
            let findings = verify(self.bench, std::slice::from_ref(&self.head)).await.findings;
            let found = findings.iter().map(|finding| finding.position).min();
            assert_eq!(found, Some(*first), "{statement}: {findings:#?}");
        }
        let undo = "truncate journal; insert into journal overriding system value table kept";
        self.superuser.execute(sqlx::raw_sql(undo)).await.unwrap();
        changed
    }

    async fn forge(&mut self) -> Forgery {
        let place = 1 + self.below(self.head.position);
        let (column, value) = match self.dice.below(9) {
            0 | 1 => {
                let column = self.dice.pick(&TEXTS);
                let text: String = self.read(column, place).await;
                (column, format!("'{}'", self.alter_text(&text).replace('\'', "''")))
            }
            2 | 3 => {
                let column = self.dice.pick(&BYTES);
                let bytes: Vec<u8> = self.read(column, place).await;
                (column, self.alter_bytes(bytes))
            }
            4 => {
                let column = self.dice.pick(&TIMES);
                let value = ["'infinity'", "'-infinity'", "'200000-01-01 00:00Z'", "'4000-01-01 00:00Z BC'"];
                let time: jiff_sqlx::Timestamp = self.read(column, place).await;
                (
                    column,
                    if self.dice.below(4) == 0 {
                        self.dice.pick(&value).into()
                    } else {
                        self.alter_time(time.to_jiff())
                    },
                )
            }
            5 => {
                let clauses: Vec<String> = self.read("clauses", place).await;
                ("clauses", self.alter_list(clauses))
            }
            6 => {
                let bit = self.dice.below(63);
                ("aggregate_version", format!("aggregate_version # (1::bigint << {bit})"))
            }
            7 => (self.dice.pick(&["event_id", "corrects"]), "gen_random_uuid()".to_owned()),
            _ => return self.forge_rows(place),
        };
        // The table itself refuses a position without a hash, and a hash without a position.
        let is_gone = self.dice.below(12) == 0;
        let value = if is_gone { "null".to_owned() } else { value };
        Forgery { statement: format!("update journal set {column} = {value} where position = {place}"), first: place }
    }

    /// Removes, moves, swaps, doubles or adds rows.
    fn forge_rows(&mut self, place: i64) -> Forgery {
        let last = self.head.position;
        let other = 1 + self.below(last);
        let columns =
            "hash, event_id, aggregate, aggregate_version, actor, occurred_at, recorded_at, clauses, regulation,
            payload_type, payload, salt, payload_digest, duty_changes, corrects";
        let copy = |to: i64| {
            format!(
                "insert into journal (position, {columns}) select {to}, {columns} from kept where position = {place}"
            )
        };
        let shift = |by: i64, from: i64| {
            format!(
                "update journal set position = position + 1000000 where position >= {from};
                update journal set position = position - 1000000 + {by} where position > 1000000;"
            )
        };
        let remove = format!("delete from journal where position = {place};");
        let (statement, first) = match self.dice.below(8) {
            0 => (remove, place),
            1 => (format!("{remove} {}", shift(-1, place)), place),
            2 => {
                let to = place ^ (1 << self.dice.below(62));
                (
                    format!("update journal set position = {to} where position = {place}"),
                    place.min(if to < 1 { to } else { place }),
                )
            }
            3 => {
                let (place, other) = (place.min(other), place.max(other));
                let swap = format!(
                    "update journal set position = -1 where position = {place};
                    update journal set position = {place} where position = {other};
                    update journal set position = {other} where position = -1;"
                );
                (swap, place)
            }
            4 => (copy(last + 1), last + 1),
            5 => {
                let before = self.dice.pick(&[0, -1, -1_000, i64::MIN]);
                (copy(before), before)
            }
            // A row copied to just before itself is right there; the original then is at a wrong position.
            6 => (format!("{} {}", shift(1, other), copy(other)), other + i64::from(other == place)),
            _ => (copy(i64::MAX), last + 1),
        };
        Forgery { statement, first }
    }

    async fn read<T>(&mut self, column: &str, place: i64) -> T
    where
        T: for<'r> sqlx::Decode<'r, Postgres> + sqlx::Type<Postgres> + Send + Unpin,
    {
        let query = format!("select {column} from journal where position = $1");
        sqlx::query_scalar(AssertSqlSafe(query)).bind(place).fetch_one(&mut *self.superuser).await.unwrap()
    }

    /// Changes, removes or adds one character.
    fn alter_text(&mut self, text: &str) -> String {
        let mut characters: Vec<char> = text.chars().collect();
        let place = self.index(characters.len() + 1);
        let other = self.dice.pick(&['a', 'Z', '0', '/', ' ', '\n', '\u{200b}', '\u{301}', '长', '👍']);
        match self.dice.below(3) {
            0 if place < characters.len() => characters[place] = other,
            1 if place < characters.len() => drop(characters.remove(place)),
            _ => characters.insert(place, other),
        }
        characters.into_iter().collect()
    }

    /// Flips one bit, or removes, adds or swaps one byte.
    fn alter_bytes(&mut self, mut bytes: Vec<u8>) -> String {
        let place = self.index(bytes.len() + 1);
        match self.dice.below(4) {
            0 if place < bytes.len() => drop(bytes.remove(place)),
            1 if place + 1 < bytes.len() => bytes.swap(place, place + 1),
            2 if place < bytes.len() => bytes[place] ^= 1 << self.dice.below(8),
            _ => bytes.insert(place, u8::try_from(self.dice.below(256)).unwrap()),
        }
        let hex: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        format!("'\\x{}'", hex.concat())
    }

    /// Flips one bit of the microseconds.
    fn alter_time(&mut self, time: Timestamp) -> String {
        let us = time.as_microsecond() ^ (1 << self.dice.below(48));
        let time = Timestamp::from_microsecond(us).unwrap_or(time + SignedDuration::from_micros(1));
        format!("'{time}'")
    }

    /// Changes, splits, joins, moves, adds or removes one item; or replaces the list by a foreign one.
    fn alter_list(&mut self, mut items: Vec<String>) -> String {
        let place = self.index(items.len() + 1);
        match self.dice.below(8) {
            0 => return "array[null]::text[]".into(),
            1 => return "array[clauses, clauses]".into(),
            2 => return format!("'[0:{}]={{{}}}'", items.len().saturating_sub(1), items.join(",")),
            3 if place < items.len() => items[place] = self.alter_text(&items[place].clone()),
            4 if place < items.len() && items[place].len() > 1 => {
                let rest = items[place].split_off(1);
                items.insert(place + 1, rest);
            }
            5 if place + 1 < items.len() => {
                let next = items.remove(place + 1);
                items[place].push_str(&next);
            }
            6 if items.len() > 1 => items.rotate_left(1),
            7 if place < items.len() => drop(items.remove(place)),
            _ => items.insert(place, "A9.1".into()),
        }
        let items: Vec<String> = items.iter().map(|item| format!("'{}'", item.replace('\'', "''"))).collect();
        format!("array[{}]::text[]", items.join(", "))
    }

    fn below(&mut self, bound: i64) -> i64 {
        i64::try_from(self.dice.below(u64::try_from(bound).unwrap())).unwrap()
    }

    fn index(&mut self, bound: usize) -> usize {
        usize::try_from(self.dice.below(bound as u64)).unwrap()
    }
}
