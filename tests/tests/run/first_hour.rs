//! The first hour: help, completions, manual pages, init, doctor, exit codes.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Output;

use cortex_host::base::ExitCode;
use cortex_tests::html::assert_report_pictures;
use cortex_tests::{checkout, cortex_host, stderr_of, stdout_of};
use serde_json::Value;

fn run(arguments: &[&str], folder: &Path) -> Output {
    cortex_host().args(arguments).current_dir(folder).output().unwrap()
}

/// The names in the "Commands:" section of a help page.
fn commands(help: &str) -> Vec<String> {
    let lines = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    let section = lines.take_while(|line| !line.is_empty());
    // A description that was wrapped is indented further.
    let names = section.filter(|line| line.starts_with("  ") && !line.starts_with("   "));
    let names = names.filter_map(|line| line.split_whitespace().next());
    names.filter(|name| *name != "help").map(str::to_owned).collect()
}

#[test]
fn every_subcommand_teaches_by_example() {
    let here = checkout();
    let help = stdout_of(&run(&["--help"], &here), 0);
    assert!(help.contains("First steps:"), "{help}");
    let names = commands(&help);
    assert!(names.len() >= 14, "{names:?}");
    let readme = fs::read_to_string(here.join("README.md")).unwrap();
    for name in names {
        assert!(readme.contains(&format!("`{name}`")), "README.md has no `{name}`");
        let page = stdout_of(&run(&[&name, "--help"], &here), 0);
        let calls = page.lines().filter(|line| line.contains(&format!("cortex-host {name}")));
        // One is the usage line.
        assert!(page.contains("Example") && calls.count() >= 2, "{page}");
    }
}

#[test]
fn exit_codes_are_the_same_in_the_program_the_help_and_the_reference() {
    let codes: BTreeSet<u8> = ExitCode::ALL.iter().map(|code| code.code()).collect();
    let help = stdout_of(&run(&["--help"], &checkout()), 0);
    let section = help.split("Exit codes:\n").nth(1).unwrap().split("\n\n").next().unwrap();
    let first = |line: &str| line.split_whitespace().next().and_then(|word| word.parse().ok());
    let in_help: BTreeSet<u8> = section.lines().filter_map(first).collect();
    assert_eq!(in_help, codes);
    let page = fs::read_to_string(checkout().join("docs/reference/exit-codes.md")).unwrap();
    let rows = page.lines().filter_map(|line| first(line.strip_prefix("| ")?));
    assert_eq!(rows.collect::<BTreeSet<u8>>(), codes);
}

#[test]
fn completions_know_every_subcommand() {
    let here = checkout();
    let names = commands(&stdout_of(&run(&["--help"], &here), 0));
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = stdout_of(&run(&["completions", shell], &here), 0);
        for name in &names {
            assert!(script.contains(name.as_str()), "{shell} lacks {name}");
        }
        assert!(!script.contains("kernel-process"), "{shell} offers a hidden command");
    }
    assert!(stderr_of(&run(&["completions", "cmd"], &here), 2).contains("bash"));
}

/// What bash offers at the end of a line of words.
#[test]
#[cfg(target_os = "linux")]
fn completions_of_bash_know_the_options_of_subcommands() {
    let folder = tempfile::tempdir().unwrap();
    let script = stdout_of(&run(&["completions", "bash"], folder.path()), 0);
    fs::write(folder.path().join("completions"), script).unwrap();
    for (words, offered) in [
        ("cortex-host ver", "verify"),
        ("cortex-host verify --dev", "--device"),
        ("cortex-host import-config --lib", "--libraries"),
        ("cortex-host new kernel --ru", "--rust"),
    ] {
        let offer = format!(
            "source completions; COMP_WORDS=({words}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); \
             _cortex__host cortex-host \"${{COMP_WORDS[-1]}}\" \"${{COMP_WORDS[-2]}}\"; \
             echo \"${{COMPREPLY[@]}}\""
        );
        let mut bash = std::process::Command::new("bash");
        let output = bash.args(["-c", &offer]).current_dir(folder.path()).output().unwrap();
        assert_eq!(stdout_of(&output, 0).trim(), offered, "{words}");
    }
}

