//! How much one other server may have us do at a time.

use std::{collections::HashMap, sync::Arc};

use axum::{extract::Request, middleware::Next, response::Response};
use gantry_model::id::{OwnedServerName, ServerName};
use parking_lot::Mutex;

use crate::{Error, Result};

/// Requests of one server that are worked on at once.
const MAX_REQUESTS: usize = 50;
/// When a server that has too many may come again, in milliseconds.
const RETRY_AFTER_MS: u64 = 1_000;

/// The requests of each server that are worked on now. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub(crate) struct Requests(Arc<Mutex<HashMap<OwnedServerName, usize>>>);

/// One request under way; it ends when this is dropped.
#[derive(Debug)]
struct UnderWay {
    requests: Requests,
    server: OwnedServerName,
}

/// Where a request keeps its place until it is answered.
#[derive(Debug, Clone, Default)]
pub(crate) struct Slot(Arc<Mutex<Option<UnderWay>>>);

impl Requests {
    /// Begins a request of a server whose name is proven; it ends with `slot`.
    pub(crate) fn begin(&self, server: &ServerName, slot: &Slot) -> Result<()> {
        let mut counts = self.0.lock();
        let count = counts.entry(server.to_owned()).or_default();
        if *count >= MAX_REQUESTS {
            return Err(Error::Overloaded {
                retry_after_ms: RETRY_AFTER_MS,
            });
        }
        *count += 1;
        drop(counts);
        let under_way = UnderWay {
            requests: self.clone(),
            server: server.to_owned(),
        };
        drop(slot.0.lock().replace(under_way));
        Ok(())
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        let mut counts = self.requests.0.lock();
        if let Some(count) = counts.get_mut(&self.server) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.server);
            }
        }
    }
}

/// Gives each request a place to keep until it is answered.
pub(crate) async fn with_slot(mut request: Request, next: Next) -> Response {
    let slot = Slot::default();
    request.extensions_mut().insert(slot.clone());
    let response = next.run(request).await;
    drop(slot.0.lock().take());
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_with_too_many_requests_waits_and_another_does_not() {
        let requests = Requests::default();
        let (a, b): (&ServerName, &ServerName) =
            ("a.com".try_into().unwrap(), "b.com".try_into().unwrap());
        let slots: Vec<Slot> = (0..MAX_REQUESTS).map(|_| Slot::default()).collect();

        for slot in &slots {
            requests.begin(a, slot).unwrap();
        }
        let late = Slot::default();
        assert!(matches!(
            requests.begin(a, &late),
            Err(Error::Overloaded { .. })
        ));
        requests.begin(b, &late).unwrap();
        drop(slots);

        requests.begin(a, &Slot::default()).unwrap();
        drop(late);
        assert!(requests.0.lock().is_empty());
    }
}
