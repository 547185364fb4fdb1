//! Carries a plan out: device, data, kernels, one results folder.

pub(crate) mod data;
pub(crate) mod kernels;
pub(crate) mod line;
pub(crate) mod loaded;
mod own;
pub(crate) mod seeded;
pub(crate) mod target;
