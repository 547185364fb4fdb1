//! What is wrong with a file that cannot be loaded as a shared library, said before it is loaded: the
//! system's loader says less, and is stopped by a file that was cut off.

use std::path::Path;

use object::elf::{
    EM_386, EM_AARCH64, EM_ARM, EM_RISCV, EM_X86_64, ET_DYN, ET_EXEC, ET_REL, FileHeader32,
    FileHeader64, Machine,
};
use object::read::elf::{FileHeader, ProgramHeader, SectionHeader};
use object::{Endianness, FileKind};

/// The number of this computer's processor in ELF files; none: any is taken.
const HERE: Option<Machine> = if cfg!(target_arch = "x86_64") {
    Some(EM_X86_64)
} else if cfg!(target_arch = "aarch64") {
    Some(EM_AARCH64)
} else if cfg!(target_arch = "riscv64") {
    Some(EM_RISCV)
} else {
    None
};

/// Refuses a file that is no whole shared library for this computer.
///
/// # Errors
/// What it is instead and what to do, as a sentence's end.
pub(super) fn check(path: &Path) -> Result<(), String> {
    // What cannot be read is the loader's to tell.
    let Ok(bytes) = std::fs::read(path) else { return Ok(()) };
    if bytes.is_empty() {
        return Err("the file is empty; build the library again".to_owned());
    }
    match FileKind::parse(&*bytes) {
        Ok(FileKind::Elf64) => of_class::<FileHeader64<Endianness>>(&bytes, "64"),
        Ok(FileKind::Elf32) => of_class::<FileHeader32<Endianness>>(&bytes, "32"),
        _ if bytes.starts_with(b"!<arch>\n") => {
            Err("it is a static library; link its objects with cc -shared".to_owned())
        }
        _ => {
            Err("it is no shared library (an ELF file); build one with cc -shared -fPIC, or cargo \
                  with crate-type cdylib"
                .to_owned())
        }
    }
}

fn of_class<H: FileHeader<Endian = Endianness>>(bytes: &[u8], bits: &str) -> Result<(), String> {
    let cut_off = || "the file was cut off; build or copy the library again".to_owned();
    let header = H::parse(bytes).map_err(|_| cut_off())?;
    let endian = header.endian().map_err(|_| cut_off())?;
    let machine = header.e_machine(endian);
    let ours = bits == if cfg!(target_pointer_width = "64") { "64" } else { "32" };
    if !ours || HERE.is_some_and(|here| machine != here) {
        let processor = [
            (EM_X86_64, "x86-64"),
            (EM_386, "x86"),
            (EM_AARCH64, "AArch64"),
            (EM_ARM, "ARM"),
            (EM_RISCV, "RISC-V"),
        ]
        .into_iter()
        .find(|(known, _)| *known == machine)
        .map_or("another processor", |(_, name)| name);
        return Err(format!(
            "it is for {processor} with {bits} bits, and this computer is {}; build it with this \
             computer's compiler",
            std::env::consts::ARCH
        ));
    }
    let kind = header.e_type(endian);
    if kind == ET_REL {
        return Err("it is an object file; link it with cc -shared".to_owned());
    } else if kind == ET_EXEC {
        return Err("it is a program; build a library with cc -shared -fPIC".to_owned());
    } else if kind != ET_DYN {
        return Err("it is no shared library; build one with cc -shared -fPIC".to_owned());
    }
    let segments = header.program_headers(endian, bytes).map_err(|_| cut_off())?;
    let whole = segments.iter().all(|segment| segment.data(endian, bytes).is_ok());
    // Section headers stand at the end of what linkers write.
    let sections = header.section_headers(endian, bytes).map_err(|_| cut_off())?;
    let all = sections.iter().all(|section| section.data(endian, bytes).is_ok());
    if whole && all { Ok(()) } else { Err(cut_off()) }
}
