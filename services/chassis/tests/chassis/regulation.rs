//! `kefu.regulation.v1`: the clauses with the parameters in force, and the calendar.

use kefu_proto::regulation::v1 as pb;
use kefu_proto::regulation::v1::regulation_service_client::RegulationServiceClient as Client;
use kefu_proto::rules::v1::ErrorReason;
use kefu_regulation::Regulation;
use kefu_testkit::{BARE, Bench, Caller, assert_refused};
use tonic::Code;

fn client(bench: &Bench) -> Client<Caller> {
    Client::new(bench.as_("staff/lin", &["AGENT"]))
}

#[tokio::test]
async fn clauses_are_listed_in_order_page_by_page_each_in_both_languages() {
    let bench = Bench::of(&BARE).await;
    let mut call = pb::ListClausesRequest { parent: bench.name(), page_size: 40, ..Default::default() };
    let mut clauses = Vec::new();
    loop {
        let page = client(&bench).list_clauses(call.clone()).await.unwrap().into_inner();
        clauses.extend(page.clauses);
        call.page_token = page.next_page_token;
        if call.page_token.is_empty() {
            break;
        }
    }
    let regulation = Regulation::standard();
    let expected: Vec<&str> = regulation.clauses().map(|clause| clause.id.as_str()).collect();
    assert_eq!(clauses.iter().map(|clause| clause.clause.as_str()).collect::<Vec<_>>(), expected);
    let is_han = |text: &str| text.contains(|sign: char| ('\u{4e00}'..='\u{9fff}').contains(&sign));
    for clause in &clauses {
        let meanings = clause.parameters.iter().map(|parameter| &parameter.meaning);
        for text in [&clause.title, &clause.demand].into_iter().chain(meanings) {
            let text = text.as_ref().unwrap();
            assert!(!text.en.is_empty() && !is_han(&text.en) && is_han(&text.zh), "{clause:?}");
        }
    }
}

#[tokio::test]
async fn a_clause_tells_the_parameters_in_force_and_what_is_not_there_is_not_found() {
    let bench = Bench::builder(&BARE).regulation("[A2.4]\naccept_within = \"7h working\"\n").start().await;
    let get = async |name: String| client(&bench).get_clause(pb::GetClauseRequest { name }).await;
    let clause = get(format!("{}/clauses/A2.4", bench.name())).await.unwrap().into_inner();
    let parameter = clause.parameters.iter().find(|parameter| parameter.name == "accept_within").unwrap();
    assert_eq!((parameter.value.as_str(), parameter.overridden), ("7h working", true));
    assert_eq!(parameter.meaning.as_ref().unwrap().zh, "接收人须在多长时间内接收或退回转交。");
    assert_eq!(clause.services, ["services/intake"]);
    for name in [format!("{}/clauses/Z9.9", bench.name()), "services/other/clauses/A2.4".to_owned()] {
        assert_refused(get(name).await, Code::NotFound, ErrorReason::ResourceNotFound);
    }
}

#[tokio::test]
async fn the_calendar_is_the_one_that_duties_are_counted_on() {
    let bench = Bench::of(&BARE).await;
    let call = pb::GetCalendarRequest { name: format!("{}/calendar", bench.name()) };
    let calendar = client(&bench).get_calendar(call).await.unwrap().into_inner();
    assert_eq!(calendar.version, Regulation::standard().calendar().version());
    assert_eq!(calendar.time_zone, "Asia/Shanghai");
    assert_eq!(calendar.week.len(), 7);
    let hours = |day: &pb::calendar::Day| {
        day.intervals.iter().map(|interval| format!("{}-{}", interval.start, interval.end)).collect::<Vec<_>>()
    };
    assert_eq!(hours(&calendar.week[0]), ["09:00-12:00", "13:00-18:00"]);
    assert_eq!(hours(&calendar.week[6]), [""; 0]);
    assert!(calendar.days_off.contains(&"2026-10-01".to_owned()), "National Day");
    assert!(calendar.make_up_days.iter().all(|day| !calendar.days_off.contains(day)));
    assert!(calendar.published_years.contains(&2026));
    let elsewhere = pb::GetCalendarRequest { name: "services/other/calendar".into() };
    assert_refused(client(&bench).get_calendar(elsewhere).await, Code::NotFound, ErrorReason::ResourceNotFound);
}

#[tokio::test]
async fn every_answer_says_what_time_it_is_for_the_service() {
    let bench = Bench::of(&BARE).await;
    let now = bench.now().to_string();
    let call = pb::GetCalendarRequest { name: format!("{}/calendar", bench.name()) };
    let answer = client(&bench).get_calendar(call).await.unwrap();
    assert_eq!(answer.metadata().get("kefu-time").unwrap().to_str().unwrap(), now);
    let call = pb::GetCalendarRequest { name: String::new() };
    let refusal = client(&bench).get_calendar(call).await.unwrap_err();
    assert_eq!(refusal.metadata().get("kefu-time").unwrap().to_str().unwrap(), now);
}
