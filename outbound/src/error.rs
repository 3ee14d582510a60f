//! How a request that leaves the server fails.

use crate::resolver::ResolveError;

/// The result of everything here.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why there is no answer, or why there is no client.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The URL, a header or a name of the request cannot be used.
    #[error("the request is not one that can be sent: {0}")]
    InvalidRequest(&'static str),
    /// The name could not be resolved.
    #[error("{host} cannot be resolved")]
    Resolve {
        /// The name.
        host: String,
        /// Why.
        #[source]
        source: ResolveError,
    },
    /// Every address of the name is in a denied range.
    #[error("the addresses of {host} are in a private range")]
    Denied {
        /// The name.
        host: String,
    },
    /// No connection, no TLS session or no HTTP answer came about.
    #[error("no answer from {host}")]
    Unreachable {
        /// The name.
        host: String,
        /// What the transport says.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// It took too long.
    #[error("no answer from {host} in time")]
    Timeout {
        /// The name.
        host: String,
    },
    /// The answer is larger than allowed.
    #[error("the answer is larger than {max_bytes} bytes")]
    TooLarge {
        /// What was allowed.
        max_bytes: usize,
    },
    /// A redirect leads nowhere, too far, or out of TLS.
    #[error("a redirect that is not followed: {0}")]
    Redirect(&'static str),
    /// The file of extra certificate authorities cannot be used.
    #[error("the extra certificate authorities cannot be loaded")]
    ExtraCa(#[source] Box<dyn std::error::Error + Send + Sync>),
}
