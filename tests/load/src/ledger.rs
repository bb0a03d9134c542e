//! What was acknowledged: every write that was answered with success must be in the database, once.

use std::collections::HashMap;
use std::sync::Mutex;

use sqlx::PgConnection;
use uuid::Uuid;

/// A method that writes, as the service keeps replies to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Method {
    /// The schema of the service.
    pub schema: &'static str,
    /// Its path.
    pub path: &'static str,
}

impl Method {
    /// Its name in the contract, e.g. `RegisterRequest`.
    pub fn name(self) -> &'static str {
        self.path.rsplit('/').next().unwrap_or_default()
    }
}

/// Acknowledged writes by method.
#[derive(Debug, Default)]
pub struct Ledger(Mutex<HashMap<Method, Vec<Ack>>>);

#[derive(Clone, Copy, Debug)]
struct Ack {
    request_id: Uuid,
    root: Uuid,
}

impl Ledger {
    /// A write of `method` under `request_id` was answered with the resource `name`, e.g. `requests/…`.
    pub fn acknowledge(&self, method: Method, request_id: &str, name: &str) {
        let request_id = request_id.parse().expect("a request id is a UUID");
        let root = name.split('/').nth(1).and_then(|id| id.parse().ok()).expect("a name has an id");
        self.0.lock().expect("no holder panicked").entry(method).or_default().push(Ack { request_id, root });
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.lock().expect("no holder panicked").values().map(Vec::len).sum()
    }

    /// How many of them are not in the database just once: with the reply to the call, and an event of the resource that was
    /// recorded with it.
    pub async fn missing(&self, connection: &mut PgConnection) -> i64 {
        let acknowledged = self.0.lock().expect("no holder panicked").clone();
        let mut missing = 0;
        for (method, acks) in acknowledged {
            let statement = format!(
                "select count(*) from unnest($1::uuid[], $2::text[]) as a (request_id, aggregate)
                where (select count(*) from {0}.reply as r where r.method = $3 and r.request_id = a.request_id) <> 1
                    or not exists (select from {0}.journal as j where j.aggregate = a.aggregate)",
                method.schema
            );
            // The key of replies begins with the subject, which the ledger does not keep.
            let index = format!("create index if not exists reply_by_id on {}.reply (request_id)", method.schema);
            sqlx::raw_sql(sqlx::AssertSqlSafe(index)).execute(&mut *connection).await.expect("an index can be made");
            let collection = if method.schema == "complaints" { "complaints" } else { "requests" };
            for part in acks.chunks(20_000) {
                let ids: Vec<Uuid> = part.iter().map(|ack| ack.request_id).collect();
                let aggregates: Vec<String> = part.iter().map(|ack| format!("{collection}/{}", ack.root)).collect();
                let query = sqlx::query_scalar::<_, i64>(sqlx::AssertSqlSafe(statement.clone()));
                let query = query.bind(ids).bind(aggregates).bind(method.path);
                missing += query.fetch_one(&mut *connection).await.expect("the database answers");
            }
        }
        missing
    }
}
