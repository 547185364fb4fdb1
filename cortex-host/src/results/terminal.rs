//! What a run prints: one line per kernel as it ends, and the table at the end.

use std::fmt::Write;

use super::kernel_summary::{KernelSummary, OutputCheck};
use super::markdown::{headline, quantised};
use super::statistics::Latency;
use super::summary::{RunStatus, Summary};
use super::text::{dash, deadlines, grouped, micros, missed};
use crate::base::counted;
use crate::base::table::Columns;

/// Between two columns on a terminal.
const GAP: &str = "  ";

/// One line about a kernel that has ended.
#[must_use]
pub fn terminal_line(kernel: &KernelSummary) -> String {
    let windows = kernel.windows;
    let p50 =
        |latency: Option<Latency>| latency.map_or(dash(), |l| format!("{} µs", micros(l.p50)));
    let mut parts = vec![counted(windows.measured, "window")];
    if let Some(instructions) = kernel.kernel_instructions {
        parts.push(format!("kernel p50 {} instructions", micros(instructions.p50)));
    }
    if let Some(seeded) = &kernel.seeded {
        let unit = if seeded.unit == "us" { "µs" } else { "instructions" };
        parts.push(format!("kernel mean {} {unit}", micros(seeded.kernel_mean)));
        parts.push(format!("generator {} {unit} a sample", micros(seeded.generator_per_sample)));
    } else {
        if kernel.kernel_instructions.is_none() {
            parts.push(format!("kernel p50 {}", p50(kernel.kernel_time_us)));
        }
        parts.push(format!("end-to-end p50 {}", p50(kernel.end_to_end_us)));
        if kernel.kernel_instructions.is_none() {
            parts.push(format!("harness cost p50 {}", p50(kernel.harness_cost_us)));
        }
        parts.push(format!("{} missed", missed(kernel)));
        parts.push(format!("{} failed", windows.failed));
    }
    if let Some(outputs) = &kernel.outputs {
        parts.push(outputs.sentence());
    }
    format!("{}: {}", kernel.label(), parts.join(", "))
}

/// The table printed at the end of a run, for a terminal of 80 columns or more.
#[must_use]
pub fn terminal_table(summary: &Summary) -> String {
    let head = ["kernel", "windows", "p50", "p99", "p50", "p99", "max", "missed", "failed"];
    let mut rows = vec![head.map(str::to_owned).to_vec()];
    for kernel in &summary.kernels {
        let cell = |latency: Option<Latency>, value: fn(&Latency) -> Option<f64>| {
            latency.and_then(|latency| value(&latency)).map_or(dash(), micros)
        };
        let in_kernel = kernel.kernel_time_us.or(kernel.kernel_instructions);
        rows.push(vec![
            kernel.label().to_owned(),
            kernel.windows.measured.to_string(),
            cell(in_kernel, |latency| Some(latency.p50)),
            cell(in_kernel, |latency| latency.p99),
            cell(kernel.end_to_end_us, |latency| Some(latency.p50)),
            cell(kernel.end_to_end_us, |latency| latency.p99),
            cell(kernel.end_to_end_us, |latency| Some(latency.max)),
            missed(kernel),
            kernel.windows.failed.to_string(),
        ]);
    }
    let mut columns = Columns::of(rows.iter(), |column| column == 0);
    let widths = &mut columns.widths;
    // Each group of columns is as wide as its title.
    let unit = if summary.emulated() { "kernel instr." } else { "kernel time µs" };
    let groups = [(unit, 2..4), ("end-to-end µs", 4..7)];
    let mut title = String::new();
    for (name, range) in groups {
        let before: usize = widths.iter().take(range.start).map(|width| width + GAP.len()).sum();
        let Some(group) = widths.get_mut(range) else { continue };
        let width = group.iter().map(|width| width + GAP.len()).sum::<usize>();
        if let Some(first) = group.first_mut() {
            // One blank more than the other gaps sets the groups apart.
            *first += (name.chars().count() + GAP.len()).saturating_sub(width).max(1);
        }
        let width = group.iter().map(|width| width + GAP.len()).sum::<usize>();
        let start = (before + width).saturating_sub(name.chars().count() + GAP.len());
        title = format!("{title:start$}");
        title.push_str(name);
    }
    let mut text = format!("{title}\n");
    for row in &rows {
        text.push_str(&columns.line(row, GAP));
        text.push('\n');
    }
    let few = summary.kernels.iter().any(|kernel| kernel.windows.measured < 100);
    if few && summary.transfer != "seeded" {
        text.push_str("No p99 of fewer than 100 windows.\n");
    }
    let parameters: Vec<String> = summary.kernels.iter().filter_map(parameters).collect();
    if !parameters.is_empty() {
        let _ = writeln!(text, "\n{}", parameters.join("\n"));
    }
    text.push_str(&device_lines(summary));
    if let Some(deadlines) = deadlines(summary) {
        let _ = writeln!(text, "\n{deadlines}");
    }
    if summary.status != RunStatus::Complete {
        let _ = writeln!(text, "{}", headline(summary));
    }
    text
}

/// One line with what a kernel was set to; none without parameters.
fn parameters(kernel: &KernelSummary) -> Option<String> {
    let parameters = kernel.parameters_text();
    (!parameters.is_empty()).then(|| format!("{}: {parameters}", kernel.label()))
}

/// What a run on a device adds to the table: how the results compare, and the link.
fn device_lines(summary: &Summary) -> String {
    let mut text = String::new();
    let Some(device) = &summary.device_facts else { return text };
    let checks = || summary.kernels.iter().filter_map(|kernel| kernel.outputs);
    let different = checks().filter(|check| check.first_different.is_some()).count();
    if different == 0 {
        let equal: u64 = checks().map(|check| check.equal).sum();
        let check = OutputCheck { equal, ..OutputCheck::default() };
        let _ = writeln!(text, "\n{}: {}", device.board, check.sentence());
    } else {
        let _ = writeln!(
            text,
            "\n{}: outputs of {} differ from the host's",
            device.board,
            counted(different as u64, "kernel")
        );
    }
    if let Some(quantised) = quantised(summary) {
        let _ = writeln!(text, "both computed on quantised samples: {quantised}");
    }
    for kernel in &summary.kernels {
        if let Some(error) = &kernel.error {
            let _ = writeln!(text, "{}: {error}", kernel.name);
        }
        if let Some(seeded) = &kernel.seeded {
            let unit = if seeded.unit == "us" { "µs" } else { "instructions" };
            let _ = writeln!(
                text,
                "{}: a call takes {} to {} {unit}, {} in the mean; a generated sample {}",
                kernel.label(),
                micros(seeded.kernel_min),
                micros(seeded.kernel_max),
                micros(seeded.kernel_mean),
                micros(seeded.generator_per_sample)
            );
        }
    }
    if device.emulated && summary.transfer == "streamed" {
        text.push_str(
            "emulated: instructions are exact; latencies and missed deadlines are the emulator's\n",
        );
    }
    if let Some(link) = summary.link {
        let _ = writeln!(
            text,
            "link: {} bytes, efficiency {}, {} retransmissions, {} CRC errors, latency {} µs",
            grouped(link.line_bytes as f64),
            link.line_efficiency.map_or(dash(), |value| format!("{value:.3}")),
            link.retransmissions,
            link.crc_errors,
            link.latency_us.map_or(dash(), micros)
        );
        if let Some(losses) = link.receiver_losses() {
            let _ = writeln!(text, "{losses}");
        }
    }
    text
}
