//! What ends the server.

use std::io::Read;

use tokio::{
    signal::unix::{SignalKind, signal},
    sync::oneshot,
};

/// Whether the end of the standard input ends the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StdinEof {
    /// It does: whoever started the server holds the other end and is gone.
    Ends,
    /// It does not.
    Ignored,
}

/// Waits for SIGTERM, SIGINT or, if asked for, the end of the standard input.
pub async fn requested(stdin: StdinEof) -> std::io::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let reason = tokio::select! {
        _ = terminate.recv() => "SIGTERM",
        _ = interrupt.recv() => "SIGINT",
        () = end_of_stdin(stdin) => "end of standard input",
    };
    tracing::info!(reason, "stopping");
    Ok(())
}

/// Reads on a thread of its own, which the process does not wait for when it ends: a blocked read
/// cannot be canceled.
async fn end_of_stdin(stdin: StdinEof) {
    if stdin == StdinEof::Ends {
        let (ended, end) = oneshot::channel();
        std::thread::spawn(move || {
            let mut buffer = [0; 1024];
            let mut input = std::io::stdin().lock();
            while matches!(input.read(&mut buffer), Ok(1..)) {}
            // Nobody listens once something else ended the server.
            ended.send(()).unwrap_or_default();
        });
        if end.await.is_ok() {
            return;
        }
    }
    std::future::pending::<()>().await;
}
