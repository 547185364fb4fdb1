//! `SUMMARY.md` and the table at the end of a run: the figures of a [`Summary`] for people.

use std::fmt::Write;

use super::statistics::Latency;
use super::summary::{KernelSummary, RunStatus, Summary};

/// Between two columns on a terminal.
const GAP: &str = "  ";

/// The text of `SUMMARY.md`.
#[must_use]
pub fn summary_markdown(summary: &Summary) -> String {
    let mut text = String::new();
    // Writing to a String cannot fail.
    let _ = write_markdown(&mut text, summary);
    text
}

fn write_markdown(out: &mut String, summary: &Summary) -> std::fmt::Result {
    writeln!(out, "# CORTEX {}\n", summary.run_id)?;
    writeln!(out, "**{}**", headline(summary))?;
    if let Some(error) = &summary.error {
        writeln!(out, "\n> {error}")?;
    }
    for warning in &summary.realtime.warnings {
        writeln!(out, "\n> Warning: {warning}")?;
    }
    if !summary.tool.optimized {
        writeln!(
            out,
            "\n> Warning: made by a build without optimisation; use `cargo run --release` for \
             latencies that mean something."
        )?;
    }
    if !summary.kernels.is_empty() {
        write_kernels(out, summary)?;
    }
    write_facts(out, summary)?;
    writeln!(out, "\n## Reproduce\n\n```\n{}\n```", summary.reproduce)
}

fn write_kernels(out: &mut String, summary: &Summary) -> std::fmt::Result {
    writeln!(out, "\n## Windows\n")?;
    let rows = summary.kernels.iter().map(|kernel| {
        let windows = kernel.windows;
        vec![
            kernel.name.clone(),
            windows.measured.to_string(),
            windows.warmup.to_string(),
            missed(kernel),
            windows.failed.to_string(),
            format!("{} / {}", kernel.window, kernel.hop),
            micros(kernel.deadline_us),
            kernel.throughput.map_or(dash(), |t| rate(t.windows_per_s)),
            kernel
                .throughput
                .and_then(|t| t.realtime_factor)
                .map_or(dash(), |factor| format!("{}×", rate(factor))),
        ]
    });
    let head = [
        "kernel",
        "measured",
        "warm-up",
        "missed",
        "failed",
        "W / H",
        "deadline µs",
        "windows/s",
        "faster than real time",
    ];
    out.push_str(&markdown_table(&head, rows.collect()));

    write_outputs(out, summary)?;
    type Section<'a> = (&'a str, &'a str, fn(&KernelSummary) -> Option<Latency>);
    let sections: [Section; 3] = [
        ("Kernel time", "From the kernel's start to its return, on the device.", |kernel| {
            kernel.kernel_time_us
        }),
        (
            "End-to-end latency",
            match summary.pace.as_str() {
                "realtime" => {
                    "From the instant the window's last sample arrived by the sample clock to its \
                     result."
                }
                _ => {
                    "From the end of the window before to the result: with `pace: max` nothing \
                     waits for the sample clock."
                }
            },
            |kernel| kernel.end_to_end_us,
        ),
        (
            "Harness cost",
            "End-to-end less kernel time: waking up, reading, handing over, and waiting for \
             earlier windows.",
            |kernel| kernel.harness_cost_us,
        ),
    ];
    for (title, meaning, latency) in sections {
        if summary.kernels.iter().all(|kernel| latency(kernel).is_none()) {
            continue;
        }
        write_latencies(out, summary, &format!("{title} (µs)"), meaning, latency)?;
    }
    if summary.kernels.iter().any(|kernel| kernel.kernel_instructions.is_some()) {
        write_latencies(
            out,
            summary,
            "Kernel (instructions)",
            "Instructions from the kernel's start to its return. The device is emulated: these are \
             counts, neither cycles nor times of real hardware.",
            |kernel| kernel.kernel_instructions,
        )?;
    }
    write_seeded(out, summary)?;
    write_link(out, summary)?;
    for kernel in &summary.kernels {
        if let Some(missing @ 1..) = kernel.missing_samples {
            writeln!(out, "\n{} met {missing} missing samples in a repeat.", kernel.name)?;
        }
    }
    writeln!(
        out,
        "\nJitter is p99 − p50. Quantiles are within 0.1 % (histogram of three significant \
         digits); the exact times are in `kernel-data/`. Warm-up windows are in no figure."
    )
}

