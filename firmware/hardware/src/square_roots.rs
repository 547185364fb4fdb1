//! The processor's square roots, where it has a floating-point unit: a tenth of what they cost in software,
//! and the same bits, since both are correctly rounded.

use cortex_core::random::SquareRoots;

/// What this processor takes square roots by.
#[cfg(not(target_abi = "eabihf"))]
pub const SQUARE_ROOTS: SquareRoots = SquareRoots::PORTABLE;

/// What this processor takes square roots by.
#[cfg(target_abi = "eabihf")]
pub const SQUARE_ROOTS: SquareRoots = SquareRoots::new(replace);

#[cfg(target_abi = "eabihf")]
fn replace(values: &mut [f32]) {
    let (fours, rest) = values.as_chunks_mut::<4>();
    for values in fours {
        replace_four(values);
    }
    for value in rest {
        let mut four = [*value; 4];
        replace_four(&mut four);
        *value = four[0];
    }
}

#[cfg(target_abi = "eabihf")]
#[allow(unsafe_code)]
#[inline(always)]
fn replace_four(values: &mut [f32; 4]) {
    // SAFETY: These read and write the four numbers; S0 to S3 are changed only between their push and
    // their pop. Every target of this ABI has VSQRT. (The compiler takes no name for its registers
    // here.)
    unsafe {
        core::arch::asm!(
            "vpush {{s0, s1, s2, s3}}",
            "vldmia {at}, {{s0, s1, s2, s3}}",
            "vsqrt.f32 s0, s0",
            "vsqrt.f32 s1, s1",
            "vsqrt.f32 s2, s2",
            "vsqrt.f32 s3, s3",
            "vstmia {at}, {{s0, s1, s2, s3}}",
            "vpop {{s0, s1, s2, s3}}",
            at = in(reg) values.as_mut_ptr(),
        );
    }
}
