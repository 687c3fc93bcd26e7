//! Points in time as text in UTC.

pub use symtool_core::time::iso;
use symtool_core::time::timestamp;

/// `2026-11-22 08:04`, or with seconds, of `seconds` since 1970, in UTC.
pub fn moment(seconds: u64, with_seconds: bool) -> String {
    let time = timestamp(i64::try_from(seconds).unwrap_or(i64::MAX));
    time.strftime(if with_seconds { "%Y-%m-%d %H:%M:%S" } else { "%Y-%m-%d %H:%M" }).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments() {
        // As `date -u -d @N` says.
        for (seconds, want) in [
            (0, "1970-01-01 00:00:00"),
            (951_782_399, "2000-02-28 23:59:59"),
            (951_782_400, "2000-02-29 00:00:00"),
            (1_704_067_199, "2023-12-31 23:59:59"),
            (1_795_334_645, "2026-11-22 08:04:05"),
            (4_107_542_400, "2100-03-01 00:00:00"),
        ] {
            assert_eq!(moment(seconds, true), want);
        }
        assert_eq!(moment(1_795_334_645, false), "2026-11-22 08:04");
    }
}
