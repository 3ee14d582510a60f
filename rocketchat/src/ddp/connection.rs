//! One connection: its frames in order.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::ws::{CloseFrame, Message, WebSocket};
use gantry_homeserver::Session;
use tokio::time::{Instant, sleep_until};

use super::frame::{self, ClientFrame};
use super::hub::Inbox;
use super::methods;
use super::sockjs::Framing;
use super::subscribe::subscribe;
use crate::state::RocketchatState;

/// Without any frame for this long, the client is asked whether it is there; after as long again
/// without an answer it is gone.
const IDLE: Duration = Duration::from_secs(30);

/// How long the client has to read why it is closed.
const PARTING: Duration = Duration::from_secs(1);

/// The most messages that are passed over while parting.
const MAX_DRAINED: usize = 1_000;

/// Why a connection is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Close {
    /// The server stops.
    GoingAway,
    /// The client did not keep to the protocol, or logged out.
    Protocol,
    /// The message was no text.
    Payload,
    /// The message was too large.
    TooLarge,
    /// The client reads too slowly.
    TooSlow,
    /// The client is gone.
    Timeout,
}

impl Close {
    fn code(self) -> (u16, &'static str) {
        match self {
            Self::GoingAway => (1001, "GOING_AWAY"),
            Self::Protocol => (1002, "PROTOCOL_ERROR"),
            Self::Payload => (1007, "INVALID_PAYLOAD"),
            Self::TooLarge => (1009, "TOO_LARGE"),
            Self::TooSlow => (1013, "TRY_AGAIN_LATER"),
            Self::Timeout => (4000, "TIMEOUT"),
        }
    }
}

/// What is known of a connection.
pub(crate) struct Client {
    pub(crate) state: RocketchatState,
    pub(crate) inbox: Inbox,
    pub(crate) session: Option<Session>,
    /// The token of the session, to see whether it is still valid.
    pub(crate) token: Option<String>,
    connected: bool,
}

/// The next thing that happens.
enum Event {
    Received(Option<Result<Message, axum::Error>>),
    Told(Arc<str>),
    Idle,
    End(Close),
}

/// Serves a connection to its end.
pub(crate) async fn serve(state: RocketchatState, mut socket: WebSocket, framing: Framing) {
    let inbox = state.hub().connect();
    let id = inbox.id;
    let hub = state.clone();
    let mut client = Client {
        state,
        inbox,
        session: None,
        token: None,
        connected: false,
    };
    let close = run(&mut client, &mut socket, framing).await;
    hub.hub().disconnect(id);
    if let Some(close) = close {
        let (code, reason) = close.code();
        if framing == Framing::SockJs {
            let farewell = format!("c[{code},\"{reason}\"]");
            if socket.send(Message::Text(farewell.into())).await.is_err() {
                return;
            }
        }
        let frame = CloseFrame {
            code,
            reason: reason.into(),
        };
        // The client may be gone already.
        if socket.send(Message::Close(Some(frame))).await.is_ok() {
            part(&mut socket, close).await;
        }
    }
}

/// Waits a little for the client to read why. Closing at once, with its bytes unread, would reset
/// the connection, and the reason would be lost.
async fn part(socket: &mut WebSocket, close: Close) {
    if close == Close::TooLarge {
        tokio::time::sleep(PARTING).await;
        return;
    }
    let drain = async {
        for _ in 0..MAX_DRAINED {
            if !matches!(socket.recv().await, Some(Ok(_))) {
                return;
            }
        }
    };
    tokio::time::timeout(PARTING, drain).await.ok();
}

