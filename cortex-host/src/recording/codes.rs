//! A front end's codes: interleaved little-endian integers in two's complement, 16 or 24 bits wide,
//! and beside them a JSON file that says what a code is worth.
//!
//! The least number of the width stands for a sample that is missing (a lost packet), as it does on
//! the link to a device; a converter that goes down to it is written one step above.

use std::fs::File;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::claim::{Claim, agree};
use super::converter::Codes;
use super::layout::{Element, SampleScale, interleaved};
use super::plane_reader::PlaneReader;
use super::shape::name_of;
use super::stream::{Format, Level, Target, check_channels, chosen_channels};
use super::write::{commit, outdated, refuse};
use super::{Converted, DatasetError, OpenOptions, Recording, Unit, shape, tables};
use crate::base::atomic_file::{self, Staged};
use crate::base::digest::hex;
use crate::base::{Progress, printable};

/// Codes of up to 16 bits.
pub(super) static I16: Format = Format {
    name: "16-bit codes",
    kind: "codes of 16 bits",
    key: "i16",
    extensions: &["i16"],
    also: &[],
    begins: |_| false,
    rounds: false,
    open,
    write,
};

/// Codes of up to 24 bits.
pub(super) static I24: Format = Format {
    name: "24-bit codes",
    kind: "codes of 24 bits",
    key: "i24",
    extensions: &["i24"],
    also: &[],
    begins: |_| false,
    rounds: false,
    open,
    write,
};

/// The JSON file beside the codes.
#[derive(Debug, Serialize, Deserialize)]
struct Sidecar {
    /// NumPy's name of the numbers; `<i3` is not one of NumPy's, but says the same.
    dtype: String,
    channels: Vec<String>,
    samples: u64,
    sample_rate_hz: f64,
    #[serde(flatten)]
    codes: Codes,
    offset_uv: f64,
    missing_code: i32,
}

/// Bits of a number in a file of `format`.
fn width(format: &Format) -> u32 {
    if format == &I24 { 24 } else { 16 }
}

/// Whether files of `format` hold codes.
fn holds_codes(format: &Format) -> bool {
    format == &I16 || format == &I24
}

/// The number that stands for a missing sample.
fn missing_code(width: u32) -> i32 {
    -(1 << (width - 1))
}

/// Where the description of the codes `data` lies.
fn sidecar_path(data: &Path) -> PathBuf {
    let mut name = data.file_name().unwrap_or_default().to_owned();
    name.push(".json");
    data.with_file_name(name)
}

/// Refuses `format` for samples that are no codes, or wider ones, or when the description that
/// would lie beside `target` is there and may not be replaced; other formats hold any samples.
///
/// # Errors
/// What to do instead.
pub fn check_codes(
    format: &Format,
    codes: Option<&Codes>,
    target: &Path,
    replace: bool,
) -> Result<(), DatasetError> {
    if !holds_codes(format) {
        return Ok(());
    }
    let width = width(format);
    let problem = match codes {
        // Without it they would be read as float32.
        _ if target.extension().is_none() => {
            format!("codes are told by their name; end it in .{}", format.extension())
        }
        None => "codes are what a front end makes of microvolts, and these samples have none; \
                 generate them with --front-end-converter, or end the name in .float32"
            .to_owned(),
        Some(codes) if codes.bits > width => format!(
            "the codes have {} bits, but .{} holds {width}; end the name in .{}",
            codes.bits,
            format.extension(),
            I24.extension()
        ),
        Some(_) => return Ok(atomic_file::refuse_taken([&*sidecar_path(target)], replace)?),
    };
    Err(DatasetError::Request(format!("{}: {problem}", target.display())))
}

