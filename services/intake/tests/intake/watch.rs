//! `WatchRequests`: streams each change once, in order, and only changes that the caller may see.

use kefu_proto::contacts::v1::Channel;
use kefu_proto::intake::v1 as pb;
use kefu_proto::intake::v1::request_service_client::RequestServiceClient;
use kefu_proto::rules::v1::ErrorReason;
use kefu_testkit::{Caller, assert_refused};
use tonic::{Code, Streaming};

use super::desk::{Desk, contact};

async fn watch(
    mut client: RequestServiceClient<Caller>,
    asked: pb::WatchRequestsRequest,
) -> (Streaming<pb::WatchRequestsResponse>, String) {
    let mut stream = client.watch_requests(asked).await.unwrap().into_inner();
    let first = stream.message().await.unwrap().unwrap();
    assert_eq!(first.request, None, "the first message says where the watch begins");
    (stream, first.resume_token)
}

/// The next changes: event, request and resume token of each.
async fn next(stream: &mut Streaming<pb::WatchRequestsResponse>, count: usize) -> Vec<(String, String, String)> {
    let mut seen = Vec::new();
    while seen.len() < count {
        let message = stream.message().await.unwrap().unwrap();
        if let Some(request) = message.request {
            let event = message.event.rsplit('.').next().unwrap().to_owned();
            seen.push((event, request.name, message.resume_token));
        }
    }
    seen
}

fn what(seen: &[(String, String, String)]) -> Vec<(&str, &str)> {
    seen.iter().map(|(event, name, _)| (event.as_str(), name.as_str())).collect()
}

#[tokio::test]
async fn changes_come_once_in_their_order_and_a_broken_stream_goes_on_where_it_ended() {
    let mut desk = Desk::open().await;
    desk.register(Channel::Chat).await;
    desk.bench.seal().await;
    let (mut stream, begun) = watch(desk.requests.clone(), pb::WatchRequestsRequest::default()).await;
    let name = desk.register(Channel::Chat).await.name;
    desk.respond(&name).await.unwrap();
    desk.classify(&name).await.unwrap();
    let seen = next(&mut stream, 2).await;
    let expected = [("RequestRegistered", name.as_str()), ("RequestResponded", &name), ("RequestClassified", &name)];
    assert_eq!(what(&seen), expected[..2]);
    drop(stream);
    for (token, rest) in
        [(begun, &expected[..]), (seen[0].2.clone(), &expected[1..]), (seen[1].2.clone(), &expected[2..])]
    {
        let resumed = pb::WatchRequestsRequest { resume_token: token.clone(), ..Default::default() };
        let (mut stream, _) = watch(desk.requests.clone(), resumed).await;
        assert_eq!(what(&next(&mut stream, rest.len()).await), rest);
    }
}

#[tokio::test]
async fn a_customer_watches_their_own_and_a_filter_leaves_out_the_rest() {
    let mut desk = Desk::open().await;
    let other = pb::Customer { display_name: "李雷".into(), contacts: vec![contact()], ..Default::default() };
    let other = pb::CreateCustomerRequest { customer: Some(other), allow_shared_contacts: true, ..Default::default() };
    let other = desk.customers.create_customer(other).await.unwrap().into_inner().name;
    let customer = RequestServiceClient::new(desk.bench.as_(&other, &["CUSTOMER"]));
    let (mut theirs, _) = watch(customer.clone(), pb::WatchRequestsRequest::default()).await;
    let owned = pb::WatchRequestsRequest { owner: "staff/mei".into(), ..Default::default() };
    let (mut meis, token) = watch(desk.requests.clone(), owned).await;
    desk.register(Channel::Chat).await;
    let call = pb::RegisterRequestRequest { customer: other.clone(), ..desk.registration(Channel::Chat) };
    let name = desk.requests.register_request(call.clone()).await.unwrap().into_inner().name;
    let by_mei = desk.as_("staff/mei", "AGENT").register_request(call).await.unwrap().into_inner().name;
    let both = [("RequestRegistered", name.as_str()), ("RequestRegistered", &by_mei)];
    assert_eq!(what(&next(&mut theirs, 2).await), both);
    assert_eq!(what(&next(&mut meis, 1).await), both[1..]);
    // A request that leaves the owner of the filter is streamed once more; a customer sees no event about owners.
    let assign = pb::AssignRequestRequest { name: by_mei.clone(), owner: "staff/wu".into(), ..Default::default() };
    desk.as_("staff/boss", "SUPERVISOR").assign_request(assign).await.unwrap();
    assert_eq!(what(&next(&mut meis, 1).await), [("RequestAssigned", by_mei.as_str())]);
    let note =
        |told_by| pb::RecordProgressRequest { parent: name.clone(), text: "x".into(), told_by, ..Default::default() };
    desk.respond(&name).await.unwrap();
    for told_by in [0, Channel::Hotline.into()] {
        desk.requests.record_progress(note(told_by)).await.unwrap();
    }
    let mark = pb::MarkMajorRequest { name: name.clone(), reason: "扬言投诉".into(), ..Default::default() };
    desk.requests.mark_major(mark).await.unwrap();
    let expected = [("RequestResponded", name.as_str()), ("ProgressRecorded", &name)];
    assert_eq!(what(&next(&mut theirs, 2).await), expected);
    let call = pb::GetRequestRequest { name: name.clone() };
    let shown = customer.clone().get_request(call.clone()).await.unwrap().into_inner();
    assert_eq!((shown.major, shown.major_reason.as_str(), shown.major_time), (false, "", None));
    assert!(desk.requests.get_request(call).await.unwrap().into_inner().major);
    // A resume token is valid only for its own request and caller.
    for (mut client, owner) in [(desk.requests.clone(), ""), (desk.as_("staff/mei", "AGENT"), "staff/mei")] {
        let foreign =
            pb::WatchRequestsRequest { owner: owner.into(), resume_token: token.clone(), ..Default::default() };
        let refused = client.watch_requests(foreign).await;
        let refusal = assert_refused(refused, Code::InvalidArgument, ErrorReason::FieldInvalid);
        assert_eq!(refusal.fields(), ["resume_token"]);
    }
}
