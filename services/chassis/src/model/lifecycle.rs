//! Lifecycles. Each aggregate declares its own as two tables, of transitions and of duties. [`Lifecycle::fire`] finds
//! the transition of an action from the present state and asks its gates; [`Lifecycle::duty_effects`] applies it to the
//! duties.

use jiff::Timestamp;
use kefu_proto::events::v1::DutyChange;
use kefu_regulation::{Budget, Regulation};
use uuid::Uuid;

use crate::base::error::Error;
use crate::base::language::Text;
use crate::base::names::Id;
use crate::contract::call::Stakeholders;
use crate::model::duty::{BY_LIFECYCLE, Duty, DutyResource, NewDuty};
use crate::model::notice::{Notice, NoticeKind};

mod document;
pub mod explain;

/// One row of a lifecycle: an action, the states it is possible in, its conditions and its effects.
pub struct Transition<S: 'static, A: 'static, D: 'static, F: 'static> {
    /// The action.
    pub action: A,
    /// The clause that the action serves; a refusal names it.
    pub clause: &'static str,
    /// The states in which the action is possible.
    pub from: &'static [S],
    /// The state that the action leads to; none when the state stays.
    pub to: Option<S>,
    /// Who may take the action, where that is not just the owner; the same for all rows of one method.
    pub reach: Option<Reach<F>>,
    /// The conditions, all of which must hold.
    pub gates: &'static [Gate<F>],
    /// The duties that the action fulfils.
    pub meets: &'static [D],
    /// The duties that the action opens, where they have a term and none of their kind is live.
    pub opens: &'static [D],
    /// The duties whose clock the action pauses.
    pub pauses: &'static [D],
    /// The duties whose clock the action resumes.
    pub resumes: &'static [D],
    /// The duties whose due time the action replaces by the promised one, unless their due time has passed.
    pub replaces: &'static [D],
    /// The duties that the action breaches.
    pub breaches: &'static [D],
    /// The duties that the action voids.
    pub voids: &'static [D],
    /// Whether the action fulfils only duties that had been opened when it happened. This is for duties in a series,
    /// e.g. a progress report every week: each report fulfils one duty and opens the next.
    pub only_begun: bool,
    /// Whether the subject changes hands. Each duty that is not breached goes to the owner that it would have if it
    /// were opened now.
    pub reassigns: bool,
    /// Whether the action ends the subject. It voids every duty that it does not fulfil, except those that survive
    /// their subject's end.
    pub voids_rest: bool,
}

impl<S, A, D, F> Transition<S, A, D, F> {
    /// Creates a row that leads from `from` to `to`, without gates or effects on duties; rows of a table add theirs to
    /// it.
    pub const fn row(action: A, clause: &'static str, from: &'static [S], to: Option<S>) -> Self {
        Self {
            action,
            clause,
            from,
            to,
            reach: None,
            gates: &[],
            meets: &[],
            opens: &[],
            pauses: &[],
            resumes: &[],
            replaces: &[],
            breaches: &[],
            voids: &[],
            only_begun: false,
            reassigns: false,
            voids_rest: false,
        }
    }
}

/// A condition that a clause sets for an action.
pub struct Gate<F> {
    /// The clause.
    pub clause: &'static str,
    /// What is missing when the gate is closed.
    pub missing: Text,
    /// Returns whether the gate is open.
    pub open: fn(&F) -> bool,
    /// Whether the gate asks about what the call says, rather than about what is on record.
    pub of_call: bool,
}

/// Who may take an action.
pub struct Reach<F> {
    /// The people in words, for the page of the lifecycle, e.g. `its investigator`.
    pub whose: &'static str,
    /// Selects those who may act from the facts and from all stakeholders of the subject.
    pub of: for<'a> fn(&'a F, Stakeholders<'a>) -> Stakeholders<'a>,
}

