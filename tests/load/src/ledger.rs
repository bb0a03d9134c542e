//! The ledger of acknowledged writes: each write that a service answered with success must be in the database once.

use std::collections::HashMap;
use std::sync::Mutex;

use sqlx::PgConnection;
use uuid::Uuid;

/// A writing method, as the service's table of replies identifies it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Method {
    /// Database schema of the service: `intake` or `complaints`.
    pub schema: &'static str,
    /// gRPC path of the method, e.g. `/kefu.intake.v1.RequestService/RegisterRequest`.
    pub path: &'static str,
}

impl Method {
    /// Returns the method's name in the contract, e.g. `RegisterRequest`.
    pub fn name(self) -> &'static str {
        self.path.rsplit('/').next().unwrap_or_default()
    }
}

/// The acknowledged writes, grouped by method.
#[derive(Debug, Default)]
pub struct Ledger(Mutex<HashMap<Method, Vec<Ack>>>);

#[derive(Clone, Copy, Debug)]
struct Ack {
    request_id: Uuid,
    root: Uuid,
}

impl Ledger {
    /// Records that a call of `method` with `request_id` succeeded for the resource `name`, e.g. `requests/…`.
    pub fn acknowledge(&self, method: Method, request_id: &str, name: &str) {
        let request_id = request_id.parse().expect("a request id is a UUID");
        let root = name.split('/').nth(1).and_then(|id| id.parse().ok()).expect("a name has an id");
        self.0.lock().expect("no holder panicked").entry(method).or_default().push(Ack { request_id, root });
    }

    /// Returns the number of acknowledged writes.
    pub fn len(&self) -> usize {
        self.0.lock().expect("no holder panicked").values().map(Vec::len).sum()
    }

    /// Returns the number of acknowledged writes that lack exactly one stored reply to their call, or whose resource
    /// has no event in the journal.
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
            // The primary key of replies begins with the subject, which the ledger does not keep, so looking up a
            // request id needs an index of its own.
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
