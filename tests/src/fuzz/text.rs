//! Texts: configurations and generation manifests.

use std::fs;
use std::path::Path;
use std::sync::OnceLock;

use cortex_host::base::Failure;
use cortex_host::config::{self, Source};
use cortex_host::plan::Plan;
use cortex_host::primitive::Library;
use cortex_host::synthetic::Manifest;
use tempfile::TempDir;

use super::assert_fit_to_print;

/// The library seen from a folder with one recording, `x.float32`: 640 rows of 8 channels.
fn library() -> &'static Library {
    static LIBRARY: OnceLock<(TempDir, Library)> = OnceLock::new();
    let (_, library) = LIBRARY.get_or_init(|| {
        let folder = tempfile::tempdir().expect("a folder for temporary files");
        fs::write(folder.path().join("x.float32"), vec![0; 640 * 8 * 4]).expect("room");
        let library = Library::at(folder.path(), Some(Path::new("")));
        (folder, library)
    });
    library
}

fn plan(text: &str) -> Result<Plan, Failure> {
    let source = Source { name: "c.yaml".into(), text: text.into(), folder: None };
    let mut config = config::parse(&source)?;
    // Planning a kernel of a user's own loads it or starts it, whatever it is: not for random texts.
    for kernel in config.kernels.iter_mut().flat_map(|list| &mut list.value) {
        (kernel.value.library, kernel.value.command) = (None, None);
    }
    Plan::new(&config, library()).map_err(|problem| problem.in_source(&source.name).into())
}

/// A configuration is refused in one sentence, or its plan is the same whenever it is made, also
/// from the resolved text that a results folder keeps.
pub fn config(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    match plan(&text) {
        Err(failure) => assert_fit_to_print(&failure.to_string()),
        Ok(first) => {
            let second = plan(&text).expect("accepted before");
            assert_eq!(first.digest(), second.digest());
            assert!(first.dataset.channels() > 0 && first.dataset.samples() > 0);
            for kernel in &first.kernels {
                let windows = first.windows_per_repeat(kernel);
                assert!(windows > first.execution.warmup_windows, "nothing to measure");
            }
            let resolved = &first.config_text;
            let again =
                plan(resolved).unwrap_or_else(|failure| panic!("{failure}\nresolved:\n{resolved}"));
            assert_eq!(again, first, "resolved:\n{resolved}");
        }
    }
}

/// A manifest is refused in one sentence, or comes back the same from the text written for it.
pub fn manifest(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    let read = |text: &str| {
        Manifest::parse(text, library())
            .map_err(|problem| Failure::from(problem.in_source("m.yaml")))
    };
    match read(&text) {
        Err(failure) => assert_fit_to_print(&failure.to_string()),
        Ok(manifest) => {
            let written = manifest.to_yaml();
            let again =
                read(&written).unwrap_or_else(|failure| panic!("{failure}\nwritten:\n{written}"));
            assert_eq!(again, manifest, "written:\n{written}");
            assert_eq!(again.to_yaml(), written);
        }
    }
}