#[test]
fn manual_pages_are_made_for_every_subcommand() {
    let folder = tempfile::tempdir().unwrap();
    let page = stdout_of(&run(&["man"], folder.path()), 0);
    assert!(page.contains(".TH cortex-host 1") && page.contains("Exit codes"), "{page}");
    stdout_of(&run(&["man", "--dir", "man 1"], folder.path()), 0);
    for name in commands(&stdout_of(&run(&["--help"], folder.path()), 0)) {
        let file = folder.path().join(format!("man 1/cortex-host-{name}.1"));
        assert!(fs::read_to_string(&file).unwrap().contains("Example"), "{}", file.display());
    }
    assert!(!folder.path().join("man 1/cortex-host-kernel-process.1").exists());
    fs::write(folder.path().join("taken"), "").unwrap();
    assert!(stderr_of(&run(&["man", "--dir", "taken"], folder.path()), 3).contains("taken"));
}

#[test]
fn init_writes_a_configuration_that_runs_and_never_overwrites() {
    let folder = tempfile::tempdir().unwrap();
    let talk = stderr_of(&run(&["init"], folder.path()), 0);
    assert!(talk.contains("cortex-host run --config cortex.yaml"), "{talk}");
    let file = folder.path().join("cortex.yaml");
    let text = fs::read_to_string(&file).unwrap();
    assert!(text.lines().filter(|line| line.contains('#')).count() > 10, "{text}");
    stdout_of(&run(&["run", "--quiet", "--config", "cortex.yaml"], folder.path()), 0);

    fs::write(&file, "mine").unwrap();
    let talk = stderr_of(&run(&["init"], folder.path()), 2);
    assert!(talk.contains("cortex.yaml exists already"), "{talk}");
    assert_eq!(fs::read_to_string(&file).unwrap(), "mine");
    assert_eq!(stdout_of(&run(&["init", "-"], folder.path()), 0), text);
    let talk = stderr_of(&run(&["init", "no/such/folder.yaml"], folder.path()), 3);
    assert!(talk.contains("no/such/folder.yaml"), "{talk}");
}

#[test]
fn doctor_says_what_to_do_about_everything_missing() {
    let folder = tempfile::tempdir().unwrap();
    let output = run(&["doctor", "--json"], folder.path());
    let answer: Value = serde_json::from_str(&stdout_of(&output, 0)).unwrap();
    assert_eq!(answer["healthy"], true);
    let checks = answer["checks"].as_array().unwrap();
    assert_eq!(checks.len(), 10);
    for check in checks {
        let fine = check["status"] == "ok";
        assert_eq!(check["advice"].is_null(), fine, "{check}");
        assert!(!check["found"].as_str().unwrap().is_empty(), "{check}");
    }
    // Without emulators and compilers there is advice; without a place for data, a problem.
    let bare = |tmp: &str| {
        let mut command = cortex_host();
        command.args(["doctor", "--json"]).env("PATH", folder.path());
        command.env("TMPDIR", tmp).current_dir(folder.path()).output().unwrap()
    };
    let advice = stdout_of(&bare("."), 0);
    assert!(advice.contains("apt-get install qemu-system-arm"), "{advice}");
    assert!(advice.contains("https://rustup.rs"), "{advice}");
    let problem: Value = serde_json::from_str(&stdout_of(&bare("/no/such/folder"), 1)).unwrap();
    assert_eq!(problem["healthy"], false);
    assert!(problem.to_string().contains("set TMPDIR"), "{problem}");
}

