//! `/_matrix/client/v3/account/3pid` and all that proves an address:
//! <https://spec.matrix.org/v1.19/client-server-api/#adding-account-administrative-contact-information>.

use axum::{Json, extract::State};
use gantry_homeserver::{EmailPurpose, EmailRequest, ThreepidCreds};
use serde::{Deserialize, Serialize};

use crate::{
    ClientApiState,
    auth::Session,
    error::Result,
    extract::{JsonBody, UiaBody},
    reply::Done,
    uia::done,
};

/// A wish to prove an address.
#[derive(Deserialize)]
pub(crate) struct EmailBody {
    client_secret: String,
    email: String,
    send_attempt: i64,
    next_link: Option<String>,
}

/// The id of the proof.
#[derive(Debug, Serialize)]
pub(crate) struct Sid {
    sid: String,
}

/// The addresses of the user.
#[derive(Debug, Serialize)]
pub(crate) struct Threepids {
    threepids: Vec<ThreepidBody>,
}

#[derive(Debug, Serialize)]
struct ThreepidBody {
    medium: String,
    address: String,
    validated_at: i64,
    added_at: i64,
}

/// An address that goes.
#[derive(Debug, Deserialize)]
pub(crate) struct RemoveBody {
    medium: String,
    address: String,
}

/// What the identity server said, which there is none.
#[derive(Debug, Serialize)]
pub(crate) struct Unbound {
    id_server_unbind_result: &'static str,
}

const NO_IDENTITY_SERVER: Unbound = Unbound {
    id_server_unbind_result: "no-support",
};

/// Proves an address for a new account.
pub(crate) async fn request_email_to_register(
    State(state): State<ClientApiState>,
    JsonBody(body): JsonBody<EmailBody>,
) -> Result<Json<Sid>> {
    request_email(&state, EmailPurpose::Register, body).await
}

/// Proves an address to reset the password.
pub(crate) async fn request_email_to_reset(
    State(state): State<ClientApiState>,
    JsonBody(body): JsonBody<EmailBody>,
) -> Result<Json<Sid>> {
    request_email(&state, EmailPurpose::Password, body).await
}

/// Proves an address to add it to an account.
pub(crate) async fn request_email_to_3pid(
    State(state): State<ClientApiState>,
    JsonBody(body): JsonBody<EmailBody>,
) -> Result<Json<Sid>> {
    request_email(&state, EmailPurpose::Add, body).await
}

/// Phone numbers are not supported, and this says so.
pub(crate) async fn request_msisdn(State(state): State<ClientApiState>) -> Result<Json<Sid>> {
    let sid = state.homeserver().threepids.request_msisdn()?;
    Ok(Json(Sid { sid }))
}

/// The addresses of the user.
pub(crate) async fn get_account_3pids(
    State(state): State<ClientApiState>,
    Session(session): Session,
) -> Result<Json<Threepids>> {
    let found = state.homeserver().threepids.list(&session).await?;
    let threepids = found
        .into_iter()
        .map(|one| ThreepidBody {
            medium: one.medium,
            address: one.address,
            validated_at: one.validated_ts,
            added_at: one.added_ts,
        })
        .collect();
    Ok(Json(Threepids { threepids }))
}

/// Adds an address that was proven.
pub(crate) async fn add_3pid(
    State(state): State<ClientApiState>,
    Session(session): Session,
    UiaBody { body, auth }: UiaBody<ThreepidCreds>,
) -> Result<Json<Done>> {
    let threepids = &state.homeserver().threepids;
    done(threepids.add(&session, &body, &auth).await?)?;
    Ok(Json(Done {}))
}

/// No identity server is trusted, and this says so.
pub(crate) async fn bind_3pid(
    State(state): State<ClientApiState>,
    Session(_): Session,
) -> Result<Json<Done>> {
    state.homeserver().threepids.bind()?;
    Ok(Json(Done {}))
}

/// Takes an address from the account.
pub(crate) async fn delete_3pid(
    State(state): State<ClientApiState>,
    Session(session): Session,
    JsonBody(body): JsonBody<RemoveBody>,
) -> Result<Json<Unbound>> {
    let threepids = &state.homeserver().threepids;
    threepids
        .remove(&session, &body.medium, &body.address)
        .await?;
    Ok(Json(NO_IDENTITY_SERVER))
}

/// Tells that there is no identity server that anything could be taken from.
pub(crate) async fn unbind_3pid(
    Session(_): Session,
    JsonBody(_): JsonBody<RemoveBody>,
) -> Json<Unbound> {
    Json(NO_IDENTITY_SERVER)
}

async fn request_email(
    state: &ClientApiState,
    purpose: EmailPurpose,
    body: EmailBody,
) -> Result<Json<Sid>> {
    let request = EmailRequest {
        purpose,
        client_secret: body.client_secret,
        address: body.email,
        send_attempt: body.send_attempt,
        next_link: body.next_link,
    };
    let sid = state.homeserver().threepids.request_email(request).await?;
    Ok(Json(Sid { sid }))
}
