//! u-chart: events per unit with varying numbers of units, limits at three standard deviations of a Poisson count (D. C.
//! Montgomery, "Introduction to Statistical Quality Control"; NIST/SEMATECH e-Handbook of Statistical Methods, 6.3.3.1),
//! and two rules of the Western Electric "Statistical Quality Control Handbook" (1956) that signal points out of control.

use super::float;

/// Points in a row on one side of the centre that give a signal (rule 4).
const RUN: usize = 8;

/// Events counted over a number of units.
#[derive(Clone, Copy, Debug)]
pub struct Point {
    /// Number of events.
    pub count: i64,
    /// Number of units in which they could happen, e.g. thousands of contacts; not negative.
    pub units: f64,
}

impl Point {
    /// Events per unit; 0 without units.
    pub fn rate(&self) -> f64 {
        if self.units > 0.0 { float(self.count) / self.units } else { 0.0 }
    }
}

/// Centre of the chart, and lower and upper limit of each point.
#[derive(Debug)]
pub struct Chart {
    /// Events per unit over all points.
    pub centre: f64,
    /// Lower and upper limit of each point, in the points' order.
    pub limits: Vec<(f64, f64)>,
}

/// Rule by which a point gives a signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// Rule 1: a point beyond its limits.
    BeyondLimits,
    /// Rule 4: the eighth or a later point in a row on one side of the centre.
    EightOnOneSide,
}

/// Computes centre and limits. Points without units are left out of the centre.
///
/// centre = events / units; limits = centre ± 3·√(centre/units), not below 0.
pub fn chart(points: &[Point]) -> Chart {
    let units: f64 = points.iter().map(|point| point.units).sum();
    let events: i64 = points.iter().filter(|point| point.units > 0.0).map(|point| point.count).sum();
    let centre = if units > 0.0 { float(events) / units } else { 0.0 };
    let limits = |point: &Point| {
        let reach = if point.units > 0.0 { 3.0 * (centre / point.units).sqrt() } else { 0.0 };
        ((centre - reach).max(0.0), centre + reach)
    };
    Chart { centre, limits: points.iter().map(limits).collect() }
}

/// The signals of each point. A point without units gives none and ends a run; so does a point on the centre.
pub fn signals(points: &[Point], chart: &Chart) -> Vec<Vec<Rule>> {
    let mut run = (0.0_f64, 0);
    let signal = |(point, &(lower, upper)): (&Point, &(f64, f64))| {
        if point.units <= 0.0 {
            run = (0.0, 0);
            return Vec::new();
        }
        let rate = point.rate();
        let side = if rate > chart.centre {
            1.0
        } else if rate < chart.centre {
            -1.0
        } else {
            0.0
        };
        run = if side != 0.0 && (side - run.0).abs() < f64::EPSILON { (side, run.1 + 1) } else { (side, 1) };
        let mut rules = Vec::new();
        if rate > upper || rate < lower {
            rules.push(Rule::BeyondLimits);
        }
        if side != 0.0 && run.1 >= RUN {
            rules.push(Rule::EightOnOneSide);
        }
        rules
    };
    points.iter().zip(&chart.limits).map(signal).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn points(of: &[(i64, f64)]) -> Vec<Point> {
        of.iter().map(|&(count, units)| Point { count, units }).collect()
    }

    /// Montgomery's example of a u-chart with samples of different size: defects in dyed cloth, ten rolls, inspection units of
    /// 50 m². The book has ū = 153/107.5 = 1.42, and with that rounded, for a roll of 10 units, the limits 0.29 and 2.55.
    #[test]
    fn limits_are_those_of_the_published_example() {
        let cloth = [
            (14, 10.0),
            (12, 8.0),
            (20, 13.0),
            (11, 10.0),
            (7, 9.5),
            (10, 10.0),
            (21, 12.0),
            (16, 10.5),
            (19, 12.0),
            (23, 12.5),
        ];
        let chart = chart(&points(&cloth));
        assert!((chart.centre - 153.0 / 107.5).abs() < 1e-12);
        let (lower, upper) = chart.limits[0];
        assert!((lower - 0.29).abs() < 0.006 && (upper - 2.55).abs() < 0.006, "{lower} {upper}");
        assert!(signals(&points(&cloth), &chart).iter().all(Vec::is_empty), "the book finds it in control");
    }

    #[test]
    fn a_point_beyond_its_own_limits_stands_out_and_one_on_them_does_not() {
        // Centre 9 with one unit each: the limits are 0 and 18.
        let of = points(&[(9, 1.0), (18, 1.0), (0, 1.0), (9, 1.0)]);
        let chart = chart(&of);
        assert!((chart.centre - 9.0).abs() < 1e-12);
        assert!(signals(&of, &chart).iter().all(Vec::is_empty));
        let wide = Chart { limits: vec![(0.0, 17.9); 4], ..chart };
        assert_eq!(signals(&of, &wide)[1], [Rule::BeyondLimits]);
    }

    #[test]
    fn the_eighth_on_one_side_stands_out_and_so_do_those_after_it() {
        let mut of = points(&[(10, 1.0); 9]);
        of.extend(points(&[(4, 1.0); 9]));
        let chart = chart(&of);
        let signalled: Vec<usize> = signals(&of, &chart)
            .iter()
            .enumerate()
            .filter(|(_, rules)| rules.contains(&Rule::EightOnOneSide))
            .map(|(index, _)| index)
            .collect();
        assert_eq!(signalled, [7, 8, 16, 17]);
    }

    #[test]
    fn where_there_is_no_unit_nothing_is_said() {
        let of = points(&[(0, 0.0), (3, 0.0)]);
        let chart = chart(&of);
        assert!(chart.centre.abs() < f64::EPSILON && signals(&of, &chart).iter().all(Vec::is_empty));
        let of = points(&[(40, 0.0), (4, 1.0), (6, 1.0)]);
        assert!((super::chart(&of).centre - 5.0).abs() < 1e-12);
    }
}
