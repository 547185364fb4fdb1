//! Flash, RAM and stack of every emulated board's firmware stay within firmware/budget.toml, and
//! a program that outgrows its stack ends by name.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use cortex_core::kernel::golden::fill_golden_rows;
use cortex_core::kernel::{KernelName, KernelShape, KernelSpec};
use cortex_core::link::Encoding;
use cortex_core::link::message::Seeded;
use cortex_core::signal::{GeneratorVersion, Signal, SourceSpec};
use cortex_host::device::board::{BoardSpec, board, boards};
use cortex_host::device::qemu::{self, EmulatorError, Program};
use cortex_host::device::{Connection, Fault, FaultSpec, KernelJob};
use cortex_tests::documented::check_board_figure;
use cortex_tests::emulated::{self, Board};

/// What the firmware paints its unused stack with (firmware/hardware/src/stack.rs).
const PAINT: u32 = 0x5AFE_57AC;
/// RAM of the Cortex-M0 image beside its buffers, in bytes.
const M0_RAM_BYTES: u64 = 8_192;

/// The figures of an image, in bytes.
#[derive(Debug, Default, PartialEq, Eq)]
struct Size {
    flash: u64,
    static_ram: u64,
    stack: u64,
}

/// `[board]`, `flash = N`, `static_ram = N`, `stack = N`: all of TOML that the budget needs.
fn budget() -> BTreeMap<String, Size> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../firmware/budget.toml");
    let text = std::fs::read_to_string(path).expect("the budget is part of the checkout");
    let mut budget: BTreeMap<String, Size> = BTreeMap::new();
    let mut board = String::new();
    for line in text.lines().map(|line| line.split('#').next().unwrap_or_default().trim()) {
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            board = name.to_owned();
        } else if let Some((key, value)) = line.split_once('=') {
            let value = value.trim().replace('_', "").parse().expect("a number of bytes");
            let size = budget.entry(board.clone()).or_default();
            match key.trim() {
                "flash" => size.flash = value,
                "static_ram" => size.static_ram = value,
                "stack" => size.stack = value,
                other => panic!("unknown key {other} in firmware/budget.toml"),
            }
        }
    }
    budget
}

/// A 32-bit little-endian ELF file.
struct Elf(Vec<u8>);

/// One line of its table of sections.
struct Section {
    name: usize,
    kind: u32,
    flags: u32,
    offset: usize,
    bytes: usize,
    link: usize,
}

impl Elf {
    fn read(path: &Path) -> Self {
        let bytes = std::fs::read(path).expect("it was just built");
        assert_eq!(&bytes[..6], b"\x7FELF\x01\x01", "a 32-bit little-endian ELF file");
        Self(bytes)
    }

    fn half(&self, at: usize) -> usize {
        usize::from(u16::from_le_bytes(self.0[at..at + 2].try_into().unwrap()))
    }

    fn word(&self, at: usize) -> u32 {
        u32::from_le_bytes(self.0[at..at + 4].try_into().unwrap())
    }

    fn text(&self, at: usize) -> &str {
        let rest = &self.0[at..];
        let end = rest.iter().position(|&byte| byte == 0).expect("texts end");
        std::str::from_utf8(&rest[..end]).expect("names are UTF-8")
    }

    fn sections(&self) -> Vec<Section> {
        let (table, entry) = (self.word(0x20) as usize, self.half(0x2E));
        (0..self.half(0x30))
            .map(|index| table + index * entry)
            .map(|at| Section {
                name: self.word(at) as usize,
                kind: self.word(at + 4),
                flags: self.word(at + 8),
                offset: self.word(at + 0x10) as usize,
                bytes: self.word(at + 0x14) as usize,
                link: self.word(at + 0x18) as usize,
            })
            .collect()
    }

    /// Allocated sections with contents lie in flash, writable ones in RAM (initialised variables
    /// in both). The stack is a section only on RISC-V, and no variable.
    fn size(&self) -> Size {
        const ALLOCATED: u32 = 2;
        const WRITABLE: u32 = 1;
        const NO_BITS: u32 = 8;
        let sections = self.sections();
        let names = sections[self.half(0x32)].offset;
        let mut size = Size::default();
        for section in &sections {
            let name = self.text(names + section.name);
            if section.flags & ALLOCATED == 0 || name == ".stack" || name == ".heap" {
                continue;
            }
            if section.kind != NO_BITS {
                size.flash += section.bytes as u64;
            }
            if section.flags & WRITABLE != 0 {
                size.static_ram += section.bytes as u64;
            }
        }
        size
    }

