//! Removes what compilers and linkers append to names.

/// Parts of a function, or its copies for some callers (GCC, LLVM).
const CLONES: [&str; 18] = [
    "cold",
    "hot",
    "isra",
    "constprop",
    "part",
    "lto_priv",
    "llvm",
    "__uniq",
    "localalias",
    "unlikely",
    "split",
    "resolver",
    "default",
    "cfi",
    "cfi_jt",
    "eh",
    "warm",
    "ifunc",
];

/// `name` without suffixes of clones (`.isra.0`, ` [clone .cold]`, ` (.cold)`), symbol versions
/// (`@@GLIBC_2.2`), `@plt` and Darwin's variants (`$VARIANT$Haswell`).
pub fn without(name: &str) -> &str {
    let mut name = name;
    while let Some(shorter) = once(name) {
        name = shorter;
    }
    name
}

fn once(name: &str) -> Option<&str> {
    let shorter = match name.as_bytes().last()? {
        b')' => name.rfind(" (.").map(|at| &name[..at]),
        b']' => name.rfind(" [clone ").map(|at| &name[..at]),
        last if last.is_ascii_alphanumeric() || matches!(last, b'_' | b'.') => word(name),
        _ => None,
    };
    shorter.map(str::trim_end).filter(|shorter| !shorter.is_empty())
}

/// Without the last suffix that begins with `.`, `@` or `$`.
fn word(name: &str) -> Option<&str> {
    let bytes = name.as_bytes();
    let at = bytes.iter().rposition(|byte| !byte.is_ascii_alphanumeric() && *byte != b'_')?;
    let suffix = &name[at + 1..];
    match bytes[at] {
        // `foo.123` of LLVM, `foo.cold`, `foo.cold.123`.
        b'.' if is_number(suffix) => version(&name[..at]).or(Some(&name[..at])),
        b'.' if CLONES.contains(&suffix) => Some(&name[..at]),
        b'.' => version(&name[..at]),
        b'@' => version(name),
        b'$' => ["DARWIN_EXTSN", "INODE64", "NOCANCEL", "UNIX2003", "1050"]
            .contains(&suffix)
            .then(|| &name[..at])
            .or_else(|| name[..at].strip_suffix("$VARIANT")),
        _ => None,
    }
}

/// Without `@plt`, `@GLIBC_2.2`, `@@GLIBC_2.2.5` and what follows. Microsoft's mangled names begin
/// with `?` and are full of `@`.
fn version(name: &str) -> Option<&str> {
    let at = name.find('@').filter(|at| *at > 0 && !name.starts_with(['?', '@']))?;
    let is_version = name[at..]
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'@' | b'_' | b'.'));
    is_version.then(|| &name[..at])
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}