#[test]
fn listed_configurations_run_outside_a_checkout() {
    let folder = tempfile::tempdir().unwrap();
    let list = stdout_of(&run(&["list", "--json"], folder.path()), 0);
    let list: Value = serde_json::from_str(&list).unwrap();
    let name = "primitives/configs/quickstart.yaml";
    assert!(list["configs"].as_array().unwrap().iter().any(|config| config["name"] == name));
    stdout_of(&run(&["run", "--quiet", "--config", name], folder.path()), 0);
    stderr_of(&run(&["run", "--config", "primitives/configs/none.yaml"], folder.path()), 3);
}

/// A desktop opens files by `xdg-open`; here one that writes down what it was given.
#[cfg(target_os = "linux")]
#[test]
fn the_report_is_shown_on_request() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let opener = folder.path().join("xdg-open");
    fs::write(
        &opener,
        "#!/bin/sh\necho \"$1\" > \"$OPENED.new\"; mv \"$OPENED.new\" \"$OPENED\"\n",
    )
    .unwrap();
    fs::set_permissions(&opener, fs::Permissions::from_mode(0o755)).unwrap();
    let opened = folder.path().join("opened");
    let path = format!("{}:{}", folder.path().display(), std::env::var("PATH").unwrap());
    let mut command = cortex_host();
    command.args(["run", "--quiet", "--open"]).current_dir(folder.path());
    let output = command.env("PATH", path).env("OPENED", &opened).output().unwrap();
    assert_eq!(stderr_of(&output, 0), "");
    let given = (0..500).find_map(|_| {
        std::thread::sleep(std::time::Duration::from_millis(10));
        fs::read_to_string(&opened).ok()
    });
    let page = given.expect("the opener was called");
    assert!(page.trim_end().ends_with("report.html"), "{page}");
    // The quickstart has every kernel.
    assert_report_pictures(&fs::read_to_string(page.trim_end()).unwrap(), 7);
}

#[test]
fn a_local_primitives_folder_wins_over_what_is_built_in() {
    let folder = tempfile::tempdir().unwrap();
    let (dataset, config) =
        ("primitives/datasets/v1/synthetic", "primitives/configs/quickstart.yaml");
    let sub = folder.path().join("a/b");
    for path in [&sub, &folder.path().join(dataset), &folder.path().join("primitives/configs")] {
        fs::create_dir_all(path).unwrap();
    }
    let listed = |section: &str, name: &str| -> Value {
        let list = stdout_of(&run(&["list", "--json"], &sub), 0);
        let list: Value = serde_json::from_str(&list).unwrap();
        let entries = list[section].as_array().unwrap();
        entries.iter().find(|entry| entry["name"] == name).unwrap().clone()
    };
    assert_eq!(listed("datasets", dataset)["local"], false);
    assert_eq!(listed("configs", config)["local"], false);
    let spec = "kind: generator\nsummary: mine\ncompiled: v1\n";
    fs::write(folder.path().join(dataset).join("spec.yaml"), spec).unwrap();
    fs::write(folder.path().join(config), "# mine\nkernals: []\n").unwrap();
    for (section, name) in [("datasets", dataset), ("configs", config)] {
        let entry = listed(section, name);
        assert!(entry["local"] == true && entry["summary"] == "mine", "{entry}");
    }
    // What is listed is what is run, from a folder below as well.
    for place in [folder.path(), &sub] {
        let talk = stderr_of(&run(&["run", "--config", config], place), 2);
        assert!(talk.contains("quickstart.yaml:2:1: unknown key \"kernals\""), "{talk}");
    }
}

#[test]
fn quiet_is_silent_and_a_redirected_stderr_has_no_colour() {
    let folder = tempfile::tempdir().unwrap();
    let generate = ["generate", "sine_wave", "2", "100", "1", "a.float32"];
    let quiet = run(&[&generate[..], &["--quiet"]].concat(), folder.path());
    assert_eq!(stderr_of(&quiet, 0), "");
    let mut command = cortex_host();
    command.env_remove("NO_COLOR").args(generate).current_dir(folder.path());
    let talk = stderr_of(&command.output().unwrap(), 2);
    assert!(talk.starts_with("error: ") && !talk.contains('\x1b'), "{talk:?}");
}
