//! How a recording is cut into the equal records of EDF+: how many samples each holds, how long
//! it is, and which annotations it carries.
//!
//! A file of records holds a whole number of them, and nothing may be added to a recording: the
//! length of a record divides the recording. Its duration is a decimal of at most eight
//! characters (Kemp et al. 1992), from which readers compute the sample rate.

use super::annotations::MOST_RECORD_BYTES as MOST_ANNOTATION_BYTES;
use crate::base::without_controls;
use crate::recording::events::Event;

/// "It is recommended not to exceed 61440 bytes" (Kemp et al. 1992).
const USUAL_RECORD_BYTES: u64 = 61_440;
/// Records that every reader takes: EDFlib refuses longer ones.
pub(super) const COMMON_RECORD_BYTES: u64 = 10 * 1024 * 1024;
/// Records that are written at all: one is held in memory. MNE and edfio read them.
const MOST_RECORD_BYTES: u64 = 256 * 1024 * 1024;
/// What annotations may add to the samples before longer records are looked for.
const MOST_OVERHEAD: f64 = 0.1;
/// How far the rate that readers compute may be from the true one.
pub(super) const MOST_RATE_ERROR: f64 = 1e-6;
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

/// What records have to hold.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Content {
    /// Bytes of one sample of all channels.
    row_bytes: u64,
    /// Bytes of the longest list of annotations.
    longest: u64,
    /// Bytes of all of them.
    total: u64,
}

impl Content {
    /// Rows of `row_bytes` bytes, and the annotations `lists`.
    pub(super) fn new(row_bytes: u64, lists: &[Vec<u8>]) -> Self {
        let lengths = || lists.iter().map(|list| list.len() as u64);
        Self { row_bytes, longest: lengths().max().unwrap_or(0), total: lengths().sum() }
    }

    /// About the bytes of annotations in each of `count` records: its time, and its share.
    fn annotation_bytes(&self, count: u64) -> u64 {
        12 + self.longest.max(self.total.div_ceil(count))
    }

    /// No block of annotations is longer: with this room less than the longest list is left empty
    /// in each, and [`Annotations::new`] finds it in steps of an eighth.
    fn most_annotation_bytes(&self, count: u64) -> u64 {
        let enough = 24 + self.longest + self.total.div_ceil(count);
        enough + enough / 8 + 4
    }
}

