//! The files of tables: records of a key and a document.

use gantry_model::hash::hex;
use std::fs::File;
use std::io::{BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use bson::RawDocumentBuf;
use sha2::{Digest as _, Sha256};

use super::io;
use super::manifest::TableFile;
use crate::{Error, Result, Stored, Table};

/// No document is larger: MongoDB takes 16 MB.
const MAX_DOCUMENT: usize = 16 << 20;

fn path_of(folder: &Path, name: &str) -> PathBuf {
    folder.join(format!("{name}.bson"))
}

/// Writes the file of one table.
pub(super) struct TableWriter {
    table: &'static Table,
    path: PathBuf,
    file: BufWriter<File>,
    hash: Sha256,
    documents: u64,
    bytes: u64,
}

impl TableWriter {
    pub(super) fn create(folder: &Path, table: &'static Table) -> Result<Self> {
        let path = path_of(folder, table.name);
        let file = BufWriter::new(File::create_new(&path).map_err(io(&path))?);
        Ok(Self {
            table,
            path,
            file,
            hash: Sha256::new(),
            documents: 0,
            bytes: 0,
        })
    }

    pub(super) fn table(&self) -> &'static Table {
        self.table
    }

    pub(super) fn write(&mut self, page: &[Stored]) -> Result<()> {
        for one in page {
            for part in [one.key.as_slice(), one.doc.as_bytes()] {
                self.hash.update(part);
                self.bytes += part.len() as u64;
                self.file.write_all(part).map_err(io(&self.path))?;
            }
            self.documents += 1;
        }
        Ok(())
    }

    /// Makes the file durable.
    pub(super) fn finish(mut self) -> Result<TableFile> {
        self.file.flush().map_err(io(&self.path))?;
        self.file.get_ref().sync_all().map_err(io(&self.path))?;
        Ok(TableFile {
            name: self.table.name.to_owned(),
            documents: self.documents,
            bytes: self.bytes,
            sha256: hex(&self.hash.finalize()),
        })
    }
}

/// Checks that a file is the one that the manifest names.
pub(super) fn verify(folder: &Path, said: &TableFile) -> Result<()> {
    let path = path_of(folder, &said.name);
    let mut file = File::open(&path).map_err(io(&path))?;
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 1 << 16];
    loop {
        let read = file.read(&mut buffer).map_err(io(&path))?;
        if read == 0 {
            break;
        }
        hash.update(&buffer[..read]);
    }
    if hex(&hash.finalize()) == said.sha256 {
        return Ok(());
    }
    let reason = format!("{} is damaged: its checksum is another one", path.display());
    Err(Error::Unsuitable(reason))
}

/// Reads the file of one table.
pub(super) struct TableReader<R> {
    table: &'static Table,
    source: R,
}

impl TableReader<BufReader<File>> {
    pub(super) fn open(folder: &Path, table: &'static Table) -> Result<Self> {
        let path = path_of(folder, table.name);
        let source = BufReader::new(File::open(&path).map_err(io(&path))?);
        Ok(Self { table, source })
    }
}

impl<R: Read> TableReader<R> {
    /// The next record; `None` at the end of the file.
    pub(super) fn next(&mut self) -> Result<Option<Stored>> {
        let mut key = Vec::with_capacity(self.table.key_len);
        self.take(self.table.key_len, &mut key)?;
        if key.is_empty() {
            return Ok(None);
        }
        let mut document = Vec::new();
        self.take(4, &mut document)?;
        let length = document
            .first_chunk()
            .map_or(0, |head| i32::from_le_bytes(*head));
        let rest = usize::try_from(length)
            .ok()
            .and_then(|length| length.checked_sub(4))
            .filter(|rest| *rest <= MAX_DOCUMENT && key.len() == self.table.key_len)
            .ok_or_else(|| Error::malformed(self.table, "a record of another form"))?;
        self.take(rest, &mut document)?;
        let doc = RawDocumentBuf::from_bytes(document)
            .map_err(|error| Error::malformed(self.table, error))?;
        Ok(Some(Stored { key, doc }))
    }

    fn take(&mut self, length: usize, into: &mut Vec<u8>) -> Result<()> {
        let mut some = (&mut self.source).take(length as u64);
        some.read_to_end(into)
            .map_err(|error| Error::malformed(self.table, error))?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use bson::rawdoc;
    use proptest::prelude::*;

    use super::*;
    use crate::schema::DIRECTORY;

    fn read(bytes: &[u8]) -> Result<Vec<Stored>> {
        let mut reader = TableReader {
            table: DIRECTORY,
            source: bytes,
        };
        std::iter::from_fn(|| reader.next().transpose())
            .take(1_000)
            .collect()
    }

    proptest! {
        #[test]
        fn any_bytes_are_records_or_refused(bytes: Vec<u8>) {
            if let Ok(found) = read(&bytes) {
                let again: Vec<u8> = found
                    .iter()
                    .flat_map(|one| [one.key.as_slice(), one.doc.as_bytes()].concat())
                    .collect();
                prop_assert_eq!(again, bytes);
            }
        }

        #[test]
        fn a_file_that_was_cut_short_is_refused_or_shorter(cut in 0_usize..60) {
            let mut bytes = vec![7; 8];
            bytes.extend(rawdoc! { "a": 1, "b": "text" }.as_bytes());
            bytes.extend(bytes.clone());
            let kept = cut.min(bytes.len());

            let found = read(&bytes[..kept]);

            let whole = kept % (bytes.len() / 2) == 0;
            prop_assert_eq!(found.is_ok(), whole);
        }
    }
}
