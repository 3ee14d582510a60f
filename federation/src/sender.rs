//! Sending what waits in the outbox: `PUT /send/{txnId}`.

use std::sync::Arc;

use async_trait::async_trait;
use gantry_delivery::{Destination, SendFailed, Transaction};
use gantry_model::{Clock, Value, id::ServerName};

use crate::{
    Error,
    client::Client,
    wire::{object, text},
};

/// Sends transactions in our name.
#[derive(Debug)]
pub(crate) struct Sender {
    pub(crate) client: Client,
    pub(crate) clock: Arc<dyn Clock>,
}

#[async_trait]
impl Destination for Sender {
    async fn send(&self, server: &ServerName, transaction: &Transaction) -> Result<(), SendFailed> {
        let pdus = transaction
            .pdus
            .iter()
            .map(|pdu| pdu.object().clone().into());
        let edus = transaction.edus.iter().map(|edu| edu.object.clone().into());
        let body = object([
            ("origin", self.client.us().as_str().into()),
            ("origin_server_ts", self.clock.now_ms().into()),
            ("pdus", pdus.collect::<Vec<Value>>().into()),
            ("edus", edus.collect::<Vec<Value>>().into()),
        ]);
        match self
            .client
            .send_transaction(server, &transaction.id, body)
            .await
        {
            Ok(answer) => {
                log_refused(server, &answer);
                Ok(())
            }
            // Nothing is kept for a server that we do not talk to.
            Err(Error::Excluded { .. }) => Ok(()),
            Err(error) => Err(SendFailed(error.to_string())),
        }
    }
}

/// What the other server thinks of single events changes nothing, but an operator may want to
/// know.
fn log_refused(server: &ServerName, answer: &Value) {
    let results = answer.as_object().and_then(|answer| answer.get("pdus"));
    for (event, result) in results.and_then(Value::as_object).into_iter().flatten() {
        if let Some(error) = result.as_object().and_then(|result| text(result, "error")) {
            tracing::info!(%server, %event, error, "another server refused an event");
        }
    }
}
