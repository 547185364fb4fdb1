//! What is read off a density: its slope, mains lines, and fewer points for drawing.

use std::ops::Range;

use cortex_core::math;

/// Most points of a drawn density, spread evenly over log frequency.
const POINTS: usize = 240;

/// Exponent of a power law fitted to a density between two frequencies: least squares on
/// `log10 density` against `log10 frequency`.
///
/// Each quarter octave counts once (the mean of its logarithms), so that the many bins of the
/// upper octaves do not outweigh the lower ones. Bins within 1.5 Hz of multiples of 50 and 60 Hz
/// are left out. `None` with fewer than three such bands.
#[must_use]
pub fn slope(density: &[(f64, f64)], range_hz: (f64, f64)) -> Option<f64> {
    let mut bands: Vec<(f64, f64)> = Vec::new();
    let mut band = (0.0, 0.0, 0_u32);
    let mut band_index = i64::MIN;
    let mut close = |band: (f64, f64, u32)| {
        if band.2 > 0 {
            bands.push((band.0 / f64::from(band.2), band.1 / f64::from(band.2)));
        }
    };
    for (frequency, power) in density {
        let inside = (range_hz.0..=range_hz.1).contains(frequency);
        if !inside || *power <= 0.0 || near_line(*frequency) {
            continue;
        }
        let x = math::log10(*frequency);
        // log10(2) / 4 to the quarter octave.
        let index = ((x - math::log10(range_hz.0)) / 0.075_257_498_915_995_3).floor() as i64;
        if index != band_index {
            close(band);
            band = (0.0, 0.0, 0);
            band_index = index;
        }
        band = (band.0 + x, band.1 + math::log10(*power), band.2 + 1);
    }
    close(band);
    if bands.len() < 3 {
        return None;
    }
    let count = bands.len() as f64;
    let mean_x = bands.iter().map(|(x, _)| x).sum::<f64>() / count;
    let mean_y = bands.iter().map(|(_, y)| y).sum::<f64>() / count;
    let covariance: f64 = bands.iter().map(|(x, y)| (x - mean_x) * (y - mean_y)).sum();
    let variance: f64 = bands.iter().map(|(x, _)| (x - mean_x) * (x - mean_x)).sum();
    Some(covariance / variance)
}

/// How far mains interference at `line_hz` stands out, in dB: the greatest density within
/// 1 Hz over the median of the bins 2 to 6 Hz away. `None` where the resolution is coarser
/// than 1 Hz or the neighbourhood is not there.
#[must_use]
pub fn line_peak_db(density: &[(f64, f64)], line_hz: f64) -> Option<f64> {
    let resolution = density.first()?.0;
    let last = density.last()?.0;
    if resolution > 1.0 || line_hz + 6.0 > last || line_hz < 7.0 {
        return None;
    }
    let away = |frequency: f64| (frequency - line_hz).abs();
    let peak = density
        .iter()
        .filter(|(f, _)| away(*f) <= 1.0)
        .fold(0.0_f64, |peak, (_, power)| peak.max(*power));
    let mut floor: Vec<f64> =
        density.iter().filter(|(f, _)| (2.0..=6.0).contains(&away(*f))).map(|(_, p)| *p).collect();
    floor.sort_by(f64::total_cmp);
    let floor = floor.get(floor.len() / 2).copied()?;
    (peak > 0.0 && floor > 0.0).then(|| 10.0 * math::log10(peak / floor))
}

/// Whether a frequency is within 1.5 Hz of a multiple of 50 or 60 Hz.
fn near_line(frequency: f64) -> bool {
    [50.0, 60.0].into_iter().any(|line| {
        let order = (frequency / line).round();
        order >= 1.0 && (frequency - order * line).abs() < 1.5
    })
}

/// Which of `bins` bins make up each drawn point: single bins where they are sparse over log
/// frequency, more and more of them above.
pub(crate) fn grid(bins: usize) -> Vec<Range<usize>> {
    let mut grid = Vec::new();
    let mut start = 0;
    for point in 1..=POINTS {
        let end = math::pow(bins as f64, point as f64 / POINTS as f64).round() as usize;
        if end > start {
            grid.push(start..end);
            start = end;
        }
    }
    grid
}

/// The mean density of each group of bins.
pub(crate) fn thinned(density: &[(f64, f64)], grid: &[Range<usize>]) -> Vec<f64> {
    grid.iter()
        .map(|bins| {
            let near = density.get(bins.clone()).unwrap_or_default();
            near.iter().map(|(_, power)| power).sum::<f64>() / near.len().max(1) as f64
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exact_power_law_has_its_exponent() {
        let density: Vec<(f64, f64)> =
            (1..2000).map(|k| f64::from(k) * 0.1).map(|f| (f, math::pow(f, -1.3))).collect();
        let slope = slope(&density, (1.0, 100.0)).unwrap();
        assert!((slope + 1.3).abs() < 1e-9, "{slope}");
        // Flat here: the peak at 50 Hz is 10 dB above its neighbours.
        let flat: Vec<(f64, f64)> = (1..400)
            .map(|k| f64::from(k) * 0.25)
            .map(|f| (f, if f == 50.0 { 10.0 } else { 1.0 }))
            .collect();
        assert!((line_peak_db(&flat, 50.0).unwrap() - 10.0).abs() < 1e-12);
        assert_eq!(line_peak_db(&flat, 60.0), Some(0.0));
        assert_eq!(line_peak_db(&flat, 95.0), None);
    }
}
