//! The event of a room that is nearest to a moment, as other servers know it.
//!
//! Specification: <https://spec.matrix.org/v1.19/server-server-api/#get_matrixfederationv1timestamp_to_eventroomid>.

use std::time::Duration;

use gantry_model::id::{OwnedServerName, RoomId};
use gantry_rooms::Direction;

use super::FederationCalls;
use crate::{
    Error, Result,
    race::{PATIENCE, first_good},
};

/// The most servers that are asked.
const MAX_SERVERS: usize = 3;
/// Events before the one that is found that are fetched with it.
const WITH_IT: usize = 10;
/// How long finding and fetching may take together.
const DEADLINE: Duration = Duration::from_secs(15);

impl FederationCalls {
    /// Asks servers in the room for the event that was sent at a moment (milliseconds), or next
    /// after or before it, and fetches it if it is nearer than `known`, the time of the event that
    /// is known here. Whether anything was fetched.
    pub async fn fetch_event_at(
        &self,
        room: &RoomId,
        ts: i64,
        direction: Direction,
        known: Option<i64>,
    ) -> Result<bool> {
        self.require_enabled()?;
        let fetch = self.fetch_nearer(room, ts, direction, known);
        tokio::time::timeout(DEADLINE, fetch)
            .await
            .unwrap_or(Err(Error::Timeout))
    }

    async fn fetch_nearer(
        &self,
        room: &RoomId,
        ts: i64,
        direction: Direction,
        known: Option<i64>,
    ) -> Result<bool> {
        let mut servers = self.likely_servers(room).await?;
        servers.truncate(MAX_SERVERS);
        let ask = |server: OwnedServerName| async move {
            let client = self.0.client();
            let (event, at) = client.event_at(&server, room, ts, direction).await?;
            if is_nearer(at, ts, direction, known) {
                Ok(event)
            } else {
                Err(Error::NotFound("no nearer event"))
            }
        };
        match first_good(&mut servers, PATIENCE, ask).await {
            Ok((_, event)) => Ok(self.backfill(room, &[event], WITH_IT).await? > 0),
            Err(Error::NotFound(_) | Error::NoServer) => Ok(false),
            Err(error) => Err(error),
        }
    }
}

/// Whether an event of time `at` is on the right side of `ts` and nearer to it than one of `known`.
fn is_nearer(at: i64, ts: i64, direction: Direction, known: Option<i64>) -> bool {
    let is_right = match direction {
        Direction::Forward => at >= ts,
        Direction::Backward => at <= ts,
    };
    is_right && known.is_none_or(|known| at.abs_diff(ts) < known.abs_diff(ts))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_event_on_the_right_side_is_nearer() {
        let (after, before) = (Direction::Forward, Direction::Backward);

        assert!(is_nearer(12, 10, after, Some(13)) && is_nearer(12, 10, after, None));
        assert!(!is_nearer(12, 10, after, Some(12)) && !is_nearer(9, 10, after, Some(13)));
        assert!(is_nearer(8, 10, before, Some(7)) && !is_nearer(11, 10, before, None));
        assert!(!is_nearer(i64::MIN, i64::MAX, before, Some(0)));
    }
}
