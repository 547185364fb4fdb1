//! The fixed-width text header of EDF and BDF files.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use crate::recording::DatasetError;
use crate::recording::encoding::decode;

/// Size of the file header, and of each signal's header, in bytes.
const BLOCK_BYTES: u64 = 256;

/// A checked header.
#[derive(Debug)]
pub struct Header {
    /// 24-bit samples (BDF) instead of 16.
    pub bdf: bool,
    /// The header says the recording has gaps (EDF+D, BDF+D).
    pub discontinuous: bool,
    /// Bytes before the first record.
    pub header_bytes: u64,
    /// Number of records; `None` where the header says -1.
    pub records: Option<u64>,
    /// Length of a record in seconds, finite and not negative.
    pub record_duration_s: f64,
    /// Bytes of one record, above 0.
    pub record_bytes: u64,
    /// All signals, annotations included.
    pub signals: Vec<Signal>,
    /// Numerator and denominator of the record duration, exact.
    duration: (u64, u64),
    start_date: String,
    start_time: String,
    /// The local recording identification, where EDF+ repeats the date with all digits of the year.
    recording: String,
}

/// One signal's header.
#[derive(Debug)]
pub struct Signal {
    /// Label without trailing blanks.
    pub label: String,
    /// Physical dimension (unit) without blanks.
    pub dimension: String,
    /// Samples per record.
    pub record_samples: u64,
    /// Where its samples begin in a record, in bytes.
    pub offset: u64,
    /// Limits as written: they mean nothing for annotations, and only those of chosen signals
    /// are looked at.
    physical: [Vec<u8>; 2],
    digital: [Vec<u8>; 2],
}

/// The four limits of a signal, checked.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scaling {
    /// Physical units per digital step.
    pub gain: f64,
    /// Added to a stored number before it is multiplied by the gain.
    pub offset: f64,
    /// Least and greatest stored number.
    pub digital_range: (f64, f64),
}

impl Header {
    /// Reads and checks the header at the start of `file`.
    ///
    /// # Errors
    /// The file ends early, or a field is not what the format demands.
    pub fn read(file: &mut File, path: &Path) -> Result<Self, DatasetError> {
        let bad = |problem: String| DatasetError::format(path, problem);
        let fixed = read_exactly(file, path, BLOCK_BYTES)?;
        let mut fields = Fields { bytes: &fixed };
        let version = fields.take(8);
        let bdf = version == b"\xffBIOSEMI";
        if !bdf && version.trim_ascii() != b"0" {
            return Err(bad(
                "not an EDF or BDF file: it begins with neither '0' nor BIOSEMI".into()
            ));
        }
        fields.take(80);
        let recording = text(fields.take(80));
        let start_date = text(fields.take(8));
        let start_time = text(fields.take(8));
        let header_bytes = integer(fields.take(8), "header size").map_err(bad)?;
        let reserved = text(fields.take(44));
        let records = integer(fields.take(8), "number of records").map_err(bad)?;
        let duration_field = fields.take(8);
        let duration = exact_decimal(duration_field).ok_or_else(|| {
            bad(format!("record duration '{}' is not a number of seconds", text(duration_field)))
        })?;
        let count = integer(fields.take(4), "number of signals").map_err(bad)?;
        let count = match u64::try_from(count) {
            Ok(count) if count > 0 => count,
            _ => return Err(bad(format!("the header promises {count} signals"))),
        };
        let expected = BLOCK_BYTES * (count + 1);
        if u64::try_from(header_bytes) != Ok(expected) {
            return Err(bad(format!(
                "the header says it has {header_bytes} bytes, but {count} signals need {expected}"
            )));
        }
        let records = match records {
            -1 => None,
            count => Some(
                u64::try_from(count)
                    .map_err(|_| bad(format!("the header promises {count} records")))?,
            ),
        };

        // At most 9999 signals (four characters), so 2.5 MB.
        let block = read_exactly(file, path, expected - BLOCK_BYTES)?;
        let signals = read_signals(&block, count as usize, bdf).map_err(bad)?;
        let record_bytes = signals
            .iter()
            .try_fold(0_u64, |sum, signal| {
                sum.checked_add(signal.record_samples.checked_mul(if bdf { 3 } else { 2 })?)
            })
            .filter(|bytes| *bytes > 0)
            .ok_or_else(|| bad("its records hold no samples".into()))?;
        Ok(Self {
            bdf,
            discontinuous: reserved.starts_with("EDF+D") || reserved.starts_with("BDF+D"),
            header_bytes: expected,
            records,
            record_duration_s: duration.0 as f64 / duration.1 as f64,
            record_bytes,
            signals,
            duration,
            start_date,
            start_time,
            recording,
        })
    }