/// Until it ends; `None`: the client ended it.
async fn run(client: &mut Client, socket: &mut WebSocket, framing: Framing) -> Option<Close> {
    if let Some(opening) = framing.opening() {
        socket.send(Message::Text(opening.into())).await.ok()?;
    }
    send(socket, framing, &frame::server_id()).await?;
    let mut deadline = Instant::now() + IDLE;
    let mut asked = false;
    loop {
        match next(client, socket, deadline).await {
            Event::End(close) => return Some(close),
            Event::Told(frame) => send(socket, framing, &frame).await?,
            Event::Idle if asked => return Some(Close::Timeout),
            Event::Idle => {
                if !client.is_still_logged_in().await {
                    return Some(Close::Protocol);
                }
                send(socket, framing, &frame::ping()).await?;
                (deadline, asked) = (Instant::now() + IDLE, true);
            }
            Event::Received(received) => {
                (deadline, asked) = (Instant::now() + IDLE, false);
                let text = match received? {
                    Ok(Message::Text(text)) => text,
                    Ok(Message::Binary(_)) => return Some(Close::Payload),
                    Ok(Message::Ping(_) | Message::Pong(_)) => continue,
                    Ok(Message::Close(_)) => return None,
                    // Too large, or the connection broke: telling does no harm.
                    Err(_) => return Some(Close::TooLarge),
                };
                let Some(frames) = framing.unwrap(&text) else {
                    return Some(Close::Protocol);
                };
                for frame in frames {
                    let (answers, close) = client.handle(&frame).await;
                    for answer in answers {
                        send(socket, framing, &answer).await?;
                    }
                    if close.is_some() {
                        return close;
                    }
                }
            }
        }
    }
}

async fn next(client: &mut Client, socket: &mut WebSocket, deadline: Instant) -> Event {
    tokio::select! {
        () = client.state.stop().cancelled() => Event::End(Close::GoingAway),
        () = client.inbox.cut.cancelled() => Event::End(client.why_cut()),
        Some(frame) = client.inbox.frames.recv() => Event::Told(frame),
        received = socket.recv() => Event::Received(received),
        () = sleep_until(deadline) => Event::Idle,
    }
}

/// `None`: the client is gone.
async fn send(socket: &mut WebSocket, framing: Framing, frame: &str) -> Option<()> {
    let message = Message::Text(framing.wrap(frame).into());
    // Who takes nothing for so long is not there.
    tokio::time::timeout(IDLE, socket.send(message))
        .await
        .ok()?
        .ok()
}

impl Client {
    /// Works a frame off: what is answered, and whether that is the end.
    async fn handle(&mut self, text: &str) -> (Vec<String>, Option<Close>) {
        let Ok(frame) = ClientFrame::parse(text) else {
            return (Vec::new(), Some(Close::Protocol));
        };
        match frame {
            ClientFrame::Connect { .. } if self.connected => (Vec::new(), Some(Close::Protocol)),
            ClientFrame::Connect { supported: false } => {
                (vec![frame::failed()], Some(Close::Protocol))
            }
            ClientFrame::Connect { supported: true } => {
                self.connected = true;
                (
                    vec![frame::connected(&format!("{:017}", self.inbox.id))],
                    None,
                )
            }
            _ if !self.connected => (Vec::new(), Some(Close::Protocol)),
            ClientFrame::Ping { id } => (vec![frame::pong(id.as_deref())], None),
            ClientFrame::Pong => (Vec::new(), None),
            ClientFrame::Method { id, method, params } => {
                let is_logout = method == "logout";
                let answer = match methods::call(self, &method, &params).await {
                    Ok(result) => frame::result(&id, result),
                    Err(error) => frame::error(&id, &error),
                };
                let close = is_logout.then_some(Close::Protocol);
                (vec![answer, frame::updated(&id)], close)
            }
            ClientFrame::Sub { id, name, params } => {
                (subscribe(self, &id, &name, &params).await, None)
            }
            ClientFrame::Unsub { id } => {
                self.state.hub().unsubscribe(self.inbox.id, &id);
                (vec![frame::nosub(&id, None)], None)
            }
        }
    }

    /// Whether the session has not been ended elsewhere.
    async fn is_still_logged_in(&self) -> bool {
        let Some(token) = &self.token else {
            return true;
        };
        match self.state.homeserver().sessions.authenticate(token).await {
            Ok(_) => true,
            Err(error) => !matches!(error.kind(), gantry_model::ErrorKind::UnknownToken { .. }),
        }
    }

    /// A full queue is the reason, or else the session was ended.
    fn why_cut(&self) -> Close {
        if self.inbox.frames.is_empty() {
            Close::Protocol
        } else {
            Close::TooSlow
        }
    }
}
