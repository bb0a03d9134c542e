//! Data for tests that call every method by its descriptor: something for each method to act on, and a valid request of
//! each.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use kefu_chassis::Call;
use kefu_chassis::duties::NewDuty;
use kefu_chassis::identity::Identity;
use kefu_proto::directory::v1 as pb;
use kefu_proto::notifications::v1::ListNotificationsResponse;
use kefu_proto::rules::v1::Role;
use kefu_testkit::any::{UnknownName, World as _};
use kefu_testkit::{Bench, sign};
use prost::Message as _;
use serde_json::{Value as Json, json};

use super::house::{DESK, House};

/// A service with data: staff/boss heads the desk, and staff/lin is absent and has duties.
pub struct World {
    pub bench: Bench,
    pub admin: String,
    reader: String,
    absence: String,
    /// The resources that methods common to all services act on.
    targets: BTreeMap<&'static str, String>,
}

impl World {
    pub async fn new() -> Self {
        let bench = House::open().await.bench;
        let mut world = Self {
            bench,
            admin: sign("staff/admin", &["ADMIN"]),
            reader: sign("staff/lin", &["AGENT"]),
            absence: String::new(),
            targets: BTreeMap::new(),
        };
        let head = json!({ "department": { "name": DESK, "head": "staff/boss" } });
        world.call(&world.admin, "UpdateDepartment", head).await.unwrap();
        world.call(&world.admin, "AppointGeneralManager", json!({ "staff": "staff/office" })).await.unwrap();
        // Before anybody is absent, since who is absent is not told.
        world.seed_shared().await;
        for staff in ["staff/zhao", "staff/lin"] {
            let absence = json!({ "parent": staff, "absence": absence() });
            let reply = world.call(&world.admin, "RecordAbsence", absence).await.unwrap();
            world.absence = pb::Absence::decode(reply.as_slice()).unwrap().name;
        }
        // Gives everybody every role in the directory's copy, so that only the token limits a caller's roles, as in the
        // tests of other services.
        world.bench.followed().await;
        let as_cast = "update directory_staff set roles = '{1,2,3,4,5,6,7,8,9,10}';
            delete from directory_membership where since_at > '2000-01-01'";
        world.bench.change_directory(as_cast).await;
        world
    }

    /// Adds duties of staff/lin, who is notified of the two overdue ones.
    async fn seed_shared(&mut self) {
        for _ in 0..2 {
            self.open_duty("things/late", SignedDuration::from_mins(1)).await;
        }
        self.bench.time().advance(SignedDuration::from_mins(5));
        self.bench.mark_overdue().await;
        let reply =
            self.call(&self.reader, "ListNotifications", json!({ "parent": "services/appraisal" })).await.unwrap();
        let told = ListNotificationsResponse::decode(reply.as_slice()).unwrap().notifications;
        self.targets.insert("GetNotification", told[0].name.clone());
        self.targets.insert("AcknowledgeNotification", told[1].name.clone());
        for method in ["PauseDuty", "ResumeDuty", "WaiveDuty"] {
            let duty = self.open_duty(method, SignedDuration::from_hours(1)).await;
            self.targets.insert(method, duty);
        }
        let pause = json!({ "name": self.targets["ResumeDuty"], "reason": "停电" });
        self.call(&self.admin, "PauseDuty", pause).await.unwrap();
    }

    /// Opens a duty of staff/lin past the API, since no method of appraisal opens one.
    async fn open_duty(&self, subject: &str, within: SignedDuration) -> String {
        let chassis = self.bench.chassis();
        let (now, calendar) = (self.bench.now(), chassis.regulation.calendar());
        let new = NewDuty {
            clause: "C4.1",
            kind: "progress",
            subject: subject.to_owned(),
            number: "",
            owner: "staff/lin",
            department: DESK,
            regulation: chassis.regulation.version(),
            opened_at: now,
            now,
        };
        let (duty, _) = new.until(now + within, calendar);
        let caller =
            Identity { subject: "services/tests".into(), roles: vec![Role::Service], department: String::new() };
        let rule = chassis.rules.at("/kefu.compliance.v1.ComplianceService/PauseDuty").unwrap().clone();
        let call = Call::internal(std::sync::Arc::new(caller), rule, now, None, b"");
        let mut work = chassis.begin(&call).await.unwrap();
        let name = format!("{}/{}", self.bench.name(), duty.id);
        work.put(duty);
        work.commit(pb::Staff::default()).await.unwrap();
        name
    }
}

