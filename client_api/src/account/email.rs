//! `/_gantry/email/confirm`: the page to which the link in a mail leads.
//!
//! Opening it does nothing yet: programs that look through mail open links too. The button does.

use axum::{
    extract::State,
    response::{Html, IntoResponse, Redirect, Response},
};
use serde::Deserialize;

use crate::{ClientApiState, error::Result, extract::QueryArgs};

/// What the link bears.
#[derive(Deserialize)]
pub(crate) struct Link {
    sid: String,
    client_secret: String,
    token: String,
}

/// A page with a button.
pub(crate) async fn show_confirmation() -> Html<&'static str> {
    Html(
        "<!doctype html><html lang=en><meta charset=utf-8>\
         <meta name=viewport content=\"width=device-width\"><title>Confirm</title>\
         <h1>Confirm your e-mail address</h1>\
         <form method=post><button>Confirm</button></form></html>",
    )
}

/// Proves the address, and leads to where the client wished.
pub(crate) async fn confirm_email(
    State(state): State<ClientApiState>,
    QueryArgs(link): QueryArgs<Link>,
) -> Result<Response> {
    let next = state
        .homeserver()
        .threepids
        .prove(&link.sid, &link.client_secret, &link.token)
        .await?;
    let is_web = |url: &String| url.starts_with("https://") || url.starts_with("http://");
    Ok(match next.filter(is_web) {
        Some(next) => Redirect::to(&next).into_response(),
        None => Html(
            "<!doctype html><html lang=en><meta charset=utf-8><title>Confirmed</title>\
             <h1>Thank you</h1><p>Your e-mail address is confirmed. You can go back to your \
             client.</p></html>",
        )
        .into_response(),
    })
}
