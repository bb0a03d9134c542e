//! `SearchRequests`: which words find which requests, and in which order; `SuggestDuplicates`: other contacts about the
//! same matter.

use kefu_proto::contacts::v1::Channel;
use kefu_proto::intake::v1 as pb;
use kefu_proto::intake::v1::duplicate::Reason;
use kefu_proto::intake::v1::request::{Kind, State};
use kefu_proto::intake::v1::request_service_client::RequestServiceClient;
use kefu_proto::intake::v1::search_result::Field;
use kefu_proto::rules::v1::ErrorReason;
use kefu_testkit::{assert_refused, eventually};
use tonic::Code;

use super::desk::{Desk, contact, proto};

fn query(query: &str) -> pb::SearchRequestsRequest {
    pb::SearchRequestsRequest { query: query.into(), ..Default::default() }
}

impl Desk {
    async fn says(&mut self, description: &str) -> pb::Request {
        let said = pb::RegisterRequestRequest { description: description.into(), ..self.registration(Channel::Chat) };
        self.registers(said).await
    }

    async fn registers(&mut self, said: pb::RegisterRequestRequest) -> pb::Request {
        self.pass(1);
        self.requests.register_request(said).await.unwrap().into_inner()
    }

    async fn search(&mut self, asked: pb::SearchRequestsRequest) -> pb::SearchRequestsResponse {
        self.requests.search_requests(asked).await.unwrap().into_inner()
    }

    /// Names of the requests that a query finds, in order.
    async fn finds(&mut self, words: &str) -> Vec<String> {
        names(self.search(query(words)).await.results)
    }

    async fn new_customer(&mut self, customer: pb::Customer) -> String {
        let call =
            pb::CreateCustomerRequest { customer: Some(customer), allow_shared_contacts: true, ..Default::default() };
        self.customers.create_customer(call).await.unwrap().into_inner().name
    }

    async fn duplicates(&mut self, name: &str) -> Vec<pb::Duplicate> {
        let call = pb::SuggestDuplicatesRequest { name: name.into(), ..Default::default() };
        self.requests.suggest_duplicates(call).await.unwrap().into_inner().duplicates
    }
}

fn names(results: Vec<pb::SearchResult>) -> Vec<String> {
    results.into_iter().map(|result| result.request.unwrap().name).collect()
}

#[tokio::test]
async fn two_chinese_characters_parts_of_english_words_and_of_numbers_are_enough() {
    let mut desk = Desk::open().await;
    let said = pb::RegisterRequestRequest {
        order_number: "SO-2026-00917".into(),
        product_model: "LaserJet Pro-4203dn".into(),
        description: "打印机，卡纸 Error ＣＯＤＥ 10045".into(),
        kind: Kind::Shipment.into(),
        ..desk.registration(Channel::Web)
    };
    let wanted = desk.registers(said).await.name;
    desk.says("网络很慢 error 2").await;
    for words in [
        "打印",
        "卡纸",
        "印机",
        "打印机",
        "cod",
        "code",
        "ｃｏｄｅ",
        "１００４５",
        "004",
        "serje",
        "LASER",
        "4203",
        "pro4203",
        "00917",
        "so202600917",
        "SO-2026",
        "2026-0091",
        "卡纸 jet",
        "er 卡纸 打印",
        "打印机、卡纸",
    ] {
        assert_eq!(desk.finds(words).await, [wanted.as_str()], "{words}");
    }
    for words in ["打纸", "机卡", "打印机卡纸", "printer", "54001", "卡纸 网络", "code 46", "jetlaser"] {
        assert_eq!(desk.finds(words).await, [""; 0], "{words}");
    }
}