    /// Address and size of the symbol whose (mangled) name `is` recognises.
    fn symbol(&self, is: impl Fn(&str) -> bool) -> (u64, u64) {
        const SYMBOLS: u32 = 2;
        const ENTRY: usize = 16;
        let sections = self.sections();
        let table = sections.iter().find(|section| section.kind == SYMBOLS).expect("symbols");
        let names = sections[table.link].offset;
        (table.offset..table.offset + table.bytes)
            .step_by(ENTRY)
            .find(|&at| is(self.text(names + self.word(at) as usize)))
            .map(|at| (u64::from(self.word(at + 4)), u64::from(self.word(at + 8))))
            .expect("the image has this symbol")
    }

    /// Address and length of the stack.
    fn stack(&self) -> (u64, usize) {
        let (end, _) = self.symbol(|name| name == "_stack_end");
        let (start, _) = self.symbol(|name| name == "_stack_start");
        (end, (start - end) as usize)
    }

    /// Bytes of the buffers that the board file chooses: its static `MEMORY`.
    fn buffers(&self) -> u64 {
        self.symbol(|name| name.contains("6MEMORY")).1
    }
}

/// The firmware image of `board`; `None` where its target is not installed.
fn image(board: &BoardSpec) -> Option<PathBuf> {
    match qemu::image(board, Program::Firmware, None) {
        Ok(path) => Some(path),
        Err(error @ EmulatorError::TargetMissing { .. })
            if std::env::var_os("CORTEX_REQUIRE_EMULATOR").is_none() =>
        {
            println!("skipped: {error}");
            None
        }
        Err(error) => panic!("{error}"),
    }
}

fn emulated_boards() -> impl Iterator<Item = BoardSpec> {
    boards().into_iter().filter(|board| board.emulator.is_some())
}

/// Checks the image of each of `boards` that can be built here.
fn images_stay_within_their_budget(boards: impl IntoIterator<Item = BoardSpec>) {
    let budget = budget();
    for board in boards {
        let Some(image) = image(&board) else { continue };
        let (name, size) = (&board.name, Elf::read(&image).size());
        println!("{name}: {} bytes of flash, {} of static RAM", size.flash, size.static_ram);
        let most = budget
            .get(name)
            .unwrap_or_else(|| panic!("{name} has no entry in firmware/budget.toml"));
        assert!(
            size.flash <= most.flash && size.static_ram <= most.static_ram,
            "{name}: {size:?} is more than {most:?}"
        );
        // A budget far from the truth checks nothing.
        assert!(size.flash * 10 >= most.flash * 9, "{name}: lower its budget to {size:?}");
        check_board_figure(name, "flash", size.flash as f64);
        check_board_figure(name, "static RAM", size.static_ram as f64);
    }
}

#[test]
fn emulated_boards_stay_within_their_budget() {
    images_stay_within_their_budget(emulated_boards());
}

#[test]
fn real_boards_build_and_stay_within_their_budget() {
    images_stay_within_their_budget(boards().into_iter().filter(|board| board.hardware.is_some()));
}

/// What fits into the 3.5 KB of values of the smallest board, for every kernel.
const SHAPE: KernelShape = KernelShape { channels: 2, window: 64, hop: 32, sample_rate_hz: 160.0 };

/// Every signal of both versions.
fn sources() -> impl Iterator<Item = SourceSpec> {
    let v1 = |signal| SourceSpec::new(GeneratorVersion::V1, signal, 160.0, 42);
    // The lowest corner has the most sections.
    let slow = Signal::PinkNoise { amplitude_uv_rms: 100.0, low_corner_hz: 160e-9 };
    emulated::sources().into_iter().map(|(_, source)| source).chain([v1(slow)])
}