/// One table of latencies, a kernel a row.
fn write_latencies(
    out: &mut String,
    summary: &Summary,
    title: &str,
    meaning: &str,
    latency: fn(&KernelSummary) -> Option<Latency>,
) -> std::fmt::Result {
    writeln!(out, "\n## {title}\n\n{meaning}\n")?;
    let rows = summary.kernels.iter().map(|kernel| {
        let Some(latency) = latency(kernel) else {
            return [vec![kernel.name.clone()], vec![dash(); 7]].concat();
        };
        let values = [
            latency.p50,
            latency.p95,
            latency.p99,
            latency.max,
            latency.jitter_p99_minus_p50,
            latency.mean,
            latency.standard_deviation,
        ];
        [vec![kernel.name.clone()], values.map(micros).to_vec()].concat()
    });
    let head = ["kernel", "p50", "p95", "p99", "max", "jitter", "mean", "std dev"];
    out.push_str(&markdown_table(&head, rows.collect()));
    Ok(())
}

/// How the device's results compare with the host's.
fn write_outputs(out: &mut String, summary: &Summary) -> std::fmt::Result {
    if summary.device_facts.is_none() {
        return Ok(());
    }
    writeln!(
        out,
        "\n## Device against host\n\nEvery result of the device beside the same kernel run by this \
         program, bit by bit.\n"
    )?;
    if let Some(quantised) = quantised(summary) {
        writeln!(out, "Device and host both computed on quantised samples: {quantised}.\n")?;
    }
    if summary.results == "digests" {
        writeln!(out, "Outputs did not come back; their digests were compared.\n")?;
    }
    for kernel in &summary.kernels {
        let finding = match (&kernel.error, &kernel.outputs) {
            (Some(error), _) => format!("**{error}**"),
            (None, Some(outputs)) => outputs.sentence(),
            (None, None) => "not compared".to_owned(),
        };
        writeln!(out, "- {}: {finding}", kernel.name)?;
    }
    Ok(())
}

/// How the input was quantised for the link, when it was.
pub(crate) fn quantised(summary: &Summary) -> Option<String> {
    let scale_uv = summary.scale_uv?;
    let saturated = summary.link.map_or(0, |link| link.saturated_samples);
    let plural = if saturated == 1 { "" } else { "s" };
    Some(format!("i16 in steps of {scale_uv} µV, {saturated} sample{plural} saturated"))
}

/// What devices found that generated their own input.
fn write_seeded(out: &mut String, summary: &Summary) -> std::fmt::Result {
    let kernels: Vec<_> = summary
        .kernels
        .iter()
        .filter_map(|kernel| kernel.seeded.as_ref().map(|seeded| (kernel, seeded)))
        .collect();
    let Some((_, first)) = kernels.first() else { return Ok(()) };
    let unit = if first.unit == "us" { "µs of the device's clock" } else { "instructions" };
    writeln!(
        out,
        "\n## Generated on the device\n\nOnly parameters and digests crossed the link. Figures are \
         {unit}: per kernel call, and per generated sample of one channel.\n"
    )?;
    let rows = kernels.iter().map(|(kernel, seeded)| {
        vec![
            kernel.name.clone(),
            micros(seeded.kernel_min),
            micros(seeded.kernel_mean),
            micros(seeded.kernel_max),
            micros(seeded.generator_per_sample),
            format!("`{}`", seeded.input_crc32),
            format!("`{}`", seeded.output_crc32),
        ]
    });
    let head = ["kernel", "min", "mean", "max", "generator", "input CRC-32", "output CRC-32"];
    out.push_str(&markdown_table(&head, rows.collect()));
    Ok(())
}