#[tokio::test]
async fn a_number_is_found_in_any_writing_and_before_all_that_only_holds_it() {
    let mut desk = Desk::open().await;
    let wanted = desk.says("一号").await;
    assert_eq!(wanted.number, "R-20261120-000001");
    let mention = desk.says("见 R-20261120-000001").await;
    for words in
        ["R-20261120-000001", "r20261120000001", "20261120-000001", "Ｒ－２０２６１１２０－０００００１", "000001"]
    {
        let found = desk.search(query(words)).await.results;
        let shown: Vec<_> =
            found.iter().map(|result| (result.request.as_ref().unwrap().name.as_str(), result.exact)).collect();
        assert_eq!(shown, [(wanted.name.as_str(), true), (mention.name.as_str(), false)], "{words}");
        assert_eq!((found[0].field(), found[1].field()), (Field::Number, Field::Description), "{words}");
    }
    assert_eq!(desk.finds("02").await, [mention.name.as_str()], "of numbers, two digits say too little");
    assert_eq!(desk.finds("R-20261120-000003").await, [""; 0]);
}

#[tokio::test]
async fn a_telephone_number_is_found_in_any_writing_and_by_four_digits_of_it() {
    let mut desk = Desk::open().await;
    let of_other = kefu_proto::contacts::v1::Contact { phone: "010-8888 6666".into(), ..Default::default() };
    let said = pb::RegisterRequestRequest { contact: Some(of_other), ..desk.registration(Channel::Hotline) };
    let wanted = desk.registers(said).await.name;
    let others = desk.says("回电 66668888").await.name;
    for words in [
        "010-8888 6666",
        "+86 10 8888-6666",
        "01088886666",
        "0086 (10) 8888.6666",
        "０１０－８８８８－６６６６",
        "8888-6666",
        "88886666",
        "108888",
    ] {
        let found = desk.search(query(words)).await.results;
        assert_eq!((names(found.clone()), found[0].field()), (vec![wanted.clone()], Field::Phone), "{words}");
    }
    let found = desk.search(query("010-8888 6666")).await.results;
    assert!(found[0].exact);
    assert_eq!(desk.finds("6666").await, [wanted, others.clone()], "where it is a telephone number it counts more");
    // The number in the customer's record finds every request of theirs.
    assert_eq!(desk.finds("13800138000").await.len(), 2);
}

#[tokio::test]
async fn a_request_is_found_by_its_customers_present_name_and_by_that_name_with_other_words() {
    let mut desk = Desk::open().await;
    let printing = desk.says("打印机无法连接").await.name;
    let network = desk.says("网络很慢").await.name;
    let customer = desk.customer.clone();
    let change = |name: &str| pb::UpdateCustomerRequest {
        customer: Some(pb::Customer { name: customer.clone(), display_name: name.into(), ..Default::default() }),
        ..Default::default()
    };
    desk.customers.update_customer(change("鸿远商贸有限公司")).await.unwrap();
    let found = desk.search(query("鸿远")).await.results;
    assert!(found.iter().all(|result| result.field() == Field::Customer));
    assert_eq!(names(found), [network.as_str(), printing.as_str()]);
    assert_eq!(desk.finds("商贸 打印").await, [printing.as_str()]);
    assert_eq!(desk.finds("打印 鸿远商贸").await, [printing.as_str()]);
    desk.customers.update_customer(change("Blue Harbour Ltd")).await.unwrap();
    assert_eq!(desk.finds("鸿远").await, [""; 0]);
    assert_eq!(desk.finds("arbou").await, [network.as_str(), printing.as_str()]);
    // A request keeps the contact it was registered with.
    assert_eq!(desk.finds("王小明").await, [network, printing]);
}

#[tokio::test]
async fn what_is_classified_and_resolved_later_is_found_too() {
    let mut desk = Desk::open().await;
    let name = desk.says("连接不上").await.name;
    for words in ["offline", "驱动", "陪同"] {
        assert_eq!(desk.finds(words).await, [""; 0], "{words}");
    }
    desk.respond(&name).await.unwrap();
    desk.classify(&name).await.unwrap();
    desk.resolve(&name).await.unwrap();
    for (words, field) in [
        ("offline", Field::Classification),
        ("驱动", Field::Resolution),
        ("陪同", Field::Resolution),
        ("连接", Field::Description),
    ] {
        let found = desk.search(query(words)).await.results;
        assert_eq!((names(found.clone()), found[0].field()), (vec![name.clone()], field), "{words}");
    }
}

