//! `dataset/spectrum.json`: the power spectral density of what the kernels were fed.
//!
//! Taken by `run` while it has the data, because generated data go when the run ends; the report
//! draws it and never reads a dataset.

use cortex_core::math;
use cortex_core::signal::Generator;
use serde::{Deserialize, Serialize};

use crate::harness::{SampleFile, SampleFileError};
use crate::spectrum::{Density, Scratch, Welch, grid, slope, thinned};

/// Where it lies in a run's folder.
pub const SPECTRUM_NAME: &str = "dataset/spectrum.json";

/// Most channels taken, evenly spread over all.
const MOST_CHANNELS: usize = 32;

/// Most samples taken per channel, from the start.
const MOST_ROWS: u64 = 1 << 16;

/// Most samples read, over all channels: what is read costs time even if it is not taken.
const MOST_SAMPLES: u64 = 1 << 24;

/// Rows read at a time.
const TILE_ROWS: usize = 1024;

/// A density over frequency, and how it was taken.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct InputSpectrum {
    /// Channels taken, evenly spread over all.
    pub channels: usize,
    /// Samples per channel taken, from the start of the data.
    pub samples: u64,
    /// Samples per Welch segment (Hann window, half overlapping, means removed).
    pub segment_samples: usize,
    /// Distance of two frequencies in Hz, before bins are drawn together.
    pub resolution_hz: f64,
    /// Range of the slope's fit in Hz.
    pub fit_range_hz: (f64, f64),
    /// Median over channels of the exponent of the power law that fits the density.
    pub slope: Option<f64>,
    /// One-sided density; bins are drawn together where they are dense over log frequency.
    pub points: Vec<SpectrumPoint>,
    /// What the density is compared with.
    pub reference: Option<ReferenceSpectrum>,
}

/// The density at one frequency, in µV²/Hz.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct SpectrumPoint {
    /// Frequency in Hz.
    pub frequency_hz: f64,
    /// Median over channels.
    pub median: f64,
    /// Least of the channels.
    pub min: f64,
    /// Greatest of the channels.
    pub max: f64,
}

/// A density to compare with.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReferenceSpectrum {
    /// What it is.
    pub kind: ReferenceKind,
    /// Frequency in Hz and one-sided density in µV²/Hz.
    pub points: Vec<(f64, f64)>,
}

/// Where a reference comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReferenceKind {
    /// The generator's own response, before effects: no fit is in it.
    Generator,
    /// 1/f at the level of the data.
    OneOverF,
}

impl InputSpectrum {
    /// The spectrum of up to 32 channels and 65,536 samples of each. `generator` is the
    /// one that made the data, if one did. `None` when there are fewer than 128 samples, or none
    /// but missing ones.
    ///
    /// # Errors
    /// [`SampleFileError`] when the data cannot be read.
    pub fn of(
        data: &mut SampleFile,
        sample_rate_hz: f64,
        generator: Option<&Generator>,
    ) -> Result<Option<Self>, SampleFileError> {
        let channels = data.channels();
        let taken = channels.min(MOST_CHANNELS);
        let samples = data.rows().min(MOST_ROWS).min(MOST_SAMPLES / channels.max(1) as u64);
        // Halved, so that a short recording gives three segments at least.
        let Some(welch) = Welch::new(sample_rate_hz, samples / 2, taken) else { return Ok(None) };
        let densities = densities(data, &welch, taken, samples)?;
        let curves: Vec<Vec<(f64, f64)>> = densities
            .iter()
            .map(|density| welch.density(density))
            .filter(|curve| !curve.is_empty())
            .collect();
        let resolution_hz = welch.resolution_hz();
        let fit_range_hz = ((2.0 * resolution_hz).max(1.0), 0.4 * sample_rate_hz);
        let points = points(&curves, welch.segment(), resolution_hz);
        if points.is_empty() {
            return Ok(None);
        }
        let mut slopes: Vec<f64> =
            curves.iter().filter_map(|curve| slope(curve, fit_range_hz)).collect();
        slopes.sort_by(f64::total_cmp);
        Ok(Some(Self {
            channels: taken,
            samples,
            segment_samples: welch.segment(),
            resolution_hz,
            fit_range_hz,
            slope: slopes.get(slopes.len() / 2).copied(),
            reference: match generator {
                Some(generator) => designed(generator, &points, sample_rate_hz),
                None => one_over_f(&points, fit_range_hz),
            },
            points,
        }))
    }