/// What crossed the link.
fn write_link(out: &mut String, summary: &Summary) -> std::fmt::Result {
    let Some(total) = summary.link else { return Ok(()) };
    writeln!(
        out,
        "\n## Link\n\nLatency is the shortest of eight ping round trips. Efficiency is sample bytes \
         over all bytes on the line; goodput counts them per second of exchange, kernel time \
         included.\n"
    )?;
    let kernels = summary.kernels.iter();
    let links = kernels.filter_map(|kernel| Some((kernel.name.as_str(), kernel.link?)));
    let rows = links.chain([("whole run", total)]).map(|(name, link)| {
        vec![
            name.to_owned(),
            link.latency_us.map_or(dash(), micros),
            grouped(link.line_bytes as f64),
            link.line_efficiency.map_or(dash(), |value| format!("{value:.3}")),
            link.goodput_bytes_per_s.map_or(dash(), |value| rate(value / 1e3)),
            link.retransmissions.to_string(),
            link.crc_errors.to_string(),
        ]
    });
    let head = [
        "",
        "latency µs",
        "line bytes",
        "efficiency",
        "goodput kB/s",
        "retransmissions",
        "CRC errors",
    ];
    out.push_str(&markdown_table(&head, rows.collect()));
    Ok(())
}

fn write_facts(out: &mut String, summary: &Summary) -> std::fmt::Result {
    let data = &summary.dataset;
    let duration_s = data.samples_per_channel as f64 / data.sample_rate_hz;
    let mut facts = vec![(
        "dataset",
        match (&data.signal_type, data.seed) {
            (Some(signal), Some(seed)) => format!("{signal}, seed {seed}, from `{}`", data.path),
            _ => format!("`{}`", data.path),
        },
    )];
    facts.push((
        "shape",
        format!(
            "{} channels × {} samples at {} Hz ({duration_s} s)",
            data.channels, data.samples_per_channel, data.sample_rate_hz
        ),
    ));
    if data.samples_used != data.samples_per_channel {
        facts.push(("used", format!("the first {} samples", data.samples_used)));
    }
    facts.push(("dataset SHA-256", format!("`{}`", data.sha256)));
    facts.push(("configuration SHA-256", format!("`{}`", summary.plan_sha256)));
    let realtime = &summary.realtime;
    let mut scheduler = realtime.scheduler.clone();
    if let Some(priority) = realtime.priority {
        let _ = write!(scheduler, ", priority {priority}");
    }
    if realtime.scheduler != realtime.scheduler_requested {
        let _ = write!(scheduler, " ({} was refused)", realtime.scheduler_requested);
    }
    if !realtime.cpu_affinity.is_empty() {
        let _ = write!(scheduler, ", bound to cores {:?}", realtime.cpu_affinity);
    }
    facts.push(("pace, device", format!("{}, {}", summary.pace, summary.device)));
    if let Some(device) = &summary.device_facts {
        let commit = device.firmware_commit.as_deref().unwrap_or("unknown commit");
        facts.push((
            "board",
            format!(
                "{}, firmware {} ({commit}), {} bytes of working memory, {}",
                device.board,
                device.firmware_version,
                u64::from(device.memory_values) * 4,
                summary.transfer
            ),
        ));
        let clock = &device.clock;
        let emulated = match clock.instruction_ns {
            Some(ns) => format!("; emulated, one instruction is {ns} ns of it"),
            None => String::new(),
        };
        facts.push((
            "device clock",
            format!(
                "{}, {} Hz, resolution {} ns{emulated}",
                clock.source,
                clock.hz,
                clock.resolution_ns()
            ),
        ));
    }
    if let Some(faults) = &summary.faults {
        facts.push(("faults on purpose", faults.clone()));
    }
    facts.push(("scheduler", scheduler));
    let host = &summary.host;
    facts.push((
        "machine",
        format!(
            "{}, {} cores, {}, governor {}",
            host.cpu.as_deref().unwrap_or("unknown processor"),
            host.cores,
            host.os,
            host.governor.as_deref().unwrap_or("unknown")
        ),
    ));
    let tool = &summary.tool;
    facts.push(("tool", format!("{} {} ({})", tool.name, tool.version, tool.target)));
    let finished = summary.finished_at.as_deref().unwrap_or("not finished");
    facts.push(("time", format!("{} to {finished}", summary.started_at)));

    writeln!(out, "\n## What was run\n")?;
    let rows = facts.into_iter().map(|(name, value)| vec![name.to_owned(), value]).collect();
    out.push_str(&markdown_table(&["", ""], rows));
    Ok(())
}

