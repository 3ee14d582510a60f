//! What a sync asks for.

use std::time::Duration;

use gantry_homeserver::{PresenceState, Session, SyncToken};
use serde::Deserialize;

use super::filter::Filter;
use crate::{
    ClientApiState,
    error::{Error, Result},
};

/// The longest that a request is held open.
const MAX_TIMEOUT: Duration = Duration::from_mins(5);

/// The query of a sync.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Query {
    filter: Option<String>,
    since: Option<String>,
    full_state: bool,
    set_presence: Option<PresenceState>,
    /// In milliseconds.
    timeout: u64,
    use_state_after: bool,
    /// The name of the same before the specification took it up (MSC4222).
    #[serde(rename = "org.matrix.msc4222.use_state_after")]
    use_state_after_msc4222: bool,
}

/// A sync, understood.
#[derive(Debug)]
pub(crate) struct SyncRequest {
    /// What is wanted.
    pub(crate) filter: Filter,
    /// Up to where the client knows everything; `None`: it knows nothing.
    pub(crate) since: Option<SyncToken>,
    /// All state of all rooms.
    pub(crate) full_state: bool,
    /// How long to wait for something to tell.
    pub(crate) timeout: Duration,
    /// Where state is told.
    pub(crate) state_at: StateAt,
    /// What the client says of the user's presence.
    pub(crate) presence: PresenceState,
}

impl SyncRequest {
    /// The token that it came with; empty: none.
    pub(crate) fn since_text(&self) -> String {
        self.since
            .as_ref()
            .map(ToString::to_string)
            .unwrap_or_default()
    }
}

/// The moment that the state in an answer belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StateAt {
    /// The start of the timeline, as the field `state`.
    Start,
    /// Its end, as the field `state_after`.
    End,
    /// Its end, as the field `org.matrix.msc4222.state_after`.
    EndMsc4222,
}

impl SyncRequest {
    /// Understands a query, which may name a stored filter.
    pub(crate) async fn of(
        state: &ClientApiState,
        session: &Session,
        query: Query,
    ) -> Result<Self> {
        Ok(Self {
            since: query.since.as_deref().map(parse_since).transpose()?,
            full_state: query.full_state,
            timeout: Duration::from_millis(query.timeout).min(MAX_TIMEOUT),
            state_at: query.state_at(),
            presence: query.set_presence.unwrap_or(PresenceState::Online),
            filter: match query.filter {
                Some(filter) => read_filter(state, session, &filter).await?,
                None => Filter::default(),
            },
        })
    }
}

impl Query {
    fn state_at(&self) -> StateAt {
        match (self.use_state_after, self.use_state_after_msc4222) {
            (true, _) => StateAt::End,
            (false, true) => StateAt::EndMsc4222,
            (false, false) => StateAt::Start,
        }
    }
}

fn parse_since(token: &str) -> Result<SyncToken> {
    token
        .parse()
        .map_err(|_| Error::invalid("since is not a sync token of this server"))
}

/// An inline filter begins with a brace; everything else is the id of a stored one.
async fn read_filter(state: &ClientApiState, session: &Session, text: &str) -> Result<Filter> {
    let filter = if text.starts_with('{') {
        Filter::parse(text)
    } else {
        Filter::from_object(&state.homeserver().user_data.filter(session, text).await?)
    };
    filter.map_err(|_| Error::bad_json("The filter is malformed"))
}

#[cfg(test)]
mod tests {
    use gantry_model::ErrorKind;
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn any_since_is_refused_or_is_the_token_itself(text in "(g[0-9_.]{0,9}~[0-9]{0,3}~[0-9]{0,3}|\\PC{0,20})") {
            match parse_since(&text) {
                Ok(token) => prop_assert_eq!(token.to_string(), text),
                Err(Error::Refused { kind, .. }) => prop_assert_eq!(kind, ErrorKind::InvalidParam),
                Err(_) => prop_assert!(false, "another error"),
            }
        }
    }

    #[test]
    fn the_stable_name_of_state_after_wins() {
        let query = Query {
            use_state_after: true,
            use_state_after_msc4222: true,
            ..Query::default()
        };

        assert_eq!(query.state_at(), StateAt::End);
        assert_eq!(Query::default().state_at(), StateAt::Start);
    }
}
