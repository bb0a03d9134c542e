//! `FindCustomers`: by telephone in any writing, by e-mail in any case, or by the beginning of the name.

use kefu_chassis::names::Id;
use kefu_chassis::paging::Page;
use kefu_chassis::text::is_blank;
use kefu_chassis::wrong;
use kefu_chassis::{Call, Error};
use kefu_proto::intake::v1 as pb;

use super::{CustomerRow, Customers, customers};
use crate::shared::Customer;

impl Customers {
    pub(super) async fn find_customers(
        &self,
        call: &Call,
        request: pb::FindCustomersRequest,
    ) -> Result<pb::FindCustomersResponse, Error> {
        if !is_blank(&request.display_name) && request.display_name.trim().chars().count() < 2 {
            return Err(Error::field(
                "display_name",
                wrong!(TooShort, "must have at least two characters", "至少两个字"),
            ));
        }
        let phone = if request.phone.is_empty() {
            String::new()
        } else {
            self.country.number(&request.phone).map_err(|wrong| Error::field("phone", wrong))?
        };
        let page: Page<Id<Customer>> = Page::of(call, &request)?;
        let after = page.after.map(Id::uuid);
        let rows = if !phone.is_empty() {
            let row = customers!(
                "where phones @> array[$1] and ($2::uuid is null or id < $2) order by id desc limit $3",
                phone,
                after,
                page.limit
            );
            row.fetch_all(self.chassis.pool()).await?
        } else if !request.email.is_empty() {
            let row = customers!(
                "where emails @> array[$1] and ($2::uuid is null or id < $2) order by id desc limit $3",
                request.email.to_lowercase(),
                after,
                page.limit
            );
            row.fetch_all(self.chassis.pool()).await?
        } else {
            // Names that begin with "Li" are those from "Li" up to "Li" followed by the highest character.
            let beginning = request.display_name.trim();
            let row = customers!(
                r#"where display_name collate "C" >= $1 and display_name collate "C" < $2 and ($3::uuid is null or id < $3)
                order by id desc limit $4"#,
                beginning,
                format!("{beginning}\u{10FFFF}"),
                after,
                page.limit
            );
            row.fetch_all(self.chassis.pool()).await?
        };
        let (customers, next_page_token) = page.fill(rows.iter().map(|row| (Id::from_uuid(row.id), row.show())));
        Ok(pb::FindCustomersResponse { customers, next_page_token })
    }
}
