//! A dataset's parameters written out, for manifests and resolved configurations.

use cortex_core::signal::{Effects, Signal, Sweep};

use super::{GeneratedDataset, Normalize};
use crate::config::{Entry, Node, Position, Value};

/// The parameters that make `dataset`, by the names that configurations and manifests use: every
/// default of the signal written out, without the duration.
#[must_use]
pub fn parameters(dataset: &GeneratedDataset) -> Vec<(&'static str, Value)> {
    let spec = &dataset.spec;
    let number = Value::Float;
    let (name, own): (_, Vec<(&'static str, Value)>) = match spec.signal {
        Signal::SineWave { frequency_hz, amplitude_uv_peak } => (
            "sine_wave",
            vec![
                ("frequency_hz", number(frequency_hz)),
                ("amplitude_uv_peak", number(amplitude_uv_peak)),
            ],
        ),
        Signal::PinkNoise { amplitude_uv_rms, low_corner_hz } => (
            "pink_noise",
            vec![
                ("amplitude_uv_rms", number(amplitude_uv_rms)),
                ("low_corner_hz", number(low_corner_hz)),
            ],
        ),
        Signal::PowerLawNoise { amplitude_uv_rms, low_corner_hz, exponent } => (
            "pink_noise",
            vec![
                ("amplitude_uv_rms", number(amplitude_uv_rms)),
                ("low_corner_hz", number(low_corner_hz)),
                ("exponent", number(exponent)),
            ],
        ),
        Signal::WhiteNoise { amplitude_uv_rms } => {
            ("white_noise", vec![("amplitude_uv_rms", number(amplitude_uv_rms))])
        }
        Signal::Chirp { start_hz, end_hz, sweep_s, sweep, amplitude_uv_peak } => {
            let sweep = match sweep {
                Sweep::Linear => "linear",
                Sweep::Logarithmic => "logarithmic",
            };
            let own = vec![
                ("start_hz", number(start_hz)),
                ("end_hz", number(end_hz)),
                ("sweep_s", number(sweep_s)),
                ("sweep", Value::Text(sweep.into())),
                ("amplitude_uv_peak", number(amplitude_uv_peak)),
            ];
            ("chirp", own)
        }
    };
    let mut all = vec![("signal_type", Value::Text(name.into()))];
    all.push(("seed", Value::Integer(spec.seed.into())));
    all.extend(own);
    if dataset.normalize == Normalize::Exact {
        all.push(("normalize", Value::Text("exact".into())));
    }
    all.extend(effect_parameters(&spec.effects));
    all
}

/// The effects that are not at their default, by their names in configurations.
fn effect_parameters(effects: &Effects) -> Vec<(&'static str, Value)> {
    let mut all = Vec::new();
    if let Some(line) = effects.line_noise {
        let table = vec![
            entry("frequency_hz", Value::Float(line.frequency_hz)),
            entry("amplitude_uv", Value::Float(line.amplitude_uv)),
        ];
        all.push(("line_noise", Value::Mapping(table)));
    }
    if effects.dc_offset_uv != 0.0 {
        all.push(("dc_offset_uv", Value::Float(effects.dc_offset_uv)));
    }
    if let Some(level) = effects.saturation_level_uv {
        all.push(("saturation_level_uv", Value::Float(level)));
    }
    if effects.nan_rate != 0.0 {
        all.push(("nan_rate", Value::Float(effects.nan_rate)));
    }
    all
}

fn entry(key: &str, value: Value) -> Entry {
    let position = Position::default();
    Entry { key: key.to_owned(), position, node: Node { position, value } }
}
