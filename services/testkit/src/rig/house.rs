//! An organisation for a rig, imported through the directory's API as by an operator.

use std::fmt::Write as _;
use std::time::Duration;

use kefu_proto::directory::v1::directory_service_client::DirectoryServiceClient;
use kefu_proto::directory::v1::{AppointGeneralManagerRequest, ImportStaffRequest};
use kefu_proto::notifications::v1::ListNotificationsRequest;
use kefu_proto::notifications::v1::notification_service_client::NotificationServiceClient;
use tonic::{Code, Status};

use super::{ADMIN, Process, Rig};
use crate::wait::within;

/// Longest wait until every process has the organisation.
const MAX_WAIT: Duration = Duration::from_mins(1);
/// Bytes of the file in each message.
const PIECE: usize = 256 << 10;

/// An organisation: a desk of agents under `staff/boss` (SUPERVISOR) and `staff/head` (MANAGER), technicians in the field
/// under `staff/fieldhead`, `staff/inspector` (INVESTIGATOR) and `staff/quality` (APPROVER), `staff/office` (OFFICE), and the
/// general manager `staff/ceo` (EXECUTIVE).
#[derive(Clone, Debug)]
pub struct House {
    /// The agents of `departments/desk`, e.g. `staff/agent0`.
    pub agents: Vec<String>,
    /// The technicians of `departments/field`, e.g. `staff/technician0`.
    pub technicians: Vec<String>,
}

impl House {
    /// An organisation with `agents` agents, at least one, and a technician for every ten.
    #[must_use]
    pub fn of(agents: usize) -> Self {
        let named = |kind: &str, count: usize| (0..count).map(|number| format!("staff/{kind}{number}")).collect();
        Self { agents: named("agent", agents.max(1)), technicians: named("technician", agents.div_ceil(10)) }
    }

    /// The organisation as a CSV file of staff. The last row is an agent: a process that knows this agent knows everybody.
    fn file(&self) -> String {
        let mut text = "id,number,display_name,department,department_name,department_kind,domains,position,post,level,roles,skills,supervisor
ceo,1,总经理,management,总经办,MANAGEMENT,,head,,TOP,EXECUTIVE,,
office,2,办公室主任,office,办公室,OFFICE,,head,,LEAD,OFFICE,,ceo
quality,3,质检经理,quality,质量监督部,SUPERVISING,complaints,head,,LEAD,SUPERVISOR;APPROVER,,ceo
inspector,4,质检专员,quality,,,,deputy,,SENIOR,INVESTIGATOR,,quality
fieldhead,5,现场经理,field,现场服务部,EXECUTING,cabling;power;printing,head,,LEAD,MANAGER,,ceo
head,6,客服经理,desk,客户服务中心,EXECUTING,consultation;billing;network,head,,LEAD,MANAGER,,ceo
boss,7,客服主管,desk,,,,deputy,,SENIOR,SUPERVISOR;AGENT,,head
"
        .to_owned();
        for (place, name) in self.technicians.iter().enumerate() {
            let id = name.trim_start_matches("staff/");
            let _ = writeln!(text, "{id},{},工程师{place},field,,,,,,REGULAR,TECHNICIAN,,fieldhead", 1_000 + place);
        }
        for (place, name) in self.agents.iter().enumerate() {
            let id = name.trim_start_matches("staff/");
            let _ = writeln!(text, "{id},{},客服{place},desk,,,,,,REGULAR,AGENT,,boss", 10_000 + place);
        }
        text
    }

    /// Imports the organisation and waits until every process admits its agents. One of `processes` must own the directory.
    pub async fn settle(&self, rig: &Rig, processes: &[&Process]) {
        let has_directory = processes.iter().find(|process| process.service() == "appraisal");
        let appraisal = rig.caller(has_directory.expect("a process with the directory"), ADMIN, &["ADMIN"]);
        let mut client = DirectoryServiceClient::new(appraisal);
        let file = self.file();
        let pieces = || -> Vec<ImportStaffRequest> {
            let pieces = file.as_bytes().chunks(PIECE);
            pieces.map(|piece| ImportStaffRequest { chunk: piece.to_vec(), create_departments: true }).collect()
        };
        let imported = within(MAX_WAIT, "the directory takes its staff", async || {
            answer_if_known(client.clone().import_staff(tokio_stream::iter(pieces())).await)
        });
        let imported = imported.await.into_inner();
        assert_eq!(imported.rejected_count, 0, "{:?}", imported.rejected_rows);
        let appoint = AppointGeneralManagerRequest { staff: "staff/ceo".into(), ..Default::default() };
        client.appoint_general_manager(appoint).await.unwrap();
        for process in processes {
            self.is_known(rig, process).await;
        }
    }

    /// Waits until a process admits the agents.
    pub async fn is_known(&self, rig: &Rig, process: &Process) {
        let last = self.agents.last().expect("an agent");
        let client = NotificationServiceClient::new(rig.caller(process, last, &["AGENT"]));
        let call = ListNotificationsRequest { parent: format!("services/{}", process.service()), ..Default::default() };
        within(MAX_WAIT, "the directory is known", async || {
            answer_if_known(client.clone().list_notifications(call.clone()).await)
        })
        .await;
    }
}

/// The answer of a call; none while the copy of the directory is empty or lacks the caller.
fn answer_if_known<T>(outcome: Result<T, Status>) -> Option<T> {
    match outcome {
        Ok(answer) => Some(answer),
        Err(refused) if matches!(refused.code(), Code::PermissionDenied | Code::FailedPrecondition) => None,
        Err(refused) => panic!("{refused:?}"),
    }
}