/// One line that says how the run went.
pub(crate) fn headline(summary: &Summary) -> String {
    let measured: u64 = summary.kernels.iter().map(|kernel| kernel.windows.measured).sum();
    let missed: u64 = summary.kernels.iter().map(|kernel| kernel.windows.deadline_missed).sum();
    let kernels = summary.kernels.len();
    format!(
        "{}{}: {kernels} kernel{}, {measured} windows measured, {missed} deadline{} missed, {} failed",
        summary.status.name()[..1].to_uppercase(),
        &summary.status.name()[1..],
        if kernels == 1 { "" } else { "s" },
        if missed == 1 { "" } else { "s" },
        summary.failed_windows(),
    )
}

/// One line about a kernel that has ended.
#[must_use]
pub fn terminal_line(kernel: &KernelSummary) -> String {
    let windows = kernel.windows;
    let p50 =
        |latency: Option<Latency>| latency.map_or(dash(), |l| format!("{} µs", micros(l.p50)));
    let plural = if windows.measured == 1 { "" } else { "s" };
    let mut parts = vec![format!("{} window{plural}", windows.measured)];
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
    format!("{}: {}", kernel.name, parts.join(", "))
}

/// The table printed at the end of a run, for a terminal of 80 columns or more.
#[must_use]
pub fn terminal_table(summary: &Summary) -> String {
    let head = ["kernel", "windows", "p50", "p99", "p50", "p99", "max", "missed", "failed"];
    let mut rows = vec![head.map(str::to_owned).to_vec()];
    for kernel in &summary.kernels {
        let cell = |latency: Option<Latency>, value: fn(&Latency) -> f64| {
            latency.map_or(dash(), |latency| micros(value(&latency)))
        };
        let in_kernel = kernel.kernel_time_us.or(kernel.kernel_instructions);
        rows.push(vec![
            kernel.name.clone(),
            kernel.windows.measured.to_string(),
            cell(in_kernel, |latency| latency.p50),
            cell(in_kernel, |latency| latency.p99),
            cell(kernel.end_to_end_us, |latency| latency.p50),
            cell(kernel.end_to_end_us, |latency| latency.p99),
            cell(kernel.end_to_end_us, |latency| latency.max),
            missed(kernel),
            kernel.windows.failed.to_string(),
        ]);
    }
    let mut widths = column_widths(rows.iter());
    // Each group of columns is as wide as its title.
    let emulated = summary.device_facts.as_ref().is_some_and(|device| device.emulated);
    let unit = if emulated { "kernel instr." } else { "kernel time µs" };
    let groups = [(unit, 2..4), ("end-to-end µs", 4..7)];
    let mut title = String::new();
    for (name, columns) in groups {
        let before: usize = widths.iter().take(columns.start).map(|width| width + GAP.len()).sum();
        let Some(group) = widths.get_mut(columns) else { continue };
        let width = group.iter().map(|width| width + GAP.len()).sum::<usize>();
        if let Some(first) = group.first_mut() {
            // One blank more than the other gaps sets the groups apart.
            *first += (name.chars().count() + GAP.len()).saturating_sub(width).max(1);
        }
        let width = group.iter().map(|width| width + GAP.len()).sum::<usize>();
        let start = (before + width).saturating_sub(name.chars().count() + GAP.len());
        title = pad_right(&title, start);
        title.push_str(name);
    }
    let mut text = format!("{title}\n");
    for row in &rows {
        let mut line = String::new();
        for (column, (cell, width)) in row.iter().zip(&widths).enumerate() {
            line.push_str(&if column == 0 {
                pad_right(cell, *width)
            } else {
                pad_left(cell, *width)
            });
            line.push_str(GAP);
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text.push_str(&device_lines(summary));
    if summary.status != RunStatus::Complete {
        let _ = writeln!(text, "{}", headline(summary));
    }
    text
}

/// What a run on a device adds to the table: how the results compare, and the link.
fn device_lines(summary: &Summary) -> String {
    let mut text = String::new();
    let Some(device) = &summary.device_facts else { return text };
    let checks = || summary.kernels.iter().filter_map(|kernel| kernel.outputs);
    let different = checks().filter(|check| check.first_different.is_some()).count();
    if different == 0 {
        let equal: u64 = checks().map(|check| check.equal).sum();
        let plural = if equal == 1 { "" } else { "s" };
        let _ = writeln!(
            text,
            "\n{}: outputs equal to the host's, bit for bit: {equal} window{plural}",
            device.board
        );
    } else {
        let _ = writeln!(
            text,
            "\n{}: outputs of {different} kernel{} differ from the host's",
            device.board,
            if different == 1 { "" } else { "s" }
        );
    }
    if let Some(quantised) = quantised(summary) {
        let _ = writeln!(text, "both computed on quantised samples: {quantised}");
    }
    for kernel in &summary.kernels {
        if let Some(error) = &kernel.error {
            let _ = writeln!(text, "{}: {error}", kernel.name);
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
    }
    text
}

pub(crate) fn missed(kernel: &KernelSummary) -> String {
    let windows = kernel.windows;
    match windows.deadline_missed {
        0 => "0".to_owned(),
        missed => {
            format!("{missed} ({:.1} %)", missed as f64 * 100.0 / windows.measured.max(1) as f64)
        }
    }
}

fn dash() -> String {
    "–".to_owned()
}

/// Microseconds with three digits or more, and a nanosecond at the finest.
pub(crate) fn micros(value: f64) -> String {
    if value < 10.0 {
        format!("{value:.2}")
    } else if value < 1000.0 {
        format!("{value:.1}")
    } else {
        grouped(value)
    }
}

/// A rate with about three digits.
pub(crate) fn rate(value: f64) -> String {
    if value < 10.0 {
        format!("{value:.2}")
    } else if value < 100.0 {
        format!("{value:.1}")
    } else {
        grouped(value)
    }
}

/// A whole number with its thousands apart: 1 234 567 (narrow no-break spaces).
fn grouped(value: f64) -> String {
    let digits = format!("{value:.0}");
    let mut text = String::new();
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position) % 3 == 0 {
            text.push('\u{202f}');
        }
        text.push(digit);
    }
    text
}

/// A table that is legible as plain text too: columns aligned, numbers to the right.
fn markdown_table(head: &[&str], rows: Vec<Vec<String>>) -> String {
    let head: Vec<String> = head.iter().map(|&title| title.to_owned()).collect();
    let widths = column_widths(rows.iter().chain([&head]));
    let facts = head.iter().all(String::is_empty);
    let left = |column: usize| column == 0 || facts;
    let line = |cells: &[String]| {
        let mut text = String::from("|");
        for (column, width) in widths.iter().enumerate() {
            let cell = cells.get(column).map_or("", String::as_str).replace('|', "\\|");
            let cell =
                if left(column) { pad_right(&cell, *width) } else { pad_left(&cell, *width) };
            let _ = write!(text, " {cell} |");
        }
        text.push('\n');
        text
    };
    let mut text = line(&head);
    text.push('|');
    for (column, width) in widths.iter().enumerate() {
        let rule = "-".repeat(width + 1);
        text.push_str(&if left(column) { format!("{rule}-|") } else { format!("{rule}:|") });
    }
    text.push('\n');
    for row in &rows {
        text.push_str(&line(row));
    }
    text
}

fn column_widths<'a>(rows: impl Iterator<Item = &'a Vec<String>>) -> Vec<usize> {
    let mut widths = Vec::new();
    for row in rows {
        widths.resize(widths.len().max(row.len()), 1);
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    widths
}

fn pad_left(cell: &str, width: usize) -> String {
    let room = width.saturating_sub(cell.chars().count());
    format!("{}{cell}", " ".repeat(room))
}

fn pad_right(cell: &str, width: usize) -> String {
    let room = width.saturating_sub(cell.chars().count());
    format!("{cell}{}", " ".repeat(room))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_keep_their_digits_at_every_size() {
        let shown: Vec<String> =
            [0.042, 9.994, 57.25, 999.9, 1234.0, 1_234_567.8].map(micros).into();
        assert_eq!(
            shown,
            ["0.04", "9.99", "57.2", "999.9", "1\u{202f}234", "1\u{202f}234\u{202f}568"]
        );
    }

    #[test]
    fn tables_are_aligned_and_pipes_escaped() {
        let rows = vec![vec!["a|b".to_owned(), "1".to_owned()]];
        let table = markdown_table(&["kernel", "p50"], rows);
        assert_eq!(table, "| kernel | p50 |\n|--------|----:|\n| a\\|b   |   1 |\n");
    }
}
