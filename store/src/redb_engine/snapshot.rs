//! Everything at one moment.

use std::ops::Bound;
use std::sync::Arc;

use redb::{Database, ReadableDatabase as _};
use tokio::sync::mpsc;

use super::{failed, reader::Reader};
use crate::schema::TABLES;
use crate::{Result, Scan, Snapshot, Stored, Table};

/// Documents of a page.
const PAGE: usize = 500;

/// Pages that wait for whoever reads them.
const AHEAD: usize = 4;

type Page = Result<(&'static Table, Vec<Stored>)>;

/// Reads all tables in one read transaction, on a thread of its own. It ends early when nobody
/// takes the pages any more. Pages that writers replace meanwhile stay in the file until then.
pub(super) fn of(database: Arc<Database>) -> Snapshot {
    let (send, receive) = mpsc::channel(AHEAD);
    // A blocking task cannot be cancelled; it ends with its receiver.
    let reading = tokio::task::spawn_blocking(move || {
        if let Err(error) = read_all(&database, &send) {
            drop(send.blocking_send(Err(error)));
        }
    });
    Box::pin(futures::stream::unfold(
        (receive, reading),
        |(mut receive, reading)| async move {
            let page = receive.recv().await?;
            Some((page, (receive, reading)))
        },
    ))
}

fn read_all(database: &Database, send: &mpsc::Sender<Page>) -> Result<()> {
    let reader = Reader::new(database.begin_read().map_err(failed)?);
    for table in TABLES.iter().copied() {
        let mut from = Bound::Unbounded;
        loop {
            let scan = Scan::range(from, Bound::Unbounded).limit(PAGE);
            let page = reader.scan(table, &scan.resolve(table)?)?;
            let Some(last) = page.last() else { break };
            from = Bound::Excluded(last.key.clone());
            if send.blocking_send(Ok((table, page))).is_err() {
                return Ok(());
            }
        }
    }
    Ok(())
}
