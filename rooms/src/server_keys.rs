//! Keys of other servers, kept for good: old events need old keys.

use gantry_model::{
    Object, VerifyKey,
    canonical_json::{object_to_bytes, parse_object},
    id::ServerName,
};
use gantry_store::{Batch, Blob, Scan, concat, hash16, schema::SERVER_KEY, to_document};
use serde::{Deserialize, Serialize};

use crate::{Error, Result, Rooms};

/// A key of another server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerKey {
    /// The key's id, `ed25519:...`.
    pub key_id: String,
    /// The key.
    pub key: VerifyKey,
    /// Until when it is valid, in milliseconds; of an expired key, when it expired.
    pub valid_until_ts: i64,
    /// Whether the server has retired it.
    pub expired: bool,
}

/// The longest answer about keys that is kept, in bytes.
const MAX_ANSWER_BYTES: usize = 16 * 1024;

#[derive(Debug, Serialize, Deserialize)]
struct KeyDoc {
    server: String,
    key_id: String,
    key: String,
    valid_until_ts: i64,
    expired: bool,
    /// The last answer that named the key as a current one, in canonical JSON.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    answer: Option<Blob>,
}

impl Rooms {
    /// The stored keys of a server.
    pub async fn server_keys(&self, server: &ServerName) -> Result<Vec<ServerKey>> {
        let scan = Scan::prefix(&hash16(&[server.as_bytes()]));
        let rows = self.store().scan::<KeyDoc>(SERVER_KEY, scan).await?;
        rows.into_iter()
            .map(|(_, doc)| {
                let key = VerifyKey::from_base64(&doc.key)
                    .map_err(|_| Error::Broken("malformed server key"))?;
                Ok(ServerKey {
                    key_id: doc.key_id,
                    key,
                    valid_until_ts: doc.valid_until_ts,
                    expired: doc.expired,
                })
            })
            .collect()
    }

    /// The stored answers of a server about its keys, as they were received; none twice. For each
    /// key the last one that named it as current, unless that was longer than 16 KiB.
    pub async fn server_key_answers(&self, server: &ServerName) -> Result<Vec<Object>> {
        let scan = Scan::prefix(&hash16(&[server.as_bytes()]));
        let rows = self.store().scan::<KeyDoc>(SERVER_KEY, scan).await?;
        let mut answers: Vec<Vec<u8>> = rows
            .into_iter()
            .filter_map(|(_, doc)| doc.answer.map(Vec::from))
            .collect();
        answers.sort_unstable();
        answers.dedup();
        answers
            .iter()
            .map(|bytes| {
                parse_object(bytes).map_err(|_| Error::Broken("an answer about keys is not JSON"))
            })
            .collect()
    }

    /// Keeps keys of a server, and the answer that named them.
    pub async fn put_server_keys(
        &self,
        server: &ServerName,
        keys: &[ServerKey],
        answer: &Object,
    ) -> Result<()> {
        let answer = object_to_bytes(answer);
        let answer = (answer.len() <= MAX_ANSWER_BYTES).then_some(Blob(answer));
        let mut batch = Batch::new();
        for key in keys {
            let doc = KeyDoc {
                server: server.to_string(),
                key_id: key.key_id.clone(),
                key: key.key.to_base64(),
                valid_until_ts: key.valid_until_ts,
                expired: key.expired,
                answer: answer.clone().filter(|_| !key.expired),
            };
            let doc_key = concat(&[
                &hash16(&[server.as_bytes()]),
                &hash16(&[key.key_id.as_bytes()]),
            ]);
            batch.put(SERVER_KEY, doc_key, to_document(SERVER_KEY, &doc)?);
        }
        if !batch.is_empty() {
            self.store().commit(batch).await?;
        }
        Ok(())
    }
}
