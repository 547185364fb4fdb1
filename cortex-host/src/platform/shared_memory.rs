//! Memory that this program and one child share, with a turn-taking pair of counters on top.
//!
//! It is an unnamed file in memory (memfd), gone with the last process that has it. Its first page
//! is [`Control`]; then comes room for text, written and read as a file; then two buffers, mapped
//! once their sizes are known. In the child each buffer ends at a page that cannot be touched, so
//! that a kernel that writes past its output is stopped at the write.
//!
//! Only one side at a time touches the buffers: the parent before [`Control::request`] and after
//! [`Control::wait_answer`] says that the answer is there, the child between the two. Both counters
//! are written with release and read with acquire ordering.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::ptr::{self, NonNull};
use std::sync::atomic::{AtomicI32, AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use rustix::fs::{MemfdFlags, ftruncate, memfd_create};
use rustix::io::{Errno, pread, pwrite};
use rustix::mm::{MapFlags, ProtFlags, mmap, mmap_anonymous, munmap};
use rustix::thread::futex;

/// Bytes of [`Control`] in the file.
const CONTROL_BYTES: usize = 4096;
/// Bytes for text in the file; untouched ones take no memory.
pub const TEXT_BYTES: usize = 16 << 20;
/// Bytes on both sides of a buffer that nobody may touch.
const GUARD_BYTES: usize = 1 << 20;
/// Alignment of a buffer's first byte.
const ALIGNMENT: usize = 64;
/// What the few bytes between a buffer and its guard hold.
const CANARY: u8 = 0xC5;

/// The shared first page.
#[repr(C)]
pub struct Control {
    requested: AtomicU32,
    answered: AtomicU32,
    /// What is asked for.
    pub operation: AtomicU32,
    /// Input rows of the call.
    pub rows: AtomicU32,
    /// What came of it.
    pub status: AtomicI32,
    /// Missing samples so far; `u32::MAX` when not told.
    pub missing_samples: AtomicU32,
    /// When the kernel started, in nanoseconds of the system's monotonic clock.
    pub start_ns: AtomicU64,
    /// When it returned.
    pub end_ns: AtomicU64,
    /// The signal that ended the child, written by its handler; 0 for none.
    pub fault_signal: AtomicI32,
    /// The address that the signal was about.
    pub fault_address: AtomicU64,
    /// Addresses in the child: first byte of the input and the byte after its last one, the same of the
    /// output, and the lowest byte of the kernel's stack.
    pub ranges: [AtomicU64; 5],
}

const _: () = assert!(size_of::<Control>() <= CONTROL_BYTES);

impl Control {
    /// Hands over to the child.
    pub fn request(&self) {
        self.requested.fetch_add(1, Ordering::Release);
        // Waking can only fail for an address that is not mapped.
        let _ = futex::wake(&self.requested, futex::Flags::empty(), 1);
    }

    /// Waits at most `patience` until everything requested is answered; says whether it is.
    pub fn wait_answer(&self, patience: Duration) -> bool {
        let requested = self.requested.load(Ordering::Relaxed);
        let timeout = futex::Timespec {
            tv_sec: patience.as_secs() as _,
            tv_nsec: patience.subsec_nanos() as _,
        };
        loop {
            let answered = self.answered.load(Ordering::Acquire);
            if answered == requested {
                return true;
            }
            let flags = futex::Flags::empty();
            let waited = futex::wait(&self.answered, flags, answered, Some(&timeout));
            if waited == Err(Errno::TIMEDOUT) {
                return self.answered.load(Ordering::Acquire) == requested;
            }
            // Woken, interrupted, or changed meanwhile: look again.
        }
    }

    /// In the child: waits for the next request.
    pub fn wait_request(&self) {
        let answered = self.answered.load(Ordering::Relaxed);
        while self.requested.load(Ordering::Acquire) == answered {
            let _ = futex::wait(&self.requested, futex::Flags::empty(), answered, None);
        }
    }

    /// In the child: hands back to the parent.
    pub fn answer(&self) {
        self.answered.fetch_add(1, Ordering::Release);
        let _ = futex::wake(&self.answered, futex::Flags::empty(), 1);
    }
}

/// One mapping; unmapped when dropped.
struct Mapping {
    address: NonNull<u8>,
    len: usize,
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: the range was mapped by this module, whole, and nothing borrowed from it outlives
        // this owner.
        let _ = unsafe { munmap(self.address.as_ptr().cast(), self.len) };
    }
}

/// Which side maps the buffers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Writes the input and reads the output.
    Parent,
    /// Reads the input and writes the output.
    Child,
}

/// The file and its first page.
pub struct SharedMemory {
    file: OwnedFd,
    control: Mapping,
}

// SAFETY: the mapping belongs to this value; all that is reachable through `&self` are atomics and calls
// of the system.
unsafe impl Send for SharedMemory {}
// SAFETY: as above.
unsafe impl Sync for SharedMemory {}