#[tokio::test]
async fn what_fits_better_comes_first_and_of_equals_the_newer() {
    let mut desk = Desk::open().await;
    let of_order = |desk: &Desk, number: &str| pb::RegisterRequestRequest {
        order_number: number.into(),
        description: "问进度".into(),
        ..desk.registration(Channel::Chat)
    };
    let exact = of_order(&desk, "AB-7788");
    let exact = desk.registers(exact).await.name;
    let longer = of_order(&desk, "AB-77881");
    let longer = desk.registers(longer).await.name;
    let word = desk.says("订单 ab 7788 呢").await.name;
    let apart = desk.says("ab 的 7788").await.name;
    let earlier = desk.says("工单 xab7788x").await.name;
    let later = desk.says("工单 yab7788y").await.name;
    let found = desk.search(query("AB-7788")).await.results;
    let scores: Vec<i32> = found.iter().map(|result| result.score).collect();
    assert!(scores.is_sorted_by(|a, b| a >= b), "{scores:?}");
    assert_eq!(names(found), [&exact, &longer, &word, &later, &earlier].map(String::as_str));
    assert_eq!(desk.finds("ab 7788").await, [exact, longer, word, later, earlier, apart]);
}

#[tokio::test]
async fn signs_mean_nothing_and_a_query_of_too_little_is_refused() {
    let mut desk = Desk::open().await;
    let name = desk.says("50% of_all 'quoted' back\\slash").await.name;
    for words in
        ["50%", "of_all", "'quoted'", "back\\slash", "50% ' \\ _ %", "\"50\" (of)", "off' or 1=1 --", "50\u{200f}"]
    {
        let expected = if words.starts_with("off'") { vec![] } else { vec![name.clone()] };
        assert_eq!(desk.finds(words).await, expected, "{words}");
    }
    for words in ["%%", "__", "，。", "a", "水", "' \\", "a\u{0}b", "50\u{202e}"] {
        let refused = desk.requests.search_requests(query(words)).await;
        let refused = assert_refused(refused, Code::InvalidArgument, ErrorReason::FieldInvalid);
        assert_eq!(refused.fields(), ["query"], "{words:?}");
        assert!(!refused.status.message().contains('水'), "a refusal does not repeat what was searched for");
    }
}

#[tokio::test]
async fn a_search_is_narrowed_by_customer_department_and_state_and_goes_page_by_page() {
    let mut desk = Desk::open().await;
    let other = pb::Customer { display_name: "别家".into(), contacts: vec![contact()], ..Default::default() };
    let other = desk.new_customer(other).await;
    let mut mine = Vec::new();
    for _ in 0..5 {
        mine.insert(0, desk.says("打印机无法连接").await.name);
    }
    let theirs = pb::RegisterRequestRequest { customer: other.clone(), ..desk.registration(Channel::Chat) };
    let theirs = desk.registers(theirs).await.name;
    let far = pb::RegisterRequestRequest { ..desk.registration(Channel::Chat) };
    let mut elsewhere = RequestServiceClient::new(desk.bench.as_("staff/zhao", &["AGENT"]));
    let far = elsewhere.register_request(far).await.unwrap().into_inner().name;
    desk.respond(&mine[2]).await.unwrap();

    let asked = query("打印");
    let of_other = pb::SearchRequestsRequest { customer: other, ..asked.clone() };
    assert_eq!(names(desk.search(of_other).await.results), [theirs.as_str()]);
    let of_department = pb::SearchRequestsRequest { department: "departments/other".into(), ..asked.clone() };
    assert_eq!(names(desk.search(of_department).await.results), [far.as_str()]);
    let in_progress = pb::SearchRequestsRequest { state: State::InProgress.into(), ..asked.clone() };
    assert_eq!(names(desk.search(in_progress).await.results), [mine[2].as_str()]);

    let mut call = pb::SearchRequestsRequest { customer: desk.customer.clone(), page_size: 2, ..asked };
    let (mut paged, mut count) = (Vec::new(), 0);
    loop {
        let page = desk.search(call.clone()).await;
        assert!(!page.truncated);
        paged.extend(names(page.results));
        count += 1;
        // A request registered between two pages does not shift them.
        desk.says("打印机无法连接").await;
        if page.next_page_token.is_empty() {
            break;
        }
        call.page_token = page.next_page_token;
    }
    mine.insert(0, far);
    assert_eq!((paged, count), (mine, 3));
}

