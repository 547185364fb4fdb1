//! Mutated headers of every format: an answer or a refusal, never a panic or endless memory.

use std::fs;

use cortex_host::dataset::{OpenOptions, Recording, npy};
use proptest::prelude::*;

const VHDR: &str = "Brain Vision Data Exchange Header File Version 1.0\n[Common Infos]\nCodepage=UTF-8\nDataFile=x.dat\nMarkerFile=x.vmrk\nDataFormat=BINARY\nDataOrientation=VECTORIZED\nNumberOfChannels=2\nDataPoints=5\nSamplingInterval=6250\n[Binary Infos]\nBinaryFormat=INT_16\n[Channel Infos]\nCh1=FC5,,0.5,mV\nCh2=Cz,,,\n";
const VMRK: &str = "Brain Vision Data Exchange Marker File, Version 1.0\n[Marker Infos]\nMk1=New Segment,,1,1,0,20090812161500000000\nMk2=Stimulus,S 1,3,1,0\n";

/// Replaces a stretch of `text` by `patch`.
fn mutate(text: &[u8], at: usize, length: usize, patch: &[u8]) -> Vec<u8> {
    let at = at % text.len();
    let end = (at + length).min(text.len());
    [&text[..at], patch, &text[end..]].concat()
}

/// Reads whatever opens to its end.
fn exhaust(path: &std::path::Path, options: &OpenOptions) {
    if let Ok(mut recording) = Recording::open(path, options) {
        assert!(recording.sample_rate_hz > 0.0 && recording.samples > 0);
        let mut rows = vec![0.0; recording.channels() * 3];
        while recording.read(&mut rows).unwrap() > 0 {}
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn brainvision_headers(at in 0usize..4000, length in 0usize..20, patch in "[ -~\\n]{0,12}", marker: bool) {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("x.dat"), [1; 20]).unwrap();
        let (vhdr, vmrk) = if marker {
            (VHDR.into(), mutate(VMRK.as_bytes(), at, length, patch.as_bytes()))
        } else {
            (mutate(VHDR.as_bytes(), at, length, patch.as_bytes()), VMRK.into())
        };
        let path = folder.path().join("x.vhdr");
        fs::write(&path, vhdr).unwrap();
        fs::write(folder.path().join("x.vmrk"), vmrk).unwrap();
        exhaust(&path, &OpenOptions::default());
        exhaust(&path, &OpenOptions { accept_truncated: true, ..OpenOptions::default() });
    }

    #[test]
    fn npy_headers(at in 0usize..200, length in 0usize..8, patch in prop::collection::vec(any::<u8>(), 0..8)) {
        let folder = tempfile::tempdir().unwrap();
        let whole = [npy::header_bytes(3, 2), vec![0; 24]].concat();
        let path = folder.path().join("x.npy");
        fs::write(&path, mutate(&whole, at, length, &patch)).unwrap();
        for channels_first in [false, true] {
            let options =
                OpenOptions { sample_rate_hz: Some(100.0), channels_first, ..OpenOptions::default() };
            exhaust(&path, &options);
        }
    }
}