impl Records {
    /// The records of `samples` samples per channel at `rate_hz` that hold `content`.
    ///
    /// Of the lengths whose duration gives back the rate exactly (or, where none does, comes
    /// closest to it) the one nearest to a second, within the usual size; a longer one where the
    /// annotations would otherwise weigh more than a tenth of the samples. Records that some
    /// readers refuse only where no others give the rate to [`MOST_RATE_ERROR`]. None when no
    /// length can be written.
    pub(super) fn choose(samples: u64, rate_hz: f64, content: &Content) -> Option<Self> {
        let mut best: Vec<Self> = divisors(samples)
            .into_iter()
            .filter_map(|length| Self::of(samples, length, rate_hz))
            .filter(|records| {
                records.can_hold(content) && records.error(rate_hz) <= MOST_RATE_ERROR
            })
            .collect();
        let common = |records: &Self| records.are_common(content);
        if best.iter().any(common) {
            best.retain(common);
        }
        let least = best.iter().map(|records| records.error(rate_hz)).min_by(f64::total_cmp)?;
        best.retain(|records| records.error(rate_hz) <= least);
        let light = |records: &Self| {
            let annotation_bytes = content.annotation_bytes(records.count);
            annotation_bytes as f64 <= MOST_OVERHEAD * (records.samples * content.row_bytes) as f64
        };
        if best.iter().any(light) {
            best.retain(light);
        }
        let usual = |records: &Self| records.samples * content.row_bytes <= USUAL_RECORD_BYTES;
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

    /// The number of samples nearest below `samples` that records for every reader can hold: of
    /// those with the exact rate, or else with nearly that.
    pub(super) fn fewer(samples: u64, rate_hz: f64, content: &Content) -> Option<u64> {
        let most = samples.min(COMMON_RECORD_BYTES / content.row_bytes);
        [0.0, MOST_RATE_ERROR].into_iter().find_map(|most_error| {
            (1..=most).find_map(|length| {
                let whole = samples - samples % length;
                let records = Self::of(whole, length, rate_hz)?;
                let good = records.are_common(content) && records.error(rate_hz) <= most_error;
                good.then_some(whole)
            })
        })
    }

    /// Whether every reader takes records of this size.
    pub(super) fn are_common(&self, content: &Content) -> bool {
        self.can_hold(content) && self.bytes(content) <= COMMON_RECORD_BYTES
    }

    /// Whether samples and annotations find room.
    fn can_hold(&self, content: &Content) -> bool {
        content.most_annotation_bytes(self.count) <= MOST_ANNOTATION_BYTES
            && self.bytes(content) <= MOST_RECORD_BYTES
    }

    /// Bytes of one record, at most.
    pub(super) fn bytes(&self, content: &Content) -> u64 {
        let samples = self.samples.saturating_mul(content.row_bytes);
        samples.saturating_add(content.most_annotation_bytes(self.count))
    }

    /// How far the rate that readers compute is from `rate_hz`, as a fraction of it.
    fn error(&self, rate_hz: f64) -> f64 {
        (self.rate_hz() / rate_hz - 1.0).abs()
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
    /// The annotations `lists` of a recording whose first sample stands `start_us` after the whole
    /// second that the header gives; `width` is a sample's in bytes.
    pub(super) fn new(lists: Vec<Vec<u8>>, records: &Records, start_us: u64, width: usize) -> Self {
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

/// The time-stamped lists of `events`, whose onsets count from `start_us` after the header's whole
/// second. Times are made `stretch` times as long: where readers compute another rate than the true
/// one, the true one over theirs keeps every event at its sample.
pub(super) fn lists(events: &[Event], start_us: u64, stretch: f64) -> Vec<Vec<u8>> {
    // To a nanosecond, as the reader has it; adding 0 makes a plain 0 of -0.
    let rounded = |seconds: f64| (seconds * 1e9).round() / 1e9 + 0.0;
    let list = |event: &Event| {
        let onset_s = rounded(event.onset_s * stretch + start_us as f64 * 1e-6);
        let mut text = if onset_s < 0.0 { format!("{onset_s}") } else { format!("+{onset_s}") };
        if let Some(duration_s) = event.duration_s {
            let duration_s =
                if stretch == 1.0 { duration_s } else { rounded(duration_s * stretch) };
            text.push_str(&format!("\u{15}{duration_s}"));
        }
        let label = without_controls(&event.label);
        let label = if label.trim().is_empty() { "n/a" } else { label.trim() };
        text.push_str(&format!("\u{14}{label}\u{14}\0"));
        text.into_bytes()
    };
    events.iter().map(list).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(samples: u64, rate_hz: f64, row_bytes: u64) -> (u64, u64, String) {
        let content = Content::new(row_bytes, &[]);
        let records = Records::choose(samples, rate_hz, &content).unwrap();
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
            let records = Records::choose(samples, rate_hz, &Content::new(2, &[])).unwrap();
            assert_eq!(records.rate_hz(), rate_hz, "{samples} at {rate_hz}");
        }
    }

    #[test]
    fn a_rate_without_a_short_decimal_comes_close() {
        let records = Records::choose(1001, 1000.0 / 3.0, &Content::new(2, &[])).unwrap();
        assert!((records.rate_hz() * 3.0 / 1000.0 - 1.0).abs() < 1e-6, "{records:?}");
    }

    #[test]
    fn lengths_without_a_suitable_divisor_keep_the_rate() {
        // 153607 and 1228837 are prime: one sample lasts 1/256 or 1/2048 s, which needs ten
        // decimals and more. 64 channels of two bytes: 19.7 and 157 MB in a single record.
        for (samples, rate_hz, fewer) in [(153_607, 256.0, 153_604), (1_228_837, 2048.0, 1_228_832)]
        {
            let content = Content::new(128, &[]);
            let records = Records::choose(samples, rate_hz, &content).unwrap();
            assert_eq!((records.samples, records.count), (samples, 1));
            assert!(records.error(rate_hz) <= 1e-6, "{}", records.rate_hz());
            assert!(!records.are_common(&content));
            assert_eq!(Records::fewer(samples, rate_hz, &content), Some(fewer));
            let records = Records::choose(fewer, rate_hz, &content).unwrap();
            assert!(records.are_common(&content) && records.rate_hz() == rate_hz);
            // 384 channels of three bytes: beyond what is held in memory at 2048 Hz.
            let content = Content::new(3 * 384, &[]);
            assert_eq!(Records::choose(samples, rate_hz, &content).is_some(), rate_hz == 256.0);
        }
        // A third of a second of 30 kHz is no decimal; a multiple of three samples is.
        let content = Content::new(2, &[]);
        assert_eq!(Records::choose(1000, 30_000.0, &content), None);
        assert_eq!(Records::fewer(1000, 30_000.0, &content), Some(999));
        assert!(Records::choose(999, 30_000.0, &content).is_some());
        for rate_hz in [512.1, 30_000.5, 1.0 / 3.0] {
            let records = Records::choose(153_607, rate_hz, &content).unwrap();
            assert!(records.error(rate_hz) <= 1e-6, "{rate_hz}: {records:?}");
        }
    }

    #[test]
    fn many_annotations_get_more_records() {
        // 10007 is prime: one record would hold 120000 annotations, which no reader takes.
        let events: Vec<Event> = (0..120_000)
            .map(|index| Event {
                onset_s: f64::from(index / 12) * 0.004,
                duration_s: Some(0.004),
                label: format!("Stimulus/S{index:7}"),
            })
            .collect();
        let lists = lists(&events, 0, 1.0);
        let content = Content::new(2, &lists);
        let records = Records::choose(10_007, 250.0, &content).unwrap();
        assert_eq!((records.samples, records.count), (1, 10_007));
        let annotations = Annotations::new(lists, &records, 0, 2);
        assert!(annotations.bytes as u64 <= content.most_annotation_bytes(records.count));
        // A sample at 256 Hz has no length of eight characters.
        assert_eq!(Records::choose(10_007, 256.0, &content), None);
        assert_eq!(Records::fewer(10_007, 256.0, &content), Some(10_004));
    }

    #[test]
    fn onsets_have_one_sign_and_stay_at_their_samples() {
        let event = |onset_s| Event { onset_s, duration_s: Some(0.5), label: "T".to_owned() };
        let text = |onset_s, stretch| {
            let list = lists(&[event(onset_s)], 0, stretch).remove(0);
            String::from_utf8(list).unwrap()
        };
        assert_eq!(text(-4e-11, 1.0), "+0\x150.5\x14T\x14\0");
        assert_eq!(text(-0.25, 1.0), "-0.25\x150.5\x14T\x14\0");
        assert_eq!(text(100.0, 1.000_001), "+100.0001\x150.5000005\x14T\x14\0");
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
        let mut annotations = Annotations::new(lists(&events, 250_000, 1.0), &records, 250_000, 2);
        let blocks: Vec<Vec<u8>> = (0..4).map(|index| annotations.block(index, &records)).collect();
        assert_eq!(annotations.next, events.len());
        assert!(blocks.iter().all(|block| block.len() == annotations.bytes));
        assert!(blocks[0].starts_with(b"+0.25\x14\x14\0+0.25\x150.5\x14T0\x14\0+0.29\x14T1\x14\0"));
        assert!(blocks[3].starts_with(b"+0.55\x14\x14\0"));
    }
}
