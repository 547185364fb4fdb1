//! The rooms of the library as `lib.rs` orders them: no import goes up, and no files import each
//! other in a circle.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// A path in the code, `["crate", "recording", "Unit"]`.
type Names = Vec<String>;

/// What a module's file declares and uses, without its tests.
#[derive(Default)]
struct Module {
    file: PathBuf,
    /// Names it has from elsewhere, and from where.
    exports: BTreeMap<String, Names>,
    /// Every path it names, absolute.
    uses: Vec<Names>,
}

fn names(path: &str) -> Names {
    path.split("::").map(|name| name.trim().to_owned()).filter(|name| !name.is_empty()).collect()
}

/// The paths of one `use` tree, `a::{b, c::{self, D as E}}`, each with the name it gets here.
fn flatten(prefix: &str, tree: &str, found: &mut Vec<(String, Names)>) {
    if let Some((head, rest)) = tree.split_once('{') {
        let (mut depth, mut part) = (0, String::new());
        for c in rest.trim_end().trim_end_matches('}').chars().chain([',']) {
            depth += i32::from(c == '{') - i32::from(c == '}');
            if c == ',' && depth == 0 {
                flatten(&format!("{prefix}{}", head.trim()), part.trim(), found);
                part.clear();
            } else {
                part.push(c);
            }
        }
    } else if !tree.is_empty() {
        let (path, alias) = tree.split_once(" as ").unwrap_or((tree, ""));
        let mut path = names(&format!("{prefix}{path}"));
        path.retain(|name| name != "self" || prefix.is_empty());
        let alias = if alias.is_empty() {
            path.last().cloned().unwrap_or_default()
        } else {
            alias.to_owned()
        };
        found.push((alias, path));
    }
}

/// A path as seen from `module`, made absolute.
fn absolute(module: &Names, path: &Names, children: &BTreeSet<String>) -> Option<Names> {
    let up = path.iter().take_while(|name| *name == "super").count();
    match path.first()?.as_str() {
        "crate" => Some(path.clone()),
        "self" => Some([module.clone(), path.get(1..)?.to_vec()].concat()),
        "super" => {
            Some([module.get(..module.len() - up)?.to_vec(), path.get(up..)?.to_vec()].concat())
        }
        child if children.contains(child) => Some([module.clone(), path.clone()].concat()),
        _ => None,
    }
}

fn read(module: &Names, file: PathBuf, modules: &mut BTreeMap<Names, Module>) {
    let text = fs::read_to_string(&file).unwrap();
    let code: String = text
        .split("#[cfg(test)]\nmod tests")
        .next()
        .unwrap()
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .flat_map(|line| [line, "\n"])
        .collect();
    let mut children = BTreeSet::new();
    for line in code.lines() {
        let line = line.trim();
        let declared = line.strip_suffix(';').and_then(|line| line.split_once("mod "));
        if let Some((visibility, child)) = declared
            && (visibility.is_empty() || visibility.starts_with("pub"))
        {
            children.insert(child.to_owned());
        }
    }
    let mut found = Module { file: file.clone(), ..Module::default() };
    for (start, _) in code.match_indices("use ") {
        let line = code[..start].rsplit('\n').next().unwrap_or_default();
        if !(line.trim().is_empty() || line.trim().starts_with("pub")) {
            continue;
        }
        let tree = code[start + 4..].split(';').next().unwrap_or_default();
        let mut paths = Vec::new();
        flatten("", &tree.split_whitespace().collect::<Vec<_>>().join(" "), &mut paths);
        for (alias, path) in paths {
            let Some(path) = absolute(module, &path, &children) else { continue };
            // A re-export is a second name for what is elsewhere, not a use of it.
            if !line.trim().starts_with("pub") {
                found.uses.push(path.clone());
            }
            found.exports.insert(alias, path);
        }
    }
    // Paths within expressions, from their first name on.
    let code = code.split_inclusive(';').filter(|part| !part.contains("use ")).collect::<String>();
    let path_char = |c: char| c.is_alphanumeric() || c == '_' || c == ':';
    for word in code.split(|c| !path_char(c)).filter(|word| word.contains("::")) {
        found.uses.extend(absolute(module, &names(word), &children));
    }
    let folder = match file.file_stem().unwrap().to_str().unwrap() {
        "mod" | "lib" => file.parent().unwrap().to_owned(),
        _ => file.with_extension(""),
    };
    for child in &children {
        let path = [module.clone(), vec![child.clone()]].concat();
        let flat = folder.join(format!("{child}.rs"));
        let nested = folder.join(child).join("mod.rs");
        read(&path, if flat.exists() { flat } else { nested }, modules);
    }
    modules.insert(module.clone(), found);
}

