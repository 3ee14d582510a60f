//! Registration, login, logout.

use gantry_homeserver::{LoginRequest, LoginSecret, RegisterRequest, Uia, UiaRequest};
use gantry_model::ErrorKind;

use crate::harness::Server;

pub(crate) fn request(auth: serde_json::Value, digest: &str) -> UiaRequest {
    UiaRequest {
        auth: serde_json::from_value(auth).expect("auth data"),
        endpoint: "POST /x".to_owned(),
        digest: digest.to_owned(),
    }
}

#[tokio::test]
async fn registration_logs_in_and_names_are_unique() {
    let server = Server::start().await;
    let hs = &server.hs;
    let wish = RegisterRequest {
        username: Some("Alice".to_owned()),
        password: Some("secret".to_owned()),
        ..RegisterRequest::default()
    };

    let Uia::Needed(challenge) = hs.sessions.register(wish.clone()).await.expect("works") else {
        panic!("no challenge")
    };
    let auth = UiaRequest {
        endpoint: String::new(),
        ..request(
            serde_json::json!({"type":"m.login.dummy","session":challenge.session}),
            "",
        )
    };
    let Uia::Done(done) = hs
        .sessions
        .register(RegisterRequest {
            auth,
            ..wish.clone()
        })
        .await
        .expect("works")
    else {
        panic!("not done")
    };

    assert_eq!(done.user_id, "@alice:server");
    let token = done.login.expect("works").access_token;
    let session = hs.sessions.authenticate(&token).await.expect("works");
    assert_eq!(session.user_id, "@alice:server");
    let again = hs.sessions.register(wish).await.expect_err("refused");
    assert_eq!(again.kind(), ErrorKind::UserInUse);
    let login = LoginRequest {
        user: "ALICE".to_owned(),
        secret: LoginSecret::Plain("secret".to_owned()),
        device_id: None,
        initial_device_display_name: None,
    };
    hs.sessions
        .login_password(login.clone())
        .await
        .expect("works");
    let wrong = LoginRequest {
        secret: LoginSecret::Plain("x".to_owned()),
        ..login
    };
    assert_eq!(
        hs.sessions
            .login_password(wrong)
            .await
            .expect_err("refused")
            .kind(),
        ErrorKind::WrongCredentials
    );
    hs.sessions.logout(&session).await.expect("works");
    assert!(hs.sessions.authenticate(&token).await.is_err());
}
