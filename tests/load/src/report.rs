//! Writes the report as a table for a terminal, and as Markdown between the two marks in `docs/performance.md`.

use std::fmt::Write as _;
use std::path::Path;

use crate::figures::{Report, number};
use crate::plot;

const BEGIN: &str = "<!-- tools/load writes from here -->";
const END: &str = "<!-- to here -->";

/// Returns the whole report as Markdown, after the description of the setting.
pub fn markdown(report: &Report, setting: &str) -> String {
    let mut text = format!("{setting}\n\n| what | measured | asked for | |\n|---|---|---|---|\n");
    for figure in &report.figures {
        let missed = if figure.is_reached() { "" } else { " (missed)" };
        let _ = writeln!(
            text,
            "| {} | {} | {}{missed} | {} |",
            figure.what,
            figure.measured(),
            figure.asked(),
            figure.from
        );
    }
    text.push_str("\n![Rates beside pgbench](performance/rates.svg)\n\n");
    text.push_str("What a call costs, in processor time of the services, of Postgres and of the load generator, and in write-ahead log:\n\n");
    text.push_str(
        "| load | calls | services, µs | Postgres, µs | generator, µs | log, bytes |\n|---|--:|--:|--:|--:|--:|\n",
    );
    for cost in &report.costs {
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} | {} | {} |",
            cost.load,
            number(cost.calls as f64),
            number(cost.service_us.round()),
            number(cost.postgres_us.round()),
            number(cost.generator_us.round()),
            number(cost.log_bytes.round()),
        );
    }
    text.push_str(
        "\nThe statements that cost most: how often a call runs them, how long Postgres takes, what it logs:\n\n",
    );
    text.push_str("| load | statement | a call | µs | log, bytes |\n|---|---|--:|--:|--:|\n");
    for row in &report.statements {
        let (us, log) = (number(row.us.round()), number(row.log_bytes.round()));
        let _ =
            writeln!(text, "| {} | `{}` | {:.2} | {us} | {log} |", row.load, row.text.replace('|', "\\|"), row.times);
    }
    text.push_str("\nLatencies in milliseconds:\n\n| load | method | calls | p50 | p95 | p99 | most |\n|---|---|--:|--:|--:|--:|--:|\n");
    for row in &report.latencies {
        let _ = writeln!(
            text,
            "| {} | {} | {} | {:.2} | {:.2} | {:.2} | {:.1} |",
            row.load,
            row.method,
            number(row.calls as f64),
            row.p50,
            row.p95,
            row.p99,
            row.most
        );
    }
    text.push_str("\n![Latencies by percentile](performance/latencies.svg)\n");
    text
}

/// Returns the figures as a table for a terminal.
pub fn table(report: &Report) -> String {
    let mut table = comfy_table::Table::new();
    table.load_preset(comfy_table::presets::UTF8_HORIZONTAL_ONLY).set_header(["what", "measured", "asked for", ""]);
    for figure in &report.figures {
        let mark = if figure.is_reached() { "" } else { "missed" };
        table.add_row([figure.what.clone(), figure.measured(), figure.asked(), mark.into()]);
    }
    table.to_string()
}

/// Rewrites the part of the page between its two marks, and the plots in the folder named like the page.
pub fn publish(report: &Report, setting: &str, page: &Path) {
    let text = std::fs::read_to_string(page).unwrap_or_else(|error| panic!("{}: {error}", page.display()));
    let (before, rest) = text.split_once(BEGIN).expect("the page has the mark where the report begins");
    let (_, after) = rest.split_once(END).expect("the page has the mark where the report ends");
    let text = format!("{before}{BEGIN}\n\n{}\n{END}{after}", markdown(report, setting));
    std::fs::write(page, text).unwrap_or_else(|error| panic!("{}: {error}", page.display()));
    let plots = page.with_extension("");
    std::fs::create_dir_all(&plots).expect("the folder of the plots can be made");
    plot::rates(&report.pairs, &plots.join("rates.svg"));
    plot::latencies(&report.latencies, &plots.join("latencies.svg"));
}
