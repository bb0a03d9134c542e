//! Formats the counts as a table, in English or Chinese, and as JSON.

use comfy_table::{CellAlignment, Table, TableComponent, presets};
use kefu_chassis::labels;
use kefu_chassis::language::Language;
use kefu_proto::compliance::v1::ComplianceRow;
use kefu_proto::compliance::v1::summarize_compliance_request::Dimension;
use kefu_proto::labels::Label;
use kefu_regulation::Regulation;
use prost::Name as _;
use serde_json::{Value, json};

use super::Groups;
use crate::language::of;
use crate::terminal::grouped;

type Count = fn(&ComplianceRow) -> i64;

/// The counts: heading in English, the field whose label is the heading in Chinese, whether a column of zeros is shown, and the
/// count of a row.
const COUNTS: [(&str, &str, bool, Count); 15] = [
    ("opened", "opened", true, |row| row.opened),
    ("in time", "met_in_time", true, |row| row.met_in_time),
    ("late", "late", true, |row| row.late),
    ("open", "open", true, |row| row.open),
    ("overdue", "overdue", true, |row| row.overdue),
    ("waived", "waived", true, |row| row.waived),
    ("voided", "voided", false, |row| row.voided),
    ("not recorded", "not_recorded", true, |row| row.not_recorded),
    ("recorded late", "recorded_late", false, |row| row.recorded_late),
    ("early", "early", false, |row| row.early),
    ("attempted", "attempted", false, |row| row.attempted),
    ("taken back", "taken_back", false, |row| row.taken_back),
    ("imported", "imported", false, |row| row.imported),
    ("breached", "breached", false, |row| row.breached),
    ("deviations", "deviated", false, |row| row.deviated),
];

/// The heading of a count.
fn heading(language: Language, english: &'static str, field: &'static str) -> &'static str {
    match language {
        Language::English => english,
        Language::Chinese => label(language, field).map_or(field, |label| label.label.as_str()),
    }
}

/// The label of a count of compliance: what it is called, and what it counts.
fn label(language: Language, field: &str) -> Option<&'static Label> {
    let row = kefu_proto::pool().get_message_by_name(&ComplianceRow::full_name())?;
    labels::of(language).field(&row.get_field_by_name(field)?)
}

/// The counts that a table of these rows shows.
fn counts(rows: &[ComplianceRow]) -> impl Iterator<Item = (&'static str, &'static str, bool, Count)> {
    COUNTS.into_iter().filter(|(.., always, count)| *always || rows.iter().any(|row| count(row) != 0))
}

/// Number of duties that were kept: met in time, and not so early that they do not count.
fn kept(row: &ComplianceRow) -> i64 {
    row.met_in_time - row.early
}

/// Share of duties fulfilled in time, in thousandths: kept / (kept + breached). Rounded down, so that 100.0 % means all of
/// them; none without such duties.
fn in_time(row: &ComplianceRow) -> Option<i64> {
    (kept(row) * 1_000).checked_div(kept(row) + row.breached)
}

fn share(row: &ComplianceRow, language: Language) -> String {
    match in_time(row) {
        Some(thousandths) => format!("{}.{} %", thousandths / 10, thousandths % 10),
        None if row.not_recorded > 0 => of(language, "not recorded", "无完成记录").into(),
        None => of(language, "nothing due yet", "尚未到期").into(),
    }
}

/// The table, with a column for each group and each count.
pub fn text(rows: &[ComplianceRow], by: &Groups, regulation: &Regulation, language: Language) -> String {
    if rows.is_empty() {
        return of(language, "There are no such duties.\n", "没有符合条件的时限事项。\n").into();
    }
    let counts: Vec<_> = counts(rows).collect();
    let mut keys = Vec::new();
    if by.has(Dimension::Clause) {
        keys.extend([of(language, "clause", "条款"), of(language, "title", "名称")]);
    }
    for (wanted, english, chinese) in [
        (by.has_period(), "from", "起始日"),
        (by.has(Dimension::Department), "department", "部门"),
        (by.has(Dimension::Person), "person", "人员"),
    ] {
        keys.extend(wanted.then(|| of(language, english, chinese)));
    }
    let mut table = Table::new();
    table
        .load_preset(presets::NOTHING)
        .set_style(TableComponent::HeaderLines, '─')
        .set_style(TableComponent::MiddleHeaderIntersections, '─');
    let headings = counts.iter().map(|(english, field, ..)| heading(language, english, field));
    table.set_header(keys.iter().copied().chain(headings).chain([of(language, "in time %", "按时率")]));
    for row in rows {
        let numbers = counts.iter().map(|(.., count)| grouped(count(row)));
        table.add_row(group(row, by, regulation, language).into_iter().chain(numbers).chain([share(row, language)]));
    }
    for column in table.column_iter_mut().skip(keys.len()) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table.trim_fmt() + "\n"
}

