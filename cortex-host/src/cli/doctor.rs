//! `cortex-host doctor`: what this machine has, and what to do about what it has not.

mod check;
mod machine;
mod toolchain;

use super::{json, output};
use crate::base::{ExitCode, Failure};
use check::{Check, Status};

/// Arguments of `doctor`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  cortex-host doctor
  cortex-host doctor --json

ok: in order; advice: something optional is missing, and the line below says what to do;
problem: a native run cannot work. Exit code 0: no problem; 1: at least one problem.")]
pub struct Args {
    /// Print JSON for scripts.
    #[arg(long)]
    pub json: bool,
}

/// Looks and reports on stdout.
///
/// # Errors
/// [`Failure`] when stdout cannot be written.
pub fn execute(args: &Args) -> Result<ExitCode, Failure> {
    let mut checks = vec![
        machine::build(),
        machine::primitives(),
        machine::temporary_files(),
        machine::current_folder(),
        machine::processor(),
        machine::governor(),
        machine::realtime(),
        machine::serial_ports(),
    ];
    checks.extend(toolchain::checks());
    let healthy = checks.iter().all(|check| check.status != Status::Problem);
    if args.json {
        json::print(Health { healthy, checks: &checks })?;
    } else {
        output::print(as_text(&checks).trim_end())?;
    }
    Ok(if healthy { ExitCode::Success } else { ExitCode::CheckFailed })
}

/// What `doctor` found.
#[derive(schemars::JsonSchema, serde::Serialize)]
pub struct Health<'a> {
    /// Whether there is no problem.
    healthy: bool,
    /// Each thing looked at.
    checks: &'a [Check],
}

fn as_text(checks: &[Check]) -> String {
    let mut text = String::new();
    for check in checks {
        let word = match check.status {
            Status::Ok => "ok",
            Status::Advice => "advice",
            Status::Problem => "problem",
        };
        text.push_str(&format!("{word:<8} {:<18} {}\n", check.name, check.found));
        if let Some(advice) = &check.advice {
            text.push_str(&format!("{:27} -> {advice}\n", ""));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_missing_comes_with_what_to_do() {
        let text = as_text(&[
            Check::ok("processor", "2 cores"),
            Check::advice("emulator", "none", "apt-get install qemu-system-arm"),
        ]);
        let lines: Vec<&str> = text.lines().collect();
        assert!(lines[0].starts_with("ok       processor"), "{text}");
        assert!(lines[2].trim_start().starts_with("-> apt-get install"), "{text}");
    }
}
