//! `cortex-host import-config`: a configuration of the original CORTEX as one of ours.
//!
//! Every key of the original is either taken over or named in a comment: nothing is lost in silence.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use cortex_core::kernel::KernelName;

use super::{Console, arguments, output};
use crate::base::{ExitCode, Failure, quoted};
use crate::config::{Entry, Node, Source, Value};

/// Arguments of `import-config`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  cortex-host import-config cortex.yaml > mine.yaml
  cortex-host import-config cortex.yaml --libraries ../CORTEX/primitives/kernels > mine.yaml

Without --libraries a kernel of the original becomes ours of the same name; with it, the original's
own library where the folder holds one. What has no counterpart stands in comments and on stderr.")]
pub struct Args {
    /// The original's configuration, or - for stdin.
    file: String,
    /// Folder with the original's libraries, libNAME.so anywhere below it.
    #[arg(long, value_name = "FOLDER", value_parser = arguments::path())]
    libraries: Option<PathBuf>,
}

/// What the original runs a plugin with when its configuration does not say.
const DEFAULT_WINDOW: u64 = 160;
const DEFAULT_HOP: u64 = 80;

/// Carries the command out.
///
/// # Errors
/// [`Failure`]: the file cannot be read (exit code 3), is no YAML, or not of the original (2).
pub fn execute(args: &Args, console: &Console) -> Result<ExitCode, Failure> {
    let source = Source::read(Some(&args.file))?;
    let node = Node::parse(&source.text).map_err(|problem| problem.in_source(&source.name))?;
    let mut found = Vec::new();
    if let Some(folder) = &args.libraries {
        libraries(folder, &mut found, 0)
            .map_err(|error| Failure::io("read the folder", folder, &error))?;
        found.sort();
    }
    let (text, dropped) = import(&node, &found)
        .map_err(|message| Failure::usage(format!("{}: {message}", source.name)))?;
    for key in &dropped {
        console.warn(&format!("not taken over: {key}"));
    }
    output::print(text.trim_end())?;
    Ok(ExitCode::Success)
}

/// Every `lib*.so` below `folder`.
fn libraries(folder: &Path, found: &mut Vec<PathBuf>, depth: usize) -> std::io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() && !path.is_symlink() && depth < 8 {
            libraries(&path, found, depth + 1)?;
        } else if path.extension().is_some_and(|extension| extension == "so") {
            found.push(path);
        }
    }
    Ok(())
}

/// What has been read of the original, and what has not.
struct Import<'a> {
    root: &'a Node,
    taken: Vec<String>,
    dropped: Vec<String>,
}

impl<'a> Import<'a> {
    /// The value at a path of keys; it counts as taken over.
    fn take(&mut self, path: &str) -> Option<&'a Node> {
        let mut node = self.root;
        for key in path.split('.') {
            node = &node.entry(key)?.node;
        }
        self.taken.push(path.to_owned());
        (node.value != Value::Null).then_some(node)
    }

    fn scalar(&mut self, path: &str) -> Option<String> {
        self.take(path).and_then(scalar)
    }

    fn number(&mut self, path: &str) -> Result<Option<f64>, String> {
        match self.take(path).map(|node| &node.value) {
            None => Ok(None),
            Some(Value::Integer(value)) => Ok(Some(*value as f64)),
            Some(Value::Float(value)) => Ok(Some(*value)),
            Some(_) => Err(format!("{path} is no number")),
        }
    }

    /// Names every scalar that nothing has asked for.
    fn drop_rest(&mut self) {
        let mut rest = Vec::new();
        leaves(self.root, "", &mut rest);
        let taken = &self.taken;
        let is_taken = |path: &String| {
            taken.iter().any(|known| path == known || path.starts_with(&format!("{known}.")))
        };
        self.dropped.extend(
            rest.into_iter()
                .filter(|(path, _)| !is_taken(path))
                .map(|(path, value)| format!("{path}: {value}")),
        );
    }
}

fn leaves(node: &Node, path: &str, found: &mut Vec<(String, String)>) {
    match &node.value {
        Value::Mapping(entries) => {
            for Entry { key, node, .. } in entries {
                let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                leaves(node, &path, found);
            }
        }
        Value::List(list) => {
            let items: Vec<String> = list.iter().filter_map(scalar).collect();
            found.push((path.to_owned(), format!("[{}]", items.join(", "))));
        }
        _ => found.push((path.to_owned(), scalar(node).unwrap_or_default())),
    }
}

/// A scalar as YAML has it.
fn scalar(node: &Node) -> Option<String> {
    match &node.value {
        Value::Bool(value) => Some(value.to_string()),
        Value::Integer(value) => Some(value.to_string()),
        Value::Float(value) => Some(format!("{value:?}")),
        Value::Text(text) => Some(quoted(text)),
        Value::Null | Value::List(_) | Value::Mapping(_) => None,
    }
}