/// Two blocks of every kernel, streamed in both encodings and seeded by every signal; every
/// refusal that a host can provoke.
fn exercise(connection: &mut Connection) {
    connection.read_clock().expect("the board answers pings");
    for name in KernelName::ALL {
        for output in [Encoding::F32, Encoding::I16 { scale_uv: 0.1 }, Encoding::DigestOnly] {
            let job = KernelJob {
                kernel: KernelSpec::with_defaults(name),
                shape: SHAPE,
                input: Encoding::F32,
                output,
            };
            let configured = connection.configure(&job).expect("it fits");
            let mut result = vec![0.0; configured.output_values as usize];
            for (block, rows) in [(0, SHAPE.window), (1, SHAPE.hop)] {
                let mut input = vec![0.0; rows * SHAPE.channels];
                fill_golden_rows(0, SHAPE.channels, &mut input);
                connection.run_block(block, &input, &mut result, || {}).expect("a clean line");
            }
        }
        for source in sources() {
            let generator_digest = connection.info().generator_digest(source.version);
            if generator_digest != 0 {
                let seeded = Seeded { source, first: 0, count: 2, generator_digest };
                let job = KernelJob {
                    kernel: KernelSpec::with_defaults(name),
                    shape: SHAPE,
                    input: Encoding::F32,
                    output: Encoding::DigestOnly,
                };
                connection.configure(&job).expect("it fits");
                connection.run_seeded(&seeded).expect("the board generates");
            }
        }
    }
    let huge = KernelJob {
        kernel: KernelSpec::with_defaults(KernelName::Fft),
        shape: KernelShape { channels: 4_096, window: 512, hop: 512, ..SHAPE },
        input: Encoding::F32,
        output: Encoding::F32,
    };
    connection.configure(&huge).expect_err("no board is as large");
}

/// Runs everything a board can do, on a clean line and on bad ones, and then counts how much of
/// its stack was ever used.
fn stack_stays_within_its_budget(name: &str) {
    let spec = board(name).expect("a known board");
    let Some(image) = image(&spec) else { return };
    let Some(board) = Board::start(name) else { return };
    let mut connection = board.connect();
    exercise(&mut connection);
    connection.close().expect("the session ends");
    let storm: FaultSpec =
        "ber=1e-4,drop-byte=1e-3,drop=0.02,dup=0.05,reorder=0.05,truncate=0.02,noise=0.05,zeros=0.02"
            .parse()
            .expect("a fault specification");
    for seed in 0..5 {
        // What does not get through ends by name; the stack is what counts here.
        if let Ok(mut connection) = emulated::open_session(Fault::new(board.clone(), storm, seed)) {
            let job = KernelJob {
                kernel: KernelSpec::with_defaults(KernelName::WelchPsd),
                shape: SHAPE,
                input: Encoding::F32,
                output: Encoding::F32,
            };
            let input = vec![1.0; SHAPE.window * SHAPE.channels];
            let mut result = vec![0.0; 1_024];
            let _ = connection
                .configure(&job)
                .and_then(|_| connection.run_block(0, &input, &mut result, || {}));
        }
    }
    assert_eq!(board.connect().info().boot_count, 1, "the board never crashed");

    let elf = Elf::read(&image);
    let (end, length) = elf.stack();
    let memory = board.lock().emulator().memory(end, length).expect("QEMU reads the memory");
    let free = memory.as_chunks::<4>().0.iter().take_while(|word| **word == PAINT.to_le_bytes());
    let used = (length - 4 * free.count()) as u64;
    let size = elf.size();
    let variables = size.static_ram - elf.buffers();
    println!("{name}: {used} bytes of {length} of stack, {variables} of variables beside buffers");
    let most = &budget()[name];
    assert!(used <= most.stack, "{name}: {used} bytes of stack are more than {}", most.stack);
    // A budget far from the truth checks nothing, and a stack never used was not measured.
    assert!(used * 10 >= most.stack * 8, "{name}: lower its budget to {used}");
    check_board_figure(name, "stack", used as f64);
    if name == "microbit" {
        assert!(used + variables <= M0_RAM_BYTES, "{used} + {variables} bytes of RAM");
    }
}

#[test]
fn cortex_m4f_stays_within_its_stack() {
    stack_stays_within_its_budget("mps2-an386");
}

#[test]
fn stm32f405_stays_within_its_stack() {
    stack_stays_within_its_budget("netduinoplus2");
}

#[test]
fn cortex_m3_stays_within_its_stack() {
    stack_stays_within_its_budget("mps2-an385");
}

#[test]
fn cortex_m0_needs_8_kb_of_ram_beside_its_buffers() {
    stack_stays_within_its_budget("microbit");
}

#[test]
fn rv32_stays_within_its_stack() {
    stack_stays_within_its_budget("sifive-e");
}

/// A program that uses up its stack (`!`), or nearly so (`?`), changes no variable: the board
/// starts anew and says why.
#[test]
fn a_stack_overflow_is_seen_and_named() {
    for BoardSpec { name, .. } in emulated_boards() {
        let Some((_, emulator)) = emulated::start(&name, Program::Selftest) else { continue };
        let mut port = emulated::open(&emulator);
        for command in [b"!", b"?"] {
            let said = emulated::ask(port.as_mut(), command, "crash text=stack overflow ");
            assert!(said.contains(&format!("board name={name} boot=")), "{said}");
        }
    }
}
