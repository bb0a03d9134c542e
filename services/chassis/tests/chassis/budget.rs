//! How often a call waits for Postgres.

use kefu_testkit::{BARE, Bench};

use crate::stage::{call_as, touch, write};

#[tokio::test]
async fn a_plain_create_takes_four_round_trips_with_or_without_a_reply_to_keep() {
    let bench = Bench::builder(&BARE).counting().start().await;
    // The four: begin, the domain's row, one statement for events, duties and reply, commit.
    assert_eq!(bench.round_trips(|| write(&bench, "things/1", 1)).await, 4);
    let keeping = bench.round_trips(|| async {
        let call = call_as(&bench, "staff/wu", Some(kefu_chassis::names::new_uuid(bench.now())), b"x");
        let mut work = bench.chassis().begin(&call).await.unwrap();
        touch(&mut work, "things/1", call.now, 3).await.unwrap();
        work.commit(()).await.unwrap();
    });
    assert_eq!(keeping.await, 4);
}
