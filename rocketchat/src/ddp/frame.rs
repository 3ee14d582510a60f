//! Frames, in and out.

use gantry_model::canonical_json::Extent;
use serde::Serialize;
use serde_json::Value;

use crate::error::Error;
use crate::rest::body::MAX_DEPTH;

/// The longest id or name in a frame, in bytes.
const MAX_NAME: usize = 512;

/// The most parameters of a call.
const MAX_PARAMS: usize = 32;

/// What a client sends.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum ClientFrame {
    /// The first frame.
    Connect {
        /// Whether the client speaks the version that we speak.
        supported: bool,
    },
    Ping {
        id: Option<String>,
    },
    Pong,
    Method {
        id: String,
        method: String,
        params: Vec<Value>,
    },
    Sub {
        id: String,
        name: String,
        params: Vec<Value>,
    },
    Unsub {
        id: String,
    },
}

/// The bytes are no frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a DDP frame")]
pub(crate) struct InvalidFrame;

impl ClientFrame {
    pub(crate) fn parse(text: &str) -> Result<Self, InvalidFrame> {
        let extent = Extent::of(text.as_bytes());
        if extent.depth > MAX_DEPTH || !extent.is_fair() {
            return Err(InvalidFrame);
        }
        let mut frame: Value = serde_json::from_str(text).map_err(|_| InvalidFrame)?;
        let kind = name(&frame, "msg").ok_or(InvalidFrame)?;
        let id = name(&frame, "id");
        match (kind.as_str(), id) {
            ("connect", _) => {
                let version = frame.get("version").and_then(Value::as_str);
                let support = frame.get("support").and_then(Value::as_array);
                let listed = support.is_some_and(|list| list.iter().any(|one| one == "1"));
                Ok(Self::Connect {
                    supported: version == Some("1") || listed,
                })
            }
            ("ping", id) => Ok(Self::Ping { id }),
            ("pong", _) => Ok(Self::Pong),
            ("method", Some(id)) => {
                let method = name(&frame, "method").ok_or(InvalidFrame)?;
                Ok(Self::Method {
                    id,
                    method,
                    params: params(&mut frame)?,
                })
            }
            ("sub", Some(id)) => {
                let name = name(&frame, "name").ok_or(InvalidFrame)?;
                Ok(Self::Sub {
                    id,
                    name,
                    params: params(&mut frame)?,
                })
            }
            ("unsub", Some(id)) => Ok(Self::Unsub { id }),
            _ => Err(InvalidFrame),
        }
    }
}

fn name(frame: &Value, key: &str) -> Option<String> {
    let text = frame.get(key)?.as_str()?;
    (text.len() <= MAX_NAME).then(|| text.to_owned())
}

fn params(frame: &mut Value) -> Result<Vec<Value>, InvalidFrame> {
    match frame.get_mut("params").map(Value::take) {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(Value::Array(params)) if params.len() <= MAX_PARAMS => Ok(params),
        Some(_) => Err(InvalidFrame),
    }
}

/// What the server sends.
#[derive(Serialize)]
#[serde(tag = "msg", rename_all = "lowercase")]
pub(crate) enum ServerFrame<'a, T> {
    #[serde(rename = "server_id")]
    ServerId {
        server_id: &'static str,
    },
    Connected {
        session: &'a str,
    },
    Failed {
        version: &'static str,
    },
    Ping,
    Pong {
        #[serde(skip_serializing_if = "Option::is_none")]
        id: Option<&'a str>,
    },
    Result {
        id: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        result: Option<T>,
        #[serde(skip_serializing_if = "Option::is_none")]
        error: Option<crate::error::DdpError<'a>>,
    },
    Updated {
        methods: [&'a str; 1],
    },
    Ready {
        subs: [&'a str; 1],
    },
    Nosub {
        id: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        error: Option<crate::error::DdpError<'a>>,
    },
    Added {
        collection: &'a str,
        id: &'static str,
        fields: Fields<'a, T>,
    },
    Changed {
        collection: &'a str,
        id: &'static str,
        fields: Fields<'a, T>,
    },
}

/// An event of a stream.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Fields<'a, T> {
    event_name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    args: Option<T>,
}

impl<T: Serialize> ServerFrame<'_, T> {
    pub(crate) fn text(&self) -> String {
        serde_json::to_string(self).expect("frames hold no maps with keys other than text")
    }
}

type Bare<'a> = ServerFrame<'a, ()>;

pub(crate) fn server_id() -> String {
    Bare::ServerId { server_id: "0" }.text()
}

pub(crate) fn connected(session: &str) -> String {
    Bare::Connected { session }.text()
}

pub(crate) fn failed() -> String {
    Bare::Failed { version: "1" }.text()
}

pub(crate) fn ping() -> String {
    Bare::Ping.text()
}

pub(crate) fn pong(id: Option<&str>) -> String {
    Bare::Pong { id }.text()
}

/// The answer of a method; nothing where it is null.
pub(crate) fn result(id: &str, result: Value) -> String {
    let result = (!result.is_null()).then_some(result);
    ServerFrame::Result {
        id,
        result,
        error: None,
    }
    .text()
}

pub(crate) fn error(id: &str, error: &Error) -> String {
    Bare::Result {
        id,
        result: None,
        error: Some(error.ddp()),
    }
    .text()
}

