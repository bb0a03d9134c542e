//! A random walk of one request: calls of the public API, and their expected effect on its duties.

use std::rc::Rc;

use jiff::Timestamp;
use kefu_chassis::time::to_proto;
use kefu_proto::compliance::v1 as duties;
use kefu_proto::compliance::v1::compliance_service_client::ComplianceServiceClient;
use kefu_proto::contacts::v1::Channel;
use kefu_proto::intake::v1 as pb;
use kefu_proto::intake::v1::contact_attempt::Outcome;
use kefu_proto::intake::v1::request::State;
use kefu_testkit::oracle::{Hold, Oracle, Seen, VOIDED, WAIVED, Working};
use kefu_testkit::{Caller, Dice};

use super::stored;
use crate::intake::desk::Desk;

const MINUTE: i64 = 60_000_000;
const HOUR: i64 = 60 * MINUTE;
const CHANNELS: [Channel; 5] = [Channel::Chat, Channel::Hotline, Channel::Email, Channel::Web, Channel::Letter];

/// Walks with one request. `working_day` is the length of a working day in microseconds.
pub async fn walk(desk: &mut Desk, dice: &mut Dice, days: &Rc<Working>, working_day: i64) {
    let head = ComplianceServiceClient::new(desk.bench.as_("staff/head", &["SUPERVISOR", "MANAGER"]));
    let channel = dice.pick(&CHANNELS);
    let (name, kept, deviated, trail) = (String::new(), Vec::new(), Vec::new(), Vec::new());
    let (state, promised, in_scope, came, not_before) = (State::Unspecified, false, None, 0, 0);
    let days = Rc::clone(days);
    let mut walk = Walk {
        desk,
        dice,
        head,
        days,
        working_day,
        name,
        channel,
        state,
        came,
        not_before,
        promised,
        answered: None,
        in_scope,
        kept,
        deviated,
        trail,
    };
    walk.register().await;
    for _ in 0..14 {
        walk.compare().await;
        // At least a millisecond passes, since ids made within one have no order.
        let passes = 1_000 + walk.span();
        walk.desk.bench.time().advance(jiff::SignedDuration::from_micros(passes));
        walk.desk.bench.mark_overdue().await;
        let now = walk.now();
        for (_, duty) in &mut walk.kept {
            duty.tick(now);
        }
        walk.trail.push(format!("the clock looks, now {now}"));
        walk.compare().await;
        match walk.state {
            State::Cancelled => break,
            _ if walk.dice.below(4) == 0 => walk.decide().await,
            _ => walk.step().await,
        }
    }
    walk.compare().await;
}

/// A request during its walk, with the expected duties.
struct Walk<'a> {
    desk: &'a mut Desk,
    dice: &'a mut Dice,
    head: ComplianceServiceClient<Caller>,
    days: Rc<Working>,
    working_day: i64,
    name: String,
    channel: Channel,
    state: State,
    came: i64,
    /// Earliest time of the next confirmation or reopening.
    not_before: i64,
    promised: bool,
    /// When the customer was first answered.
    answered: Option<i64>,
    in_scope: Option<bool>,
    kept: Vec<(&'static str, Oracle)>,
    /// Times of second promises.
    deviated: Vec<i64>,
    trail: Vec<String>,
}

