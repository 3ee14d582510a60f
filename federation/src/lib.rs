//! The server-server API, both directions.
