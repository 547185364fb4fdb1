//! How samples cross the link to a device, and whether results come back whole.

use cortex_core::link::Encoding;
use cortex_core::signal::Amplitude;

use super::{DatasetPlan, Transfer};
use crate::config::value::choice;
use crate::config::{At, Problem};
use crate::device::DeviceAddress;
use crate::synthetic::GeneratedDataset;

/// The greatest step of `i16` in either direction.
const MAX_STEPS: f64 = 32_767.0;
/// Bits of a code that `i16` holds.
const MAX_CODE_BITS: u32 = 16;
/// Full scale of noise over its RMS: a Gaussian sample lies beyond once in 10^15.
const NOISE_PEAK_PER_RMS: f64 = 8.0;

/// How input samples are sent to a device.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum SampleEncoding {
    /// As they are.
    F32,
    /// As whole multiples of a step, half the bytes; device and host both compute on these.
    I16 {
        /// The step in microvolts, 1e-12 to 1e12.
        scale_uv: f64,
    },
}

impl SampleEncoding {
    /// The spelling in configurations.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            SampleEncoding::F32 => "f32",
            SampleEncoding::I16 { .. } => "i16",
        }
    }

    /// The step in microvolts, when samples are rounded to one.
    #[must_use]
    pub fn scale_uv(self) -> Option<f64> {
        match self {
            SampleEncoding::F32 => None,
            SampleEncoding::I16 { scale_uv } => Some(scale_uv),
        }
    }

    /// The same as the link names it.
    #[must_use]
    pub fn on_the_link(self) -> Encoding {
        match self {
            SampleEncoding::F32 => Encoding::F32,
            SampleEncoding::I16 { scale_uv } => Encoding::I16 { scale_uv: scale_uv as f32 },
        }
    }
}

/// What a device sends back of each window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReturnedResults {
    /// Every output value, as it is.
    Samples,
    /// The output's digest, which the host compares with its own.
    Digests,
}

impl ReturnedResults {
    /// The spelling in configurations.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            ReturnedResults::Samples => "samples",
            ReturnedResults::Digests => "digests",
        }
    }

    /// The same as the link names it.
    #[must_use]
    pub fn on_the_link(self) -> Encoding {
        match self {
            ReturnedResults::Samples => Encoding::F32,
            ReturnedResults::Digests => Encoding::DigestOnly,
        }
    }
}

pub(super) fn plan_encoding(
    encoding: Option<&At<String>>,
    scale_uv: Option<At<f64>>,
    device: &DeviceAddress,
    transfer: Transfer,
    dataset: &DatasetPlan,
) -> Result<SampleEncoding, Problem> {
    let name = match encoding {
        None => "f32",
        Some(at) => choice("encoding", at, &["f32", "i16"], |name| name)?,
    };
    let Some(at) = encoding.filter(|_| name == "i16") else {
        return match scale_uv {
            None => Ok(SampleEncoding::F32),
            Some(scale) => {
                let message = "scale_uv is the step of encoding: i16; set that, or remove scale_uv";
                Err(Problem::at(scale.position, message))
            }
        };
    };
    let problem = |message: &str| Err(Problem::at(at.position, message));
    if *device == DeviceAddress::Native {
        return problem(
            "encoding: i16 is for a device behind a link, but device is native; use f32 or another device",
        );
    }
    if transfer == Transfer::Seeded {
        return problem(
            "encoding: i16 is about samples that cross the link, but with transfer: seeded none do; use f32 or transfer: streamed",
        );
    }
    let scale_uv = match (scale_uv, dataset) {
        (Some(scale), _) if (1e-12..=1e12).contains(&scale.value) => scale.value,
        (Some(scale), _) => {
            let message = format!(
                "scale_uv must be a number from 1e-12 to 1e12, in microvolts per step, but it is {}",
                scale.value
            );
            return Err(Problem::at(scale.position, message));
        }
        (None, DatasetPlan::Generated(dataset)) => scale_for(dataset),
        (None, DatasetPlan::Static(_)) => {
            return problem(
                "encoding: i16 of a recording needs scale_uv, since its amplitude is not known beforehand; set it to the largest sample in microvolts over 32767, or more (cortex-host inspect shows the range)",
            );
        }
    };
    Ok(SampleEncoding::I16 { scale_uv })
}

pub(super) fn plan_results(
    results: Option<&At<String>>,
    device: &DeviceAddress,
    include_raw_data: bool,
) -> Result<ReturnedResults, Problem> {
    let Some(at) = results else { return Ok(ReturnedResults::Samples) };
    let choices = [ReturnedResults::Samples, ReturnedResults::Digests];
    let results = choice("results", at, &choices, ReturnedResults::name)?;
    let message = match results {
        ReturnedResults::Digests if *device == DeviceAddress::Native => {
            "results: digests is for a device behind a link, but device is native; use samples or another device"
        }
        ReturnedResults::Digests if include_raw_data => {
            "results: digests sends no outputs back, but output.include_raw_data keeps them; use results: samples, or include_raw_data: false"
        }
        _ => return Ok(results),
    };
    Err(Problem::at(at.position, message))
}

