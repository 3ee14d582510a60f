//! What is to be stored of a part's destinations: once for all of them, and not for each event.

use std::sync::Arc;

use gantry_store::Cut;

use crate::{
    cursor::{self, Ledger},
    queue::Queue,
};

/// What should be stored now. `processed`: the log was followed up to here.
pub(crate) fn ledger<'a>(
    queues: impl IntoIterator<Item = &'a Arc<Queue>>,
    processed: &Cut,
) -> Ledger {
    let mut servers = Vec::new();
    let mut common = processed.clone();
    for queue in queues {
        let mut state = queue.lock();
        let row = state.row(queue.server.as_str(), processed);
        if row.as_ref().is_none_or(|row| row.cursor.is_none()) {
            common = cursor::min(&common, &state.cursor(processed));
        }
        servers.extend(row);
        state.lagged = !state.waiting.is_empty();
    }
    servers.sort_by(|a, b| a.server.cmp(&b.server));
    Ledger {
        cursor: Some(common.to_string()),
        servers,
    }
}

#[cfg(test)]
mod tests {
    use gantry_model::id::ServerName;

    use super::*;
    use crate::queue::QueueState;

    fn queue(name: &str, change: impl FnOnce(&mut QueueState)) -> Arc<Queue> {
        let queue = Queue::new(ServerName::parse(name).unwrap());
        change(&mut queue.lock());
        Arc::new(queue)
    }

    fn cut(s: u64) -> Cut {
        format!("g1_1.{s}").parse().unwrap()
    }

    #[test]
    fn servers_that_are_on_time_have_one_cursor_and_no_rows() {
        let queues = [queue("a.com", |_| {}), queue("b.com", |_| {})];

        let ledger = ledger(&queues, &cut(5));

        assert_eq!(ledger.cursor.as_deref(), Some("g1_1.5"));
        assert!(ledger.servers.is_empty());
    }

    #[test]
    fn a_server_that_is_behind_does_not_hold_the_others_back() {
        let queues = [
            queue("b.com", |_| {}),
            queue("a.com", |state| state.behind = Some(cut(2))),
        ];

        let ledger = ledger(&queues, &cut(5));

        assert_eq!(ledger.servers[0].cursor.as_deref(), Some("g1_1.2"));
        assert_eq!(ledger.cursor.as_deref(), Some("g1_1.5"));
    }

    #[test]
    fn a_server_that_fails_and_misses_nothing_keeps_its_pause() {
        let queues = [queue("a.com", |state| state.failed(Vec::new(), 0, |_| 7))];

        let ledger = ledger(&queues, &cut(5));

        let row = &ledger.servers[0];
        assert_eq!((row.cursor.as_deref(), row.retry_at), (None, 7));
    }
}
