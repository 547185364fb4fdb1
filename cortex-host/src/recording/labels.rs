//! Channel names: 10-10 labels for real data, zero-padded numbers for synthetic data.
//!
//! Electrode names follow the 10-10 system (Chatrian et al. 1985; American Clinical
//! Neurophysiology Society guideline 2, 2006), as 64-channel recordings use it.

use crate::base::without_controls;

/// The 10-10 positions in their usual spelling, with the older names T3 to T6.
const TEN_TEN: [&str; 82] = [
    "Fp1", "Fpz", "Fp2", "AF9", "AF7", "AF5", "AF3", "AF1", "AFz", "AF2", "AF4", "AF6", "AF8",
    "AF10", "F9", "F7", "F5", "F3", "F1", "Fz", "F2", "F4", "F6", "F8", "F10", "FT9", "FT7", "FC5",
    "FC3", "FC1", "FCz", "FC2", "FC4", "FC6", "FT8", "FT10", "T9", "T7", "C5", "C3", "C1", "Cz",
    "C2", "C4", "C6", "T8", "T10", "TP9", "TP7", "CP5", "CP3", "CP1", "CPz", "CP2", "CP4", "CP6",
    "TP8", "TP10", "P9", "P7", "P5", "P3", "P1", "Pz", "P2", "P4", "P6", "P8", "P10", "PO9", "PO7",
    "PO3", "POz", "PO4", "PO8", "PO10", "O1", "Oz", "O2", "I1", "Iz", "I2",
];

/// Names of synthetic channels: `E0001`, `E0002`, ... with four digits or as many as the
/// last one needs.
#[must_use]
pub fn synthetic_names(channels: usize) -> Vec<String> {
    let digits = channels.to_string().len().max(4);
    (1..=channels).map(|channel| format!("E{channel:0digits$}")).collect()
}

/// A header's label as an electrode name: surrounding blanks, a leading `EEG ` (the EDF+
/// signal type) and PhysioNet's trailing dots go, and a 10-10 name gets its usual spelling
/// (`Fc5.` → `FC5`, `FP1` → `Fp1`). Anything else keeps its own letters.
#[must_use]
pub fn clean_label(label: &str) -> String {
    let label = label.trim();
    let bare = match label.get(..4) {
        Some(prefix) if prefix.eq_ignore_ascii_case("EEG ") => label.get(4..).unwrap_or(label),
        _ => label,
    };
    let bare = bare.trim().trim_end_matches('.').trim_end();
    match TEN_TEN.iter().find(|known| known.eq_ignore_ascii_case(bare)) {
        Some(known) => (*known).to_owned(),
        None if bare.is_empty() => label.to_owned(),
        None => bare.to_owned(),
    }
}

/// The names under which channels with these labels are written: cleaned, where that leaves them
/// apart from each other, else as the label spells them; distinct.
#[must_use]
pub fn written(labels: &[String]) -> Vec<String> {
    let cleaned: Vec<String> = labels.iter().map(|label| clean_label(label)).collect();
    let mut uses = std::collections::HashMap::new();
    for name in &cleaned {
        *uses.entry(name.as_str()).or_insert(0_usize) += 1;
    }
    let alone = |name: &str| uses.get(name) == Some(&1);
    let names = labels.iter().zip(&cleaned);
    distinct(names.map(|(label, name)| if alone(name) { name } else { label }.clone()).collect())
}

/// Makes names usable in every format: control characters become blanks, an empty name
/// becomes `Ch<number>`, and a repeated one gets `-2`, `-3`, ... unless another has that name.
#[must_use]
pub fn distinct(names: Vec<String>) -> Vec<String> {
    let names = names.into_iter().enumerate().map(|(index, name)| {
        // What a BrainVision header reads as a comma.
        let name = without_controls(&name).replace("\\1", ",");
        let name = name.trim();
        if name.is_empty() { format!("Ch{}", index + 1) } else { name.to_owned() }
    });
    let names: Vec<String> = names.collect();
    let mut taken: std::collections::HashSet<String> = names.iter().cloned().collect();
    // The last copy of each name: with thousands of the same, none is tried twice.
    let mut copies = std::collections::HashMap::new();
    names
        .into_iter()
        .map(|name| {
            let copy = copies.entry(name.clone()).or_insert(0_usize);
            *copy += 1;
            if *copy == 1 {
                return name;
            }
            let mut unique = format!("{name}-{copy}");
            while !taken.insert(unique.clone()) {
                *copy += 1;
                unique = format!("{name}-{copy}");
            }
            unique
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn synthetic_names_sort_as_they_count() {
        assert_eq!(synthetic_names(2), ["E0001", "E0002"]);
        let many = synthetic_names(12_000);
        assert_eq!(many[0], "E00001");
        assert!(many.is_sorted());
    }

    #[test]
    fn physionet_and_edf_plus_labels_become_electrodes() {
        for (label, name) in [
            ("Fc5.", "FC5"),
            ("Fcz.", "FCz"),
            ("C5..", "C5"),
            ("T10.", "T10"),
            ("Poz.", "POz"),
            ("FP1", "Fp1"),
            ("EEG Fpz-Cz", "Fpz-Cz"),
            (" EMG left ", "EMG left"),
            ("...", "..."),
            ("EEG", "EEG"),
        ] {
            assert_eq!(clean_label(label), name, "{label:?}");
        }
    }

    #[test]
    fn names_end_up_distinct_and_printable() {
        let names = ["A", "A", "", "A-2", "x\ny", "B,C", "B\\1C"].map(String::from).to_vec();
        assert_eq!(distinct(names), ["A", "A-3", "Ch3", "A-2", "x y", "B,C", "B,C-2"]);
    }
}
