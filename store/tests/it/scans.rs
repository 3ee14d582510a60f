//! Scans against sorted lists.

use std::collections::BTreeMap;
use std::ops::Bound;

use gantry_store::bson::{Bson, Document, doc};
use gantry_store::schema::{FILTER, ROOM};
use gantry_store::{Batch, Blob, Error, Key, Scan, Store, room_key};

use crate::fixture::{Fixture, commit};

/// Numbers that look random and are the same in every run.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (self.0 >> 33) % end
    }
}

/// Documents under keys that share beginnings of every length.
async fn fill(store: &Store, numbers: &mut Numbers) -> Vec<Key> {
    let mut docs = BTreeMap::new();
    while docs.len() < 150 {
        let alphabet = [0, 1, 0x7f, 0x80, 0xff];
        let key: Key = (0..24)
            .map(|_| alphabet[numbers.below(5) as usize])
            .collect();
        let cut = numbers.below(24) as usize;
        docs.insert(
            [&[0xff; 24][..cut], &key[cut..]].concat(),
            doc! { "n": docs.len() as i64 },
        );
    }
    let mut batch = Batch::new();
    for (key, doc) in &docs {
        batch.insert(FILTER, key.clone(), doc.clone());
    }
    store.commit(batch).await.expect("commits");
    docs.into_keys().collect()
}

async fn keys(store: &Store, scan: Scan) -> Vec<Key> {
    let found = store.scan::<Document>(FILTER, scan).await.expect("scans");
    found.into_iter().map(|(key, _)| key).collect()
}

pub(crate) async fn prefixes_of_any_length_find_what_begins_so(fixture: &Fixture) {
    let store = fixture.store().await;
    let mut numbers = Numbers(7);
    let stored = fill(&store, &mut numbers).await;

    for _ in 0..60 {
        let some = &stored[numbers.below(150) as usize];
        let prefix = &some[..numbers.below(25) as usize];
        let expected: Vec<_> = stored
            .iter()
            .filter(|key| key.starts_with(prefix))
            .cloned()
            .collect();
        let mut backwards = expected.clone();
        backwards.reverse();
        backwards.truncate(3);

        assert_eq!(keys(&store, Scan::prefix(prefix)).await, expected);
        assert_eq!(
            keys(&store, Scan::prefix(prefix).reverse().limit(3)).await,
            backwards
        );
    }
    assert!(keys(&store, Scan::prefix(&[]).limit(0)).await.is_empty());
    store.shutdown().await;
}

pub(crate) async fn ranges_of_keys_find_what_lies_between(fixture: &Fixture) {
    let store = fixture.store().await;
    let mut numbers = Numbers(11);
    let stored = fill(&store, &mut numbers).await;
    let mut bound = || {
        let some = &stored[numbers.below(150) as usize];
        let part = some[..numbers.below(25) as usize].to_vec();
        match numbers.below(5) {
            0 | 1 => Bound::Included(part),
            2 | 3 => Bound::Excluded(part),
            _ => Bound::Unbounded,
        }
    };
    let ranges: Vec<_> = (0..60).map(|_| (bound(), bound())).collect();

    let scans = ranges
        .iter()
        .map(|(from, to)| Scan::range(from.clone(), to.clone()))
        .collect();
    let found = store
        .multi_scan::<Document>(FILTER, scans)
        .await
        .expect("scans");

    for (range, found) in ranges.into_iter().zip(found) {
        let inside = |key: &&Key| std::ops::RangeBounds::contains(&range, *key);
        let expected: Vec<_> = stored.iter().filter(inside).cloned().collect();
        let found: Vec<_> = found.into_iter().map(|(key, _)| key).collect();
        assert_eq!(found, expected, "{range:?}");
    }
    store.shutdown().await;
}

