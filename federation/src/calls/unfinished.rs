//! Joins that were cut off, by a crash or by a server that fell silent: another server may know of
//! a member that we do not.

use std::time::Duration;

use gantry_rooms::{Membership, PendingJoin};

use super::FederationCalls;
use crate::{Error, Result};

/// How often they are looked for.
const INTERVAL: Duration = Duration::from_mins(1);
/// How long it is tried to bring a join to its end, in milliseconds; then it is taken back.
const MOST_MS: i64 = 60 * 60 * 1000;
/// How long until it is given up, in milliseconds.
const GIVE_UP_MS: i64 = 24 * MOST_MS;

/// What is done about an unfinished join.
#[derive(Debug, PartialEq, Eq)]
enum Plan {
    /// It has succeeded: what the user has done since is not touched.
    Fetch,
    Resume,
    TakeBack,
    GiveUp,
}

impl Plan {
    fn of(has_joined: bool, age_ms: i64) -> Self {
        if has_joined {
            Self::Fetch
        } else if age_ms <= MOST_MS {
            Self::Resume
        } else if age_ms <= GIVE_UP_MS {
            Self::TakeBack
        } else {
            Self::GiveUp
        }
    }
}

impl FederationCalls {
    /// Brings joins to their end that were cut off, until the server stops.
    pub(crate) async fn finish_joins(self) {
        let mut ticks = tokio::time::interval(INTERVAL);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = self.0.stop().cancelled() => return,
                _ = ticks.tick() => {}
            }
            let pending = match self.0.rooms().pending_joins().await {
                Ok(pending) => pending,
                Err(error) => {
                    tracing::warn!(%error, "unfinished joins could not be read");
                    continue;
                }
            };
            for join in pending {
                let (room, user) = (join.room_id.clone(), join.user_id.clone());
                tokio::select! {
                    () = self.0.stop().cancelled() => return,
                    done = self.finish_join(join) => match done {
                        Ok(()) => tracing::info!(%room, %user, "an unfinished join was settled"),
                        Err(error) => {
                            tracing::info!(%room, %user, %error, "a join is still unfinished");
                        }
                    },
                }
            }
        }
    }

    async fn finish_join(&self, join: PendingJoin) -> Result<()> {
        let (room, user) = (&*join.room_id, &*join.user_id);
        let Some(_under_way) = self.0.joining().begin_alone(room) else {
            return Err(Error::Busy);
        };
        let rooms = self.0.rooms();
        let view = rooms.view(room).await?;
        let is_joined = view.as_ref().is_some_and(|view| {
            view.is_joined_locally() && view.membership(user) == Some(Membership::Join)
        });
        let has_joined = join.joined || is_joined;
        let age = self.0.clock().now_ms().saturating_sub(join.since);
        let settled = match Plan::of(has_joined, age) {
            Plan::Fetch => self.fetch_members(room, &join.servers).await,
            Plan::Resume => self.join_any(&join).await.map(|_| ()),
            Plan::TakeBack => self.leave(room, user, &join.servers, None).await,
            Plan::GiveUp => Ok(()),
        };
        match settled {
            Err(error) if has_joined || error.is_about_the_server() => Err(error),
            // Whoever may not join is not in it.
            Ok(()) | Err(_) => Ok(rooms.forget_pending_join(user, room).await?),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_join_is_resumed_then_taken_back_then_given_up() {
        assert_eq!(Plan::of(false, 0), Plan::Resume);
        assert_eq!(Plan::of(false, MOST_MS + 1), Plan::TakeBack);
        assert_eq!(Plan::of(false, GIVE_UP_MS + 1), Plan::GiveUp);
        assert_eq!(Plan::of(true, GIVE_UP_MS + 1), Plan::Fetch);
    }
}
