//! Application services: who they are and which names are theirs.
//!
//! Specification: <https://spec.matrix.org/v1.19/application-service-api/#registration>.

use std::fmt;
use std::sync::Arc;

use gantry_model::id::{OwnedUserId, ServerName, UserId};
use regex::Regex;
use serde::Deserialize;
use subtle::ConstantTimeEq;

/// The longest pattern of a namespace that is compiled, in bytes of the compiled form.
const MAX_PATTERN_BYTES: usize = 1 << 20;

/// The registration file of an application service, as it is written.
#[derive(Clone, Deserialize)]
pub struct AppserviceFile {
    /// A unique name.
    pub id: String,
    /// Where it is reached; without one nothing is sent to it.
    pub url: Option<String>,
    /// The token by which it shows itself to us.
    pub as_token: String,
    /// The token by which we show ourselves to it.
    pub hs_token: String,
    /// The local part of its own user.
    pub sender_localpart: String,
    /// The names that are its own.
    #[serde(default)]
    pub namespaces: NamespacesFile,
    /// Whether its users are limited in their rate.
    pub rate_limited: Option<bool>,
    /// The networks that it bridges to.
    #[serde(default)]
    pub protocols: Option<Vec<String>>,
    /// Whether it is told of typing, receipts and presence.
    #[serde(default, alias = "de.sorunome.msc2409.push_ephemeral")]
    pub push_ephemeral: bool,
}

/// The names of an application service, as they are written.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct NamespacesFile {
    /// User ids.
    #[serde(default)]
    pub users: Vec<NamespaceFile>,
    /// Aliases.
    #[serde(default)]
    pub aliases: Vec<NamespaceFile>,
    /// Room ids.
    #[serde(default)]
    pub rooms: Vec<NamespaceFile>,
}

/// Names that a pattern describes, as they are written.
#[derive(Clone, Debug, Deserialize)]
pub struct NamespaceFile {
    /// Whether nobody else may take them.
    #[serde(default)]
    pub exclusive: bool,
    /// The pattern, which must fit from the beginning.
    pub regex: String,
}

/// Why a registration file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum InvalidAppservice {
    /// A pattern is none.
    #[error("a pattern cannot be read")]
    Pattern(#[source] regex::Error),
    /// The sender is no user.
    #[error("the sender's local part {0:?} makes no user id")]
    Sender(String),
    /// A token is empty.
    #[error("as_token and hs_token must not be empty")]
    NoToken,
}

/// Names that a pattern describes.
#[derive(Clone, Debug)]
pub struct Namespace {
    /// Whether nobody else may take them.
    pub exclusive: bool,
    pattern: Regex,
}

/// An application service.
#[derive(Clone)]
pub struct Appservice {
    /// A unique name.
    pub id: String,
    /// Where it is reached; without one nothing is sent to it.
    pub url: Option<String>,
    /// The token by which we show ourselves to it.
    pub hs_token: String,
    /// Its own user.
    pub sender: OwnedUserId,
    /// User ids that are its own.
    pub users: Vec<Namespace>,
    /// Aliases that are its own.
    pub aliases: Vec<Namespace>,
    /// Room ids that it wants to hear of.
    pub rooms: Vec<Namespace>,
    /// Whether its users are limited in their rate.
    pub rate_limited: bool,
    /// The networks that it bridges to.
    pub protocols: Vec<String>,
    /// Whether it is told of typing, receipts and presence.
    pub push_ephemeral: bool,
    as_token: String,
}

/// Tokens are never shown.
impl fmt::Debug for Appservice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Appservice")
            .field("id", &self.id)
            .field("sender", &self.sender)
            .finish_non_exhaustive()
    }
}

impl Namespace {
    fn new(file: &NamespaceFile) -> Result<Self, InvalidAppservice> {
        // Bridges write patterns that fit from the beginning and mean them to end there as well.
        let pattern = regex::RegexBuilder::new(&format!("^(?:{})$", file.regex))
            .size_limit(MAX_PATTERN_BYTES)
            .build()
            .map_err(InvalidAppservice::Pattern)?;
        Ok(Self {
            exclusive: file.exclusive,
            pattern,
        })
    }

    /// Whether the name is described.
    pub fn contains(&self, name: &str) -> bool {
        self.pattern.is_match(name)
    }
}