    /// Sample rate in Hz of a signal with `record_samples` samples per record, correctly
    /// rounded from the exact decimal record duration.
    #[must_use]
    pub fn rate_of(&self, record_samples: u64) -> f64 {
        // Eight digits each: products stay below 2^53, so only the division rounds.
        (record_samples * self.duration.1) as f64 / self.duration.0 as f64
    }

    /// When the first sample was taken, as BrainVision writes it (20 digits), if the date
    /// and time fields are valid. `offset_s` is the first record's own onset.
    ///
    /// # Errors
    /// The fields as written, when there is something in them that is no date or time.
    pub fn start(&self, offset_s: f64) -> Result<Option<String>, String> {
        let moment = self.date().zip(clock_time(&self.start_time)).and_then(
            |((year, month, day), (hour, minute, second))| {
                let start =
                    jiff::civil::DateTime::new(year, month, day, hour, minute, second, 0).ok()?;
                let offset = jiff::SignedDuration::from_micros((offset_s * 1e6).round() as i64);
                start.checked_add(offset).ok()
            },
        );
        let written = format!("{} {}", self.start_date, self.start_time);
        let unknown = self.recording.split(' ').take(2).eq(["Startdate", "X"]);
        // Many writers leave the X beside a date that they know.
        if unknown && self.date() == Some((1985, 1, 1)) {
            return Ok(None);
        }
        match moment {
            Some(moment) => Ok(Some(moment.strftime("%Y%m%d%H%M%S%6f").to_string())),
            None if written.trim().is_empty() => Ok(None),
            None => Err(written),
        }
    }

    /// Year, month and day: those of the header, or where these are none those that EDF+ repeats
    /// in the recording's identification, `Startdate 01-FEB-2020`. `Startdate X` beside
    /// 01.01.85 is an unknown one.
    fn date(&self) -> Option<(i16, i8, i8)> {
        if let Some([day, month, year]) = three_numbers(&self.start_date) {
            // The clipping year of EDF+: 85 to 99 are 1985 to 1999.
            let year = match year {
                0..=84 => 2000 + year,
                85..=99 => 1900 + year,
                _ => return None,
            };
            return Some((year, i8::try_from(month).ok()?, i8::try_from(day).ok()?));
        }
        let date = self.recording.strip_prefix("Startdate ")?.split(' ').next()?;
        let mut parts = date.split('-');
        let day = parts.next()?.parse().ok()?;
        let month = parts.next()?.to_ascii_uppercase();
        let month = MONTHS.iter().position(|name| *name == month)? + 1;
        Some((parts.next()?.parse().ok()?, month as i8, day))
    }
}

/// Months as EDF+ abbreviates them.
pub(super) const MONTHS: [&str; 12] =
    ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];

fn clock_time(text: &str) -> Option<(i8, i8, i8)> {
    let [hour, minute, second] = three_numbers(text)?.map(|number| i8::try_from(number).ok());
    Some((hour?, minute?, second?))
}

/// `01.02.20` → 1, 2, 20. The standard separates by points; recorders also write colons, dashes,
/// slashes and blanks.
fn three_numbers(text: &str) -> Option<[i16; 3]> {
    let mut parts = text.split(|c: char| !c.is_alphanumeric()).filter(|part| !part.is_empty());
    let mut number = || parts.next()?.parse::<i16>().ok();
    let numbers = [number()?, number()?, number()?];
    parts.next().is_none().then_some(numbers)
}

impl Signal {
    /// Whether the signal carries EDF+ or BDF+ annotations instead of samples.
    #[must_use]
    pub fn is_annotations(&self) -> bool {
        self.label == "EDF Annotations" || self.label == "BDF Annotations"
    }

    /// The scaling that the four limits define. `choose` says how to take other channels.
    ///
    /// # Errors
    /// A limit is no number, a range is empty, or microvolts would not fit `f32`.
    pub fn scaling(&self, path: &Path, choose: &str) -> Result<Scaling, DatasetError> {
        let bad = |problem: String| {
            let label = &self.label;
            DatasetError::format(path, format!("channel {label}: {problem}; {choose} the others"))
        };
        let limits = |fields: &[Vec<u8>; 2], kind: &str| -> Result<(f64, f64), DatasetError> {
            let [low, high] = fields;
            let low = number(low, &format!("{kind} minimum")).map_err(bad)?;
            let high = number(high, &format!("{kind} maximum")).map_err(bad)?;
            if low == high {
                return Err(bad(format!("{kind} range {low} to {high} is empty")));
            }
            Ok((low, high))
        };
        let (low, high) = limits(&self.physical, "physical")?;
        let (least, greatest) = limits(&self.digital, "digital")?;
        let gain = (high - low) / (greatest - least);
        let offset = high / gain - greatest;
        // A volt is 1e6 µV; stored numbers have at most 24 bits, f32 reaches 3.4e38.
        let sane = |value: f64| value.is_finite() && value.abs() < 1e24;
        if !(sane(gain) && sane(offset) && sane(low) && sane(high)) {
            return Err(bad(format!("physical range {low} to {high} cannot be scaled")));
        }
        if self.record_samples == 0 {
            return Err(bad("0 samples per record".into()));
        }
        // Two points of one straight line, whichever is named first.
        let digital_range = (least.min(greatest), least.max(greatest));
        Ok(Scaling { gain, offset, digital_range })
    }
}

