//! The frames of the chat socket: the answer to each kind of caller.

use idobata::protocol::chat::ClientFrame;
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Error;

use super::callers::{Bench, MaybeUser};
use crate::support::{Socket, new_id};

/// A frame, and the answers to an anonymous caller, a stranger, a removed member, a member, the owner and an
/// administrator: the code of a rejection, or a frame's type.
fn rows() -> Vec<(Value, [&'static str; 6])> {
    let post = |room| json!({ "type": "post", "room": room, "id": new_id(), "text": "hello" });
    vec![
        (json!({ "type": "ping" }), ["pong"; 6]),
        (json!({ "type": "auth", "token": "nonsense" }), ["no_session"; 6]),
        (
            post("secret"),
            ["no_session", "not_joined", "not_joined", "not_joined", "not_joined", "not_joined"],
        ),
        (
            json!({ "type": "join", "room": "secret" }),
            ["no_session", "unknown_room", "unknown_room", "joined", "joined", "unknown_room"],
        ),
        (post("secret"), ["no_session", "not_joined", "not_joined", "posted", "posted", "not_joined"]),
        (
            // To the member's message.
            json!({ "type": "post", "room": "secret", "id": new_id(), "text": "hi", "reply_to": 1, "thread": 1 }),
            ["no_session", "not_joined", "not_joined", "posted", "posted", "not_joined"],
        ),
        (
            // The member's message.
            json!({ "type": "change", "room": "secret", "ref": 1, "id": new_id(), "kind": "edit", "text": "hi" }),
            ["no_session", "not_joined", "not_joined", "posted", "not_allowed", "not_joined"],
        ),
        (
            json!({ "type": "join", "room": "general" }),
            ["no_session", "joined", "joined", "joined", "joined", "joined"],
        ),
        (post("general"), ["no_session", "posted", "posted", "posted", "posted", "posted"]),
        (
            json!({ "type": "mark", "id": new_id(), "kind": "level", "room": "secret", "level": "mentions" }),
            ["no_session", "unknown_room", "unknown_room", "marked", "marked", "unknown_room"],
        ),
        (
            json!({ "type": "mark", "id": new_id(), "kind": "read", "room": "general", "offset": 0 }),
            ["no_session", "marked", "marked", "marked", "marked", "marked"],
        ),
        (
            json!({ "type": "follow" }),
            ["no_session", "followed", "followed", "followed", "followed", "followed"],
        ),
        (
            json!({ "type": "typing", "room": "secret" }),
            ["not_joined", "not_joined", "not_joined", "silence", "silence", "not_joined"],
        ),
        (
            json!({ "type": "leave", "room": "secret" }),
            ["not_joined", "not_joined", "not_joined", "silence", "silence", "not_joined"],
        ),
        // At the end: from then on the server says it whenever something happens.
        (json!({ "type": "unread" }), ["no_session", "unread", "unread", "unread", "unread", "unread"]),
    ]
}

/// The answer to a frame: the first frame that is not about other users, or silence.
async fn answer(socket: &mut Socket, frame: &Value) -> String {
    socket.send(frame.clone()).await;
    if frame["type"] != "ping" {
        socket.send(json!({ "type": "ping" })).await;
    }
    let mut answered = None;
    loop {
        let heard = socket.frame().await;
        match heard["type"].as_str().unwrap() {
            "rejected" => answered = Some(heard["code"].as_str().unwrap().to_owned()),
            kind @ ("joined" | "posted" | "marked" | "followed" | "unread") => {
                answered = Some(kind.to_owned())
            }
            "pong" if frame["type"] == "ping" => return "pong".to_owned(),
            "pong" => return answered.unwrap_or_else(|| "silence".to_owned()),
            _ => {}
        }
    }
}

#[tokio::test]
async fn every_frame_is_open_to_whom_it_shall_be_and_to_nobody_else() {
    let bench = Bench::start().await;
    let rows = rows();
    for kind in ClientFrame::TYPES {
        assert!(rows.iter().any(|(frame, _)| frame["type"] == kind), "{kind} is not in the table of rights");
    }
    for (index, caller) in MaybeUser::ALL.into_iter().take(6).enumerate() {
        let mut socket = Socket::open(&bench.server.url, bench.token(caller)).await.unwrap();
        for (frame, expected) in &rows {
            assert_eq!(answer(&mut socket, frame).await, expected[index], "{frame} by {caller:?}");
        }
    }
    let bad = bench.bad_tokens().into_iter().map(|(name, token)| (name, token, 401));
    let publishers = [MaybeUser::Publisher, MaybeUser::OtherPublisher];
    let publishers = publishers.map(|caller| ("a publisher's", bench.token(caller).unwrap().to_owned(), 403));
    for (name, token, status) in bad.chain(publishers) {
        let refused = Socket::open(&bench.server.url, Some(&token)).await.err().unwrap();
        assert!(
            matches!(&refused, Error::Http(response) if response.status() == status),
            "{name}: {refused}"
        );
    }
}
