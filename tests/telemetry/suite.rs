//! Tests that one trace leads over several services.

use kefu_chassis::telemetry::{TARGET, Telemetry};
use kefu_proto::directory::v1 as pb;
use kefu_proto::directory::v1::directory_service_client::DirectoryServiceClient;
use kefu_proto::intake::v1::customer_service_client::CustomerServiceClient;
use kefu_proto::intake::v1::request_service_client::RequestServiceClient;
use kefu_proto::rules::v1::Role;
use kefu_testkit::{Bench, sign};
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use tracing::Instrument as _;

use super::collector::{Collector, has};
use super::trace::{Trace, told};
use super::{agent, caller, create, lead, registration};

const HIRE: &str = "kefu.directory.v1.DirectoryService/CreateStaff";
const LOOK: &str = "kefu.directory.v1.DirectoryService/GetStaff";
const REGISTER: &str = "kefu.intake.v1.RequestService/RegisterRequest";
const FEED: &str = "kefu.events.v1.EventFeed/Subscribe";

/// Records an agent in the directory; once intake knows the agent, they register a request and read their own entry.
async fn story(appraisal: &Bench, intake: &Bench, telemetry: &Telemetry) {
    let service = caller(appraisal, telemetry, &sign("services/tests", &["SERVICE"]));
    let mut directory = DirectoryServiceClient::new(service);
    let department = pb::Department {
        display_name: "前台".into(),
        kind: pb::department::Kind::Executing.into(),
        ..Default::default()
    };
    let found = pb::CreateDepartmentRequest {
        department: Some(department),
        department_id: "desk".into(),
        ..Default::default()
    };
    directory.create_department(found).await.unwrap();
    let staff = pb::Staff {
        number: "1".into(),
        display_name: "林".into(),
        department: "departments/desk".into(),
        roles: vec![Role::Agent.into()],
        ..Default::default()
    };
    let hire = pb::CreateStaffRequest { staff: Some(staff), staff_id: "lin".into(), ..Default::default() };
    directory.create_staff(hire).await.unwrap();
    crate::directory::until(intake, "intake knows staff/lin", |known| known.is_active("staff/lin")).await;
    crate::directory::until(appraisal, "so does appraisal", |known| known.is_active("staff/lin")).await;
    let customer = create(&mut CustomerServiceClient::new(agent(intake, telemetry))).await;
    let mut requests = RequestServiceClient::new(agent(intake, telemetry));
    requests.register_request(registration(&customer)).await.unwrap();
    let mut directory = DirectoryServiceClient::new(agent(appraisal, telemetry));
    directory.get_staff(pb::GetStaffRequest { name: "staff/lin".into() }).await.unwrap();
}

/// Intake calls appraisal for nothing while it answers, since its copy has what it needs. So the client's trace has two
/// branches, and the feed that keeps the copy has a trace of its own.
#[tokio::test]
async fn one_trace_leads_from_the_client_over_appraisal_and_intake_to_the_sql_of_both() {
    let collector = Collector::start().await;
    let (telemetry, _guard) = lead(&collector.endpoint());
    let appraisal = Bench::builder(&kefu_appraisal::SERVICE).without_staff().telemetry(&telemetry).start().await;
    let intake = Bench::builder(&kefu_intake::SERVICE).following(&appraisal).telemetry(&telemetry).start().await;
    story(&appraisal, &intake, &telemetry).instrument(tracing::info_span!(target: TARGET, "story")).await;
    intake.stop().await;
    appraisal.stop().await;
    telemetry.shutdown().await;

    let trace = Trace::of(&collector, "story");
    let of_client = |service: &str, method: &str| {
        let server = trace.call(&trace.root, method, "services/tests", service, "OK");
        trace.statements(server, service)
    };
    let hired = of_client("services/appraisal", HIRE);
    assert_eq!([hired.first(), hired.last()].map(|step| step.map(String::as_str)), [Some("BEGIN"), Some("COMMIT")]);
    assert!(hired.iter().any(|step| step.contains("appraisal.staff")), "{hired:?}");
    assert!(hired.iter().any(|step| step.contains("INSERT journal")), "{hired:?}");
    let registered = of_client("services/intake", REGISTER);
    assert!(registered.iter().any(|step| step.contains("intake.request")), "{registered:?}");
    let looked = of_client("services/appraisal", LOOK);
    assert_eq!(looked, ["SELECT appraisal.staff"]);

    let spans = collector.spans();
    let of = |kind, service| {
        let is = move |span: &&opentelemetry_proto::tonic::trace::v1::Span| {
            span.name == FEED && span.kind() == kind && has(&told(span), &[("kefu.service", service)])
        };
        spans.iter().find(is).unwrap_or_else(|| panic!("no {FEED} of {service}"))
    };
    let (follows, is_followed) = (of(SpanKind::Client, "services/intake"), of(SpanKind::Server, "services/appraisal"));
    assert_eq!(is_followed.parent_span_id, follows.span_id);
    assert_eq!(is_followed.trace_id, follows.trace_id);
    assert_ne!(follows.trace_id, trace.root.trace_id);
}
