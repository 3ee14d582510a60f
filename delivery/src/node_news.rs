//! What nodes tell each other about destinations that are not their own.

use std::collections::HashMap;

use gantry_model::id::{OwnedServerName, ServerName};
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

use crate::{Edu, Outbox};

/// What these signals are about.
const KIND: &str = "outbox";
/// A server that is heard of is told of so often, in milliseconds.
const TOLD_EVERY_MS: i64 = 10_000;
/// Servers of which that is remembered.
const MAX_SERVERS: usize = 10_000;

/// Something for the node that sends to a server.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum News {
    /// A unit to send.
    Edu { server: OwnedServerName, edu: Edu },
    /// A server was heard of.
    Alive { server: OwnedServerName },
}

/// When servers were last told of.
#[derive(Default)]
pub(crate) struct Heard(Mutex<HashMap<OwnedServerName, i64>>);

impl Heard {
    /// Whether that a server was heard of is news.
    pub(crate) fn is_worth_telling(&self, server: &ServerName, now: i64) -> bool {
        let mut told = self.0.lock();
        if told.get(server).is_some_and(|at| now - at < TOLD_EVERY_MS) {
            return false;
        }
        if told.len() >= MAX_SERVERS {
            told.clear();
        }
        told.insert(server.to_owned(), now);
        true
    }
}

impl Outbox {
    /// Tells the node that sends. It is lost if there is none at this moment.
    pub(crate) fn tell_nodes(&self, news: News) {
        self.0.config.store.tell(KIND, || news);
    }

    /// Does what other nodes ask for, as far as this node sends to the server.
    pub(crate) async fn heed_nodes(self) {
        let mut heard = self.0.config.store.heard::<News>(KIND);
        let stop = self.0.config.stop.clone();
        while let Some(Some(news)) = stop.run_until_cancelled(heard.next()).await {
            match news {
                News::Edu { server, edu } => drop(self.queue_edu(&server, edu)),
                News::Alive { server } => drop(self.wake(&server)),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_told_of_now_and_then() {
        let heard = Heard::default();
        let server = ServerName::parse("b.example").unwrap();

        assert!(heard.is_worth_telling(&server, 0));
        assert!(!heard.is_worth_telling(&server, TOLD_EVERY_MS - 1));
        assert!(heard.is_worth_telling(&server, TOLD_EVERY_MS));
    }
}