/// The configuration, and the keys that have no counterpart.
fn import(root: &Node, libraries: &[PathBuf]) -> Result<(String, Vec<String>), String> {
    let mut import = Import { root, taken: Vec::new(), dropped: Vec::new() };
    let known = ["plugins", "benchmark", "cortex_version", "pipelines"];
    if !known.iter().any(|key| root.entry(key).is_some()) {
        return Err("this is no configuration of the original CORTEX: it has none of the keys \
                    plugins, benchmark, cortex_version"
            .to_owned());
    }
    import.take("cortex_version");
    let mut body = String::new();
    let out = &mut body;
    // Writing to a String cannot fail.
    let _ = dataset(out, &mut import);
    let rate_hz = import.number("dataset.sample_rate_hz")?.unwrap_or(160.0);
    let deadline_ms = import.number("realtime.deadline_ms")?;
    let hop = plugins(out, &mut import, libraries, deadline_ms)?;
    let _ = execution(out, &mut import, rate_hz, hop);
    let _ = realtime(out, &mut import);
    let _ = results(out, &mut import);
    import.drop_rest();
    let mut text = String::from("# Imported from a configuration of the original CORTEX.\n");
    for key in &import.dropped {
        let _ = writeln!(text, "# not taken over: {}", key.replace('\n', " "));
    }
    Ok((text + &body, import.dropped))
}

fn dataset(out: &mut String, import: &mut Import) -> std::fmt::Result {
    writeln!(out, "dataset:")?;
    for key in ["path", "format", "channels", "sample_rate_hz"] {
        if let Some(value) = import.scalar(&format!("dataset.{key}")) {
            writeln!(out, "  {key}: {value}")?;
        }
    }
    if let Some(Value::Mapping(entries)) = import.take("dataset.params").map(|node| &node.value) {
        writeln!(out, "  params:")?;
        for entry in entries {
            if let Some(value) = scalar(&entry.node) {
                writeln!(out, "    {}: {value}", entry.key)?;
            }
        }
    }
    Ok(())
}

/// The kernels; the first one's hop.
fn plugins(
    out: &mut String,
    import: &mut Import,
    libraries: &[PathBuf],
    deadline_ms: Option<f64>,
) -> Result<u64, String> {
    out.push_str("kernels:\n");
    let names: Vec<(String, Option<&Node>)> = match import.take("plugins").map(|node| &node.value) {
        Some(Value::List(list)) => list
            .iter()
            .map(|plugin| match plugin.entry("name").map(|entry| &entry.node.value) {
                Some(Value::Text(name)) => Ok((name.clone(), Some(plugin))),
                _ => Err(format!("a plugin has no name (line {})", plugin.position.line)),
            })
            .collect::<Result<_, _>>()?,
        Some(_) => return Err("plugins is no list".to_owned()),
        // The original then runs all kernels it has built.
        None => KernelName::ALL.iter().map(|name| (name.as_str().to_owned(), None)).collect(),
    };
    let mut first_hop = None;
    for (name, plugin) in names {
        let entry = |path: &str| {
            let mut node = plugin?;
            for key in path.split('.') {
                node = &node.entry(key)?.node;
            }
            Some(node)
        };
        let count = |path: &str, default| match entry(path).map(|node| &node.value) {
            Some(Value::Integer(value)) => u64::try_from(*value).unwrap_or(default),
            _ => default,
        };
        let first = |paths: [&str; 2], default| {
            paths.iter().map(|path| count(path, 0)).find(|value| *value > 0).unwrap_or(default)
        };
        let window =
            first(["runtime.window_length_samples", "window_length_samples"], DEFAULT_WINDOW);
        let hop = first(["runtime.hop_samples", "hop_samples"], DEFAULT_HOP);
        first_hop.get_or_insert(hop);
        let spec = entry("spec_uri").and_then(scalar).unwrap_or_default();
        let fixed = spec.contains("q15");
        let wanted = format!("lib{name}.so");
        let mut fitting = libraries.iter().filter(|path| {
            path.file_name().is_some_and(|file| file == wanted.as_str())
                && path.ancestors().any(|folder| folder.ends_with("q15")) == fixed
        });
        let library = fitting.next();
        match library {
            Some(library) => {
                let path = quoted(&library.to_string_lossy()).to_string();
                out.push_str(&format!("  - library: {path}\n    name: {}\n", quoted(&name)));
                if fixed {
                    out.push_str(
                        "    dtype: \"q15\"\n    # The original clamps to ±1 µV; this takes ±3.3 mV.\n    \
                         scale_uv: 0.1\n",
                    );
                }
            }
            None if KernelName::parse(&name).is_some() && !fixed => {
                out.push_str(&format!("  - name: {}\n", quoted(&name)));
            }
            None => {
                let why = format!(
                    "plugins: {name} ({}): give --libraries with {wanted}",
                    if fixed { "q15" } else { "not one of ours" }
                );
                import.dropped.push(why);
                continue;
            }
        }
        out.push_str(&format!("    window: {window}\n    hop: {hop}\n"));
        if let Some(deadline_ms) = deadline_ms {
            out.push_str(&format!("    deadline_us: {:?}\n", deadline_ms * 1e3));
        }
        for key in ["calibration_state", "state"] {
            if let (Some(state), Some(_)) = (entry(key).and_then(scalar), library) {
                out.push_str(&format!("    state: {state}\n"));
            }
        }
        if let Some(Value::Mapping(params)) = entry("params").map(|node| &node.value) {
            out.push_str("    params:\n");
            for param in params {
                let Some(value) = scalar(&param.node) else {
                    import.dropped.push(format!("plugins: {name}: params.{}", param.key));
                    continue;
                };
                // Ours have keys in lower case; the original's libraries read their own.
                let key = match library {
                    Some(_) => param.key.clone(),
                    None => param.key.to_lowercase(),
                };
                out.push_str(&format!("      {key}: {value}\n"));
            }
        }
        if let Some(Value::Mapping(entries)) = plugin.map(|plugin| &plugin.value) {
            let known = ["name", "params", "runtime", "spec_uri", "spec_version", "status"];
            let more = ["window_length_samples", "hop_samples", "calibration_state", "state"];
            for entry in entries {
                if !known.iter().chain(&more).any(|known| *known == entry.key) {
                    import.dropped.push(format!("plugins: {name}: {}", entry.key));
                }
            }
        }
    }
    if out.ends_with("kernels:\n") {
        return Err("no kernel of it is known here; give --libraries".to_owned());
    }
    Ok(first_hop.unwrap_or(DEFAULT_HOP))
}

