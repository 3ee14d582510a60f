//! Asking several servers the same, without waiting long for one that stays silent.

use std::time::Duration;

use futures::{StreamExt, stream::FuturesUnordered};
use gantry_model::id::OwnedServerName;

use crate::{Error, Result, error::more_telling};

/// Servers that are asked at once.
const AT_ONCE: usize = 3;
/// How long one may stay silent before the next is asked too, where an answer takes a moment.
pub(crate) const PATIENCE: Duration = Duration::from_secs(2);
/// The same where a server has much to send.
pub(crate) const LONG_PATIENCE: Duration = Duration::from_secs(10);

/// The first good answer, and whose it is. The servers are asked in their order: the next one when
/// one fails, or when `patience` has passed, at most three at once. Those that fail are taken out of
/// `servers`; what the slower ones would have said is not waited for.
pub(crate) async fn first_good<T, F: Future<Output = Result<T>>>(
    servers: &mut Vec<OwnedServerName>,
    patience: Duration,
    ask: impl Fn(OwnedServerName) -> F,
) -> Result<(OwnedServerName, T)> {
    let mut waiting = servers.clone().into_iter();
    let mut running = FuturesUnordered::new();
    let mut failure = None;
    let start = |server: OwnedServerName| {
        let answer = ask(server.clone());
        async move { (server, answer.await) }
    };
    running.extend(waiting.next().map(start));
    loop {
        let may_start = running.len() < AT_ONCE && waiting.len() > 0;
        tokio::select! {
            done = running.next() => match done {
                Some((server, Ok(answer))) => return Ok((server, answer)),
                Some((server, Err(error))) => {
                    tracing::debug!(%server, %error, "another server is asked");
                    servers.retain(|one| *one != server);
                    failure = Some(more_telling(failure, error));
                    running.extend(waiting.next().map(start));
                }
                None => return Err(failure.unwrap_or(Error::NoServer)),
            },
            () = tokio::time::sleep(patience), if may_start => {
                running.extend(waiting.next().map(start));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use gantry_model::id::ServerName;
    use parking_lot::Mutex;

    use super::*;

    fn servers(names: &[&str]) -> Vec<OwnedServerName> {
        let parse = |name: &&str| ServerName::parse(*name).unwrap();
        names.iter().map(parse).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn a_silent_server_costs_two_seconds() {
        let began = tokio::time::Instant::now();
        let mut asked = servers(&["silent", "good"]);

        let (server, answer) = first_good(&mut asked, PATIENCE, |server| async move {
            if server == "silent" {
                std::future::pending::<()>().await;
            }
            Ok(7)
        })
        .await
        .unwrap();

        assert_eq!((server.as_str(), answer), ("good", 7));
        assert_eq!(began.elapsed(), PATIENCE);
    }

    #[tokio::test(start_paused = true)]
    async fn a_failure_is_followed_at_once_and_the_failed_are_left_out() {
        let began = tokio::time::Instant::now();
        let mut asked = servers(&["bad", "worse", "good", "last"]);

        let (server, ()) = first_good(&mut asked, PATIENCE, |server| async move {
            if server == "good" {
                Ok(())
            } else {
                Err(Error::Timeout)
            }
        })
        .await
        .unwrap();

        assert_eq!(server, "good");
        assert_eq!(asked, servers(&["good", "last"]));
        assert_eq!(began.elapsed(), Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn three_are_asked_at_once_and_no_more() {
        let count = Mutex::new(0);
        let mut asked = servers(&["a", "b", "c", "d", "e"]);

        let race = first_good(&mut asked, PATIENCE, |_| async {
            *count.lock() += 1;
            std::future::pending::<Result<()>>().await
        });
        let waited = tokio::time::timeout(PATIENCE * 20, race).await;

        assert!(waited.is_err());
        assert_eq!(*count.lock(), 3);
    }

    #[tokio::test]
    async fn a_refusal_says_more_than_an_absence() {
        let mut asked = servers(&["a", "b"]);

        let failed = first_good(&mut asked, PATIENCE, |server| async move {
            if server == "a" {
                Err::<(), _>(Error::Forbidden("no"))
            } else {
                Err(Error::Timeout)
            }
        });

        assert!(matches!(failed.await, Err(Error::Forbidden(_))));
        assert!(asked.is_empty());
    }
}
