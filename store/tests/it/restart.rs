//! Closing and opening again.

use gantry_store::bson::doc;
use gantry_store::schema::{DATA, META, ROOM, SCHEMA, WRITERS};
use gantry_store::{Error, Store, hash16};

use crate::commits::{assert_dense, borne, data_key, entry};
use crate::fixture::{Fixture, all, commit};

pub(crate) async fn everything_is_there_after_a_restart_and_numbers_go_on(fixture: &Fixture) {
    let store = fixture.store().await;
    for n in 0..5 {
        store
            .commit(entry(n, doc! { "n": n as i64 }))
            .await
            .expect("commits");
    }
    let (before, cut) = (all(&store, ROOM).await, store.cut());
    store.shutdown().await;
    drop(store);

    let store = fixture.store().await;

    assert_eq!(all(&store, ROOM).await, before);
    assert_eq!(store.cut(), cut);
    let outcomes = store.commit(entry(5, doc! {})).await.expect("commits");
    assert_eq!(outcomes[0].position().map(|position| position.s), Some(6));
    assert_dense(&store, 6).await;
    let row = all(&store, WRITERS)
        .await
        .into_values()
        .next()
        .expect("the slot");
    assert_eq!(row.get_i64("epoch").ok(), Some(2));
    store.shutdown().await;
}

pub(crate) async fn a_deleted_document_does_not_give_its_number_back(fixture: &Fixture) {
    let engine = fixture.engine().await;
    let store = fixture.store_on(&engine).await;
    store.commit(entry(1, doc! {})).await.expect("commits");
    commit(&store, |batch| {
        batch.put_if_stamped(DATA, data_key(1), None, doc! { "v": 1_i64 });
    })
    .await;
    store.delete(DATA, data_key(1)).await.expect("removed");

    // The first is not closed: this is how a crash looks to the next one.
    let next = fixture.store_on(&engine).await;

    let outcomes = next.commit(entry(2, doc! {})).await.expect("commits");
    let position = outcomes[0].position().expect("applied");
    assert!(position.w > 1 || position.s > 2, "{position}");
    assert_dense(&next, next.cut().mark(1)).await;
    next.shutdown().await;
}

pub(crate) async fn another_schema_is_refused(fixture: &Fixture) {
    let engine = fixture.engine().await;
    let store = fixture.store_on(&engine).await;
    for (schema, why) in [
        (SCHEMA + 1, "newer program"),
        (SCHEMA - 1, "never released"),
    ] {
        let about = doc! { "schema": schema, "generation": 1 };
        let key = hash16(&[b"store"]).to_vec();
        store.put(META, key, &about).await.expect("stored");

        let Err(error) = Store::open(engine.clone(), "node").await else {
            panic!("it opened")
        };

        assert!(error.to_string().contains(why), "{error}");
    }
    store.shutdown().await;
}

pub(crate) async fn a_closed_store_commits_nothing(fixture: &Fixture) {
    let store = fixture.store().await;
    let (queued, ()) = futures::join!(store.commit(entry(1, doc! {})), store.shutdown());

    let refused = store.commit(entry(2, doc! {})).await;

    assert!(queued.expect("commits")[0].is_applied());
    assert!(matches!(refused, Err(Error::Closed)));
}

pub(crate) async fn a_second_owner_of_the_slot_ends_the_first(fixture: &Fixture) {
    let engine = fixture.engine().await;
    let first = fixture.store_on(&engine).await;
    first.commit(entry(1, doc! {})).await.expect("commits");
    let second = fixture.store_on(&engine).await;
    second.commit(entry(2, doc! {})).await.expect("commits");

    let lost = first.commit(entry(3, doc! {})).await;

    assert!(matches!(lost, Err(Error::SlotLost(1))));
    assert!(matches!(
        first.commit(entry(4, doc! {})).await,
        Err(Error::Closed)
    ));
    second.commit(entry(3, doc! {})).await.expect("commits");
    let last = second.cut().mark(1);
    assert_dense(&second, last).await;
    assert_eq!(borne(&second).await.len() as u64, last);
    second.shutdown().await;
}
