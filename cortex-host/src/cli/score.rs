//! `cortex-host score TRUTH OUTPUT`: a detector's or classifier's events against the known ones.

use std::path::PathBuf;

use super::{arguments, output::print};
use crate::base::{ExitCode, Failure};
use crate::score::{Score, read, score};

/// Arguments of `score`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  cortex-host score spikes.spikes.npy detected.tsv --sample-rate-hz=30000 --tolerance-ms=0.5
  cortex-host score p300_events.tsv answers.tsv --tolerance-ms=1000 --json

A table has a line of column names between tabs: onset (seconds from the first sample), and where
there are any trial_type (the class) and electrode (from 0). Events no farther apart than the
tolerance match, each once; labels are compared when all events have one. blink, emg_*, ecg and
pop_* are left out.")]
pub struct Args {
    /// The ground truth: OUT_events.tsv or OUT.spikes.npy of generate.
    #[arg(value_parser = arguments::path())]
    pub truth: PathBuf,
    /// What was detected: a table with a column onset.
    #[arg(value_parser = arguments::path())]
    pub output: PathBuf,
    /// Farthest that matching events may be apart, in milliseconds.
    #[arg(long, value_name = "MS", default_value_t = 1.0)]
    pub tolerance_ms: f64,
    /// Sample rate of a .spikes.npy in Hz.
    #[arg(long, value_name = "HZ")]
    pub sample_rate_hz: Option<f64>,
    /// Print the score as JSON on stdout.
    #[arg(long)]
    pub json: bool,
}

/// Carries the command out.
///
/// # Errors
/// [`Failure`] with the code and the sentence for the user.
pub fn execute(args: &Args) -> Result<ExitCode, Failure> {
    if !(args.tolerance_ms.is_finite() && args.tolerance_ms >= 0.0) {
        let value = args.tolerance_ms;
        return Err(Failure::usage(format!(
            "--tolerance-ms must be a number of 0 or above, but it is {value}"
        )));
    }
    if args.sample_rate_hz.is_some_and(|rate_hz| !(rate_hz.is_finite() && rate_hz > 0.0)) {
        return Err(Failure::usage("--sample-rate-hz must be a number above 0"));
    }
    let truth = read(&args.truth, args.sample_rate_hz)?;
    let output = read(&args.output, args.sample_rate_hz)?;
    // Units of a detector are its own: only a table's labels are classes.
    let labels = args.truth.extension().is_none_or(|extension| extension != "npy");
    let found = score(&truth, &output, args.tolerance_ms * 1e-3, labels);
    if args.json {
        super::json::print(&found)?;
    } else {
        print(&as_text(&found))?;
    }
    Ok(ExitCode::Success)
}

fn as_text(score: &Score) -> String {
    let ratio = |value: Option<f64>| value.map_or("n/a".to_owned(), |value| format!("{value:.4}"));
    let mut lines = vec![
        format!(
            "matched {} of {} known, {} found (within {} ms)",
            score.matched, score.truth, score.output, score.tolerance_ms
        ),
        format!(
            "precision {}, recall {}, F1 {}",
            ratio(score.precision),
            ratio(score.recall),
            ratio(score.f1)
        ),
    ];
    if let Some(latency) = &score.latency_ms {
        lines.push(format!(
            "latency median {:.3} ms, mean {:.3} ms, standard deviation {:.3} ms",
            latency.median, latency.mean, latency.sd
        ));
    }
    if let Some(classes) = &score.classes {
        lines.push(format!(
            "accuracy {:.4}, kappa {}, {} unanswered; known in rows, answers in columns: {}",
            classes.accuracy,
            ratio(classes.kappa),
            classes.unanswered,
            classes.names.join(", ")
        ));
        for (name, row) in classes.names.iter().zip(&classes.confusion) {
            let counts: Vec<String> = row.iter().map(u64::to_string).collect();
            lines.push(format!("  {name}: {}", counts.join(" ")));
        }
    }
    lines.join("\n")
}
