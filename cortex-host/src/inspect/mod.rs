//! Looking at a recording: shape, statistics, spectrum, digest, in one pass and in memory
//! that does not depend on its length.

pub mod known;
mod picture;

use std::fs::File;
use std::thread;

use serde::Serialize;

pub use known::{EventReport, UnitReport};
pub use picture::{html, svg};

use crate::base::Progress;
use crate::base::digest::sha256_of;
use crate::recording::events::Event;
use crate::recording::{DatasetError, Recording};
use crate::spectrum::{self, Density, Scratch, Welch};

/// Samples (of all channels) read at a time.
const TILE_SAMPLES: usize = 256 * 1024;
/// Most channels drawn, and columns of each drawn trace.
const TRACES: usize = 12;
const COLUMNS: usize = 1000;
/// Longest stretch drawn, in seconds.
const TRACE_S: f64 = 5.0;
/// Most events marked in it: more would hide the traces.
const MARKS: usize = 100;

/// What was found.
#[derive(Clone, Debug, schemars::JsonSchema, Serialize)]
pub struct Inspection {
    /// The file.
    pub file: String,
    /// Its format.
    pub format: String,
    /// Number of channels.
    pub channels: usize,
    /// Sample rate in Hz.
    pub sample_rate_hz: f64,
    /// Samples per channel.
    pub samples: u64,
    /// Length in seconds.
    pub duration_s: f64,
    /// Size of the file of samples in bytes.
    pub bytes: u64,
    /// SHA-256 of the file of samples, in lower-case hexadecimal.
    pub sha256: String,
    /// How the spectrum was taken; `None` for recordings too short for one.
    pub spectrum: Option<SpectrumInfo>,
    /// Each channel.
    pub channel_reports: Vec<ChannelReport>,
    /// What is known to happen, label by label; spikes are in `units`, where there are any.
    pub events: Vec<EventReport>,
    /// The units of the ground truth, from the table of spikes beside the file.
    pub units: Vec<UnitReport>,
    /// What to know about how the file was read.
    pub notes: Vec<String>,
    /// Onsets of the events within the drawn stretch, in seconds; none when they are too many.
    #[serde(skip)]
    onsets_s: Vec<f64>,
    #[serde(skip)]
    densities: Vec<Vec<(f64, f64)>>,
    #[serde(skip)]
    traces: Vec<Trace>,
}

/// How the spectrum was taken.
#[derive(Clone, Copy, Debug, PartialEq, schemars::JsonSchema, Serialize)]
pub struct SpectrumInfo {
    /// Samples per Welch segment.
    pub segment_samples: usize,
    /// Distance of two frequencies in Hz.
    pub resolution_hz: f64,
    /// Range of the slope's fit in Hz.
    pub fit_range_hz: (f64, f64),
}

/// One channel. Statistics are over finite samples; `None` when there is none.
#[derive(Clone, Debug, PartialEq, schemars::JsonSchema, Serialize)]
pub struct ChannelReport {
    /// Its name.
    pub name: String,
    /// Mean in µV.
    pub mean_uv: Option<f64>,
    /// Root of the mean square in µV, the mean included.
    pub rms_uv: Option<f64>,
    /// Least sample in µV.
    pub min_uv: Option<f32>,
    /// Greatest sample in µV.
    pub max_uv: Option<f32>,
    /// Samples that are no number.
    pub nan_count: u64,
    /// Samples that are infinite.
    pub infinite_count: u64,
    /// Exponent of the power law fitted to the density: -1 for pink noise.
    pub slope: Option<f64>,
    /// How far 50 Hz stands out of its neighbourhood, in dB.
    pub line_50_db: Option<f64>,
    /// The same for 60 Hz.
    pub line_60_db: Option<f64>,
}

/// The first seconds of a channel: least and greatest sample per column.
#[derive(Clone, Debug)]
struct Trace {
    channel: usize,
    columns: Vec<Option<(f32, f32)>>,
    seconds: f64,
}

/// Sums over one channel.
#[derive(Debug)]
struct Sums {
    sum: f64,
    squares: f64,
    finite: u64,
    nan: u64,
    infinite: u64,
    min: f32,
    max: f32,
    density: Density,
}

