//! Times as servers write them.

use std::time::SystemTime;

/// Year, month, day, hour, minute, second, weekday from Monday on (Howard Hinnant, `civil_from_days`).
fn civil(time: SystemTime) -> (i64, i64, i64, u64, u64, u64, usize) {
    let seconds = time.duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
    let days = i64::try_from(seconds / 86_400).unwrap();
    let z = days + 719_468;
    let era = z / 146_097;
    let doe = z - era * 146_097;
    let yoe = (doe - doe / 1_460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let (day, month) = (doy - (153 * mp + 2) / 5 + 1, if mp < 10 { mp + 3 } else { mp - 9 });
    let year = yoe + era * 400 + i64::from(month <= 2);
    let (hour, minute, second) = (seconds % 86_400 / 3_600, seconds % 3_600 / 60, seconds % 60);
    (year, month, day, hour, minute, second, usize::try_from((days + 3) % 7).unwrap())
}

pub fn http_date(time: SystemTime) -> String {
    let (year, month, day, hour, minute, second, weekday) = civil(time);
    let weekday = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"][weekday];
    let months = "JanFebMarAprMayJunJulAugSepOctNovDec";
    let at = usize::try_from(month - 1).unwrap() * 3;
    let month = &months[at..at + 3];
    format!("{weekday}, {day:02} {month} {year} {hour:02}:{minute:02}:{second:02} GMT")
}

pub fn iso_date(time: SystemTime) -> String {
    let (year, month, day, hour, minute, second, _) = civil(time);
    format!("{year}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.000Z")
}
