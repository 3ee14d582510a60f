//! Writes within one transaction.

use std::collections::HashMap;

use bson::{Document, RawDocument};
use redb::{ReadableTable as _, WriteTransaction};

use super::{Definition, encode, failed, index_name};
use crate::project::{integer, project};
use crate::{Error, Index, Key, Op, Projection, Result, Stored, Table, Verdict};

type Open<'t> = redb::Table<'t, &'static [u8], &'static [u8]>;

const FREE: Verdict = Verdict::Conflict { index: None };

/// A write transaction with the tables that it has opened so far: redb opens each only once.
pub(super) struct Writer<'t> {
    transaction: &'t WriteTransaction,
    documents: HashMap<&'static str, Open<'t>>,
    entries: HashMap<(&'static str, &'static str), Open<'t>>,
}

impl<'t> Writer<'t> {
    pub(super) fn new(transaction: &'t WriteTransaction) -> Self {
        Self {
            transaction,
            documents: HashMap::new(),
            entries: HashMap::new(),
        }
    }

    /// Applies one operation completely or not at all.
    pub(super) fn apply(&mut self, op: &Op) -> Result<Verdict> {
        let (table, key) = (op.table(), op.key());
        let old = self.get(table, key)?;
        match op {
            Op::Insert { doc, .. }
            | Op::PutIf {
                doc,
                expected: None,
                ..
            } => match old {
                Some(_) => Ok(FREE),
                None => self.replace(table, key, None, Some(doc)),
            },
            Op::PutIf { doc, expected, .. } => {
                let stored = match &old {
                    Some(bytes) => version(table, bytes)?,
                    None => None,
                };
                if stored != *expected {
                    return Ok(FREE);
                }
                self.replace(table, key, old.as_deref(), Some(doc))
            }
            Op::Put { doc, .. } => self.replace(table, key, old.as_deref(), Some(doc)),
            Op::Delete { .. } => self.replace(table, key, old.as_deref(), None),
        }
    }

    /// Removes and returns the first document whose key begins with `prefix`.
    pub(super) fn take_first(
        &mut self,
        table: &'static Table,
        prefix: &[u8],
    ) -> Result<Option<Stored>> {
        let first = match self
            .documents(table)?
            .range(prefix..)
            .map_err(failed)?
            .next()
        {
            Some(found) => {
                let (key, bytes) = found.map_err(failed)?;
                (key.value().to_vec(), bytes.value().to_vec())
            }
            None => return Ok(None),
        };
        let (key, bytes) = first;
        if !key.starts_with(prefix) {
            return Ok(None);
        }
        self.replace(table, &key, Some(&bytes), None)?;
        let doc = project(table, Projection::Full, bytes)?;
        Ok(Some(Stored { key, doc }))
    }

    /// Makes sure that a table exists.
    pub(super) fn create(&mut self, table: &'static Table) -> Result<()> {
        self.documents(table).map(|_| ())
    }

    /// Makes sure that an index exists and holds every document of the table.
    pub(super) fn fill(&mut self, table: &'static Table, index: &'static Index) -> Result<()> {
        let mut found = Vec::new();
        for one in self.documents(table)?.iter().map_err(failed)? {
            let (key, bytes) = one.map_err(failed)?;
            let key = key.value().to_vec();
            if let Some(entry) = entry_of(table, index, &key, bytes.value())? {
                found.push((entry, key));
            }
        }
        let entries = self.entries(table, index)?;
        for (entry, key) in found {
            let previous = entries
                .insert(entry.as_slice(), key.as_slice())
                .map_err(failed)?;
            if previous.is_some() {
                let reason = format!("two documents are alike in index {}", index.name);
                return Err(Error::malformed(table, reason));
            }
        }
        Ok(())
    }

    /// Puts `new` in the place of `old` (the stored bytes) in the table and all indexes.
    fn replace(
        &mut self,
        table: &'static Table,
        key: &Key,
        old: Option<&[u8]>,
        new: Option<&Document>,
    ) -> Result<Verdict> {
        let new = new
            .map(|doc| doc.to_vec().map_err(|error| Error::malformed(table, error)))
            .transpose()?;
        let mut changes = Vec::new();
        for index in table.indexes {
            let entry = |doc: Option<&[u8]>| match doc {
                Some(bytes) => entry_of(table, index, key, bytes),
                None => Ok(None),
            };
            let (before, after) = (entry(old)?, entry(new.as_deref())?);
            if before == after {
                continue;
            }
            if let Some(after) = &after
                && index.unique
                && self
                    .entries(table, index)?
                    .get(after.as_slice())
                    .map_err(failed)?
                    .is_some()
            {
                return Ok(Verdict::Conflict {
                    index: Some(index.name),
                });
            }
            changes.push((index, before, after));
        }
        for (index, before, after) in changes {
            let entries = self.entries(table, index)?;
            if let Some(before) = before {
                entries.remove(before.as_slice()).map_err(failed)?;
            }
            if let Some(after) = after {
                entries
                    .insert(after.as_slice(), key.as_slice())
                    .map_err(failed)?;
            }
        }
        let documents = self.documents(table)?;
        match new {
            Some(bytes) => documents
                .insert(key.as_slice(), bytes.as_slice())
                .map_err(failed)?,
            None => documents.remove(key.as_slice()).map_err(failed)?,
        };
        Ok(Verdict::Applied)
    }

    fn get(&mut self, table: &'static Table, key: &Key) -> Result<Option<Vec<u8>>> {
        let found = self.documents(table)?.get(key.as_slice()).map_err(failed)?;
        Ok(found.map(|bytes| bytes.value().to_vec()))
    }

    fn documents(&mut self, table: &'static Table) -> Result<&mut Open<'t>> {
        open(self.transaction, &mut self.documents, table.name, || {
            table.name.to_owned()
        })
    }

    fn entries(&mut self, table: &'static Table, index: &'static Index) -> Result<&mut Open<'t>> {
        let slot = (table.name, index.name);
        open(self.transaction, &mut self.entries, slot, || {
            index_name(table, index)
        })
    }
}

fn open<'w, 't, K: std::hash::Hash + Eq>(
    transaction: &'t WriteTransaction,
    opened: &'w mut HashMap<K, Open<'t>>,
    slot: K,
    name: impl FnOnce() -> String,
) -> Result<&'w mut Open<'t>> {
    use std::collections::hash_map::Entry;
    match opened.entry(slot) {
        Entry::Occupied(found) => Ok(found.into_mut()),
        Entry::Vacant(free) => {
            let table = transaction
                .open_table(Definition::new(&name()))
                .map_err(failed)?;
            Ok(free.insert(table))
        }
    }
}

/// The entry of a document in an index. Where several documents may have the same values, the key
/// follows them.
pub(super) fn entry_of(
    table: &'static Table,
    index: &Index,
    key: &[u8],
    bytes: &[u8],
) -> Result<Option<Vec<u8>>> {
    let doc = RawDocument::from_bytes(bytes).map_err(|error| Error::malformed(table, error))?;
    let mut entry = encode::entry(table, index, doc)?;
    if let Some(entry) = &mut entry
        && !index.unique
    {
        entry.extend_from_slice(key);
    }
    Ok(entry)
}

fn version(table: &'static Table, bytes: &[u8]) -> Result<Option<i64>> {
    let doc = RawDocument::from_bytes(bytes).map_err(|error| Error::malformed(table, error))?;
    Ok(crate::project::value_at(table, doc, "v")?.and_then(integer))
}