impl SharedMemory {
    /// New shared memory without buffers.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn create() -> io::Result<Self> {
        let file = memfd_create("cortex-kernel", MemfdFlags::CLOEXEC)?;
        ftruncate(&file, (CONTROL_BYTES + TEXT_BYTES) as u64)?;
        Self::of(file)
    }

    /// The shared memory that a parent has made.
    ///
    /// # Errors
    /// The descriptor is no file of at least a control page, or what the operating system says.
    pub fn of(file: OwnedFd) -> io::Result<Self> {
        if rustix::fs::fstat(&file)?.st_size < (CONTROL_BYTES + TEXT_BYTES) as _ {
            return Err(io::Error::other("this is no memory shared by cortex-host"));
        }
        let (prot, flags) = (ProtFlags::READ | ProtFlags::WRITE, MapFlags::SHARED);
        // SAFETY: a new mapping at an address of the system's choice; the file is long enough, and
        // only this module's two sides have it, neither of which shortens it.
        let address = unsafe { mmap(ptr::null_mut(), CONTROL_BYTES, prot, flags, &file, 0) }?;
        let address = NonNull::new(address.cast()).ok_or(Errno::NOMEM)?;
        Ok(Self { file, control: Mapping { address, len: CONTROL_BYTES } })
    }

    /// The descriptor, to be handed to the child.
    #[must_use]
    pub fn descriptor(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }

    /// The shared first page.
    #[must_use]
    pub fn control(&self) -> &Control {
        // SAFETY: the mapping is a page, zeroed by the system when it was made, which lives as long as
        // `self`; every field is atomic, so that the other process may write it.
        unsafe { self.control.address.cast().as_ref() }
    }

    /// Leaves a text for the other side.
    ///
    /// # Errors
    /// It is too long, or what the operating system says.
    pub fn write_text(&self, text: &str) -> io::Result<()> {
        if text.len() > TEXT_BYTES - 8 {
            return Err(io::Error::other("too much text for a kernel process"));
        }
        let mut bytes = (text.len() as u64).to_le_bytes().to_vec();
        bytes.extend_from_slice(text.as_bytes());
        let mut written = 0;
        while written < bytes.len() {
            written += pwrite(&self.file, &bytes[written..], (CONTROL_BYTES + written) as u64)?;
        }
        Ok(())
    }

    /// The text that the other side has left.
    ///
    /// # Errors
    /// There is none, or what the operating system says.
    pub fn read_text(&self) -> io::Result<String> {
        let read = |bytes: &mut [u8], offset: usize| -> io::Result<()> {
            let mut have = 0;
            while have < bytes.len() {
                match pread(&self.file, &mut bytes[have..], (offset + have) as u64)? {
                    0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                    count => have += count,
                }
            }
            Ok(())
        };
        let mut len = [0; 8];
        read(&mut len, CONTROL_BYTES)?;
        let len = usize::try_from(u64::from_le_bytes(len)).unwrap_or(usize::MAX);
        if len > TEXT_BYTES - 8 {
            return Err(io::ErrorKind::InvalidData.into());
        }
        let mut bytes = vec![0; len];
        read(&mut bytes, CONTROL_BYTES + 8)?;
        String::from_utf8(bytes).map_err(|_| io::ErrorKind::InvalidData.into())
    }

    /// Maps an input and an output of these sizes, at least 1 byte each. The child, which knows
    /// them first, makes the file longer.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn map_buffers(&self, side: Side, sizes: [usize; 2]) -> io::Result<Buffers> {
        let page = rustix::param::page_size();
        let first = (CONTROL_BYTES + TEXT_BYTES).next_multiple_of(page);
        let offsets = [first, first + sizes[0].next_multiple_of(page)];
        let end = offsets[1] + sizes[1].next_multiple_of(page);
        if side == Side::Child {
            ftruncate(&self.file, end as u64)?;
        } else if rustix::fs::fstat(&self.file)?.st_size < end as _ {
            return Err(io::Error::other("the kernel process has not made its buffers"));
        }
        let [input, output] = [0, 1].map(|index| {
            let writes = (side == Side::Parent) == (index == 0);
            Buffer::map(&self.file, offsets[index], sizes[index], writes)
        });
        Ok(Buffers { input: input?, output: output? })
    }
}

/// The two buffers of a call, as one side sees them.
pub struct Buffers {
    input: Buffer,
    output: Buffer,
}

impl Buffers {
    /// The input, and the output to be read: the parent's view.
    pub fn parent(&mut self) -> (&mut [u8], &[u8]) {
        let (input, output) = (&mut self.input, &self.output);
        (input.bytes_mut(), output.bytes())
    }

    /// The input, and the output to be written: the child's view.
    pub fn child(&mut self) -> (&[u8], &mut [u8]) {
        (self.input.bytes(), self.output.bytes_mut())
    }

    /// Reads the input once, a byte of each cache line: the other process wrote it, and has it in the
    /// caches of its core and by its own addresses.
    pub fn fetch_input(&self) {
        for byte in self.input.bytes().iter().step_by(ALIGNMENT) {
            std::hint::black_box(*byte);
        }
    }

    /// Addresses of the first byte and of the byte after the last one, input first.
    #[must_use]
    pub fn ranges(&self) -> [[u64; 2]; 2] {
        [&self.input, &self.output].map(|buffer| {
            let start = buffer.start.as_ptr().addr() as u64;
            [start, start + buffer.len as u64]
        })
    }

