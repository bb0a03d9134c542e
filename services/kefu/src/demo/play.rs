//! The story of a play as text, and its expectations, counted as held or failed.

use std::fmt::{Debug, Write as _};
use std::process::ExitCode;

use anstyle::{AnsiColor, Style};
use jiff::Zoned;
use jiff::civil::Date;

const TITLE: Style = Style::new().bold();
const ASIDE: Style = Style::new().dimmed();
const WRONG: Style = AnsiColor::Red.on_default().bold();

/// The text of the story so far, and the counts of expectations.
#[derive(Debug, Default)]
pub struct Play {
    text: String,
    painted: bool,
    day: Option<Date>,
    scenes: u32,
    held: u32,
    failed: u32,
}

impl Play {
    /// A new play, with colours if `painted`.
    pub fn new(painted: bool) -> Self {
        Self { painted, ..Self::default() }
    }

    /// Begins a scene; on another day than before, prints the day first.
    pub fn scene(&mut self, now: &Zoned, title: &str) {
        self.scenes += 1;
        if self.day.replace(now.date()) != Some(now.date()) {
            let day = self.paint(TITLE, &now.strftime("%A, %-d %B %Y").to_string());
            let _ = write!(self.text, "\n{day}\n");
        }
        let title = self.paint(TITLE, &format!("{}. {title}", self.scenes));
        let _ = write!(self.text, "\n{title}\n");
    }

    /// Adds an event of the story, with its time and clauses.
    pub fn say(&mut self, now: &Zoned, what: &str, clauses: &[&str]) {
        let clauses = if clauses.is_empty() { String::new() } else { format!("  [{}]", clauses.join(", ")) };
        let clauses = self.paint(ASIDE, &clauses);
        let _ = writeln!(self.text, "  {}  {what}{clauses}", now.strftime("%H:%M"));
    }

    /// Adds indented lines to the last event.
    pub fn add(&mut self, what: &str) {
        for line in what.lines() {
            let _ = writeln!(self.text, "         {line}");
        }
    }

    /// Adds a text unchanged.
    pub fn add_verbatim(&mut self, text: &str) {
        self.text.push_str(text);
    }

    /// Expects `found` to equal `expected`; adds both to the story if not.
    #[expect(clippy::needless_pass_by_value, reason = "what is expected is said as it is, not lent")]
    pub fn expect<F: PartialEq<E> + Debug, E: Debug>(&mut self, what: &str, found: F, expected: E) {
        if found == expected {
            self.held += 1;
        } else {
            self.fail(what, &format!("expected {expected:?}\nthere was {found:?}"));
        }
    }

    /// Counts a failed expectation and adds it to the story.
    pub fn fail(&mut self, what: &str, how: &str) {
        self.failed += 1;
        let wrong = self.paint(WRONG, &format!("NOT SO: {what}"));
        self.add(&format!("{wrong}\n{how}"));
    }

    /// Takes the text added since the last call.
    pub fn take(&mut self) -> String {
        std::mem::take(&mut self.text)
    }

    /// Whether every expectation held.
    pub fn has_held(&self) -> bool {
        self.failed == 0
    }

    /// The exit code of the play.
    pub fn verdict(&self) -> ExitCode {
        if self.has_held() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }

    /// The counts of expectations, in one line.
    pub fn outcome(&self) -> String {
        let all = self.held + self.failed;
        match self.failed {
            0 => self.paint(TITLE, &format!("{all} expectations in {} scenes, every one held.", self.scenes)),
            failed => self.paint(WRONG, &format!("{failed} of {all} expectations did not hold.")),
        }
    }

    fn paint(&self, style: Style, text: &str) -> String {
        if self.painted && !text.is_empty() { format!("{style}{text}{style:#}") } else { text.to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(time: &str) -> Zoned {
        format!("{time}[Asia/Shanghai]").parse().unwrap()
    }

    #[test]
    fn it_tells_the_day_once_the_scene_the_time_and_the_clauses() {
        let mut play = Play::new(false);
        play.scene(&at("2026-11-23T09:00+08:00"), "A call");
        play.say(&at("2026-11-23T09:02+08:00"), "林小燕 answers", &["C2.1", "A2.1"]);
        play.add("R-1\nR-2");
        play.scene(&at("2026-11-23T10:00+08:00"), "Another");
        play.scene(&at("2026-11-24T10:00+08:00"), "The next day");
        let text = "\nMonday, 23 November 2026\n\n1. A call\n  09:02  林小燕 answers  [C2.1, A2.1]\n         R-1\n         R-2\n\n\
            2. Another\n\nTuesday, 24 November 2026\n\n3. The next day\n";
        assert_eq!(play.take(), text);
        assert_eq!(play.take(), "");
    }

    #[test]
    fn an_expectation_that_holds_is_counted_and_not_told() {
        let mut play = Play::new(false);
        play.expect("its state", "CLOSED", "CLOSED");
        assert_eq!((play.verdict(), play.take().as_str()), (ExitCode::SUCCESS, ""));
        assert_eq!(play.outcome(), "1 expectations in 0 scenes, every one held.");
    }

    #[test]
    fn an_expectation_that_does_not_hold_is_told_with_what_was_there_and_spoils_the_play() {
        let mut play = Play::new(false);
        play.expect("its owner", "staff/lin", "staff/lin");
        play.expect("its state", "CLOSED", "RESOLVED");
        assert_eq!((play.has_held(), play.verdict()), (false, ExitCode::FAILURE));
        assert_eq!(
            play.take(),
            "         NOT SO: its state\n         expected \"RESOLVED\"\n         there was \"CLOSED\"\n"
        );
        assert_eq!(play.outcome(), "1 of 2 expectations did not hold.");
    }

    #[test]
    fn colours_are_only_where_they_are_wanted() {
        for painted in [true, false] {
            let mut play = Play::new(painted);
            play.scene(&at("2026-11-23T09:00+08:00"), "A call");
            play.fail("this", "that");
            assert_eq!(play.take().contains('\u{1b}'), painted);
        }
    }
}
