//! Points in time as text in UTC.

/// `2026-11-22 08:04`, or with seconds, of `seconds` since 1970, in UTC.
pub fn moment(seconds: u64, with_seconds: bool) -> String {
    let (days, rest) = (seconds / 86_400, seconds % 86_400);
    // Gregorian years have 146,097 days in 400 years; counted from March, the leap day comes last.
    let days = days + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    let (hour, minute, second) = (rest / 3_600, rest / 60 % 60, rest % 60);
    let seconds = if with_seconds { format!(":{second:02}") } else { String::new() };
    format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}{seconds}")
}

/// `2017-01-26T10:05:11Z` of `ms` since 1970, in UTC; what was before is 1970.
pub fn iso(ms: i64) -> String {
    let seconds = u64::try_from(ms).unwrap_or(0) / 1_000;
    format!("{}Z", moment(seconds, true).replace(' ', "T"))
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
