//! `Forwarded` (RFC 7239) and `X-Forwarded-For`.

use std::net::{IpAddr, SocketAddr};

use http::{HeaderMap, HeaderName, header};

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
/// The hops that are looked at, the nearest ones.
const MAX_HOPS: usize = 32;

/// The addresses that proxies wrote down, the nearest one last. What is no address is `None`.
/// `X-Forwarded-For` counts only without `Forwarded`.
pub(super) fn hops(headers: &HeaderMap) -> Vec<Option<IpAddr>> {
    let mut hops: Vec<_> = if headers.contains_key(header::FORWARDED) {
        values(headers, &header::FORWARDED)
            .flat_map(|value| split_quoted(value, ','))
            .map(of_element)
            .collect()
    } else {
        values(headers, &X_FORWARDED_FOR)
            .flat_map(|value| value.split(','))
            .map(parse_node)
            .collect()
    };
    hops.split_off(hops.len().saturating_sub(MAX_HOPS))
}

/// A header that is not text is one unreadable hop.
fn values<'a>(headers: &'a HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'a str> {
    headers
        .get_all(name)
        .into_iter()
        .map(|value| value.to_str().unwrap_or("unknown"))
}

/// The `for` parameter of an element.
fn of_element(element: &str) -> Option<IpAddr> {
    split_quoted(element, ';').into_iter().find_map(|pair| {
        let (name, value) = pair.split_once('=')?;
        name.trim()
            .eq_ignore_ascii_case("for")
            .then(|| parse_node(value.trim().trim_matches('"')))
            .flatten()
    })
}

/// An address, with or without a port, an IPv6 one with or without brackets.
fn parse_node(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    if let Ok(address) = text.parse::<IpAddr>() {
        return Some(address);
    }
    if let Ok(socket) = text.parse::<SocketAddr>() {
        return Some(socket.ip());
    }
    let inner = text.strip_prefix('[')?.strip_suffix(']')?;
    inner.parse().ok().map(IpAddr::V6)
}

/// Splits outside of quotes.
fn split_quoted(text: &str, separator: char) -> Vec<&str> {
    let mut in_quotes = false;
    text.split(move |character| {
        if character == '"' {
            in_quotes = !in_quotes;
        }
        character == separator && !in_quotes
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(name: &'static str, value: &str) -> Vec<Option<IpAddr>> {
        let name = HeaderName::from_static(name);
        hops(&HeaderMap::from_iter([(name, value.parse().unwrap())]))
    }

    fn ip(text: &str) -> Option<IpAddr> {
        text.parse().ok()
    }

    #[test]
    fn the_forms_of_an_address_are_read() {
        assert_eq!(
            of("x-forwarded-for", "1.1.1.1, 2.2.2.2:80,[::1]:9, ::2,[::3]"),
            [
                ip("1.1.1.1"),
                ip("2.2.2.2"),
                ip("::1"),
                ip("::2"),
                ip("::3")
            ]
        );
        assert_eq!(
            of(
                "forwarded",
                r#"for=1.1.1.1;proto=https, For="[2001:db8::1]:4711", by=x;for="_a,b""#
            ),
            [ip("1.1.1.1"), ip("2001:db8::1"), None]
        );
    }

    #[test]
    fn only_the_nearest_hops_are_looked_at() {
        let list = vec!["1.1.1.1"; 100].join(",");

        assert_eq!(of("x-forwarded-for", &list).len(), MAX_HOPS);
    }

    proptest! {
        #[test]
        fn any_header_is_read(value in "[ -~]{0,80}") {
            prop_assert!(of("forwarded", &value).len() <= MAX_HOPS);
            prop_assert!(of("x-forwarded-for", &value).len() <= MAX_HOPS);
        }

        #[test]
        fn written_addresses_are_read_back(addresses in prop::collection::vec(any::<IpAddr>(), 1..8)) {
            let plain: Vec<_> = addresses.iter().map(ToString::to_string).collect();
            let elements: Vec<_> = addresses
                .iter()
                .map(|address| format!("for=\"{}\"", SocketAddr::new(*address, 7)))
                .collect();
            let expected: Vec<_> = addresses.into_iter().map(Some).collect();

            prop_assert_eq!(of("x-forwarded-for", &plain.join(", ")), expected.clone());
            prop_assert_eq!(of("forwarded", &elements.join(",")), expected);
        }
    }
}
