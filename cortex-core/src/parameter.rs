//! Parameters of kernels and signals: how each is declared once ([`parameters!`]), what a
//! declaration says ([`Parameter`]), and one sentence for a value that is not allowed.
//!
//! A declaration is constant data that only a host reads, for configurations, their schema, the
//! command line and the reference; an image that never names it does not contain it.

use core::fmt;

/// The least positive number: the `min` of a value that must lie above 0.
pub const POSITIVE: f64 = f64::MIN_POSITIVE;

/// One parameter as it is declared. Borrowed, so that a host can describe a kernel that it loads
/// at run time in the same terms.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Parameter<'a> {
    /// The key in configurations.
    pub name: &'a str,
    /// Unit of the value; empty when it has none.
    pub unit: &'a str,
    /// Type and range of the value.
    pub kind: Kind<'a>,
    /// Value when none is given.
    pub default: DefaultValue<'a>,
    /// In words, what else the value must obey (`below half the sample rate`); empty for nothing.
    pub limit: &'a str,
    /// What it means: a sentence or two.
    pub doc: &'a str,
}

/// Type and range of a parameter.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind<'a> {
    /// A finite number from `min` to `max`.
    Number {
        /// Least value; [`POSITIVE`] for anything above 0, `-INFINITY` for no bound.
        min: f64,
        /// Greatest value; `INFINITY` for no bound.
        max: f64,
    },
    /// A whole number from `min` to `max`.
    Count {
        /// Least value.
        min: u64,
        /// Greatest value; `u64::MAX` for no bound.
        max: u64,
    },
    /// One of these words.
    Choice(&'a [&'a str]),
    /// A list of `min` to `max` tables.
    List {
        /// Least number of tables.
        min: usize,
        /// Greatest number of tables.
        max: usize,
        /// The keys of each table.
        of: &'a [Parameter<'a>],
    },
    /// A table with these keys.
    Table(&'a [Parameter<'a>]),
}

/// A parameter's value when none is given.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum DefaultValue<'a> {
    /// There is none: the parameter must be given.
    Required,
    /// This number.
    Number(f64),
    /// This whole number.
    Count(u64),
    /// This word.
    Choice(&'a str),
    /// In words, what follows from other values (`half of nperseg`).
    Derived(&'a str),
}

/// A declaration under way: the parameter, and the value of type `T` it begins with.
#[derive(Clone, Copy, Debug)]
pub struct Declaration<T> {
    initial: T,
    parameter: Parameter<'static>,
}

const fn declare<T>(
    initial: T,
    unit: &'static str,
    kind: Kind<'static>,
    default: DefaultValue<'static>,
) -> Declaration<T> {
    Declaration {
        initial,
        parameter: Parameter { name: "", unit, kind, default, limit: "", doc: "" },
    }
}

/// A number from `min` to `max`, `default` when not given.
#[must_use]
pub const fn number(default: f64, unit: &'static str, min: f64, max: f64) -> Declaration<f64> {
    declare(default, unit, Kind::Number { min, max }, DefaultValue::Number(default))
}

/// A number from `min` to `max` that must be given; NaN until it is.
#[must_use]
pub const fn required_number(unit: &'static str, min: f64, max: f64) -> Declaration<f64> {
    declare(f64::NAN, unit, Kind::Number { min, max }, DefaultValue::Required)
}

/// A whole number from `min` to `max`, `default` when not given.
#[must_use]
pub const fn count(
    default: usize,
    unit: &'static str,
    min: usize,
    max: usize,
) -> Declaration<usize> {
    let kind = Kind::Count { min: min as u64, max: max as u64 };
    declare(default, unit, kind, DefaultValue::Count(default as u64))
}

/// A whole number from `min` to `max` that, when not given, follows from other values as `words`
/// say.
#[must_use]
pub const fn optional_count(
    words: &'static str,
    unit: &'static str,
    min: usize,
    max: usize,
) -> Declaration<Option<usize>> {
    let kind = Kind::Count { min: min as u64, max: max as u64 };
    declare(None, unit, kind, DefaultValue::Derived(words))
}

/// A number from `min` to `max` that, when not given, is what `words` say.
#[must_use]
pub const fn optional_number(
    words: &'static str,
    unit: &'static str,
    min: f64,
    max: f64,
) -> Declaration<Option<f64>> {
    declare(None, unit, Kind::Number { min, max }, DefaultValue::Derived(words))
}

/// One of `words`, of which `default` spells `word`.
#[must_use]
pub const fn choice<T>(
    default: T,
    word: &'static str,
    words: &'static [&'static str],
) -> Declaration<T> {
    declare(default, "", Kind::Choice(words), DefaultValue::Choice(word))
}

