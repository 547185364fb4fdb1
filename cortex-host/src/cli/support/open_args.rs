//! How a recording is opened, as the commands that open one take it.

use crate::recording::{OpenOptions, OptionSource, Unit};

/// What a recording's file may not say, or what to take of it.
#[derive(Clone, Debug, clap::Args)]
pub struct OpenArgs {
    /// Take only these channels, in this order; of raw float32 without a header, their number.
    #[arg(long, value_name = "NAME,...|N")]
    pub channels: Vec<String>,
    /// Sample rate in Hz of a file that does not say.
    #[arg(long, value_name = "HZ")]
    pub rate: Option<f64>,
    /// Unit of samples whose file does not say (V, mV, uV, nV).
    #[arg(long)]
    pub unit: Option<Unit>,
    /// The .npy array is channels × samples, as MNE's get_data returns it.
    #[arg(long)]
    pub channels_first: bool,
    /// Take the whole records of a file shorter or longer than its header promises.
    #[arg(long)]
    pub accept_truncated: bool,
}

impl OpenArgs {
    /// The options as a reader takes them.
    #[must_use]
    pub fn options(&self) -> OpenOptions {
        let (channels, channel_count) = names_or_count(&self.channels);
        OpenOptions {
            channels,
            channel_count,
            sample_rate_hz: self.rate,
            unit: self.unit,
            channels_first: self.channels_first,
            accept_truncated: self.accept_truncated,
            option_source: OptionSource::CommandLine,
        }
    }
}

/// `--channels`: names, or for files that have none how many there are.
fn names_or_count(channels: &[String]) -> (Option<Vec<String>>, Option<usize>) {
    match channels {
        [] => (None, None),
        [one] if !one.is_empty() && one.bytes().all(|byte| byte.is_ascii_digit()) => {
            (None, one.parse().ok())
        }
        names => (Some(names.to_vec()), None),
    }
}
