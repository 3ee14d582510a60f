//! Reads.

use serde::de::DeserializeOwned;

use super::{Store, from_raw};
use crate::{Key, Projection, Result, Scan, Stored, Table};

/// The documents of a scan with their keys.
type Rows<T> = Vec<(Key, T)>;

impl Store {
    /// The document at `key`.
    pub async fn get<T: DeserializeOwned>(
        &self,
        table: &'static Table,
        key: &[u8],
    ) -> Result<Option<T>> {
        Ok(self
            .read(table, &[key.to_vec()], Projection::Full)
            .await?
            .pop()
            .flatten())
    }

    /// The document at `key` without its heavy fields.
    pub async fn get_light<T: DeserializeOwned>(
        &self,
        table: &'static Table,
        key: &[u8],
    ) -> Result<Option<T>> {
        Ok(self
            .read(table, &[key.to_vec()], Projection::Light)
            .await?
            .pop()
            .flatten())
    }

    /// The documents at `keys`, in their order, in one round trip.
    pub async fn multi_get<T: DeserializeOwned>(
        &self,
        table: &'static Table,
        keys: &[Key],
    ) -> Result<Vec<Option<T>>> {
        self.read(table, keys, Projection::Full).await
    }

    /// The documents at `keys` without their heavy fields, in their order, in one round trip.
    pub async fn multi_get_light<T: DeserializeOwned>(
        &self,
        table: &'static Table,
        keys: &[Key],
    ) -> Result<Vec<Option<T>>> {
        self.read(table, keys, Projection::Light).await
    }

    async fn read<T: DeserializeOwned>(
        &self,
        table: &'static Table,
        keys: &[Key],
        projection: Projection,
    ) -> Result<Vec<Option<T>>> {
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        for key in keys {
            table.check_key(key)?;
        }
        let found = self.inner.engine.get_many(table, keys, projection).await?;
        found
            .iter()
            .map(|doc| doc.as_ref().map(|doc| from_raw(table, doc)).transpose())
            .collect()
    }

    /// Damage that the engine itself sees, one text per finding; what documents say is checked by
    /// those who write them.
    pub async fn check(&self) -> Result<Vec<String>> {
        self.inner.engine.check().await
    }

    /// The documents of one scan.
    pub async fn scan<T: DeserializeOwned>(
        &self,
        table: &'static Table,
        scan: Scan,
    ) -> Result<Vec<(Key, T)>> {
        Ok(self
            .multi_scan(table, vec![scan])
            .await?
            .pop()
            .unwrap_or_default())
    }

    /// The documents of several scans, in one round trip.
    pub async fn multi_scan<T: DeserializeOwned>(
        &self,
        table: &'static Table,
        scans: Vec<Scan>,
    ) -> Result<Vec<Vec<(Key, T)>>> {
        let scans: Vec<_> = scans
            .into_iter()
            .map(|scan| scan.resolve(table))
            .collect::<Result<_>>()?;
        if scans.is_empty() {
            return Ok(Vec::new());
        }
        let decode = |stored: Vec<Stored>| -> Result<Rows<T>> {
            stored
                .into_iter()
                .map(|one| Ok((one.key, from_raw(table, &one.doc)?)))
                .collect()
        };
        self.inner
            .engine
            .scan_many(table, &scans)
            .await?
            .into_iter()
            .map(decode)
            .collect()
    }
}