/// A table with the keys `of` that need not be given.
#[must_use]
pub const fn optional_table<T: Copy>(of: &'static [Parameter<'static>]) -> Declaration<Option<T>> {
    declare(None, "", Kind::Table(of), DefaultValue::Derived("none"))
}

/// A list of `min` to `max` tables with the keys `of`; `default`, which reads `words`, when not
/// given.
#[must_use]
pub const fn list<T>(
    default: &'static [T],
    words: &'static str,
    min: usize,
    max: usize,
    of: &'static [Parameter<'static>],
) -> Declaration<&'static [T]> {
    declare(default, "", Kind::List { min, max, of }, DefaultValue::Derived(words))
}

impl<T: Copy> Declaration<T> {
    /// Adds, in words, what else the value must obey.
    #[must_use]
    pub const fn limit(mut self, limit: &'static str) -> Self {
        self.parameter.limit = limit;
        self
    }

    /// The value, when none is given, follows from other values as `words` say.
    #[must_use]
    pub const fn derived(mut self, words: &'static str) -> Self {
        self.parameter.default = DefaultValue::Derived(words);
        self
    }

    /// The declared parameter, named and described.
    #[must_use]
    pub const fn named(self, name: &'static str, doc: &'static str) -> Parameter<'static> {
        let mut parameter = self.parameter;
        parameter.name = name;
        parameter.doc = doc.trim_ascii_start();
        parameter
    }
}

/// The value a parameter of type `T` begins with.
pub trait Initial<T> {
    /// The value.
    fn initial(self) -> T;
}

impl<T> Initial<T> for Declaration<T> {
    #[inline(always)]
    fn initial(self) -> T {
        self.initial
    }
}

impl<T: Clone, const N: usize> Initial<heapless::Vec<T, N>> for Declaration<&'static [T]> {
    #[inline(always)]
    fn initial(self) -> heapless::Vec<T, N> {
        self.initial.iter().take(N).cloned().collect()
    }
}

/// Declares a table of parameters: the struct, its defaults, and `PARAMETERS`, the [`Parameter`]
/// of each field. A field's documentation is its description, a plain sentence.
///
/// ```text
/// parameters! {
///     /// Parameters of a notch.
///     #[derive(Copy)]
///     pub struct NotchParams {
///         /// Frequency removed.
///         pub f0_hz: f64 = number(60.0, "Hz", POSITIVE, f64::INFINITY),
///     }
/// }
/// ```
#[macro_export]
macro_rules! parameters {
    (
        $(#[$meta:meta])*
        pub struct $name:ident {
            $($(#[doc = $doc:literal])* pub $field:ident: $type:ty = $declaration:expr,)*
        }
    ) => {
        #[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
        #[serde(deny_unknown_fields)]
        $(#[$meta])*
        pub struct $name {
            $($(#[doc = $doc])* pub $field: $type,)*
        }

        impl $name {
            /// What each field is.
            pub const PARAMETERS: &'static [$crate::parameter::Parameter<'static>] =
                &[$($declaration.named(stringify!($field), concat!($($doc),*)),)*];
        }

        impl Default for $name {
            fn default() -> Self {
                #[allow(unused_imports, reason = "a table may be empty")]
                use $crate::parameter::Initial;
                Self { $($field: const { $declaration }.initial(),)* }
            }
        }
    };
}
pub(crate) use parameters;

/// A value that is not allowed. `parameter` is the name used in configurations.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ParameterError {
    /// The value is NaN, infinite, zero or negative where a positive number is needed.
    NotPositive {
        /// The parameter at fault.
        parameter: &'static str,
        /// Its value.
        value: f64,
    },
    /// The value is NaN or infinite.
    NotFinite {
        /// The parameter at fault.
        parameter: &'static str,
        /// Its value.
        value: f64,
    },
    /// The value is outside the closed range given.
    OutOfRange {
        /// The parameter at fault.
        parameter: &'static str,
        /// Its value.
        value: f64,
        /// Least value allowed.
        min: f64,
        /// Greatest value allowed.
        max: f64,
    },
    /// A frequency at or above half the sample rate cannot be represented.
    AboveNyquist {
        /// The parameter at fault.
        parameter: &'static str,
        /// Its value in Hz.
        frequency_hz: f64,
        /// Half the sample rate in Hz.
        nyquist_hz: f64,
    },
    /// A parameter that the others make meaningless was given.
    Unused {
        /// The parameter at fault.
        parameter: &'static str,
        /// What uses it.
        used_by: &'static str,
    },
}

impl ParameterError {
    /// The parameter at fault.
    #[must_use]
    pub fn parameter(&self) -> &'static str {
        match *self {
            ParameterError::NotPositive { parameter, .. }
            | ParameterError::NotFinite { parameter, .. }
            | ParameterError::OutOfRange { parameter, .. }
            | ParameterError::AboveNyquist { parameter, .. }
            | ParameterError::Unused { parameter, .. } => parameter,
        }
    }
}

impl fmt::Display for ParameterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ParameterError::NotPositive { parameter, value } => {
                let value = Shown(*value);
                write!(f, "{parameter} must be a finite number above 0, but it is {value}")
            }
            ParameterError::NotFinite { parameter, value } => {
                let value = Shown(*value);
                write!(f, "{parameter} must be a finite number, but it is {value}")
            }
            ParameterError::OutOfRange { parameter, value, min, max } => {
                let [value, min, max] = [*value, *min, *max].map(Shown);
                write!(f, "{parameter} must lie between {min} and {max}, but it is {value}")
            }
            ParameterError::AboveNyquist { parameter, frequency_hz, nyquist_hz } => {
                let [frequency_hz, nyquist_hz] = [*frequency_hz, *nyquist_hz].map(Shown);
                write!(
                    f,
                    "{parameter} is {frequency_hz} Hz, at or above the Nyquist frequency of {nyquist_hz} Hz; lower it or raise the sample rate"
                )
            }
            ParameterError::Unused { parameter, used_by } => {
                write!(f, "{parameter} is used by {used_by} only; leave it out")
            }
        }
    }
}

