//! The registry: from one list of signals, their portable descriptions and the static dispatch
//! over their generators.

/// Declares the signals, each `module::Source(Params): VERSION | ...` with the generator versions
/// that have it, in the order of their numbers on the wire. All else is in each signal's own
/// module, in its [`Source`]. `[only "feature"]` leaves signal and parameters out of builds without
/// the feature; `#[cfg]` only the signal, whose parameters then still travel on the wire.
macro_rules! signals {
    ($($(#[$cfg:meta])* $([only $feature:literal])? $module:ident::$source:ident($params:ident):
        $($version:ident)|+,)*) => {
        $($(#[cfg(feature = $feature)])?
        pub use $module::$params;
        $(#[$cfg])*
        $(#[cfg(feature = $feature)])?
        use $module::$source;)*

        /// A signal and its own parameters.
        #[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
        pub enum Signal {
            $($(#[cfg(feature = $feature)])?
            #[doc = concat!("See [`", stringify!($params), "`].")]
            $params($params),)*
        }

        impl Signal {
            /// Whether generators of `version` have the signal.
            #[must_use]
            pub fn is_in(&self, version: GeneratorVersion) -> bool {
                match self {
                    $($(#[cfg(feature = $feature)])?
                    Signal::$params(_) => matches!(version, $(GeneratorVersion::$version)|+),)*
                }
            }

            /// What is measured of its size.
            #[must_use]
            pub fn amplitude(&self) -> Amplitude {
                match self {
                    $($(#[$cfg])* $(#[cfg(feature = $feature)])? Signal::$params(params) => $source::amplitude(params),)*
                    #[allow(unreachable_patterns, reason = "a build without some signals")]
                    _ => Amplitude::Peak(0.0),
                }
            }

            /// Checks every parameter.
            fn check(&self, version: GeneratorVersion, rate_hz: f64) -> Result<(), SpecError> {
                let checked = match self {
                    _ if !self.is_in(version) => return Err(SpecError::UnknownSignal { version }),
                    $($(#[$cfg])* $(#[cfg(feature = $feature)])? Signal::$params(params) => $source::check(params, rate_hz),)*
                    #[allow(unreachable_patterns, reason = "a build without some signals")]
                    _ => return Err(SpecError::UnknownSignal { version }),
                };
                checked.map_err(SpecError::Parameter)
            }
        }

        $($(#[cfg(feature = $feature)])?
        impl From<$params> for Signal {
            fn from(params: $params) -> Self {
                Signal::$params(params)
            }
        })*

        /// A signal of this build, without its parameters.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum SignalKind {
            $($(#[$cfg])*
            $(#[cfg(feature = $feature)])?
            #[doc = concat!("See [`", stringify!($params), "`].")]
            $params,)*
        }

        impl SignalKind {
            /// Every signal of this build, in the order of their numbers on the wire.
            pub const ALL: &'static [SignalKind] = &[$($(#[$cfg])* $(#[cfg(feature = $feature)])? SignalKind::$params),*];

            /// The name of its variant of [`Signal`], as serde spells it.
            #[must_use]
            pub const fn variant(self) -> &'static str {
                match self {
                    $($(#[$cfg])* $(#[cfg(feature = $feature)])? SignalKind::$params => stringify!($params),)*
                }
            }

            /// What the signal is and what it takes.
            #[must_use]
            pub const fn info(self) -> &'static SignalInfo<'static> {
                match self {
                    $($(#[$cfg])* $(#[cfg(feature = $feature)])? SignalKind::$params => const { &<$source as Source>::INFO },)*
                }
            }

            /// The sample rate of the specimen in Hz.
            #[must_use]
            pub const fn specimen_rate_hz(self) -> f64 {
                match self {
                    $($(#[$cfg])* $(#[cfg(feature = $feature)])?
                    SignalKind::$params => <$source as Source>::SPECIMEN_RATE_HZ,)*
                }
            }

            /// The signal with fixed parameters, which tell two builds apart.
            #[must_use]
            pub fn specimen(self) -> Signal {
                match self {
                    $($(#[$cfg])* $(#[cfg(feature = $feature)])? SignalKind::$params => Signal::$params($source::specimen()),)*
                }
            }
        }

        /// Any signal's coefficients.
        #[derive(Clone, Debug)]
        enum Form {
            $($(#[$cfg])* $(#[cfg(feature = $feature)])? $source($source),)*
        }

        impl Form {
            /// Becomes the signal in place. The check has refused those of other builds.
            fn design(&mut self, signal: &Signal, rate_hz: f64, seed: u64) {
                match signal {
                    $($(#[$cfg])* $(#[cfg(feature = $feature)])? Signal::$params(params) => {
                        *self = Form::$source($source::SILENT);
                        if let Form::$source(form) = self {
                            form.design(params, rate_hz, seed);
                        }
                    })*
                    #[allow(unreachable_patterns, reason = "a build without some signals")]
                    _ => {}
                }
            }

            fn power_response(&self, frequency_hz: f64) -> Option<f64> {
                match self {
                    $($(#[$cfg])* $(#[cfg(feature = $feature)])? Form::$source(form) => form.power_response(frequency_hz),)*
                }
            }

            #[inline(always)]
            fn start<const N: usize>(&self, lanes: &mut Lanes<N>) {
                match self {
                    $($(#[$cfg])* $(#[cfg(feature = $feature)])? Form::$source(form) => form.start(lanes),)*
                }
            }

            #[inline(always)]
            fn fill<const N: usize>(
                &self,
                lanes: &mut Lanes<N>,
                scratch: &mut Scratch<N>,
                out: &mut LaneBlock<N>,
            ) {
                match self {
                    $($(#[$cfg])* $(#[cfg(feature = $feature)])? Form::$source(form) => form.fill(lanes, scratch, out),)*
                }
            }
        }
    };
}
pub(super) use signals;
