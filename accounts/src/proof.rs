//! What tickets are used for: sessions of user-interactive authentication, login tokens, OpenID
//! tokens and proofs of e-mail addresses.

use std::collections::BTreeSet;

use gantry_model::hash::{hex, sha256};
use gantry_model::id::{OwnedUserId, UserId};
use serde::{Deserialize, Serialize};

use crate::ticket::TicketKind;
use crate::{Accounts, Result};

/// Letters of the tokens of this file.
const LENGTH: usize = 32;

/// How long a session of user-interactive authentication lives, in milliseconds.
const UIA_MS: i64 = 60 * 60 * 1_000;

/// How long a login token lives, in milliseconds (the specification recommends it).
pub const LOGIN_TOKEN_MS: i64 = 2 * 60 * 1_000;

/// How long an OpenID token lives, in milliseconds.
pub const OPENID_TOKEN_MS: i64 = 60 * 60 * 1_000;

/// How long an e-mail address can be proven, and the proof be used, in milliseconds.
const EMAIL_MS: i64 = 24 * 60 * 60 * 1_000;

/// A session of user-interactive authentication.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UiaSession {
    /// The method and the endpoint that it is for.
    pub endpoint: String,
    /// Who asks, where that is known.
    pub user: Option<OwnedUserId>,
    /// The digest of the request without `auth`.
    pub digest: String,
    /// The stages that are done.
    pub completed: BTreeSet<String>,
    /// The registration token that was given.
    pub registration_token: Option<String>,
    /// The e-mail address that was proven.
    pub email: Option<ProvenEmail>,
}

/// An e-mail address whose owner proved that he reads it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProvenEmail {
    /// The address.
    pub address: String,
    /// When it was proven, in milliseconds since the Unix epoch.
    pub validated_ts: i64,
}

/// What a proof of an e-mail address is for: one for registering cannot reset a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum EmailPurpose {
    /// A new account.
    Register,
    /// Another password.
    Password,
    /// Another address of an account.
    Add,
}

/// A wish to prove an e-mail address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EmailRequest {
    /// What for.
    pub purpose: EmailPurpose,
    /// The secret that the client chose.
    pub client_secret: String,
    /// The address.
    pub address: String,
    /// Counts the client's wishes for another mail.
    pub send_attempt: i64,
    /// Where the user goes afterwards.
    pub next_link: Option<String>,
}

/// A proof of an e-mail address under way.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct EmailSession {
    purpose: EmailPurpose,
    client_secret: String,
    address: String,
    send_attempt: i64,
    token: String,
    next_link: Option<String>,
    validated_ts: Option<i64>,
}

/// What became of a wish to prove an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EmailTicket {
    /// The id that the client is told.
    pub sid: String,
    /// What the mail must contain; `None`: that mail was sent already.
    pub token: Option<String>,
}

impl Accounts {
    /// Opens a session of user-interactive authentication and gives its id.
    pub async fn open_uia(&self, session: &UiaSession) -> Result<String> {
        let id = self.inner.rng.alphanumeric(LENGTH);
        let exp = self.inner.clock.now_ms() + UIA_MS;
        self.put_ticket(TicketKind::Uia, &id, exp, session).await?;
        Ok(id)
    }

    /// A session that is open.
    pub async fn uia_session(&self, id: &str) -> Result<Option<UiaSession>> {
        self.find_ticket(TicketKind::Uia, id).await
    }

    /// Changes a session that is open; `None`: there is none.
    pub async fn change_uia(
        &self,
        id: &str,
        change: impl FnMut(&mut UiaSession),
    ) -> Result<Option<UiaSession>> {
        self.change_ticket(TicketKind::Uia, id, change).await
    }

    /// Ends a session.
    pub async fn close_uia(&self, id: &str) -> Result<()> {
        self.drop_ticket(TicketKind::Uia, id).await
    }

    /// A token by which somebody else can log in as the user once, for [`LOGIN_TOKEN_MS`].
    pub async fn issue_login_token(&self, user: &UserId) -> Result<String> {
        self.issue(TicketKind::Login, user, LOGIN_TOKEN_MS).await
    }

    /// Whose login token it is. It has no further use.
    pub async fn redeem_login_token(&self, token: &str) -> Result<Option<OwnedUserId>> {
        self.take_ticket(TicketKind::Login, token).await
    }

    /// A token by which others can ask who the user is, for [`OPENID_TOKEN_MS`].
    pub async fn issue_openid_token(&self, user: &UserId) -> Result<String> {
        self.issue(TicketKind::OpenId, user, OPENID_TOKEN_MS).await
    }

    /// Whose OpenID token it is.
    pub async fn openid_user(&self, token: &str) -> Result<Option<OwnedUserId>> {
        self.find_ticket(TicketKind::OpenId, token).await
    }

    /// Begins the proof of an address, or says that the mail was sent already.
    pub async fn begin_email(&self, request: EmailRequest) -> Result<EmailTicket> {
        let sid = sid_of(&request);
        let before: Option<EmailSession> = self.find_ticket(TicketKind::Email, &sid).await?;
        if before
            .as_ref()
            .is_some_and(|before| request.send_attempt <= before.send_attempt)
        {
            return Ok(EmailTicket { sid, token: None });
        }
        let token = self.inner.rng.alphanumeric(LENGTH);
        let session = EmailSession {
            purpose: request.purpose,
            client_secret: request.client_secret,
            address: request.address,
            send_attempt: request.send_attempt,
            token: token.clone(),
            next_link: request.next_link,
            validated_ts: before.and_then(|before| before.validated_ts),
        };
        let exp = self.inner.clock.now_ms() + EMAIL_MS;
        self.put_ticket(TicketKind::Email, &sid, exp, &session)
            .await?;
        Ok(EmailTicket {
            sid,
            token: Some(token),
        })
    }