fn write(
    recording: &mut Recording,
    target: &Target<'_>,
    progress: &Progress,
) -> Result<Converted, DatasetError> {
    check_codes(target.format, recording.codes.as_ref(), target.path, target.replace)?;
    // There are some: it was checked.
    let codes = recording.codes.unwrap_or(Codes { bits: 2, gain: None, step_uv: 1.0 });
    let width = width(target.format);
    let sidecar = sidecar_path(target.path);
    let outdated = outdated(recording, target.path);
    let beside = outdated.iter().map(PathBuf::as_path);
    refuse(recording, target.replace, [target.path, &*sidecar].into_iter().chain(beside))?;
    let mut staged = Staged::create(target.path)?;
    let mut hasher = Sha256::new();
    let missing = missing_code(width);
    let mut encoder = Encoder { step_uv: codes.step_uv, missing, raised: 0 };
    let (mut bytes, mut done) = (Vec::new(), 0);
    recording.read_tiles(|samples, rows| {
        bytes.clear();
        for sample in samples.as_chunks::<4>().0 {
            let code = encoder.code(f32::from_le_bytes(*sample)).to_le_bytes();
            bytes.extend(code.iter().take(width as usize / 8));
        }
        hasher.update(&bytes);
        staged.put(&bytes)?;
        progress.add(rows - done);
        done = rows;
        if progress.is_cancelled() { Err(DatasetError::Interrupted) } else { Ok(()) }
    })?;
    let described = Sidecar {
        dtype: format!("<i{}", width / 8),
        channels: recording.channel_names.clone(),
        samples: done,
        sample_rate_hz: recording.sample_rate_hz,
        codes,
        offset_uv: 0.0,
        missing_code: missing,
    };
    let text = serde_json::to_string_pretty(&described)
        .map_err(|error| DatasetError::format(&sidecar, error.to_string()))?;
    let described = atomic_file::stage_text(&sidecar, &(text + "\n"))?;
    commit(target.path, &outdated, vec![described, staged])?;
    let mut warnings = Vec::new();
    if encoder.raised > 0 {
        warnings.push(format!(
            "{} samples at the converter's least code are written one step above it: {missing} \
             stands for a lost sample",
            encoder.raised
        ));
    }
    let bytes = done * recording.channels() as u64 * u64::from(width / 8);
    Ok(Converted::of(recording, target, bytes, hex(&hasher.finalize()), warnings))
}

/// Makes numbers of samples again.
struct Encoder {
    step_uv: f64,
    missing: i32,
    /// Codes that were the number for a missing sample.
    raised: u64,
}

impl Encoder {
    /// The code of a sample.
    ///
    /// A sample is its code c times the step s, rounded to `f32`: off by at most 2^-24 |c s|, which
    /// is less than s / 2 for |c| < 2^23, and exact at -2^23 s when that is a power of two. So the
    /// nearest whole number is the code.
    fn code(&mut self, sample_uv: f32) -> i32 {
        if sample_uv.is_nan() {
            return self.missing;
        }
        let code = (f64::from(sample_uv) / self.step_uv).round_ties_even() as i32;
        if code <= self.missing {
            self.raised += 1;
            return self.missing + 1;
        }
        code
    }
}

