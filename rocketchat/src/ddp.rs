//! DDP: methods, subscriptions and live events over WebSockets.

mod connection;
mod fanout;
mod frame;
mod hub;
mod methods;
mod notify;
mod room_methods;
mod sockjs;
mod subscribe;
mod typing;
mod upgrade;

pub(crate) use fanout::run_hub;
pub(crate) use hub::Hub;
pub(crate) use upgrade::{sockjs_info, sockjs_websocket, websocket};