/// The name of an action.
#[derive(Clone, Copy, Debug)]
pub struct Label {
    /// The method that takes the action, e.g. `PauseDuty`; a refusal names it. One method may take several actions.
    pub method: &'static str,
    /// What happens, as a sentence without a full stop.
    pub text: Text,
}

/// Declares the actions of a lifecycle, each with the method that takes it and with what happens, in both languages, as
/// a sentence without a full stop. One method may take several actions.
#[macro_export]
macro_rules! actions {
    ($(#[$doc:meta])* $visibility:vis enum $name:ident {
        $($action:ident: $method:ident, $english:literal, $chinese:literal;)*
    }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        $visibility enum $name {
            $(#[doc = concat!("`", stringify!($method), "`: ", $english, ".")] $action,)*
        }

        impl $name {
            /// Returns the name of the action.
            pub fn label(self) -> $crate::lifecycle::Label {
                let (method, english, chinese) = match self {
                    $(Self::$action => (stringify!($method), $english, $chinese),)*
                };
                $crate::lifecycle::Label { method, text: $crate::language::Text::new(english, chinese) }
            }
        }
    };
}

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
    /// Returns the parts of the subject that an action concerns, where each part has a duty of this kind of its own.
    pub each: Option<fn(&F) -> &[SubDuty]>,
    /// The notice to send when the duty opens, if any. The notice of a part's duty goes to the owner of that duty.
    pub tells: Option<Tells<F>>,
    /// Whether the duty is still owed when its subject has ended.
    pub survives_end: bool,
}

/// A part of a subject that has a duty of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubDuty {
    /// The resource name of the part, or of the subject where only the department tells the parts apart.
    pub subject: String,
    /// Who must fulfil the duty.
    pub owner: String,
    /// Their department.
    pub department: String,
    /// The due time that was agreed; otherwise the rule's term applies.
    pub due: Option<Timestamp>,
}

/// The notice of a duty when it opens.
pub struct Tells<F> {
    /// The kind of notice.
    pub kind: &'static NoticeKind,
    /// Returns the recipient of the notice of a duty that is not a part's.
    pub to: fn(&F) -> Option<&str>,
    /// Whether the recipient's acknowledgement fulfils the duty.
    pub fulfils: bool,
}

impl<D, F> DutyRule<D, F> {
    /// Creates the rule of a duty of the subject's owner, without a notice; rows of a table add what differs to it.
    pub const fn of(
        duty: D,
        clause: &'static str,
        code: &'static str,
        term: fn(&F, &Regulation) -> Option<Term>,
    ) -> Self {
        Self {
            duty,
            clause,
            code,
            term,
            met_at: |_| None,
            owner: |_| None,
            each: None,
            tells: None,
            survives_end: false,
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
}

/// An aggregate's lifecycle.
pub struct Lifecycle<S: 'static, A: 'static, D: 'static, F: 'static> {
    /// The rows of its actions.
    pub transitions: &'static [Transition<S, A, D, F>],
    /// The rules of its duties.
    pub duties: &'static [DutyRule<D, F>],
    /// The names of its actions.
    pub label: fn(A) -> Label,
    /// The name of a state in the contract.
    pub state_name: fn(S) -> &'static str,
    /// Returns the due time that the facts promise, for the rows that replace a due time.
    pub promised: fn(&F) -> Option<Timestamp>,
}

/// The circumstances of an action: its subject, its actor and its times.
#[derive(Clone, Copy, Debug)]
pub struct ActionContext<'a> {
    /// The resource's name.
    pub subject: &'a str,
    /// What people call the resource, e.g. its number.
    pub about: &'a str,
    /// The resource's owner.
    pub owner: &'a str,
    /// The department responsible.
    pub department: &'a str,
    /// Who acts.
    pub actor: &'a str,
    /// When the action happened.
    pub at: Timestamp,
    /// When the action is recorded.
    pub now: Timestamp,
    /// The regulation in force.
    pub regulation: &'a Regulation,
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

impl<F> Gate<F> {
    /// Creates a gate that asks about what is on record.
    pub const fn on_record(clause: &'static str, open: fn(&F) -> bool, en: &'static str, zh: &'static str) -> Self {
        Self { clause, missing: Text::new(en, zh), open, of_call: false }
    }

    /// Creates a gate that asks about what the call says.
    pub const fn of_call(clause: &'static str, open: fn(&F) -> bool, en: &'static str, zh: &'static str) -> Self {
        Self { clause, missing: Text::new(en, zh), open, of_call: true }
    }

    /// Creates the refusal of an action on `subject` by this gate.
    fn refusal(&self, subject: &str) -> Error {
        Error::Gate { subject: subject.to_owned(), clause: self.clause.into(), missing: self.missing }
    }
}

impl<S: Copy + Eq, A: Copy + Eq, D: Copy + Eq, F> Lifecycle<S, A, D, F> {
    /// Returns the transition of `action` from `state`. Refused when the lifecycle has none, or one of its gates is closed.
    pub fn fire(
        &self,
        subject: &str,
        state: S,
        action: A,
        facts: &F,
    ) -> Result<&'static Transition<S, A, D, F>, Error> {
        let row = self.row(action, state).ok_or_else(|| self.refusal(subject, state, action))?;
        match row.gates.iter().find(|gate| !(gate.open)(facts)) {
            Some(gate) => Err(gate.refusal(subject)),
            None => Ok(row),
        }
    }

    /// Whether the lifecycle has `action` from `state`, whatever its gates say.
    pub fn is_possible(&self, action: A, state: S) -> bool {
        self.row(action, state).is_some()
    }

    /// Returns the transition of `action` from `state`, if the lifecycle has one.
    fn row(&self, action: A, state: S) -> Option<&'static Transition<S, A, D, F>> {
        self.transitions.iter().find(|row| row.action == action && row.from.contains(&state))
    }

