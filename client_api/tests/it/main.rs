//! The client-server API as clients meet it: paths, fields, status and error codes.

mod accounts;
mod administration;
mod appservices;
mod authentication;
mod harness;
mod owned_state;
mod people;
mod removal;
mod search;
mod seeing;
