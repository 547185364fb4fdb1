//! Where electrodes and units lie, and how large a unit is at an electrode.
//!
//! Electrode `e` is at row `e / columns`, column `e % columns` of a grid that has as many rows as
//! are asked for; distances are in units of the pitch. A unit lies within half a pitch of its home
//! electrode in both directions, and is seen at distance d with the gain
//!
//! ```text
//! g(d) = (1 - (d/R)²)² / (1 + (d/λ)²),  R = 1.5,  zero from R on
//! ```
//!
//! the 1/d² of a dipole, with λ the distance at which it begins, ended smoothly where the ninth
//! neighbour is left. So a unit is seen by its home and the eight electrodes around it and by no
//! other, and an electrode is known by the units of nine homes, however many electrodes there are.

/// Reach of a unit, in pitches.
const REACH: f32 = 1.5;

/// The electrode grid.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Grid {
    /// Electrodes of a row.
    pub columns: u32,
    /// One over λ², in 1/pitch².
    pub inverse_decay_squared: f32,
}

impl Grid {
    /// Gain at an electrode `dx` columns and `dy` rows away, both in pitches.
    #[inline(always)]
    pub(super) fn gain(&self, dx: f32, dy: f32) -> f32 {
        let square = dx * dx + dy * dy;
        let left = 1.0 - square * (1.0 / (REACH * REACH));
        let left = if left > 0.0 { left } else { 0.0 };
        left * left / (1.0 + square * self.inverse_decay_squared)
    }

    /// Row and column of `electrode`.
    #[inline(always)]
    pub(super) fn place(&self, electrode: u32) -> (u32, u32) {
        (electrode / self.columns, electrode % self.columns)
    }

    /// Calls `each` with every electrode whose units some of `count` electrodes from `first` on
    /// can see, in ascending order: the homes of those electrodes' units.
    pub(super) fn homes(&self, first: u32, count: u32, mut each: impl FnMut(u32)) {
        let (first, columns) = (i64::from(first), i64::from(self.columns));
        let last = first + i64::from(count) - 1;
        // The rows before, of and after the electrodes, each with a column to either side; these
        // three ranges overlap when a row is short.
        let mut next = 0;
        for row in -1..=1 {
            let (low, high) = (first + row * columns - 1, last + row * columns + 1);
            let mut home = low.max(next);
            while home <= high {
                if let Ok(home) = u32::try_from(home)
                    && self.is_seen_within(home, first, last)
                {
                    each(home);
                }
                home += 1;
            }
            next = next.max(high + 1);
        }
    }

    /// Whether an electrode in `first..=last` is next to `home`, or is `home`.
    fn is_seen_within(&self, home: u32, first: i64, last: i64) -> bool {
        let columns = i64::from(self.columns);
        let (row, column) = self.place(home);
        (-1..=1).any(|dy| {
            let start = (i64::from(row) + dy) * columns;
            let low = start + (i64::from(column) - 1).max(0);
            let high = start + (i64::from(column) + 1).min(columns - 1);
            low <= last && high >= first
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Against the definition, electrode by electrode.
    #[test]
    fn homes_are_the_neighbours_of_the_electrodes() {
        for columns in [1, 2, 3, 8, 50] {
            let grid = Grid { columns, inverse_decay_squared: 4.0 };
            for first in [0, 1, 5, 7, 8, 49, 50, 77] {
                for count in [1, 2, 8, 16, 33] {
                    let mut homes = [u32::MAX; 256];
                    let mut found = 0;
                    grid.homes(first, count, |home| {
                        homes[found] = home;
                        found += 1;
                    });
                    let mut expected = 0;
                    for home in 0..first + count + 2 * columns + 2 {
                        let (row, column) = grid.place(home);
                        let seen = (first..first + count).any(|electrode| {
                            let (r, c) = grid.place(electrode);
                            r.abs_diff(row) <= 1 && c.abs_diff(column) <= 1
                        });
                        if seen {
                            assert_eq!(homes[expected], home, "{columns} {first} {count}");
                            expected += 1;
                        }
                    }
                    assert_eq!(found, expected, "{columns} {first} {count}");
                }
            }
        }
    }

    #[test]
    fn a_unit_is_largest_at_its_place_and_ends_at_its_reach() {
        let grid = Grid { columns: 8, inverse_decay_squared: 4.0 };
        assert_eq!(grid.gain(0.0, 0.0), 1.0);
        assert!(grid.gain(0.5, 0.0) > grid.gain(0.5, 0.5));
        assert_eq!(grid.gain(1.5, 0.0), 0.0);
        assert_eq!(grid.gain(-1.2, 1.0), 0.0);
    }
}