    /// The text of the file: one line of JSON.
    #[must_use]
    pub fn to_json(&self) -> String {
        // Plain data with string keys; numbers that are not finite were left out.
        let mut text = serde_json::to_string(self).unwrap_or_default();
        text.push('\n');
        text
    }
}

fn densities(
    data: &mut SampleFile,
    welch: &Welch,
    taken: usize,
    samples: u64,
) -> Result<Vec<Density>, SampleFileError> {
    let channels = data.channels();
    let mut densities: Vec<Density> = (0..taken).map(|_| Density::default()).collect();
    let mut scratch = Scratch::default();
    let (mut rows, mut a, mut b) = (Vec::new(), Vec::new(), Vec::new());
    let mut first_row = 0;
    while first_row < samples {
        let count = (samples - first_row).min(TILE_ROWS as u64);
        rows.resize(count as usize * channels, 0.0);
        data.read_rows(first_row, &mut rows)?;
        let column = |target: &mut Vec<f32>, index: usize| {
            target.clear();
            target.extend(rows.iter().skip(index * channels / taken).step_by(channels));
        };
        for (pair, densities) in densities.chunks_mut(2).enumerate() {
            column(&mut a, 2 * pair);
            match densities {
                [one, two] => {
                    column(&mut b, 2 * pair + 1);
                    welch.take(&mut scratch, (one, &a), Some((two, &b)));
                }
                [one] => welch.take(&mut scratch, (one, &a), None),
                _ => {}
            }
        }
        first_row += count;
    }
    Ok(densities)
}

/// Median and range over the channels, thinned over log frequency.
fn points(
    curves: &[Vec<(f64, f64)>],
    segment_samples: usize,
    resolution_hz: f64,
) -> Vec<SpectrumPoint> {
    let grid = grid(segment_samples / 2);
    let curves: Vec<Vec<f64>> = curves.iter().map(|curve| thinned(curve, &grid)).collect();
    let point = |(index, bins): (usize, &std::ops::Range<usize>)| {
        let mut values: Vec<f64> = curves
            .iter()
            .filter_map(|curve| curve.get(index).copied())
            .filter(|power| power.is_finite() && *power > 0.0)
            .collect();
        values.sort_by(f64::total_cmp);
        Some(SpectrumPoint {
            // The middle of the bins taken together; the first bin is at the resolution.
            frequency_hz: (bins.start + bins.end + 1) as f64 / 2.0 * resolution_hz,
            median: *values.get(values.len() / 2)?,
            min: *values.first()?,
            max: *values.last()?,
        })
    };
    grid.iter().enumerate().filter_map(point).collect()
}

/// The generator's one-sided density, 2 |H|² / rate.
fn designed(
    generator: &Generator,
    points: &[SpectrumPoint],
    sample_rate_hz: f64,
) -> Option<ReferenceSpectrum> {
    let curve: Option<Vec<(f64, f64)>> = points
        .iter()
        .map(|point| {
            let power = generator.power_response(point.frequency_hz)?;
            Some((point.frequency_hz, 2.0 * power / sample_rate_hz))
        })
        .collect();
    Some(ReferenceSpectrum { kind: ReferenceKind::Generator, points: curve? })
}

/// 1/f with the data's own level in the fit range: the mean of log(f · density).
fn one_over_f(points: &[SpectrumPoint], range_hz: (f64, f64)) -> Option<ReferenceSpectrum> {
    let inside = |point: &&SpectrumPoint| (range_hz.0..=range_hz.1).contains(&point.frequency_hz);
    let levels: Vec<f64> = points
        .iter()
        .filter(inside)
        .map(|point| math::log10(point.frequency_hz * point.median))
        .collect();
    if levels.is_empty() {
        return None;
    }
    let level = math::pow(10.0, levels.iter().sum::<f64>() / levels.len() as f64);
    let points = [range_hz.0, range_hz.1].map(|f| (f, level / f)).to_vec();
    Some(ReferenceSpectrum { kind: ReferenceKind::OneOverF, points })
}