#[tokio::test]
async fn of_many_that_may_fit_the_newest_are_looked_at_and_the_reply_says_that_there_are_more() {
    let desk = Desk::open().await;
    let rows = (0..320).map(|line| pb::ImportedRequest {
        line,
        external_id: format!("ext-{line:04}"),
        channel: Channel::Web.into(),
        kind: Kind::Service.into(),
        state: State::Closed.into(),
        department: "departments/bos".into(),
        description: if line % 2 == 0 { "路灯不亮".into() } else { "路灯不亮 dumped couch".into() },
        site_address: "12 Spring Street".into(),
        contact_time: proto(&format!("2018-{:02}-{:02}T09:00:00Z", 1 + line / 28, 1 + line % 28)),
        closed_time: proto("2019-01-02T16:00:00Z"),
        ..Default::default()
    });
    let message = pb::ImportRequestsRequest { source: "test".into(), rows: rows.collect(), calendar: String::new() };
    let mut client = RequestServiceClient::new(desk.bench.as_service());
    let imported = client.import_requests(tokio_stream::iter([message])).await.unwrap().into_inner();
    assert_eq!(imported.imported_count, 320);
    eventually("all that was imported is indexed", async || {
        let left = desk.bench.number("select count(*) from intake.request_to_index").await;
        (left == 0).then_some(())
    })
    .await;
    let all = pb::SearchRequestsRequest { page_size: 200, ..query("路灯") };
    let many = client.search_requests(all).await.unwrap().into_inner();
    assert!(many.truncated && many.next_page_token.is_empty());
    let found: Vec<_> = many.results.into_iter().map(|result| result.request.unwrap().external_id).collect();
    assert_eq!(found, (120..320).rev().map(|line| format!("ext-{line:04}")).collect::<Vec<_>>());
    for (words, field) in [("ext-0003", Field::ExternalId), ("0003 couch", Field::ExternalId)] {
        let few = client.search_requests(query(words)).await.unwrap().into_inner();
        let found: Vec<_> =
            few.results.iter().map(|result| result.request.as_ref().unwrap().external_id.as_str()).collect();
        assert_eq!((found, few.results[0].field(), few.truncated), (vec!["ext-0003"], field, false), "{words}");
    }
    assert!(client.search_requests(query("pring street")).await.unwrap().into_inner().truncated);
}

#[tokio::test]
async fn what_was_there_before_the_index_is_indexed_by_whichever_replica_comes_to_it() {
    let mut desk = Desk::open().await;
    let mut before = vec![desk.says("打印机无法连接").await.name];
    for _ in 0..250 {
        before.insert(0, desk.says("网络很慢").await.name);
    }
    let replica = desk.bench.replica().await;
    // Restores the state after the migration that creates the index.
    sqlx::raw_sql(
        "begin;
        delete from intake.request_search;
        delete from intake.customer_search;
        insert into intake.request_to_index select id from intake.request;
        insert into intake.customer_to_index select id from intake.customer;
        commit",
    )
    .execute(desk.bench.admin())
    .await
    .unwrap();
    eventually("the backlog is done", async || {
        let left =
            "select (select count(*) from intake.request_to_index) + (select count(*) from intake.customer_to_index)";
        (desk.bench.number(left).await == 0).then_some(())
    })
    .await;
    assert_eq!(desk.finds("打印").await, before[250..]);
    assert_eq!(desk.bench.number("select count(*) from intake.request_search").await, 251);
    assert_eq!(desk.bench.number("select count(*) from intake.customer_search").await, 1);
    drop(replica);
}

