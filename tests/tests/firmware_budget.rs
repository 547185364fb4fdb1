//! Flash and RAM of every emulated board's firmware stay within firmware/budget.toml.

use std::collections::BTreeMap;
use std::path::Path;

use cortex_host::device::board::boards;
use cortex_host::device::qemu::{self, EmulatorError, Program};

/// The two figures of an image, in bytes.
#[derive(Debug, Default, PartialEq, Eq)]
struct Size {
    flash: u64,
    static_ram: u64,
}

/// `[board]`, `flash = N`, `static_ram = N`: all of TOML that the budget needs.
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
                other => panic!("unknown key {other} in firmware/budget.toml"),
            }
        }
    }
    budget
}

/// Sizes from the section headers of a 32-bit little-endian ELF file: allocated sections with
/// contents lie in flash, writable ones in RAM (initialised variables in both). The stack is a
/// section only on RISC-V, and no variable.
fn size(image: &[u8]) -> Size {
    const ALLOCATED: u32 = 2;
    const WRITABLE: u32 = 1;
    const NO_BITS: u32 = 8;
    let half = |at: usize| u64::from(u16::from_le_bytes(image[at..at + 2].try_into().unwrap()));
    let word = |at: usize| u32::from_le_bytes(image[at..at + 4].try_into().unwrap());
    assert_eq!(&image[..6], b"\x7FELF\x01\x01", "a 32-bit little-endian ELF file");
    let (table, entry, count) = (word(0x20) as usize, half(0x2E) as usize, half(0x30) as usize);
    let names = word(table + entry * half(0x32) as usize + 0x10) as usize;
    let mut size = Size::default();
    for header in (0..count).map(|index| table + index * entry) {
        let (kind, flags) = (word(header + 4), word(header + 8));
        let name = &image[names + word(header) as usize..];
        if flags & ALLOCATED == 0 || name.starts_with(b".stack\0") || name.starts_with(b".heap\0") {
            continue;
        }
        let bytes = u64::from(word(header + 0x14));
        if kind != NO_BITS {
            size.flash += bytes;
        }
        if flags & WRITABLE != 0 {
            size.static_ram += bytes;
        }
    }
    size
}

#[test]
fn images_stay_within_their_budget() {
    let mut budget = budget();
    for board in boards().into_iter().filter(|board| board.emulator.is_some()) {
        let image = match qemu::image(&board, Program::Firmware, None) {
            Ok(path) => std::fs::read(path).expect("it was just built"),
            Err(error @ EmulatorError::TargetMissing { .. })
                if std::env::var_os("CORTEX_REQUIRE_EMULATOR").is_none() =>
            {
                println!("skipped: {error}");
                continue;
            }
            Err(error) => panic!("{error}"),
        };
        let size = size(&image);
        println!(
            "{}: {} bytes of flash, {} of static RAM",
            board.name, size.flash, size.static_ram
        );
        let most = budget
            .remove(&board.name)
            .unwrap_or_else(|| panic!("{} has no entry in firmware/budget.toml", board.name));
        assert!(
            size.flash <= most.flash && size.static_ram <= most.static_ram,
            "{}: {size:?} is more than {most:?}",
            board.name
        );
        // A budget far from the truth checks nothing.
        assert!(size.flash * 10 >= most.flash * 9, "{}: lower its budget to {size:?}", board.name);
        budget.retain(|name, _| boards().iter().any(|board| &board.name == name));
    }
}
