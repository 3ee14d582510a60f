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
