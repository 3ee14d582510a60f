//! Section `limits`.

use gantry_homeserver::Rates;
use serde::{Deserialize, Serialize};

use super::rate::RateText;

/// Limits.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct LimitsConfig {
    /// Whether requests are limited in their rate.
    pub enabled: bool,
    /// The largest body of a request, in bytes.
    pub max_body_bytes: usize,
    /// Rooms that nobody has asked for in so many seconds leave memory.
    pub room_idle_seconds: u32,
    /// The most rooms that stay in memory beyond the next half minute.
    pub rooms_in_memory: usize,
    /// Logins and refreshed sessions of one address: so many at once, and then so many in a
    /// "second", "minute" or "hour".
    pub login: RateText,
    /// Attempts at the password of one account.
    pub password: RateText,
    /// Requests around new accounts of one address.
    pub register: RateText,
    /// Mails that are sent for one address.
    pub mail: RateText,
    /// Events of one user.
    pub send: RateText,
    /// Joins and knocks of one user.
    pub join: RateText,
    /// Invites of one user.
    pub invite: RateText,
    /// New rooms of one user.
    pub create_room: RateText,
    /// Changes of one user's profile.
    pub profile: RateText,
    /// Searches of one user.
    pub search: RateText,
    /// Reports of one user.
    pub report: RateText,
}

fn rate(text: &str) -> RateText {
    text.parse().expect("the defaults are rates")
}

impl Default for LimitsConfig {
    fn default() -> Self {
        Self {
            enabled: true,
            max_body_bytes: gantry_web::DEFAULT_MAX_BODY_BYTES,
            room_idle_seconds: 600,
            rooms_in_memory: 5000,
            login: rate("20 then 20/minute"),
            password: rate("10 then 6/minute"),
            register: rate("30 then 6/minute"),
            mail: rate("5 then 1/minute"),
            send: rate("100 then 5/second"),
            join: rate("20 then 12/minute"),
            invite: rate("50 then 20/minute"),
            create_room: rate("10 then 3/minute"),
            profile: rate("20 then 12/minute"),
            search: rate("30 then 2/second"),
            report: rate("10 then 3/minute"),
        }
    }
}

impl LimitsConfig {
    /// What the limiter needs to know.
    pub fn to_rates(&self) -> Rates {
        Rates {
            enabled: self.enabled,
            login: self.login.to_rate(),
            password: self.password.to_rate(),
            register: self.register.to_rate(),
            mail: self.mail.to_rate(),
            send: self.send.to_rate(),
            join: self.join.to_rate(),
            invite: self.invite.to_rate(),
            create_room: self.create_room.to_rate(),
            profile: self.profile.to_rate(),
            search: self.search.to_rate(),
            report: self.report.to_rate(),
        }
    }
}