fn absence() -> Json {
    json!({ "start_time": "2026-11-20T08:00:00+08:00", "end_time": "2026-11-21T08:00:00+08:00", "kind": "LEAVE" })
}

impl kefu_testkit::any::World for World {
    fn bench(&self) -> &Bench {
        &self.bench
    }

    fn admin(&self) -> &str {
        &self.admin
    }

    fn reader(&self) -> &str {
        &self.reader
    }

    fn other_reader(&self) -> String {
        sign("staff/zhao", &["AGENT"])
    }

    fn json(&self, method: &str) -> Json {
        let service = "services/appraisal";
        let target = self.targets.get(method);
        let department = |more: Json| {
            let mut department = json!({
                "display_name": "前台", "kind": "EXECUTING", "domains": ["printing"],
                "deputies": [{ "staff": "staff/lin", "domains": ["printing"] }],
            });
            department.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            department
        };
        let staff = |more: Json| {
            let mut staff = json!({
                "display_name": "林小姐", "department": DESK, "post": "客服", "level": "SENIOR", "roles": ["AGENT"],
                "skills": ["printers"], "qualifications": [{ "code": "high-voltage" }], "supervisor": "staff/boss",
            });
            staff.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            staff
        };
        match method {
            "CreateDepartment" => json!({ "department": department(json!({})), "department_id": "new" }),
            "UpdateDepartment" => json!({
                "department": department(json!({ "name": DESK, "head": "staff/boss" })), "update_mask": "*",
            }),
            "GetDepartment" => json!({ "name": DESK }),
            "CreateStaff" => json!({ "staff": staff(json!({ "number": "N-new" })), "staff_id": "new" }),
            "UpdateStaff" => {
                json!({ "staff": staff(json!({ "number": "N-lin", "name": "staff/lin" })), "update_mask": "*" })
            }
            "GetStaff" => json!({ "name": "staff/lin" }),
            "BatchGetStaff" => json!({ "names": ["staff/lin"] }),
            "BatchGetDepartments" => json!({ "names": [DESK] }),
            // id,number,display_name\nlin,N-lin,lin
            "ImportStaff" => json!({ "chunk": "aWQsbnVtYmVyLGRpc3BsYXlfbmFtZQpsaW4sTi1saW4sbGlu" }),
            "RecordAbsence" => json!({ "parent": "staff/lin", "absence": absence() }),
            "EndAbsence" => json!({ "name": self.absence }),
            "ListAbsences" => json!({ "parent": "staff/-" }),
            "ResolveResponsible" => json!({ "department": DESK, "business_domain": "printing" }),
            "AppointGeneralManager" => json!({ "staff": "staff/boss" }),
            "ListDepartments" | "ListStaff" | "GetGeneralManager" => json!({}),
            "ResumeDuty" | "GetNotification" | "AcknowledgeNotification" => json!({ "name": target }),
            "PauseDuty" | "WaiveDuty" => json!({ "name": target, "reason": "停电" }),
            "GetDuty" => json!({ "name": self.targets.get("PauseDuty") }),
            _ => kefu_testkit::any::of_every_service(method, service)
                .unwrap_or_else(|| panic!("{method} has no good request in any.rs: add one")),
        }
    }

    fn unreadable(&self, method: &str) -> &'static str {
        if method == "ImportStaff" { "chunk" } else { "" }
    }

    fn keeps(&self, _kind: &str) -> bool {
        true
    }

    fn unknown_name(&self, _method: &str, field: &str, kind: String, name: String) -> UnknownName {
        let fields = ["staff.department", "staff.supervisor", "department.head", "department.deputies[0].staff"];
        if fields.contains(&field) { UnknownName::Field(field.to_owned()) } else { UnknownName::Resource(kind, name) }
    }

    /// Each call creates another absence.
    fn unaimed(&self) -> &[&str] {
        &["RecordAbsence"]
    }
}