fn group(row: &ComplianceRow, by: &Groups, regulation: &Regulation, language: Language) -> Vec<String> {
    let mut cells = Vec::new();
    if by.has(Dimension::Clause) {
        let title = regulation.clause(&row.clause).map(|clause| of(language, &clause.title.en, &clause.title.zh));
        cells.extend([row.clause.clone(), title.unwrap_or_default().to_owned()]);
    }
    let nobody = |name: &String| if name.is_empty() { of(language, "nobody", "无").to_owned() } else { name.clone() };
    if by.has_period() {
        cells.push(row.period.clone());
    }
    if by.has(Dimension::Department) {
        cells.push(nobody(&row.department));
    }
    if by.has(Dimension::Person) {
        cells.push(nobody(&row.person));
    }
    cells
}

/// What stands under a table: what each of its columns counts, how the share is made, and by which zone days are told. Empty
/// without rows.
pub fn legend(rows: &[ComplianceRow], language: Language, zone: &str) -> String {
    if rows.is_empty() {
        return String::new();
    }
    let mut lines = vec![String::new()];
    for (english, field, ..) in counts(rows) {
        let help = label(language, field).map_or("", |label| label.help.as_str());
        lines.push(line(heading(language, english, field), help, language));
    }
    let (share, days) = (
        of(
            language,
            "Met in time / (met in time + breached in all), rounded down, so that 100.0 % is all of them; early ones are left out.",
            "按时完成数占按时完成与逾期总数之和的百分比，零头舍去，因此只有全部按时才是 100.0 %；过早的不计入。",
        ),
        match language {
            Language::English => {
                format!("Days begin at midnight in {zone}; a duty counts on the day on which it began.")
            }
            Language::Chinese => format!("每天自 {zone} 时区零时起算；时限事项计入其开始计时的那一天。"),
        },
    );
    lines.push(line(of(language, "in time %", "按时率"), share, language));
    lines.push(line(of(language, "days", "日期"), &days, language));
    lines.push(line(
        of(language, "one answer", "一次应答"),
        of(
            language,
            "May fulfil duties of several clauses, e.g. C2.1 and C2.2, and counts under each.",
            "可能同时完成几个条款下的时限事项，如 C2.1 和 C2.2，在各条款下分别计数。",
        ),
        language,
    ));
    lines.join("\n") + "\n"
}

fn line(what: &str, text: &str, language: Language) -> String {
    match language {
        Language::English => format!("{what}: {text}"),
        Language::Chinese => format!("{what}：{text}"),
    }
}

/// The JSON array, with an object for each group. `in_time_percent` is null without duties to judge.
pub fn json(rows: &[ComplianceRow], by: &Groups) -> String {
    let rows: Vec<Value> = rows.iter().map(|row| object(row, by)).collect();
    format!("{:#}\n", Value::Array(rows))
}

