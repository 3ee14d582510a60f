//! JSON of other servers, parsed where it holds nobody up.

use std::sync::Arc;

use bytes::Bytes;
use gantry_model::{JsonError, Value};
use tokio::sync::Semaphore;

/// Text up to this length, in bytes, is parsed at once.
const SHORT: usize = 64 * 1024;
/// So many longer texts are parsed at the same time.
const AT_ONCE: usize = 2;

/// Parses what other servers send. Cheap to clone; all clones share its places.
#[derive(Debug, Clone)]
pub(crate) struct Parser(Arc<Semaphore>);

impl Default for Parser {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(AT_ONCE)))
    }
}

impl Parser {
    /// Parses any JSON; long text on a thread that may take its time.
    pub(crate) async fn parse(&self, text: Bytes) -> Result<Value, JsonError> {
        if text.len() <= SHORT {
            return Value::parse(&text);
        }
        let place = Arc::clone(&self.0).acquire_owned().await;
        let parse = move || {
            let _place = place;
            Value::parse(&text)
        };
        let parsed = tokio::task::spawn_blocking(parse).await;
        parsed.expect("parsing does not panic")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn short_and_long_texts_are_parsed_alike() {
        let parser = Parser::default();
        for length in [10, SHORT, 10 * SHORT] {
            let text = Value::from("a".repeat(length));
            let json = Bytes::from(format!("\"{}\"", "a".repeat(length)));

            assert_eq!(parser.parse(json.clone()).await.unwrap(), text);
            let broken = parser.parse(json.slice(..json.len() - 1)).await;
            assert!(matches!(broken, Err(JsonError::Syntax(_))));
        }
    }
}
