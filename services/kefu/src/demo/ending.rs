//! The end of the day: compliance in figures, and verification of every journal.

use kefu_chassis::language::Language;
use kefu_proto::compliance::v1::SummarizeComplianceRequest;
use kefu_proto::compliance::v1::summarize_compliance_request::Dimension;
use kefu_regulation::Regulation;

use super::stage::Stage;
use super::{SERVICES, scene_error};
use crate::compliance::{self, Groups, table};
use crate::error::Error;
use crate::journal;

/// Shows compliance and verifies every journal.
pub async fn show(stage: &mut Stage) -> Result<(), Error> {
    stage.scene("The day in figures: how every clause with a clock was kept");
    compliance(stage, Dimension::Clause).await?;
    compliance(stage, Dimension::Department).await?;
    stage.scene("The record: nobody altered it");
    for service in SERVICES {
        let answer = journal::ask(stage.channel(service).map_err(scene_error)?, service, Vec::new()).await?;
        stage.play.add_verbatim(&journal::report(service, &answer, 0, Language::English));
        stage.play.expect("events that are not sealed", answer.unsealed_count, 0);
        stage.play.expect("what is wrong with the journal", answer.findings.len(), 0);
    }
    Ok(())
}

async fn compliance(stage: &mut Stage, by: Dimension) -> Result<(), Error> {
    let regulation = Regulation::standard();
    let groups = Groups::by(by);
    let mut rows = Vec::new();
    for service in SERVICES {
        let call = SummarizeComplianceRequest { group_by: vec![by.into()], ..Default::default() };
        rows.extend(compliance::ask(stage.channel(service).map_err(scene_error)?, service, call).await?);
    }
    let rows = compliance::merge(rows, &regulation);
    stage.play.add_verbatim(&format!("\n{}", table::text(&rows, &groups, &regulation, Language::English)));
    let sum = |count: fn(&kefu_proto::compliance::v1::ComplianceRow) -> i64| rows.iter().map(count).sum::<i64>();
    stage.play.expect("duties fulfilled late: the chat and the work order", sum(|row| row.late), 2);
    stage.play.expect("duties broken", sum(|row| row.breached), 2);
    stage.play.expect("duties still open or overdue", sum(|row| row.open + row.overdue), 0);
    Ok(())
}
