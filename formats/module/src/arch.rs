//! Compares names of architectures: `x86_64` and `amd64` are the same.

/// Names that others have for what LLVM's tools call otherwise.
const ALIASES: [(&str, &str); 3] = [("amd64", "x86_64"), ("x64", "x86_64"), ("aarch64", "arm64")];

/// Whether `a` and `b` name the same architecture. Case does not matter; Debian's `amd64` is
/// `x86_64`, Apple's `arm64` is `aarch64`.
pub fn is_same(a: impl AsRef<str>, b: impl AsRef<str>) -> bool {
    canonical(a.as_ref()) == canonical(b.as_ref())
}

fn canonical(name: &str) -> String {
    let name = name.to_ascii_lowercase();
    ALIASES.iter().find(|(alias, _)| *alias == name).map_or(name, |(_, name)| (*name).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_one_architecture() {
        for (a, b, want) in [
            ("x86_64", "amd64", true),
            ("X86_64", "x64", true),
            ("arm64", "AArch64", true),
            ("arm64", "arm64e", false),
            ("x86_64", "x86_64h", false),
            ("arm", "armv7", false),
        ] {
            assert_eq!(is_same(a, b), want, "{a} {b}");
        }
    }
}
