//! A source as streams of the Lab Streaming Layer.

use std::time::Duration;

use hdrhistogram::Histogram;

use super::{Pacer, Source, chunk_samples};
use crate::base::{Failure, Level, Observer, Progress};
use crate::harness::{Clock as _, Monotonic};
use crate::platform::lsl::{Lsl, Outlet, StreamInfo};

/// How long a stream stays after its last sample, so that whoever receives it has everything.
const LINGER: Duration = Duration::from_secs(1);
/// Between two looks for somebody who receives.
const LOOK: Duration = Duration::from_millis(5);
/// A delay that no receiver with a buffer of its own would bridge.
const MUCH_TOO_LATE_NS: u64 = 100_000_000;

/// How a source is played.
#[derive(Clone, Debug, PartialEq)]
pub struct Streaming {
    /// The stream's name; the markers' is the same with `-markers`.
    pub name: String,
    /// What receivers look for: `EEG`.
    pub content_type: String,
    /// Whether events are a stream of their own.
    pub markers: bool,
    /// Whether to wait for a receiver of every stream before the first sample.
    pub wait: bool,
    /// Whether to begin again at the end, until it is stopped.
    pub repeat: bool,
}

/// What was played.
#[derive(Clone, Debug)]
pub struct Played {
    /// Samples per channel.
    pub samples: u64,
    /// Markers.
    pub markers: u64,
    /// From the first sample to the last, in seconds of the clock.
    pub duration_s: f64,
    /// By how much each chunk was sent too late, in nanoseconds.
    pub late_ns: Histogram<u64>,
    /// Whether it was stopped before the end.
    pub stopped: bool,
}

/// Plays `source` in real time: each sample is sent when it is due by the sample clock, with that time
/// as its time stamp. Samples that are late are sent all the same; none is left out.
///
/// # Errors
/// The samples cannot be read or generated, or liblsl refuses.
pub fn play(
    source: &mut Source,
    lsl: &Lsl,
    streaming: &Streaming,
    observer: &dyn Observer,
    progress: &Progress,
) -> Result<Played, Failure> {
    let refused =
        |sentence: String| Failure::input_output(format!("{}: {sentence}", streaming.name));
    let (rate_hz, channels) = (source.sample_rate_hz, source.channels());
    let source_id = format!("cortex-host:{}:{channels}:{rate_hz}", streaming.name);
    let info = StreamInfo {
        name: &streaming.name,
        content_type: &streaming.content_type,
        source_id: &source_id,
        labels: &source.channel_names,
        sample_rate_hz: rate_hz,
    };
    let mut samples = Outlet::new(lsl, &info).map_err(refused)?;
    let events: Vec<(u64, String)> = source
        .events
        .iter()
        .map(|event| ((event.onset_s * rate_hz).round(), &event.label))
        // A negative or huge number saturates in the cast.
        .filter(|(sample, _)| *sample >= 0.0 && (*sample as u64) < source.samples)
        .map(|(sample, label)| (sample as u64, label.clone()))
        .collect();
    let (name, id) = (format!("{}-markers", streaming.name), format!("{source_id}:markers"));
    let mut markers = match streaming.markers && !events.is_empty() {
        false => None,
        true => {
            let (content_type, labels) = ("Markers", &[][..]);
            let info = StreamInfo { name: &name, content_type, source_id: &id, labels, ..info };
            Some(Outlet::new(lsl, &info).map_err(refused)?)
        }
    };
    let and_markers = if markers.is_some() { format!(" and {name}") } else { String::new() };
    observer.message(
        Level::Info,
        &format!(
            "Streaming {}{and_markers} with liblsl {}: {channels}ch at {rate_hz} Hz",
            streaming.name,
            lsl.version()
        ),
    );

    let mut played = Played {
        samples: 0,
        markers: 0,
        duration_s: 0.0,
        late_ns: Histogram::new(3).map_err(|error| Failure::input_output(error.to_string()))?,
        stopped: false,
    };
    // Ready before the clock starts.
    let mut rows = source.next_rows()?;
    if streaming.wait {
        observer.message(Level::Info, "Waiting for a receiver...");
        let ready = |markers: &Option<Outlet>| {
            samples.has_consumers() && markers.as_ref().is_none_or(Outlet::has_consumers)
        };
        while !ready(&markers) {
            std::thread::sleep(LOOK);
            if progress.is_cancelled() {
                return Ok(Played { stopped: true, ..played });
            }
        }
    }
    let chunk = chunk_samples(rate_hz) * channels;
    let start_s = lsl.clock_s();
    let pacer = Pacer::start(Monotonic, rate_hz);
    let time_s = |sample: u64| start_s + sample as f64 / rate_hz;
    let mut step = observer.step(progress, "Streaming", source.samples);
    loop {
        let begin = played.samples;
        let mut next = events.iter().peekable();
        while let Some(block) = rows {
            for piece in block.chunks(chunk) {
                let count = (piece.len() / channels) as u64;
                let last = played.samples + count - 1;
                let Some(late_ns) = pacer.wait_for(last, progress) else {
                    return Ok(Played { stopped: true, ..played });
                };
                samples.push_rows(piece, time_s(last)).map_err(refused)?;
                while let Some((sample, label)) = next.next_if(|(at, _)| begin + at <= last) {
                    if let Some(markers) = &mut markers {
                        markers.push_text(label, time_s(begin + sample)).map_err(refused)?;
                        played.markers += 1;
                    }
                }
                played.samples += count;
                played.duration_s = last as f64 / rate_hz + late_ns as f64 * 1e-9;
                played.late_ns.saturating_record(late_ns);
                step.add(count);
            }
            rows = source.next_rows()?;
        }
        if !streaming.repeat {
            break;
        }
        source.rewind();
        rows = source.next_rows()?;
        drop(step);
        step = observer.step(progress, "Streaming", source.samples);
    }
    drop(step);
    let much = played.late_ns.max();
    if much > MUCH_TOO_LATE_NS {
        observer.message(
            Level::Warning,
            &format!(
                "samples were sent up to {:.0} ms too late: this machine cannot keep up, or was busy",
                much as f64 * 1e-6
            ),
        );
    }
    if samples.has_consumers() {
        let end_ns = Monotonic.now_ns() + LINGER.as_nanos() as u64;
        Monotonic.wait_until(end_ns, progress);
    }
    Ok(played)
}
