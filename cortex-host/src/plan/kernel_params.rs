//! The kernels' own parameters: from a configuration to a [`KernelSpec`] and back.

use cortex_core::kernel::{
    Band, KernelName, KernelSpec, MAX_BANDS, MAX_FFT_LEN, MAX_TAPS, MAX_WINDOW, MIN_FFT_LEN,
    MIN_TAPS,
};

use crate::config::decode::Decode;
use crate::config::value::whole;
use crate::config::{
    At, BandpassFirParams, Entry, FftParams, GoertzelParams, Node, NotchIirParams, Position,
    Problem, Value, WelchPsdParams,
};

/// The kernel `name` with the parameters written at `path`; defaults where there are none.
pub(super) fn spec(
    name: KernelName,
    params: Option<&Node>,
    path: &str,
) -> Result<KernelSpec, Problem> {
    let mut spec = KernelSpec::with_defaults(name);
    let Some(node) = params else { return Ok(spec) };
    match &mut spec {
        KernelSpec::Noop | KernelSpec::Car => {
            let message = format!("{path}: {name} has no parameters; remove params");
            return Err(Problem::at(node.position, message));
        }
        KernelSpec::NotchIir(params) => {
            let table = NotchIirParams::decode(node, path)?;
            set(&mut params.f0_hz, table.f0_hz);
            set(&mut params.q, table.q);
        }
        KernelSpec::BandpassFir(params) => {
            let table = BandpassFirParams::decode(node, path)?;
            set(&mut params.low_hz, table.low_hz);
            set(&mut params.high_hz, table.high_hz);
            let taps = length(path, "taps", table.taps, MIN_TAPS, MAX_TAPS)?;
            params.taps = taps.unwrap_or(params.taps);
        }
        KernelSpec::Goertzel(params) => {
            if let Some(list) = GoertzelParams::decode(node, path)?.bands {
                if list.value.len() > MAX_BANDS {
                    let message = format!(
                        "{path}.bands must hold at most {MAX_BANDS} bands, but it holds {}",
                        list.value.len()
                    );
                    return Err(Problem::at(list.position, message));
                }
                params.bands = list
                    .value
                    .iter()
                    .enumerate()
                    .map(|(index, band)| {
                        let edge = |key: &str, edge: Option<At<f64>>| {
                            edge.map(|at| at.value).ok_or_else(|| {
                                let message = format!(
                                    "{path}.bands[{index}].{key} is missing; give it in Hz"
                                );
                                Problem::at(band.position, message)
                            })
                        };
                        let (low, high) = (band.value.low_hz, band.value.high_hz);
                        Ok(Band { low_hz: edge("low_hz", low)?, high_hz: edge("high_hz", high)? })
                    })
                    .collect::<Result<_, Problem>>()?;
            }
        }
        KernelSpec::WelchPsd(params) => {
            let table = WelchPsdParams::decode(node, path)?;
            params.nperseg = length(path, "nperseg", table.nperseg, MIN_FFT_LEN, MAX_WINDOW)?;
            params.noverlap = length(path, "noverlap", table.noverlap, 0, MAX_WINDOW)?;
            params.nfft = length(path, "nfft", table.nfft, MIN_FFT_LEN, MAX_FFT_LEN)?;
        }
        KernelSpec::Fft(params) => {
            let table = FftParams::decode(node, path)?;
            params.nfft = length(path, "nfft", table.nfft, MIN_FFT_LEN, MAX_FFT_LEN)?;
        }
    }
    Ok(spec)
}

/// The parameters of `spec` as a configuration holds them; none when all are defaults that
/// depend on the window, or when the kernel has none.
pub(super) fn node(spec: &KernelSpec) -> Option<Node> {
    let entries: Vec<Entry> = match spec {
        KernelSpec::Noop | KernelSpec::Car => Vec::new(),
        KernelSpec::NotchIir(params) => vec![number("f0_hz", params.f0_hz), number("q", params.q)],
        KernelSpec::BandpassFir(params) => vec![
            number("low_hz", params.low_hz),
            number("high_hz", params.high_hz),
            count("taps", params.taps),
        ],
        KernelSpec::Goertzel(params) => {
            let band = |band: &Band| {
                let edges = vec![number("low_hz", band.low_hz), number("high_hz", band.high_hz)];
                plain(Value::Mapping(edges))
            };
            vec![entry("bands", Value::List(params.bands.iter().map(band).collect()))]
        }
        KernelSpec::WelchPsd(params) => {
            let keys =
                [("nperseg", params.nperseg), ("noverlap", params.noverlap), ("nfft", params.nfft)];
            keys.into_iter().filter_map(|(key, value)| Some(count(key, value?))).collect()
        }
        KernelSpec::Fft(params) => {
            params.nfft.map(|nfft| count("nfft", nfft)).into_iter().collect()
        }
    };
    (!entries.is_empty()).then(|| plain(Value::Mapping(entries)))
}

/// Where `key` is written anywhere in `node`: the place to complain about.
pub(super) fn place_of(node: &Node, key: &str) -> Option<Position> {
    match &node.value {
        Value::Mapping(entries) => entries.iter().find_map(|entry| {
            let here = (entry.key == key).then_some(entry.node.position);
            here.or_else(|| place_of(&entry.node, key))
        }),
        Value::List(list) => list.iter().find_map(|item| place_of(item, key)),
        _ => None,
    }
}

fn set(value: &mut f64, given: Option<At<f64>>) {
    if let Some(at) = given {
        *value = at.value;
    }
}

fn length(
    path: &str,
    key: &str,
    at: Option<At<u64>>,
    min: usize,
    max: usize,
) -> Result<Option<usize>, Problem> {
    let value = whole(&format!("{path}.{key}"), at, min as u64, max as u64)?;
    Ok(value.map(|value| value as usize))
}

fn plain(value: Value) -> Node {
    Node { position: Position::default(), value }
}

fn entry(key: &str, value: Value) -> Entry {
    Entry { key: key.into(), position: Position::default(), node: plain(value) }
}

fn number(key: &str, value: f64) -> Entry {
    entry(key, Value::Float(value))
}

fn count(key: &str, value: usize) -> Entry {
    entry(key, Value::Integer(value as i128))
}
