//! How a recording is cut into the equal records of EDF+: how many samples each holds, how long
//! it is, and which annotations it carries.
//!
//! A file of records holds a whole number of them, and nothing may be added to a recording: the
//! length of a record divides the recording. Its duration is a decimal of at most eight
//! characters (Kemp et al. 1992), from which readers compute the sample rate.

use crate::base::without_controls;
use crate::recording::events::Event;

/// "It is recommended not to exceed 61440 bytes" (Kemp et al. 1992).
const USUAL_RECORD_BYTES: u64 = 61_440;
/// Records that readers still take.
const MOST_RECORD_BYTES: u64 = 10 * 1024 * 1024;
/// What annotations may add to the samples before longer records are looked for.
const MOST_OVERHEAD: f64 = 0.1;
/// Numbers of records and of samples have eight digits.
const MOST_COUNT: u64 = 99_999_999;
/// Durations are counted in these.
const MICROSECONDS: u64 = 1_000_000;

/// How a recording is cut.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Records {
    /// Samples per channel in one record.
    pub samples: u64,
    /// Number of records.
    pub count: u64,
    /// Length of one record in µs.
    pub duration_us: u64,
}

impl Records {
    /// The records of `samples` samples per channel at `rate_hz`, where one sample of all channels
    /// takes `row_bytes` and the annotations of a record about `annotation_bytes`.
    ///
    /// Of the lengths whose duration gives back the rate exactly (or, where none does, comes
    /// closest to it) the one nearest to a second, within the usual size; a longer one where the
    /// annotations would otherwise weigh more than a tenth of the samples. None when no length can
    /// be written.
    pub(super) fn choose(
        samples: u64,
        rate_hz: f64,
        row_bytes: u64,
        annotation_bytes: u64,
    ) -> Option<Self> {
        let all: Vec<Self> = divisors(samples)
            .into_iter()
            .filter_map(|length| Self::of(samples, length, rate_hz))
            .filter(|records| {
                records.samples == 1 || records.samples * row_bytes <= MOST_RECORD_BYTES
            })
            .collect();
        let error = |records: &Self| (records.rate_hz() / rate_hz - 1.0).abs();
        let least = all.iter().map(error).min_by(f64::total_cmp)?;
        let mut best: Vec<Self> =
            all.into_iter().filter(|records| error(records) <= least).collect();
        let light = |records: &Self| {
            annotation_bytes as f64 <= MOST_OVERHEAD * (records.samples * row_bytes) as f64
        };
        if best.iter().any(light) {
            best.retain(light);
        }
        let usual = |records: &Self| records.samples * row_bytes <= USUAL_RECORD_BYTES;
        if best.iter().any(usual) {
            best.retain(usual);
            let off = |records: &Self| {
                let seconds = records.duration_us as f64 / MICROSECONDS as f64;
                seconds.max(seconds.recip())
            };
            return best.into_iter().min_by(|a, b| off(a).total_cmp(&off(b)));
        }
        best.into_iter().min_by_key(|records| records.samples)
    }

    fn of(samples: u64, length: u64, rate_hz: f64) -> Option<Self> {
        let duration_us = (length as f64 * MICROSECONDS as f64 / rate_hz).round();
        if !(1.0..1e14).contains(&duration_us) {
            return None;
        }
        // With a point in between, seven digits.
        let mut unit = 1.0;
        while seconds((duration_us / unit).round() as u64 * unit as u64).len() > 8 && unit < 1e6 {
            unit *= 10.0;
        }
        let duration_us = (duration_us / unit).round() * unit;
        let count = samples / length;
        let records = Self { samples: length, count, duration_us: duration_us as u64 };
        let written = count <= MOST_COUNT && length <= MOST_COUNT;
        (written && seconds(records.duration_us).len() <= 8).then_some(records)
    }

    /// The sample rate in Hz that a reader computes.
    pub(super) fn rate_hz(&self) -> f64 {
        // As the reader does: both products are whole, so only the division rounds.
        (self.samples * MICROSECONDS) as f64 / self.duration_us as f64
    }
}

/// All divisors of `number`, in no order.
fn divisors(number: u64) -> Vec<u64> {
    let mut found = Vec::new();
    let mut low = 1;
    while low * low <= number {
        if number.is_multiple_of(low) {
            found.push(low);
            if low * low != number {
                found.push(number / low);
            }
        }
        low += 1;
    }
    found
}

/// Microseconds as a decimal number of seconds without trailing zeros.
pub(super) fn seconds(us: u64) -> String {
    let (whole, fraction) = (us / MICROSECONDS, us % MICROSECONDS);
    if fraction == 0 {
        return whole.to_string();
    }
    format!("{whole}.{fraction:06}").trim_end_matches('0').to_owned()
}

/// The annotations of all records: one block of equal length for each.
///
/// Source: Kemp & Olivan 2003, section 2.2: `onset [0x15 duration] 0x14 text 0x14 0x00`, the
/// first list of a record with an empty text keeps its time. Events stand in order, from the
/// first record on, wherever there is room: so that a block is as short as it can be.
#[derive(Debug)]
pub(super) struct Annotations {
    /// Bytes of a block, a multiple of a sample's width.
    pub bytes: usize,
    lists: Vec<Vec<u8>>,
    next: usize,
    start_us: u64,
}