impl Appservice {
    /// The application service of a registration file.
    pub fn new(file: &AppserviceFile, server: &ServerName) -> Result<Self, InvalidAppservice> {
        if file.as_token.is_empty() || file.hs_token.is_empty() {
            return Err(InvalidAppservice::NoToken);
        }
        let sender = UserId::parse(format!("@{}:{server}", file.sender_localpart))
            .map_err(|_| InvalidAppservice::Sender(file.sender_localpart.clone()))?;
        let namespaces = |files: &[NamespaceFile]| -> Result<Vec<Namespace>, InvalidAppservice> {
            files.iter().map(Namespace::new).collect()
        };
        Ok(Self {
            id: file.id.clone(),
            url: file.url.clone().filter(|url| !url.is_empty()),
            hs_token: file.hs_token.clone(),
            sender,
            users: namespaces(&file.namespaces.users)?,
            aliases: namespaces(&file.namespaces.aliases)?,
            rooms: namespaces(&file.namespaces.rooms)?,
            rate_limited: file.rate_limited.unwrap_or(true),
            protocols: file.protocols.clone().unwrap_or_default(),
            push_ephemeral: file.push_ephemeral,
            as_token: file.as_token.clone(),
        })
    }

    /// Whether the user is its own or in its namespace.
    pub fn owns_user(&self, user: &UserId) -> bool {
        self.sender == user || self.users.iter().any(|names| names.contains(user.as_str()))
    }

    /// Whether nobody else may take the user id.
    pub fn claims_user(&self, user: &UserId) -> bool {
        let claims = |names: &Namespace| names.exclusive && names.contains(user.as_str());
        self.sender == user || self.users.iter().any(claims)
    }

    /// Whether nobody else may take the alias.
    pub fn claims_alias(&self, alias: &str) -> bool {
        let claims = |names: &Namespace| names.exclusive && names.contains(alias);
        self.aliases.iter().any(claims)
    }
}

/// All application services of the server. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Appservices(Arc<Vec<Appservice>>);

impl Appservices {
    /// These.
    pub fn new(all: Vec<Appservice>) -> Self {
        Self(Arc::new(all))
    }

    /// Each.
    pub fn iter(&self) -> impl Iterator<Item = &Appservice> {
        self.0.iter()
    }

    /// The one whose token it is.
    pub fn by_token(&self, token: &str) -> Option<&Appservice> {
        let is_its = |one: &&Appservice| one.as_token.as_bytes().ct_eq(token.as_bytes()).into();
        self.0.iter().find(is_its)
    }

    /// The one of this id.
    pub fn by_id(&self, id: &str) -> Option<&Appservice> {
        self.0.iter().find(|one| one.id == id)
    }

    /// Whether the user id is kept for an application service other than this one.
    pub fn is_user_claimed(&self, user: &UserId, by_other_than: Option<&str>) -> bool {
        self.0
            .iter()
            .any(|one| Some(&*one.id) != by_other_than && one.claims_user(user))
    }

    /// Whether the alias is kept for an application service other than this one.
    pub fn is_alias_claimed(&self, alias: &str, by_other_than: Option<&str>) -> bool {
        self.0
            .iter()
            .any(|one| Some(&*one.id) != by_other_than && one.claims_alias(alias))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bridge(id: &str, exclusive: bool) -> Appservice {
        let file = AppserviceFile {
            id: id.to_owned(),
            url: None,
            as_token: format!("as-{id}"),
            hs_token: "hs".to_owned(),
            sender_localpart: format!("{id}-bot"),
            namespaces: NamespacesFile {
                users: vec![NamespaceFile {
                    exclusive,
                    regex: format!("@{id}_.*:server"),
                }],
                ..NamespacesFile::default()
            },
            rate_limited: None,
            protocols: None,
            push_ephemeral: false,
        };
        Appservice::new(&file, "server".try_into().unwrap()).unwrap()
    }

    fn user(text: &str) -> OwnedUserId {
        UserId::parse(text).unwrap()
    }

    #[test]
    fn names_are_kept_for_whoever_claims_them() {
        let all = Appservices::new(vec![bridge("irc", true), bridge("open", false)]);

        assert!(all.is_user_claimed(&user("@irc_a:server"), None));
        assert!(!all.is_user_claimed(&user("@irc_a:server"), Some("irc")));
        assert!(!all.is_user_claimed(&user("@open_a:server"), None));
        assert!(all.is_user_claimed(&user("@open-bot:server"), None));
        assert!(!all.is_user_claimed(&user("@irc_a:server.org"), None));
        assert!(
            all.by_id("open")
                .unwrap()
                .owns_user(&user("@open_a:server"))
        );
        assert_eq!(all.by_token("as-irc").map(|one| &*one.id), Some("irc"));
        assert!(all.by_token("as-ir").is_none());
    }

    #[test]
    fn a_pattern_that_is_none_is_refused() {
        let file = NamespaceFile {
            exclusive: true,
            regex: "@(".to_owned(),
        };

        assert!(Namespace::new(&file).is_err());
    }
}
