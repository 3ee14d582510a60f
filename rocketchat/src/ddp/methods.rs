//! Methods.

use gantry_homeserver::{LoginSecret, Session};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::connection::Client;
use super::room_methods;
use super::typing::notify_room;
use crate::calls::{Credentials, ReactionWish};
use crate::error::{Error, Result};
use crate::map::Date;
use crate::rest::chat::send_message;
use crate::rest::dto::{LoginBody, SentMessage};

/// How long a login is told to be valid, in milliseconds. It is as long as nobody ends it.
const TOLD_VALIDITY_MS: i64 = 90 * 24 * 3_600_000;

/// What a login gives.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct LoginResult {
    id: String,
    token: String,
    token_expires: Date,
    r#type: &'static str,
}

/// A two-factor wrapper around a login.
#[derive(Deserialize)]
struct Totp {
    totp: TotpLogin,
}

#[derive(Deserialize)]
struct TotpLogin {
    login: Value,
}

/// Calls a method. Surplus parameters are passed over: clients add some.
pub(super) async fn call(client: &mut Client, method: &str, params: &[Value]) -> Result<Value> {
    match method {
        "login" => login(client, params).await,
        "logout" => logout(client).await,
        "sendMessage" => {
            let message: SentMessage = param(params, 0)?;
            json(send_message(&client.state, session(client)?, &message).await?)
        }
        "updateMessage" => {
            let message: EditedMessage = param(params, 0)?;
            client
                .state
                .update(session(client)?, &message.id, &message.msg)
                .await?;
            Ok(Value::Null)
        }
        "deleteMessage" => {
            let message: MessageRef = param(params, 0)?;
            client.state.delete(session(client)?, &message.id).await?;
            Ok(Value::Null)
        }
        "setReaction" => {
            let (emoji, message): (String, String) = (param(params, 0)?, param(params, 1)?);
            let wish = match params.get(2).and_then(Value::as_bool) {
                Some(true) => ReactionWish::Set,
                Some(false) => ReactionWish::Unset,
                None => ReactionWish::Toggle,
            };
            client
                .state
                .react(session(client)?, &message, &emoji, wish)
                .await?;
            Ok(true.into())
        }
        "stream-notify-room" => {
            notify_room(client, session(client)?, params).await?;
            Ok(Value::Null)
        }
        _ => room_methods::call(&client.state, session(client)?, method, params).await,
    }
}

/// The message that is meant.
#[derive(Deserialize)]
struct MessageRef {
    #[serde(rename = "_id")]
    id: String,
}

/// A message with its new text.
#[derive(Deserialize)]
struct EditedMessage {
    #[serde(rename = "_id")]
    id: String,
    msg: String,
}

async fn login(client: &mut Client, params: &[Value]) -> Result<Value> {
    let first = params.first().cloned().unwrap_or_default();
    let first = match serde_json::from_value::<Totp>(first.clone()) {
        Ok(wrapped) => wrapped.totp.login,
        Err(_) => first,
    };
    let body: LoginBody = serde_json::from_value(first).map_err(|_| Error::wrong_credentials())?;
    let credentials = body.credentials()?;
    // The password in the clear has no place in this protocol.
    if matches!(
        &credentials,
        Credentials::Password {
            secret: LoginSecret::Plain(_),
            ..
        }
    ) {
        return Err(Error::wrong_credentials());
    }
    let login = client.state.login(credentials).await?;
    let me = client.state.me(&login.session).await?;
    client
        .state
        .hub()
        .log_in(client.inbox.id, login.session.clone());
    client.session = Some(login.session);
    client.token = Some(login.token.clone());
    let now = client.state.now_ms();
    json(LoginResult {
        id: me.user.id,
        token: login.token,
        token_expires: Date(now + TOLD_VALIDITY_MS),
        r#type: login.kind,
    })
}

async fn logout(client: &mut Client) -> Result<Value> {
    let session = session(client)?.clone();
    client.state.homeserver().sessions.logout(&session).await?;
    (client.session, client.token) = (None, None);
    Ok(Value::Null)
}

pub(super) fn session(client: &Client) -> Result<&Session> {
    let nobody = || Error::new("error-invalid-user", "Invalid user");
    client.session.as_ref().ok_or_else(nobody)
}

/// A parameter of a method.
pub(super) fn param<T: serde::de::DeserializeOwned>(params: &[Value], index: usize) -> Result<T> {
    let value = params.get(index).cloned().unwrap_or_default();
    let invalid = |_| Error::new("error-invalid-params", "Match failed");
    serde_json::from_value(value).map_err(invalid)
}

pub(super) fn json<T: Serialize>(value: T) -> Result<Value> {
    serde_json::to_value(value).map_err(|error| {
        tracing::error!(%error, "an answer could not be written");
        Error::plain("Internal server error")
    })
}
