//! `cortex_kernel.h` as a C compiler lays it out, as Rust does, and as its specification says.

use std::fmt::Write;
use std::fs;
use std::mem::offset_of;
use std::process::Command;

use cortex_core::abi::{CConfig, CKernel, CLayout, CLibrary, CParameter};
use cortex_tests::checkout;
use cortex_tests::skip::{Need, skip};

/// Structure, field, offset; a size has no field.
type Offsets = Vec<(String, String, usize)>;

macro_rules! offsets {
    ($($c:literal = $rust:ident { $($field:ident),* })*) => {{
        let mut offsets = Offsets::new();
        $(
            $(offsets.push(($c.into(), stringify!($field).into(), offset_of!($rust, $field)));)*
            offsets.push(($c.into(), String::new(), size_of::<$rust>()));
        )*
        offsets
    }};
}

fn in_rust() -> Offsets {
    offsets! {
        "cortex_kernel_parameter" = CParameter {
            name, unit, doc, choices, min, max, default_value, kind, reserved
        }
        "cortex_kernel_config" = CConfig {
            struct_size, channels, window, hop, sample_rate_hz, scale_uv, dtype, parameter_count,
            parameters, trained, trained_bytes, reserved
        }
        "cortex_kernel_layout" = CLayout {
            struct_size, memory_bytes, output_rows, output_columns, parameter_at_fault, reserved
        }
        "cortex_kernel" = CKernel {
            struct_size, output, feeds, dtypes, flags, parameter_count, parameter_size, reserved,
            name, summary, output_unit, output_names, parameters, plan, reset, process,
            missing_samples, train, describe
        }
        "cortex_kernel_library" = CLibrary { abi, struct_size, kernel_count, reserved, kernels }
    }
}

/// The tables of the specification: `field | LP64 | ILP32` below a heading with the structure's name.
fn in_specification() -> Vec<(String, String, usize, usize)> {
    let text = fs::read_to_string(checkout().join("docs/reference/kernel-abi.md")).unwrap();
    let (mut structure, mut found) = (String::new(), Vec::new());
    for line in text.lines() {
        if let Some(heading) = line.strip_prefix("### `") {
            structure = heading.trim_end_matches('`').to_owned();
        }
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let [_, field, _, lp64, ilp32, ..] = cells[..] else { continue };
        if let (Ok(lp64), Ok(ilp32)) = (lp64.parse(), ilp32.parse()) {
            let field = field.trim_matches('`');
            let field = if field == "size" { "" } else { field };
            found.push((structure.clone(), field.to_owned(), lp64, ilp32));
        }
    }
    found
}

/// A C file that compiles only where the header has these offsets.
fn assertions(offsets: &[(String, String, usize)]) -> String {
    let mut text = String::from("#include \"cortex_kernel.h\"\n");
    for (structure, field, offset) in offsets {
        let what = match field.as_str() {
            "" => format!("sizeof({structure})"),
            field => format!("offsetof({structure}, {field})"),
        };
        let _ = writeln!(text, "_Static_assert({what} == {offset}, \"{structure}.{field}\");");
    }
    text
}

/// Compiles `text` as `name`; what the compiler says when it refuses.
fn compile(compiler: &str, arguments: &[&str], name: &str, text: &str) -> Result<(), String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    fs::write(&path, text).unwrap();
    let output = Command::new(compiler)
        .args(["-Wall", "-Wextra", "-Wpedantic", "-Werror", "-fsyntax-only", "-I"])
        .arg(checkout().join("cortex-core/c"))
        .args(arguments)
        .arg(&path)
        .output();
    match output {
        Ok(output) if output.status.success() => Ok(()),
        Ok(output) => Err(String::from_utf8_lossy(&output.stderr).into_owned()),
        Err(error) => panic!("{compiler}: {error}"),
    }
}

#[test]
fn c_rust_and_the_specification_agree_on_every_offset() {
    let specification = in_specification();
    let lp64: Offsets =
        specification.iter().map(|(s, f, lp64, _)| (s.clone(), f.clone(), *lp64)).collect();
    let ilp32: Offsets =
        specification.iter().map(|(s, f, _, ilp32)| (s.clone(), f.clone(), *ilp32)).collect();
    if cfg!(target_pointer_width = "64") {
        assert_eq!(in_rust(), lp64);
        compile("cc", &["-std=c11"], "layout.c", &assertions(&lp64)).unwrap();
    }
    // The check can fail.
    let mut wrong = lp64;
    wrong[3].2 += 1;
    assert!(compile("cc", &["-std=c11"], "layout.c", &assertions(&wrong)).is_err());
    match Command::new("arm-none-eabi-gcc").arg("--version").output() {
        Ok(_) => {
            let arguments = ["-std=c11", "-mcpu=cortex-m4", "-ffreestanding"];
            compile("arm-none-eabi-gcc", &arguments, "layout.c", &assertions(&ilp32)).unwrap();
        }
        Err(error) => skip(Need::ArmCompiler, &format!("the layout on ILP32: {error}")),
    }
}

#[test]
fn the_header_is_plain_c11_and_plain_cpp11() {
    let source = "#include \"cortex_kernel.h\"\n\
        extern const cortex_kernel one;\n\
        CORTEX_EXPORT_KERNELS(&one);\n";
    compile("cc", &["-std=c11"], "plain.c", source).unwrap();
    compile("c++", &["-std=c++11"], "plain.cpp", source).unwrap();
}
