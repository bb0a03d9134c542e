//! A dissatisfied customer: the request is handled in another cycle, which is counted (C4.3).

use kefu_proto::intake::v1 as pb;
use kefu_proto::intake::v1::contact_attempt::Outcome;
use kefu_proto::intake::v1::request::State;
use tonic::Status;

use super::super::stage::Stage;
use super::{confirm_satisfied, confirmation, resolve};

/// Plays the scene with a request of the field service.
pub async fn play(stage: &mut Stage, request: &pb::Request) -> Result<(), Status> {
    stage.at(14, 0);
    stage.scene("A dissatisfied customer");
    let ma = stage.staff("ma")?;
    let solved = resolve(&ma, &request.name, "清洁激光组件", "现场试印十页").await?;
    stage.say(&format!("{} has cleaned the printer; {}", ma.called, request.number), &["C3.2", "C3.3"]);
    stage.play.expect("its state", solved.state(), State::Resolved);
    stage.at(14, 15);
    let no = confirmation(&request.name, Outcome::Dissatisfied, "彩色页仍有条纹");
    let again = ma.requests().confirm_resolution(no).await?.into_inner();
    stage.say("东方设计 is not satisfied: colour pages still have stripes. It is taken up again", &["C4.2", "C4.3"]);
    stage.play.expect("state and cycle", (again.state(), again.cycle), (State::InProgress, 1));
    stage.at(15, 0);
    let solved = resolve(&ma, &request.name, "更换定影组件和青色硒鼓", "现场试印彩色二十页").await?;
    stage.say(&format!("{} changes fuser and cyan drum", ma.called), &["C3.2"]);
    stage.play.expect("settled at the first contact", solved.first_contact_resolution, false);
    stage.at(15, 10);
    let closed = confirm_satisfied(&ma, &request.name).await?;
    stage.say("东方设计 is satisfied now", &["C4.2"]);
    stage.play.expect("state and cycle", (closed.state(), closed.cycle), (State::Closed, 1));
    let call = pb::ListContactAttemptsRequest { parent: request.name.clone(), ..Default::default() };
    let attempts = ma.requests().list_contact_attempts(call).await?.into_inner().contact_attempts;
    let outcomes: Vec<Outcome> = attempts.iter().map(pb::ContactAttempt::outcome).collect();
    stage.play.expect("both answers stay on record", outcomes, [Outcome::Satisfied, Outcome::Dissatisfied]);
    stage.expect_all_met(&request.name).await
}