/// Reads `recording` to its end. The slope is fitted over `fit_range_hz`, by default from
/// 1 Hz (or twice the resolution) to 0.4 of the sample rate. `progress` is
/// told of the rows done.
///
/// # Errors
/// The file cannot be read, the fit range is empty, or `progress` is cancelled.
pub fn inspect(
    recording: &mut Recording,
    fit_range_hz: Option<(f64, f64)>,
    progress: &Progress,
) -> Result<Inspection, DatasetError> {
    let channels = recording.channels();
    let rate_hz = recording.sample_rate_hz;
    let welch = Welch::new(rate_hz, recording.samples, channels);
    let fit_range_hz = fit_range(welch.as_ref(), rate_hz, fit_range_hz)?;
    let mut sums: Vec<Sums> = (0..channels).map(|_| Sums::new()).collect();
    let mut traces = empty_traces(recording);
    let data_path = recording.data_path.clone();
    let file = File::open(&data_path).map_err(DatasetError::io("read", &data_path))?;
    let bytes = file.metadata().map_err(DatasetError::io("read", &data_path))?.len();

    let sha256 = thread::scope(|scope| {
        // The digest is of the file's own bytes, whatever its format: a reader of its own.
        let digest = scope.spawn(move || sha256_of(file));
        let mut rows = vec![0.0_f32; (TILE_SAMPLES / channels).max(1) * channels];
        let workers = thread::available_parallelism().map_or(1, |count| count.get()).min(4);
        let mut done = 0_u64;
        loop {
            let count = recording.read(&mut rows)?;
            if count == 0 {
                break;
            }
            let tile = rows.get(..count * channels).unwrap_or_default();
            take_tile(tile, channels, &mut sums, welch.as_ref(), workers);
            for trace in &mut traces {
                trace.take(tile, channels, done, rate_hz);
            }
            done += count as u64;
            progress.add(count as u64);
            if progress.is_cancelled() {
                return Err(DatasetError::Interrupted);
            }
        }
        match digest.join() {
            Ok(digest) => digest.map_err(DatasetError::io("read", &data_path)),
            Err(panic) => std::panic::resume_unwind(panic),
        }
    })?;

    let densities: Vec<Vec<(f64, f64)>> = sums
        .iter()
        .map(|sums| welch.as_ref().map_or_else(Vec::new, |welch| welch.density(&sums.density)))
        .collect();
    let reports = recording.channel_names.iter().zip(&sums).zip(&densities);
    let channel_reports =
        reports.map(|((name, sums), density)| sums.report(name, density, fit_range_hz)).collect();
    let mut notes = recording.notes.clone();
    let duration_s = recording.samples as f64 / rate_hz;
    let units = known::units_beside(&recording.path).unwrap_or_else(|problem| {
        notes.push(problem);
        known::Units::default()
    });
    let mut inspection = Inspection {
        file: data_path.display().to_string(),
        format: recording.format.to_string(),
        channels,
        sample_rate_hz: rate_hz,
        samples: recording.samples,
        duration_s,
        bytes,
        sha256,
        spectrum: welch.as_ref().zip(fit_range_hz).map(|(welch, fit_range_hz)| SpectrumInfo {
            segment_samples: welch.segment(),
            resolution_hz: welch.resolution_hz(),
            fit_range_hz,
        }),
        channel_reports,
        events: Vec::new(),
        units: Vec::new(),
        notes,
        onsets_s: Vec::new(),
        densities,
        traces,
    };
    inspection.know(&recording.events, &units);
    Ok(inspection)
}

impl Inspection {
    /// Takes what is known to happen in the recording.
    pub fn know(&mut self, events: &[Event], units: &known::Units) {
        let names: Vec<String> =
            self.channel_reports.iter().map(|channel| channel.name.clone()).collect();
        self.units = units.reports(&names, self.duration_s);
        self.events = known::events(events);
        let drawn =
            events.iter().map(|event| event.onset_s).filter(|at| (0.0..TRACE_S).contains(at));
        self.onsets_s = drawn.take(MARKS + 1).collect();
        if self.onsets_s.len() > MARKS {
            self.onsets_s.clear();
        }
        if !self.units.is_empty() {
            self.events.retain(|event| !event.label.starts_with("unit-"));
        }
    }
}

impl Sums {
    fn new() -> Self {
        Self {
            sum: 0.0,
            squares: 0.0,
            finite: 0,
            nan: 0,
            infinite: 0,
            min: f32::INFINITY,
            max: f32::NEG_INFINITY,
            density: Density::default(),
        }
    }

    fn take(&mut self, samples: &[f32]) {
        for sample in samples {
            if sample.is_finite() {
                let value = f64::from(*sample);
                self.sum += value;
                self.squares += value * value;
                self.finite += 1;
                self.min = self.min.min(*sample);
                self.max = self.max.max(*sample);
            } else if sample.is_nan() {
                self.nan += 1;
            } else {
                self.infinite += 1;
            }
        }
    }

