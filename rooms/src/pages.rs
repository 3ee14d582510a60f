//! Whole tables and whole rooms, read a page at a time so that memory stays bounded.

use std::{marker::PhantomData, ops::Bound};

use futures::{Stream, stream};
use gantry_store::{Key, Scan, Store, Table, schema::ROOM};
use serde::de::DeserializeOwned;

use crate::{Result, codec::key};

/// Documents in the order of their keys.
pub(crate) struct Pages<'a, T> {
    store: &'a Store,
    table: &'static Table,
    /// Where the next page begins; `None`: there is none.
    next: Option<Bound<Key>>,
    end: Bound<Key>,
    limit: usize,
    holds: PhantomData<T>,
}

impl<'a, T: DeserializeOwned> Pages<'a, T> {
    /// All documents of a table.
    pub(crate) fn all(store: &'a Store, table: &'static Table, limit: usize) -> Self {
        Self {
            store,
            table,
            next: Some(Bound::Unbounded),
            end: Bound::Unbounded,
            limit,
            holds: PhantomData,
        }
    }

    /// The documents of one kind of a room.
    pub(crate) fn of_room(store: &'a Store, rid: u64, kind: u8, limit: usize) -> Self {
        Self::of_room_from(store, rid, kind, 0, limit)
    }

    /// The documents of one kind of a room, from a number on.
    pub(crate) fn of_room_from(
        store: &'a Store,
        rid: u64,
        kind: u8,
        first: u64,
        limit: usize,
    ) -> Self {
        Self {
            store,
            table: ROOM,
            next: Some(Bound::Included(key(rid, kind, first))),
            end: Bound::Included(key(rid, kind, u64::MAX)),
            limit,
            holds: PhantomData,
        }
    }

    /// Everything of a room.
    pub(crate) fn of_rid(store: &'a Store, rid: u64, limit: usize) -> Self {
        Self {
            store,
            table: ROOM,
            next: Some(Bound::Included(key(rid, 0, 0))),
            end: Bound::Included(key(rid, u8::MAX, u64::MAX)),
            limit,
            holds: PhantomData,
        }
    }

    /// The pages one after the other.
    pub(crate) fn stream(self) -> impl Stream<Item = Result<Vec<(Key, T)>>> + use<'a, T> {
        stream::try_unfold(self, async |mut pages| {
            let page = pages.next().await?;
            Ok(page.map(|page| (page, pages)))
        })
    }

    /// The next page; `None` after the last one.
    pub(crate) async fn next(&mut self) -> Result<Option<Vec<(Key, T)>>> {
        let Some(from) = self.next.take() else {
            return Ok(None);
        };
        let scan = Scan::range(from, self.end.clone()).limit(self.limit);
        let page = self.store.scan::<T>(self.table, scan).await?;
        if page.len() == self.limit {
            self.next = page.last().map(|(last, _)| Bound::Excluded(last.clone()));
        }
        Ok((!page.is_empty()).then_some(page))
    }
}