fn read_signals(block: &[u8], count: usize, bdf: bool) -> Result<Vec<Signal>, String> {
    let mut fields = Fields { bytes: block };
    let mut column = |width: usize| fields.take(width * count).chunks_exact(width);
    let labels = column(16);
    let _ = column(80);
    let dimensions = column(8);
    let physical_mins = column(8);
    let physical_maxs = column(8);
    let digital_mins = column(8);
    let digital_maxs = column(8);
    let _ = column(80);
    let samples = column(8);
    let rows = labels
        .zip(dimensions)
        .zip(physical_mins.zip(physical_maxs))
        .zip(digital_mins.zip(digital_maxs))
        .zip(samples);
    let mut signals = Vec::with_capacity(count);
    let mut offset = 0_u64;
    for ((((label, dimension), (low, high)), (digital_low, digital_high)), samples) in rows {
        let label = text(label);
        let named = |problem: String| format!("channel {label}: {problem}");
        let samples = integer(samples, "samples per record").map_err(named)?;
        let record_samples =
            u64::try_from(samples).map_err(|_| named(format!("{samples} samples per record")))?;
        signals.push(Signal {
            dimension: text(dimension),
            record_samples,
            offset,
            physical: [low.to_vec(), high.to_vec()],
            digital: [digital_low.to_vec(), digital_high.to_vec()],
            label,
        });
        offset += record_samples * if bdf { 3 } else { 2 };
    }
    Ok(signals)
}

/// Takes fixed-width fields from the front; past the end they are empty.
struct Fields<'a> {
    bytes: &'a [u8],
}

impl<'a> Fields<'a> {
    fn take(&mut self, width: usize) -> &'a [u8] {
        let (field, rest) = self.bytes.split_at_checked(width).unwrap_or((self.bytes, &[]));
        self.bytes = rest;
        field
    }
}

fn read_exactly(file: &mut File, path: &Path, bytes: u64) -> Result<Vec<u8>, DatasetError> {
    let mut buffer = Vec::new();
    file.take(bytes).read_to_end(&mut buffer).map_err(DatasetError::io("read", path))?;
    if (buffer.len() as u64) < bytes {
        return Err(DatasetError::format(path, "the file ends within its header"));
    }
    Ok(buffer)
}

/// A field's text without surrounding blanks: ASCII by the standard, other code pages in the wild,
/// which is where a micro sign comes from.
fn text(field: &[u8]) -> String {
    decode(field).0.trim_matches([' ', '\0']).to_owned()
}

fn integer(field: &[u8], what: &str) -> Result<i64, String> {
    let text = text(field);
    text.parse().map_err(|_| format!("{what} '{text}' is not a whole number"))
}

fn number(field: &[u8], what: &str) -> Result<f64, String> {
    let text = text(field);
    // A decimal comma is against the standard but met in the wild.
    match text.replace(',', ".").parse::<f64>() {
        Ok(value) if value.is_finite() => Ok(value),
        _ => Err(format!("{what} '{text}' is not a number")),
    }
}

/// A non-negative decimal of at most 8 characters as an exact fraction.
fn exact_decimal(field: &[u8]) -> Option<(u64, u64)> {
    let text = text(field).replace(',', ".");
    let text = text.strip_prefix('+').unwrap_or(&text);
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = format!("{whole}{fraction}");
    if digits.is_empty() || digits.len() > 8 || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    Some((digits.parse().ok()?, 10_u64.pow(fraction.len() as u32)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_exact_fractions() {
        assert_eq!(exact_decimal(b"1       "), Some((1, 1)));
        assert_eq!(exact_decimal(b"0.1     "), Some((1, 10)));
        assert_eq!(exact_decimal(b"0,25    "), Some((25, 100)));
        assert_eq!(exact_decimal(b"0"), Some((0, 1)));
        for bad in [&b"-1"[..], b"", b".", b"1e-3", b"nan", b"1.2.3"] {
            assert_eq!(exact_decimal(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn micro_signs_survive() {
        assert_eq!(text(b"\xb5V      "), "\u{b5}V");
        assert_eq!(text("µV".as_bytes()), "\u{b5}V");
    }
}
