//! The socket at which a running server takes the requests of its administrator.
//!
//! It lies in the data folder; only processes of the server's own user, and of root, are heard. One
//! request per connection: a line of JSON, answered by a line of JSON.

use std::{
    io,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::{UnixListener, UnixStream},
};

use super::{AdminError, Answer, Operator, Request};
use crate::{Config, Workers};

/// The longest line of a request, in bytes.
const MAX_REQUEST: u64 = 64 << 10;

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Reply {
    Done(Answer),
    Failed(String),
}

/// Where the socket of a server is.
pub fn path(config: &Config) -> PathBuf {
    config.server.data_dir.join("gantry.sock")
}

/// Listens until the server stops. The caller holds the store, so whatever socket is there was left
/// by a server that is gone.
pub fn listen(path: PathBuf, operator: Operator, workers: &Workers) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    if path.exists() {
        std::fs::remove_file(&path)?;
    }
    let listener = UnixListener::bind(&path)?;
    let owner = std::fs::metadata(&path)?.uid();
    let own = workers.clone();
    workers.tasks.spawn(async move {
        let shutdown = own.shutdown.clone();
        while let Some(accepted) = shutdown.run_until_cancelled(listener.accept()).await {
            let Ok((stream, _)) = accepted else { continue };
            let peer = stream.peer_cred().map(|peer| peer.uid());
            if !peer.is_ok_and(|uid| uid == owner || uid == 0) {
                tracing::warn!("a request of another user was refused");
                continue;
            }
            // Ends with its connection, or with the server.
            let (operator, stop) = (operator.clone(), own.shutdown.clone());
            own.tasks.spawn(async move {
                let served = stop.run_until_cancelled(serve(stream, operator)).await;
                if let Some(Err(error)) = served {
                    tracing::debug!(%error, "an administrator has hung up");
                }
            });
        }
        // Whoever asks next finds nobody, not a socket without a server.
        drop(std::fs::remove_file(&path));
    });
    Ok(())
}

async fn serve(mut stream: UnixStream, operator: Operator) -> io::Result<()> {
    let mut line = String::new();
    let mut limited = BufReader::new((&mut stream).take(MAX_REQUEST));
    limited.read_line(&mut line).await?;
    let reply = match serde_json::from_str::<Request>(&line) {
        Ok(request) => match operator.run(request).await {
            Ok(answer) => Reply::Done(answer),
            Err(error) => Reply::Failed(error.to_string()),
        },
        Err(error) => Reply::Failed(error.to_string()),
    };
    let mut text = serde_json::to_vec(&reply)?;
    text.push(b'\n');
    stream.write_all(&text).await?;
    stream.shutdown().await
}

/// Asks the running server; `None`: there is none.
pub async fn ask(config: &Config, request: &Request) -> Result<Option<Answer>, AdminError> {
    ask_at(&path(config), request).await
}

async fn ask_at(path: &Path, request: &Request) -> Result<Option<Answer>, AdminError> {
    let mut stream = match UnixStream::connect(path).await {
        Ok(stream) => stream,
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused
            ) =>
        {
            return Ok(None);
        }
        Err(error) => return Err(AdminError::Control(error)),
    };
    let mut text =
        serde_json::to_vec(request).map_err(|error| AdminError::Control(error.into()))?;
    text.push(b'\n');
    stream.write_all(&text).await.map_err(AdminError::Control)?;
    let mut reply = String::new();
    BufReader::new(stream)
        .read_line(&mut reply)
        .await
        .map_err(AdminError::Control)?;
    match serde_json::from_str(&reply) {
        Ok(Reply::Done(answer)) => Ok(Some(answer)),
        Ok(Reply::Failed(why)) => Err(AdminError::Refused(why)),
        Err(error) => Err(AdminError::Control(error.into())),
    }
}

#[cfg(test)]
mod tests {
    use gantry_model::id::ServerName;
    use gantry_store::Store;

    use super::*;

    #[tokio::test]
    async fn a_running_server_backs_itself_up() {
        let folder = tempfile::tempdir().expect("a folder");
        let store = Store::open_redb(folder.path().join("a.redb"))
            .await
            .expect("opens");
        let name = ServerName::parse("one").expect("a name");
        let operator = Operator::new(store.clone(), name, None);
        let workers = Workers::new();
        let socket = folder.path().join("s");
        assert!(
            ask_at(&socket, &Request::Check)
                .await
                .expect("asked")
                .is_none()
        );
        // A server that was killed has left its socket.
        drop(std::os::unix::net::UnixListener::bind(&socket).expect("binds"));
        listen(socket.clone(), operator, &workers).expect("listens");

        let checked = ask_at(&socket, &Request::Check).await.expect("asked");
        let request = Request::Backup {
            folder: folder.path().join("backup"),
        };
        let saved = ask_at(&socket, &request).await.expect("asked");
        let again = ask_at(&socket, &request).await;

        assert!(checked.is_some_and(|answer| answer.is_well));
        assert!(saved.is_some_and(|answer| answer.is_well));
        assert!(again.is_err_and(|error| error.to_string().contains("not empty")));
        let target = folder.path().join("b.redb");
        let backup = folder.path().join("backup");
        Store::restore_redb(&target, &backup, 0)
            .await
            .expect("restores");
        workers.stop().await;
        assert!(!socket.exists());
        store.shutdown().await;
    }
}
