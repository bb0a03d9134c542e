//! The duties of a lifecycle: their rules, and what a transition does to them.

use jiff::Timestamp;
use kefu_proto::events::v1::DutyChange;
use kefu_regulation::{Budget, Regulation};
use uuid::Uuid;

use super::{ActionContext, Lifecycle, Transition};
use crate::base::names::Id;
use crate::model::duty::{BY_LIFECYCLE, Duty, DutyResource, NewDuty, Weight};
use crate::model::notice::{Notice, NoticeKind};

mod series;

/// One kind of duty of an aggregate.
pub struct DutyRule<D: 'static, F: 'static> {
    /// The duty's kind.
    pub duty: D,
    /// The clause that demands the duty.
    pub clause: &'static str,
    /// The code of the kind in the contract, e.g. `first_response`.
    pub code: &'static str,
    /// Returns the time that the duty has; none where the clause gives none.
    pub term: fn(&F, &Regulation) -> Option<Term>,
    /// Returns when the duty was fulfilled, if it already is when it opens.
    pub met_at: fn(&F) -> Option<Timestamp>,
    /// Returns who must fulfil the duty, and their department, where that is not the subject's owner.
    pub owner: fn(&F) -> Option<(&str, &str)>,
    /// Returns the parts of the subject that an action concerns, where each part has its own duty of this kind, e.g. each
    /// measure of a resolution.
    pub each: Option<fn(&F) -> &[SubDuty]>,
    /// The notice to send when the duty opens, if any. The notice of a part's duty goes to the owner of that duty.
    pub notice: Option<NoticeRule<F>>,
    /// Returns who gets the notice too, e.g. a deputy; the acknowledgement of one of them is enough.
    pub also_told: fn(&F) -> Option<&str>,
    /// Whether the duty is still owed when its subject has ended.
    pub survives_end: bool,
    /// Whether what fulfils the duty opens the next one, e.g. a progress report. One fulfilled very soon does not count as kept.
    pub recurs: bool,
    /// Whether the rule is of a deviation and not of a duty: something that the clause forbids, for which no clock runs.
    pub is_deviation: bool,
    /// Whether an action is a deviation, of the rule of one.
    pub deviates: fn(&F) -> bool,
}

/// A part of a subject that has a duty of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubDuty {
    /// The resource name of the part; the subject's where parts differ only by their department.
    pub subject: String,
    /// Who must fulfil the duty.
    pub owner: String,
    /// Their department.
    pub department: String,
    /// The due time that was agreed; otherwise the rule's term applies.
    pub due: Option<Timestamp>,
}

/// The notice of a duty when it opens.
pub struct NoticeRule<F> {
    /// The kind of notice.
    pub kind: &'static NoticeKind,
    /// Returns the recipient of the notice of a duty that is not a part's.
    pub to: fn(&F) -> Option<&str>,
    /// Whether the recipient's acknowledgement fulfils the duty.
    pub fulfils: bool,
}

/// Returns the time that a duty has, given the facts.
type TermOf<F> = fn(&F, &Regulation) -> Option<Term>;

impl<D, F> DutyRule<D, F> {
    /// Creates the rule of a duty of the subject's owner, without a notice; rows of a table add what differs to it.
    pub const fn of(duty: D, clause: &'static str, code: &'static str, term: TermOf<F>) -> Self {
        Self::new(duty, clause, code, term, false)
    }

    /// Creates the rule of a deviation of the subject's owner. A row that `opens` it records one each time it is fired and
    /// `deviates` says so.
    pub const fn deviation(duty: D, clause: &'static str, code: &'static str, deviates: fn(&F) -> bool) -> Self {
        let mut rule = Self::new(duty, clause, code, |_, _| Some(Term::Deviation), true);
        rule.deviates = deviates;
        rule
    }

    const fn new(duty: D, clause: &'static str, code: &'static str, term: TermOf<F>, is_deviation: bool) -> Self {
        Self {
            duty,
            clause,
            code,
            term,
            met_at: |_| None,
            owner: |_| None,
            each: None,
            notice: None,
            also_told: |_| None,
            survives_end: false,
            recurs: false,
            is_deviation,
            deviates: |_| true,
        }
    }
}

/// The time that a duty has.
#[derive(Clone, Copy, Debug)]
pub enum Term {
    /// A length of time from the action on.
    Within(Budget),
    /// A length of time from another time on.
    WithinFrom(Timestamp, Budget),
    /// The time until one that was promised.
    Until(Timestamp),
    /// None: what was done is a deviation, and is recorded as one.
    Deviation,
}

/// The subject and the owner of a duty to open, and its due time where that was agreed.
#[derive(Clone, Copy)]
struct DutyTarget<'a> {
    subject: &'a str,
    owner: &'a str,
    department: &'a str,
    due: Option<Timestamp>,
}