#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
fn object(row: &ComplianceRow, by: &Groups) -> Value {
    let judged = kept(row) + row.breached;
    let mut object = json!({
        "opened": row.opened,
        "met_in_time": row.met_in_time,
        "late": row.late,
        "open": row.open,
        "overdue": row.overdue,
        "waived": row.waived,
        "voided": row.voided,
        "not_recorded": row.not_recorded,
        "recorded_late": row.recorded_late,
        "attempted": row.attempted,
        "taken_back": row.taken_back,
        "imported": row.imported,
        "breached": row.breached,
        "deviated": row.deviated,
        "early": row.early,
        "in_time_percent": (judged > 0).then(|| kept(row) as f64 * 100.0 / judged as f64),
    });
    let keys = [
        (by.has(Dimension::Clause), "clause", &row.clause),
        (by.has_period(), "period", &row.period),
        (by.has(Dimension::Department), "department", &row.department),
        (by.has(Dimension::Person), "person", &row.person),
    ];
    for (_, key, value) in keys.into_iter().filter(|(wanted, ..)| *wanted) {
        object[key] = Value::String(value.clone());
    }
    object
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(clause: &str, met_in_time: i64, late: i64, overdue: i64, not_recorded: i64) -> ComplianceRow {
        ComplianceRow {
            clause: clause.into(),
            opened: met_in_time + late + overdue + not_recorded,
            met_in_time,
            late,
            overdue,
            not_recorded,
            breached: late + overdue,
            ..ComplianceRow::default()
        }
    }

    #[test]
    fn the_share_counts_what_can_be_judged_and_is_100_only_for_all_of_it() {
        for (met, late, overdue, shown) in
            [(3, 1, 0, "75.0 %"), (9_999, 1, 0, "99.9 %"), (5, 0, 0, "100.0 %"), (0, 0, 2, "0.0 %")]
        {
            assert_eq!(share(&row("C2.1", met, late, overdue, 7), Language::English), shown);
        }
        let given_up = ComplianceRow { voided: 1, breached: 1, ..row("C2.1", 1, 0, 0, 0) };
        assert_eq!(share(&given_up, Language::English), "50.0 %", "a breach counts though its duty fell away");
        assert_eq!(share(&row("C2.1", 0, 0, 0, 7), Language::English), "not recorded");
        assert_eq!(share(&row("C2.1", 0, 0, 0, 7), Language::Chinese), "无完成记录");
        assert_eq!(share(&row("C2.1", 0, 0, 0, 0), Language::English), "nothing due yet");
    }

    #[test]
    fn a_table_has_aligned_columns_and_shows_rare_counts_only_where_there_are_any() {
        let by: Groups = "clause".parse().unwrap();
        let mut rows = vec![row("C2.1", 1_234, 10, 0, 0), row("C4.1", 0, 0, 0, 9_987)];
        let plain = text(&rows, &by, &Regulation::standard(), Language::English);
        assert!(
            plain.contains("1,234")
                && plain.contains("99.1 %")
                && plain.contains("not recorded")
                && !plain.contains("voided"),
            "{plain}"
        );
        let ends: Vec<usize> =
            plain.lines().filter(|line| !line.contains('─')).map(|line| line.chars().count()).collect();
        assert!(ends.windows(2).all(|pair| pair[0] == pair[1]), "{plain}");
        rows[0].voided = 1;
        assert!(text(&rows, &by, &Regulation::standard(), Language::English).contains("voided"));
        let chinese = text(&rows, &by, &Regulation::standard(), Language::Chinese);
        assert!(
            chinese.contains("按时率") && chinese.contains(&Regulation::standard().clause("C2.1").unwrap().title.zh),
            "{chinese}"
        );
    }

    #[test]
    fn the_legend_explains_every_column_that_is_shown_in_the_language_of_the_table() {
        let mut rows = vec![row("C2.1", 3, 1, 0, 2)];
        let english = legend(&rows, Language::English, "Asia/Shanghai");
        assert!(english.contains("\nnot recorded: Imported duties") && english.contains("Asia/Shanghai"), "{english}");
        assert!(!english.contains("voided:") && english.contains("in time %: Met in time / "), "{english}");
        rows[0].voided = 1;
        assert!(legend(&rows, Language::English, "UTC").contains("voided: "));
        let chinese = legend(&rows, Language::Chinese, "Asia/Shanghai");
        for word in ["无完成记录：", "已豁免：", "已终止：", "逾期总数：", "按时率：", "Asia/Shanghai"]
        {
            assert!(chinese.contains(word), "{word} is not in\n{chinese}");
        }
        assert_eq!(legend(&[], Language::Chinese, "UTC"), "");
    }

    #[test]
    fn groups_have_a_column_each_and_who_is_not_known_is_nobody() {
        let by: Groups = "department,person,month".parse().unwrap();
        let row =
            ComplianceRow { period: "2018-01-01".into(), department: "departments/bos".into(), ..row("", 1, 0, 0, 0) };
        let shown = text(&[row], &by, &Regulation::standard(), Language::English);
        assert!(
            shown.contains("2018-01-01")
                && shown.contains("departments/bos")
                && shown.contains("nobody")
                && !shown.contains("clause"),
            "{shown}"
        );
    }

    #[test]
    fn json_says_null_where_nothing_can_be_judged() {
        let by: Groups = "clause".parse().unwrap();
        let read: Value =
            serde_json::from_str(&json(&[row("C2.1", 1, 1, 0, 0), row("C4.1", 0, 0, 0, 3)], &by)).unwrap();
        assert_eq!((&read[0]["in_time_percent"], &read[1]["in_time_percent"]), (&json!(50.0), &Value::Null));
        assert_eq!(
            (&read[1]["clause"], &read[1]["not_recorded"], read[1].get("person")),
            (&json!("C4.1"), &json!(3), None)
        );
    }
}
