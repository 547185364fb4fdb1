//! Whether a kernel computes what its oracle does: on random shapes, parameters and missing samples,
//! and on a recording.
//!
//! The oracle is any program in the framing of [`CommandKernel`]; it is asked the same windows as the
//! kernel, and the outputs are compared within a tolerance.

mod cases;
mod spec;

use cortex_core::math;
use serde::Serialize;

use crate::base::{Failure, Progress};
use crate::foreign::{CommandKernel, CommandSetup, Feed};
use crate::harness::{Device, Monotonic};
use crate::plan::KernelSource;
use crate::run::open_kernel;

pub use cases::{Case, RecordingFile};
pub use spec::{Tolerance, Validation};

use std::time::Duration;

/// How long an oracle may take for a window: it is no kernel.
const ORACLE_PATIENCE: Duration = Duration::from_secs(60);

/// What came of one case.
#[derive(Clone, Debug, PartialEq, schemars::JsonSchema, Serialize)]
pub struct CaseReport {
    /// Shape, parameters and data in words.
    pub case: String,
    /// Values compared.
    pub values: usize,
    /// Largest absolute difference.
    pub max_error: f64,
    /// Power of the oracle's output over that of the difference, in dB; none when they are equal.
    pub snr_db: Option<f64>,
    /// What is wrong, with the window; none when all is within the tolerance.
    pub finding: Option<String>,
}

/// Runs the kernel of `validation` and its oracle over every case, and tells `report` of each.
///
/// # Errors
/// [`Failure`] when a case cannot be run: a kernel or an oracle that does not start.
pub fn validate(
    validation: &Validation,
    seed: u64,
    recording: Option<&RecordingFile>,
    progress: &Progress,
    mut report: impl FnMut(&CaseReport),
) -> Result<Vec<CaseReport>, Failure> {
    let mut reports = Vec::new();
    for case in cases::cases(validation, seed, recording)? {
        if progress.is_cancelled() {
            break;
        }
        let result = run_case(validation, &case)?;
        report(&result);
        reports.push(result);
    }
    Ok(reports)
}

fn run_case(validation: &Validation, case: &Case) -> Result<CaseReport, Failure> {
    let mut kernel = open_kernel(&case.plan, 0)?;
    let (channels, window, hop) = case.shape();
    let setup = CommandSetup {
        command: validation.oracle.clone(),
        name: case.plan.kernels[0].name.clone(),
        channels,
        window,
        hop,
        sample_rate_hz: case.plan.dataset.sample_rate_hz(),
        feed: match &case.plan.kernels[0].source {
            KernelSource::Library(kernel) => kernel.setup.feed,
            KernelSource::Program(program) => program.setup.feed,
            KernelSource::BuiltIn(_) => Feed::Hops,
        },
        params: case.params.clone(),
    };
    let mut oracle = CommandKernel::open(&setup, ORACLE_PATIENCE, Duration::ZERO)
        .map_err(|refusal| Failure::usage(format!("the oracle: {refusal}")))?;
    let lost = |device: &dyn Device| device.loss().unwrap_or_else(|| "it is gone".to_owned());
    let mut comparison = OutputComparison::new(case.words.clone());
    if kernel.reset().is_err() {
        comparison.find(format!("the kernel: {}", lost(&*kernel)));
        return Ok(comparison.done(&validation.tolerance));
    }
    oracle.reset().map_err(|_| Failure::usage(format!("the oracle: {}", lost(&oracle))))?;
    let mut output = vec![0.0; kernel.max_output_len()];
    let mut expected = vec![0.0; oracle.max_output_len()];
    for index in 0..case.windows {
        let input = case.input(index);
        let done = match kernel.run_window(index, input, &mut output, &Monotonic) {
            Ok(done) => done.output_len,
            Err(fault) => {
                let cause = kernel.loss().unwrap_or_else(|| fault.to_string());
                comparison.find(format!("window {index}: the kernel failed: {cause}"));
                break;
            }
        };
        let known = oracle
            .run_window(index, input, &mut expected, &Monotonic)
            .map_err(|_| Failure::usage(format!("the oracle: {}", lost(&oracle))))?;
        if done != known.output_len {
            comparison.find(format!(
                "window {index}: the kernel gives {done} values, the oracle {}",
                known.output_len
            ));
            break;
        }
        comparison.window(index, &output[..done], &expected[..done], &validation.tolerance);
    }
    Ok(comparison.done(&validation.tolerance))
}

/// What is gathered over the windows of a case.
struct OutputComparison {
    report: CaseReport,
    signal: f64,
    noise: f64,
}

impl OutputComparison {
    fn new(case: String) -> Self {
        let report = CaseReport { case, values: 0, max_error: 0.0, snr_db: None, finding: None };
        Self { report, signal: 0.0, noise: 0.0 }
    }

    fn find(&mut self, finding: String) {
        self.report.finding.get_or_insert(finding);
    }

    fn window(&mut self, index: u64, output: &[f32], expected: &[f32], tolerance: &Tolerance) {
        self.report.values += output.len();
        for (at, (&y, &r)) in output.iter().zip(expected).enumerate() {
            let (y, r) = (f64::from(y), f64::from(r));
            if y.is_nan() || r.is_nan() {
                if y.is_nan() != r.is_nan() {
                    self.find(format!("window {index}, value {at}: {y}, and the oracle has {r}"));
                }
                continue;
            }
            let error = (y - r).abs();
            self.signal += r * r;
            self.noise += error * error;
            self.report.max_error = self.report.max_error.max(error);
            if let Tolerance::PerValue { rtol, atol } = tolerance
                && error > atol + rtol * r.abs()
            {
                self.find(format!(
                    "window {index}, value {at}: {y}, and the oracle has {r}, {error:.3e} apart"
                ));
            }
        }
    }

    fn done(mut self, tolerance: &Tolerance) -> CaseReport {
        if self.noise > 0.0 {
            let snr_db = 10.0 * math::log10(self.signal / self.noise);
            self.report.snr_db = Some(snr_db);
            if let Tolerance::SnrDb(least) = tolerance
                && (snr_db < *least || snr_db.is_nan())
            {
                self.find(format!("{snr_db:.1} dB, less than {least} dB"));
            }
        }
        self.report
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn compare(output: &[f32], expected: &[f32], tolerance: Tolerance) -> CaseReport {
        let mut comparison = OutputComparison::new(String::new());
        comparison.window(3, output, expected, &tolerance);
        comparison.done(&tolerance)
    }

    #[test]
    fn tolerances_are_met_or_named_with_the_window() {
        let per_value = Tolerance::PerValue { rtol: 0.01, atol: 0.1 };
        let nan = f32::NAN;
        assert_eq!(compare(&[100.9, nan, 0.05], &[100.0, nan, 0.0], per_value).finding, None);
        let found = compare(&[1.0, 102.0], &[1.0, 100.0], per_value).finding.unwrap();
        assert!(found.starts_with("window 3, value 1: 102, and the oracle has 100"), "{found}");
        assert!(compare(&[nan], &[1.0], per_value).finding.is_some());
        // 1 in 10,000 of the power: 40 dB.
        let report = compare(&[101.0], &[100.0], Tolerance::SnrDb(39.9));
        assert!((report.snr_db.unwrap() - 40.0).abs() < 1e-6);
        assert_eq!(report.finding, None);
        assert!(compare(&[101.0], &[100.0], Tolerance::SnrDb(40.1)).finding.is_some());
        assert_eq!(compare(&[1.0], &[1.0], Tolerance::SnrDb(300.0)).finding, None);
    }
}