/// The effects of an action on duties.
#[derive(Debug, Default)]
pub struct DutyEffects {
    /// The duties that were opened or changed, as they are now.
    pub duties: Vec<Duty>,
    /// The changes of these duties.
    pub changes: Vec<DutyChange>,
    /// The event that marked a breach which the action retracts or corrects.
    pub corrects: Option<Uuid>,
    /// The notices to staff.
    pub notices: Vec<Notice>,
}

impl<S: Copy + Eq, A: Copy + Eq, D: Copy + Eq, F> Lifecycle<S, A, D, F> {
    /// Applies a fired transition to duties and opens new ones. `known` are the live duties, and those fulfilled by
    /// something that happened later and was recorded earlier.
    pub fn duty_effects(
        &self,
        row: &Transition<S, A, D, F>,
        facts: &F,
        known: Vec<Duty>,
        context: ActionContext<'_>,
    ) -> DutyEffects {
        let mut effects = DutyEffects::default();
        for rule in self.duties.iter().filter(|rule| row.begins.contains(&rule.duty)) {
            let later = known.iter().filter(|duty| duty.kind == rule.code && duty.opened_at > context.at);
            let earlier =
                later.min_by_key(|duty| duty.opened_at).and_then(|first| series::begin(rule, facts, first, context));
            let (duties, changes): (Vec<Duty>, Vec<_>) = earlier.into_iter().unzip();
            effects.duties.extend(duties);
            effects.changes.extend(changes.into_iter().flatten());
        }
        let mut still_live = Vec::new();
        for mut duty in known {
            let (changes, next) = self.effect_on(row, facts, &mut duty, context);
            let is_changed = !changes.is_empty();
            // The next duty of a divided interval is over already, and the one after it need not be opened.
            for duty in Some(&duty).filter(|duty| duty.is_live()).into_iter().chain(&next) {
                still_live.push((duty.kind.clone(), duty.subject.clone(), duty.department.clone(), duty.id));
            }
            if is_changed {
                effects.corrects = effects.corrects.or(duty.take_corrected());
                effects.changes.extend(changes);
                effects.duties.push(duty);
                effects.duties.extend(next);
            }
        }
        for rule in self.duties.iter().filter(|rule| row.opens.contains(&rule.duty)) {
            for target in rule.targets(facts, context) {
                let is_it = |subject: &str, department: &str| {
                    rule.each.is_none() || (subject, department) == (target.subject, target.department)
                };
                let known = still_live
                    .iter()
                    .find(|(kind, subject, department, _)| kind == rule.code && is_it(subject, department));
                match known {
                    None => rule.open(facts, context, target, &mut effects),
                    // The notice of a duty that is still live is sent again.
                    Some((_, _, _, duty)) => effects.notices.extend(rule.notices(facts, context, target, *duty)),
                }
            }
        }
        effects
    }

    /// Applies a fired transition to one duty. Returns its changes, and the next duty of its series if there is one.
    fn effect_on(
        &self,
        row: &Transition<S, A, D, F>,
        facts: &F,
        duty: &mut Duty,
        context: ActionContext<'_>,
    ) -> (Vec<DutyChange>, Option<Duty>) {
        let Some(rule) = self.duties.iter().find(|rule| rule.code == duty.kind) else {
            // The table has this kind of duty no longer.
            let ends = row.voids_rest && duty.is_live();
            let void = |duty: &mut Duty| duty.void(context.at, context.now, row.clause, context.actor);
            return (if ends { void(duty) } else { Vec::new() }, None);
        };
        let has = |kinds: &[D]| kinds.contains(&rule.duty);
        let (meets, attempts) = (has(row.meets), has(row.attempts));
        let sub_duties = rule.each.map(|each| each(facts));
        let is_concerned =
            sub_duties.is_none_or(|sub_duties| sub_duties.iter().any(|sub_duty| sub_duty.subject == duty.subject));
        if (meets || attempts) && is_concerned {
            return if attempts {
                series::attempt(duty, context)
            } else if context.at < duty.opened_at
                && duty.is_live()
                && series::follows_attempt(duty, context.regulation.calendar())
            {
                // The customer had been reached before the attempt that opened the duty.
                (duty.void(duty.opened_at, context.now, row.clause, context.actor), None)
            } else if row.only_begun && rule.recurs {
                series::report(rule, facts, duty, context)
            } else if row.only_begun && context.at < duty.opened_at {
                (Vec::new(), None)
            } else if duty.is_live() || series::was_met_after(duty, context.at) {
                (duty.meet(context.at, context.now), None)
            } else {
                (Vec::new(), None)
            };
        }
        if !duty.is_live() {
            return (Vec::new(), None);
        }
        (self.other_effect_on(row, rule, facts, duty, context), None)
    }

