//! The kernels' own parameters: from a configuration to a [`KernelSpec`] and back.

use cortex_core::kernel::{KernelName, KernelSpec};

use crate::config::decode::decode;
use crate::config::{Entry, Node, Position, Problem, Value, parameters};

/// The kernel `name` with the parameters written at `path`; defaults where there are none.
pub(super) fn spec(
    name: KernelName,
    params: Option<&Node>,
    path: &str,
) -> Result<KernelSpec, Problem> {
    let Some(node) = params else { return Ok(KernelSpec::with_defaults(name)) };
    let declared = name.info().parameters;
    if declared.is_empty() {
        let message = format!("{path}: {name} has no parameters; remove params");
        return Err(Problem::at(node.position, message));
    }
    parameters::check(node, path, declared)?;
    let entry = Entry { key: name.to_string(), position: node.position, node: node.clone() };
    decode(&Node { position: node.position, value: Value::Mapping(vec![entry]) }, path)
}

/// The parameters of `spec` as a configuration holds them; none when all are defaults that
/// depend on the window, or when the kernel has none.
pub(super) fn node(spec: &KernelSpec) -> Option<Node> {
    let mut node = Node::of(spec)?;
    let Value::Mapping(variant) = &mut node.value else { return None };
    let params = variant.pop()?.node;
    matches!(&params.value, Value::Mapping(entries) if !entries.is_empty()).then_some(params)
}

/// Where `key` is written anywhere in `node`: the place to complain about.
pub(super) fn place_of(node: &Node, key: &str) -> Option<Position> {
    match &node.value {
        Value::Mapping(entries) => entries.iter().find_map(|entry| {
            let here = (entry.key == key).then_some(entry.node.position);
            here.or_else(|| place_of(&entry.node, key))
        }),
        Value::List(list) => list.iter().find_map(|item| place_of(item, key)),
        _ => None,
    }
}