    fn report(
        &self,
        name: &str,
        density: &[(f64, f64)],
        fit_range_hz: Option<(f64, f64)>,
    ) -> ChannelReport {
        let known = self.finite > 0;
        let count = self.finite as f64;
        ChannelReport {
            name: name.to_owned(),
            mean_uv: known.then(|| self.sum / count),
            rms_uv: known.then(|| (self.squares / count).sqrt()),
            min_uv: known.then_some(self.min),
            max_uv: known.then_some(self.max),
            nan_count: self.nan,
            infinite_count: self.infinite,
            slope: fit_range_hz.and_then(|range| spectrum::slope(density, range)),
            line_50_db: spectrum::line_peak_db(density, 50.0),
            line_60_db: spectrum::line_peak_db(density, 60.0),
        }
    }
}

impl Trace {
    fn take(&mut self, tile: &[f32], channels: usize, first_row: u64, rate_hz: f64) {
        let per_second = self.columns.len() as f64 / self.seconds;
        let samples = tile.iter().skip(self.channel).step_by(channels);
        for (row, sample) in (first_row..).zip(samples) {
            let column = (row as f64 / rate_hz * per_second) as usize;
            let Some(column) = self.columns.get_mut(column) else { break };
            if sample.is_finite() {
                let (low, high) = column.unwrap_or((*sample, *sample));
                *column = Some((low.min(*sample), high.max(*sample)));
            }
        }
    }
}

/// Up to a dozen channels, evenly spread over all.
fn empty_traces(recording: &Recording) -> Vec<Trace> {
    let channels = recording.channels();
    let shown = channels.min(TRACES);
    let seconds = (recording.samples as f64 / recording.sample_rate_hz).min(TRACE_S);
    let available = (seconds * recording.sample_rate_hz).ceil().max(1.0) as usize;
    (0..shown)
        .map(|index| Trace {
            channel: index * channels / shown,
            columns: vec![None; available.min(COLUMNS)],
            seconds,
        })
        .collect()
}

/// Adds a tile to all channels, the channels split between threads: each channel's sums stay
/// in the order of its samples, whatever the number of threads.
fn take_tile(
    tile: &[f32],
    channels: usize,
    sums: &mut [Sums],
    welch: Option<&Welch>,
    workers: usize,
) {
    // Even shares, so that pairs stay together.
    let share = channels.div_ceil(workers).next_multiple_of(2);
    thread::scope(|scope| {
        for (index, sums) in sums.chunks_mut(share).enumerate() {
            let first = index * share;
            let mut work = move || {
                let mut scratch = Scratch::default();
                let (mut a, mut b) = (Vec::new(), Vec::new());
                for (pair, sums) in sums.chunks_mut(2).enumerate() {
                    let channel = first + 2 * pair;
                    let column = |target: &mut Vec<f32>, channel: usize| {
                        target.clear();
                        target.extend(tile.iter().skip(channel).step_by(channels));
                    };
                    match sums {
                        [one, two] => {
                            column(&mut a, channel);
                            column(&mut b, channel + 1);
                            one.take(&a);
                            two.take(&b);
                            if let Some(welch) = welch {
                                welch.take(
                                    &mut scratch,
                                    (&mut one.density, &a),
                                    Some((&mut two.density, &b)),
                                );
                            }
                        }
                        [one] => {
                            column(&mut a, channel);
                            one.take(&a);
                            if let Some(welch) = welch {
                                welch.take(&mut scratch, (&mut one.density, &a), None);
                            }
                        }
                        _ => {}
                    }
                }
            };
            // The last share is done here; a single one needs no thread at all.
            if first + share >= channels {
                work();
            } else {
                scope.spawn(work);
            }
        }
    });
}

fn fit_range(
    welch: Option<&Welch>,
    rate_hz: f64,
    asked: Option<(f64, f64)>,
) -> Result<Option<(f64, f64)>, DatasetError> {
    let Some(welch) = welch else { return Ok(None) };
    let (low, high) = asked.unwrap_or(((2.0 * welch.resolution_hz()).max(1.0), 0.4 * rate_hz));
    let usable = low.is_finite() && high.is_finite() && low > 0.0 && low < high;
    if asked.is_some() && (!usable || high > rate_hz / 2.0) {
        return Err(DatasetError::Request(format!(
            "the fit range {low}:{high} Hz must begin above 0 and end at most at half the sample rate, {} Hz",
            rate_hz / 2.0
        )));
    }
    Ok(usable.then_some((low, high)))
}
