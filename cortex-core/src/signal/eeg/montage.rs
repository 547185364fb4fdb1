//! Electrode positions of the 10-10 system on the unit sphere.
//!
//! The idealised system (American Electroencephalographic Society, J. Clin. Neurophysiol. 8, 1991;
//! Oostenveld and Praamstra, Clin. Neurophysiol. 112, 2001): Cz is the top, the midline and the
//! ring through Fpz, T7, Oz and T8 are divided in steps of 18 degrees, and the electrodes of a row
//! divide the arc from the midline to the ring evenly. Electrodes are numbered with the 21 of the
//! 10-20 system first, so that the first channels of a larger montage are those of a smaller one.

use core::f64::consts::PI;

use crate::math;

/// A position: to the right ear, to the nose, up; of length 1.
pub(super) type Position = [f64; 3];

/// An electrode's name, its row (in steps of 18 degrees behind Fpz) and its place in the row
/// (quarters of the way to the ring, left is negative; 5 is the ring 18 degrees further down).
struct Electrode(&'static str, i8, i8);

/// Number of electrodes of the montage.
pub const ELECTRODES: usize = 64;

#[rustfmt::skip]
const MONTAGE: [Electrode; ELECTRODES] = [
    Electrode("Fp1", 0, -4), Electrode("Fpz", 0, 0), Electrode("Fp2", 0, 4),
    Electrode("F7", 2, -4), Electrode("F3", 2, -2), Electrode("Fz", 2, 0), Electrode("F4", 2, 2),
    Electrode("F8", 2, 4), Electrode("T7", 4, -4), Electrode("C3", 4, -2), Electrode("Cz", 4, 0),
    Electrode("C4", 4, 2), Electrode("T8", 4, 4), Electrode("P7", 6, -4), Electrode("P3", 6, -2),
    Electrode("Pz", 6, 0), Electrode("P4", 6, 2), Electrode("P8", 6, 4), Electrode("O1", 8, -4),
    Electrode("Oz", 8, 0), Electrode("O2", 8, 4),
    Electrode("AF7", 1, -4), Electrode("AF3", 1, -2), Electrode("AFz", 1, 0), Electrode("AF4", 1, 2),
    Electrode("AF8", 1, 4), Electrode("F5", 2, -3), Electrode("F1", 2, -1), Electrode("F2", 2, 1),
    Electrode("F6", 2, 3), Electrode("FT7", 3, -4), Electrode("FC5", 3, -3), Electrode("FC3", 3, -2),
    Electrode("FC1", 3, -1), Electrode("FCz", 3, 0), Electrode("FC2", 3, 1), Electrode("FC4", 3, 2),
    Electrode("FC6", 3, 3), Electrode("FT8", 3, 4), Electrode("C5", 4, -3), Electrode("C1", 4, -1),
    Electrode("C2", 4, 1), Electrode("C6", 4, 3), Electrode("TP7", 5, -4), Electrode("CP5", 5, -3),
    Electrode("CP3", 5, -2), Electrode("CP1", 5, -1), Electrode("CPz", 5, 0), Electrode("CP2", 5, 1),
    Electrode("CP4", 5, 2), Electrode("CP6", 5, 3), Electrode("TP8", 5, 4), Electrode("P5", 6, -3),
    Electrode("P1", 6, -1), Electrode("P2", 6, 1), Electrode("P6", 6, 3), Electrode("PO7", 7, -4),
    Electrode("PO3", 7, -2), Electrode("POz", 7, 0), Electrode("PO4", 7, 2), Electrode("PO8", 7, 4),
    Electrode("Iz", 9, 0), Electrode("P9", 6, -5), Electrode("P10", 6, 5),
];

/// 18 degrees.
const STEP: f64 = PI / 10.0;

/// Name of `channel`, such as `C3`; none from [`ELECTRODES`] on.
#[must_use]
pub fn name(channel: usize) -> Option<&'static str> {
    MONTAGE.get(channel).map(|electrode| electrode.0)
}

/// Channel of the electrode `name`.
pub(super) fn channel(name: &str) -> Option<usize> {
    MONTAGE.iter().position(|electrode| electrode.0 == name)
}

/// Position of `channel`; none from [`ELECTRODES`] on.
pub(super) fn position(channel: usize) -> Option<Position> {
    let Electrode(_, row, place) = *MONTAGE.get(channel)?;
    let midline = point((f64::from(row) - 4.0) * STEP, 0.0);
    let side = if place < 0 { -1.0 } else { 1.0 };
    // Along the ring from Fpz, a row takes a step, and its first one is the row of Fp1.
    let azimuth = f64::from(row + 1) * STEP;
    let quarter = f64::from(place.unsigned_abs());
    Some(match place.unsigned_abs() {
        0 => midline,
        5 => ring(5.0 * STEP, side * azimuth),
        _ => between(midline, ring(4.0 * STEP, side * azimuth), quarter / 4.0),
    })
}

/// The point `back` radians behind the top on the midline, then `right` radians to the right.
fn point(back: f64, right: f64) -> Position {
    [math::sin(right), -math::sin(back) * math::cos(right), math::cos(back) * math::cos(right)]
}

/// The point `down` radians from the top, at `azimuth` radians from the nose to the right.
fn ring(down: f64, azimuth: f64) -> Position {
    let radius = math::sin(down);
    [radius * math::sin(azimuth), radius * math::cos(azimuth), math::cos(down)]
}

/// The point `part` of the way from `a` to `b` on the great circle.
fn between(a: Position, b: Position, part: f64) -> Position {
    let cos = dot(a, b);
    let angle = math::atan2(math::sqrt((1.0 - cos * cos).max(0.0)), cos);
    let (from, to) = (math::sin((1.0 - part) * angle), math::sin(part * angle));
    let all = math::sin(angle);
    if all == 0.0 {
        return a;
    }
    core::array::from_fn(|i| (a[i] * from + b[i] * to) / all)
}

pub(super) fn dot(a: Position, b: Position) -> f64 {
    a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Angles that the 10-20 system fixes: neighbours on the midline and on the ring are two
    /// steps apart, C3 is halfway from Cz to T7, left mirrors right.
    #[test]
    fn positions_are_those_of_the_ten_twenty_system() {
        let at = |name: &str| position(channel(name).expect("known")).expect("in the montage");
        let angle = |a: &str, b: &str| {
            let cos: f64 = dot(at(a), at(b));
            math::round(math::atan2(math::sqrt((1.0 - cos * cos).max(0.0)), cos) / STEP * 1e9) / 1e9
        };
        assert_eq!(angle("Cz", "Fz"), 2.0);
        assert_eq!(angle("Pz", "Oz"), 2.0);
        assert_eq!(angle("Cz", "T7"), 4.0);
        assert_eq!(angle("Cz", "C3"), 2.0);
        assert_eq!(angle("C3", "T7"), 2.0);
        assert_eq!(angle("Fpz", "Iz"), 9.0);
        assert!(at("C3")[0] < 0.0 && at("Fz")[1] > 0.0 && at("O1")[1] < 0.0);
        for channel in 0..ELECTRODES {
            let [x, y, z] = position(channel).expect("in the montage");
            assert!((x * x + y * y + z * z - 1.0).abs() < 1e-12);
            let mirrored = (0..ELECTRODES).any(|other| {
                let [u, v, w] = position(other).expect("in the montage");
                (u + x).abs() < 1e-9 && (v - y).abs() < 1e-9 && (w - z).abs() < 1e-9
            });
            assert!(mirrored, "{:?}", name(channel));
        }
    }
}
