//! Mail to people.

use std::{fmt, time::Duration};

use lettre::{
    Address, AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor, message::Mailbox,
    transport::smtp::authentication::Credentials,
};

/// How long a mail server may take.
const TIMEOUT: Duration = Duration::from_secs(20);

/// How the connection to the mail server is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MailSecurity {
    /// TLS from the first byte (usually port 465).
    Tls,
    /// TLS after asking for it, without which nothing is sent (usually port 587).
    StartTls,
    /// None: for a mail server on this machine only.
    None,
}

/// The mail server that takes our mail.
#[derive(Clone)]
pub struct MailConfig {
    /// Its name.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How the connection is protected.
    pub security: MailSecurity,
    /// User name and password, if it asks for them.
    pub credentials: Option<(String, String)>,
    /// Who sends, for example `Gantry <noreply@example.org>`.
    pub from: String,
}

/// Why a mail was not sent, or cannot be.
#[derive(Debug, thiserror::Error)]
pub enum MailError {
    /// The sender or the recipient is no address.
    #[error("not an e-mail address")]
    Address(#[from] lettre::address::AddressError),
    /// The mail cannot be written.
    #[error("the mail cannot be written")]
    Message(#[from] lettre::error::Error),
    /// The mail server refused or did not answer.
    #[error("the mail server did not take the mail")]
    Transport(#[from] lettre::transport::smtp::Error),
}

/// Sends mail. Cheap to clone.
#[derive(Clone)]
pub struct Mailer {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
}

impl fmt::Debug for Mailer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mailer")
            .field("from", &self.from)
            .finish_non_exhaustive()
    }
}

impl Mailer {
    /// Mail through this server; nothing is sent yet.
    pub fn new(config: MailConfig) -> Result<Self, MailError> {
        type Transport = AsyncSmtpTransport<Tokio1Executor>;
        let builder = match config.security {
            MailSecurity::Tls => Transport::relay(&config.host)?,
            MailSecurity::StartTls => Transport::starttls_relay(&config.host)?,
            MailSecurity::None => Transport::builder_dangerous(&config.host),
        };
        let mut builder = builder.port(config.port).timeout(Some(TIMEOUT));
        if let Some((user, password)) = config.credentials {
            builder = builder.credentials(Credentials::new(user, password));
        }
        Ok(Self {
            transport: builder.build(),
            from: config.from.parse()?,
        })
    }

    /// Sends a text to one address, and returns when the mail server has taken it.
    pub async fn send(&self, to: &str, subject: &str, text: String) -> Result<(), MailError> {
        let message = Message::builder()
            .from(self.from.clone())
            .to(Mailbox::new(None, to.parse::<Address>()?))
            .subject(subject)
            .body(text)?;
        self.transport.send(message).await?;
        Ok(())
    }
}

/// Whether the text is an address that mail can go to.
pub fn is_mail_address(text: &str) -> bool {
    text.parse::<Address>().is_ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use tokio::{
        io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
        net::TcpListener,
    };

    use super::*;

    /// A mail server that takes one mail and tells its lines.
    async fn take_one(listener: TcpListener) -> Vec<String> {
        let (stream, _) = listener.accept().await.expect("a connection");
        let (read, mut write) = stream.into_split();
        let mut lines = BufReader::new(read).lines();
        let mut said = Vec::new();
        write.write_all(b"220 test\r\n").await.expect("a greeting");
        let mut is_data = false;
        while let Ok(Some(line)) = lines.next_line().await {
            let answer = match line.split(' ').next() {
                Some(".") if is_data => "250 taken\r\n",
                _ if is_data => "",
                Some("DATA") => "354 go on\r\n",
                Some("QUIT") => "221 bye\r\n",
                _ => "250 yes\r\n",
            };
            is_data = (is_data && line != ".") || line == "DATA";
            let is_end = line == ".";
            said.push(line);
            write.write_all(answer.as_bytes()).await.expect("an answer");
            if is_end {
                break;
            }
        }
        said
    }

    #[tokio::test]
    async fn a_mail_reaches_the_mail_server() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let mailer = Mailer::new(MailConfig {
            host: "127.0.0.1".to_owned(),
            port,
            security: MailSecurity::None,
            credentials: None,
            from: "Gantry <noreply@example.org>".to_owned(),
        })
        .expect("a mailer");

        let (said, sent) = tokio::join!(
            take_one(listener),
            mailer.send("a@example.org", "Hello", "How are you?".to_owned())
        );

        sent.expect("sent");
        assert!(said.iter().any(|line| line == "RCPT TO:<a@example.org>"));
        assert!(said.iter().any(|line| line == "Subject: Hello"));
        assert!(said.iter().any(|line| line == "How are you?"));
    }

    proptest! {
        #[test]
        fn an_address_has_two_parts(text in "\\PC{0,20}") {
            if is_mail_address(&text) {
                prop_assert!(text.contains('@'));
            }
        }
    }
}
