//! Reads within one transaction.

use std::ops::Bound;

use bson::RawDocumentBuf;
use redb::{ReadOnlyTable, ReadTransaction, ReadableTable, TableError};

use super::{Definition, encode, failed, index_name};
use crate::project::project;
use crate::{Error, Key, Projection, Result, Scan, ScanBy, Stored, Table};

type Open = ReadOnlyTable<&'static [u8], &'static [u8]>;

/// A read transaction. It lives within one blocking call, so it never keeps old pages for long.
pub(super) struct Reader {
    transaction: ReadTransaction,
}

impl Reader {
    pub(super) fn new(transaction: ReadTransaction) -> Self {
        Self { transaction }
    }

    pub(super) fn get_many(
        &self,
        table: &'static Table,
        keys: &[Key],
        projection: Projection,
    ) -> Result<Vec<Option<RawDocumentBuf>>> {
        let Some(documents) = self.open(table.name)? else {
            return Ok(vec![None; keys.len()]);
        };
        let get = |key: &Key| match documents.get(key.as_slice()).map_err(failed)? {
            Some(bytes) => project(table, projection, bytes.value().to_vec()).map(Some),
            None => Ok(None),
        };
        keys.iter().map(get).collect()
    }

    pub(super) fn scan(&self, table: &'static Table, scan: &Scan) -> Result<Vec<Stored>> {
        let Some(documents) = self.open(table.name)? else {
            return Ok(Vec::new());
        };
        let decode = |key: &[u8], bytes: &[u8]| {
            let doc = project(table, scan.projection, bytes.to_vec())?;
            Ok(Stored {
                key: key.to_vec(),
                doc,
            })
        };
        match &scan.by {
            ScanBy::Key { from, to } => visit(&documents, from, to, scan, decode),
            ScanBy::Index { index, eq, range } => {
                let index = table.index(index).ok_or(Error::UnknownIndex {
                    table: table.name,
                    index,
                })?;
                let Some(entries) = self.open(&index_name(table, index))? else {
                    return Ok(Vec::new());
                };
                let (from, to) = encode::bounds(table, eq, range.as_ref())?;
                visit(&entries, &from, &to, scan, |_, key| {
                    let bytes = documents.get(key).map_err(failed)?.ok_or_else(|| {
                        Error::malformed(table, format!("index {} names a lost one", index.name))
                    })?;
                    decode(key, bytes.value())
                })
            }
        }
    }

    /// A table; `None`: an older program made the store, and nothing was written to it since.
    pub(super) fn open(&self, name: &str) -> Result<Option<Open>> {
        match self.transaction.open_table(Definition::new(name)) {
            Ok(table) => Ok(Some(table)),
            Err(TableError::TableDoesNotExist(_)) => Ok(None),
            Err(error) => Err(failed(error)),
        }
    }
}

/// Calls `decode` with keys and values between two bounds, in the order and up to the limit of the
/// scan.
fn visit(
    table: &impl ReadableTable<&'static [u8], &'static [u8]>,
    from: &Bound<Key>,
    to: &Bound<Key>,
    scan: &Scan,
    mut decode: impl FnMut(&[u8], &[u8]) -> Result<Stored>,
) -> Result<Vec<Stored>> {
    if is_empty(from, to) {
        return Ok(Vec::new());
    }
    let bounds = (
        from.as_ref().map(Vec::as_slice),
        to.as_ref().map(Vec::as_slice),
    );
    let mut range = table.range::<&[u8]>(bounds).map_err(failed)?;
    let mut found = Vec::new();
    while found.len() < scan.limit {
        let Some(next) = (if scan.reverse {
            range.next_back()
        } else {
            range.next()
        }) else {
            break;
        };
        let (key, value) = next.map_err(failed)?;
        found.push(decode(key.value(), value.value())?);
    }
    Ok(found)
}

/// Whether nothing lies between the bounds; an ordered map may refuse such a range.
fn is_empty(from: &Bound<Key>, to: &Bound<Key>) -> bool {
    match (from, to) {
        (Bound::Unbounded, _) | (_, Bound::Unbounded) => false,
        (Bound::Included(from), Bound::Included(to)) => from > to,
        (
            Bound::Included(from) | Bound::Excluded(from),
            Bound::Included(to) | Bound::Excluded(to),
        ) => from >= to,
    }
}
