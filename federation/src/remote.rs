//! The endpoints of other servers, one method each. Answers are read, bounded and not yet checked.

mod events;
mod handshake;
mod queries;

pub(crate) use handshake::{Joined, MadeTemplate};

use crate::wire::encode;

/// A path below `/_matrix/federation`.
fn path(version: &str, parts: &[&str]) -> String {
    let mut path = format!("/_matrix/federation/{version}");
    for part in parts {
        path.push('/');
        path.push_str(&encode(part));
    }
    path
}

/// A query of these pairs.
fn query(pairs: &[(&str, &str)]) -> String {
    let mut query = String::new();
    for (index, (key, value)) in pairs.iter().enumerate() {
        query.push(if index == 0 { '?' } else { '&' });
        query.push_str(key);
        query.push('=');
        query.push_str(&encode(value));
    }
    query
}
