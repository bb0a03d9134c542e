//! TLS: a server with a certificate answers over TLS and not in plain text, and closes connections that do not complete
//! the handshake.

use std::path::Path;
use std::time::Duration;

use kefu_chassis::config::{Limits, Tls};
use kefu_proto::compliance::v1::ListDutiesRequest;
use kefu_proto::compliance::v1::compliance_service_client::ComplianceServiceClient;
use kefu_testkit::{BARE, Bearer, Bench, sign};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tonic::transport::{Certificate, ClientTlsConfig, Endpoint};

use crate::beside::alone;

#[tokio::test]
async fn a_server_with_a_certificate_is_called_by_tls_alone_and_waits_for_no_half_of_it() {
    let _alone = alone().await;
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/frames");
    let tls = Tls { certificate_file: folder.join("certificate.pem"), key_file: folder.join("key.pem") };
    let limits = Limits { handshake_ms: 500, ..Limits::default() };
    let bench = Bench::builder(&BARE).limits(limits).tls(tls).start().await;
    let certificate = Certificate::from_pem(std::fs::read(folder.join("certificate.pem")).unwrap());
    let tls = ClientTlsConfig::new().ca_certificate(certificate).domain_name("localhost");
    let address = format!("https://{}", bench.address());
    let channel = Endpoint::from_shared(address).unwrap().tls_config(tls).unwrap().connect_lazy();
    let mut client = ComplianceServiceClient::new(Bearer::new(&sign("staff/root", &["ADMIN"])).on(channel));
    let list = ListDutiesRequest { parent: bench.name(), ..Default::default() };
    client.list_duties(list.clone()).await.unwrap();
    assert!(ComplianceServiceClient::new(bench.as_("staff/root", &["ADMIN"])).list_duties(list.clone()).await.is_err());
    // Each connection sends nothing, or only the first bytes of a handshake.
    for begun in [&[][..], &[0x16, 3, 1, 2, 0, 1, 0]] {
        let mut stream = TcpStream::connect(bench.address()).await.unwrap();
        stream.write_all(begun).await.unwrap();
        let mut end = Vec::new();
        let _ = timeout(Duration::from_secs(15), stream.read_to_end(&mut end)).await.expect("it is ended");
    }
    client.list_duties(list).await.unwrap();
}