    /// Whether the bytes around the output are as they were: a write of less than
    /// 64 bytes past the end may not reach the guard.
    #[must_use]
    pub fn output_margin_is_intact(&self) -> bool {
        self.output.margin().iter().all(|&byte| byte == CANARY)
    }
}

/// A buffer between two guards, its end as near to the upper one as its alignment allows.
struct Buffer {
    _reserved: Mapping,
    start: NonNull<u8>,
    len: usize,
    margin: usize,
    writable: bool,
}

// SAFETY: the mapping belongs to this value; who may touch the bytes when is the two sides' agreement
// (see the module).
unsafe impl Send for Buffer {}

impl Buffer {
    fn map(file: &OwnedFd, offset: usize, len: usize, writable: bool) -> io::Result<Self> {
        let bytes = len.next_multiple_of(rustix::param::page_size());
        let whole = bytes + 2 * GUARD_BYTES;
        let flags = MapFlags::PRIVATE | MapFlags::NORESERVE;
        // SAFETY: a new mapping at an address of the system's choice, without access: address
        // space and nothing else.
        let reserved =
            unsafe { mmap_anonymous(ptr::null_mut(), whole, ProtFlags::empty(), flags) }?;
        let reserved =
            Mapping { address: NonNull::new(reserved.cast()).ok_or(Errno::NOMEM)?, len: whole };
        let access = if writable { ProtFlags::READ | ProtFlags::WRITE } else { ProtFlags::READ };
        let flags = MapFlags::SHARED | MapFlags::FIXED | MapFlags::POPULATE;
        // SAFETY: the fixed range lies within the one reserved above, which nobody else knows of
        // yet; the file is long enough (checked or made so) and never shortened.
        let address = unsafe {
            let at = reserved.address.as_ptr().add(GUARD_BYTES);
            mmap(at.cast(), bytes, access, flags, file, offset as u64)
        }?;
        let lead = (bytes - len) / ALIGNMENT * ALIGNMENT;
        let margin = bytes - len - lead;
        // SAFETY: `lead` lies within the mapping.
        let start = unsafe { NonNull::new(address.cast::<u8>().add(lead)) }.ok_or(Errno::NOMEM)?;
        let buffer = Self { _reserved: reserved, start, len, margin, writable };
        if writable {
            // SAFETY: the margin lies between the buffer's end and the mapping's, which is writable.
            unsafe { start.as_ptr().add(len).write_bytes(CANARY, margin) };
        }
        Ok(buffer)
    }

    fn bytes(&self) -> &[u8] {
        // SAFETY: `len` mapped bytes that live as long as `self`, shared memory being initialised by
        // the system. The other side does not write while it is our turn (see the module).
        unsafe { std::slice::from_raw_parts(self.start.as_ptr(), self.len) }
    }

    fn bytes_mut(&mut self) -> &mut [u8] {
        assert!(self.writable, "this side only reads the buffer");
        // SAFETY: as in `bytes`, and the mapping is writable; `&mut self` makes it the only borrow.
        unsafe { std::slice::from_raw_parts_mut(self.start.as_ptr(), self.len) }
    }

    fn margin(&self) -> &[u8] {
        // SAFETY: the bytes from the buffer's end to the mapping's.
        unsafe { std::slice::from_raw_parts(self.start.as_ptr().add(self.len), self.margin) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_one_side_writes_the_other_reads() {
        let parent = SharedMemory::create().unwrap();
        let child = SharedMemory::of(parent.file.try_clone().unwrap()).unwrap();
        parent.write_text("{\"kernel\": \"µ\"}").unwrap();
        assert_eq!(child.read_text().unwrap(), "{\"kernel\": \"µ\"}");

        let sizes = [5000, 4];
        let mut there = child.map_buffers(Side::Child, sizes).unwrap();
        let mut here = parent.map_buffers(Side::Parent, sizes).unwrap();
        here.parent().0.copy_from_slice(&[7; 5000]);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                child.control().wait_request();
                let (input, output) = there.child();
                output.fill(input[4999] + 1);
                child.control().answer();
            });
            parent.control().request();
            assert!(parent.control().wait_answer(Duration::from_secs(60)));
        });
        assert_eq!(here.parent().1, [8; 4]);
        assert!(!{
            parent.control().request();
            parent.control().wait_answer(Duration::from_millis(1))
        });
    }

    #[test]
    fn a_buffer_is_aligned_and_its_margin_shorter_than_the_alignment() {
        let memory = SharedMemory::create().unwrap();
        for len in [1, 4, 63, 64, 65, 4096, 20_480, 20_484] {
            let mut buffers = memory.map_buffers(Side::Child, [len, len]).unwrap();
            let [[start, end], [output, _]] = buffers.ranges();
            assert_eq!((end - start, start % 64, output % 64), (len as u64, 0, 0));
            assert!(buffers.output.margin < 64);
            assert!(buffers.output_margin_is_intact());
            buffers.child().1.fill(1);
            assert!(buffers.output_margin_is_intact());
        }
    }
}
