//! The person in charge of a matter of a department (A2.4): the head, or a deputy while the head is away.

use std::collections::HashSet;

use kefu_chassis::directory::{Capacity, Deputy, in_charge};
use kefu_chassis::language::Text;
use kefu_chassis::time::{from_proto, sql};
use kefu_chassis::{Call, Error};
use kefu_proto::directory::v1 as pb;
use kefu_proto::directory::v1::resolve_responsible_response as resolved;
use sqlx::types::Json;

use super::{Directory, no_department};

const IS_DISSOLVED: Text = Text::new("the department is dissolved", "该部门已撤销");
const NOBODY_IS_THERE: Text =
    Text::new("neither the head nor a deputy for the matter is there", "负责人及可代理此事的副职均不在岗");

/// Column of a department's deputies, in their order.
pub type Deputies = Json<Vec<Deputy>>;

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
        let missing =
            |missing| Error::Gate { subject: request.department.clone(), clause: "A2.4".into(), missing, field: None };
        if row.dissolved {
            return Err(missing(IS_DISSOLVED));
        }
        let present: HashSet<String> = row.present.into_iter().collect();
        let found = in_charge(&row.head, &row.deputies, &request.business_domain, |staff| present.contains(staff));
        let (staff, capacity) = found.ok_or_else(|| missing(NOBODY_IS_THERE))?;
        let capacity = match capacity {
            Capacity::Head => resolved::Capacity::Head,
            Capacity::Deputy => resolved::Capacity::Deputy,
        };
        Ok(pb::ResolveResponsibleResponse { staff: staff.to_owned(), capacity: capacity.into() })
    }
}
