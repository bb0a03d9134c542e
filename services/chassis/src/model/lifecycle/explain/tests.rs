use super::*;
use crate::base::language::{Language, Text};
use crate::model::lifecycle::{DutyRule, Gate, Label};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    None,
    Draft,
    Sent,
    Signed,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Action {
    Write,
    Amend,
    Send,
    Sign,
    Refuse,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Duty {
    Reply,
    Filing,
}

#[derive(Clone, Copy, Debug)]
struct Facts {
    is_read: bool,
    is_dated: bool,
    fits: bool,
}

type Row = Transition<State, Action, Duty, Facts>;

const READ: Gate<Facts> = Gate {
    clause: "A1.1",
    missing: Text::new("nobody has read it", "尚无人审阅"),
    open: |facts| facts.is_read,
    of_call: false,
    field: None,
};
const DATED: Gate<Facts> = Gate {
    clause: "A1.1",
    missing: Text::new("it bears no date", "未注明日期"),
    open: |facts| facts.is_dated,
    of_call: false,
    field: None,
};
const FITS: Gate<Facts> = Gate::of_call("A1.2", |facts| facts.fits, "it is too long", "篇幅过长");

static LETTER: Lifecycle<State, Action, Duty, Facts> = Lifecycle {
    guards: &[],
    transitions: &[
        Row { opens: &[Duty::Filing], ..Row::row(Action::Write, "A1.1", &[State::None], Some(State::Draft)) },
        Row { gates: &[FITS], ..Row::row(Action::Amend, "A1.2", &[State::Draft], None) },
        Row { pauses: &[Duty::Filing], ..Row::row(Action::Amend, "A1.3", &[State::Sent], Some(State::Draft)) },
        Row {
            gates: &[READ, DATED, FITS],
            opens: &[Duty::Reply],
            resumes: &[Duty::Filing],
            ..Row::row(Action::Send, "A2.1", &[State::Draft], Some(State::Sent))
        },
        Row {
            meets: &[Duty::Reply],
            voids_rest: true,
            ..Row::row(Action::Sign, "A2.2", &[State::Sent], Some(State::Signed))
        },
        Row { gates: &[READ], ..Row::row(Action::Refuse, "A2.2", &[State::Sent], Some(State::Signed)) },
    ],
    duties: &[
        DutyRule::of(Duty::Reply, "A2.1", "reply", |_, _| None),
        DutyRule::of(Duty::Filing, "A1.1", "filing", |_, _| None),
    ],
    label: |action| match action {
        Action::Write => Label { method: "WriteLetter", text: Text::new("it is written", "撰写") },
        Action::Amend => Label { method: "AmendLetter", text: Text::new("it is changed", "修改") },
        Action::Send => Label { method: "SendLetter", text: Text::new("it is sent", "寄出") },
        Action::Sign => Label { method: "AnswerLetter", text: Text::new("it is signed", "签署") },
        Action::Refuse => Label { method: "AnswerLetter", text: Text::new("nobody will sign", "拒签") },
    },
    states: "things.State",
    state_name: |state| match state {
        State::None => "NONE",
        State::Draft => "DRAFT",
        State::Sent => "SENT",
        State::Signed => "SIGNED",
    },
    promised: |_| None,
};

const BOTH: [bool; 2] = [false, true];

fn all_facts() -> Vec<Facts> {
    let each = |is_read| {
        BOTH.into_iter().flat_map(move |is_dated| BOTH.into_iter().map(move |fits| Facts { is_read, is_dated, fits }))
    };
    BOTH.into_iter().flat_map(each).collect()
}

#[test]
fn what_is_explained_as_possible_is_what_fires_where_the_call_says_what_its_gates_ask() {
    let (mut possible, mut impossible) = (0, 0);
    for state in [State::Draft, State::Sent, State::Signed] {
        for facts in all_facts() {
            let explained = LETTER.explain("letters/1", state, |_| &facts);
            let actions: Vec<Action> = explained.iter().map(|each| each.action).collect();
            assert_eq!(actions, [Action::Amend, Action::Send, Action::Sign, Action::Refuse]);
            for each in explained {
                let fitting = LETTER.fire("letters/1", state, each.action, &Facts { fits: true, ..facts });
                let first = fitting.as_ref().err().map(ToString::to_string);
                assert_eq!(each.refusals.first().map(ToString::to_string), first, "{each:?}");
                let as_said = LETTER.fire("letters/1", state, each.action, &facts);
                if let (true, Err(error)) = (each.refusals.is_empty(), &as_said) {
                    let refusals: Vec<String> = each.possible_refusals.iter().map(ToString::to_string).collect();
                    assert!(refusals.contains(&error.to_string()), "{each:?}");
                }
                match fitting {
                    Ok(row) => {
                        assert_eq!((each.to, each.clause), (row.to, row.clause));
                        possible += 1;
                    }
                    Err(_) => impossible += 1,
                }
            }
        }
    }
    // Draft: amending always, sending where read and dated; sent: amending and signing always, refusing where read.
    assert_eq!((possible, impossible), (8 + 2 + 8 + 8 + 4, 4 * 8 * 3 - 30));
}

#[test]
fn every_closed_gate_is_told_and_where_an_action_is_possible() {
    let unread = Facts { is_read: false, is_dated: false, fits: false };
    let explained = |state| {
        let explained = LETTER.explain("letters/1", state, |_| &unread);
        let send = explained.into_iter().find(|each| each.action == Action::Send).unwrap();
        let texts =
            |errors: &[Error]| errors.iter().map(|error| error.shown(Language::Chinese).message).collect::<Vec<_>>();
        (texts(&send.refusals), texts(&send.possible_refusals), send.from)
    };
    let demands = |rest: &str| format!("按规定须先满足另一项要求。{rest}");
    let (refusals, possible, from) = explained(State::Draft);
    assert_eq!(
        refusals,
        [demands("A1.1（执行与监督分线）：尚无人审阅。"), demands("A1.1（执行与监督分线）：未注明日期。")]
    );
    assert_eq!(possible, [demands("A1.2（月度考核）：篇幅过长。")]);
    assert_eq!(from, [State::Draft]);
    assert_eq!(
        explained(State::Signed).0,
        ["当前状态下不能进行此操作。A2.1（首问负责）：状态为「SIGNED」时不能「SendLetter」。"]
    );
    let amend = LETTER.explain("letters/1", State::Signed, |_| &unread).remove(0);
    assert_eq!(amend.from, [State::Draft, State::Sent]);
}

#[test]
fn what_a_row_does_to_duties_is_told_by_their_kind() {
    let effects = |action: Action| {
        let row = LETTER.transitions.iter().find(|row| row.action == action).unwrap();
        let effects = LETTER.effects(row, None).into_iter();
        effects
            .map(|effect| format!("{} {} {}", effect.clause, effect.kind, effect.change().as_str_name()))
            .collect::<Vec<_>>()
    };
    assert_eq!(effects(Action::Send), ["A2.1 reply OPENED", "A1.1 filing RESUMED"]);
    assert_eq!(effects(Action::Sign), ["A2.1 reply MET", "A1.1 filing VOIDED"]);
    assert_eq!(effects(Action::Refuse), [""; 0]);
}

#[test]
fn the_diagram_has_every_transition_its_gates_and_the_ends() {
    let diagram = "\
stateDiagram-v2
    DRAFT : DRAFT
    DRAFT : AmendLetter A1.2 [A1.2]
    [*] --> DRAFT : WriteLetter A1.1
    DRAFT --> SENT : SendLetter A2.1 [A1.1, A1.2]
    SENT --> DRAFT : AmendLetter A1.3
    SENT --> SIGNED : AnswerLetter A2.2<br/>AnswerLetter A2.2 [A1.1]
    SIGNED --> [*]
";
    assert_eq!(LETTER.mermaid(), diagram);
    let page = LETTER.document("Letter", "src/letter.rs");
    assert!(page.contains(diagram) && page.starts_with("# Letter\n"));
    let row = "| it is sent | SendLetter | its owner | A2.1 | DRAFT | SENT | A1.1: nobody has read it; A1.1: it bears no date; \
               A1.2: it is too long (as the call says) | opened: reply; resumed: filing |\n";
    assert!(page.contains(row), "{page}");
}
