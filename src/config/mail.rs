//! Section `mail`.

use gantry_homeserver::{MailConfig, MailSecurity};
use serde::{Deserialize, Serialize};

use super::Secret;

/// The mail server that takes our mail.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct MailSection {
    /// The name of the mail server. Without it, no mail is sent: nobody can add an address to his
    /// account or reset his password.
    pub host: Option<String>,
    /// Its port. Without it 465 for "tls", 587 for "starttls", 25 for "none".
    pub port: Option<u16>,
    /// How the connection is protected: "tls", "starttls" or "none".
    pub security: Security,
    /// The user name, if the mail server asks for one.
    pub username: Option<String>,
    /// The password, if the mail server asks for one.
    pub password: Option<Secret>,
    /// Who sends, for example "Example <noreply@example.org>". Required with `host`.
    pub from: Option<String>,
}

/// How the connection is protected.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Security {
    /// TLS from the first byte.
    #[default]
    Tls,
    /// TLS after asking for it.
    StartTls,
    /// None.
    None,
}

impl Default for MailSection {
    fn default() -> Self {
        Self {
            host: None,
            port: None,
            security: Security::Tls,
            username: None,
            password: None,
            from: None,
        }
    }
}

impl MailSection {
    /// What the mailer needs to know, if a mail server is configured.
    pub fn to_mailer_config(&self) -> Option<MailConfig> {
        let (security, port) = match self.security {
            Security::Tls => (MailSecurity::Tls, 465),
            Security::StartTls => (MailSecurity::StartTls, 587),
            Security::None => (MailSecurity::None, 25),
        };
        let password = self
            .password
            .as_ref()
            .map(|secret| secret.reveal().to_owned());
        Some(MailConfig {
            host: self.host.clone()?,
            port: self.port.unwrap_or(port),
            security,
            credentials: self.username.clone().zip(password),
            from: self.from.clone()?,
        })
    }
}
