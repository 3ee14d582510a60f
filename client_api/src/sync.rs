//! `GET /_matrix/client/v3/sync`: what changed for the user since the last time.
//!
//! Specification: <https://spec.matrix.org/v1.19/client-server-api/#syncing>. The feed of
//! `gantry-homeserver` says what changed; here it is put into the form of the answer, and the
//! request is held open while there is nothing to tell.

mod assemble;
mod ephemeral;
mod fields;
mod filter;
mod lazy_memory;
mod request;
mod response;
mod state;
mod summary;

pub(crate) use filter::Filter;
pub(crate) use lazy_memory::LazyMemory;

use std::sync::Arc;

use axum::{Json, extract::State};
use gantry_homeserver::{Session as UserSession, SyncToken};
use tokio::time::Instant;

use self::{
    assemble::Assembler,
    lazy_memory::Members,
    request::{Query, SyncRequest},
    response::{DataEvent, SyncResponse},
};
use crate::{ClientApiState, auth::Session, error::Result, extract::QueryArgs};

/// The account data that every client expects in its first sync.
const PUSH_RULES: &str = "m.push_rules";

/// Tells what changed, or all there is to a client that knows nothing.
pub(crate) async fn sync(
    State(state): State<ClientApiState>,
    Session(session): Session,
    QueryArgs(query): QueryArgs<Query>,
) -> Result<Json<SyncResponse>> {
    let request = SyncRequest::of(&state, &session, query).await?;
    let presences = &state.homeserver().presences;
    presences.keep(&session, request.presence, request.timeout);
    let (response, sent) = match &request.since {
        Some(since) => incremental(&state, &session, &request, since).await?,
        None => initial(&state, &session, &request).await?,
    };
    let next = &response.next_batch;
    state
        .lazy()
        .sent(&session, &request.since_text(), next, sent);
    Ok(Json(response))
}

/// An answer, and the members that it tells of.
type Answer = (SyncResponse, Members);

async fn initial(
    state: &ClientApiState,
    session: &UserSession,
    request: &SyncRequest,
) -> Result<Answer> {
    let upto = state.homeserver().feed.now();
    let (mut response, sent) = answer(state, session, request, &upto).await?;
    let known = response
        .account_data
        .events
        .iter()
        .any(|event| event.kind == PUSH_RULES);
    if !known && request.filter.account_data.allows_kind(PUSH_RULES) {
        let content = state
            .homeserver()
            .user_data
            .account_data(session, None, PUSH_RULES)
            .await?;
        response.account_data.events.push(DataEvent {
            kind: PUSH_RULES.to_owned(),
            content,
        });
    }
    Ok((response, sent))
}

/// Waits while there is nothing to tell. What the feed holds to be news may all be filtered out;
/// then the wait goes on behind it.
async fn incremental(
    state: &ClientApiState,
    session: &UserSession,
    request: &SyncRequest,
    since: &SyncToken,
) -> Result<Answer> {
    let feed = &state.homeserver().feed;
    if request.full_state || request.timeout.is_zero() {
        let upto = feed.wait(session, since, std::time::Duration::ZERO).await?;
        return answer(state, session, request, &upto).await;
    }
    let deadline = Instant::now() + request.timeout;
    let mut seen = since.clone();
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let upto = feed.wait(session, &seen, left).await?;
        let (response, sent) = answer(state, session, request, &upto).await?;
        // The wait ends without news when the time is over, and when the server stops.
        if !response.is_empty() || upto == seen || Instant::now() >= deadline {
            return Ok((response, sent));
        }
        seen = upto;
    }
}

async fn answer(
    state: &ClientApiState,
    session: &UserSession,
    request: &SyncRequest,
    upto: &SyncToken,
) -> Result<Answer> {
    let options = request.filter.feed_options(request.full_state);
    let feed = &state.homeserver().feed;
    let changes = feed
        .changes_for(session, request.since.as_ref(), upto, &options)
        .await?;
    let known = if request.filter.room.lazy_load_members() {
        state.lazy().known(session, &request.since_text())
    } else {
        Arc::default()
    };
    let assembler = Assembler::new(session, request, state.now_ms(), known);
    Ok(assembler.assemble(upto, changes))
}