    /// Creates the refusal of an action that the lifecycle does not have from `state`.
    fn refusal(&self, subject: &str, state: S, action: A) -> Error {
        Error::State {
            subject: subject.to_owned(),
            method: (self.label)(action).method.into(),
            state: (self.state_name)(state).to_owned(),
            clause: self.clause(action).into(),
        }
    }

    /// Returns those of `all` stakeholders of the subject who may act on it with `method`: those whom the rows of the
    /// method select or, where the rows leave that open, all but the further parties.
    pub fn reach<'a>(&self, method: &str, facts: &'a F, all: Stakeholders<'a>) -> Stakeholders<'a> {
        let row = self.transitions.iter().find(|row| (self.label)(row.action).method == method);
        match row.and_then(|row| row.reach.as_ref()) {
            Some(reach) => (reach.of)(facts, all),
            None => all.without_parties(),
        }
    }

    /// Returns the clause that `action` serves; empty for an action that no row has.
    pub fn clause(&self, action: A) -> &'static str {
        self.transitions.iter().find(|row| row.action == action).map_or("", |row| row.clause)
    }

    /// Applies a fired transition to the `live` duties and opens new ones.
    pub fn duty_effects(
        &self,
        row: &Transition<S, A, D, F>,
        facts: &F,
        live: Vec<Duty>,
        context: ActionContext<'_>,
    ) -> DutyEffects {
        let mut effects = DutyEffects::default();
        let mut still_live = Vec::new();
        for mut duty in live {
            let changes = self.effect_on(row, facts, &mut duty, context);
            if duty.is_live() {
                still_live.push((duty.kind.clone(), duty.subject.clone(), duty.department.clone(), duty.id));
            }
            if !changes.is_empty() {
                effects.corrects = effects.corrects.or(duty.take_corrected());
                effects.changes.extend(changes);
                effects.duties.push(duty);
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
                    Some((_, _, _, duty)) => effects.notices.extend(rule.notice(facts, context, target, *duty)),
                }
            }
        }
        effects
    }

    /// Applies a fired transition to one live duty.
    fn effect_on(
        &self,
        row: &Transition<S, A, D, F>,
        facts: &F,
        duty: &mut Duty,
        context: ActionContext<'_>,
    ) -> Vec<DutyChange> {
        let at = context.at;
        let has = |kinds: &[D]| self.duties.iter().any(|rule| kinds.contains(&rule.duty) && rule.code == duty.kind);
        let (meets, pauses, resumes) = (has(row.meets), has(row.pauses), has(row.resumes));
        let (replaces, breaches) = (has(row.replaces), has(row.breaches));
        let rule = self.duties.iter().find(|rule| rule.code == duty.kind);
        let survives_end = rule.is_some_and(|rule| rule.survives_end);
        let sub_duties = rule.and_then(|rule| rule.each).map(|each| each(facts));
        let is_concerned =
            sub_duties.is_none_or(|sub_duties| sub_duties.iter().any(|sub_duty| sub_duty.subject == duty.subject));
        let new_owner = rule.and_then(|rule| (rule.owner)(facts)).unwrap_or((context.owner, context.department));
        let follows = row.reassigns && sub_duties.is_none() && rule.is_some() && duty.owner != new_owner.0;
        let is_due = duty.due_at.is_some() && !duty.is_past(at);
        let promised = (self.promised)(facts).filter(|_| replaces && is_due);
        if meets && is_concerned {
            // An action that happened before a duty of a series was opened belongs to the duty before that.
            if row.only_begun && at < duty.opened_at { Vec::new() } else { vec![duty.meet(at)] }
        } else if row.voids_rest && !survives_end || has(row.voids) {
            duty.void(at, row.clause, context.actor)
        } else if pauses && duty.pause_reasons & BY_LIFECYCLE == 0 {
            duty.pause_by_lifecycle(at, row.clause, context.actor)
        } else if resumes && duty.pause_reasons & BY_LIFECYCLE != 0 {
            vec![duty.resume_by_lifecycle(at)]
        } else if breaches && duty.breached_at.is_none() {
            vec![duty.breach(at)]
        } else if let Some(promised) = promised {
            duty.replace_due(promised, at, row.clause)
        } else if follows && duty.breached_at.is_none() {
            vec![duty.reassign(new_owner.0, new_owner.1, at)]
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
        let agreed = target.due.map(Term::Until);
        let Some(term) = agreed.or_else(|| (self.term)(facts, context.regulation)) else { return };
        let calendar = context.regulation.calendar();
        let new = |opened_at| NewDuty {
            clause: self.clause,
            kind: self.code,
            subject: target.subject.to_owned(),
            owner: target.owner,
            department: target.department,
            regulation: context.regulation.version(),
            opened_at,
            now: context.now,
        };
        // The time of a duty with a notice runs from the notice on, however late the action is recorded.
        let begins = if self.tells.is_some() { context.now } else { context.at };
        let (mut duty, opened) = match term {
            Term::Within(budget) => new(begins).within(budget, calendar),
            Term::WithinFrom(from, budget) => new(from).within(budget, calendar),
            Term::Until(due) => new(context.at).until(due, calendar),
        };
        effects.changes.push(opened);
        if let Some(at) = (self.met_at)(facts) {
            effects.changes.push(duty.meet(at));
        }
        effects.notices.extend(self.notice(facts, context, target, duty.id));
        effects.duties.push(duty);
    }

    /// Creates the notice of `duty`, if its rule has one and there is a recipient.
    fn notice(
        &self,
        facts: &F,
        context: ActionContext<'_>,
        target: DutyTarget<'_>,
        duty: Id<DutyResource>,
    ) -> Option<Notice> {
        let tells = self.tells.as_ref()?;
        let recipient = if self.each.is_some() { target.owner } else { (tells.to)(facts)? };
        Some(Notice {
            kind: tells.kind,
            recipient: recipient.to_owned(),
            clause: self.clause.to_owned(),
            subject: target.subject.to_owned(),
            about: context.about.to_owned(),
            duty: Some(duty),
            acknowledgement_required: tells.fulfils,
        })
    }
}
