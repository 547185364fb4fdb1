//! `KEY=VALUE` on a command line in place of what a configuration says.

use std::str::FromStr;

use super::error::{Position, Problem};
use super::node::{Entry, Node, Value};
use super::types::KernelConfig;
use crate::base::{listed, quoted};

/// Keys of a kernel; any other key of a setting is one of its parameters.
const KERNEL_KEYS: &[&str] = KernelConfig::KEYS;

/// One value of a configuration: `dataset.channels=128`, `kernels.bandpass_fir.taps=33` (of every
/// kernel of that name or label), `kernels.hop=10` (of every kernel).
#[derive(Clone, Debug, PartialEq)]
pub struct Setting {
    /// Where it goes, as written before the `=`.
    pub key: String,
    value: Node,
}

impl Setting {
    /// The setting of `key` to the YAML `value`.
    ///
    /// # Errors
    /// A sentence when the key has an empty part or the value is no YAML.
    pub fn new(key: &str, value: &str) -> Result<Self, String> {
        if value.trim().is_empty() {
            return Err(format!("it has no value; give one, such as {key}=128"));
        }
        let value = Node::parse(value).map_err(|problem| problem.in_source("value").to_string())?;
        Self::of_node(key, value)
    }

    /// The setting of `key` to `value`.
    ///
    /// # Errors
    /// A sentence when the key has an empty part.
    pub fn of_node(key: &str, mut value: Node) -> Result<Self, String> {
        if key.split('.').any(|part| part.trim().is_empty()) {
            return Err(format!("{} is no key; give one such as dataset.channels", quoted(key)));
        }
        value.position = Position::default();
        Ok(Self { key: key.to_owned(), value })
    }

    /// Puts the value into a configuration.
    ///
    /// # Errors
    /// [`Problem`] when a kernel is not there, or a part of the key leads into a single value.
    pub fn apply(&self, config: &mut Node) -> Result<(), Problem> {
        let parts: Vec<&str> = self.key.split('.').collect();
        self.put(config, &parts)
    }

    fn put(&self, node: &mut Node, parts: &[&str]) -> Result<(), Problem> {
        let Some((first, rest)) = parts.split_first() else {
            *node = self.value.clone();
            return Ok(());
        };
        match &mut node.value {
            Value::List(list) => self.put_in_kernels(list, first, rest),
            Value::Mapping(entries) => {
                if let Some(entry) = entries.iter_mut().find(|entry| entry.key == *first) {
                    return self.put(&mut entry.node, rest);
                }
                let empty = Node { position: Position::default(), value: Value::Mapping(vec![]) };
                let mut entry =
                    Entry { key: (*first).to_owned(), position: Position::default(), node: empty };
                self.put(&mut entry.node, rest)?;
                entries.push(entry);
                Ok(())
            }
            Value::Null => {
                node.value = Value::Mapping(Vec::new());
                self.put(node, parts)
            }
            _ => Err(self.problem(&format!("{} has no keys of its own", quoted(first)))),
        }
    }

    /// Into the kernels of a name, or into all when `first` is a key of a kernel.
    fn put_in_kernels(&self, list: &mut [Node], first: &str, rest: &[&str]) -> Result<(), Problem> {
        let every = rest.is_empty() && KERNEL_KEYS.contains(&first);
        let names: Vec<Vec<String>> = list.iter().map(names_of).collect();
        let mut found = false;
        for (node, kernel) in list.iter_mut().zip(&names) {
            if every {
                self.put(node, &[first])?;
            } else if kernel.iter().any(|name| name == first) {
                match rest.split_first() {
                    Some((key, _)) if !KERNEL_KEYS.contains(key) => {
                        self.put(node, &[&["params"], rest].concat())?;
                    }
                    _ => self.put(node, rest)?,
                }
            } else {
                continue;
            }
            found = true;
        }
        if !found {
            let known = listed(names.iter().flatten().map(String::as_str));
            return Err(self.problem(&format!(
                "there is no kernel {} in this configuration; it has {known}",
                quoted(first)
            )));
        }
        Ok(())
    }

    fn problem(&self, message: &str) -> Problem {
        Problem::at(Position::default(), format!("{}: {message}", self.key))
    }
}

impl FromStr for Setting {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (key, value) = text
            .split_once('=')
            .ok_or_else(|| "give KEY=VALUE, such as dataset.channels=128".to_owned())?;
        Self::new(key.trim(), value)
    }
}

