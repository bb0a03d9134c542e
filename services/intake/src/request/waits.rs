//! Waits that are longer or more frequent than usual (C2.2, C4.1). A long one is a deviation of the lifecycle; of promises that
//! are frequent the owner's supervisor is told.

use jiff::Timestamp;
use kefu_chassis::duties::BY_LIFECYCLE;
use kefu_chassis::notifications::{Notice, NoticeKind};
use kefu_chassis::time::sql;
use kefu_chassis::{Call, Error};
use kefu_regulation::{Budget, Param, params};

use super::Requests;
use super::row::Step;

static FREQUENT_PROMISES: NoticeKind = NoticeKind {
    code: "frequent_promises",
    english: "In {} one of your staff promised a wait again; they do so more often than usual.",
    chinese: "{}中您的下属再次承诺等待，其承诺等待的比例偏高。",
};

impl Requests {
    /// Whether a time is longer than usual.
    pub(super) fn is_unusual(&self, from: Timestamp, to: Timestamp, usual: Param<Budget>) -> bool {
        let regulation = &self.chassis.regulation;
        let usual = regulation.get(usual);
        regulation.calendar().elapsed(from, to, usual.measure) > usual.length
    }

    /// Whether the customer was awaited longer than usual, if the wait ends now.
    pub(super) fn is_long_wait(&self, step: &Step<'_>) -> bool {
        let progress = step.live("progress").filter(|duty| duty.pause_reasons & BY_LIFECYCLE != 0);
        let since = progress.and_then(|duty| duty.paused_since);
        since.is_some_and(|since| self.is_unusual(since, step.at, params::AWAIT_USUAL))
    }

    /// Tells the owner's supervisor if the owner promises a wait in more than the usual share of the requests that they had to
    /// answer lately. What the call promises is not stored yet, unless the request `has_promise` already.
    pub(super) async fn tell_frequent_promises(
        &self,
        call: &Call,
        step: &mut Step<'_>,
        has_promise: bool,
    ) -> Result<(), Error> {
        let regulation = &self.chassis.regulation;
        let lately = regulation.get(params::PROMISE_SHARE_OF).length;
        let since = call.now.checked_sub(lately).unwrap_or(Timestamp::MIN);
        let counted = sqlx::query!(
            r#"select count(distinct subject) as "answered!",
                count(distinct subject) filter (where kind = 'promised_wait') as "promised!"
            from duty where owner = $1 and due_at >= $2 and kind in ('first_response', 'promised_wait')"#,
            step.root.owner,
            sql::at(since) as _,
        );
        let counted = counted.fetch_one(step.work.connection()).await?;
        let promised = counted.promised + i64::from(!has_promise);
        let share = i64::from(regulation.get(params::PROMISE_SHARE).basis_points());
        let is_enough = counted.answered >= i64::from(regulation.get(params::PROMISE_SHARE_LEAST));
        if is_enough && promised * 10_000 > counted.answered * share {
            let known = self.chassis.directory.now();
            let (subject, number) = (step.root.id().to_string(), &step.root.number);
            let supervisor = known.supervisor_of(&step.root.owner);
            let notice = supervisor.map(|to| Notice::about(&FREQUENT_PROMISES, "C2.2", to, subject, number));
            step.notify(notice);
        }
        Ok(())
    }
}
