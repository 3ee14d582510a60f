//! The one HTTP client that leaves the server.
