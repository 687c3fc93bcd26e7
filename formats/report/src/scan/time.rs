//! Parses points in time as reports write them, into milliseconds since 1970 in UTC.

use jiff::civil::{Date, date};

const EPOCH: Date = date(1970, 1, 1);

/// A date and a time of day, then perhaps a fraction of a second and a zone:
/// `2017-01-26T10:05:11Z`, `2014-07-16 00:25:09.5 +0000`, `2023-04-05 06:07:08.123456789+0200`.
/// Without a zone it is UTC. Absent if it is anything else, or no date of the calendar.
pub fn milliseconds(text: &str) -> Option<i64> {
    let text = text.trim();
    let (date, time) = (text.get(..10)?, text.get(11..19)?);
    let (year, month, day) = (number(date, 0, 4)?, number(date, 5, 2)?, number(date, 8, 2)?);
    let (hour, minute, second) = (number(time, 0, 2)?, number(time, 3, 2)?, number(time, 6, 2)?);
    let separators =
        [date.as_bytes()[4], date.as_bytes()[7], time.as_bytes()[2], time.as_bytes()[5]];
    if separators != *b"--::" || !matches!(text.as_bytes()[10], b'T' | b't' | b' ') {
        return None;
    }
    let day =
        Date::new(i16::try_from(year).ok()?, i8::try_from(month).ok()?, i8::try_from(day).ok()?)
            .ok()?;
    // A leap second is 60, which jiff's times of day do not have.
    if hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let rest = &text[19..];
    let (fraction, zone) = rest.split_at(
        rest.find(|c: char| c != '.' && c != ',' && !c.is_ascii_digit()).unwrap_or(rest.len()),
    );
    let seconds = day.duration_since(EPOCH).as_secs() + hour * 3600 + minute * 60 + second
        - zone_seconds(zone.trim())?;
    Some(seconds * 1000 + fraction_ms(fraction)?)
}

/// Seconds since 1970, with a fraction perhaps. Absent beyond the year 9999.
pub fn from_seconds(seconds: f64) -> Option<i64> {
    const YEAR_10000: f64 = 253_402_300_800.0;
    #[expect(clippy::cast_possible_truncation, reason = "below 2^53: 3 * 10^14")]
    (seconds.abs() < YEAR_10000).then(|| (seconds * 1000.0).round() as i64)
}

fn number(text: &str, at: usize, digits: usize) -> Option<i64> {
    let digits = text.get(at..at + digits)?;
    digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok())?
}

/// `.5` is 500; a point without digits is nothing that a clock prints.
fn fraction_ms(text: &str) -> Option<i64> {
    let Some(digits) = text.strip_prefix(['.', ',']) else { return text.is_empty().then_some(0) };
    let thousandths = digits.bytes().chain(*b"00").take(3);
    (!digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()))
        .then(|| thousandths.fold(0, |sum, digit| sum * 10 + i64::from(digit - b'0')))
}

/// `Z`, `+0200`, `-08:00`, `UTC` or nothing, as seconds east of UTC.
fn zone_seconds(text: &str) -> Option<i64> {
    let (sign, digits) = match text.split_at_checked(1) {
        None | Some(("Z" | "z", "")) => return Some(0),
        Some(("+", digits)) => (1, digits),
        Some(("-", digits)) => (-1, digits),
        Some(_) => return matches!(text, "UTC" | "GMT").then_some(0),
    };
    let minutes = if digits.get(2..3) == Some(":") { 3 } else { 2 };
    let is_whole = digits.len() == minutes + 2;
    is_whole
        .then(|| Some(sign * (number(digits, 0, 2)? * 3600 + number(digits, minutes, 2)? * 60)))?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_reports_write() {
        // The wanted values are those of `date -u -d TEXT +%s%3N`.
        for (text, want) in [
            ("1970-01-01T00:00:00Z", 0),
            ("2017-01-26T10:05:11", 1_485_425_111_000),
            ("2014-07-16 00:25:09 +0000", 1_405_470_309_000),
            ("2020-03-27 18:06:51.4969 -0700", 1_585_357_611_496),
            ("2023-04-05 06:07:08.123456789+0200", 1_680_667_628_123),
            ("2024-02-29T23:59:60.5-08:00", 1_709_280_000_500),
            ("1969-12-31 23:59:59.25 UTC", -750),
            ("2000-03-01T00:00:00.000Z", 951_868_800_000),
            ("0000-01-01T00:00:00Z", -62_167_219_200_000),
            ("0000-02-29T00:00:00Z", -62_162_121_600_000),
            ("9999-12-31T23:59:59Z", 253_402_300_799_000),
            ("9999-12-31T23:59:59-23:59", 253_402_387_139_000),
        ] {
            assert_eq!(milliseconds(text), Some(want), "{text}");
        }
    }

    #[test]
    fn what_is_no_time() {
        for text in [
            "",
            "2017-01-26",
            "2017-02-29T00:00:00Z",
            "2017-13-01T00:00:00Z",
            "2017-00-01T00:00:00Z",
            "2017-01-00T00:00:00Z",
            "2017-04-31T00:00:00Z",
            "1900-02-29T00:00:00Z",
            "2017-01-01T24:00:00Z",
            "2017-01-01T00:00:00+2",
            "2017-01-01T00:00:00.",
            "2017/01/01 00:00:00",
            "01-26 10:05:11.123",
            "2017-01-0\u{e9}T00:00:00",
            "2017-01-01T00:00:00 local",
            "+017-01-01T00:00:00Z",
        ] {
            assert_eq!(milliseconds(text), None, "{text}");
        }
    }

    #[test]
    fn seconds() {
        assert_eq!(from_seconds(1_485_425_111.25), Some(1_485_425_111_250));
        assert_eq!(from_seconds(f64::NAN), None);
        assert_eq!(from_seconds(1e300), None);
    }
}
