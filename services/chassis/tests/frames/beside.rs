//! Calls of others while a server is attacked.

use kefu_proto::compliance::v1 as pb;
use kefu_proto::compliance::v1::compliance_service_client::ComplianceServiceClient;
pub use kefu_testkit::beside::{alone, memory_mib};
use kefu_testkit::{Bearer, Bench, sign};
use tonic::transport::Endpoint;

/// Makes a call as `subject`, on a connection of its own.
pub async fn call(bench: &Bench, subject: &str) -> Result<(), tonic::Status> {
    let channel = Endpoint::from_shared(format!("http://{}", bench.address())).unwrap().connect_lazy();
    let mut client = ComplianceServiceClient::new(Bearer::new(&sign(subject, &["ADMIN"])).on(channel));
    let list = pb::ListDutiesRequest { parent: bench.name(), ..Default::default() };
    client.list_duties(list).await.map(|_| ())
}

/// Runs `attack` while others call, on a connection opened before and on a new one for each call. Each call must
/// succeed in time, during the attack and once after.
pub async fn others_are_served<T>(bench: &Bench, attack: impl Future<Output = T>) -> T {
    let mut known = ComplianceServiceClient::new(bench.as_("staff/mei", &["ADMIN"]));
    let both = async || {
        let list = pb::ListDutiesRequest { parent: bench.name(), ..Default::default() };
        // The server may close an idle connection while a call is on its way; any client sends that call again.
        if let Err(lost) = known.list_duties(list.clone()).await {
            assert!(std::error::Error::source(&lost).is_some(), "{lost:?}");
            known.list_duties(list).await.unwrap();
        }
        call(bench, "staff/mei").await.unwrap();
    };
    kefu_testkit::beside::others_are_served(both, attack).await
}
