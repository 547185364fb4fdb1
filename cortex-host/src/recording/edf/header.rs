//! The fixed-width text header of EDF and BDF files.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use crate::recording::DatasetError;

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
}

/// One signal's header.
#[derive(Debug)]
pub struct Signal {
    /// Label without trailing blanks.
    pub label: String,
    /// Physical dimension (unit) without blanks.
    pub dimension: String,
    /// Least stored value.
    pub digital_min: f64,
    /// Greatest stored value.
    pub digital_max: f64,
    /// Samples per record.
    pub record_samples: u64,
    /// Where its samples begin in a record, in bytes.
    pub offset: u64,
    physical_min: Result<f64, String>,
    physical_max: Result<f64, String>,
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
        fields.take(80 + 80);
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
    #[must_use]
    pub fn start(&self, offset_s: f64) -> Option<String> {
        let mut date = self.start_date.split('.').map(|part| part.trim().parse::<i16>().ok());
        let (day, month, year) = (date.next()??, date.next()??, date.next()??);
        let mut time = self.start_time.split('.').map(|part| part.trim().parse::<i8>().ok());
        let (hour, minute, second) = (time.next()??, time.next()??, time.next()??);
        if !(0..100).contains(&year) {
            return None;
        }
        // The clipping year of EDF+: 85 to 99 are 1985 to 1999.
        let year = if year >= 85 { 1900 + year } else { 2000 + year };
        let (day, month) = (i8::try_from(day).ok()?, i8::try_from(month).ok()?);
        let moment = jiff::civil::DateTime::new(year, month, day, hour, minute, second, 0).ok()?;
        let offset_us = (offset_s * 1e6).round();
        let offset = jiff::SignedDuration::from_micros(offset_us as i64);
        let moment = moment.checked_add(offset).ok()?;
        Some(format!(
            "{:04}{:02}{:02}{:02}{:02}{:02}{:06}",
            moment.year(),
            moment.month(),
            moment.day(),
            moment.hour(),
            moment.minute(),
            moment.second(),
            moment.subsec_nanosecond() / 1000
        ))
    }
}

impl Signal {
    /// Whether the signal carries EDF+ or BDF+ annotations instead of samples.
    #[must_use]
    pub fn is_annotations(&self) -> bool {
        self.label == "EDF Annotations" || self.label == "BDF Annotations"
    }

    /// Checks that the four limits define a scaling and fit microvolts in `f32`.
    ///
    /// # Errors
    /// A limit is no number, or a range is empty or beyond all reason.
    pub fn check_scaling(&self, path: &Path) -> Result<(), DatasetError> {
        let bad = |problem: String| {
            DatasetError::format(path, format!("channel {}: {problem}", self.label))
        };
        let low = self.physical_min.clone().map_err(bad)?;
        let high = self.physical_max.clone().map_err(bad)?;
        if self.digital_min >= self.digital_max {
            return Err(bad(format!(
                "digital range {} to {} is empty",
                self.digital_min, self.digital_max
            )));
        }
        if low == high {
            return Err(bad(format!("physical range {low} to {high} is empty")));
        }
        let (gain, offset) = self.gain_and_offset();
        // A volt is 1e6 µV; stored numbers have at most 24 bits, f32 reaches 3.4e38.
        let sane = |value: f64| value.is_finite() && value.abs() < 1e24;
        if !(sane(gain) && sane(offset) && sane(low) && sane(high)) {
            return Err(bad(format!("physical range {low} to {high} cannot be scaled")));
        }
        if self.record_samples == 0 {
            return Err(bad("0 samples per record".into()));
        }
        Ok(())
    }

    /// `gain` and `offset` of the module's formula.
    #[must_use]
    pub fn gain_and_offset(&self) -> (f64, f64) {
        let low = self.physical_min.clone().unwrap_or(f64::NAN);
        let high = self.physical_max.clone().unwrap_or(f64::NAN);
        let gain = (high - low) / (self.digital_max - self.digital_min);
        (gain, high / gain - self.digital_max)
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
            digital_min: integer(digital_low, "digital minimum").map_err(named)? as f64,
            digital_max: integer(digital_high, "digital maximum").map_err(named)? as f64,
            record_samples,
            offset,
            physical_min: number(low, "physical minimum"),
            physical_max: number(high, "physical maximum"),
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

/// A field's text: one character per byte (ASCII by the standard, Latin-1 in the wild, which
/// is where a micro sign comes from), unless it is valid UTF-8; without surrounding blanks.
fn text(field: &[u8]) -> String {
    let text = match std::str::from_utf8(field) {
        Ok(text) => text.to_owned(),
        Err(_) => field.iter().map(|byte| char::from(*byte)).collect(),
    };
    text.trim_matches([' ', '\0']).to_owned()
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
