//! `MergeCustomers`: two files of one customer become one. The old name stays an alias.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use kefu_chassis::aliases;
use kefu_chassis::call::check_etag;
use kefu_chassis::error::describe;
use kefu_chassis::names::Id;
use kefu_chassis::record::VersionedRow as _;
use kefu_chassis::wrong;
use kefu_chassis::{Call, Chassis, Error};
use kefu_proto::intake::v1 as pb;
use sqlx::PgConnection;
use uuid::Uuid;

use super::{CustomerRow, Customers};
use crate::shared::{Contact, Customer, id, unknown};

/// How often a replica reads which customers were merged.
const POLL: Duration = Duration::from_secs(1);
/// Most contacts of a customer, as the contract has it.
const CONTACTS: usize = 20;

impl Customers {
    pub(super) async fn merge_customers(
        &self,
        call: &Call,
        request: pb::MergeCustomersRequest,
    ) -> Result<pb::Customer, Error> {
        let (kept, merged) = (id::<Customer>(&request.name)?, id::<Customer>(&request.merged)?);
        if kept == merged {
            let wrong = wrong!(Conflicting under "B1.2", "is the same customer", "与保留的是同一位客户");
            return Err(Error::field("merged", wrong));
        }
        let mut work = self.chassis.begin(call).await?;
        aliases::begin_merge(work.connection(), &merged.to_string()).await?;
        let rows = CustomerRow::lock(work.connection(), &[kept.uuid(), merged.uuid()]).await?;
        let find = |name: &str, id: Id<Customer>| {
            rows.iter().find(|row| row.id == id.uuid()).ok_or_else(|| unknown::<Customer>(name))
        };
        let (old, gone) = (find(&request.name, kept)?, find(&request.merged, merged)?);
        old.check_is_present()?;
        gone.check_is_present()?;
        check_etag(&request.etag, &old.show().etag, &request.name)?;
        let mut new = old.clone();
        new.take_over(gone)?;
        work.replace(old, &mut new).await?;
        move_all(work.connection(), gone.id, new.id, call.now).await?;
        aliases::record(work.connection(), &merged.to_string(), &kept.to_string(), call.now).await?;
        let payload = |customer| pb::CustomersMerged {
            customer: Some(customer),
            merged: merged.to_string(),
            reason: request.reason,
        };
        let reply = work.finish(&new, new.version, payload).await?;
        self.chassis.reload_aliases().await?;
        Ok(reply)
    }
}

impl CustomerRow {
    /// Takes over what the other customer has and this one lacks.
    fn take_over(&mut self, other: &Self) -> Result<(), Error> {
        let mut contacts = self.stored_contacts();
        let shown: HashSet<String> = contacts.iter().map(written).collect();
        contacts.extend(other.stored_contacts().into_iter().filter(|contact| !shown.contains(&written(contact))));
        if contacts.len() > CONTACTS {
            let wrong = wrong!(
                TooMany,
                "has contacts that would make more than {CONTACTS} with the other\u{2019}s: remove some before",
                "与保留客户的联系方式合计超过{CONTACTS}项，请先删减"
            );
            return Err(Error::field("merged", wrong));
        }
        self.keep_contacts(&contacts)?;
        if self.preferences().is_none() {
            self.preferred_channel = other.preferred_channel;
            self.preferred_language = other.preferred_language;
            self.preferred_hours.clone_from(&other.preferred_hours);
        }
        for (own, others) in [(&mut self.needs, &other.needs), (&mut self.service_plan, &other.service_plan)] {
            if own.is_empty() {
                own.clone_from(others);
            }
        }
        if other.since_at.to_jiff() < self.since_at.to_jiff() {
            self.since_at = other.since_at;
        }
        Ok(())
    }
}

fn written(contact: &Contact) -> String {
    serde_json::to_string(contact).unwrap_or_default()
}

/// Gives everything of one customer to another, in one statement, since requests refer to projects of their customer. The
/// requests are locked before, in the order in which every call locks several.
async fn move_all(connection: &mut PgConnection, old: Uuid, new: Uuid, at: Timestamp) -> Result<(), Error> {
    let requests = sqlx::query!("select id from intake.request where customer = $1 order by id for no key update", old);
    requests.fetch_all(&mut *connection).await?;
    sqlx::query!(
        "with projects as (update intake.project set customer = $2 where customer = $1),
            requests as (update intake.request set customer = $2 where customer = $1),
            entries as (update intake.timeline_entry set customer = $2 where customer = $1),
            found as (delete from intake.customer_search where customer = $1),
            unfound as (delete from intake.customer_to_index where customer = $1),
            earlier as (update intake.customer set merged_into = $2 where merged_into = $1)
        update intake.customer set merged_into = $2, version = version + 1, updated_at = $3 where id = $1",
        old,
        new,
        kefu_chassis::time::sql::at(at) as _,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Reads the aliases once a second until the service stops, since another replica may have merged customers.
pub async fn run(chassis: Arc<Chassis>) {
    let mut stop = chassis.stopping();
    loop {
        tokio::select! {
            () = chassis.clock.tick(POLL) => {}
            _ = stop.wait_for(|stopping| *stopping) => return,
        }
        if let Err(error) = chassis.reload_aliases().await {
            tracing::debug!(cause = describe(&error), "the names of merged customers are not read; it is tried again");
        }
    }
}
