//! What a client's message is: a frame to act on, or a reason to refuse it. `connection.rs` calls it for each.

use super::{
    FRAME_MAX_BYTES, close,
    connection::{Connection, End},
    frame_reader::Message,
};
use crate::{
    protocol::{
        chat::ClientFrame,
        problem::{Code, Rejection},
    },
    server::{
        limits::TooFast,
        log::wire_format::{self, PONG},
    },
};

impl Connection {
    pub(super) async fn on_message(&mut self, message: Message) -> Result<(), End> {
        let refused = match self.pace.step() {
            Ok(()) => None,
            Err(TooFast { must_disconnect: true, .. }) => return Err(End::Close(close::POLICY)),
            Err(TooFast { rejection, .. }) => Some(rejection),
        };
        match message {
            Message::Text(text) => self.on_text(&text, refused).await,
            Message::Binary => {
                let bad_json =
                    || Rejection::new(Code::BadJson, "A frame is a text message of JSON, not a binary one.");
                self.reject(None, None, refused.unwrap_or_else(bad_json));
            }
            Message::Ping(payload) if refused.is_none() => {
                self.frame_writer.write(&wire_format::frame(PONG, &payload))
            }
            // The protocol has no other answer to a ping.
            Message::Ping(_) | Message::Pong => {}
            Message::Close(code) => return Err(End::Closed(code)),
        }
        Ok(())
    }

    async fn on_text(&mut self, text: &str, refused: Option<Rejection>) {
        if text.len() > FRAME_MAX_BYTES {
            let message = format!("A frame has at most {FRAME_MAX_BYTES} bytes.");
            return self.reject(None, None, Rejection::new(Code::TooLarge, message));
        }
        match (ClientFrame::parse(text), refused) {
            (Ok(frame), None) => self.on_frame(frame).await,
            (Ok(frame), Some(rejection)) => {
                let (room, id) = subject(frame);
                self.reject(room, id, rejection);
            }
            (Err(rejection), _) => self.reject(None, None, rejection),
        }
    }
}

/// The room that a frame is about, and the id of a post: a page finds its draft by it.
fn subject(frame: ClientFrame) -> (Option<String>, Option<String>) {
    match frame {
        ClientFrame::Post { room, id, .. } => (Some(room), Some(id)),
        ClientFrame::Join { room, .. } | ClientFrame::Leave { room } | ClientFrame::Typing { room } => {
            (Some(room), None)
        }
        ClientFrame::Auth { .. } | ClientFrame::Ping => (None, None),
    }
}
