//! A comparison as text for a terminal.

use std::fmt::Write;

use super::{Change, Generalization, LEAST_WINDOWS, RunComparison, Unit, Verdict};
use crate::base::printable;
use crate::base::table::Columns;
use crate::results::{grouped, micros};

/// The comparison as a table, with what to know about it.
#[must_use]
pub fn table(comparison: &RunComparison) -> String {
    let mut text = String::new();
    // Writing to a String cannot fail.
    let _ = write_table(&mut text, comparison);
    text
}

fn write_table(out: &mut String, comparison: &RunComparison) -> std::fmt::Result {
    for (side, runs) in [("A", &comparison.runs_a), ("B", &comparison.runs_b)] {
        let runs: Vec<String> = runs.iter().map(|run| printable(run)).collect();
        writeln!(out, "{side}: {}", runs.join(", "))?;
    }
    if !comparison.conditions.is_empty() {
        writeln!(out, "\nThese runs differ in more than their latencies:")?;
        for condition in &comparison.conditions {
            let [what, a, b] =
                [&condition.what, &condition.a, &condition.b].map(|text| printable(text));
            writeln!(out, "  {what}: {a} -> {b}")?;
        }
    }
    for (side, names) in [("A", &comparison.only_in_a), ("B", &comparison.only_in_b)] {
        if !names.is_empty() {
            let names: Vec<String> = names.iter().map(|name| printable(name)).collect();
            writeln!(out, "\nOnly {side} has: {}", names.join(", "))?;
        }
    }
    if comparison.kernels.is_empty() {
        return writeln!(out, "\nThe runs have no kernel in common.");
    }
    let head = ["kernel", "", "A", "B", "B − A", "change", "95 % interval", ""];
    let mut rows = vec![head.map(str::to_owned).to_vec()];
    let (mut few, mut few_p99, mut incomparable) = (false, false, false);
    for kernel in &comparison.kernels {
        let changes = [
            ("kernel p50", kernel.kernel_p50),
            ("kernel p99", kernel.kernel_p99),
            ("end-to-end p50", kernel.end_to_end_p50),
            ("end-to-end p99", kernel.end_to_end_p99),
        ];
        for (index, (what, change)) in changes.into_iter().enumerate() {
            let name = if index == 0 { printable(&kernel.name) } else { String::new() };
            let Some(change) = change else {
                let dash = || "–".to_owned();
                let what = what.to_owned();
                // Of a p99 there may only be too few windows.
                incomparable |= index == 0;
                few_p99 |= index % 2 == 1;
                rows.push(vec![name, what, dash(), dash(), dash(), dash(), dash(), String::new()]);
                continue;
            };
            few |= change.interval.is_none() && index % 2 == 0;
            few_p99 |= change.interval.is_none() && index % 2 == 1;
            rows.push(row(name, what, &change));
        }
    }
    out.push('\n');
    let columns = Columns::of(rows.iter(), |column| matches!(column, 0 | 1 | 7));
    for row in &rows {
        writeln!(out, "{}", columns.line(row, "  "))?;
    }
    for kernel in &comparison.kernels {
        let (failed, missed) = (kernel.failed, kernel.deadline_missed);
        if failed != (0, 0) || missed != (0, 0) {
            writeln!(
                out,
                "{}: {} -> {} deadlines missed, {} -> {} windows failed",
                printable(&kernel.name),
                missed.0,
                missed.1,
                failed.0,
                failed.1
            )?;
        }
    }
    if incomparable {
        writeln!(out, "Kernels on an emulated and on a real device cannot be compared.")?;
    }
    if few {
        writeln!(out, "No interval of a median below {LEAST_WINDOWS} windows in each run.")?;
    }
    if few_p99 {
        writeln!(out, "No p99 below 100 windows; one without an interval has too few beyond it.")?;
    }
    let changes = comparison.kernels.iter().filter_map(|kernel| kernel.kernel_p50);
    let intervals: Vec<Generalization> = changes.filter_map(|c| Some(c.interval?.of)).collect();
    if intervals.contains(&Generalization::Windows) {
        writeln!(
            out,
            "Intervals are of the windows of these two runs. What differs from run to run is not in \n\
             them; a verdict reckons with 0.6 % of it. Give several runs a side to measure it."
        )?;
    } else if intervals.contains(&Generalization::Runs) {
        writeln!(
            out,
            "Intervals are of the runs' own quantiles: scatter from run to run is in them."
        )?;
    }
    match comparison.verdict {
        None => Ok(()),
        Some(Verdict::NoDifference) => writeln!(out, "\nno difference shown"),
        Some(_) => {
            let of = |wanted: Verdict| {
                let kernels = comparison.kernels.iter();
                let names = kernels.filter(|kernel| kernel.verdicts().any(|v| v == wanted));
                names.map(|kernel| printable(&kernel.name)).collect::<Vec<_>>()
            };
            out.push('\n');
            for (name, kernels) in
                [("slower", of(Verdict::Slower)), ("faster", of(Verdict::Faster))]
            {
                if !kernels.is_empty() {
                    writeln!(out, "{name}: {}", kernels.join(", "))?;
                }
            }
            Ok(())
        }
    }
}

fn row(name: String, what: &str, change: &Change) -> Vec<String> {
    let (unit, more, less) = match change.unit {
        Unit::Us => ("µs", "slower", "faster"),
        Unit::Instructions => ("instructions", "more", "fewer"),
    };
    let figure = match change.unit {
        Unit::Us => micros,
        Unit::Instructions => grouped,
    };
    let interval = match change.interval {
        None => "–".to_owned(),
        Some(interval) => {
            let (low, high) = interval.change_percent;
            format!("{} to {} %", signed(low, 1), signed(high, 1))
        }
    };
    let verdict = match change.verdict {
        None => "",
        Some(Verdict::NoDifference) => "no difference shown",
        Some(Verdict::Slower) => more,
        Some(Verdict::Faster) => less,
    };
    vec![
        name,
        format!("{what}, {unit}"),
        figure(change.a),
        figure(change.b),
        match change.unit {
            Unit::Us if change.difference.abs() < 10.0 => signed(change.difference, 2),
            Unit::Us => signed(change.difference, 1),
            Unit::Instructions => signed(change.difference, 0),
        },
        format!("{} %", signed(change.change_percent, 1)),
        interval,
        verdict.to_owned(),
    ]
}

/// A number with its sign; 0 has none.
fn signed(value: f64, digits: usize) -> String {
    let text = format!("{:.digits$}", value.abs());
    if text.chars().all(|c| c == '0' || c == '.') {
        text
    } else if value < 0.0 {
        format!("−{text}")
    } else {
        format!("+{text}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signs_are_plain() {
        assert_eq!(signed(0.04, 1), "0.0");
        assert_eq!(signed(-0.04, 1), "0.0");
        assert_eq!(signed(3.26, 1), "+3.3");
        assert_eq!(signed(-3.26, 1), "−3.3");
    }
}
