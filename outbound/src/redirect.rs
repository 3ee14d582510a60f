//! What a redirect asks for.

use bytes::Bytes;
use http::{Method, StatusCode, Uri, header};
use url::Url;

use crate::{
    error::{Error, Result},
    request::{OutboundRequest, OutboundResponse},
};

/// The request that a redirect asks for, or `None` if the answer is not a redirect.
///
/// The next hop is resolved anew: nothing that pinned the first one stays. Credentials do not cross
/// to another origin, and TLS is never left.
pub(crate) fn next_request(
    request: &OutboundRequest,
    response: &OutboundResponse,
) -> Result<Option<OutboundRequest>> {
    let keeps_method = match response.status {
        StatusCode::TEMPORARY_REDIRECT | StatusCode::PERMANENT_REDIRECT => true,
        StatusCode::SEE_OTHER => false,
        StatusCode::MOVED_PERMANENTLY | StatusCode::FOUND => request.method != Method::POST,
        _ => return Ok(None),
    };
    let Some(location) = response.headers.get(header::LOCATION) else {
        return Ok(None);
    };
    let target = target_of(&request.url, location)?;
    let mut next = request.clone();
    if !keeps_method {
        if next.method != Method::HEAD {
            next.method = Method::GET;
        }
        next.body = Bytes::new();
        next.headers.remove(header::CONTENT_TYPE);
    }
    if target.authority() != request.url.authority() || target.scheme() != request.url.scheme() {
        next.headers.remove(header::AUTHORIZATION);
        next.headers.remove(header::COOKIE);
    }
    next.url = target;
    next.host_header = None;
    next.tls_name = None;
    next.connect_to = None;
    Ok(Some(next))
}

fn target_of(from: &Uri, location: &header::HeaderValue) -> Result<Uri> {
    let unusable = || Error::Redirect("the location is no URL");
    let location = location.to_str().map_err(|_| unusable())?;
    let base = Url::parse(&from.to_string()).map_err(|_| unusable())?;
    let mut target = base.join(location).map_err(|_| unusable())?;
    target.set_fragment(None);
    if !target.username().is_empty() || target.password().is_some() {
        return Err(Error::Redirect("the location bears credentials"));
    }
    match (base.scheme(), target.scheme()) {
        ("https", "https") | ("http", "http" | "https") => {}
        _ => return Err(Error::Redirect("the location leaves https")),
    }
    target.as_str().parse().map_err(|_| unusable())
}

#[cfg(test)]
mod tests {
    use http::HeaderMap;

    use super::*;

    fn redirect(from: &str, status: StatusCode, location: &str) -> Result<Option<OutboundRequest>> {
        let mut request = OutboundRequest::new(Method::POST, from.parse().unwrap());
        request.body = Bytes::from_static(b"{}");
        request
            .headers
            .insert(header::AUTHORIZATION, "secret".parse().unwrap());
        request.connect_to = Some(vec!["1.1.1.1:443".parse().unwrap()]);
        let mut headers = HeaderMap::new();
        headers.insert(header::LOCATION, location.parse().unwrap());
        next_request(
            &request,
            &OutboundResponse {
                status,
                headers,
                body: Bytes::new(),
                held: crate::Held::default(),
            },
        )
    }

    #[test]
    fn a_redirect_to_another_origin_drops_pins_and_credentials() {
        let next = redirect("https://a/x", StatusCode::SEE_OTHER, "https://b/y").unwrap();

        let next = next.unwrap();
        assert_eq!(next.url, "https://b/y");
        assert_eq!(next.method, Method::GET);
        assert!(next.body.is_empty());
        assert!(next.headers.is_empty());
        assert_eq!(next.connect_to, None);
    }

    #[test]
    fn a_temporary_redirect_within_the_origin_keeps_method_body_and_credentials() {
        let next = redirect("https://a/x/z", StatusCode::TEMPORARY_REDIRECT, "../y?q").unwrap();

        let next = next.unwrap();
        assert_eq!(next.url, "https://a/y?q");
        assert_eq!(next.method, Method::POST);
        assert_eq!(next.headers.len(), 1);
    }

    #[test]
    fn tls_is_not_left() {
        for location in ["http://a/x", "ftp://a", "https://user@a/"] {
            let next = redirect("https://a/x", StatusCode::FOUND, location);

            assert!(matches!(next, Err(Error::Redirect(_))), "{location}");
        }
    }

    #[test]
    fn other_answers_are_no_redirects() {
        let next = redirect("https://a/x", StatusCode::NOT_MODIFIED, "/y").unwrap();

        assert!(next.is_none());
    }
}
