use std::net::SocketAddr;

use axum::{
    body::Body,
    extract::ConnectInfo,
    routing::{get, post},
};
use gantry_model::SeededRng;
use http::{Method, StatusCode, header};
use http_body_util::BodyExt;
use tower::ServiceExt;

use super::*;
use crate::{ClientAddress, Matrix, MatrixReply};
use ruma::api::client::membership::join_room_by_id_or_alias::v3 as join;

fn router() -> Router {
    let routes = Router::new()
        .route(
            "/address",
            get(|address: ClientAddress| async move { address.to_string() }),
        )
        .route("/panic", get(panicking))
        .route("/long", get(|| async { "x".repeat(10_000) }))
        .route("/join/{room}", post(join_room));
    let config = EdgeConfig {
        trusted_proxies: vec!["10.0.0.0/8".parse().unwrap()],
        max_body_bytes: 100,
    };
    edge(routes, config, &SeededRng::new(1))
}

async fn panicking() -> &'static str {
    panic!("as asked for")
}

async fn join_room(request: Matrix<join::Request>) -> MatrixReply<join::Response> {
    let room = request.body.room_id_or_alias;
    MatrixReply(join::Response::new(room.try_into().unwrap()))
}

fn request(method: Method, uri: &str, body: impl Into<Body>) -> Request {
    let mut request = Request::new(body.into());
    *request.method_mut() = method;
    *request.uri_mut() = uri.parse().unwrap();
    let peer: SocketAddr = "10.0.0.1:1".parse().unwrap();
    request.extensions_mut().insert(ConnectInfo(peer));
    request
}

async fn answer(request: Request) -> (StatusCode, http::HeaderMap, String) {
    let response = router().oneshot(request).await.unwrap();
    let (parts, body) = response.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    let text = String::from_utf8_lossy(&body).into_owned();
    (parts.status, parts.headers, text)
}

#[tokio::test]
async fn an_unknown_path_is_unrecognized() {
    let (status, headers, body) = answer(request(Method::GET, "/nowhere", "")).await;

    assert_eq!(status, StatusCode::NOT_FOUND);
    assert!(body.contains("M_UNRECOGNIZED"));
    assert_eq!(headers[header::CONTENT_TYPE], "application/json");
    assert_eq!(headers[header::ACCESS_CONTROL_ALLOW_ORIGIN], "*");
    assert_eq!(headers["x-request-id"].len(), 16);
}

#[tokio::test]
async fn a_wrong_method_is_unrecognized_and_not_allowed() {
    let (status, _, body) = answer(request(Method::DELETE, "/address", "")).await;

    assert_eq!(status, StatusCode::METHOD_NOT_ALLOWED);
    assert!(body.contains("M_UNRECOGNIZED"));
}

#[tokio::test]
async fn a_preflight_is_answered_on_every_path() {
    for path in ["/join/!a:b", "/nowhere"] {
        let (status, headers, _) = answer(request(Method::OPTIONS, path, "")).await;

        assert_eq!(status, StatusCode::NO_CONTENT);
        let allowed = &headers[header::ACCESS_CONTROL_ALLOW_HEADERS];
        assert!(
            allowed
                .to_str()
                .unwrap()
                .contains("Authorization, X-Auth-Token")
        );
    }
}

#[tokio::test]
async fn a_body_over_the_limit_is_too_large_announced_or_not() {
    let long = format!("{{\"reason\":\"{}\"}}", "x".repeat(100));
    let mut announced = request(Method::POST, "/join/!a:b", long.clone());
    announced
        .headers_mut()
        .insert(header::CONTENT_LENGTH, long.len().into());

    for request in [announced, request(Method::POST, "/join/!a:b", long)] {
        let (status, _, body) = answer(request).await;

        assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE);
        assert!(body.contains("M_TOO_LARGE"));
    }
}

#[tokio::test]
async fn a_panic_is_an_internal_error() {
    let (status, _, body) = answer(request(Method::GET, "/panic", "")).await;

    assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(
        body,
        r#"{"errcode":"M_UNKNOWN","error":"Internal server error"}"#
    );
}

#[tokio::test]
async fn the_address_is_what_a_trusted_proxy_says() {
    let mut request = request(Method::GET, "/address", "");
    request
        .headers_mut()
        .insert("x-forwarded-for", "9.9.9.9".parse().unwrap());

    let (_, _, body) = answer(request).await;

    assert_eq!(body, "9.9.9.9");
}

#[tokio::test]
async fn a_long_answer_is_compressed_if_the_client_likes() {
    let mut request = request(Method::GET, "/long", "");
    request
        .headers_mut()
        .insert(header::ACCEPT_ENCODING, "gzip".parse().unwrap());

    let (_, headers, body) = answer(request).await;

    assert_eq!(headers[header::CONTENT_ENCODING], "gzip");
    assert!(body.len() < 1000);
}