/// The step of the dataset's own codes where they have no more bits than the link's: each crosses it
/// as it is. Else the smallest power of two of microvolts whose 32767 steps hold what `dataset` can make: with
/// a power of two every step is an exact `f32`.
fn scale_for(dataset: &GeneratedDataset) -> f64 {
    if let Some(converter) = dataset.spec.signal.front_end_params().map(|front| front.converter())
        && converter.bits <= MAX_CODE_BITS
    {
        return converter.step_uv;
    }
    let effects = &dataset.spec.effects;
    let signal_uv = match dataset.spec.signal.amplitude() {
        Amplitude::Peak(peak_uv) => peak_uv,
        Amplitude::Rms(rms_uv) => NOISE_PEAK_PER_RMS * rms_uv,
    };
    let hum_uv = effects.line_noise.map_or(0.0, |hum| hum.amplitude_uv);
    let sum_uv = signal_uv + hum_uv + effects.dc_offset_uv.abs();
    let full_scale_uv = effects.saturation_level_uv.map_or(sum_uv, |level| level.min(sum_uv));
    let mut scale_uv = 1.0;
    while scale_uv * MAX_STEPS < full_scale_uv {
        scale_uv *= 2.0;
    }
    while scale_uv * 0.5 * MAX_STEPS >= full_scale_uv {
        scale_uv *= 0.5;
    }
    scale_uv
}

#[cfg(test)]
mod tests {
    use cortex_core::signal::front_end::{Converter, ConverterName, FrontEndParams};
    use cortex_core::signal::{
        Effects, GeneratorVersion, Signal, SineWave, SourceSpec, SpikeParams, WhiteNoise,
    };

    use super::*;
    use crate::synthetic::Normalize;

    /// What crosses the link as `i16` is the converter's code, whatever it is; only the least of 16
    /// bits, which stands for a missing sample there, becomes the one above it.
    #[test]
    fn codes_cross_the_link_as_they_are() {
        for (converter, preset) in
            [(ConverterName::IntanRhd, Converter::INTAN_RHD), (ConverterName::N1, Converter::N1)]
        {
            let front_end = FrontEndParams { converter, ..FrontEndParams::default() };
            let params = SpikeParams { front_end: Some(front_end), ..SpikeParams::default() };
            let scale_uv = scale_for(&dataset(params.into(), Effects::NONE)) as f32;
            assert_eq!(scale_uv, preset.step_uv as f32);
            let (least, greatest) = preset.codes();
            for code in least..=greatest {
                let (sent, saturated) = Encoding::quantise(scale_uv, preset.microvolts(code));
                let lowest = code == -32_768;
                assert_eq!((i32::from(sent), saturated), (code + i32::from(lowest), lowest));
            }
        }
        // 24 bits do not fit: a power of two, as for any other signal.
        let front_end =
            FrontEndParams { converter: ConverterName::Ads1299, ..FrontEndParams::default() };
        let params = SpikeParams { front_end: Some(front_end), ..SpikeParams::default() };
        let scale_uv = scale_for(&dataset(params.into(), Effects::NONE));
        assert_eq!(scale_uv, scale_for(&dataset(SpikeParams::default().into(), Effects::NONE)));
    }

    fn dataset(signal: Signal, effects: Effects) -> GeneratedDataset {
        let mut spec = SourceSpec::new(GeneratorVersion::V2, signal, 160.0, 42);
        spec.effects = effects;
        GeneratedDataset {
            primitive: String::new(),
            version: GeneratorVersion::V2,
            spec,
            normalize: Normalize::None,
            signal_type: String::new(),
            duration_s: 1.0,
            channels: 1,
            samples: 160,
        }
    }

    #[test]
    fn the_scale_holds_the_signal_and_wastes_less_than_a_bit() {
        let scale = |signal, effects| scale_for(&dataset(signal, effects));
        let noise = |amplitude_uv_rms| Signal::WhiteNoise(WhiteNoise { amplitude_uv_rms });
        // 800 uV over 32767 is 0.0244 uV; the power of two above is 1/32.
        assert_eq!(scale(noise(100.0), Effects::NONE), 0.031_25);
        let sine = Signal::SineWave(SineWave { frequency_hz: 10.0, amplitude_uv_peak: 32_767.0 });
        assert_eq!(scale(sine, Effects::NONE), 1.0);
        let offset = Effects { dc_offset_uv: -1.0, ..Effects::NONE };
        assert_eq!(scale(sine, offset), 2.0);
        let clipped = Effects { saturation_level_uv: Some(500.0), ..Effects::NONE };
        assert_eq!(scale(noise(100.0), clipped), 0.015_625);
    }
}
