//! The servers that this one talks to, by configuration.

use gantry_model::{Glob, id::ServerName};

/// Which servers may be talked to, in both directions. A pattern is compared with the whole name and
/// with the name without its port.
#[derive(Debug, Default)]
pub(crate) struct Peers {
    /// Empty: all.
    allow: Vec<Glob>,
    deny: Vec<Glob>,
}

impl Peers {
    pub(crate) fn new(allow: &[String], deny: &[String]) -> Self {
        let glob = |pattern: &String| Glob::new(&pattern.to_ascii_lowercase());
        let globs = |patterns: &[String]| patterns.iter().map(glob).collect();
        Self {
            allow: globs(allow),
            deny: globs(deny),
        }
    }

    /// Whether that server may be talked to.
    pub(crate) fn allows(&self, server: &ServerName) -> bool {
        if self.allow.is_empty() && self.deny.is_empty() {
            return true;
        }
        let (name, host) = (server.as_str(), server.host());
        let (name, host) = (name.to_ascii_lowercase(), host.to_ascii_lowercase());
        let is_in = |globs: &[Glob]| {
            let mut globs = globs.iter();
            globs.any(|glob| glob.matches(&name) || glob.matches(&host))
        };
        !is_in(&self.deny) && (self.allow.is_empty() || is_in(&self.allow))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allows(allow: &[&str], deny: &[&str], server: &str) -> bool {
        let owned = |patterns: &[&str]| -> Vec<String> {
            patterns.iter().map(|one| (*one).to_owned()).collect()
        };
        Peers::new(&owned(allow), &owned(deny)).allows(server.try_into().unwrap())
    }

    #[test]
    fn without_lists_everybody_is_talked_to() {
        assert!(allows(&[], &[], "a.com"));
    }

    #[test]
    fn a_server_is_named_with_or_without_its_port() {
        assert!(!allows(&[], &["*.Evil.com"], "a.EVIL.com:8448"));
        assert!(!allows(&[], &["a.com:1"], "a.com:1"));
        assert!(allows(&[], &["a.com:1"], "a.com:2"));
    }

    #[test]
    fn where_some_are_allowed_all_others_are_not() {
        assert!(allows(&["a.com", "*.org"], &[], "b.org"));
        assert!(!allows(&["a.com", "*.org"], &[], "b.com"));
        assert!(!allows(&["*.org"], &["b.org"], "b.org"));
    }
}
