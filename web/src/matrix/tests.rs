use axum::{Router, routing::any};
use http::{StatusCode, header};
use http_body_util::BodyExt;
use ruma::api::client::{
    alias::create_alias::v3 as create_alias, directory::get_public_rooms::v3 as public_rooms,
    membership::invite_user::v3::Request as Invite,
    membership::join_room_by_id_or_alias::v3 as join,
};
use tower::ServiceExt;

use super::*;

async fn send<T>(route: &str, request: http::Request<Body>) -> (StatusCode, String)
where
    T: IncomingRequest + Send + 'static,
{
    let handler = |request: Matrix<T>| async move {
        let token = request.access_token.clone().unwrap_or_default();
        let unknown = request.json().get("unknown").cloned().unwrap_or_default();
        format!("{} {token} {unknown}", request.uri().path())
    };
    let router = Router::new().nest("/v3", Router::new().route(route, any(handler)));
    let response = router.oneshot(request).await.unwrap();
    let status = response.status();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

fn request(method: Method, uri: &str, body: impl Into<Body>) -> http::Request<Body> {
    http::Request::builder()
        .method(method)
        .uri(uri)
        .header(header::AUTHORIZATION, "Bearer token")
        .body(body.into())
        .unwrap()
}

async fn joined(uri: &str, body: impl Into<Body>) -> (StatusCode, String) {
    send::<join::Request>("/join/{id}", request(Method::POST, uri, body)).await
}

#[tokio::test]
async fn path_query_token_and_unknown_fields_arrive() {
    let (status, body) = joined(
        "/v3/join/%23a%2Fb:example.org?via=x&via=y",
        r#"{"unknown":7}"#,
    )
    .await;

    assert_eq!(status, StatusCode::OK, "{body}");
    assert_eq!(body, "/v3/join/%23a%2Fb:example.org token 7");
}

#[tokio::test]
async fn an_empty_body_counts_as_an_empty_object() {
    let (status, body) = joined("/v3/join/!a:example.org", "").await;

    assert_eq!(status, StatusCode::OK, "{body}");
}

#[tokio::test]
async fn bad_bodies_are_told_apart() {
    for (body, errcode) in [
        ("nonsense", "M_NOT_JSON"),
        ("{\"reason\":", "M_NOT_JSON"),
        ("[]", "M_BAD_JSON"),
        ("{\"reason\":1}", "M_BAD_JSON"),
        ("\"text\"", "M_BAD_JSON"),
    ] {
        let (status, answer) = joined("/v3/join/!a:example.org", body).await;

        assert_eq!(status, StatusCode::BAD_REQUEST);
        assert!(answer.contains(errcode), "{body}: {answer}");
    }
    let (_, answer) = joined("/v3/join/!a:example.org", vec![b'"', 0xff, b'"']).await;
    assert!(answer.contains("M_NOT_JSON"), "{answer}");
}

#[tokio::test]
async fn deep_json_is_refused_before_it_is_parsed() {
    let bomb = format!("{{\"a\":{}{}}}", "[".repeat(5000), "]".repeat(5000));

    let (status, answer) = joined("/v3/join/!a:example.org", bomb).await;

    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert!(answer.contains("M_BAD_JSON"), "{answer}");
}

#[tokio::test]
async fn a_missing_field_of_the_body_is_bad_json() {
    let alias = "/v3/directory/%23a:example.org";

    let (status, answer) =
        send::<create_alias::Request>("/directory/{alias}", request(Method::PUT, alias, "{}"))
            .await;
    let (_, invite) = send::<Invite>(
        "/invite/{room}",
        request(Method::POST, "/v3/invite/!a:example.org", "{}"),
    )
    .await;

    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert!(answer.contains("M_BAD_JSON"), "{answer}");
    assert!(invite.contains("M_BAD_JSON"), "{invite}");
}

#[tokio::test]
async fn an_unusable_path_or_query_is_an_invalid_parameter() {
    let (status, answer) = joined("/v3/join/nonsense", "{}").await;
    let (_, not_utf8) = joined("/v3/join/%ff", "{}").await;
    let (_, query) = send::<public_rooms::Request>(
        "/publicRooms",
        request(Method::GET, "/v3/publicRooms?limit=many", ""),
    )
    .await;

    assert_eq!(status, StatusCode::BAD_REQUEST);
    for answer in [answer, not_utf8, query] {
        assert!(answer.contains("M_INVALID_PARAM"), "{answer}");
    }
}

#[tokio::test]
async fn a_reply_is_json() {
    let room = ruma::room_id!("!a:example.org").to_owned();

    let response = MatrixReply(join::Response::new(room)).into_response();

    assert_eq!(response.headers()[header::CONTENT_TYPE], "application/json");
    let body = response.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(body, r#"{"room_id":"!a:example.org"}"#);
}
