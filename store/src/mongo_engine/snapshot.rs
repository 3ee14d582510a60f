//! Everything at one moment.

use bson::{RawDocumentBuf, doc};
use mongodb::options::{Hint, ReadConcern};
use mongodb::{Client, ClientSession, Database, SessionCursor};

use super::{failure::failed, keyed};
use crate::schema::TABLES;
use crate::{Result, Snapshot, Stored, Table};

/// Documents of a page.
const PAGE: u32 = 500;

/// The reading of all tables in one session that sees one moment.
struct Reading {
    database: Database,
    session: ClientSession,
    /// The tables that are still to come.
    tables: std::slice::Iter<'static, &'static Table>,
    open: Option<(&'static Table, SessionCursor<RawDocumentBuf>)>,
}

/// Reads all tables as they stand at the first read. The server keeps that moment for
/// `minSnapshotHistoryWindowInSeconds` (300 by default): a larger store needs a longer window.
pub(super) fn of(client: Client, database: Database) -> Snapshot {
    let start = async move {
        let session = client
            .start_session()
            .snapshot(true)
            .await
            .map_err(failed)?;
        Ok(Reading {
            database,
            session,
            tables: TABLES.iter(),
            open: None,
        })
    };
    let pages = |mut reading: Reading| async move {
        let page = reading.next().await?;
        Ok::<_, crate::Error>(page.map(|page| (page, reading)))
    };
    Box::pin(futures::TryStreamExt::try_flatten(futures::stream::once(
        async move {
            let reading: Result<Reading> = start.await;
            Ok::<_, crate::Error>(futures::stream::try_unfold(reading?, pages))
        },
    )))
}

impl Reading {
    async fn next(&mut self) -> Result<Option<(&'static Table, Vec<Stored>)>> {
        loop {
            let (table, mut cursor) = match self.open.take() {
                Some(open) => open,
                None => match self.tables.next() {
                    Some(table) => (*table, self.find(table).await?),
                    None => return Ok(None),
                },
            };
            let mut page = Vec::new();
            while page.len() < PAGE as usize {
                let Some(doc) = cursor.next(&mut self.session).await else {
                    break;
                };
                page.push(keyed::split(table, doc.map_err(failed)?)?);
            }
            if page.is_empty() {
                continue;
            }
            self.open = Some((table, cursor));
            return Ok(Some((table, page)));
        }
    }

    async fn find(&mut self, table: &'static Table) -> Result<SessionCursor<RawDocumentBuf>> {
        let collection = self.database.collection::<RawDocumentBuf>(table.name);
        let find = collection
            .find(doc! {})
            .sort(doc! { "_id": 1 })
            .hint(Hint::Name("_id_".into()))
            .batch_size(PAGE)
            // The driver leaves the level alone that the client was made with (majority).
            .read_concern(ReadConcern::snapshot());
        find.session(&mut self.session).await.map_err(failed)
    }
}
