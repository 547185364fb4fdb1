//! Tiles of an interleaved dataset whose columns several threads fill at the same time.
//!
//! A dataset of `rows` samples by `stride` channels is cut into tiles of `tile_rows` rows, and
//! the columns of one pass into *groups*, each filled by one thread at a time. One (tile, group) pair is a
//! *cell*: a rectangle of memory. A cell is empty, being written, full or being read; only the
//! holder of a [`CellWriter`] touches its memory in the second state and only holders of a
//! [`TileReader`] read it in the last. That is checked at run time by one atomic per cell, so
//! that the interface is safe whatever a scheduler above does.
//!
//! The memory is either a ring of `slots` tiles (written out by somebody and used again) or the whole
//! dataset, such as a mapped file. Either way at most `slots` tiles are under way.

use std::marker::PhantomData;
use std::ops::Range;
use std::sync::atomic::{AtomicU8, Ordering};

const EMPTY: u8 = 0;
const WRITING: u8 = 1;
const FULL: u8 = 2;
const READING: u8 = 3;

/// How a [`TileRing`] lies over its memory.
#[derive(Clone, Debug)]
pub struct TileShape {
    /// Rows of the dataset.
    pub rows: u64,
    /// Rows of a tile; the last tile may be shorter.
    pub tile_rows: usize,
    /// Values from one row to the next.
    pub stride: usize,
    /// Columns of each group, ascending and disjoint, ending at or before `stride`.
    pub groups: Vec<Range<usize>>,
    /// Tiles under way at the most.
    pub slots: usize,
}

/// Tiles over borrowed memory; see the module's description.
pub struct TileRing<'a> {
    base: *mut f32,
    whole: bool,
    shape: TileShape,
    cells: Box<[AtomicU8]>,
    memory: PhantomData<&'a mut [f32]>,
}

// SAFETY: `base` points into memory borrowed exclusively for 'a; all accesses go through cells,
// whose atomics give each rectangle one writer or readers, with acquire/release ordering.
unsafe impl Sync for TileRing<'_> {}
// SAFETY: as above; f32 may be accessed from any thread.
unsafe impl Send for TileRing<'_> {}

/// The right to write one group of one tile. Dropped without [`CellWriter::commit`], the
/// cell never becomes readable.
pub struct CellWriter<'a> {
    cell: &'a AtomicU8,
    first: *mut f32,
    stride: usize,
    rows: usize,
    columns: usize,
    ring: PhantomData<&'a TileRing<'a>>,
}

/// The right to read one tile whose groups are all full.
pub struct TileReader<'a> {
    cells: &'a [AtomicU8],
    first: *const f32,
    stride: usize,
    rows: usize,
    columns: Range<usize>,
}

impl<'a> TileRing<'a> {
    /// Tiles that reuse `memory` (at least `slots` tiles long) again and again.
    ///
    /// # Panics
    /// When the shape is inconsistent or the memory too short.
    #[must_use]
    pub fn over_ring(memory: &'a mut [f32], shape: TileShape) -> Self {
        let needed =
            shape.slots.checked_mul(shape.tile_rows).and_then(|n| n.checked_mul(shape.stride));
        assert!(needed.is_some_and(|n| n <= memory.len()), "the ring is too short");
        Self::new(memory, shape, false)
    }

    /// Tiles that lie one after the other in `memory`, which holds the whole dataset.
    ///
    /// # Panics
    /// When the shape is inconsistent or the memory too short.
    #[must_use]
    pub fn over_whole(memory: &'a mut [f32], shape: TileShape) -> Self {
        let needed = usize::try_from(shape.rows).ok().and_then(|n| n.checked_mul(shape.stride));
        assert!(needed.is_some_and(|n| n <= memory.len()), "the memory is too short");
        Self::new(memory, shape, true)
    }

    fn new(memory: &'a mut [f32], shape: TileShape, whole: bool) -> Self {
        assert!(shape.slots > 0 && shape.tile_rows > 0 && !shape.groups.is_empty());
        let mut end = 0;
        for group in &shape.groups {
            assert!(group.start >= end && group.start < group.end, "groups overlap");
            end = group.end;
        }
        assert!(end <= shape.stride, "groups leave the row");
        let cells = (0..shape.slots * shape.groups.len()).map(|_| AtomicU8::new(EMPTY)).collect();
        Self { base: memory.as_mut_ptr(), whole, shape, cells, memory: PhantomData }
    }

