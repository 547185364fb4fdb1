//! The action "run and check" does what the CI guide says.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use cortex_host::config::{Node, Value};
use cortex_tests::{checkout, cortex_host};

fn text<'a>(node: &'a Node, key: &str) -> &'a str {
    match node.entry(key).map(|entry| &entry.node.value) {
        Some(Value::Text(text)) => text,
        other => panic!("{key}: {other:?}"),
    }
}

fn list<'a>(node: &'a Node, key: &str) -> &'a [Node] {
    match node.entry(key).map(|entry| &entry.node.value) {
        Some(Value::List(list)) => list,
        other => panic!("{key}: {other:?}"),
    }
}

fn parse(path: &Path) -> Node {
    Node::parse(&fs::read_to_string(path).unwrap())
        .unwrap_or_else(|problem| panic!("{}", problem.in_source(&path.display().to_string())))
}

/// Runs the step of the action called `name` in `folder` with the inputs given and the defaults of
/// the others.
fn step(name: &str, folder: &Path, given: &[(&str, &str)]) -> Output {
    let action = parse(&checkout().join(".github/actions/run-and-check/action.yml"));
    let inputs = &action.entry("inputs").unwrap().node;
    let runs = &action.entry("runs").unwrap().node;
    let step = list(runs, "steps").iter().find(|step| text(step, "name") == name).unwrap();
    let programs = cortex_host().get_program().to_owned();
    let programs = Path::new(&programs).parent().unwrap().display().to_string();
    let mut shell = Command::new("bash");
    // As GitHub runs `shell: bash`.
    shell
        .args(["--noprofile", "--norc", "-eo", "pipefail", "-c", text(step, "run")])
        .current_dir(folder)
        .env("PATH", format!("{programs}:{}", std::env::var("PATH").unwrap()))
        .env("GITHUB_OUTPUT", folder.join("output"))
        .env("GITHUB_STEP_SUMMARY", folder.join("summary"));
    for entry in step.entry("env").unwrap().node.clone().into_entries() {
        let Value::Text(expression) = &entry.node.value else { panic!("{}", entry.key) };
        let input = expression.strip_prefix("${{ inputs.").unwrap().strip_suffix(" }}").unwrap();
        let default = text(&inputs.entry(input).unwrap().node, "default");
        let own = given.iter().find(|(name, _)| *name == input).map(|(_, value)| *value);
        shell.env(&entry.key, own.unwrap_or(default));
    }
    shell.output().unwrap()
}

#[test]
fn the_action_runs_and_its_limits_decide() {
    let folder = tempfile::tempdir().unwrap();
    let options = "--kernel car --set execution.pace=max --set execution.repeat_count=4";
    let ran = step("Run", folder.path(), &[("run-options", options)]);
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    let output = fs::read_to_string(folder.path().join("output")).unwrap();
    assert_eq!(output, "folder=cortex-results/run\n");
    assert!(fs::read_to_string(folder.path().join("summary")).unwrap().contains("car"));

    let kept = step("Check", folder.path(), &[("limits", "--max-p99-us 1000000")]);
    assert!(kept.status.success(), "{}", String::from_utf8_lossy(&kept.stderr));
    let junit = fs::read_to_string(folder.path().join("cortex-results/junit.xml")).unwrap();
    assert!(junit.contains("<testsuite"), "{junit}");
    let broken = step("Check", folder.path(), &[("limits", "--max-p99-us 0.001")]);
    assert_eq!(broken.status.code(), Some(1));
}
