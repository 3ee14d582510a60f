//! `/_matrix/client/v3/auth/{stage}/fallback/web`: a stage in a browser, for clients that cannot do
//! it themselves: <https://spec.matrix.org/v1.19/client-server-api/#fallback>.

use axum::{
    extract::State,
    response::{Html, IntoResponse, Response},
};
use http::StatusCode;
use serde::Deserialize;

use crate::{
    ClientApiState,
    error::{Error, Result},
    extract::{PathArgs, QueryArgs},
};

/// What the client passes, and what the form adds to it.
#[derive(Deserialize)]
pub(crate) struct Query {
    session: Option<String>,
}

/// Text that a page begins with.
const HEAD: &str = "<!doctype html><html lang=en><meta charset=utf-8>\
    <meta name=viewport content=\"width=device-width\"><title>Sign in</title>";

/// Tells the client that the stage is done, in both ways that the specification knows.
const DONE: &str = "<h1>Thank you</h1><p>You can close this window.</p><script>\
    if (window.onAuthDone) { window.onAuthDone(); }\
    else if (window.opener && window.opener.postMessage) \
    { window.opener.postMessage('authDone', '*'); }</script></html>";

/// Shows the page of a stage.
pub(crate) async fn show_stage(
    State(state): State<ClientApiState>,
    PathArgs(stage): PathArgs<String>,
) -> Result<Response> {
    let form = match stage.as_str() {
        "m.login.terms" => terms_form(&state),
        "m.login.registration_token" => "<form method=post><label>Registration token \
            <input name=token autofocus></label> <button>Continue</button></form>"
            .to_owned(),
        "m.login.dummy" => "<form method=post><button>Continue</button></form>".to_owned(),
        _ => return Err(Error::not_found("There is no page for this stage")),
    };
    Ok(Html(format!("{HEAD}{form}</html>")).into_response())
}

/// Tries the stage with what the form sent.
pub(crate) async fn finish_stage(
    State(state): State<ClientApiState>,
    PathArgs(stage): PathArgs<String>,
    QueryArgs(query): QueryArgs<Query>,
    form: String,
) -> Result<Response> {
    let session = query.session.ok_or(Error::MissingParam("session"))?;
    // Tokens have no letters that a form would encode.
    let token = form.strip_prefix("token=").map(str::to_owned);
    let sessions = &state.homeserver().sessions;
    let failed = sessions
        .complete_in_browser(&stage, &session, token)
        .await?;
    Ok(match failed {
        None => Html(format!("{HEAD}{DONE}")).into_response(),
        Some(reason) => {
            let page = format!("{HEAD}<p>{}</p></html>", escaped(&reason));
            (StatusCode::UNAUTHORIZED, Html(page)).into_response()
        }
    })
}

fn terms_form(state: &ClientApiState) -> String {
    let terms = &state.homeserver().config().accounts.terms;
    let mut links = String::new();
    for term in terms {
        let (url, name) = (escaped(&term.url), escaped(&term.name));
        for part in ["<li><a href=\"", &url, "\">", &name, "</a></li>"] {
            links.push_str(part);
        }
    }
    format!("<p>Please read:</p><ul>{links}</ul><form method=post><button>I agree</button></form>")
}

/// Text that means nothing to a browser.
fn escaped(text: &str) -> String {
    text.chars()
        .map(|letter| match letter {
            '&' => "&amp;".to_owned(),
            '<' => "&lt;".to_owned(),
            '>' => "&gt;".to_owned(),
            '"' => "&quot;".to_owned(),
            letter => letter.to_string(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn no_text_becomes_markup(text in "\\PC{0,30}") {
            let shown = escaped(&text);
            prop_assert!(!shown.contains(['<', '>', '"']));
        }
    }
}