impl Walk<'_> {
    fn now(&self) -> i64 {
        self.desk.bench.now().as_microsecond()
    }

    /// A random time for an event that is recorded now: at or before now, not before `bound`.
    fn then(&mut self, bound: i64) -> i64 {
        let late = if self.dice.below(2) == 0 { 0 } else { self.span() };
        (self.now() - late).max(bound)
    }

    /// A random duration in microseconds, below twenty hours.
    fn span(&mut self) -> i64 {
        let bound = self.dice.pick(&[2, MINUTE, HOUR, 20 * HOUR]);
        self.below(bound)
    }

    fn below(&mut self, bound: i64) -> i64 {
        i64::try_from(self.dice.below(u64::try_from(bound).unwrap())).unwrap()
    }

    fn live(&mut self, kind: &str) -> Option<&mut Oracle> {
        self.kept.iter_mut().rev().find(|(known, duty)| *known == kind && duty.is_live()).map(|(_, duty)| duty)
    }

    /// Fulfils the live duties of these kinds, and moves the end of those that something later had fulfilled.
    fn meet(&mut self, kinds: &[&str], at: i64) {
        let now = self.now();
        for (_, duty) in self.kept.iter_mut().filter(|(kind, _)| kinds.contains(kind)) {
            if duty.is_live() {
                duty.meet(at, now);
            } else if duty.was_met_after(at) {
                duty.meet_before(at, now);
            }
        }
    }

    /// Tells the customer: ends the interval of C4.1 in which that was, and begins the next one. Returns whether that
    /// divided an interval.
    fn report(&mut self, at: i64) -> bool {
        let (now, days, day) = (self.now(), Rc::clone(&self.days), self.working_day);
        let mut divided = Vec::new();
        for (_, duty) in self.kept.iter_mut().filter(|(kind, _)| *kind == "progress") {
            let mut next = Oracle::working(at, day, &days);
            if let Some(later) = duty.met().filter(|_| duty.was_met_after(at)) {
                duty.meet_before(at, now);
                next.meet(later, later);
                divided.push(next);
            } else if duty.is_live() && at >= duty.opened() {
                match duty.held_since().filter(|_| duty.is_held_by(Hold::Lifecycle)) {
                    None => duty.meet(at, now),
                    Some(since) if at < since => {
                        duty.meet(at, now);
                        next.hold(Hold::Lifecycle, since, since);
                        divided.push(next);
                    }
                    Some(_) => {}
                }
            }
        }
        let is_divided = !divided.is_empty();
        self.kept.extend(divided.into_iter().map(|duty| ("progress", duty)));
        is_divided
    }

    /// Opens a duty unless one of its kind is live.
    fn open(&mut self, kind: &'static str, duty: Oracle) {
        if self.live(kind).is_none() {
            self.kept.push((kind, duty));
        }
    }

    fn working(&self, from: i64, budget: i64) -> Oracle {
        Oracle::working(from, budget, &self.days)
    }

    fn open_progress(&mut self, at: i64) {
        self.open("progress", self.working(at, self.working_day));
    }

    /// The duty of C2.1, by the channel.
    fn first_response(&self, at: i64) -> Oracle {
        match self.channel {
            Channel::Chat => Oracle::wall(at, 3 * MINUTE, &self.days),
            Channel::Hotline => Oracle::wall(at, 15_000_000, &self.days),
            Channel::Web => self.working(at, HOUR),
            _ => self.working(at, 4 * HOUR),
        }
    }

    async fn register(&mut self) {
        self.came = self.then(i64::MIN);
        let answered = (self.dice.below(3) == 0).then(|| self.then(self.came));
        let judged = self.dice.below(4) == 0;
        let word = |word: &str| if judged { word.to_owned() } else { String::new() };
        let call = pb::RegisterRequestRequest {
            occurred_time: time(self.came),
            answered_time: answered.and_then(time),
            answer: answered.map(|_| "已联系工程师".to_owned()).unwrap_or_default(),
            business_domain: word("printing"),
            problem_type: word("offline"),
            ..self.desk.registration(self.channel)
        };
        let request = self.desk.requests.register_request(call).await.unwrap().into_inner();
        self.name.clone_from(&request.name);
        // Whoever registers a call has picked it up.
        let answered = answered.or((self.channel == Channel::Hotline).then_some(self.came));
        let mut first = self.first_response(self.came);
        if let Some(at) = answered {
            first.meet(at, self.now());
        }
        self.open("first_response", first);
        self.answered = answered;
        for kind in ["classification", "pass_on"] {
            let mut duty = self.working(self.came, HOUR / 2);
            if judged {
                duty.meet(answered.unwrap_or(self.now()), self.now());
            }
            self.open(kind, duty);
        }
        if let Some(at) = answered {
            self.open_progress(at);
        }
        self.in_scope = judged.then_some(true);
        self.state = if answered.is_some() { State::InProgress } else { State::Registered };
        assert_eq!(request.state(), self.state);
        self.trail.push(format!("register {:?} at {} answered {answered:?} judged {judged}", self.channel, self.came));
    }

    /// Takes a random action that is possible in the request's state.
    async fn step(&mut self) {
        let deed = match self.state {
            State::Registered => self.dice.pick(&["respond", "promise", "promise", "classify", "tell", "cancel"]),
            State::InProgress => self.dice.pick(&["await", "await", "tell", "classify", "resolve", "resolve"]),
            State::AwaitingCustomer => self.dice.pick(&["reply", "reply", "reply", "tell", "classify", "cancel"]),
            State::Resolved => self.dice.pick(&["tell", "dissatisfied", "satisfied"]),
            _ => "reopen",
        };
        let at = self.then(if matches!(deed, "dissatisfied" | "satisfied" | "reopen") {
            self.not_before
        } else {
            self.came
        });
        self.trail.push(format!("{deed} at {at}, now {}", self.now()));
        match deed {
            "respond" => self.respond(at).await,
            "promise" => self.promise(at).await,
            "classify" => self.classify(at).await,
            "tell" => self.tell(at).await,
            "await" | "reply" => self.wait_or_go_on(deed == "await", at).await,
            "resolve" => self.resolve(at).await,
            "dissatisfied" | "satisfied" => self.confirm(deed == "satisfied", at).await,
            "cancel" => self.cancel(at).await,
            _ => self.reopen(at).await,
        }
    }

    async fn respond(&mut self, at: i64) {
        let call = pb::RespondRequestRequest {
            name: self.name.clone(),
            occurred_time: time(at),
            text: "已联系工程师".into(),
            ..Default::default()
        };
        self.desk.requests.respond_request(call).await.unwrap();
        self.meet(&["first_response", "promised_wait"], at);
        self.answered = Some(at);
        self.open_progress(at);
        self.state = State::InProgress;
    }

    /// C2.2: the first promise replaces the due time, if that had not passed; the second is a deviation.
    async fn promise(&mut self, at: i64) {
        // A second promise is not before the first.
        let at = self.live("promised_wait").map_or(at, |duty| at.max(duty.opened()));
        let now = self.now();
        let until = at + 1 + self.below(10 * HOUR);
        let call = pb::PromiseWaitRequest {
            name: self.name.clone(),
            reason: "配件在途".into(),
            promised_time: time(until),
            occurred_time: time(at),
            ..Default::default()
        };
        self.desk.requests.promise_wait(call).await.unwrap();
        if self.promised {
            self.deviated.push(at);
        } else {
            self.live("first_response").into_iter().for_each(|duty| duty.promise(until, at, now));
            self.open("promised_wait", Oracle::wall(at, until - at, &self.days));
            self.promised = true;
        }
    }

    async fn classify(&mut self, at: i64) {
        let in_scope = self.dice.below(3) > 0;
        let call = pb::ClassifyRequestRequest {
            name: self.name.clone(),
            business_domain: if in_scope { "printing" } else { "power" }.into(),
            problem_type: "offline".into(),
            occurred_time: time(at),
            ..Default::default()
        };
        self.desk.requests.classify_request(call).await.unwrap();
        self.meet(if in_scope { &["classification", "pass_on"] } else { &["classification"] }, at);
        if !in_scope {
            self.open("pass_on", self.working(at, HOUR / 2));
        }
        self.in_scope = Some(in_scope);
    }

    /// C4.1: informing the customer ends one interval and begins the next. It does not end an interval that began
    /// later.
    async fn tell(&mut self, at: i64) {
        let call = pb::RecordProgressRequest {
            parent: self.name.clone(),
            text: "已联系工程师".into(),
            told_by: Channel::Hotline.into(),
            occurred_time: time(at),
            ..Default::default()
        };
        self.desk.requests.record_progress(call).await.unwrap();
        if let Some(answered) = self.answered.filter(|&answered| at < answered) {
            // What is recorded later was told first: the intervals of C4.1 begin there.
            self.meet(&["first_response", "promised_wait"], at);
            let mut before = self.working(at, self.working_day);
            before.meet(answered, answered);
            self.kept.push(("progress", before));
            self.answered = Some(at);
            return;
        }
        if self.state == State::Registered {
            self.answered = Some(at);
            // What the customer is told first is the first answer.
            self.meet(&["first_response", "promised_wait"], at);
            self.state = State::InProgress;
        }
        let is_divided = self.report(at);
        if self.state == State::InProgress && !is_divided {
            self.open_progress(at);
        }
    }

    async fn wait_or_go_on(&mut self, waits: bool, at: i64) {
        let (name, occurred_time) = (self.name.clone(), time(at));
        if waits {
            let awaited = "序列号".into();
            let call = pb::AwaitCustomerRequest { name, occurred_time, awaited, ..Default::default() };
            self.desk.requests.await_customer(call).await.unwrap();
            let now = self.now();
            self.live("progress").into_iter().for_each(|duty| duty.hold(Hold::Lifecycle, at, now));
            self.state = State::AwaitingCustomer;
        } else {
            let call = pb::RecordCustomerReplyRequest { name, occurred_time, ..Default::default() };
            self.desk.requests.record_customer_reply(call).await.unwrap();
            if let Some(held) = self.live("progress").filter(|duty| duty.is_held_by(Hold::Lifecycle)) {
                held.release(Hold::Lifecycle, at);
            }
            self.state = State::InProgress;
        }
    }

    async fn resolve(&mut self, at: i64) {
        let Some(in_scope) = self.in_scope else { return self.classify(at).await };
        let call = pb::ResolveRequestRequest {
            name: self.name.clone(),
            resolution: "重新安装驱动".into(),
            assistance: "远程陪同操作".into(),
            solved_first: !in_scope,
            occurred_time: time(at),
            ..Default::default()
        };
        self.desk.requests.resolve_request(call).await.unwrap();
        self.meet(&["progress", "pass_on"], at);
        self.open("question", self.working(at, 2 * self.working_day));
        if !in_scope {
            self.open("work_order", self.working(at, self.working_day));
        }
        (self.state, self.not_before) = (State::Resolved, at);
    }

    async fn confirm(&mut self, satisfied: bool, at: i64) {
        let call = pb::ConfirmResolutionRequest {
            name: self.name.clone(),
            outcome: if satisfied { Outcome::Satisfied } else { Outcome::Dissatisfied }.into(),
            channel: Channel::Hotline.into(),
            comment: "打印仍然很慢".into(),
            occurred_time: time(at),
            ..Default::default()
        };
        self.desk.requests.confirm_resolution(call).await.unwrap();
        self.meet(&["question"], at);
        if satisfied {
            self.end(at);
            (self.state, self.not_before) = (State::Closed, at);
        } else {
            self.open_progress(at);
            self.state = State::InProgress;
        }
    }

    async fn cancel(&mut self, at: i64) {
        let call = pb::CancelRequestRequest {
            name: self.name.clone(),
            reason: "不需要了".into(),
            occurred_time: time(at),
            ..Default::default()
        };
        self.desk.requests.cancel_request(call).await.unwrap();
        self.end(at);
        self.state = State::Cancelled;
    }

    /// Voids the live duties, except the work order, which is still to be filed (A2.6).
    fn end(&mut self, at: i64) {
        let now = self.now();
        for (_, duty) in self.kept.iter_mut().filter(|(kind, duty)| *kind != "work_order" && duty.is_live()) {
            duty.drop_as(VOIDED, at, now);
        }
    }

    /// C4.3: reopening opens a new progress duty and leaves earlier duties as they are.
    async fn reopen(&mut self, at: i64) {
        let call = pb::ReopenRequestRequest {
            name: self.name.clone(),
            reason: "又坏了".into(),
            occurred_time: time(at),
            ..Default::default()
        };
        self.desk.requests.reopen_request(call).await.unwrap();
        self.open_progress(at);
        self.state = State::InProgress;
    }

    /// The supervisor pauses, resumes or waives a random live duty.
    async fn decide(&mut self) {
        let live: Vec<usize> = (0..self.kept.len()).filter(|&place| self.kept[place].1.is_live()).collect();
        if live.is_empty() {
            return;
        }
        let place = self.dice.pick(&live);
        let kind = self.kept[place].0;
        // At most one duty of a kind is live.
        let all = self.desk.duties(&self.name).await;
        let is_live =
            |duty: &&duties::Duty| matches!(duty.state(), duties::duty::State::Open | duties::duty::State::Paused);
        let name = all.iter().filter(is_live).find(|duty| duty.kind == kind).unwrap().name.clone();
        let now = self.now();
        self.trail.push(format!("decide on {kind}, now {now}"));
        let waives = self.dice.below(8) == 0;
        let duty = &mut self.kept[place].1;
        let reason = "停电".to_owned();
        if waives {
            self.head.waive_duty(duties::WaiveDutyRequest { name, reason, ..Default::default() }).await.unwrap();
            duty.drop_as(WAIVED, now, now);
        } else if duty.is_held_by(Hold::Person) {
            self.head.resume_duty(duties::ResumeDutyRequest { name, ..Default::default() }).await.unwrap();
            duty.release(Hold::Person, now);
        } else {
            self.head.pause_duty(duties::PauseDutyRequest { name, reason, ..Default::default() }).await.unwrap();
            duty.hold(Hold::Person, now, now);
        }
    }

    /// Compares the stored duties with the expected ones.
    async fn compare(&mut self) {
        let mut stored = stored(&self.desk.bench, &self.name).await;
        let kept = self.kept.iter().map(|(kind, duty)| ((*kind).to_owned(), duty.seen()));
        let deviated = self.deviated.iter().map(|&at| ("second_promise".to_owned(), Seen::deviated(at)));
        let mut expected: Vec<_> = kept.chain(deviated).collect();
        // Duties that one call opened have no order.
        expected.sort_by_key(|duty| format!("{duty:?}"));
        stored.sort_by_key(|duty| format!("{duty:?}"));
        assert_eq!(stored, expected, "{:#?}", self.trail);
    }
}

#[expect(clippy::unnecessary_wraps, reason = "a message field is an Option")]
fn time(us: i64) -> Option<prost_types::Timestamp> {
    Some(to_proto(Timestamp::from_microsecond(us).unwrap()))
}
