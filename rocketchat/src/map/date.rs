//! Points in time: `{"$date": ms}` over DDP, text over REST.

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use serde_json::Value;

/// A point in time, in milliseconds since the Unix epoch. It is written as DDP writes it; REST
/// answers pass [`to_text`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(crate) struct Date(pub(crate) i64);

impl Serialize for Date {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(1))?;
        map.serialize_entry("$date", &self.0)?;
        map.end()
    }
}

/// Turns every `{"$date": ms}` in a value into text.
pub(crate) fn to_text(value: &mut Value) {
    match value {
        Value::Object(members) => {
            if members.len() == 1
                && let Some(ms) = members.get("$date").and_then(Value::as_i64)
            {
                *value = iso(ms).into();
                return;
            }
            members.values_mut().for_each(to_text);
        }
        Value::Array(items) => items.iter_mut().for_each(to_text),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// `2026-11-22T20:29:41.000Z`.
pub(crate) fn iso(ms: i64) -> String {
    // Years of four digits: nobody means others.
    let ms = ms.clamp(-62_167_219_200_000, 253_402_300_799_999);
    let (days, rest) = (ms.div_euclid(86_400_000), ms.rem_euclid(86_400_000));
    let (year, month, day) = civil(days);
    let (hour, minute) = (rest / 3_600_000, rest / 60_000 % 60);
    let (second, milli) = (rest / 1_000 % 60, rest % 1_000);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{milli:03}Z")
}

/// Milliseconds from what clients send: text as [`iso`] writes it, with or without fractions and
/// offset, or the number itself.
pub(crate) fn parse(text: &str) -> Option<i64> {
    let text = text.trim();
    if text.len() > 40 {
        return None;
    }
    if let Ok(ms) = text.parse::<i64>() {
        return Some(ms);
    }
    let (date, time) = match text.split_once(['T', ' ']) {
        Some((date, time)) => (date, Some(time)),
        None => (text, None),
    };
    let mut parts = date.splitn(3, '-');
    let year = digits(parts.next()?, 4)?;
    let month = digits(parts.next()?, 2).filter(|month| (1..=12).contains(month))?;
    let day = digits(parts.next()?, 2).filter(|day| (1..=31).contains(day))?;
    let midnight = days(year, month, day) * 86_400_000;
    match time {
        Some(time) => Some(midnight + of_day(time)?),
        None => Some(midnight),
    }
}

fn of_day(time: &str) -> Option<i64> {
    let (time, offset) = split_offset(time)?;
    let (time, fraction) = time.split_once('.').unwrap_or((time, ""));
    let mut parts = time.splitn(3, ':');
    let hour = digits(parts.next()?, 2).filter(|hour| *hour < 24)?;
    let minute = digits(parts.next()?, 2).filter(|minute| *minute < 60)?;
    let second = digits(parts.next().unwrap_or("00"), 2).filter(|second| *second < 60)?;
    if fraction.len() > 9 || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let milli: i64 = format!("{fraction:0<3}").get(..3)?.parse().ok()?;
    Some(((hour * 60 + minute - offset) * 60 + second) * 1_000 + milli)
}

/// The time without its zone, and the zone's offset in minutes.
fn split_offset(time: &str) -> Option<(&str, i64)> {
    if let Some(time) = time.strip_suffix(['Z', 'z']) {
        return Some((time, 0));
    }
    let Some(at) = time.rfind(['+', '-']) else {
        return Some((time, 0));
    };
    let (time, zone) = (&time[..at], &time[at..]);
    let (hours, minutes) = zone[1..].split_once(':').unwrap_or((&zone[1..], "00"));
    let offset = digits(hours, 2)? * 60 + digits(minutes, 2)?;
    Some((
        time,
        if zone.starts_with('-') {
            -offset
        } else {
            offset
        },
    ))
}

fn digits(text: &str, count: usize) -> Option<i64> {
    let fits = text.len() == count && text.bytes().all(|byte| byte.is_ascii_digit());
    fits.then(|| text.parse().ok()).flatten()
}

/// Days since the epoch of a date of the Gregorian calendar. Years begin in March here, so that
/// the leap day comes last.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

fn civil(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let (era, of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 {
        shifted + 3
    } else {
        shifted - 9
    };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn known_times_are_written_and_read() {
        assert_eq!(iso(0), "1970-01-01T00:00:00.000Z");
        assert_eq!(iso(1_709_210_096_789), "2024-02-29T12:34:56.789Z");
        assert_eq!(parse("2024-02-29T12:34:56.789Z"), Some(1_709_210_096_789));
        assert_eq!(parse("2024-02-29T14:34:56+02:00"), Some(1_709_210_096_000));
        assert_eq!(parse("2024-02-29"), Some(1_709_164_800_000));
        assert_eq!(parse("1709210096789"), Some(1_709_210_096_789));
        for nonsense in [
            "",
            "x",
            "2024-13-01",
            "2024-01-01T25:00:00Z",
            "2024-1-1",
            "é",
        ] {
            assert_eq!(parse(nonsense), None, "{nonsense}");
        }
    }

    #[test]
    fn dates_become_text_wherever_they_are() {
        let mut value = json!({"ts": Date(0), "list": [{"ts": {"$date": 1}}], "n": 5});

        to_text(&mut value);

        let expected = json!({
            "ts": "1970-01-01T00:00:00.000Z",
            "list": [{"ts": "1970-01-01T00:00:00.001Z"}],
            "n": 5
        });
        assert_eq!(value, expected);
    }

    proptest! {
        #[test]
        fn a_time_comes_back(ms in -62_167_219_200_000_i64..253_402_300_799_999) {
            prop_assert_eq!(parse(&iso(ms)), Some(ms));
        }

        #[test]
        fn any_text_is_a_time_or_refused(text in "[-0-9T:.Z+ é]{0,32}") {
            if let Some(ms) = parse(&text) {
                iso(ms);
            }
        }
    }
}
