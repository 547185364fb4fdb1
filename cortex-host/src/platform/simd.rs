//! Run-time choice of the vector instructions that generators and kernels run with.
//!
//! Both are plain loops over `[f32; N]` lanes. Inlined into a function that is compiled
//! for AVX-512, the very same source becomes 512-bit instructions; the operations and their
//! order stay, hence every bit (no path enables fused multiply-add contraction).

use std::fmt;
use std::str::FromStr;

/// Vector instructions a user may ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SimdChoice {
    /// The widest this processor has.
    Auto,
    /// Exactly this one.
    Forced(SimdLevel),
}

/// A set of vector instructions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SimdLevel {
    /// One channel at a time, as on a microcontroller.
    Scalar,
    /// 128-bit vectors of x86-64, always there.
    Sse2,
    /// 256-bit vectors of x86-64.
    Avx2,
    /// 512-bit vectors of x86-64 (F, BW, DQ and VL).
    Avx512,
    /// 128-bit vectors of AArch64, always there.
    Neon,
}

/// All levels, narrowest first.
pub const SIMD_LEVELS: [SimdLevel; 5] =
    [SimdLevel::Scalar, SimdLevel::Sse2, SimdLevel::Avx2, SimdLevel::Avx512, SimdLevel::Neon];

/// A level this processor was seen to have: holding one is the proof that running it is sound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SimdPath(SimdLevel);

/// This processor does not have the instructions asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this processor has no {wanted} instructions; leave --simd at auto, or choose {available}", available = Available)]
pub struct SimdUnavailable {
    /// The level asked for.
    pub wanted: SimdLevel,
}

/// Work that can run with any vector instructions. `run` must be `#[inline(always)]`, as must be
/// everything hot that it calls, or it stays compiled for the baseline.
pub trait Vectorised {
    /// What the work returns.
    type Output;
    /// Does the work. `LANES` values in single precision fill two of the path's registers; it is 1 where
    /// the path has none.
    fn run<const LANES: usize>(self) -> Self::Output;
}

impl SimdChoice {
    /// The path to run.
    ///
    /// # Errors
    /// [`SimdUnavailable`] when the processor lacks the level forced.
    pub fn resolve(self) -> Result<SimdPath, SimdUnavailable> {
        match self {
            SimdChoice::Auto => Ok(SimdPath::best()),
            SimdChoice::Forced(level) => {
                SimdPath::detect(level).ok_or(SimdUnavailable { wanted: level })
            }
        }
    }
}

impl SimdPath {
    /// `level`, when this processor has it.
    #[must_use]
    pub fn detect(level: SimdLevel) -> Option<Self> {
        let there = match level {
            SimdLevel::Scalar => true,
            #[cfg(target_arch = "x86_64")]
            SimdLevel::Sse2 => true,
            #[cfg(target_arch = "x86_64")]
            SimdLevel::Avx2 => std::arch::is_x86_feature_detected!("avx2"),
            #[cfg(target_arch = "x86_64")]
            SimdLevel::Avx512 => {
                std::arch::is_x86_feature_detected!("avx512f")
                    && std::arch::is_x86_feature_detected!("avx512bw")
                    && std::arch::is_x86_feature_detected!("avx512dq")
                    && std::arch::is_x86_feature_detected!("avx512vl")
            }
            #[cfg(target_arch = "aarch64")]
            SimdLevel::Neon => true,
            #[allow(unreachable_patterns)]
            _ => false,
        };
        there.then_some(Self(level))
    }

    /// The widest path of this processor.
    #[must_use]
    pub fn best() -> Self {
        SIMD_LEVELS.into_iter().rev().find_map(Self::detect).unwrap_or(Self(SimdLevel::Scalar))
    }

    /// All paths of this processor, narrowest first.
    pub fn available() -> impl Iterator<Item = Self> {
        SIMD_LEVELS.into_iter().filter_map(Self::detect)
    }

    /// The level of this path.
    #[must_use]
    pub fn level(self) -> SimdLevel {
        self.0
    }

    /// Runs `work` compiled for this path.
    #[inline]
    pub fn run<V: Vectorised>(self, work: V) -> V::Output {
        match self.0 {
            #[cfg(target_arch = "x86_64")]
            // SAFETY: a `SimdPath` of this level exists only where `detect` saw avx2.
            SimdLevel::Avx2 => unsafe { run_avx2(work) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: a `SimdPath` of this level exists only where `detect` saw all four features.
            SimdLevel::Avx512 => unsafe { run_avx512(work) },
            // Baseline instructions: SSE2 on x86-64 and NEON on AArch64 are part of the target.
            SimdLevel::Sse2 | SimdLevel::Neon => work.run::<8>(),
            _ => work.run::<1>(),
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn run_avx2<V: Vectorised>(work: V) -> V::Output {
    work.run::<16>()
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
fn run_avx512<V: Vectorised>(work: V) -> V::Output {
    work.run::<32>()
}

/// Prints the levels of this processor: `auto, scalar, sse2`.
struct Available;

impl fmt::Display for Available {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<String> = SimdPath::available().map(|path| path.0.to_string()).collect();
        f.write_str(&names.join(" or "))
    }
}

impl fmt::Display for SimdLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            SimdLevel::Scalar => "scalar",
            SimdLevel::Sse2 => "sse2",
            SimdLevel::Avx2 => "avx2",
            SimdLevel::Avx512 => "avx512",
            SimdLevel::Neon => "neon",
        })
    }
}

impl FromStr for SimdChoice {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        if name == "auto" {
            return Ok(SimdChoice::Auto);
        }
        SIMD_LEVELS
            .into_iter()
            .find(|level| level.to_string() == name)
            .map(SimdChoice::Forced)
            .ok_or_else(|| "choose auto, scalar, sse2, avx2, avx512 or neon".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Sum<'a>(&'a [f32; 64]);

    impl Vectorised for Sum<'_> {
        type Output = [f32; 16];
        #[inline(always)]
        fn run<const LANES: usize>(self) -> [f32; 16] {
            let mut lanes = [0.0; 16];
            for chunk in self.0.chunks_exact(16) {
                for (lane, value) in lanes.iter_mut().zip(chunk) {
                    *lane += *value;
                }
            }
            lanes
        }
    }

    #[test]
    fn every_path_of_this_processor_gives_the_same_lanes() {
        let input = std::array::from_fn(|i| i as f32 * 0.1);
        let expected = SimdPath::detect(SimdLevel::Scalar).unwrap().run(Sum(&input));
        for path in SimdPath::available() {
            assert_eq!(path.run(Sum(&input)), expected, "{}", path.level());
        }
    }

    #[test]
    fn a_level_of_another_processor_is_refused_with_the_levels_here() {
        let foreign = if cfg!(target_arch = "aarch64") { SimdLevel::Avx2 } else { SimdLevel::Neon };
        let error = SimdChoice::Forced(foreign).resolve().unwrap_err().to_string();
        assert!(error.contains(&foreign.to_string()) && error.contains("scalar"), "{error}");
    }

    #[test]
    fn names_round_trip_and_unknown_names_list_the_known() {
        for level in SIMD_LEVELS {
            assert_eq!(level.to_string().parse(), Ok(SimdChoice::Forced(level)));
        }
        assert!("mmx".parse::<SimdChoice>().unwrap_err().contains("avx512"));
    }
}
