//! Plots, as SVG, so that they are text and need no font or library to be made.

use std::path::Path;

use plotters::prelude::*;

use super::rounds::{Figure, Series};
use crate::{TaskResult, load::QUANTILES};

const SIZE: (u32, u32) = (760, 380);
const COLOURS: [RGBColor; 4] = [
    RGBColor(0x1f, 0x6f, 0xb4),
    RGBColor(0x2c, 0x9a, 0x4b),
    RGBColor(0x8a, 0x8a, 0x8a),
    RGBColor(0xd9, 0x7b, 0x1c),
];

/// One bar for each series, as high as its median, with a line from its lowest to its highest round.
pub(crate) fn bars(file: &Path, title: &str, unit: &str, all: &[Series]) -> TaskResult {
    let figures: Vec<(&str, Figure)> = all
        .iter()
        .filter_map(|series| Some((series.name, Figure::of(&series.values)?)))
        .collect();
    let top = figures.iter().map(|(_, figure)| figure.highest).fold(1.0, f64::max) * 1.1;
    let count = i32::try_from(figures.len()).unwrap_or(i32::MAX);
    let draw = || -> Result<(), Box<dyn std::error::Error>> {
        let area = SVGBackend::new(file, SIZE).into_drawing_area();
        area.fill(&WHITE)?;
        let mut chart = ChartBuilder::on(&area)
            .caption(title, ("sans-serif", 18))
            .margin(12)
            .x_label_area_size(32)
            .y_label_area_size(72)
            .build_cartesian_2d((0..count - 1).into_segmented(), 0.0..top)?;
        chart
            .configure_mesh()
            .disable_x_mesh()
            .y_desc(unit)
            .x_label_formatter(&|at| match at {
                SegmentValue::CenterOf(at) => usize::try_from(*at)
                    .ok()
                    .and_then(|at| figures.get(at))
                    .map_or_else(String::new, |(name, _)| (*name).to_owned()),
                SegmentValue::Exact(_) | SegmentValue::Last => String::new(),
            })
            .draw()?;
        for (at, (_, figure)) in (0..count).zip(&figures) {
            let colour = COLOURS[usize::try_from(at)? % COLOURS.len()];
            let mut bar = Rectangle::new(
                [
                    (SegmentValue::Exact(at), 0.0),
                    (SegmentValue::Exact(at + 1), figure.median),
                ],
                colour.filled(),
            );
            bar.set_margin(0, 0, 40, 40);
            chart.draw_series([bar])?;
            chart.draw_series([PathElement::new(
                vec![
                    (SegmentValue::CenterOf(at), figure.lowest),
                    (SegmentValue::CenterOf(at), figure.highest),
                ],
                BLACK.stroke_width(2),
            )])?;
        }
        area.present()?;
        Ok(())
    };
    draw().map_err(|error| format!("{} cannot be drawn: {error}", file.display()))
}

/// Latencies in microseconds at [`QUANTILES`], a line for each server, both axes logarithmic.
pub(crate) fn latencies(file: &Path, title: &str, lines: &[(&str, Vec<f64>)]) -> TaskResult {
    let values = || lines.iter().flat_map(|(_, values)| values.iter().copied());
    let (bottom, top) = (
        values().fold(f64::MAX, f64::min) * 0.8,
        values().fold(1.0, f64::max) * 1.3,
    );
    // One in how many requests is slower.
    let odds: Vec<f64> = QUANTILES.iter().map(|quantile| 1.0 / (1.0 - quantile)).collect();
    let most = odds.iter().copied().fold(1.0, f64::max);
    let draw = || -> Result<(), Box<dyn std::error::Error>> {
        let area = SVGBackend::new(file, SIZE).into_drawing_area();
        area.fill(&WHITE)?;
        let mut chart = ChartBuilder::on(&area)
            .caption(title, ("sans-serif", 18))
            .margin(12)
            .x_label_area_size(40)
            .y_label_area_size(72)
            .build_cartesian_2d((2.0..most).log_scale(), (bottom..top).log_scale())?;
        chart
            .configure_mesh()
            .x_desc("percentile")
            .y_desc("µs from when the request was due")
            .x_label_formatter(&|odds| {
                let percent = 100.0 * (1.0 - 1.0 / odds);
                let text = format!("{percent:.2}");
                text.trim_end_matches('0').trim_end_matches('.').to_owned()
            })
            .draw()?;
        for (at, (name, values)) in lines.iter().enumerate() {
            let colour = COLOURS[at % COLOURS.len()];
            let points = odds.iter().copied().zip(values.iter().copied());
            chart
                .draw_series(LineSeries::new(points, colour.stroke_width(2)))?
                .label(*name)
                .legend(move |(x, y)| PathElement::new(vec![(x, y), (x + 20, y)], colour.stroke_width(2)));
        }
        chart
            .configure_series_labels()
            .position(SeriesLabelPosition::UpperLeft)
            .background_style(WHITE.mix(0.8))
            .border_style(BLACK)
            .draw()?;
        area.present()?;
        Ok(())
    };
    draw().map_err(|error| format!("{} cannot be drawn: {error}", file.display()))
}