/// Opens codes as microvolts; what is missing is NaN.
///
/// # Errors
/// There is no description beside them, or it contradicts the file or the options.
fn open(path: &Path, options: &OpenOptions) -> Result<Recording, DatasetError> {
    let format: &'static Format = match path.extension() {
        Some(extension) if extension.eq_ignore_ascii_case(I24.extension()) => &I24,
        _ => &I16,
    };
    let width = width(format);
    let element = if width == 24 { Element::I24 } else { Element::I16 };
    let sidecar = sidecar_path(path);
    if !sidecar.is_file() {
        return Err(DatasetError::format(
            path,
            format!("there is no {} beside it, which says what a code is", name_of(&sidecar)),
        ));
    }
    let bad = |problem: String| DatasetError::format(&sidecar, problem);
    let text = std::fs::read_to_string(&sidecar).map_err(DatasetError::io("read", &sidecar))?;
    let Sidecar { dtype, channels, samples, sample_rate_hz, codes, offset_uv, missing_code } =
        serde_json::from_str(&text).map_err(|error| bad(printable(&error.to_string())))?;
    let numbers = format!("<i{}", width / 8);
    let rate_is_one = sample_rate_hz.is_finite() && sample_rate_hz > 0.0;
    let step_is_one = codes.step_uv.is_finite() && codes.step_uv > 0.0;
    for (holds, key) in [
        (dtype == numbers, "dtype"),
        (!channels.is_empty(), "channels"),
        (rate_is_one, "sample_rate_hz"),
        ((2..=width).contains(&codes.bits), "bits"),
        (step_is_one, "step_uv"),
        (offset_uv.is_finite(), "offset_uv"),
    ] {
        if !holds {
            let extension = format.extension();
            return Err(bad(format!("its {key} cannot be that of a .{extension} file")));
        }
    }
    check_channels(path, channels.len() as u64)?;
    let bytes = std::fs::metadata(path).map_err(DatasetError::io("read", path))?.len();
    let row_bytes = (element.bytes() * channels.len()) as u64;
    if samples.checked_mul(row_bytes) != Some(bytes) || samples == 0 {
        return Err(DatasetError::format(
            path,
            format!(
                "{bytes} bytes, but {} says {} channels × {samples} samples of {} bytes; the file \
                 is not whole",
                name_of(&sidecar),
                channels.len(),
                element.bytes()
            ),
        ));
    }
    let described = Claim {
        origin: name_of(&sidecar),
        channels: options.channels.is_none().then_some(channels.len()),
        sample_rate_hz: Some(sample_rate_hz),
        samples: Some(samples),
    };
    agree(path, [&options.claim(), &described].into_iter().chain(&shape::manifest_claim(path)?))?;
    let file = File::open(path).map_err(DatasetError::io("read", path))?;
    let mut layout = interleaved(0, channels.len(), samples, element, Unit::Microvolt);
    for plane in &mut layout.planes {
        plane.scale = SampleScale::Code {
            missing: f64::from(missing_code),
            step: codes.step_uv,
            offset: offset_uv,
        };
    }
    let (chosen, channel_names) = chosen_channels(path, options, &channels, channels.clone())?;
    layout.keep(&chosen);
    let mut notes = Vec::new();
    let events = tables::events_beside(path, &mut notes);
    Ok(Recording {
        path: path.to_owned(),
        data_path: path.to_owned(),
        sources: vec![path.to_owned(), sidecar],
        format,
        channel_names,
        sample_rate_hz,
        samples,
        start: None,
        keeps_events: events.is_some(),
        events: events.unwrap_or_default(),
        unit_assumed: false,
        notes,
        codes: (offset_uv == 0.0).then_some(codes),
        reader: PlaneReader::new(file, path, layout),
        option_source: options.option_source,
        level: Level::default(),
    })
}

#[cfg(test)]
mod tests {
    use cortex_core::signal::front_end::{Converter, ConverterName, FrontEndParams};

    use super::*;

    /// Every code of 10 and 16 bits, and those of 24 bits where a float has the fewest digits left.
    #[test]
    fn codes_come_back_from_microvolts() {
        let ends = (-8_388_608..-8_380_000).chain(-300..300).chain(8_380_000..8_388_608);
        let ads: Vec<i32> = ends.collect();
        for (converter, codes) in [
            (Converter::N1, (-512..512).collect()),
            (Converter::INTAN_RHD, (-32_768..32_768).collect()),
            (Converter::ads1299(24.0), ads.clone()),
            (Converter::ads1299(1.0), ads.clone()),
            (Converter { bits: 24, step_uv: 0.1, noise_uv_rms: 0.0 }, ads),
        ] {
            let mut encoder = Encoder { step_uv: converter.step_uv, missing: i32::MIN, raised: 0 };
            for code in codes {
                assert_eq!(encoder.code(converter.microvolts(code)), code, "{converter:?}");
            }
        }
    }

    #[test]
    fn missing_samples_have_a_number_of_their_own() {
        let mut encoder = Encoder { step_uv: 0.195, missing: -32_768, raised: 0 };
        assert_eq!(encoder.code(f32::NAN), -32_768);
        assert_eq!(encoder.raised, 0);
        assert_eq!(encoder.code(Converter::INTAN_RHD.microvolts(-32_768)), -32_767);
        assert_eq!(encoder.raised, 1);
    }

    #[test]
    fn only_a_settable_gain_is_told() {
        let of = |converter| Codes::of(&FrontEndParams { converter, ..FrontEndParams::default() });
        assert_eq!(of(ConverterName::Ads1299).gain, Some(24.0));
        assert_eq!(of(ConverterName::N1), Codes { bits: 10, gain: None, step_uv: 7.031_25 });
    }
}
