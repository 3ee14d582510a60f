//! Whether indexes fit their documents.

use redb::{ReadableTable as _, ReadableTableMetadata as _};

use super::{failed, index_name, reader::Reader, writer::entry_of};
use crate::{Index, Result, Table};

impl Reader {
    /// What is wrong with an index, if anything is.
    pub(super) fn check_index(
        &self,
        table: &'static Table,
        index: &'static Index,
    ) -> Result<Option<String>> {
        let Some(documents) = self.open(table.name)? else {
            return Ok(None);
        };
        let name = index_name(table, index);
        let Some(entries) = self.open(&name)? else {
            return Ok(Some(format!("index {name} is missing")));
        };
        let (mut expected, mut absent) = (0, 0);
        for document in documents.iter().map_err(failed)? {
            let (key, bytes) = document.map_err(failed)?;
            let Some(entry) = entry_of(table, index, key.value(), bytes.value())? else {
                continue;
            };
            expected += 1;
            let named = entries.get(entry.as_slice()).map_err(failed)?;
            if named.is_none_or(|named| named.value() != key.value()) {
                absent += 1;
            }
        }
        let present = entries.len().map_err(failed)?;
        Ok((absent > 0 || present != expected).then(|| {
            format!("index {name}: {absent} of {expected} documents not found, {present} entries")
        }))
    }
}
