//! The built-in rules: texts in `core/grouping/rules/`, in the order in which they are read.

/// Name and text of each. Where code lies comes first, so that what a function does has the last
/// word; users' rules follow.
pub const TEXTS: [(&str, &str); 5] = [
    ("builtin/system.txt", include_str!("../../rules/system.txt")),
    ("builtin/stdlib.txt", include_str!("../../rules/stdlib.txt")),
    ("builtin/threads.txt", include_str!("../../rules/threads.txt")),
    ("builtin/throw.txt", include_str!("../../rules/throw.txt")),
    ("builtin/handlers.txt", include_str!("../../rules/handlers.txt")),
];