fn execution(out: &mut String, import: &mut Import, rate_hz: f64, hop: u64) -> std::fmt::Result {
    writeln!(out, "execution:")?;
    if let Some(seconds) = import.scalar("benchmark.parameters.duration_seconds") {
        writeln!(out, "  duration_seconds: {seconds}")?;
    }
    if let Some(repeats) = import.scalar("benchmark.parameters.repeats") {
        writeln!(out, "  repeat_count: {repeats}")?;
    }
    if let Ok(Some(seconds)) = import.number("benchmark.parameters.warmup_seconds") {
        let windows = (seconds * rate_hz / hop.max(1) as f64).round().max(0.0);
        writeln!(out, "  # warmup_seconds: {seconds}")?;
        writeln!(out, "  warmup_windows: {windows}")?;
    }
    writeln!(out, "  pace: \"realtime\"")
}

fn realtime(out: &mut String, import: &mut Import) -> std::fmt::Result {
    let scheduler = import.scalar("realtime.scheduler");
    let supported = ["\"fifo\"", "\"rr\"", "\"other\""];
    let Some(scheduler) = scheduler else { return Ok(()) };
    if !supported.contains(&scheduler.as_str()) {
        import.dropped.push(format!("realtime.scheduler: {scheduler}"));
        return Ok(());
    }
    writeln!(out, "realtime:\n  scheduler: {scheduler}")?;
    let priority = import.scalar("realtime.priority");
    if let Some(priority) = priority.filter(|_| scheduler != "\"other\"") {
        writeln!(out, "  priority: {priority}")?;
    }
    if let Some(Value::List(cores)) = import.take("realtime.cpu_affinity").map(|node| &node.value) {
        let cores: Vec<String> = cores.iter().filter_map(scalar).collect();
        if !cores.is_empty() {
            writeln!(out, "  cpu_affinity: [{}]", cores.join(", "))?;
        }
    }
    Ok(())
}

fn results(out: &mut String, import: &mut Import) -> std::fmt::Result {
    let mut lines = Vec::new();
    for key in ["directory", "format", "include_raw_data"] {
        if let Some(value) = import.scalar(&format!("output.{key}")) {
            lines.push(format!("  {key}: {value}"));
        }
    }
    if lines.is_empty() { Ok(()) } else { writeln!(out, "output:\n{}", lines.join("\n")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_is_taken_over_or_named() {
        let text = "cortex_version: 1\nsystem: { name: \"a\" }\n\
            dataset: { path: \"x.float32\", format: \"float32\", channels: 64, sample_rate_hz: 160 }\n\
            realtime: { scheduler: fifo, priority: 90, cpu_affinity: [0], deadline_ms: 500 }\n\
            benchmark: { parameters: { duration_seconds: 5, repeats: 2, warmup_seconds: 1 } }\n\
            plugins:\n  - { name: \"notch_iir\", status: ready, params: { f0_hz: 50.0, Q: 35.0 } }\n  \
            - { name: \"ica\" }\n";
        let node = Node::parse(text).unwrap();
        let (text, dropped) = import(&node, &[]).unwrap();
        assert_eq!(dropped.len(), 2, "{dropped:?}");
        assert!(dropped[0].starts_with("plugins: ica") && dropped[1] == "system.name: \"a\"");
        for line in [
            "  channels: 64",
            "    deadline_us: 500000.0",
            "      q: 35.0",
            "  warmup_windows: 2",
            "  repeat_count: 2",
            "  priority: 90",
            "  cpu_affinity: [0]",
        ] {
            assert!(text.lines().any(|known| known == line), "{line} in\n{text}");
        }
    }
}