/// The module that defines what `path` names, through re-exports.
fn home(modules: &BTreeMap<Names, Module>, path: &Names) -> Option<Names> {
    let mut module: Names = vec![path.first()?.clone()];
    for (index, name) in path.iter().enumerate().skip(1) {
        let child = [module.clone(), vec![name.clone()]].concat();
        if modules.contains_key(&child) {
            module = child;
        } else if let Some(target) = modules.get(&module)?.exports.get(name) {
            return home(modules, &[target.clone(), path[index + 1..].to_vec()].concat());
        } else {
            break;
        }
    }
    Some(module)
}

/// Files that import each other, the way round; none when there is no such circle.
fn circle(
    graph: &BTreeMap<&Names, BTreeSet<Names>>,
    at: &Names,
    trail: &mut Vec<Names>,
    done: &mut BTreeSet<Names>,
) -> Option<Vec<Names>> {
    if let Some(start) = trail.iter().position(|name| name == at) {
        return Some(trail[start..].to_vec());
    }
    if !done.insert(at.clone()) {
        return None;
    }
    trail.push(at.clone());
    let found =
        graph.get(at).into_iter().flatten().find_map(|next| circle(graph, next, trail, done));
    trail.pop();
    found
}

#[test]
fn the_rooms_are_private_without_the_feature_internals() {
    let lib = include_str!("../src/lib.rs");
    let opened = "#[cfg(feature = \"internals\")]\n#[doc(hidden)]\npub use rooms::*;\n";
    assert_eq!(lib.matches(opened).count(), 1);
    // The list of public items, read from the documentation, has all others.
    assert_eq!(lib.matches("doc(hidden)").count(), 1);
    assert!(!lib.contains("\npub mod "));
}

#[test]
fn imports_go_down_and_never_round() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut modules = BTreeMap::new();
    read(&names("crate"), source.join("lib.rs"), &mut modules);
    let lib = fs::read_to_string(source.join("lib.rs")).unwrap();
    let rooms: Vec<&str> =
        lib.lines().filter_map(|line| line.split_once("mod ")?.1.strip_suffix(';')).collect();
    assert!(rooms.len() > 10, "{rooms:?}");

    // In the checkout: the package has no docs.
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/architecture.md");
    if let Ok(page) = fs::read_to_string(page) {
        let rows = page.lines().skip_while(|line| !line.starts_with("| room |")).skip(2);
        let rows = rows.map_while(|row| row.strip_prefix("| ")?.split_once(" |"));
        let named: Vec<&str> =
            rows.flat_map(|(room, _)| room.split('`').skip(1).step_by(2)).collect();
        assert_eq!(named, rooms, "docs/architecture.md");
    }

    let mut graph: BTreeMap<&Names, BTreeSet<Names>> = BTreeMap::new();
    let mut wrong = Vec::new();
    for (name, module) in &modules {
        for path in &module.uses {
            let Some(target) = home(&modules, path).filter(|target| target != name) else {
                continue;
            };
            let floor = |name: &Names| {
                name.get(1).and_then(|room| rooms.iter().position(|known| known == room))
            };
            if name.len() > 1 && floor(&target) > floor(name) {
                wrong.push(format!("{}: {}", module.file.display(), path.join("::")));
            }
            // A parent that calls its child and a child that names its parent's folder differ:
            // only what a file defines counts.
            graph.entry(name).or_default().insert(target);
        }
    }
    wrong.sort();
    wrong.dedup();
    assert!(wrong.is_empty(), "imports from a room further up:\n{}", wrong.join("\n"));
    let mut done = BTreeSet::new();
    let found = modules.keys().find_map(|name| circle(&graph, name, &mut Vec::new(), &mut done));
    assert_eq!(found, None, "files that import each other");
}
