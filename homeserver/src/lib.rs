//! Use-cases: one user-visible act per method.