impl Annotations {
    /// The annotations of a recording whose first sample stands `start_us` after the whole second
    /// that the header gives; `width` is a sample's in bytes.
    pub(super) fn new(events: &[Event], records: &Records, start_us: u64, width: usize) -> Self {
        let lists: Vec<Vec<u8>> = events.iter().map(|event| list(event, start_us)).collect();
        // The last record's time is the longest, but for decimals that the others may have.
        let whole = (records.count * records.duration_us + start_us) / MICROSECONDS * MICROSECONDS;
        let decimals =
            [records.duration_us, start_us].map(|us| seconds(us % MICROSECONDS).len() - 1);
        let time = time_list(whole).len() + decimals.into_iter().max().unwrap_or(0);
        let longest = time + lists.iter().map(Vec::len).max().unwrap_or(0);
        let total: usize = lists.iter().map(Vec::len).sum();
        let share = time + total.div_ceil(usize::try_from(records.count).unwrap_or(usize::MAX));
        let mut bytes = longest.max(share).next_multiple_of(width);
        while !fit(&lists, records.count, bytes - time) {
            bytes = (bytes + bytes / 8 + 1).next_multiple_of(width);
        }
        Self { bytes, lists, next: 0, start_us }
    }

    /// The block of record `index`; to be asked for in order.
    pub(super) fn block(&mut self, index: u64, records: &Records) -> Vec<u8> {
        let mut block = time_list(index * records.duration_us + self.start_us);
        while let Some(list) = self.lists.get(self.next)
            && block.len() + list.len() <= self.bytes
        {
            block.extend_from_slice(list);
            self.next += 1;
        }
        block.resize(self.bytes, 0);
        block
    }
}

/// Whether all lists find room in `count` blocks of `room` bytes each.
fn fit(lists: &[Vec<u8>], count: u64, room: usize) -> bool {
    let (mut blocks, mut left) = (1_u64, room);
    for list in lists {
        if list.len() > left {
            blocks += 1;
            left = room;
        }
        left = left.saturating_sub(list.len());
    }
    blocks <= count
}

fn time_list(us: u64) -> Vec<u8> {
    format!("+{}\u{14}\u{14}\0", seconds(us)).into_bytes()
}

fn list(event: &Event, start_us: u64) -> Vec<u8> {
    // To a nanosecond, as the reader has it.
    let onset_s = ((event.onset_s + start_us as f64 * 1e-6) * 1e9).round() / 1e9;
    let mut text = if onset_s < 0.0 { format!("{onset_s}") } else { format!("+{onset_s}") };
    if let Some(duration_s) = event.duration_s {
        text.push_str(&format!("\u{15}{duration_s}"));
    }
    let label = without_controls(&event.label);
    let label = if label.trim().is_empty() { "n/a" } else { label.trim() };
    text.push_str(&format!("\u{14}{label}\u{14}\0"));
    text.into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(samples: u64, rate_hz: f64, row_bytes: u64) -> (u64, u64, String) {
        let records = Records::choose(samples, rate_hz, row_bytes, 16).unwrap();
        assert_eq!(records.samples * records.count, samples);
        (records.samples, records.count, seconds(records.duration_us))
    }

    #[test]
    fn records_divide_the_recording_and_give_the_rate_back() {
        assert_eq!(chosen(160 * 120, 160.0, 128), (160, 120, "1".to_owned()));
        // 1024 channels: a second is too large, 30 samples are the most within 61440 bytes that
        // divide the recording.
        assert_eq!(chosen(160 * 120, 160.0, 2048), (30, 640, "0.1875".to_owned()));
        // A prime number of samples: one by one beside many channels, all of them beside one.
        assert_eq!(chosen(10_007, 250.0, 2048), (1, 10_007, "0.004".to_owned()));
        assert_eq!(chosen(10_007, 250.0, 2), (10_007, 1, "40.028".to_owned()));
        // 3 samples at 30 kHz last 0.0001 s, one cannot be written exactly.
        assert_eq!(chosen(30_000, 30_000.0, 2), (30_000, 1, "1".to_owned()));
        for (samples, rate_hz) in [(25 * 1001, 24_414.062_5), (4096 * 7, 512.0), (77, 0.5)] {
            let records = Records::choose(samples, rate_hz, 2, 16).unwrap();
            assert_eq!(records.rate_hz(), rate_hz, "{samples} at {rate_hz}");
        }
    }

    #[test]
    fn a_rate_without_a_short_decimal_comes_close() {
        let records = Records::choose(1001, 1000.0 / 3.0, 2, 16).unwrap();
        assert!((records.rate_hz() * 3.0 / 1000.0 - 1.0).abs() < 1e-6, "{records:?}");
    }

    #[test]
    fn events_find_room_in_order() {
        let records = Records { samples: 10, count: 4, duration_us: 100_000 };
        let events: Vec<Event> = (0..9)
            .map(|index| Event {
                onset_s: f64::from(index) * 0.04,
                duration_s: (index % 2 == 0).then_some(0.5),
                label: format!("T{index}"),
            })
            .collect();
        let mut annotations = Annotations::new(&events, &records, 250_000, 2);
        let blocks: Vec<Vec<u8>> = (0..4).map(|index| annotations.block(index, &records)).collect();
        assert_eq!(annotations.next, events.len());
        assert!(blocks.iter().all(|block| block.len() == annotations.bytes));
        assert!(blocks[0].starts_with(b"+0.25\x14\x14\0+0.25\x150.5\x14T0\x14\0+0.29\x14T1\x14\0"));
        assert!(blocks[3].starts_with(b"+0.55\x14\x14\0"));
    }
}
