//! `/.well-known/matrix/server`, and what is remembered of it.

use std::{collections::HashMap, sync::Arc, time::Duration};

use gantry_model::{Clock, id::OwnedServerName};
use http::{HeaderMap, Method, StatusCode, Uri, header};
use parking_lot::Mutex;
use serde::Deserialize;

use crate::{
    client::Outbound,
    request::{OutboundRequest, OutboundResponse, Redirects},
};

const MINUTE_MS: i64 = 60 * 1000;
const HOUR_MS: i64 = 60 * MINUTE_MS;
/// How long a file counts that does not say.
const DEFAULT_MS: i64 = 24 * HOUR_MS;
const MIN_MS: i64 = 5 * MINUTE_MS;
const MAX_MS: i64 = 48 * HOUR_MS;
/// How long the absence of a (valid) file is remembered.
const INVALID_MS: i64 = HOUR_MS;
/// How long it is remembered that nobody answered.
const DOWN_MS: i64 = 2 * MINUTE_MS;
/// How long a file counts beyond its time while nobody answers.
const STALE_MS: i64 = 2 * HOUR_MS;

const MAX_BODY: usize = 50 * 1024;
const MAX_HOPS: u8 = 5;
const TIMEOUT: Duration = Duration::from_secs(20);
/// Servers that are remembered.
const MAX_SERVERS: usize = 10_000;

/// What is known of one server. Whoever asks holds the lock until the answer is there, so that a
/// server is asked once however many wait.
type Slot = Arc<tokio::sync::Mutex<Option<Known>>>;

#[derive(Debug, Clone)]
struct Known {
    delegated: Option<OwnedServerName>,
    until_ms: i64,
    /// Until when the delegation counts if it cannot be renewed.
    stale_until_ms: i64,
}

enum Fetched {
    Delegated(OwnedServerName, i64),
    Invalid,
    Down,
}

/// The delegations of servers.
pub(super) struct WellKnowns {
    outbound: Outbound,
    clock: Arc<dyn Clock>,
    slots: Mutex<HashMap<String, Slot>>,
}

impl WellKnowns {
    pub(super) fn new(outbound: Outbound, clock: Arc<dyn Clock>) -> Self {
        Self {
            outbound,
            clock,
            slots: Mutex::default(),
        }
    }

    /// The server that a host delegates to.
    pub(super) async fn find(&self, host: &str) -> Option<OwnedServerName> {
        let slot = self.slot(host);
        let mut known = slot.lock().await;
        let now = self.clock.now_ms();
        if let Some(known) = known.as_ref().filter(|known| now < known.until_ms) {
            return known.delegated.clone();
        }
        let fresh = renewed(known.take(), self.fetch(host).await, now);
        known.insert(fresh).delegated.clone()
    }

    fn slot(&self, host: &str) -> Slot {
        let mut slots = self.slots.lock();
        if slots.len() >= MAX_SERVERS && !slots.contains_key(host) {
            slots.retain(|_, slot| Arc::strong_count(slot) > 1);
        }
        Arc::clone(slots.entry(host.to_owned()).or_default())
    }

    async fn fetch(&self, host: &str) -> Fetched {
        let Ok(url) = format!("https://{host}/.well-known/matrix/server").parse::<Uri>() else {
            return Fetched::Invalid;
        };
        let mut request = OutboundRequest::new(Method::GET, url)
            .timeout(TIMEOUT)
            .max_bytes(MAX_BODY);
        request.redirects = Redirects::Follow(MAX_HOPS);
        match self.outbound.request(request).await {
            Ok(response) => match delegation(&response) {
                Some(server) => {
                    let lifetime = lifetime_ms(&response.headers, self.clock.now_ms());
                    Fetched::Delegated(server, lifetime)
                }
                None => Fetched::Invalid,
            },
            Err(error) => {
                tracing::debug!(server.name = %host, %error, "no well-known file");
                Fetched::Down
            }
        }
    }
}

fn renewed(before: Option<Known>, fetched: Fetched, now: i64) -> Known {
    match fetched {
        Fetched::Delegated(server, lifetime) => Known {
            delegated: Some(server),
            until_ms: now + lifetime,
            stale_until_ms: now + lifetime + STALE_MS,
        },
        Fetched::Invalid => Known {
            delegated: None,
            until_ms: now + INVALID_MS,
            stale_until_ms: 0,
        },
        Fetched::Down => {
            let stale = before.filter(|known| now < known.stale_until_ms);
            Known {
                until_ms: now + DOWN_MS,
                stale_until_ms: stale.as_ref().map_or(0, |known| known.stale_until_ms),
                delegated: stale.and_then(|known| known.delegated),
            }
        }
    }
}

#[derive(Deserialize)]
struct WellKnown {
    #[serde(rename = "m.server")]
    server: String,
}

