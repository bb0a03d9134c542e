//! Others, who call while a server is attacked.

use kefu_proto::compliance::v1 as pb;
use kefu_proto::compliance::v1::compliance_service_client::ComplianceServiceClient;
pub use kefu_testkit::beside::{alone, memory_mib};
use kefu_testkit::{Bearer, Bench, sign};
use tonic::transport::Endpoint;

/// A call by somebody else, on a connection of its own.
pub async fn call(bench: &Bench, subject: &str) -> Result<(), tonic::Status> {
    let channel = Endpoint::from_shared(format!("http://{}", bench.address())).unwrap().connect_lazy();
    let mut client = ComplianceServiceClient::new(Bearer::new(&sign(subject, &["ADMIN"])).on(channel));
    let list = pb::ListDutiesRequest { parent: bench.name(), ..Default::default() };
    client.list_duties(list).await.map(|_| ())
}

/// Does `attack` while others go on calling, one on a connection that was there before and one that connects anew for each call;
/// each call must succeed in time. Afterwards, too.
pub async fn others_are_served<T>(bench: &Bench, attack: impl Future<Output = T>) -> T {
    let mut known = ComplianceServiceClient::new(bench.as_("staff/mei", &["ADMIN"]));
    let both = async || {
        let list = pb::ListDutiesRequest { parent: bench.name(), ..Default::default() };
        // A connection that was idle may be told to go while a call is on its way to it: any client sends that again.
        if let Err(lost) = known.list_duties(list.clone()).await {
            assert!(std::error::Error::source(&lost).is_some(), "{lost:?}");
            known.list_duties(list).await.unwrap();
        }
        call(bench, "staff/mei").await.unwrap();
    };
    kefu_testkit::beside::others_are_served(both, attack).await
}
