//! Projects: what was delivered, or is being delivered, to a customer.

use jiff_sqlx::Timestamp as SqlTime;
use kefu_chassis::call::Stakeholders;
use kefu_chassis::error::constraint;
use kefu_chassis::mask::{masked, updated};
use kefu_chassis::names::{self, Id, child};
use kefu_chassis::paging::Page;
use kefu_chassis::record::{ChildRow as _, Record, VersionedRow as _};
use kefu_chassis::resource::batch_get;
use kefu_chassis::time::{from_proto, sql};
use kefu_chassis::{Call, Error};
use kefu_proto::Changeable as _;
use kefu_proto::intake::v1 as pb;
use uuid::Uuid;

use crate::customer::Customers;
use crate::shared::{Customer, Project, id, unknown};

/// A project as it is stored.
#[derive(Clone, Debug, PartialEq, Record)]
#[record(table = "intake.project", query = projects, kind = Project, shows = pb::Project)]
struct ProjectRow {
    id: Uuid,
    #[record(under = Customer)]
    customer: Uuid,
    display_name: String,
    product: String,
    contract_signatory: String,
    manager: String,
    delivered_at: Option<SqlTime>,
    site_address: String,
    site_tier: i16,
    watched_urls: Vec<String>,
    created_at: SqlTime,
    updated_at: SqlTime,
    version: i64,
}

impl ProjectRow {
    /// Copies one field of the contract's project into the row.
    fn set(&mut self, field: &str, given: &pb::Project) {
        match field {
            "display_name" => self.display_name.clone_from(&given.display_name),
            "product" => self.product.clone_from(&given.product),
            "contract_signatory" => self.contract_signatory.clone_from(&given.contract_signatory),
            "manager" => self.manager.clone_from(&given.manager),
            "delivered_time" => self.delivered_at = given.delivered_time.as_ref().and_then(from_proto).map(sql::at),
            "site_address" => self.site_address.clone_from(&given.site_address),
            "site_tier" => self.site_tier = given.site_tier() as i16,
            "watched_urls" => self.watched_urls.clone_from(&given.watched_urls),
            _ => {}
        }
    }
}

impl Customers {
    pub(crate) async fn create_project(
        &self,
        call: &Call,
        request: pb::CreateProjectRequest,
    ) -> Result<pb::Project, Error> {
        let customer = id::<Customer>(&request.parent)?;
        let given = request.project.unwrap_or_default();
        let mut row = ProjectRow { customer: customer.uuid(), ..ProjectRow::blank(call.now) };
        for field in pb::Project::FIELDS {
            row.set(field, &given);
        }
        let mut work = self.chassis.begin(call).await?;
        row.insert(work.connection(), "").await.map_err(|error| match constraint(&error) {
            Some("project_customer_fkey") => unknown::<Customer>(&request.parent),
            _ => error.into(),
        })?;
        work.finish(&row, row.version, |project| pb::ProjectCreated { project: Some(project) }).await
    }

    pub(crate) async fn get_project(&self, call: &Call, request: pb::GetProjectRequest) -> Result<pb::Project, Error> {
        let (customer, id) = child::<Customer, Project>(&request.name)?;
        let owner = customer.to_string();
        let stakeholders = Stakeholders { customer: owner.into(), ..Stakeholders::default() };
        let row = projects!("where id = $1 and customer = $2", id.uuid(), customer.uuid());
        let row = row.fetch_optional(self.chassis.pool()).await?;
        row.filter(|_| call.reaches(&stakeholders))
            .map(|row| row.show())
            .ok_or_else(|| unknown::<Project>(&request.name))
    }

    pub(crate) async fn batch_get_projects(
        &self,
        _call: &Call,
        request: pb::BatchGetProjectsRequest,
    ) -> Result<pb::BatchGetProjectsResponse, Error> {
        let outside = request
            .names
            .iter()
            .find(|name| request.parent != "customers/-" && names::parent(name) != Some(request.parent.as_str()));
        if let Some(name) = outside {
            return Err(unknown::<Project>(name));
        }
        let mut connection = self.chassis.pool().acquire().await?;
        let projects = batch_get::<ProjectRow>(&mut connection, &request.names).await?;
        Ok(pb::BatchGetProjectsResponse { projects })
    }

    pub(crate) async fn list_projects(
        &self,
        call: &Call,
        request: pb::ListProjectsRequest,
    ) -> Result<pb::ListProjectsResponse, Error> {
        let customer = id::<Customer>(&request.parent)?;
        let page: Page<Id<Project>> = Page::of(call, &request)?;
        let exists = sqlx::query_scalar!(
            r#"select exists (select from intake.customer where id = $1) as "exists!""#,
            customer.uuid()
        );
        let stakeholders = Stakeholders { customer: request.parent.as_str().into(), ..Stakeholders::default() };
        if !call.reaches(&stakeholders) || !exists.fetch_one(self.chassis.pool()).await? {
            return Err(unknown::<Customer>(&request.parent));
        }
        let mut connection = self.chassis.pool().acquire().await?;
        let after = page.after.map(Id::uuid);
        let rows = ProjectRow::newest_of(&mut connection, customer.uuid(), after, page.limit).await?;
        let (projects, next_page_token) = page.fill(rows.iter().map(|row| (Id::from_uuid(row.id), row.show())));
        Ok(pb::ListProjectsResponse { projects, next_page_token })
    }

    pub(crate) async fn update_project(
        &self,
        call: &Call,
        request: pb::UpdateProjectRequest,
    ) -> Result<pb::Project, Error> {
        let given = request.project.unwrap_or_default();
        let fields = masked(request.update_mask.as_ref(), &given)?;
        let mut work = self.chassis.begin(call).await?;
        let old: ProjectRow = work.lock(&given.name, &given.etag).await?;
        let (mut new, changed) = updated(&old, &fields, |row, field| row.set(field, &given));
        if changed.is_empty() {
            return work.commit(old.show()).await;
        }
        work.replace(&old, &mut new).await?;
        let changed_fields = changed.into_iter().map(str::to_owned).collect();
        let payload = |project| pb::ProjectUpdated { project: Some(project), changed_fields };
        work.finish(&new, new.version, payload).await
    }
}
