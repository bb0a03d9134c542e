//! `FindCustomers`: by telephone in any writing or by its last digits, by e-mail in any case, or by a part of the name; and
//! who shares a telephone number or an e-mail address with a new customer.

use kefu_chassis::error::Violation;
use kefu_chassis::names::Id;
use kefu_chassis::paging::Page;
use kefu_chassis::search::{folded, pairs};
use kefu_chassis::text::is_blank;
use kefu_chassis::wrong;
use kefu_chassis::{Call, Error};
use kefu_proto::intake::v1 as pb;
use sqlx::PgConnection;

use super::{CustomerRow, Customers, customers};
use crate::shared::Customer;

/// Most customers that a refusal names as having the same contact.
const NAMED: i64 = 5;

impl Customers {
    pub(super) async fn find_customers(
        &self,
        call: &Call,
        request: pb::FindCustomersRequest,
    ) -> Result<pb::FindCustomersResponse, Error> {
        let name = folded(&request.display_name);
        if !is_blank(&request.display_name) && name.chars().count() < 2 {
            return Err(Error::field(
                "display_name",
                wrong!(TooShort, "must have at least two letters or digits", "至少须有两个文字或数字"),
            ));
        }
        let phone = if request.phone.is_empty() {
            String::new()
        } else {
            self.country.phone(&request.phone).map_err(|wrong| Error::field("phone", wrong))?.number
        };
        let page: Page<Id<Customer>> = Page::of(call, &request)?;
        let after = page.after.map(Id::uuid);
        let pool = self.chassis.pool();
        let rows = if !phone.is_empty() {
            let found = customers!(
                "where phones @> array[$1] and merged_into is null and ($2::uuid is null or id < $2)
                order by id desc limit $3",
                phone,
                after,
                page.limit
            );
            found.fetch_all(pool).await?
        } else if !request.phone_ending.is_empty() {
            let found = customers!(
                "where phone_ends @> array[$1] and exists (select from unnest(phones) as phone where right(phone, length($2)) = $2)
                    and merged_into is null and ($3::uuid is null or id < $3) order by id desc limit $4",
                last_four(&request.phone_ending),
                request.phone_ending,
                after,
                page.limit
            );
            found.fetch_all(pool).await?
        } else if !request.email.is_empty() {
            let found = customers!(
                "where emails @> array[$1] and merged_into is null and ($2::uuid is null or id < $2)
                order by id desc limit $3",
                request.email.to_lowercase(),
                after,
                page.limit
            );
            found.fetch_all(pool).await?
        } else {
            let found = customers!(
                "where name_pairs @> $1 and position($2 in name_key) > 0 and merged_into is null
                    and ($3::uuid is null or id < $3) order by id desc limit $4",
                &pairs(&name),
                name,
                after,
                page.limit
            );
            found.fetch_all(pool).await?
        };
        let (customers, next_page_token) = page.fill(rows.iter().map(|row| (Id::from_uuid(row.id), row.show())));
        Ok(pb::FindCustomersResponse { customers, next_page_token })
    }
}

/// The last four digits of a telephone number; all of a shorter one.
pub fn last_four(phone: &str) -> &str {
    &phone[phone.len().saturating_sub(4)..]
}

/// Refuses a new customer whose telephone number or e-mail address others have, and names them. Of several that come at
/// once with one number, the later ones wait for the first.
pub async fn refuse_shared(connection: &mut PgConnection, new: &CustomerRow) -> Result<(), Error> {
    let mut shared = [new.phones.as_slice(), &new.emails].concat();
    if shared.is_empty() {
        return Ok(());
    }
    // The order keeps two calls from waiting for each other.
    shared.sort_unstable();
    let turn = sqlx::query!(
        r#"select pg_advisory_xact_lock(hashtextextended('kefu.intake.contact.' || value, 0))::text as turn
        from unnest($1::text[]) with ordinality as shared (value, place) order by place"#,
        &shared
    );
    turn.fetch_all(&mut *connection).await?;
    let others = customers!(
        "where (phones && $1 or emails && $2) and merged_into is null order by id desc limit $3",
        &new.phones,
        &new.emails,
        NAMED
    );
    let others = others.fetch_all(connection).await?;
    if others.is_empty() {
        return Ok(());
    }
    let mut violations = Vec::new();
    for (index, contact) in new.stored_contacts().iter().enumerate() {
        let email = contact.email.to_lowercase();
        for (field, of) in [
            ("phone", others.iter().filter(|other| other.phones.contains(&contact.phone)).collect::<Vec<_>>()),
            ("email", others.iter().filter(|other| other.emails.contains(&email)).collect()),
        ] {
            if of.is_empty() {
                continue;
            }
            let english: Vec<String> = of.iter().map(|other| named(other)).collect();
            let whose = english.join(", ");
            let wrong = wrong!(
                Conflicting under "B1.2",
                "is that of {whose}: use their file, or say that this is another customer",
                "与已有客户“{whose}”相同，请使用其档案，或注明这是另一位客户"
            );
            violations.push(Violation::new(format!("customer.contacts[{index}].{field}"), wrong));
        }
    }
    Err(Error::Invalid(violations))
}

/// A customer for people and for programs: `王小明 (customers/…)`.
fn named(customer: &CustomerRow) -> String {
    format!("{} ({})", customer.display_name, Id::<Customer>::from_uuid(customer.id))
}