    /// Number of tiles of the dataset.
    #[must_use]
    pub fn tiles(&self) -> u64 {
        self.shape.rows.div_ceil(self.shape.tile_rows as u64)
    }

    /// Rows of tile `tile`, 0 past the end.
    #[must_use]
    pub fn tile_rows(&self, tile: u64) -> usize {
        let first = tile.saturating_mul(self.shape.tile_rows as u64);
        // At most tile_rows, a usize.
        self.shape.rows.saturating_sub(first).min(self.shape.tile_rows as u64) as usize
    }

    /// Takes group `group` of tile `tile` for writing; none when the slot still holds an
    /// earlier tile or the cell is taken, or when there is no such cell.
    pub fn write(&self, tile: u64, group: usize) -> Option<CellWriter<'_>> {
        let columns = self.shape.groups.get(group)?.clone();
        let rows = self.tile_rows(tile);
        if rows == 0 {
            return None;
        }
        let cell = &self.slot_cells(tile)[group];
        cell.compare_exchange(EMPTY, WRITING, Ordering::Acquire, Ordering::Relaxed).ok()?;
        // SAFETY: the tile lies inside the memory (`over_ring`, `over_whole` and `rows > 0`),
        // and so does the group's first column.
        let first = unsafe { self.base.add(self.tile_offset(tile) + columns.start) };
        Some(CellWriter {
            cell,
            first,
            stride: self.shape.stride,
            rows,
            columns: columns.len(),
            ring: PhantomData,
        })
    }

    /// Takes tile `tile` for reading; none unless every group of its slot is full.
    pub fn read(&self, tile: u64) -> Option<TileReader<'_>> {
        let rows = self.tile_rows(tile);
        if rows == 0 {
            return None;
        }
        let cells = self.slot_cells(tile);
        for (taken, cell) in cells.iter().enumerate() {
            if cell.compare_exchange(FULL, READING, Ordering::Acquire, Ordering::Relaxed).is_err() {
                for cell in &cells[..taken] {
                    cell.store(FULL, Ordering::Release);
                }
                return None;
            }
        }
        let groups = &self.shape.groups;
        let columns = groups[0].start..groups[groups.len() - 1].end;
        // SAFETY: as in `write`.
        let first = unsafe { self.base.add(self.tile_offset(tile)) };
        Some(TileReader { cells, first, stride: self.shape.stride, rows, columns })
    }

    /// Where `tile` starts in the memory, in values. Inside the memory when the tile has rows.
    fn tile_offset(&self, tile: u64) -> usize {
        let place = if self.whole { tile } else { tile % self.shape.slots as u64 };
        place as usize * self.shape.tile_rows * self.shape.stride
    }

    fn slot_cells(&self, tile: u64) -> &[AtomicU8] {
        let groups = self.shape.groups.len();
        let slot = (tile % self.shape.slots as u64) as usize;
        &self.cells[slot * groups..(slot + 1) * groups]
    }
}

impl CellWriter<'_> {
    /// Rows of the cell.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Writes the first `lanes` values of each row of `block` to row `row` and those after it,
    /// from the group's column `column` on.
    ///
    /// # Panics
    /// When that leaves the cell.
    #[inline(always)]
    pub fn store<const N: usize>(
        &mut self,
        row: usize,
        column: usize,
        lanes: usize,
        block: &[[f32; N]],
    ) {
        assert!(lanes <= N && column <= self.columns && lanes <= self.columns - column);
        assert!(row <= self.rows && block.len() <= self.rows - row);
        // SAFETY: by the assertions every address written lies in this cell's rectangle, which
        // is inside the ring's memory and which nobody else accesses until `commit`.
        unsafe {
            let mut to = self.first.add(row * self.stride + column);
            if lanes == N {
                for values in block {
                    to.cast::<[f32; N]>().write_unaligned(*values);
                    to = to.wrapping_add(self.stride);
                }
            } else {
                for values in block {
                    to.copy_from_nonoverlapping(values.as_ptr(), lanes);
                    to = to.wrapping_add(self.stride);
                }
            }
        }
    }

    /// Declares the cell full.
    pub fn commit(self) {
        self.cell.store(FULL, Ordering::Release);
    }
}

