//! The framing that Meteor's clients put around DDP.

use serde_json::Value;

/// How frames are wrapped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Framing {
    /// One frame, one message.
    Plain,
    /// `a["<frame>"]` from the server, `["<frame>"]` from the client.
    SockJs,
}

impl Framing {
    /// What is sent before everything else.
    pub(crate) fn opening(self) -> Option<&'static str> {
        match self {
            Self::Plain => None,
            Self::SockJs => Some("o"),
        }
    }

    /// A frame as it is sent.
    pub(crate) fn wrap(self, frame: &str) -> String {
        match self {
            Self::Plain => frame.to_owned(),
            Self::SockJs => format!("a{}", Value::from(vec![frame])),
        }
    }

    /// The frames of a message; `None`: it is not wrapped as it must be.
    pub(crate) fn unwrap(self, message: &str) -> Option<Vec<String>> {
        if self == Self::Plain || message.starts_with('{') {
            return Some(vec![message.to_owned()]);
        }
        match serde_json::from_str(message).ok()? {
            Value::String(frame) => Some(vec![frame]),
            Value::Array(frames) => frames
                .into_iter()
                .map(|frame| match frame {
                    Value::String(frame) => Some(frame),
                    _ => None,
                })
                .collect(),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn meteor_wraps_frames_in_lists() {
        let frame = r#"{"msg":"ping"}"#;

        assert_eq!(Framing::SockJs.wrap(frame), r#"a["{\"msg\":\"ping\"}"]"#);
        assert_eq!(
            Framing::SockJs.unwrap(r#"["{\"msg\":\"ping\"}"]"#).unwrap(),
            [frame]
        );
        assert_eq!(Framing::SockJs.unwrap(frame).unwrap(), [frame]);
        assert_eq!(Framing::SockJs.unwrap("[5]"), None);
        assert_eq!(Framing::SockJs.unwrap("nonsense"), None);
        assert_eq!(Framing::Plain.unwrap(frame).unwrap(), [frame]);
    }

    proptest! {
        #[test]
        fn what_was_wrapped_is_unwrapped(frame in "\\PC{0,60}") {
            for framing in [Framing::Plain, Framing::SockJs] {
                let wrapped = framing.wrap(&frame);
                let message = wrapped.strip_prefix('a').filter(|_| framing == Framing::SockJs);
                let unwrapped = framing.unwrap(message.unwrap_or(&wrapped)).unwrap();
                prop_assert_eq!(unwrapped, [frame.clone()]);
            }
        }

        #[test]
        fn any_message_is_unwrapped_or_refused(message in "[\\[\\]{}\"a,1]{0,20}") {
            drop(Framing::SockJs.unwrap(&message));
        }
    }
}
