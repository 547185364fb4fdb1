//! What several cross-crate tests share: where the checkout, its data and the oracles are.