impl TileReader<'_> {
    /// Rows of the tile.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// The tile's bytes in file order, when the groups cover whole rows: one piece. Otherwise
    /// one piece a row, from the first group's first column to the last group's last.
    pub fn pieces(&self) -> impl Iterator<Item = &[u8]> {
        let whole_rows = self.columns == (0..self.stride);
        let (pieces, rows_each) = if whole_rows { (1, self.rows) } else { (self.rows, 1) };
        (0..pieces).map(move |piece| {
            let values = if whole_rows { rows_each * self.stride } else { self.columns.len() };
            // SAFETY: the rectangle of the tile lies inside the ring's memory, and while this
            // reader lives its cells are in state READING, so that nobody writes to it. Columns
            // between groups are never written at all. u8 has no alignment or invalid values.
            unsafe {
                let first = self.first.add(piece * self.stride + self.columns.start);
                std::slice::from_raw_parts(first.cast::<u8>(), values * size_of::<f32>())
            }
        })
    }

    /// Gives the tile's slot back: its cells are empty again.
    pub fn release(self) {
        for cell in self.cells {
            cell.store(EMPTY, Ordering::Release);
        }
        std::mem::forget(self);
    }
}

impl Drop for TileReader<'_> {
    fn drop(&mut self) {
        for cell in self.cells {
            cell.store(FULL, Ordering::Release);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(rows: u64) -> TileShape {
        TileShape { rows, tile_rows: 2, stride: 5, groups: vec![1..3, 3..4], slots: 2 }
    }

    fn values(reader: &TileReader<'_>) -> Vec<f32> {
        let bytes: Vec<u8> = reader.pieces().flatten().copied().collect();
        bytes.chunks(4).map(|b| f32::from_le_bytes(b.try_into().unwrap())).collect()
    }

    #[test]
    fn groups_meet_in_rows_and_short_last_tiles_end_where_the_data_ends() {
        let mut memory = vec![0.0; 15];
        let ring = TileRing::over_whole(&mut memory, shape(3));
        assert_eq!((ring.tiles(), ring.tile_rows(0), ring.tile_rows(1)), (2, 2, 1));
        let mut left = ring.write(1, 0).unwrap();
        left.store(0, 0, 2, &[[1.0, 2.0, 9.0]]);
        left.commit();
        assert!(ring.read(1).is_none(), "one group is missing");
        let mut right = ring.write(1, 1).unwrap();
        right.store(0, 0, 1, &[[3.0]]);
        right.commit();
        assert_eq!(values(&ring.read(1).unwrap()), [1.0, 2.0, 3.0]);
        drop(ring);
        assert_eq!(memory[10..], [0.0, 1.0, 2.0, 3.0, 0.0]);
    }

    #[test]
    fn a_cell_has_one_writer_and_a_slot_one_tile() {
        let mut memory = vec![0.0; 20];
        let ring = TileRing::over_ring(&mut memory, shape(100));
        let first = ring.write(0, 0).unwrap();
        assert!(ring.write(0, 0).is_none(), "taken");
        assert!(ring.write(2, 0).is_none(), "the slot of tile 2 holds tile 0");
        first.commit();
        ring.write(0, 1).unwrap().commit();
        let reader = ring.read(0).unwrap();
        assert!(ring.read(0).is_none(), "one reader at a time");
        assert!(ring.write(2, 0).is_none(), "being read");
        drop(reader);
        assert!(ring.write(2, 0).is_none(), "still full");
        ring.read(0).unwrap().release();
        assert!(ring.write(2, 0).is_some());
    }

    #[test]
    #[should_panic(expected = "column")]
    fn leaving_the_group_is_refused() {
        let mut memory = vec![0.0; 20];
        let ring = TileRing::over_ring(&mut memory, shape(100));
        ring.write(0, 1).unwrap().store(0, 0, 2, &[[1.0, 2.0]]);
    }
}
