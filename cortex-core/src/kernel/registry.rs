//! The registry: from one list of kernels, their names, their portable descriptions and the
//! static dispatch over them.

/// Declares the kernels from `module::Kernel` for each, in the order of their numbers on the wire:
/// [`KernelName`], [`KernelSpec`], [`AnyKernel`]. All else is in each kernel's own module, in its
/// [`Design`].
macro_rules! kernels {
    ($($module:ident::$kernel:ident),* $(,)?) => {
        $(pub use $module::*;)*

        /// A compiled kernel: the name in `primitives/kernels/v1/<name>` and in configurations.
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
        )]
        #[serde(rename_all = "snake_case")]
        pub enum KernelName {
            $(#[doc = concat!("[`", stringify!($kernel), "`].")]
            $kernel,)*
        }

        impl KernelName {
            /// Every kernel, in the order of their numbers on the wire.
            pub const ALL: [KernelName; [$(stringify!($kernel)),*].len()] =
                [$(KernelName::$kernel),*];

            /// The name in configurations.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(KernelName::$kernel => const { <$kernel as Design>::INFO.name },)*
                }
            }

            /// What the kernel is, what it takes and what it puts out.
            #[must_use]
            pub const fn info(self) -> &'static Info<'static> {
                match self {
                    $(KernelName::$kernel => const { &<$kernel as Design>::INFO },)*
                }
            }
        }

        /// A kernel's name and parameters: all that decides its outputs, together with the shape.
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum KernelSpec {
            $(#[doc = concat!("[`", stringify!($kernel), "`].")]
            $kernel(<$kernel as Design>::Params),)*
        }

        impl KernelSpec {
            /// The kernel `name` with its default parameters.
            #[must_use]
            pub fn with_defaults(name: KernelName) -> Self {
                match name {
                    $(KernelName::$kernel => KernelSpec::$kernel(Default::default()),)*
                }
            }

            /// Which kernel this is.
            #[must_use]
            pub fn name(&self) -> KernelName {
                match self {
                    $(KernelSpec::$kernel(_) => KernelName::$kernel,)*
                }
            }

            /// The same kernel with every parameter given, as one of `shape` takes it.
            #[must_use]
            pub fn resolved(&self, shape: KernelShape) -> Self {
                match self {
                    $(KernelSpec::$kernel(params) => {
                        KernelSpec::$kernel(<$kernel as Design>::resolved(params, shape))
                    })*
                }
            }

            /// Validates everything and designs the kernel.
            ///
            /// # Errors
            /// [`KernelError`] names the parameter (or `channels`, `window`, `hop`,
            /// `sample_rate_hz`), its value and what is allowed.
            pub fn build(&self, shape: KernelShape) -> Result<AnyKernel, KernelError> {
                shape.check()?;
                Ok(match self {
                    $(KernelSpec::$kernel(params) => {
                        let kernel = <$kernel as Design>::design(params, shape)?;
                        shape::fits(kernel.state_values())?;
                        AnyKernel::$kernel(kernel)
                    })*
                })
            }
        }

        /// Any built kernel; made by [`KernelSpec::build`].
        #[derive(Clone, Debug)]
        pub enum AnyKernel {
            $(#[doc = concat!("See [`", stringify!($kernel), "`].")]
            $kernel($kernel),)*
        }

        impl AnyKernel {
            /// Which kernel this is.
            #[must_use]
            pub fn name(&self) -> KernelName {
                match self {
                    $(AnyKernel::$kernel(_) => KernelName::$kernel,)*
                }
            }
        }

        impl Kernel for AnyKernel {
            fn state_len(&self) -> usize {
                match self {
                    $(AnyKernel::$kernel(kernel) => kernel.state_len(),)*
                }
            }

            fn reset(&self, state: &mut [f32]) {
                match self {
                    $(AnyKernel::$kernel(kernel) => kernel.reset(state),)*
                }
            }

            fn output_len(&self, rows: usize) -> usize {
                match self {
                    $(AnyKernel::$kernel(kernel) => kernel.output_len(rows),)*
                }
            }

            fn process(
                &self,
                state: &mut [f32],
                input: &[f32],
                output: &mut [f32],
            ) -> Result<usize, KernelFault> {
                match self {
                    $(AnyKernel::$kernel(kernel) => kernel.process(state, input, output),)*
                }
            }

            #[cfg_attr(feature = "std", inline(always))]
            fn process_abreast<const LANES: usize>(
                &self,
                state: &mut [f32],
                input: &[f32],
                output: &mut [f32],
            ) -> Result<usize, KernelFault> {
                match self {
                    $(AnyKernel::$kernel(kernel) => {
                        kernel.process_abreast::<LANES>(state, input, output)
                    })*
                }
            }

            fn missing_samples(&self, state: &[f32]) -> u32 {
                match self {
                    $(AnyKernel::$kernel(kernel) => kernel.missing_samples(state),)*
                }
            }
        }
    };
}
pub(super) use kernels;