impl core::error::Error for ParameterError {}

/// A number in a message: with an exponent where it would have many zeros.
struct Shown(f64);

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let size = self.0.abs();
        if self.0 == 0.0 || !size.is_finite() || (1e-4..1e15).contains(&size) {
            write!(f, "{}", self.0)
        } else {
            write!(f, "{:e}", self.0)
        }
    }
}

/// Refuses anything but a finite number above zero.
pub(crate) fn positive(parameter: &'static str, value: f64) -> Result<f64, ParameterError> {
    if value.is_finite() && value > 0.0 {
        Ok(value)
    } else {
        Err(ParameterError::NotPositive { parameter, value })
    }
}

/// Refuses what [`positive`] refuses and what lies outside `min..=max`.
pub(crate) fn positive_within(
    parameter: &'static str,
    value: f64,
    min: f64,
    max: f64,
) -> Result<f64, ParameterError> {
    within(parameter, positive(parameter, value)?, min, max)
}

/// Refuses NaN, infinities and what lies outside `min..=max`.
pub(crate) fn within(
    parameter: &'static str,
    value: f64,
    min: f64,
    max: f64,
) -> Result<f64, ParameterError> {
    if value >= min && value <= max {
        Ok(value)
    } else if value.is_finite() {
        Err(ParameterError::OutOfRange { parameter, value, min, max })
    } else {
        Err(ParameterError::NotFinite { parameter, value })
    }
}

/// Refuses a whole number outside `min..=max`.
pub(crate) fn count_within(
    parameter: &'static str,
    value: usize,
    min: usize,
    max: usize,
) -> Result<usize, ParameterError> {
    if (min..=max).contains(&value) {
        Ok(value)
    } else {
        let (value, min, max) = (value as f64, min as f64, max as f64);
        Err(ParameterError::OutOfRange { parameter, value, min, max })
    }
}

/// Refuses a frequency at or above the Nyquist frequency of `sample_rate_hz` (NaN too).
pub(crate) fn below_nyquist(
    parameter: &'static str,
    frequency_hz: f64,
    sample_rate_hz: f64,
) -> Result<f64, ParameterError> {
    let nyquist_hz = sample_rate_hz / 2.0;
    if frequency_hz < nyquist_hz {
        Ok(frequency_hz)
    } else {
        Err(ParameterError::AboveNyquist { parameter, frequency_hz, nyquist_hz })
    }
}

#[cfg(test)]
mod tests {
    use core::fmt::Write as _;

    use super::*;

    fn shown(value: impl fmt::Display) -> heapless::String<128> {
        let mut text = heapless::String::new();
        write!(text, "{value}").unwrap();
        text
    }

    #[test]
    fn numbers_of_messages_have_few_zeros() {
        let error =
            ParameterError::OutOfRange { parameter: "rate_hz", value: 1e300, min: 1e-9, max: 0.02 };
        assert_eq!(shown(error), "rate_hz must lie between 1e-9 and 0.02, but it is 1e300");
        for (value, text) in
            [(0.0, "0"), (160.0, "160"), (0.05, "0.05"), (1e12, "1000000000000"), (f64::NAN, "NaN")]
        {
            assert_eq!(shown(Shown(value)), text);
        }
    }
}
