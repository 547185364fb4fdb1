//! Flash, RAM and stack of every emulated board's firmware stay within firmware/budget.toml, and
//! a program that outgrows its stack ends by name.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use cortex_core::kernel::golden::fill_golden_rows;
use cortex_core::kernel::{KernelName, KernelShape, KernelSpec};
use cortex_core::link::Encoding;
use cortex_core::link::message::Seeded;
use cortex_core::signal::{GeneratorVersion, PinkNoise, Signal, SourceSpec};
use cortex_host::device::board::{BoardSpec, board, boards};
use cortex_host::device::qemu::Program;
use cortex_host::device::{Connection, Fault, FaultSpec, KernelSettings};
use cortex_tests::checkout;
use cortex_tests::documented::check_board_figure;
use cortex_tests::emulated::{self, Board, image};
use object::elf;
use object::read::elf::{ElfFile32, SectionHeader};
use object::{Endianness, Object, ObjectSection, ObjectSymbol, SectionKind};
use serde::Deserialize;

/// What the firmware paints its unused stack with (firmware/hardware/src/stack.rs).
const PAINT: u32 = 0x5AFE_57AC;
/// RAM of the Cortex-M0 image beside its buffers, in bytes.
const M0_RAM_BYTES: u64 = 8_192;

/// The figures of an image, in bytes.
#[derive(Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Size {
    pub(super) flash: u64,
    pub(super) static_ram: u64,
    stack: u64,
}

/// The most that each board's image may have.
fn budget() -> BTreeMap<String, Size> {
    let text = fs::read_to_string(checkout().join("firmware/budget.toml"));
    toml::from_str(&text.expect("the budget is part of the checkout")).expect("figures of boards")
}

/// A linked image.
pub(super) struct Elf(Vec<u8>);

impl Elf {
    pub(super) fn read(path: &Path) -> Self {
        Self(fs::read(path).expect("it was just built"))
    }

    fn file(&self) -> ElfFile32<'_, Endianness> {
        ElfFile32::parse(&*self.0).expect("a 32-bit ELF file")
    }

    /// Allocated sections with contents lie in flash, writable ones in RAM (initialised variables
    /// in both). The stack is a section only on RISC-V, and no variable.
    pub(super) fn size(&self) -> Size {
        let mut size = Size::default();
        for section in self.file().sections() {
            let name = section.name().expect("names are UTF-8");
            let flags = section.elf_section_header().sh_flags(Endianness::Little);
            if !flags.contains(elf::SHF_ALLOC) || name == ".stack" || name == ".heap" {
                continue;
            }
            if section.kind() != SectionKind::UninitializedData {
                size.flash += section.size();
            }
            if flags.contains(elf::SHF_WRITE) {
                size.static_ram += section.size();
            }
        }
        size
    }

    /// Address and size of the symbol whose (mangled) name `is` recognises.
    fn symbol(&self, is: impl Fn(&str) -> bool) -> (u64, u64) {
        let file = self.file();
        let mut symbols = file.symbols();
        let symbol = symbols.find(|symbol| symbol.name().is_ok_and(&is));
        let symbol = symbol.expect("the image has this symbol");
        (symbol.address(), symbol.size())
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

fn emulated_boards() -> impl Iterator<Item = BoardSpec> {
    boards().into_iter().filter(|board| board.emulator.is_some())
}

/// Checks the image of each of `boards` that can be built here.
fn images_stay_within_their_budget(boards: impl IntoIterator<Item = BoardSpec>) {
    let budget = budget();
    for board in boards {
        let Some(image) = image(&board, Program::Firmware) else { continue };
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

/// The Cortex-M0's other image, with the kernels in q15, fits 64 KB.
#[test]
fn kernels_in_q15_fit_64_kb() {
    let board = emulated_boards().find(|board| board.name == "microbit").expect("a board");
    let Some(image) = image(&board, Program::Q15) else { return };
    let flash = Elf::read(&image).size().flash;
    println!("microbit, q15: {flash} bytes of flash");
    assert!(flash <= 64 << 10, "{flash}");
    check_board_figure("microbit, q15", "flash", flash as f64);
}

#[test]
fn real_boards_build_and_stay_within_their_budget() {
    images_stay_within_their_budget(boards().into_iter().filter(|board| board.hardware.is_some()));
}

/// What fits into the 3.5 KB of values of the smallest board, for every kernel.
const SHAPE: KernelShape = KernelShape { channels: 2, window: 64, hop: 32, sample_rate_hz: 160.0 };

/// Every signal of every version.
fn sources() -> impl Iterator<Item = SourceSpec> {
    let v1 = |signal| SourceSpec::new(GeneratorVersion::V1, signal, 160.0, 42);
    // The lowest corner has the most sections.
    let slow = Signal::PinkNoise(PinkNoise { amplitude_uv_rms: 100.0, low_corner_hz: 160e-9 });
    let named = emulated::sources().into_iter().chain(emulated::sources_with_truth());
    named.map(|(_, source)| source).chain([v1(slow)])
}

/// Two blocks of every kernel, streamed in both encodings and seeded by every signal; every
/// refusal that a host can provoke.
fn exercise(connection: &mut Connection) {
    connection.read_clock().expect("the board answers pings");
    for name in KernelName::ALL {
        for output in [Encoding::F32, Encoding::I16 { scale_uv: 0.1 }, Encoding::DigestOnly] {
            let job = KernelSettings {
                kernel: KernelSpec::with_defaults(name).into(),
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
                let job = KernelSettings {
                    kernel: KernelSpec::with_defaults(name).into(),
                    shape: SHAPE,
                    input: Encoding::F32,
                    output: Encoding::DigestOnly,
                };
                connection.configure(&job).expect("it fits");
                connection.run_seeded(&seeded).expect("the board generates");
            }
        }
    }
    let huge = KernelSettings {
        kernel: KernelSpec::with_defaults(KernelName::Fft).into(),
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
    let Some(image) = image(&spec, Program::Firmware) else { return };
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
            let job = KernelSettings {
                kernel: KernelSpec::with_defaults(KernelName::WelchPsd).into(),
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
/// restarts and says why.
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
