//! Draws the plots of the report as SVG.

use std::path::Path;

use plotters::prelude::*;

use crate::figures::{Latencies, Pair};

const OURS: RGBColor = RGBColor(0x1f, 0x77, 0xb4);
const THEIRS: RGBColor = RGBColor(0xbb, 0xbb, 0xbb);
const COLOURS: [RGBColor; 4] =
    [RGBColor(0x1f, 0x77, 0xb4), RGBColor(0xff, 0x7f, 0x0e), RGBColor(0x2c, 0xa0, 0x2c), RGBColor(0xd6, 0x27, 0x28)];

/// Draws the rates of the services and of pgbench side by side, in calls a second. The scale is logarithmic, since
/// reads and writes differ much.
pub fn rates(pairs: &[Pair], file: &Path) {
    draw(pairs, file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
}

fn draw(pairs: &[Pair], file: &Path) -> Result<(), Box<dyn std::error::Error>> {
    let root = SVGBackend::new(file, (760, 320)).into_drawing_area();
    root.fill(&WHITE)?;
    let most = pairs.iter().map(|pair| pair.ours.max(pair.pgbench)).fold(1.0, f64::max) * 1.5;
    let mut chart = ChartBuilder::on(&root)
        .caption("Calls a second, 32 callers", ("sans-serif", 16))
        .margin(10)
        .x_label_area_size(30)
        .y_label_area_size(70)
        .build_cartesian_2d(0.0..pairs.len() as f64, (100.0..most).log_scale())?;
    let name = |place: &f64| pairs.get(*place as usize).map_or(String::new(), |pair| pair.what.clone());
    chart
        .configure_mesh()
        .disable_x_mesh()
        .x_labels(pairs.len() * 2 + 1)
        .x_label_formatter(&|place| {
            if (place.fract() - 0.5).abs() < 0.01 { name(place) } else { String::new() }
        })
        .y_label_formatter(&|rate| crate::figures::number(*rate))
        .draw()?;
    for (label, colour, shift, rate) in [
        ("kefu", OURS, 0.15, (|pair: &Pair| pair.ours) as fn(&Pair) -> f64),
        ("pgbench", THEIRS, 0.5, |pair: &Pair| pair.pgbench),
    ] {
        let bars = pairs.iter().enumerate().map(|(place, pair)| {
            let left = place as f64 + shift;
            Rectangle::new([(left, 100.0), (left + 0.33, rate(pair))], colour.filled())
        });
        chart
            .draw_series(bars)?
            .label(label)
            .legend(move |(x, y)| Rectangle::new([(x, y - 5), (x + 12, y + 5)], colour.filled()));
    }
    chart
        .configure_series_labels()
        .border_style(BLACK)
        .background_style(WHITE)
        .position(SeriesLabelPosition::UpperLeft)
        .draw()?;
    root.present()?;
    Ok(())
}

/// Draws the latencies in milliseconds of up to four methods by percentile, from 0 % to 99.99 %.
pub fn latencies(rows: &[Latencies], file: &Path) {
    curves(rows, file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
}

fn curves(rows: &[Latencies], file: &Path) -> Result<(), Box<dyn std::error::Error>> {
    let root = SVGBackend::new(file, (760, 380)).into_drawing_area();
    root.fill(&WHITE)?;
    let shown: Vec<&Latencies> = rows.iter().filter(|row| row.load.contains("loop")).take(COLOURS.len()).collect();
    let most = shown.iter().map(|row| row.most).fold(1.0, f64::max) * 1.5;
    // Returns the x coordinate of a quantile: at x, one call in 10^x is slower.
    let rarity = |share: f64| -(1.0 - share).log10();
    let mut chart = ChartBuilder::on(&root)
        .caption("Latency in milliseconds by percentile", ("sans-serif", 16))
        .margin(10)
        .x_label_area_size(30)
        .y_label_area_size(60)
        .build_cartesian_2d(0.0..4.0, (0.1..most).log_scale())?;
    chart
        .configure_mesh()
        .x_labels(5)
        .x_label_formatter(&|rarity: &f64| format!("{} %", (1.0 - 0.1_f64.powf(*rarity)) * 100.0))
        .y_label_formatter(&|latency| format!("{latency}"))
        .draw()?;
    for (row, colour) in shown.into_iter().zip(COLOURS) {
        let points = row.curve.iter().map(|&(share, latency)| (rarity(share), latency.max(0.1)));
        chart
            .draw_series(LineSeries::new(points, colour.stroke_width(2)))?
            .label(format!("{}, {}", row.method, row.load))
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 12, y)], colour.stroke_width(2)));
    }
    chart
        .configure_series_labels()
        .border_style(BLACK)
        .background_style(WHITE)
        .position(SeriesLabelPosition::LowerRight)
        .draw()?;
    root.present()?;
    Ok(())
}
