//! Numbers of functions, files and inline chains within one module.

use std::num::NonZeroU32;

/// Makes a type of numbers of which an absent one takes no room: a module has as many as it has
/// ranges.
macro_rules! numbers {
    ($($(#[$doc:meta])* $name:ident,)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(NonZeroU32);

        impl $name {
            /// Number `index`, which is below 2^32 - 1.
            pub fn new(index: u32) -> Self {
                Self(NonZeroU32::MIN.saturating_add(index))
            }

            /// The number.
            pub fn index(self) -> u32 {
                self.0.get() - 1
            }
        }
    )*};
}

numbers! {
    /// Index into [`crate::ModuleSymbols::functions`].
    FunctionId,
    /// Index into [`crate::ModuleSymbols::files`].
    FileId,
    /// Index into [`crate::ModuleSymbols::chains`].
    ChainId,
}