/// The delegation in an answer, if the answer is a valid one.
fn delegation(response: &OutboundResponse) -> Option<OwnedServerName> {
    if response.status != StatusCode::OK {
        return None;
    }
    let file: WellKnown = serde_json::from_slice(&response.body).ok()?;
    OwnedServerName::try_from(file.server).ok()
}

/// How long an answer may be used, by its `Cache-Control` or `Expires`, within our bounds.
fn lifetime_ms(headers: &HeaderMap, now_ms: i64) -> i64 {
    let stated = cache_control_ms(headers).or_else(|| expires_ms(headers, now_ms));
    stated.unwrap_or(DEFAULT_MS).clamp(MIN_MS, MAX_MS)
}

fn cache_control_ms(headers: &HeaderMap) -> Option<i64> {
    let directives = headers
        .get_all(header::CACHE_CONTROL)
        .into_iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(|directive| directive.trim().to_ascii_lowercase());
    let mut max_age = None;
    for directive in directives {
        if directive == "no-store" || directive == "no-cache" {
            return Some(0);
        }
        if let Some(seconds) = directive.strip_prefix("max-age=") {
            let seconds = seconds.trim_matches('"').parse::<i64>().ok();
            max_age = seconds.map(|seconds| seconds.saturating_mul(1000));
        }
    }
    max_age
}

fn expires_ms(headers: &HeaderMap, now_ms: i64) -> Option<i64> {
    let text = headers.get(header::EXPIRES)?.to_str().ok()?;
    // A date that is none means that the answer has expired.
    let Ok(date) = httpdate::parse_http_date(text) else {
        return Some(0);
    };
    let since_epoch = date.duration_since(std::time::UNIX_EPOCH).ok()?;
    Some(i64::try_from(since_epoch.as_millis()).ok()? - now_ms)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn headers(name: header::HeaderName, value: &str) -> HeaderMap {
        HeaderMap::from_iter([(name, value.parse().unwrap())])
    }

    fn cached(value: &str) -> i64 {
        lifetime_ms(&headers(header::CACHE_CONTROL, value), 0)
    }

    #[test]
    fn lifetimes_are_those_of_the_headers_within_bounds() {
        assert_eq!(lifetime_ms(&HeaderMap::new(), 0), DEFAULT_MS);
        assert_eq!(cached("public, max-age=3600"), HOUR_MS);
        assert_eq!(cached("max-age=1"), MIN_MS);
        assert_eq!(cached("Max-Age=99999999999999999"), MAX_MS);
        assert_eq!(cached("max-age=3600, no-store"), MIN_MS);
        assert_eq!(cached("private"), DEFAULT_MS);
        let expires = headers(header::EXPIRES, "Thu, 01 Jan 1970 02:00:00 GMT");
        assert_eq!(lifetime_ms(&expires, HOUR_MS), HOUR_MS);
        assert_eq!(lifetime_ms(&headers(header::EXPIRES, "0"), 0), MIN_MS);
    }

    #[test]
    fn a_delegation_outlives_a_short_outage() {
        let server = OwnedServerName::try_from("b").unwrap();
        let first = renewed(None, Fetched::Delegated(server.clone(), MIN_MS), 0);

        let during = renewed(Some(first), Fetched::Down, MIN_MS);
        let after = renewed(Some(during.clone()), Fetched::Down, MIN_MS + STALE_MS);

        assert_eq!(during.delegated, Some(server));
        assert_eq!(during.until_ms, MIN_MS + DOWN_MS);
        assert_eq!(after.delegated, None);
    }

    #[test]
    fn an_invalid_file_ends_a_delegation() {
        let server = OwnedServerName::try_from("b").unwrap();
        let first = renewed(None, Fetched::Delegated(server, MIN_MS), 0);

        let next = renewed(Some(first), Fetched::Invalid, MIN_MS);

        assert_eq!(next.delegated, None);
        assert_eq!(next.until_ms, MIN_MS + INVALID_MS);
    }

    proptest! {
        #[test]
        fn any_answer_is_read_within_bounds(
            cache in "[ -~]{0,60}", expires in "[ -~]{0,40}", body in ".{0,80}"
        ) {
            let mut all = headers(header::CACHE_CONTROL, &cache);
            all.extend(headers(header::EXPIRES, &expires));
            let lifetime = lifetime_ms(&all, 1_700_000_000_000);

            prop_assert!((MIN_MS..=MAX_MS).contains(&lifetime));
            let response = OutboundResponse {
                status: StatusCode::OK,
                headers: all,
                body: body.into(),
                held: crate::Held::default(),
            };
            prop_assert!(delegation(&response).is_none_or(|name| !name.as_str().is_empty()));
        }
    }
}
