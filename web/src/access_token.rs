//! The access token of a request.
//!
//! Specification: <https://spec.matrix.org/v1.19/client-server-api/#using-access-tokens>.

use std::{convert::Infallible, fmt};

use axum::extract::FromRequestParts;
use http::{HeaderMap, header, request::Parts};
use url::form_urlencoded;

/// The access token that a request bears, if it bears one.
#[derive(Clone, PartialEq, Eq)]
pub struct AccessToken(pub Option<String>);

impl fmt::Debug for AccessToken {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = if self.0.is_some() {
            "present"
        } else {
            "absent"
        };
        write!(formatter, "AccessToken({word})")
    }
}

impl<S: Sync> FromRequestParts<S> for AccessToken {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self(find_access_token(&parts.headers, parts.uri.query())))
    }
}

/// The token of the `Authorization` header, or else of the query parameter `access_token`.
pub fn find_access_token(headers: &HeaderMap, query: Option<&str>) -> Option<String> {
    let of_header = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(bearer)
        .map(str::to_owned);
    of_header.or_else(|| query.and_then(of_query))
}

fn bearer(value: &str) -> Option<&str> {
    let (scheme, token) = value.trim().split_once(' ')?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
}

fn of_query(query: &str) -> Option<String> {
    form_urlencoded::parse(query.as_bytes())
        .find(|(name, value)| name == "access_token" && !value.is_empty())
        .map(|(_, value)| value.into_owned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn with(authorization: &str) -> HeaderMap {
        HeaderMap::from_iter([(header::AUTHORIZATION, authorization.parse().unwrap())])
    }

    #[test]
    fn the_header_comes_before_the_query() {
        let found = |header: &str, query| find_access_token(&with(header), query);

        assert_eq!(found("Bearer abc", None).as_deref(), Some("abc"));
        assert_eq!(
            found("bearer  abc ", Some("access_token=x")).as_deref(),
            Some("abc")
        );
        assert_eq!(
            found("Basic abc", Some("a=b&access_token=x%2By")).as_deref(),
            Some("x+y")
        );
        assert_eq!(found("Bearer ", Some("access_token=")), None);
        assert_eq!(found("X-Matrix origin=a", None), None);
        assert_eq!(find_access_token(&HeaderMap::new(), None), None);
    }

    #[test]
    fn a_token_is_never_shown() {
        let token = AccessToken(Some("secret".to_owned()));

        assert_eq!(format!("{token:?}"), "AccessToken(present)");
    }

    proptest! {
        #[test]
        fn any_header_gives_a_token_without_surrounding_blanks_or_none(value in "[ -~]{0,60}") {
            let found = find_access_token(&with(&value), None);

            let is_clean = found.is_none_or(|token| {
                !token.is_empty() && token.trim() == token && value.contains(&token)
            });
            prop_assert!(is_clean);
        }

        #[test]
        fn any_token_comes_through_header_and_query(token in "[!-~]{1,80}") {
            let query: String = form_urlencoded::Serializer::new(String::new())
                .append_pair("access_token", &token)
                .finish();

            let of_header = find_access_token(&with(&format!("Bearer {token}")), None);
            let of_query = find_access_token(&HeaderMap::new(), Some(&query));

            prop_assert_eq!(of_header.as_deref(), Some(token.as_str()));
            prop_assert_eq!(of_query.as_deref(), Some(token.as_str()));
        }
    }
}
