//! Devices by name: listed, asked, verified, and refused in one sentence.

use cortex_tests::{checkout, stderr_of, stdout_of};

use super::*;

#[test]
fn ports_that_cannot_be_used_are_named_in_one_sentence() {
    let folder = tempfile::tempdir().unwrap();
    let refused = |device: &str, code: i32, words: &[&str]| {
        let talk = stderr_of(&run(folder.path(), CONFIG, &["-q", "--device", device]), code);
        assert_eq!(talk.lines().count(), 1, "{talk}");
        for word in words {
            assert!(talk.contains(word), "{word} in {talk}");
        }
    };
    refused("serial:///dev/tty-nothing", 4, &["/dev/tty-nothing does not exist"]);
    let file = folder.path().join("config.yaml");
    refused(&format!("serial://{}", file.display()), 4, &["is not a serial port"]);
    refused("qemu:uno", 2, &["\"uno\"", "mps2-an386"]);
    refused("serial:///dev/ttyACM0?baud=x", 2, &["line speed"]);
    assert!(!folder.path().join("results").exists());
    let fault = run(folder.path(), CONFIG, &["-q", "--fault", "drop=0.1"]);
    assert!(stderr_of(&fault, 2).contains("the device is native"));
}

#[test]
fn a_device_is_verified_against_the_golden_digests() {
    let verify = |device: &str| {
        let output = cortex_host().args(["verify", "--device", device]).output().unwrap();
        let text = stdout_of(&output, 0);
        assert!(text.ends_with("verified\n"), "{text}");
        text
    };
    let text = verify("loopback");
    for name in [
        "v1/synthetic pink_noise, 8 channels",
        "v2/synthetic chirp",
        "7282c377",
        "v3/synthetic spikes, 8 channels",
        "b8307ac1",
        "v3/synthetic eeg, 8 channels",
        "5d2360c7",
    ] {
        assert!(text.contains(name), "{name} in {text}");
    }
    // The second has 64 KB for samples: too little for the digest of all kernels.
    for board in ["mps2-an386", "netduinoplus2"] {
        if available(board) {
            let text = verify(&format!("qemu:{board}"));
            for golden in ["7282c377", "b8307ac1", "5d2360c7"] {
                assert!(text.contains(golden), "{board}: {text}");
            }
        }
    }
}

#[test]
fn devices_lists_what_there_is_and_how_to_flash_it() {
    let output = cortex_host().args(["devices", "--json"]).output().unwrap();
    let list: Value = serde_json::from_str(&stdout_of(&output, 0)).unwrap();
    let names = |list: &Value, key: &str| -> Vec<String> {
        let entries = list.as_array().unwrap().iter();
        entries.map(|one| one[key].as_str().unwrap().to_owned()).collect()
    };
    let devices = names(&list["devices"], "device");
    for name in ["qemu:mps2-an386", "qemu:sifive-e"] {
        assert!(devices.iter().any(|device| device == name), "{name} in {devices:?}");
    }
    assert_eq!(names(&list["boards"], "name"), ["nucleo-f446re", "pico", "rpi4", "rpi5"]);
    let text = stdout_of(&cortex_host().arg("devices").output().unwrap(), 0);
    for board in list["boards"].as_array().unwrap() {
        if let Some(linux) = board["linux"].as_object() {
            let name = board["name"].as_str().unwrap();
            assert!(linux["serve"].as_str().unwrap().contains(&format!("--name {name}")));
            for what in ["build", "serve", "device"] {
                assert!(text.contains(linux[what].as_str().unwrap()), "{text}");
            }
            continue;
        }
        let hardware = &board["hardware"];
        let folder = hardware["flash"]["folder"].as_str().unwrap();
        // The board's own file has the target and the flash command that we tell.
        let read = |file: &str| -> toml::Table {
            fs::read_to_string(checkout().join(folder).join(file)).unwrap().parse().unwrap()
        };
        let target = board["target"].as_str().unwrap();
        let settings = read(".cargo/config.toml");
        assert_eq!(settings["build"]["target"].as_str(), Some(target));
        let runner = settings["target"][target]["runner"].as_str().unwrap();
        assert!(runner.starts_with("probe-rs run --chip "), "{runner}");
        let package = read("Cargo.toml");
        assert_eq!(package["package"]["name"].as_str(), board["name"].as_str());
        assert!(text.contains(&format!("cd {folder} && cargo run --release")), "{text}");
        let baud = number(&hardware["serial"]["baud"]);
        assert!(text.contains(&format!("serial:///dev/ttyACM0?baud={baud}")), "{text}");
    }
    let all = stdout_of(&cortex_host().args(["list", "--json"]).output().unwrap(), 0);
    let all: Value = serde_json::from_str(&all).unwrap();
    assert_eq!(names(&all["boards"], "name"), ["nucleo-f446re", "pico", "rpi4", "rpi5"]);
}

