//! What "breached" means, once in the code and once in SQL: both say the same of every duty at every time, and so does
//! everything that lists or counts.

use jiff::SignedDuration;
use kefu_chassis::duties::{Duty, Entry};
use kefu_chassis::time::sql;
use kefu_proto::compliance::v1 as pb;
use kefu_regulation::params;
use kefu_testkit::{BARE, Bench, Dice};

use crate::stage::{compliance, duty, entry, store};

/// A duty to which something random happened, due an hour after it began.
fn thrown(bench: &Bench, dice: &mut Dice) -> Duty {
    let mut duty = duty(bench, "things/1", "staff/lin", "departments/desk", 1);
    let due = duty.due_at.unwrap();
    let mut near = || due + SignedDuration::from_micros(i64::try_from(dice.below(5)).unwrap() - 2);
    let (at, recorded) = (near(), near());
    let now = recorded.max(at);
    let entry = Entry { at, now, ..entry(bench, "staff/head") };
    duty.recurs = dice.below(2) == 0;
    match dice.below(9) {
        0 => drop(duty.meet(at, now)),
        1 => drop(duty.waive(now, "x", "staff/head")),
        2 => drop(duty.void(at, now, "x", "staff/head")),
        3 => drop(duty.pause(entry, "x")),
        4 => {
            duty.pause_by_lifecycle(entry, "x");
            duty.resume_by_lifecycle(now);
        }
        // About a quarter of the hour, from which on a recurring duty counts.
        5 | 6 => {
            let quarter = at - SignedDuration::from_mins(45);
            duty.meet(quarter, quarter);
        }
        7 => drop(duty.replace_due(at + SignedDuration::from_micros(1), entry, "x")),
        _ => {}
    }
    duty
}

#[tokio::test]
async fn the_code_and_sql_judge_every_duty_alike_and_lists_and_counts_agree_with_them() {
    let mut dice = Dice::new(Dice::seed());
    let bench = Bench::of(&BARE).await;
    let duties: Vec<Duty> = (0..150).map(|_| thrown(&bench, &mut dice)).collect();
    store(&bench, duties.clone()).await;
    let due = duties[0].opened_at + SignedDuration::from_hours(1);
    for beside in -2..=3 {
        let at = due + SignedDuration::from_micros(beside);
        let judged = "select is_late(state, late, paused_since, due_at, $1) from duty where id = $2";
        for duty in &duties {
            let judged: bool = sqlx::query_scalar(judged)
                .bind(sql::at(at))
                .bind(duty.id.uuid())
                .fetch_one(bench.admin())
                .await
                .unwrap();
            assert_eq!(judged, duty.is_late(at), "{beside}: {duty:?}");
        }
    }
    let share = bench.chassis().regulation.get(params::COUNTS_AFTER);
    for duty in &duties {
        let judged = "select is_early(recurs, state, late, elapsed_us, budget_us, $1) from duty where id = $2";
        let judged = sqlx::query_scalar(judged).bind(i32::from(share.basis_points())).bind(duty.id.uuid());
        let judged: bool = judged.fetch_one(bench.admin()).await.unwrap();
        assert_eq!(judged, duty.is_early(share), "{duty:?}");
    }
    let early = duties.iter().filter(|duty| duty.is_early(share)).count();
    assert!(early > 0 && early < duties.iter().filter(|duty| duty.recurs).count());
    bench.time().advance_to(due + SignedDuration::from_micros(2));
    let late = duties.iter().filter(|duty| duty.is_late(bench.now())).count();
    for _ in 0..2 {
        let mut client = compliance(bench.as_("staff/root", &["ADMIN"]));
        let call = pb::ListDutiesRequest { parent: bench.name(), page_size: 200, ..Default::default() };
        let all = client.list_duties(call.clone()).await.unwrap().into_inner().duties;
        assert_eq!(all.iter().filter(|duty| duty.late).count(), late);
        assert!(all.iter().all(|duty| duty.late == duty.breached_time.is_some()));
        let breached = pb::ListDutiesRequest { breached: true, ..call };
        assert_eq!(client.list_duties(breached).await.unwrap().into_inner().duties.len(), late);
        let call = pb::SummarizeComplianceRequest { parent: bench.name(), ..Default::default() };
        let rows = client.summarize_compliance(call).await.unwrap().into_inner().rows;
        assert_eq!(usize::try_from(rows[0].breached).unwrap(), late);
        assert_eq!(usize::try_from(rows[0].early).unwrap(), early);
        assert_eq!(all.iter().filter(|duty| duty.early).count(), early);
        // The marks of the clock change nothing of this.
        bench.mark_overdue().await;
    }
}
