//! What was run, where: input with its spectrum, device, machine.

use std::fmt::{self, Write};

use super::elements::{FULL, Page, seconds};
use crate::report::charts;
use crate::results::{InputSpectrum, ReferenceKind, Summary};

impl Page {
    pub(super) fn input(
        &mut self,
        summary: &Summary,
        spectrum: Option<&InputSpectrum>,
    ) -> fmt::Result {
        self.out.push_str("<h2>Input</h2>\n");
        let data = &summary.dataset;
        let mut facts = vec![match (&data.signal_type, data.seed) {
            (Some(signal), Some(seed)) => {
                ("signal", format!("{signal}, seed {seed}, from {}", data.path))
            }
            _ => ("recording", data.path.clone()),
        }];
        let duration_s = data.samples_per_channel as f64 / data.sample_rate_hz;
        facts.push((
            "shape",
            format!(
                "{} channels × {} samples at {} Hz, {} s",
                data.channels,
                data.samples_per_channel,
                data.sample_rate_hz,
                seconds(duration_s)
            ),
        ));
        if data.samples_used != data.samples_per_channel {
            facts.push(("used", format!("the first {} samples", data.samples_used)));
        }
        facts.push((data.digest.algorithm().name(), data.digest.hex().to_owned()));
        if let Some(manifest) = &data.manifest {
            facts.push(("manifest", manifest.clone()));
        }
        if let Some(slope) = spectrum.and_then(|spectrum| spectrum.slope.map(|s| (s, spectrum))) {
            let (slope, spectrum) = slope;
            let (low, high) = spectrum.fit_range_hz;
            facts.push((
                "power law",
                format!("slope {slope:.2} from {low:.1} to {high:.1} Hz (pink noise has -1)")
                    .replace('-', "\u{2212}"),
            ));
        }
        self.about(&facts)?;
        match spectrum {
            Some(spectrum) => self.chart(
                charts::spectrum(spectrum),
                FULL,
                380.0,
                &spectrum_caption(spectrum, data.channels),
            ),
            None => writeln!(
                self.out,
                "<p class=\"soft\">There is no spectrum: the data have fewer than 128 samples or \
                 none but missing ones, or the run was killed before it was taken.</p>"
            ),
        }
    }
}

pub(super) fn machine(summary: &Summary) -> Vec<(&'static str, String)> {
    let (host, realtime, tool) = (&summary.host, &summary.realtime, &summary.tool);
    let mut facts = vec![("device", summary.device.clone())];
    if summary.device == "native" {
        facts.push(("clock", "CLOCK_MONOTONIC, in nanoseconds".to_owned()));
    }
    if let Some(board) = &summary.device_facts {
        let starts = match board.boot_count {
            0 => String::new(),
            count => format!(", start {count} since power-up"),
        };
        facts.push((
            "board",
            format!("{}, firmware {}{starts}", board.board, board.firmware_version),
        ));
    }
    if let Some(link) = &summary.link {
        let efficiency =
            link.line_efficiency.map_or("no".to_owned(), |value| format!("{value:.3}"));
        let losses = link.receiver_losses();
        facts.push((
            "link",
            format!(
                "{} bytes, efficiency {efficiency}, {} retransmissions, {} CRC errors; {}",
                link.line_bytes,
                link.retransmissions,
                link.crc_errors,
                losses.as_deref().unwrap_or("the device's receiver lost nothing")
            ),
        ));
    }
    if !realtime.scheduler.is_empty() {
        facts.push(("scheduler", realtime.to_string()));
    }
    facts.push(("processor", host.cpu.clone().unwrap_or_else(|| "unknown".to_owned())));
    let memory = host.memory_mib.map_or(String::new(), |mib| format!(", {mib} MiB of memory"));
    facts.push(("cores", format!("{}{memory}", host.cores)));
    let governor = host.governor.clone();
    facts.push(("frequency governor", governor.unwrap_or_else(|| "unknown".to_owned())));
    facts.push(("system", host.os.clone()));
    facts.push(("tool", tool.to_string()));
    facts
}

fn spectrum_caption(spectrum: &InputSpectrum, channels: usize) -> String {
    let of = if spectrum.channels < channels {
        format!("{} of {channels} channels, evenly spread", spectrum.channels)
    } else {
        format!("{channels} channel{}", if channels == 1 { "" } else { "s" })
    };
    let reference = match spectrum.reference.as_ref().map(|reference| reference.kind) {
        Some(ReferenceKind::Generator) => {
            " The dashed line is the generator’s own response before effects, not a fit."
        }
        Some(ReferenceKind::OneOverF) => " The dashed line is 1/f at the data’s level.",
        None => "",
    };
    format!(
        "Welch’s method over the first {} samples of {of}: Hann windows of {} samples, half \
         overlapping, {:.3} Hz apart; bins are averaged where they are dense.{reference}",
        spectrum.samples, spectrum.segment_samples, spectrum.resolution_hz
    )
}
