//! One thing that `doctor` looks at, and how that went.

use serde::Serialize;

/// How a check went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, schemars::JsonSchema, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Status {
    /// In order.
    Ok,
    /// Something optional is missing.
    Advice,
    /// A native run cannot work.
    Problem,
}

/// One thing that was looked at.
#[derive(Clone, Debug, schemars::JsonSchema, Serialize)]
pub(super) struct Check {
    pub(super) name: &'static str,
    pub(super) status: Status,
    pub(super) found: String,
    /// What to do; none when all is in order.
    pub(super) advice: Option<String>,
}

impl Check {
    pub(super) fn ok(name: &'static str, found: impl Into<String>) -> Self {
        Self { name, status: Status::Ok, found: found.into(), advice: None }
    }

    pub(super) fn advice(
        name: &'static str,
        found: impl Into<String>,
        advice: impl Into<String>,
    ) -> Self {
        Self { name, status: Status::Advice, found: found.into(), advice: Some(advice.into()) }
    }

    pub(super) fn problem(
        name: &'static str,
        found: impl Into<String>,
        advice: impl Into<String>,
    ) -> Self {
        Self { name, status: Status::Problem, found: found.into(), advice: Some(advice.into()) }
    }
}
