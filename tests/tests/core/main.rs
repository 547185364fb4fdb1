//! Generators and kernels: bits, spectra, properties, and agreement with independent references.

mod bit_identity;
mod declared_ranges;
mod eeg;
mod kernels_eeg;
mod kernels_fixed;
mod kernels_golden;
mod kernels_properties;
mod kernels_scipy;
mod kernels_vectors;
mod notch_conditions;
mod pink_spectrum;
mod pink_statistics;
mod signal_reference;
mod sine;
mod spike_statistics;
mod spikes;
