//! One request over a connection of its own: all that is needed to ask what is there.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context, Result};

const PATIENCE: Duration = Duration::from_secs(10);
const MAX_ANSWER_BYTES: u64 = 1024 * 1024;

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    /// The status.
    pub(crate) status: u16,
    /// The body, perhaps with the headers before it.
    pub(crate) body: String,
}

/// Sends a request without a body and reads the answer to its end.
pub(crate) fn ask(address: SocketAddr, method: &str, path: &str) -> Result<Answer> {
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    write!(
        stream,
        "{method} {path} HTTP/1.1\r\nHost: {address}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    )?;
    let mut bytes = Vec::new();
    stream
        .take(MAX_ANSWER_BYTES)
        .read_to_end(&mut bytes)
        .with_context(|| format!("no answer to {method} {path}"))?;
    parse(&String::from_utf8_lossy(&bytes))
        .with_context(|| format!("the answer to {method} {path} is not HTTP"))
}

fn parse(answer: &str) -> Option<Answer> {
    let status = answer.strip_prefix("HTTP/1.1 ")?.get(..3)?.parse().ok()?;
    Some(Answer {
        status,
        body: answer.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_status_is_read() {
        assert_eq!(
            parse("HTTP/1.1 404 Not Found\r\n\r\n{}").unwrap().status,
            404
        );
        assert!(parse("SSH-2.0").is_none());
    }
}
