//! Points in time as text in UTC.

use jiff::Timestamp;
use symtool_crashes::groups::DAY_MS;

/// `2017-01-26T10:05:11Z` of `ms` since 1970, in UTC; what was before is 1970.
pub fn iso(ms: i64) -> String {
    timestamp(ms.max(0) / 1_000).strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// `2017-01-26`, of `days` since 1970; what was before is 1970.
pub fn day(days: i64) -> String {
    timestamp(days.max(0).saturating_mul(DAY_MS / 1_000)).strftime("%Y-%m-%d").to_string()
}

/// The last moment that a calendar of four digits has, for one after it.
pub fn timestamp(seconds: i64) -> Timestamp {
    Timestamp::from_second(seconds).unwrap_or(Timestamp::MAX)
}

/// Milliseconds since 1970 of a date, `2017-01-26`, or of a time, `2017-01-26T10:05:11Z`. A date
/// stands for its first moment in UTC.
pub fn milliseconds(text: &str) -> Option<i64> {
    let date = || format!("{text}T00:00:00Z").parse::<Timestamp>().ok();
    text.parse::<Timestamp>().ok().or_else(date).map(Timestamp::as_millisecond)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_scripts_read_it() {
        assert_eq!(iso(1_485_425_111_999), "2017-01-26T10:05:11Z");
        assert_eq!(iso(-1), "1970-01-01T00:00:00Z");
    }

    #[test]
    fn days_and_back() {
        // As `date -u -d @SECONDS` says.
        assert_eq!((day(17_192), day(-3)), ("2017-01-26".to_owned(), "1970-01-01".to_owned()));
        assert_eq!(milliseconds("2017-01-26"), Some(1_485_388_800_000));
        assert_eq!(milliseconds("2017-01-26T10:05:11Z"), Some(1_485_425_111_000));
        assert_eq!(milliseconds("2017-01-26T11:05:11+01:00"), Some(1_485_425_111_000));
        for wrong in ["", "2017", "2017-02-30", "yesterday", "2017-01-26 10:05"] {
            assert_eq!(milliseconds(wrong), None, "{wrong}");
        }
    }
}