#[tokio::test]
async fn a_repeat_contact_is_suggested_first_then_the_same_order_then_similar_words() {
    let mut desk = Desk::open().await;
    let project = pb::Project { display_name: "机房改造".into(), ..Default::default() };
    let project =
        pb::CreateProjectRequest { parent: desk.customer.clone(), project: Some(project), ..Default::default() };
    let project = desk.customers.create_project(project).await.unwrap().into_inner().name;
    let other = pb::Customer { display_name: "别家".into(), contacts: vec![contact()], ..Default::default() };
    let other = desk.new_customer(other).await;
    let base = desk.registration(Channel::Chat);
    let says = |description: &str| pb::RegisterRequestRequest { description: description.into(), ..base.clone() };
    let of_order = |description: &str| pb::RegisterRequestRequest { order_number: "SO-1".into(), ..says(description) };

    let long_ago = pb::RegisterRequestRequest { project: project.clone(), ..says("机柜太热") };
    desk.registers(long_ago).await;
    let similar = desk.registers(says("打印机无法连接电脑")).await.name;
    desk.pass(73 * 60);
    let of_project = pb::RegisterRequestRequest { project: project.clone(), ..says("门锁坏了") };
    let of_project = desk.registers(of_project).await.name;
    let of_others = pb::RegisterRequestRequest { customer: other, ..of_order("送到哪里了") };
    let of_others = desk.registers(of_others).await.name;
    let same_order = desk.registers(of_order("打印机没有收到")).await.name;
    let classified = pb::RegisterRequestRequest {
        business_domain: "printing".into(),
        problem_type: "offline".into(),
        ..says("又来了")
    };
    let same_problem = desk.registers(classified.clone()).await.name;
    desk.registers(says("发票抬头")).await;
    let now = pb::RegisterRequestRequest {
        project,
        order_number: "SO-1".into(),
        description: "打印机无法连接".into(),
        ..classified
    };
    let now = desk.registers(now).await.name;

    let found = desk.duplicates(&now).await;
    let shown: Vec<_> = found
        .iter()
        .map(|found| {
            (found.request.as_ref().unwrap().name.as_str(), found.reasons().collect::<Vec<_>>(), found.repeat_contact)
        })
        .collect();
    assert_eq!(
        shown,
        [
            (same_order.as_str(), vec![Reason::SameOrderNumber], true),
            (same_problem.as_str(), vec![Reason::SameProblemType], true),
            (of_project.as_str(), vec![Reason::SameProject], true),
            (of_others.as_str(), vec![Reason::SameOrderNumber], false),
            (similar.as_str(), vec![Reason::SimilarText], false),
        ]
    );
    // The descriptions have 6 and 8 pairs of characters and share 打印 印机 机无 无法 法连 连接.
    assert!((found[4].similarity - 12.0 / 14.0).abs() < 1e-9, "{}", found[4].similarity);
    let first = pb::SuggestDuplicatesRequest { name: now, page_size: 1 };
    let first = desk.requests.suggest_duplicates(first).await.unwrap().into_inner().duplicates;
    assert_eq!(first, found[..1]);
    // Asked the other way round, the later contact is suggested as the repeat.
    let back = desk.duplicates(&of_project).await;
    assert!(back[0].repeat_contact && back.len() == 1, "{back:?}");
}
