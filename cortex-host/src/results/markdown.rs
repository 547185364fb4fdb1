//! `SUMMARY.md`: the figures of a [`Summary`] for people.

use std::fmt::Write;

use super::statistics::Latency;
use super::summary::{KernelSummary, Summary};
use super::text::{bounds, dash, deadlines, grouped, micros, missed, rate};
use crate::base::table::markdown_table;

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
    writeln!(out, "\n## Reproduce\n\n```\n{}\n```", summary.reproduce)?;
    writeln!(out, "\n## Cite\n\n{}", summary.citation())
}

fn write_kernels(out: &mut String, summary: &Summary) -> std::fmt::Result {
    writeln!(out, "\n## Windows\n")?;
    let rows = summary.kernels.iter().map(|kernel| {
        let windows = kernel.windows;
        vec![
            kernel.label().to_owned(),
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
    write_own(out, summary)?;
    write_fixed_point(out, summary)?;
    type Section<'a> = (&'a str, &'a str, fn(&KernelSummary) -> Option<Latency>);
    let kernel_time = "From the kernel's start to its return, on the device.";
    let kernel_time = match summary.cold_cache_note() {
        Some(note) => format!("{kernel_time} {note}"),
        None => kernel_time.to_owned(),
    };
    let sections: [Section; 3] = [
        ("Kernel time", &kernel_time, |kernel| kernel.kernel_time_us),
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
    let parameters = summary.kernels.iter().filter(|kernel| !kernel.parameters_text().is_empty());
    let parameters: Vec<String> = parameters
        .map(|kernel| format!("- {}: {}", kernel.label(), kernel.parameters_text()))
        .collect();
    if !parameters.is_empty() {
        writeln!(out, "\n## Parameters\n\n{}", parameters.join("\n"))?;
    }
    for kernel in &summary.kernels {
        if let Some(missing @ 1..) = kernel.missing_samples {
            writeln!(out, "\n{} met {missing} missing samples in a repeat.", kernel.name)?;
        }
    }
    writeln!(
        out,
        "\nN windows; after p50 and p99 their 95 % intervals, which allow for windows depending on \
         their neighbours. A p95 is of at least 20 windows, a p99 of 100, a p99.9 of 1,000. Jitter is \
         p99 − p50. The times are in `kernel-data/`. Warm-up windows are in no figure."
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
            return [vec![kernel.label().to_owned()], vec![dash(); 11]].concat();
        };
        let figure = |value: Option<f64>| value.map_or(dash(), micros);
        vec![
            kernel.label().to_owned(),
            latency.n.to_string(),
            micros(latency.p50),
            bounds(latency.p50_interval, micros),
            figure(latency.p95),
            figure(latency.p99),
            bounds(latency.p99_interval, micros),
            figure(latency.p99_9),
            micros(latency.max),
            figure(latency.jitter_p99_minus_p50),
            micros(latency.mean),
            micros(latency.standard_deviation),
        ]
    });
    let head = [
        "kernel", "N", "p50", "95 %", "p95", "p99", "95 %", "p99.9", "max", "jitter", "mean",
        "std dev",
    ];
    out.push_str(&markdown_table(&head, rows.collect()));
    Ok(())
}

/// How the device's results compare with the host's.
/// Where kernels of the user's own came from, and what became of those that broke.
fn write_own(out: &mut String, summary: &Summary) -> std::fmt::Result {
    let mut own = summary.kernels.iter().filter_map(|kernel| Some((kernel, kernel.own.as_ref()?)));
    if own.clone().next().is_none() {
        return Ok(());
    }
    writeln!(out, "\n## Kernels of your own\n")?;
    own.try_for_each(|(kernel, own)| {
        let error =
            kernel.error.as_ref().map_or_else(String::new, |error| format!(": **{error}**"));
        writeln!(out, "- {}: {}{error}", kernel.name, own.line())
    })
}

/// The samples of kernels in fixed point, and how many of them saturated.
fn write_fixed_point(out: &mut String, summary: &Summary) -> std::fmt::Result {
    let facts = summary.kernels.iter();
    let mut facts = facts.filter_map(|kernel| Some((kernel, kernel.fixed_point.as_ref()?)));
    if facts.clone().next().is_none() {
        return Ok(());
    }
    writeln!(out, "\n## Fixed point\n")?;
    facts.try_for_each(|(kernel, facts)| writeln!(out, "- {}: {}", kernel.name, facts.line()))
}

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
         included. Overruns and overflows are bytes that the device's receiver lost: at its UART, and \
         at a full receive ring.\n"
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
            link.receiver_overruns.to_string(),
            link.ring_overflows.to_string(),
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
        "overruns",
        "overflows",
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
    facts.push((
        "dataset digest",
        format!("{} `{}`", data.digest.algorithm().name(), data.digest.hex()),
    ));
    facts.push(("configuration SHA-256", format!("`{}`", summary.plan_sha256)));
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
    facts.push(("scheduler", summary.realtime.to_string()));
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
    facts.push(("tool", tool.to_string()));
    let finished = summary.finished_at.as_deref().unwrap_or("not finished");
    facts.push(("time", format!("{} to {finished}", summary.started_at)));

    writeln!(out, "\n## What was run\n")?;
    let rows = facts.into_iter().map(|(name, value)| vec![name.to_owned(), value]).collect();
    out.push_str(&markdown_table(&["", ""], rows));
    Ok(())
}

/// Why there is no number of missed deadlines.
fn untimed(summary: &Summary) -> &'static str {
    match summary.kernels.iter().any(|kernel| kernel.seeded.is_some()) {
        true => "no deadlines (the device made its own input)",
        false => "no window measured",
    }
}

/// One line that says how the run went.
pub(crate) fn headline(summary: &Summary) -> String {
    let kernels = summary.kernels.len();
    format!(
        "{}{}: {kernels} kernel{}, {}, {} windows failed",
        summary.status.name()[..1].to_uppercase(),
        &summary.status.name()[1..],
        if kernels == 1 { "" } else { "s" },
        deadlines(summary).unwrap_or_else(|| untimed(summary).to_owned()),
        summary.failed_windows(),
    )
}
