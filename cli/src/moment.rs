//! Points in time as text in UTC.

use jiff::Timestamp;

/// `2026-11-22 08:04`, or with seconds, of `seconds` since 1970, in UTC.
pub fn moment(seconds: u64, with_seconds: bool) -> String {
    let time = timestamp(i64::try_from(seconds).unwrap_or(i64::MAX));
    time.strftime(if with_seconds { "%Y-%m-%d %H:%M:%S" } else { "%Y-%m-%d %H:%M" }).to_string()
}

/// `2017-01-26T10:05:11Z` of `ms` since 1970, in UTC; what was before is 1970.
pub fn iso(ms: i64) -> String {
    timestamp(ms.max(0) / 1_000).strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// The last moment that a calendar of four digits has, for one after it.
fn timestamp(seconds: i64) -> Timestamp {
    Timestamp::from_second(seconds).unwrap_or(Timestamp::MAX)
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

    #[test]
    fn as_scripts_read_it() {
        assert_eq!(iso(1_485_425_111_999), "2017-01-26T10:05:11Z");
        assert_eq!(iso(-1), "1970-01-01T00:00:00Z");
    }
}
