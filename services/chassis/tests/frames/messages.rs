//! Messages whose length, compression or content is not what their frame says.

use std::io::{Read as _, repeat};

use bytes::Bytes;
use flate2::Compression;
use flate2::read::GzEncoder;
use kefu_proto::compliance::v1::ListDutiesRequest;
use kefu_proto::rules::v1::ErrorReason;
use kefu_testkit::{BARE, Bench, assert_refused};
use prost::Message as _;
use tonic::Code;

use crate::beside::{alone, memory_mib, others_are_served};
use crate::wire::{LIST, Wire, framed, message};

#[tokio::test]
async fn a_message_whose_length_lies_or_that_is_none_is_refused_and_the_connection_goes_on() {
    let _alone = alone().await;
    let bench = Bench::of(&BARE).await;
    let mut wire = Wire::connect(&bench, 65_535).await;
    let good = ListDutiesRequest { parent: bench.name(), ..Default::default() }.encode_to_vec();
    let lying = |length: u32| Bytes::from([&[0], length.to_be_bytes().as_slice(), &good].concat());
    let length = u32::try_from(good.len()).unwrap();
    // A string field with bytes that are no UTF-8, and one that is longer than its message.
    let (not_utf8, too_long) = ([&[0x0a, 2], b"\xff\xfe".as_slice()].concat(), vec![0x0a, 100, b's']);
    for (what, body) in [
        ("nothing", Bytes::new()),
        ("longer than the body", lying(length + 5)),
        ("4 GiB", lying(u32::MAX)),
        ("2 GiB", lying(i32::MAX.unsigned_abs())),
        ("the least that is too large", lying((4 << 20) + 1)),
        ("shorter than the message", lying(length - 3)),
        ("cut within the prefix", Bytes::from_static(&[0, 0, 0])),
        ("cut before the message", lying(length).slice(..5)),
        ("cut within the message", lying(length).slice(..8)),
        ("not UTF-8", framed(0, &not_utf8)),
        ("a field longer than the message", framed(0, &too_long)),
        ("compressed, without how", framed(1, &good)),
        ("an unknown flag", framed(7, &good)),
    ] {
        let status = wire.status(LIST, &[], body).await;
        println!("{what}: {status:?}");
        assert_eq!(
            assert_refused(Err::<(), _>(status), Code::InvalidArgument, ErrorReason::FieldInvalid).fields(),
            [""]
        );
    }
    assert_eq!(wire.status(LIST, &[], framed(0, &good)).await.code(), Code::Ok);
}

#[tokio::test]
async fn what_is_compressed_is_refused_unread_and_a_bomb_takes_no_memory() {
    let _alone = alone().await;
    let bench = Bench::of(&BARE).await;
    let mut wire = Wire::connect(&bench, 65_535).await;
    // A GiB of zeros.
    let mut bomb = Vec::new();
    GzEncoder::new(repeat(0).take(1 << 30), Compression::new(1)).read_to_end(&mut bomb).unwrap();
    assert!(bomb.len() > 1 << 20);
    let before = memory_mib();
    others_are_served(&bench, async {
        for encoding in ["gzip", "deflate", "br", "zstd", "snappy", "x", ""] {
            for body in [framed(1, &bomb), message(&ListDutiesRequest::default())] {
                let status = wire.status(LIST, &[("grpc-encoding", encoding)], body).await;
                println!("{encoding}: {status:?}");
                assert_refused(Err::<(), _>(status), Code::Unimplemented, ErrorReason::FieldInvalid);
            }
        }
    })
    .await;
    let grown = memory_mib() - before;
    assert!(grown < 64, "{grown} MiB more");
}

#[tokio::test]
async fn many_messages_of_the_largest_size_are_held_for_so_many_calls_of_a_caller_only() {
    let _alone = alone().await;
    let limits = kefu_chassis::config::Limits { calls_per_caller: 8, ..Default::default() };
    let bench = Bench::builder(&BARE).limits(limits).start().await;
    let before = memory_mib();
    let token = kefu_testkit::sign("staff/root", &["ADMIN"]);
    let mut wire = Wire::connect(&bench, 65_535).await;
    others_are_served(&bench, async {
        let mut held = Vec::new();
        let mut refused = 0;
        for _ in 0..200 {
            let mut sent = wire.begin(LIST, &token, &[]).await;
            // The largest message, without its last byte.
            let mut most = framed(0, &vec![b'x'; 4 << 20]).to_vec();
            most.pop();
            let _ = sent.body.send_data(most.into(), false);
            if held.len() < 8 {
                held.push(sent);
                continue;
            }
            let status = sent.status().await;
            assert_refused(Err::<(), _>(status), Code::ResourceExhausted, ErrorReason::Overloaded);
            refused += 1;
        }
        assert_eq!(refused, 192);
    })
    .await;
    let grown = memory_mib() - before;
    // The bound includes what the client has not sent yet.
    assert!(grown < 160, "{grown} MiB more");
}
