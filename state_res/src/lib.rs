//! Authorization rules and state resolution.
