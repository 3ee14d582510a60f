//! What a store says of itself: the version of its layout, and its generation.

use serde::{Deserialize, Serialize};

use crate::committer::Settler;
use crate::schema::{META, SCHEMA};
use crate::store::read_one;
use crate::{Error, Key, Op, Result, Table, hash16, to_document};

/// The row `store` of [`META`].
#[derive(Serialize, Deserialize)]
pub(crate) struct About {
    pub(crate) schema: i64,
    pub(crate) generation: u32,
    /// Whether a restore has begun and not ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) restoring: Option<bool>,
}

impl About {
    /// The generation, if this program knows the schema.
    pub(crate) fn fitting(&self) -> Result<u32> {
        if self.schema > SCHEMA {
            return Err(Error::Unsuitable(format!(
                "the store has schema {}, this program knows up to {SCHEMA}: use a newer program",
                self.schema
            )));
        }
        if self.schema < SCHEMA {
            return Err(Error::Unsuitable(format!(
                "the store has schema {}, which was never released: empty it and begin again",
                self.schema
            )));
        }
        if self.restoring == Some(true) {
            let reason = "a restore into this store has not ended: empty it and restore again";
            return Err(Error::Unsuitable(reason.to_owned()));
        }
        Ok(self.generation)
    }
}

/// Marks a store as one that is being restored: nobody opens it.
pub(crate) fn begin_restore(about: &About) -> Result<Op> {
    let about = About {
        restoring: Some(true),
        ..*about
    };
    put_about(&about)
}

/// Makes a restored store one that can be opened.
pub(crate) fn end_restore(about: &About) -> Result<Op> {
    put_about(about)
}

/// Whether a document is the row `store`, which a restore writes itself.
pub(crate) fn is_about(table: &Table, key: &[u8]) -> bool {
    table == META && key == about_key()
}

fn put_about(about: &About) -> Result<Op> {
    Ok(Op::Put {
        table: META,
        key: about_key(),
        doc: to_document(META, about)?,
    })
}

/// Checks that this program knows the layout of a store, which is made if it is new. Returns the
/// generation.
pub(crate) async fn check_schema(settler: &Settler) -> Result<u32> {
    let key = about_key();
    let about = match read_one::<About>(settler.engine.as_ref(), META, key.clone()).await? {
        Some(about) => about,
        None => {
            let about = About {
                schema: SCHEMA,
                generation: 1,
                restoring: None,
            };
            let doc = to_document(META, &about)?;
            // If another process was faster, it wrote the same.
            let op = Op::Insert {
                table: META,
                key,
                doc,
            };
            settler.settle_one(op).await?;
            about
        }
    };
    about.fitting()
}

/// The key of the row `store`.
pub(crate) fn about_key() -> Key {
    hash16(&[b"store"]).to_vec()
}
