//! Build script of every board: puts the board's memory.x where the linker looks, and names
//! the linker scripts here rather than in rustflags, which an environment's RUSTFLAGS would replace.

use std::env;

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
}
