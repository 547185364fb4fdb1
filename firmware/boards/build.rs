//! Build script of every board: puts the board's memory.x where the linker looks, and names
//! the linker scripts here rather than in rustflags, which an environment's RUSTFLAGS would replace.

use std::env;
use std::path::Path;
use std::process::Command;

fn main() {
    let folder = env::var("CARGO_MANIFEST_DIR").unwrap_or_default();
    println!("cargo:rustc-link-search={folder}");
    println!("cargo:rerun-if-changed={folder}/memory.x");
    println!("cargo:rerun-if-changed=../build.rs");
    match env::var("CARGO_CFG_TARGET_ARCH").as_deref() {
        Ok("arm") => println!("cargo:rustc-link-arg-bins=--nmagic"),
        Ok("riscv32") => println!("cargo:rustc-link-arg-bins=-Tmemory.x"),
        // A desktop `cargo check` of the whole workspace links nothing.
        _ => return,
    }
    println!("cargo:rustc-link-arg-bins=-Tlink.x");
    // One copy of functions that came out the same.
    println!("cargo:rustc-link-arg-bins=--icf=all");
    if env::var_os("CARGO_FEATURE_LIBGCC").is_some() {
        link_libgcc();
    }
}

/// Takes float routines from the GNU compiler's libgcc, ahead of Rust's own.
fn link_libgcc() {
    let output = Command::new("arm-none-eabi-gcc")
        .args(["-mcpu=cortex-m3", "-mthumb", "-print-libgcc-file-name"])
        .output();
    let path = match output {
        Ok(output) if output.status.success() => output.stdout,
        _ => panic!("the feature libgcc needs arm-none-eabi-gcc in PATH"),
    };
    let path = String::from_utf8_lossy(&path);
    let folder = Path::new(path.trim()).parent().unwrap_or(Path::new("."));
    println!("cargo:rustc-link-search=native={}", folder.display());
    println!("cargo:rustc-link-lib=static:-bundle=gcc");
}
