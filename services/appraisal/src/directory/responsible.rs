//! The person in charge of a matter of a department (A2.4): the head, or a deputy while the head is away.

use std::collections::HashSet;

use kefu_chassis::language::Text;
use kefu_chassis::time::{from_proto, sql};
use kefu_chassis::{Call, Error};
use kefu_proto::directory::v1 as pb;
use kefu_proto::directory::v1::resolve_responsible_response::Capacity;
use serde::{Deserialize, Serialize};
use sqlx::types::Json;

use super::{Directory, no_department};

const IS_DISSOLVED: Text = Text::new("the department is dissolved", "部门已撤销");
const NOBODY_IS_THERE: Text =
    Text::new("neither the head nor a deputy for the matter is there", "负责人及可代理此事的副职均不在岗");

/// A deputy of the head, for some business domains or, without any, for all.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deputy {
    /// Name of the deputy, `staff/{id}`.
    pub staff: String,
    /// Business domains; empty for all.
    pub domains: Vec<String>,
}

/// The deputies of a department in their order, as a column.
pub type Deputies = Json<Vec<Deputy>>;

impl Deputy {
    /// Whether the deputy acts for a business domain. An unclassified matter (empty) needs a deputy for all domains.
    fn stands_in_for(&self, business_domain: &str) -> bool {
        self.domains.is_empty() || self.domains.iter().any(|domain| domain == business_domain)
    }
}

/// The person in charge of a matter: the head (empty for none) if present, else the first present deputy for the domain.
/// `is_present` tells whether somebody is active and not away.
pub fn in_charge<'a>(
    head: &'a str,
    deputies: &'a [Deputy],
    business_domain: &str,
    is_present: impl Fn(&str) -> bool,
) -> Option<(Capacity, &'a str)> {
    if !head.is_empty() && is_present(head) {
        return Some((Capacity::Head, head));
    }
    deputies
        .iter()
        .find(|deputy| deputy.stands_in_for(business_domain) && is_present(&deputy.staff))
        .map(|deputy| (Capacity::Deputy, deputy.staff.as_str()))
}

impl Directory {
    pub(super) async fn resolve_responsible(
        &self,
        call: &Call,
        request: pb::ResolveResponsibleRequest,
    ) -> Result<pb::ResolveResponsibleResponse, Error> {
        let at = request.time.as_ref().and_then(from_proto).unwrap_or(call.now);
        let row = sqlx::query!(
            r#"select dissolved, coalesce(head, '') as "head!", deputies as "deputies: Deputies",
                array(
                    select name from appraisal.staff as s
                    where name = any(
                            array[d.head] || array(select deputy ->> 'staff' from jsonb_array_elements(d.deputies) as deputy))
                        and not inactive
                        and not exists (
                            select from appraisal.absence as a
                            where a.staff = s.name and a.start_at <= $2 and a.end_at > $2)) as "present!"
            from appraisal.department as d where name = $1"#,
            request.department,
            sql::at(at) as _,
        );
        let row = row.fetch_optional(self.chassis.pool()).await?.ok_or_else(|| no_department(&request.department))?;
        let missing = |missing| Error::Gate { subject: request.department.clone(), clause: "A2.4".into(), missing };
        if row.dissolved {
            return Err(missing(IS_DISSOLVED));
        }
        let present: HashSet<String> = row.present.into_iter().collect();
        let found = in_charge(&row.head, &row.deputies, &request.business_domain, |staff| present.contains(staff));
        let (capacity, staff) = found.ok_or_else(|| missing(NOBODY_IS_THERE))?;
        Ok(pb::ResolveResponsibleResponse { staff: staff.to_owned(), capacity: capacity.into() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn deputies() -> Vec<Deputy> {
        let deputy = |staff: &str, domains: &[&str]| Deputy {
            staff: staff.to_owned(),
            domains: domains.iter().map(|&domain| domain.to_owned()).collect(),
        };
        vec![deputy("staff/net", &["network"]), deputy("staff/all", &[]), deputy("staff/late", &[])]
    }

    #[test]
    fn the_head_is_in_charge_while_present_and_the_first_fitting_deputy_otherwise() {
        let deputies = deputies();
        let of = |matter: &str, present: &[&str]| {
            in_charge("staff/head", &deputies, matter, |staff| present.contains(&staff))
                .map(|(capacity, staff)| (capacity, staff.to_owned()))
        };
        let everyone = ["staff/head", "staff/net", "staff/all", "staff/late"];
        let as_deputy = |staff: &str| Some((Capacity::Deputy, staff.to_owned()));
        assert_eq!(of("network", &everyone), Some((Capacity::Head, "staff/head".to_owned())));
        assert_eq!(of("network", &everyone[1..]), as_deputy("staff/net"));
        assert_eq!(of("printing", &everyone[1..]), as_deputy("staff/all"), "a deputy for other matters is passed over");
        assert_eq!(of("", &everyone[1..]), as_deputy("staff/all"), "an unclassified matter is not network");
        assert_eq!(of("network", &everyone[2..]), as_deputy("staff/all"));
        assert_eq!(of("", &everyone[3..]), as_deputy("staff/late"));
        assert_eq!(of("printing", &["staff/net"]), None);
        assert_eq!(of("network", &[]), None);
    }

    #[test]
    fn without_a_head_the_deputies_are_in_charge_and_without_these_nobody() {
        let deputies = deputies();
        assert_eq!(in_charge("", &deputies, "network", |_| true), Some((Capacity::Deputy, "staff/net")));
        assert_eq!(in_charge("", &[], "network", |_| true), None);
    }
}
