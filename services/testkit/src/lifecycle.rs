//! Tests of any lifecycle, generated from its table.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;

use kefu_chassis::Error;
use kefu_chassis::language::Language;
use kefu_chassis::lifecycle::{DutyRule, Gate, Lifecycle, Transition};
use kefu_chassis::rules::Rules;
use kefu_proto::compliance::v1::Explanation;
use kefu_proto::rules::v1::Role;
use kefu_regulation::Regulation;

const SUBJECT: &str = "things/1";

/// A case in which a gate is closed: state, action, the gate's clause, and facts that close it.
pub type Closed<S, A, F> = (S, A, &'static str, F);

/// Every action of a table, once.
#[must_use]
pub fn actions<S, A: Copy + PartialEq, D, F>(lifecycle: &Lifecycle<S, A, D, F>) -> Vec<A> {
    let mut actions = Vec::new();
    for row in lifecycle.transitions {
        if !actions.contains(&row.action) {
            actions.push(row.action);
        }
    }
    actions
}

/// The methods that act on an aggregate, each with the names of the states from which it may, as a service explains them.
#[must_use]
pub fn states_of_methods(explanations: &[Explanation]) -> BTreeMap<String, BTreeSet<String>> {
    let mut states: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for each in explanations {
        states.entry(each.method.clone()).or_default().extend(each.from_states.iter().cloned());
    }
    states
}

/// Tests of every lifecycle: refusals, agreement with contracts and rule book, and its page in the docs, which is
/// generated. `$open` are facts, of which for every row one set opens all of its gates.
#[macro_export]
macro_rules! lifecycle_tests {
    ($lifecycle:ident, open by $open:expr, served by $services:expr,
        page $title:literal of $source:literal in $page:literal) => {
        #[test]
        fn every_action_is_refused_with_its_clause_where_the_table_has_no_row() {
            $crate::lifecycle::assert_illegal_is_refused(&$lifecycle, &$open);
        }

        #[test]
        fn it_agrees_with_the_contract_and_the_rule_book() {
            $crate::lifecycle::assert_duties_and_clauses(&$lifecycle);
            $crate::lifecycle::assert_fits_contract(&$lifecycle, &$services);
        }

        #[test]
        fn the_page_of_the_lifecycle_is_the_one_in_the_docs() {
            expect_test::expect_file![$page].assert_eq(&$lifecycle.document($title, $source));
        }
    };
}

/// Asserts that no state has two rows for an action, that an action without a row is refused with its clause, and that every
/// row is fired by one of the facts `open`. The states are all of the contract's enum, also those that no row names.
pub fn assert_illegal_is_refused<S, A, D, F>(lifecycle: &Lifecycle<S, A, D, F>, open: &[F])
where
    S: Copy + Eq + Debug + TryFrom<i32>,
    A: Copy + Eq + Debug,
    D: Copy + Eq,
{
    let states: Vec<S> = (0..100).filter_map(|number| S::try_from(number).ok()).collect();
    assert!(lifecycle.states().iter().all(|state| states.contains(state)), "a state is missing");
    let mut refused = 0;
    for action in actions(lifecycle) {
        for &state in &states {
            let rows = lifecycle.transitions.iter().filter(|row| row.action == action && row.from.contains(&state));
            let rows = rows.count();
            assert!(rows <= 1, "{action:?} from {state:?}");
            let fired = open.iter().map(|facts| lifecycle.fire(SUBJECT, state, action, facts));
            let fired: Vec<_> = fired.collect();
            if rows == 1 {
                assert!(fired.iter().any(Result::is_ok), "{action:?} from {state:?} is refused whatever the facts");
                continue;
            }
            for outcome in fired {
                let Err(Error::State { clause, subject, .. }) = outcome else {
                    panic!("{action:?} from {state:?} is not refused for the state")
                };
                assert_eq!((clause.as_ref(), subject.as_str()), (lifecycle.clause(action), SUBJECT));
            }
            refused += 1;
        }
    }
    let listed: usize = lifecycle.transitions.iter().map(|row| row.from.len()).sum();
    assert_eq!(refused, actions(lifecycle).len() * states.len() - listed, "a state is missing");
}

/// Asserts that each gate of each row refuses with its clause: `closed` has a case for every one.
pub fn assert_gates_refuse<S, A, D, F>(lifecycle: &Lifecycle<S, A, D, F>, open: &F, closed: &[Closed<S, A, F>])
where
    S: Copy + Eq + Debug,
    A: Copy + Eq + Debug,
    D: Copy + Eq,
{
    let mut asked: Vec<(A, &[S], &Gate<F>)> = lifecycle
        .transitions
        .iter()
        .flat_map(|row| lifecycle.gates(row).map(move |gate| (row.action, row.from, gate)))
        .collect();
    for (state, action, clause, facts) in closed {
        assert!(lifecycle.fire(SUBJECT, *state, *action, open).is_ok(), "{action:?} from {state:?}");
        let Err(Error::Gate { clause: named, missing, .. }) = lifecycle.fire(SUBJECT, *state, *action, facts) else {
            panic!("{action:?} passes from {state:?}")
        };
        assert_eq!(&named, clause, "{action:?} from {state:?}");
        let text = missing.of(Language::English);
        asked.retain(|(of, from, gate)| {
            of != action || !from.contains(state) || gate.missing.of(Language::English) != text
        });
    }
    let left: Vec<_> =
        asked.iter().map(|(action, _, gate)| (action, gate.clause, gate.missing.of(Language::English))).collect();
    assert!(left.is_empty(), "gates without a case: {left:?}");
}

/// Asserts that every duty is opened, and met by an action or an acknowledgement, that no deviation is met, and that duties, rows and gates cite clauses
/// of the rule book, gates in both languages.
pub fn assert_duties_and_clauses<S: Copy + Eq, A: Copy + Eq, D: Copy + Eq + Debug, F>(
    lifecycle: &Lifecycle<S, A, D, F>,
) {
    let regulation = Regulation::standard();
    let is_known = |clause: &str| assert!(regulation.clause(clause).is_some(), "{clause}");
    for rule in lifecycle.duties {
        assert!(lifecycle.transitions.iter().any(|row| row.opens.contains(&rule.duty)), "{:?}", rule.duty);
        let by_acknowledgement = rule.notice.as_ref().is_some_and(|rule| rule.fulfils);
        let is_met = lifecycle.transitions.iter().any(|row| row.meets.contains(&rule.duty));
        assert!(rule.is_deviation || is_met != by_acknowledgement, "{:?}", rule.duty);
        assert!(!(rule.is_deviation && is_met), "nothing meets a deviation: {:?}", rule.duty);
        is_known(rule.clause);
    }
    for row in lifecycle.transitions {
        is_known(row.clause);
        for gate in lifecycle.gates(row) {
            is_known(gate.clause);
            let (en, zh) = (gate.missing.of(Language::English), gate.missing.of(Language::Chinese));
            assert!(!en.is_empty() && en != zh, "{en}");
            assert!(zh.chars().any(|sign| ('\u{4e00}'..='\u{9fff}').contains(&sign)), "{zh}");
        }
    }
}

/// Asserts that every action belongs to a method of `services` whose contract names its clause, that the rows of a method
/// are open to the same people, and that the labels of all actions differ in both languages.
pub fn assert_fits_contract<S, A: Copy + Eq, D, F>(lifecycle: &Lifecycle<S, A, D, F>, services: &[&str]) {
    let rules = Rules::of(kefu_proto::pool(), services).unwrap();
    for row in lifecycle.transitions {
        let method = (lifecycle.label)(row.action).method;
        let rule = rules.named(method).unwrap_or_else(|| panic!("{method}"));
        assert!(rule.clauses.iter().any(|clause| clause == row.clause), "{method}: {}", row.clause);
        let whose = |row: &Transition<S, A, D, F>| row.reach.as_ref().map(|reach| reach.whose);
        let mut others = lifecycle.transitions.iter().filter(|other| (lifecycle.label)(other.action).method == method);
        assert!(others.all(|other| whose(other) == whose(row)), "{method}: its rows are for different people");
    }
    let actions = actions(lifecycle);
    for language in [Language::English, Language::Chinese] {
        let told: BTreeSet<&str> = actions.iter().map(|&action| (lifecycle.label)(action).text.of(language)).collect();
        assert_eq!(told.len(), actions.len(), "{told:?}");
    }
}

/// Asserts that whoever owns a duty may call a method that meets it. `qualified` has for each duty's code the method whose
/// roles a person must have to be given the duty. Duties that an acknowledgement meets are met by whoever is notified, and a deviation by nobody.
pub fn assert_owners_can_meet<S, A: Copy, D: Copy + Eq, F>(
    lifecycle: &Lifecycle<S, A, D, F>,
    services: &[&str],
    qualified: &[(&str, &str)],
) {
    let rules = Rules::of(kefu_proto::pool(), services).unwrap();
    let allowed = |method: &str| &rules.named(method).unwrap_or_else(|| panic!("{method}")).roles;
    let by_action =
        |rule: &&DutyRule<D, F>| !rule.is_deviation && !rule.notice.as_ref().is_some_and(|notice| notice.fulfils);
    for rule in lifecycle.duties.iter().filter(by_action) {
        let of = qualified.iter().filter(|(code, _)| *code == rule.code).map(|(_, method)| *method);
        let owners: Vec<_> = of.flat_map(allowed).filter(|role| is_of_staff(**role)).collect();
        assert!(!owners.is_empty(), "nobody says who owns {}", rule.code);
        let meeting = lifecycle.transitions.iter().filter(|row| row.meets.contains(&rule.duty));
        let meeting: Vec<&str> = meeting.map(|row| (lifecycle.label)(row.action).method).collect();
        for role in owners {
            let can = meeting.iter().any(|method| allowed(method).contains(role));
            assert!(can, "{role:?} may own {} and call none of {meeting:?}", rule.code);
        }
    }
}

/// Whether a role is one of staff who own duties; an operator owns none.
fn is_of_staff(role: Role) -> bool {
    !matches!(role, Role::Customer | Role::Service | Role::Admin)
}
