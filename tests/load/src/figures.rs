//! The measured figures and the bounds they are checked against.

use serde::Serialize;

/// The bound that a figure must keep.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Bound {
    /// The value must not be below this.
    AtLeast(f64),
    /// The value must be below this.
    Under(f64),
}

/// One measured figure.
#[derive(Clone, Debug, Serialize)]
pub struct Figure {
    /// What is measured, as the report says it.
    pub what: String,
    /// Measured value, in `unit`.
    pub value: f64,
    /// Unit, e.g. `ms`; empty for a ratio.
    pub unit: &'static str,
    /// Bound that the value must keep; none for a figure that is only shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bound: Option<Bound>,
    /// Explanation of the value: the measurements it was computed from.
    pub from: String,
}

/// Latencies of one method under one load, in milliseconds.
#[derive(Clone, Debug, Serialize)]
pub struct Latencies {
    /// Name of the load.
    pub load: String,
    /// Name of the method.
    pub method: String,
    /// Number of calls measured.
    pub calls: u64,
    /// Median.
    pub p50: f64,
    /// 95th percentile.
    pub p95: f64,
    /// 99th percentile.
    pub p99: f64,
    /// Longest.
    pub most: f64,
    /// Points of the plot: quantile (0 to 1) and latency in milliseconds.
    #[serde(skip)]
    pub curve: Vec<(f64, f64)>,
}

/// Resources that one load used, per call.
#[derive(Clone, Debug, Serialize)]
pub struct Cost {
    /// Name of the load.
    pub load: String,
    /// Number of calls measured.
    pub calls: u64,
    /// Processor time of intake and complaints together, of Postgres and of the load generator, in microseconds a call.
    pub service_us: f64,
    /// See `service_us`.
    pub postgres_us: f64,
    /// See `service_us`.
    pub generator_us: f64,
    /// Bytes of write-ahead log written per call.
    pub log_bytes: f64,
}

/// Cost of one SQL statement during one load.
#[derive(Clone, Debug, Serialize)]
pub struct Statement {
    /// Name of the load.
    pub load: String,
    /// Text of the statement, with parameters.
    pub text: String,
    /// How often one call ran the statement on average, and how long Postgres took each time, in microseconds.
    pub times: f64,
    /// See `times`.
    pub us: f64,
    /// Bytes of write-ahead log written by each run of the statement.
    pub log_bytes: f64,
}

/// Rates of one method (`ours`) and of its pgbench script, in calls and transactions a second.
#[derive(Clone, Debug, Serialize)]
pub struct Pair {
    /// Name of the method.
    pub what: String,
    /// Calls of the method a second.
    pub ours: f64,
    /// Transactions of the script a second.
    pub pgbench: f64,
}

/// All results of one run of the benchmark.
#[derive(Debug, Default, Serialize)]
pub struct Report {
    /// Figures with their bounds.
    pub figures: Vec<Figure>,
    /// Latencies by load and method.
    pub latencies: Vec<Latencies>,
    /// Costs by load.
    pub costs: Vec<Cost>,
    /// Statements by load.
    pub statements: Vec<Statement>,
    /// Rates beside pgbench's.
    pub pairs: Vec<Pair>,
}

impl Figure {
    /// Returns whether the figure keeps its bound; true if it has none.
    pub fn is_reached(&self) -> bool {
        match self.bound {
            Some(Bound::AtLeast(least)) => self.value >= least,
            Some(Bound::Under(most)) => self.value < most,
            None => true,
        }
    }

    /// Returns the bound as text with its unit; empty if there is none.
    pub fn asked(&self) -> String {
        match self.bound {
            Some(Bound::AtLeast(least)) => format!("at least {} {}", number(least), self.unit).trim_end().to_owned(),
            Some(Bound::Under(most)) => format!("under {} {}", number(most), self.unit).trim_end().to_owned(),
            None => String::new(),
        }
    }

    /// Returns the measured value as text with its unit.
    pub fn measured(&self) -> String {
        format!("{} {}", number(self.value), self.unit).trim_end().to_owned()
    }
}

impl Report {
    /// Adds a figure to the report and prints it to standard error.
    pub fn figure(&mut self, figure: Figure) {
        let mark = if figure.is_reached() { "" } else { "  NOT REACHED" };
        eprintln!("{}: {}  ({}){mark}  {}", figure.what, figure.measured(), figure.asked(), figure.from);
        self.figures.push(figure);
    }

    /// Adds the latencies of one method under a load to the report and prints them to standard error.
    pub fn latency(&mut self, load: &str, method: &str, run: &crate::drive::Run) {
        let steps = [0.0, 0.25, 0.5, 0.75, 0.9, 0.95, 0.98, 0.99, 0.995, 0.998, 0.999, 0.9995, 0.9999];
        let Some(seen) = run.latencies.get(method) else { panic!("{method} was not called under {load}") };
        let at = |share: f64| seen.value_at_quantile(share) as f64 / 1_000.0;
        let latencies = Latencies {
            load: load.into(),
            method: method.into(),
            calls: seen.len(),
            p50: at(0.5),
            p95: at(0.95),
            p99: at(0.99),
            most: at(1.0),
            curve: steps.into_iter().map(|share| (share, at(share))).collect(),
        };
        eprintln!(
            "  {load}, {method}: {} calls, p50 {:.2} ms, p95 {:.2} ms, p99 {:.2} ms, most {:.1} ms",
            latencies.calls, latencies.p50, latencies.p95, latencies.p99, latencies.most
        );
        self.latencies.push(latencies);
    }
}

/// Formats a number: below 10 with two decimals, below 100 with one, else (and if whole) as `1,234` without any.
pub fn number(value: f64) -> String {
    if value.fract() == 0.0 || value.abs() >= 100.0 {
        let text = format!("{value:.0}");
        let (sign, digits) = text.strip_prefix('-').map_or(("", text.as_str()), |digits| ("-", digits));
        let groups: Vec<&str> =
            digits.as_bytes().rchunks(3).rev().map(|group| std::str::from_utf8(group).unwrap_or_default()).collect();
        return format!("{sign}{}", groups.join(","));
    }
    let digits = if value.abs() >= 10.0 { 1 } else { 2 };
    format!("{value:.digits$}")
}

/// Returns the median; of an even number of values, the upper of the two in the middle.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Formats the least and the greatest value as `least–greatest`.
pub fn range(values: &[f64]) -> String {
    let (least, most) =
        values.iter().fold((f64::MAX, f64::MIN), |(least, most), &value| (least.min(value), most.max(value)));
    format!("{}–{}", number(least), number(most))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_and_have_as_many_digits_as_mean_something() {
        for (value, text) in
            [(1_234_567.0, "1,234,567"), (0.734, "0.73"), (12.34, "12.3"), (999.6, "1,000"), (2.0, "2")]
        {
            assert_eq!(number(value), text);
        }
    }

    #[test]
    fn a_bound_holds_or_does_not() {
        let figure =
            |value, bound| Figure { what: String::new(), value, unit: "", bound: Some(bound), from: String::new() };
        assert!(figure(0.6, Bound::AtLeast(0.6)).is_reached() && !figure(0.59, Bound::AtLeast(0.6)).is_reached());
        assert!(figure(4.9, Bound::Under(5.0)).is_reached() && !figure(5.0, Bound::Under(5.0)).is_reached());
    }
}
