//! Who types and who is there, as the nodes of one server tell each other. It is lost where nobody
//! listens, like everything ephemeral.

use gantry_model::id::{OwnedRoomId, OwnedUserId};
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use crate::{Accounts, PresenceState};

/// What these signals are about.
const KIND: &str = "people";

/// Something of which the other nodes should hear. Times are milliseconds since the Unix epoch.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum NodeNews {
    /// Somebody types until then, or has stopped.
    Typing {
        room: OwnedRoomId,
        user: OwnedUserId,
        until: Option<i64>,
    },
    /// Somebody is there until then.
    Presence {
        user: OwnedUserId,
        state: PresenceState,
        status_msg: Option<String>,
        last_active: i64,
        until: i64,
    },
}

impl Accounts {
    /// Tells the other nodes, if there can be any.
    pub(crate) fn tell_nodes(&self, news: impl FnOnce() -> NodeNews) {
        self.inner.store.tell(KIND, news);
    }

    /// Heeds what other nodes tell until it is stopped.
    pub async fn heed_nodes(self, stop: CancellationToken) {
        let mut heard = self.inner.store.heard::<NodeNews>(KIND);
        while let Some(Some(news)) = stop.run_until_cancelled(heard.next()).await {
            self.note_news(news);
        }
    }

    fn note_news(&self, news: NodeNews) {
        match news {
            NodeNews::Typing { room, user, until } => {
                self.note_typing(&room, &user, until);
            }
            NodeNews::Presence {
                user,
                state,
                status_msg,
                last_active,
                until,
            } => self.note_presence(&user, state, status_msg, (last_active, until)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{accounts_with_clock, room, user};

    #[tokio::test]
    async fn what_another_node_tells_is_known_here() {
        let (accounts, clock, _dir) = accounts_with_clock().await;
        let (here, alice) = (room("here"), user("alice"));
        let (typing, presence) = (accounts.typing_serial(), accounts.presence_serial());
        let until = clock.now() + 10_000;

        accounts.note_news(NodeNews::Typing {
            room: here.clone(),
            user: alice.clone(),
            until: Some(until),
        });
        accounts.note_news(NodeNews::Presence {
            user: alice.clone(),
            state: PresenceState::Online,
            status_msg: Some("tea".to_owned()),
            last_active: clock.now(),
            until,
        });

        assert_eq!(accounts.typing_since(typing).len(), 1);
        let present = accounts.presence_since(presence).pop().unwrap();
        assert_eq!(present.state, PresenceState::Online);
        assert_eq!(present.status_msg.as_deref(), Some("tea"));
        clock.advance(10_001);
        assert!(accounts.typing(&here).1.is_empty());
        assert_eq!(accounts.presence(&alice).state, PresenceState::Offline);
    }
}