pub(crate) async fn index_scans_equal_a_sorted_list(fixture: &Fixture) {
    let store = fixture.store().await;
    let mut numbers = Numbers(13);
    let mut rows: Vec<(i64, i64, u64)> = (0..120)
        .map(|n| (numbers.below(3) as i64, numbers.below(20) as i64 - 10, n))
        .collect();
    commit(&store, |batch| {
        for (rid, ts, n) in &rows {
            batch.insert(ROOM, room_key(1, b'L', *n), doc! { "rid": *rid, "ts": *ts });
        }
    })
    .await;
    rows.sort_unstable();

    for _ in 0..60 {
        let rid = numbers.below(4) as i64;
        let mut bound = || {
            let ts = numbers.below(20) as i64 - 10;
            match numbers.below(5) {
                0 | 1 => Bound::Included(ts),
                2 | 3 => Bound::Excluded(ts),
                _ => Bound::Unbounded,
            }
        };
        let range = (bound(), bound());
        let (is_reverse, limit) = (numbers.below(2) == 1, 1 + numbers.below(30) as usize);
        let inside = |row: &&(i64, i64, u64)| {
            row.0 == rid && std::ops::RangeBounds::contains(&range, &row.1)
        };
        let mut expected: Vec<_> = rows.iter().filter(inside).map(|row| row.2).collect();
        let mut scan = Scan::index("ts", vec![Bson::Int64(rid)])
            .between(range.0.map(Bson::Int64), range.1.map(Bson::Int64))
            .limit(limit);
        if is_reverse {
            expected.reverse();
            scan = scan.reverse();
        }
        expected.truncate(limit);

        assert_eq!(numbers_of(&store, scan).await, expected, "{rid} {range:?}");
    }
    store.shutdown().await;
}

pub(crate) async fn dotted_and_mixed_width_fields_are_in_order(fixture: &Fixture) {
    let store = fixture.store().await;
    let hash = |byte| Blob(vec![byte; 16]);
    let docs = [
        doc! { "rid": 7_i32, "rel": { "hash": hash(2), "kind": "m.thread" } },
        doc! { "rid": 7_i64, "rel": { "hash": hash(1) } },
        doc! { "rid": 7_i64, "rel": { "hash": hash(2) } },
        doc! { "rid": 7_i64, "rel": { "kind": "m.thread" } },
        doc! { "rid": 8_i64, "rel": { "hash": hash(2) } },
    ];
    commit(&store, |batch| {
        for (n, doc) in (0..).zip(docs) {
            batch.insert(ROOM, room_key(1, b'L', n), doc);
        }
    })
    .await;

    let one = Scan::index("rel", vec![7_i32.into(), hash(2).into()]);
    assert_eq!(numbers_of(&store, one).await, [0, 2]);
    let all = Scan::index("rel", vec![7_i64.into()]);
    assert_eq!(numbers_of(&store, all).await, [1, 0, 2]);
    assert_eq!(
        numbers_of(&store, Scan::index("rel", vec![])).await,
        [1, 0, 2, 4]
    );
    store.shutdown().await;
}

async fn numbers_of(store: &Store, scan: Scan) -> Vec<u64> {
    let found = store.scan::<Document>(ROOM, scan).await.expect("scans");
    let number = |key: Key| u64::from_be_bytes(key[9..].try_into().expect("8 bytes"));
    found.into_iter().map(|(key, _)| number(key)).collect()
}

pub(crate) async fn unknown_indexes_are_refused(fixture: &Fixture) {
    let store = fixture.store().await;

    let unknown = store
        .scan::<Document>(FILTER, Scan::index("rid", vec![]))
        .await;
    let long = Scan::index("rc", vec![1.into()]).between(Bound::Unbounded, Bound::Unbounded);
    let long = store.scan::<Document>(ROOM, long).await;

    assert!(matches!(
        unknown,
        Err(Error::UnknownIndex { index: "rid", .. })
    ));
    assert!(matches!(long, Err(Error::UnknownIndex { index: "rc", .. })));
    store.shutdown().await;
}