pub(crate) fn updated(method: &str) -> String {
    Bare::Updated { methods: [method] }.text()
}

pub(crate) fn ready(sub: &str) -> String {
    Bare::Ready { subs: [sub] }.text()
}

pub(crate) fn nosub(id: &str, error: Option<&Error>) -> String {
    Bare::Nosub {
        id,
        error: error.map(Error::ddp),
    }
    .text()
}

/// The document that old clients wait for before a stream's events.
pub(crate) fn added(stream: &str, event: &str) -> String {
    let fields = Fields {
        event_name: event,
        args: None,
    };
    Bare::Added {
        collection: stream,
        id: "id",
        fields,
    }
    .text()
}

/// An event of a stream.
pub(crate) fn changed<T: Serialize>(stream: &str, event: &str, args: T) -> String {
    let fields = Fields {
        event_name: event,
        args: Some(args),
    };
    ServerFrame::Changed {
        collection: stream,
        id: "id",
        fields,
    }
    .text()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn frames_of_clients_are_understood() {
        let cases = [
            (
                r#"{"msg":"connect","version":"1","support":["1","pre2"]}"#,
                ClientFrame::Connect { supported: true },
            ),
            (
                r#"{"msg":"connect","version":"pre2","support":["1"]}"#,
                ClientFrame::Connect { supported: true },
            ),
            (
                r#"{"msg":"connect","version":"2"}"#,
                ClientFrame::Connect { supported: false },
            ),
            (
                r#"{"msg":"ping","id":"x"}"#,
                ClientFrame::Ping {
                    id: Some("x".into()),
                },
            ),
            (r#"{"msg":"pong"}"#, ClientFrame::Pong),
            (
                r#"{"msg":"method","method":"login","id":"1","params":[{"resume":"t"}]}"#,
                ClientFrame::Method {
                    id: "1".into(),
                    method: "login".into(),
                    params: vec![json!({"resume": "t"})],
                },
            ),
            (
                r#"{"msg":"sub","id":"2","name":"stream-x"}"#,
                ClientFrame::Sub {
                    id: "2".into(),
                    name: "stream-x".into(),
                    params: vec![],
                },
            ),
            (
                r#"{"msg":"unsub","id":"2"}"#,
                ClientFrame::Unsub { id: "2".into() },
            ),
        ];
        for (text, expected) in cases {
            assert_eq!(ClientFrame::parse(text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_is_no_frame_is_refused() {
        let deep = format!(
            r#"{{"msg":"ping","x":{}1{}}}"#,
            "[".repeat(200),
            "]".repeat(200)
        );
        for text in [
            "",
            "[]",
            "null",
            r#"{"msg":"method","id":"1"}"#,
            r#"{"msg":"method","method":"x"}"#,
            r#"{"msg":"method","method":"x","id":1}"#,
            r#"{"msg":"sub","id":"1"}"#,
            r#"{"msg":"sub","id":"1","name":"x","params":5}"#,
            r#"{"msg":"nonsense"}"#,
            r#"{"id":"1"}"#,
            &deep,
        ] {
            assert_eq!(ClientFrame::parse(text), Err(InvalidFrame), "{text}");
        }
    }

    #[test]
    fn frames_of_the_server_look_as_clients_expect() {
        let json = |text: String| serde_json::from_str::<Value>(&text).unwrap();

        assert_eq!(
            json(server_id()),
            json!({"msg": "server_id", "server_id": "0"})
        );
        assert_eq!(
            json(connected("s")),
            json!({"msg": "connected", "session": "s"})
        );
        assert_eq!(json(pong(None)), json!({"msg": "pong"}));
        assert_eq!(
            json(result("1", Value::Null)),
            json!({"msg": "result", "id": "1"})
        );
        assert_eq!(
            json(result("1", json!([1]))),
            json!({"msg": "result", "id": "1", "result": [1]})
        );
        assert_eq!(
            json(updated("1")),
            json!({"msg": "updated", "methods": ["1"]})
        );
        assert_eq!(json(ready("2")), json!({"msg": "ready", "subs": ["2"]}));
        assert_eq!(json(nosub("2", None)), json!({"msg": "nosub", "id": "2"}));
        assert_eq!(
            json(added("stream-x", "e")),
            json!({
                "msg": "added", "collection": "stream-x", "id": "id", "fields": {"eventName": "e"}
            })
        );
        assert_eq!(
            json(changed("stream-x", "e", [json!({"_id": "m"})])),
            json!({
                "msg": "changed", "collection": "stream-x", "id": "id",
                "fields": {"eventName": "e", "args": [{"_id": "m"}]}
            })
        );
        assert_eq!(json(error("1", &Error::no_user()))["error"]["error"], 400);
    }

    proptest! {
        #[test]
        fn any_text_is_a_frame_or_refused(text in "\\PC{0,80}") {
            drop(ClientFrame::parse(&text));
        }

        #[test]
        fn any_object_is_a_frame_or_refused(
            kind in "(connect|ping|method|sub|unsub|x)", id in "\\PC{0,8}", params in "[\\[\\]{}1,]{0,8}",
        ) {
            let text = format!(r#"{{"msg":"{kind}","id":{id:?},"method":"m","params":{params}}}"#);
            drop(ClientFrame::parse(&text));
        }
    }
}
