//! How often something is allowed, as a text.

use std::{fmt, num::NonZeroU32, str::FromStr, time::Duration};

use gantry_homeserver::Rate;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

/// A rate: "20 then 5/second" is 20 at once, and then 5 in each second.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateText {
    burst: NonZeroU32,
    count: NonZeroU32,
    unit: Unit,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unit {
    Second,
    Minute,
    Hour,
}

impl Unit {
    const ALL: [(Self, &str, u64); 3] = [
        (Self::Second, "second", 1),
        (Self::Minute, "minute", 60),
        (Self::Hour, "hour", 3_600),
    ];

    fn row(self) -> (&'static str, u64) {
        let found = Self::ALL.into_iter().find(|(unit, ..)| *unit == self);
        let (_, name, seconds) = found.expect("every unit stands in the table");
        (name, seconds)
    }
}

/// The text is no rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected a rate such as \"20 then 5/second\" (or /minute, /hour)")]
pub struct InvalidRate;

impl RateText {
    /// What the limiter needs to know.
    pub fn to_rate(self) -> Rate {
        let (_, seconds) = self.unit.row();
        Rate {
            burst: self.burst,
            period: Duration::from_secs(seconds) / self.count.get(),
        }
    }
}

impl FromStr for RateText {
    type Err = InvalidRate;

    fn from_str(text: &str) -> Result<Self, InvalidRate> {
        let (burst, rest) = text.split_once(" then ").ok_or(InvalidRate)?;
        let (count, unit) = rest.split_once('/').ok_or(InvalidRate)?;
        let number = |text: &str| -> Result<NonZeroU32, InvalidRate> {
            let number: u32 = text.trim().parse().map_err(|_| InvalidRate)?;
            NonZeroU32::new(number.min(1_000_000)).ok_or(InvalidRate)
        };
        let unit = Unit::ALL
            .into_iter()
            .find(|(_, name, _)| *name == unit.trim())
            .ok_or(InvalidRate)?;
        Ok(Self {
            burst: number(burst)?,
            count: number(count)?,
            unit: unit.0,
        })
    }
}

impl fmt::Display for RateText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (unit, _) = self.unit.row();
        write!(f, "{} then {}/{unit}", self.burst, self.count)
    }
}

impl<'de> Deserialize<'de> for RateText {
    fn deserialize<D: Deserializer<'de>>(value: D) -> Result<Self, D::Error> {
        String::deserialize(value)?
            .parse()
            .map_err(D::Error::custom)
    }
}

impl Serialize for RateText {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_rate_is_read() {
        let rate: RateText = "20 then 5/second".parse().unwrap();

        assert_eq!(rate.to_rate(), Rate::of(5, 1, 20));
        let minute: RateText = "3 then 6/minute".parse().unwrap();
        assert_eq!(minute.to_rate(), Rate::of(1, 10, 3));
        for text in [
            "",
            "5/second",
            "0 then 1/second",
            "1 then 0/hour",
            "1 then 1/day",
        ] {
            assert_eq!(text.parse::<RateText>(), Err(InvalidRate), "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_refused_or_is_a_rate(text in "[0-9+ ]{0,8}( then )?[0-9]{0,8}/?[a-z]{0,8}") {
            if let Ok(rate) = text.parse::<RateText>() {
                prop_assert!(rate.to_rate().period > Duration::ZERO);
                prop_assert_eq!(rate.to_string().parse(), Ok(rate));
            }
        }
    }
}
