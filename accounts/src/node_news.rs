//! Who types and who is there, as the nodes of one server tell each other. It is lost where nobody
//! listens, like everything ephemeral.

use gantry_model::id::{OwnedRoomId, OwnedUserId};
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::{Accounts, PresenceState};

/// What these signals are about.
const KIND: &str = "people";
/// News that wait to be told.
const WAITING: usize = 1_024;

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

/// The way from those who have news to the task that tells them.
pub(crate) struct News {
    told: mpsc::Sender<NodeNews>,
    waiting: tokio::sync::Mutex<mpsc::Receiver<NodeNews>>,
}

impl Default for News {
    fn default() -> Self {
        let (told, waiting) = mpsc::channel(WAITING);
        Self {
            told,
            waiting: tokio::sync::Mutex::new(waiting),
        }
    }
}

impl Accounts {
    /// Tells the other nodes, if there can be any. What comes too fast is lost.
    pub(crate) fn tell_nodes(&self, news: impl FnOnce() -> NodeNews) {
        if self.inner.store.is_shared() {
            drop(self.inner.news.told.try_send(news()));
        }
    }

    /// Tells and hears news until it is stopped. To be run once.
    pub async fn exchange_news(self, stop: CancellationToken) {
        let mut heard = self.inner.store.signals::<NodeNews>(KIND);
        let mut waiting = self.inner.news.waiting.lock().await;
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                Some(news) = waiting.recv() => {
                    if let Err(error) = self.inner.store.signal(KIND, &news).await {
                        tracing::debug!(%error, "the other nodes were not told");
                    }
                }
                Some(news) = heard.next() => self.note_news(news),
                else => return,
            }
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
