//! What tells two builds apart: digests of what their generators and kernels put out.

use crate::digest::SampleDigest;
use crate::kernel::golden::fill_golden_rows;
use crate::kernel::{Kernel, KernelName, KernelShape, KernelSpec};
use crate::signal::{BLOCK_SAMPLES, Generator, GeneratorVersion, Scratch, SignalKind, SourceSpec};

/// Digest of what this build's generators of one version produce: the first block of two
/// channels of every signal at fixed parameters. Two builds with the same digest generate the
/// same data. 0 when this build does not have the version.
/// Without a heap v3 is not there: a [`super::KernelEngine`] has it in memory of its own.
#[must_use]
pub fn generator_digest(version: GeneratorVersion) -> u32 {
    digest_within(version, &mut Generator::silence(), &mut Scratch::new())
}

/// [`generator_digest`], working in memory of the caller's.
pub(super) fn digest_within(
    version: GeneratorVersion,
    generator: &mut Generator,
    scratch: &mut Scratch<1>,
) -> u32 {
    if cfg!(not(feature = "v2")) && version == GeneratorVersion::V2 {
        return 0;
    }
    #[cfg(feature = "v3")]
    if version == GeneratorVersion::V3 && !scratch.has_memory() {
        return 0;
    }
    let mut digest = SampleDigest::new();
    let mut block = [[0.0f32; 1]; BLOCK_SAMPLES];
    for kind in SignalKind::ALL {
        let signal = kind.specimen();
        if !signal.is_in(version) {
            continue;
        }
        let spec = SourceSpec::new(version, signal, kind.specimen_rate_hz(), 42);
        if generator.redesign(&spec).is_err() {
            return 0;
        }
        for channel in 0..2 {
            let mut lanes = generator.start_one(channel);
            generator.fill_one(&mut lanes, scratch, &mut block);
            for [sample] in &block {
                digest.update(&[*sample]);
            }
        }
    }
    digest.finish()
}

/// Shape at which [`kernel_digest`] runs every kernel.
const DIGEST_SHAPE: KernelShape =
    KernelShape { channels: 1, window: 160, hop: 80, sample_rate_hz: 160.0 };

/// Digest of what this build's kernels put out: every kernel with default parameters over one
/// window of the golden input. Two builds with the same digest compute the same. `values` is
/// working memory; 0 ("not known") when it is too short.
#[must_use]
pub fn kernel_digest(values: &mut [f32]) -> u32 {
    let mut digest = SampleDigest::new();
    for name in KernelName::ALL {
        let Ok(kernel) = KernelSpec::with_defaults(name).build(DIGEST_SHAPE) else { return 0 };
        let (state, window) = (kernel.state_len(), DIGEST_SHAPE.window);
        if state + window + kernel.output_len(window) > values.len() {
            return 0;
        }
        let (state, rest) = values.split_at_mut(state);
        let (input, output) = rest.split_at_mut(window);
        kernel.reset(state);
        fill_golden_rows(0, 1, input);
        let Ok(written) = kernel.process(state, input, output) else { return 0 };
        digest.update(output.get(..written).unwrap_or(&[]));
    }
    digest.finish()
}