/// A device that is named is asked, and the exit code says whether it answered.
#[test]
fn a_named_device_is_asked() {
    let ask = |names: &[&str]| cortex_host().args(["devices", "-q"]).args(names).output().unwrap();
    let text = stdout_of(&ask(&["loopback"]), 0);
    assert!(text.contains("67108864 bytes for state"), "{text}");
    let both = ask(&["loopback", "serial:///dev/ttyNOWHERE7"]);
    assert!(stdout_of(&both, 4).contains("67108864 bytes for state"));
    assert!(stderr_of(&both, 4).contains("/dev/ttyNOWHERE7 does not exist"));
    assert!(stderr_of(&ask(&["lopback"]), 2).contains("unknown device"));
}

/// What is missing for an emulated board is named with the command that installs it.
#[test]
fn a_missing_emulator_or_target_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let mut no_qemu = command(folder.path(), CONFIG, &["-q", "--device", "qemu:mps2-an386"]);
    let talk = stderr_of(&no_qemu.env("PATH", folder.path()).output().unwrap(), 4);
    assert!(talk.contains("apt-get install qemu-system-arm"), "{talk}");

    // A QEMU that is there, and a cargo whose compiler has no such target.
    let script = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::write(&path, text).unwrap();
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        fs::set_permissions(&path, mode).unwrap();
        path
    };
    script("qemu-system-arm", "#!/bin/sh\nexit 1\n");
    let cargo = script(
        "cargo",
        "#!/bin/sh\n\
         echo 'error[E0463]: can'\\''t find crate for `core`' >&2\n\
         echo '  = note: the `thumbv7em-none-eabihf` target may not be installed' >&2\n\
         exit 101\n",
    );
    let mut no_target = command(folder.path(), CONFIG, &["-q", "--device", "qemu:mps2-an386"]);
    no_target.env("PATH", folder.path()).env("CARGO", cargo);
    let talk = stderr_of(&no_target.output().unwrap(), 4);
    assert!(talk.contains("rustup target add thumbv7em-none-eabihf"), "{talk}");
    assert!(!folder.path().join("results").exists());
}

/// Outside a checkout the image beside the program is taken; without it, one is told how to get one.
#[test]
fn a_released_image_is_found_beside_the_program() {
    if !available("mps2-an386") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("cortex-host");
    fs::copy(cortex_host().get_program(), &program).unwrap();
    let ask = || {
        let mut command = Command::new(&program);
        command.args(["devices", "--quiet", "qemu:mps2-an386"]).current_dir(folder.path());
        command.env_remove("CORTEX_FIRMWARE").output().unwrap()
    };
    let refused = stderr_of(&ask(), 4);
    for word in ["checkout", "firmware/mps2-an386.elf beside the program", "CORTEX_FIRMWARE=FILE"] {
        assert!(refused.contains(word), "{word} in {refused}");
    }
    let image = folder.path().join("firmware/mps2-an386.elf");
    let mut firmware = cortex_host();
    let made = firmware.args(["firmware", "mps2-an386", "--quiet"]).arg(&image).output().unwrap();
    stdout_of(&made, 0);
    let text = stdout_of(&ask(), 0);
    assert!(text.contains("bytes for state, input and output"), "{text}");
}

/// What `firmware` cannot write is refused in one sentence, before anything is built.
#[test]
fn images_are_written_in_the_formats_that_their_board_takes() {
    let folder = tempfile::tempdir().unwrap();
    let ask = |arguments: &[&str]| {
        let mut command = cortex_host();
        command.args(["firmware", "--quiet"]).args(arguments).current_dir(folder.path());
        command.output().unwrap()
    };
    let refused = stderr_of(&ask(&["uno"]), 2);
    assert!(refused.contains("\"uno\"") && refused.contains("pico"), "{refused}");
    let refused = stderr_of(&ask(&["mps2-an386", "image.uf2"]), 2);
    assert!(refused.contains("does not take UF2"), "{refused}");
    let refused = stderr_of(&ask(&["pico", "image.bin"]), 2);
    assert!(refused.contains(".uf2 or .elf"), "{refused}");
    fs::write(folder.path().join("no.elf"), "text").unwrap();
    let refused = stderr_of(&ask(&["pico", "--image", "no.elf"]), 2);
    assert!(refused.contains("no ELF image"), "{refused}");
    fs::write(folder.path().join("pico.uf2"), "mine").unwrap();
    let refused = stderr_of(&ask(&["pico", "--image", "no.elf"]), 2);
    assert!(refused.contains("--force"), "{refused}");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
}
