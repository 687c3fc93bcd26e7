//! What of a report can be trusted: whether its names of functions and images say where a frame
//! lies.

use symtool_report::Format;

/// What the names of native functions are in reports of a format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NamesOf {
    /// Of the symbol that reaches to the address.
    Addresses,
    /// That, or of the nearest exported function: writers differ.
    Either,
    /// Of the nearest exported function, however far away.
    Exports,
}

impl NamesOf {
    /// What they are in `format`.
    pub fn format(format: Format) -> Self {
        match format {
            Format::AppleText | Format::Ips | Format::KsCrash => Self::Exports,
            // What debuggers, sanitizers and Android print.
            format if format.vouches_for_names() => Self::Addresses,
            _ => Self::Either,
        }
    }
}

/// Whether a report's writer knew the function's name.
pub fn is_name(function: &str) -> bool {
    let is_placeholder = matches!(
        function,
        "" | "<redacted>"
            | "<unknown>"
            | "<null>"
            | "(null)"
            | "???"
            | "??"
            | "?"
            | "_mh_execute_header"
            | "__mh_execute_header"
    );
    !is_placeholder
        && !function.starts_with("0x")
        && !function.starts_with("___lldb_unnamed_symbol")
}

/// Whether what an image is called is a file, and not memory that a process has filled itself:
/// `[anon:dalvik-jit-code-cache]`, `<anonymous:7b1c2d4000>`, `/memfd:jit-cache (deleted)`, `???`.
pub fn is_file(name: &str) -> bool {
    let is_made = ["[", "<", "(", "?", "/memfd:", "memfd:", "/dev/", "anon_inode:", "//anon"]
        .iter()
        .any(|start| name.starts_with(start));
    !is_made && !name.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_that_is_no_file() {
        for name in [
            "[anon:dalvik-jit-code-cache]",
            "<anonymous:7b1c2d4000>",
            "/memfd:jit-cache (deleted)",
            "???",
            "",
            "[stack]",
            "/dev/zero",
        ] {
            assert!(!is_file(name), "{name}");
        }
        for name in [
            "libfoo.so",
            "/usr/lib/libc.so.6",
            "App",
            "/data/app/base.apk!libx.so",
            "C:\\app\\a.dll",
        ] {
            assert!(is_file(name), "{name}");
        }
    }

    #[test]
    fn placeholders_are_no_names() {
        for name in ["", "??", "???", "<null>", "<redacted>", "0x1234", "___lldb_unnamed_symbol12"]
        {
            assert!(!is_name(name), "{name}");
        }
        assert!(
            is_name("main")
                && is_name("operator<")
                && is_name("<app::Job as core::fmt::Display>::fmt")
        );
    }
}
