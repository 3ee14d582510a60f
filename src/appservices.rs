//! Registration files of application services.

use std::path::PathBuf;

use gantry_homeserver::{Appservice, AppserviceFile, Appservices, InvalidAppservice};
use gantry_model::id::ServerName;

/// The largest registration file, in bytes.
const MAX_BYTES: u64 = 1 << 20;

/// Why a registration file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum AppserviceError {
    /// It cannot be read.
    #[error("{path} cannot be read")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// It is too large.
    #[error("{0} is too large for a registration file")]
    TooLarge(PathBuf),
    /// It is not a registration.
    #[error("{path} is not the registration of an application service: {reason}")]
    Syntax {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// A value in it cannot be used.
    #[error("{path}: {source}")]
    Value {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: InvalidAppservice,
    },
    /// Two have the same id or the same token.
    #[error("two application services are called {0:?}, or have the same as_token")]
    Twice(String),
}

/// Reads registration files.
pub fn load(files: &[PathBuf], server: &ServerName) -> Result<Appservices, AppserviceError> {
    let mut all: Vec<Appservice> = Vec::new();
    for path in files {
        let unreadable = |source| AppserviceError::Unreadable {
            path: path.clone(),
            source,
        };
        if std::fs::metadata(path).map_err(unreadable)?.len() > MAX_BYTES {
            return Err(AppserviceError::TooLarge(path.clone()));
        }
        let text = std::fs::read_to_string(path).map_err(unreadable)?;
        let file = parse(&text).map_err(|reason| AppserviceError::Syntax {
            path: path.clone(),
            reason,
        })?;
        let is_twice = all.iter().any(|one| one.id == file.id);
        let known = Appservices::new(all.clone());
        if is_twice || known.by_token(&file.as_token).is_some() {
            return Err(AppserviceError::Twice(file.id));
        }
        let one = Appservice::new(&file, server).map_err(|source| AppserviceError::Value {
            path: path.clone(),
            source,
        })?;
        all.push(one);
    }
    Ok(Appservices::new(all))
}

fn parse(text: &str) -> Result<AppserviceFile, String> {
    serde_saphyr::from_str(text).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const FILE: &str = r#"
id: "irc"
url: null
as_token: "as"
hs_token: hs
sender_localpart: irc-bot
rate_limited: false
push_ephemeral: true
namespaces:
  users:
    - exclusive: true
      regex: "@irc_.*"
  aliases: []
  rooms: []
"#;

    #[test]
    fn a_registration_file_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("irc.yaml");
        std::fs::write(&path, FILE).unwrap();
        let server = "server".try_into().unwrap();

        let all = load(std::slice::from_ref(&path), server).unwrap();
        let twice = load(&[path.clone(), path], server);

        let irc = all.by_token("as").unwrap();
        assert_eq!(irc.sender, "@irc-bot:server");
        assert!(!irc.rate_limited && irc.push_ephemeral && irc.url.is_none());
        assert!(matches!(twice, Err(AppserviceError::Twice(_))));
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "\\PC{0,40}|(id|as_token): \\PC{0,20}\n") {
            prop_assert!(parse(&text).is_err());
        }
    }
}