    /// Proves an address by the token of the mail; gives where the user goes now. `None`: the
    /// token is not the mail's, or too old.
    pub async fn prove_email(
        &self,
        sid: &str,
        client_secret: &str,
        token: &str,
    ) -> Result<Option<Option<String>>> {
        let fits = |session: &EmailSession| {
            session.client_secret == client_secret && session.token == token
        };
        let session: Option<EmailSession> = self.find_ticket(TicketKind::Email, sid).await?;
        let Some(session) = session.filter(fits) else {
            return Ok(None);
        };
        let now = self.inner.clock.now_ms();
        self.change_ticket(TicketKind::Email, sid, |session: &mut EmailSession| {
            session.validated_ts.get_or_insert(now);
        })
        .await?;
        Ok(Some(session.next_link))
    }

    /// The address that was proven for a purpose, if it was.
    pub async fn proven_email(
        &self,
        purpose: EmailPurpose,
        sid: &str,
        client_secret: &str,
    ) -> Result<Option<ProvenEmail>> {
        let session: Option<EmailSession> = self.find_ticket(TicketKind::Email, sid).await?;
        let session =
            session.filter(|one| one.purpose == purpose && one.client_secret == client_secret);
        Ok(session.and_then(|session| {
            Some(ProvenEmail {
                address: session.address,
                validated_ts: session.validated_ts?,
            })
        }))
    }

    /// Ends a proof that was used.
    pub async fn spend_email(&self, sid: &str) -> Result<()> {
        self.drop_ticket(TicketKind::Email, sid).await
    }

    async fn issue(&self, kind: TicketKind, user: &UserId, lifetime: i64) -> Result<String> {
        let token = self.inner.rng.alphanumeric(LENGTH);
        let exp = self.inner.clock.now_ms() + lifetime;
        self.put_ticket(kind, &token, exp, &user.to_owned()).await?;
        Ok(token)
    }
}

/// The same wish has the same id, which nobody guesses who does not know the client's secret.
fn sid_of(request: &EmailRequest) -> String {
    let mut text = format!("{:?}\0{}\0", request.purpose, request.address).into_bytes();
    text.extend_from_slice(request.client_secret.as_bytes());
    hex(&sha256(&text)[..16])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{accounts_with_clock, user};

    fn request(send_attempt: i64) -> EmailRequest {
        EmailRequest {
            purpose: EmailPurpose::Password,
            client_secret: "secret".to_owned(),
            address: "a@x.org".to_owned(),
            send_attempt,
            next_link: None,
        }
    }

    #[tokio::test]
    async fn an_address_is_proven_by_the_token_of_its_mail() {
        let (accounts, _, _dir) = accounts_with_clock().await;
        let proven = |purpose, sid: String| {
            let accounts = accounts.clone();
            async move {
                accounts
                    .proven_email(purpose, &sid, "secret")
                    .await
                    .unwrap()
            }
        };

        let first = accounts.begin_email(request(1)).await.unwrap();
        let again = accounts.begin_email(request(1)).await.unwrap();
        let token = first.token.unwrap();
        let sid = first.sid;
        let wrong = accounts.prove_email(&sid, "other", &token).await.unwrap();

        assert_eq!((again.sid.as_str(), again.token), (sid.as_str(), None));
        assert_eq!(wrong, None);
        assert_eq!(proven(EmailPurpose::Password, sid.clone()).await, None);
        let right = accounts.prove_email(&sid, "secret", &token).await.unwrap();
        assert_eq!(right, Some(None));
        assert_eq!(proven(EmailPurpose::Register, sid.clone()).await, None);
        let found = proven(EmailPurpose::Password, sid).await.unwrap();
        assert_eq!(found.address, "a@x.org");
        let next = accounts.begin_email(request(2)).await.unwrap();
        assert!(next.token.is_some_and(|next| next != token));
    }

    #[tokio::test]
    async fn a_login_token_serves_once_and_an_openid_token_for_an_hour() {
        let (accounts, clock, _dir) = accounts_with_clock().await;
        let alice = user("alice");

        let login = accounts.issue_login_token(&alice).await.unwrap();
        let openid = accounts.issue_openid_token(&alice).await.unwrap();

        assert_eq!(accounts.openid_user(&login).await.unwrap(), None);
        let redeemed = accounts.redeem_login_token(&login).await.unwrap();
        assert_eq!(redeemed, Some(alice.clone()));
        assert_eq!(accounts.redeem_login_token(&login).await.unwrap(), None);
        assert_eq!(accounts.openid_user(&openid).await.unwrap(), Some(alice));
        clock.advance(OPENID_TOKEN_MS);
        assert_eq!(accounts.openid_user(&openid).await.unwrap(), None);
    }

    #[tokio::test]
    async fn a_session_remembers_its_stages() {
        let (accounts, clock, _dir) = accounts_with_clock().await;
        let session = UiaSession {
            endpoint: "POST /register".to_owned(),
            user: None,
            digest: "d".to_owned(),
            completed: BTreeSet::new(),
            registration_token: None,
            email: None,
        };

        let id = accounts.open_uia(&session).await.unwrap();
        accounts
            .change_uia(&id, |session| {
                session.completed.insert("m.login.terms".to_owned());
            })
            .await
            .unwrap();

        let found = accounts.uia_session(&id).await.unwrap().unwrap();
        assert_eq!(found.completed.len(), 1);
        clock.advance(UIA_MS);
        assert_eq!(accounts.uia_session(&id).await.unwrap(), None);
    }
}