/// What a kernel may be named by: its label, if it has one, and its name.
fn names_of(kernel: &Node) -> Vec<String> {
    let text = |key: &str| match kernel.entry(key).map(|entry| &entry.node.value) {
        Some(Value::Text(text)) => Some(text.clone()),
        _ => None,
    };
    text("label").into_iter().chain(text("name")).collect()
}

/// Keeps the kernels with one of these names or labels.
///
/// # Errors
/// [`Problem`] when the configuration has no kernel of a name.
pub fn keep_kernels(config: &mut Node, wanted: &[String]) -> Result<(), Problem> {
    let Value::Mapping(entries) = &mut config.value else { return Ok(()) };
    let Some(kernels) = entries.iter_mut().find(|entry| entry.key == "kernels") else {
        return Ok(());
    };
    let Value::List(list) = &mut kernels.node.value else { return Ok(()) };
    let names: Vec<String> = list.iter().flat_map(names_of).collect();
    if let Some(absent) = wanted.iter().find(|name| !names.contains(name)) {
        let message = format!(
            "there is no kernel {} in this configuration; it has {}",
            quoted(absent),
            listed(names.iter().map(String::as_str))
        );
        return Err(Problem::at(Position::default(), message));
    }
    list.retain(|node| names_of(node).iter().any(|name| wanted.contains(name)));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONFIG: &str = "dataset: { channels: 4 }\nkernels:\n  - { name: car, window: 50 }\n  \
                          - { name: bandpass_fir, params: { taps: 129 } }\n";

    fn set(settings: &[&str]) -> Node {
        let mut config = Node::parse(CONFIG).unwrap();
        for setting in settings {
            setting.parse::<Setting>().unwrap().apply(&mut config).unwrap();
        }
        config
    }

    fn at<'a>(node: &'a Node, kernel: usize, key: &str) -> Option<&'a Value> {
        let Value::List(kernels) = &node.entry("kernels")?.node.value else { return None };
        key.split('.')
            .try_fold(kernels.get(kernel)?, |node, key| Some(&node.entry(key)?.node))
            .map(|node| &node.value)
    }

    #[test]
    fn settings_reach_datasets_kernels_and_their_parameters() {
        let config = set(&[
            "dataset.channels=128",
            "dataset.params.seed=7",
            "execution.pace=max",
            "kernels.hop=10",
            "kernels.bandpass_fir.taps=33",
            "kernels.car.window=60",
        ]);
        let dataset = &config.entry("dataset").unwrap().node;
        assert_eq!(dataset.entry("channels").unwrap().node.value, Value::Integer(128));
        let seed = dataset.entry("params").unwrap().node.entry("seed").unwrap();
        assert_eq!(seed.node.value, Value::Integer(7));
        assert_eq!(at(&config, 1, "params.taps"), Some(&Value::Integer(33)));
        assert_eq!(at(&config, 0, "hop"), Some(&Value::Integer(10)));
        assert_eq!(at(&config, 1, "hop"), Some(&Value::Integer(10)));
        assert_eq!(at(&config, 0, "window"), Some(&Value::Integer(60)));
    }

    #[test]
    fn what_is_not_there_is_named() {
        let mut config = Node::parse(CONFIG).unwrap();
        let problem = "kernels.fft.nfft=8".parse::<Setting>().unwrap().apply(&mut config);
        let problem = problem.unwrap_err().in_source("command line").to_string();
        assert!(
            problem.contains("no kernel \"fft\"") && problem.contains("bandpass_fir"),
            "{problem}"
        );
        for wrong in ["dataset.channels", "=3", "a..b=3", "a=[1"] {
            wrong.parse::<Setting>().unwrap_err();
        }
        keep_kernels(&mut config, &["car".to_owned()]).unwrap();
        assert_eq!(at(&config, 0, "window"), Some(&Value::Integer(50)));
        assert_eq!(at(&config, 1, "window"), None);
        keep_kernels(&mut config, &["fft".to_owned()]).unwrap_err();
    }

    #[test]
    fn labels_name_kernels_too() {
        let text = "kernels:\n  - { name: car, label: a }\n  - { name: car, label: b }\n";
        let mut config = Node::parse(text).unwrap();
        "kernels.b.window=5".parse::<Setting>().unwrap().apply(&mut config).unwrap();
        assert_eq!(at(&config, 0, "window"), None);
        assert_eq!(at(&config, 1, "window"), Some(&Value::Integer(5)));
        keep_kernels(&mut config, &["b".to_owned()]).unwrap();
        assert_eq!(at(&config, 0, "window"), Some(&Value::Integer(5)));
        assert_eq!(at(&config, 1, "name"), None);
    }
}
