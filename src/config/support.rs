//! Section `support`.

use gantry_homeserver::{Contact, Support};
use serde::{Deserialize, Serialize};

/// Who is asked for help: `/.well-known/matrix/support`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct SupportConfig {
    /// The address of a page for help.
    pub page: Option<String>,
    /// User ids and e-mail addresses of those who are asked in general.
    pub admins: Vec<String>,
    /// User ids and e-mail addresses of those who are asked in matters of security.
    pub security: Vec<String>,
}

impl SupportConfig {
    /// What the well-known file says.
    pub fn to_support(&self) -> Support {
        let admins = self.admins.iter().map(|who| contact("m.role.admin", who));
        let security = self
            .security
            .iter()
            .map(|who| contact("m.role.security", who));
        Support {
            contacts: admins.chain(security).collect(),
            page: self.page.clone(),
        }
    }
}

/// A user id begins with `@`; everything else is an e-mail address.
fn contact(role: &str, who: &str) -> Contact {
    let is_user = who.starts_with('@');
    Contact {
        role: role.to_owned(),
        matrix_id: is_user.then(|| who.to_owned()),
        email_address: (!is_user).then(|| who.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_ids_are_told_from_addresses() {
        let config = SupportConfig {
            page: None,
            admins: vec!["@a:x.org".to_owned()],
            security: vec!["s@x.org".to_owned()],
        };

        let contacts = config.to_support().contacts;

        assert_eq!(contacts[0].matrix_id.as_deref(), Some("@a:x.org"));
        assert_eq!(contacts[1].email_address.as_deref(), Some("s@x.org"));
        assert_eq!(contacts[1].role, "m.role.security");
    }
}