    /// Applies a fired transition, which does not fulfil `duty`, to it.
    fn other_effect_on(
        &self,
        row: &Transition<S, A, D, F>,
        rule: &DutyRule<D, F>,
        facts: &F,
        duty: &mut Duty,
        context: ActionContext<'_>,
    ) -> Vec<DutyChange> {
        let (at, entry) = (context.at, context.entry());
        let has = |kinds: &[D]| kinds.contains(&rule.duty);
        let new_owner = (rule.owner)(facts).unwrap_or((context.owner, context.department));
        let follows = row.reassigns && rule.each.is_none() && duty.owner != new_owner.0;
        let promised = (self.promised)(facts).filter(|_| has(row.replaces) && duty.due_at.is_some());
        if row.voids_rest && !rule.survives_end || has(row.voids) {
            duty.void(at, context.now, row.clause, context.actor)
        } else if has(row.pauses) && duty.pause_reasons & BY_LIFECYCLE == 0 {
            duty.pause_by_lifecycle(entry, row.clause)
        } else if has(row.resumes) && duty.pause_reasons & BY_LIFECYCLE != 0 {
            vec![duty.resume_by_lifecycle(at)]
        } else if let Some(promised) = promised {
            duty.replace_due(promised, entry, row.clause)
        } else if follows && duty.weight(entry) != Weight::None {
            duty.reassign(new_owner.0, new_owner.1, entry)
        } else {
            Vec::new()
        }
    }
}

impl<D, F> DutyRule<D, F> {
    /// Returns what the duty is opened for: each part that the action concerns, or the subject as a whole.
    fn targets<'a>(&self, facts: &'a F, context: ActionContext<'a>) -> Vec<DutyTarget<'a>> {
        let Some(each) = self.each else {
            let (owner, department) = (self.owner)(facts).unwrap_or((context.owner, context.department));
            return vec![DutyTarget { subject: context.subject, owner, department, due: None }];
        };
        let target = |sub_duty: &'a SubDuty| DutyTarget {
            subject: &sub_duty.subject,
            owner: &sub_duty.owner,
            department: &sub_duty.department,
            due: sub_duty.due,
        };
        each(facts).iter().map(target).collect()
    }

    /// Opens the duty if it has a term, and fulfils it at once where the facts say that it already was fulfilled.
    fn open(&self, facts: &F, context: ActionContext<'_>, target: DutyTarget<'_>, effects: &mut DutyEffects) {
        if self.is_deviation && !(self.deviates)(facts) {
            return;
        }
        let agreed = target.due.map(Term::Until);
        let Some(term) = agreed.or_else(|| (self.term)(facts, context.regulation)) else { return };
        let calendar = context.regulation.calendar();
        let new = |opened_at| NewDuty {
            clause: self.clause,
            kind: self.code,
            subject: target.subject.to_owned(),
            number: context.about,
            owner: target.owner,
            department: target.department,
            regulation: context.regulation.version(),
            opened_at,
            now: context.now,
        };
        // The time of a duty with a notice runs from the notice on, however late the action is recorded.
        let begins = if self.notice.is_some() { context.now } else { context.at };
        let (mut duty, opened) = match term {
            Term::Within(budget) => new(begins).within(budget, calendar),
            Term::WithinFrom(from, budget) => new(from).within(budget, calendar),
            Term::Until(due) => new(context.at).until(due, calendar),
            Term::Deviation => new(context.at).deviated(calendar),
        };
        effects.changes.push(opened);
        if let Some(at) = (self.met_at)(facts).filter(|_| duty.is_live()) {
            effects.changes.extend(duty.meet(at, context.now));
        }
        effects.notices.extend(self.notices(facts, context, target, duty.id));
        effects.duties.push(duty);
    }

    /// Creates the notices of `duty`, if its rule has one: to each recipient that there is.
    fn notices(
        &self,
        facts: &F,
        context: ActionContext<'_>,
        target: DutyTarget<'_>,
        duty: Id<DutyResource>,
    ) -> Vec<Notice> {
        let Some(rule) = &self.notice else { return Vec::new() };
        let recipient = if self.each.is_some() { Some(target.owner) } else { (rule.to)(facts) };
        let notice = |recipient: &str| Notice {
            kind: rule.kind,
            recipient: recipient.to_owned(),
            clause: self.clause.to_owned(),
            subject: target.subject.to_owned(),
            number: context.about.to_owned(),
            about: context.about.into(),
            duty: Some(duty),
            acknowledgement_required: rule.fulfils,
        };
        recipient.into_iter().chain((self.also_told)(facts)).map(notice).collect()
    }
}
