//! E-mail addresses of accounts. There is no identity server: what is proven here counts here.
//!
//! Specification:
//! <https://spec.matrix.org/v1.19/client-server-api/#adding-account-administrative-contact-information>.

use std::sync::Arc;

use gantry_accounts::{EmailPurpose, EmailRequest, Session, Threepid};
use gantry_delivery::is_mail_address;
use gantry_model::ErrorKind;
use tracing::warn;

use crate::{
    Error, Result, ThreepidCreds, Uia, UiaRequest,
    core::Core,
    uia::{Checked, Guard, PASSWORD},
};

/// The longest secret of a client, and the longest id of a proof, in bytes (specification).
const MAX_SECRET_BYTES: usize = 255;

/// The path at which an address is proven; the mail leads there.
const PROOF_PATH: &str = "/_gantry/email/confirm";

/// E-mail addresses of accounts.
#[derive(Clone)]
pub struct Threepids {
    core: Arc<Core>,
}

impl Threepids {
    pub(crate) fn new(core: Arc<Core>) -> Self {
        Self { core }
    }

    /// Sends a mail by which an address is proven, and gives the id of the proof.
    pub async fn request_email(&self, request: EmailRequest) -> Result<String> {
        let Some(mailer) = &self.core.mailer else {
            return Err(no_mail(request.purpose));
        };
        if !is_secret(&request.client_secret) {
            return Err(Error::invalid("Not a client secret"));
        }
        if !is_mail_address(&request.address) || request.address.len() > MAX_SECRET_BYTES {
            return Err(Error::invalid("Not an e-mail address"));
        }
        let request = EmailRequest {
            address: request.address.to_lowercase(),
            ..request
        };
        self.check_owner(&request).await?;
        let (address, secret) = (request.address.clone(), request.client_secret.clone());
        let ticket = self.core.accounts.begin_email(request).await?;
        if let Some(token) = ticket.token {
            let name = self.core.server_name();
            let text = format!(
                "Somebody, probably you, wants to use this address with {name}.\n\n\
                 If it was you, open this link:\n\n\
                 {}{PROOF_PATH}?sid={}&client_secret={secret}&token={token}\n\n\
                 If it was not, there is nothing to do.\n",
                self.core.config.site_url, ticket.sid,
            );
            let subject = format!("Confirm your e-mail address for {name}");
            if let Err(error) = mailer.send(&address, &subject, text).await {
                warn!(%error, "a mail could not be sent");
                return Err(Error::refused(
                    ErrorKind::Unavailable,
                    "No mail can be sent",
                ));
            }
        }
        Ok(ticket.sid)
    }

    /// Fails: phone numbers cannot be proven here.
    pub fn request_msisdn(&self) -> Result<String> {
        Err(Error::refused(
            ErrorKind::ThreepidMediumNotSupported,
            "Phone numbers are not supported",
        ))
    }

    /// Proves an address by the token of the mail: where the user goes now.
    pub async fn prove(
        &self,
        sid: &str,
        client_secret: &str,
        token: &str,
    ) -> Result<Option<String>> {
        let proven = self
            .core
            .accounts
            .prove_email(sid, client_secret, token)
            .await?;
        proven.ok_or_else(|| Error::invalid("The link is not valid any more"))
    }

    /// The addresses of the user.
    pub async fn list(&self, session: &Session) -> Result<Vec<Threepid>> {
        Ok(self.core.accounts.threepids(&session.user_id).await?)
    }

    /// Adds an address that was proven, once the password was given.
    pub async fn add(
        &self,
        session: &Session,
        creds: &ThreepidCreds,
        request: &UiaRequest,
    ) -> Result<Uia<()>> {
        let guard = Guard {
            request,
            user: Some(&session.user_id),
            flows: vec![vec![PASSWORD]],
            email: None,
        };
        if let Checked::Challenge(challenge) = self.core.guard(guard).await? {
            return Ok(Uia::Needed(challenge));
        }
        let accounts = &self.core.accounts;
        let proven = accounts
            .proven_email(EmailPurpose::Add, &creds.sid, &creds.client_secret)
            .await?;
        let proven = proven.ok_or_else(|| {
            let reason = "The address has not been proven";
            Error::refused(ErrorKind::ThreepidAuthFailed, reason)
        })?;
        let (user, address) = (&session.user_id, &proven.address);
        accounts
            .add_threepid(user, "email", address, proven.validated_ts)
            .await?;
        accounts.spend_email(&creds.sid).await?;
        self.core.served(request).await?;
        Ok(Uia::Done(()))
    }

    /// Takes an address from the user's account.
    pub async fn remove(&self, session: &Session, medium: &str, address: &str) -> Result<()> {
        self.core
            .accounts
            .remove_threepid(&session.user_id, medium, address)
            .await?;
        Ok(())
    }

    /// Fails: no identity server is trusted.
    pub fn bind(&self) -> Result<()> {
        Err(Error::refused(
            ErrorKind::ServerNotTrusted,
            "This server works with no identity server",
        ))
    }

    async fn check_owner(&self, request: &EmailRequest) -> Result<()> {
        let owner = self
            .core
            .accounts
            .threepid_owner("email", &request.address)
            .await?;
        match (request.purpose, owner) {
            (EmailPurpose::Password, None) => Err(Error::refused(
                ErrorKind::ThreepidNotFound,
                "No account has this address",
            )),
            (EmailPurpose::Register | EmailPurpose::Add, Some(_)) => Err(Error::refused(
                ErrorKind::ThreepidInUse,
                "The address is in use already",
            )),
            _ => Ok(()),
        }
    }
}

fn no_mail(purpose: EmailPurpose) -> Error {
    let kind = match purpose {
        EmailPurpose::Add => ErrorKind::ThreepidMediumNotSupported,
        EmailPurpose::Register | EmailPurpose::Password => ErrorKind::ThreepidDenied,
    };
    Error::refused(kind, "This server sends no mail")
}

/// The grammar of client secrets.
fn is_secret(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= MAX_SECRET_BYTES
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b".=_-".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_has_the_letters_of_the_specification() {
        assert!(is_secret("aZ09.=_-"));
        for text in ["", "a b", "a&b", "ä", &"x".repeat(256)] {
            assert!(!is_secret(text), "{text}");
        }
    }
}
