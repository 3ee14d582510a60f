//! What an operator decides about accounts.

use gantry_accounts::Appservices;

/// What an operator decides about accounts.
#[derive(Debug, Clone)]
pub struct AccountPolicy {
    /// Whether registering takes a registration token; whoever has one may register even where
    /// registration is not open.
    pub token_required: bool,
    /// Whether registering takes a proven e-mail address.
    pub email_required: bool,
    /// What a new user has to agree to.
    pub terms: Vec<Term>,
    /// How long an access token lives that a client can refresh, in milliseconds.
    pub access_token_lifetime_ms: i64,
    /// Whether the user directory finds all local users, and not only those whom the searcher
    /// meets in rooms.
    pub directory_shows_all: bool,
    /// Who is asked for help.
    pub support: Support,
    /// The application services.
    pub appservices: Appservices,
}

impl Default for AccountPolicy {
    fn default() -> Self {
        Self {
            token_required: false,
            email_required: false,
            terms: Vec::new(),
            access_token_lifetime_ms: 5 * 60 * 1_000,
            directory_shows_all: false,
            support: Support::default(),
            appservices: Appservices::default(),
        }
    }
}

/// A text that a new user has to agree to, in one language.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Term {
    /// What it is, for example `privacy_policy`.
    pub id: String,
    /// Its version.
    pub version: String,
    /// The language, for example `en`.
    pub language: String,
    /// Where it can be read.
    pub url: String,
    /// What it is called.
    pub name: String,
}

/// Who is asked for help: `/.well-known/matrix/support`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Support {
    /// The people.
    pub contacts: Vec<Contact>,
    /// A page for help.
    pub page: Option<String>,
}

/// Somebody who is asked for help.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contact {
    /// What for, for example `m.role.admin`.
    pub role: String,
    /// His user id.
    pub matrix_id: Option<String>,
    /// His address.
    pub email_address: Option<String>,
}
