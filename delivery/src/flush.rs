//! Storing cursors, once for all destinations and not for each event.

use std::sync::Arc;

use gantry_store::{Batch, Cut, Store, schema::DESTINATION, to_document};

use crate::{
    Result,
    cursor::{self, Row},
    queue::Queue,
};

/// Rows of one commit.
const ROWS: usize = 500;

/// What has to be written, in this order: a crash in between repeats deliveries, it loses none.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    /// Rows of servers that lag behind.
    pub(crate) behind: Vec<(Arc<Queue>, Row)>,
    /// The cursor of all others.
    pub(crate) shared: Option<Row>,
    /// Rows of servers that are on time again.
    pub(crate) on_time: Vec<(Arc<Queue>, Row)>,
}

/// Compares what is with what is stored. `shared` is the shared row as it is stored.
pub(crate) fn plan(queues: &[Arc<Queue>], processed: &Cut, shared: Option<&Row>) -> Plan {
    let mut plan = Plan::default();
    let mut common = processed.clone();
    for queue in queues {
        let mut state = queue.lock();
        match state.row(queue.server.as_str(), processed) {
            Some(row) => {
                if row.cursor.is_none() {
                    common = cursor::min(&common, &state.cursor(processed));
                }
                if state.stored.as_ref() != Some(&row) {
                    plan.behind.push((Arc::clone(queue), row));
                }
            }
            None => {
                common = cursor::min(&common, &state.cursor(processed));
                let is_stored = state
                    .stored
                    .as_ref()
                    .is_some_and(|row| row.cursor.is_some() || row.failures > 0);
                if is_stored {
                    let row = state.row_on_time(queue.server.as_str());
                    plan.on_time.push((Arc::clone(queue), row));
                }
            }
        }
        state.lagged = !state.waiting.is_empty();
    }
    let row = Row::shared(&common);
    plan.shared = (shared != Some(&row)).then_some(row);
    plan
}

impl Plan {
    /// Writes it. Gives the shared row if that was written.
    pub(crate) async fn write(self, store: &Store) -> Result<Option<Row>> {
        write_rows(store, self.behind).await?;
        if let Some(row) = &self.shared {
            store.put(DESTINATION, row.key(), row).await?;
        }
        write_rows(store, self.on_time).await?;
        Ok(self.shared)
    }
}

async fn write_rows(store: &Store, rows: Vec<(Arc<Queue>, Row)>) -> Result<()> {
    for rows in rows.chunks(ROWS) {
        let mut batch = Batch::new();
        for (_, row) in rows {
            batch.put(DESTINATION, row.key(), to_document(DESTINATION, row)?);
        }
        store.commit(batch).await?;
        for (queue, row) in rows {
            queue.lock().stored = Some(row.clone());
        }
    }
    Ok(())
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
    fn nothing_is_written_twice() {
        let queues = [queue("a.com", |_| {})];
        let shared = Row::shared(&cut(5));

        let plan = plan(&queues, &cut(5), Some(&shared));

        assert!(plan.behind.is_empty() && plan.on_time.is_empty() && plan.shared.is_none());
    }

    #[test]
    fn a_server_that_is_behind_does_not_hold_the_others_back() {
        let queues = [
            queue("a.com", |state| state.behind = Some(cut(2))),
            queue("b.com", |_| {}),
        ];

        let plan = plan(&queues, &cut(5), None);

        assert_eq!(plan.behind[0].1.cursor.as_deref(), Some("g1_1.2"));
        assert_eq!(plan.shared, Some(Row::shared(&cut(5))));
    }

    #[test]
    fn a_server_that_is_on_time_again_loses_its_cursor() {
        let row = Row {
            server: "a.com".to_owned(),
            cursor: Some("g1_1.2".to_owned()),
            last_ok: 0,
            failures: 3,
            retry_at: 9,
        };
        let queues = [queue("a.com", |state| state.stored = Some(row))];

        let plan = plan(&queues, &cut(5), None);

        assert_eq!(
            (plan.on_time[0].1.cursor.clone(), plan.on_time[0].1.failures),
            (None, 0)
        );
    }
}
