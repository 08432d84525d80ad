//! The events of Socket.IO: the answer to each kind of caller.

use idobata::protocol::socket_io::{AUTHENTICATION_ERROR, ClientEvent, FEED_NAMESPACE};
use serde_json::{Value, json};

use super::callers::{Bench, MaybeUser};
use crate::support::{SocketIo, new_id};

/// An event, and the answers to a stranger, a removed member, a member, the owner and an administrator: the code of a
/// rejection, or `done`. An anonymous caller cannot connect.
fn rows() -> Vec<(&'static str, Value, [&'static str; 5])> {
    let of_members = ["unknown_room", "unknown_room", "done", "done", "unknown_room"];
    let of_joined = ["not_joined", "not_joined", "done", "done", "not_joined"];
    vec![
        // Whoever may enter a room may post to it, even before a join.
        ("message", json!({ "room": "secret", "text": "hello" }), of_members),
        ("message", json!({ "room": "secret", "text": "hi", "reply_to": 1, "thread": 1 }), of_members),
        (
            "change", // of the member's message
            json!({ "room": "secret", "ref": 1, "id": new_id(), "kind": "edit", "text": "hi" }),
            ["unknown_room", "unknown_room", "done", "not_allowed", "unknown_room"],
        ),
        (
            "mark",
            json!({ "id": new_id(), "kind": "level", "room": "secret", "level": "mentions" }),
            of_members,
        ),
        ("follow", json!(null), ["done"; 5]),
        ("unread", json!(null), ["done"; 5]),
        ("typing", json!("secret"), ["not_joined"; 5]),
        ("join-room", json!("secret"), of_members),
        ("join-room", json!({ "room": "secret", "last": 10 }), of_members),
        ("message", json!({ "room": "secret", "text": "hello", "user": "the owner" }), of_members),
        ("typing", json!("secret"), of_joined),
        ("leave-room", json!("secret"), of_joined),
        ("join-room", json!("general"), ["done"; 5]),
        ("message", json!({ "room": "general", "text": "hello" }), ["done"; 5]),
        ("leave-room", json!("general"), ["done"; 5]),
    ]
}

#[tokio::test]
async fn every_event_is_open_to_whom_it_shall_be_and_to_nobody_else() {
    let bench = Bench::start().await;
    let rows = rows();
    for name in ClientEvent::NAMES {
        assert!(rows.iter().any(|(event, ..)| *event == name), "{name} is not in the table of rights");
    }
    for (index, caller) in MaybeUser::ALL.into_iter().skip(1).take(5).enumerate() {
        let mut client = SocketIo::open(&bench.server.url, bench.token(caller)).await.unwrap();
        for (name, data, expected) in &rows {
            let answer = client.ask(name, data.clone()).await;
            let code = answer["error"]["code"].as_str().unwrap_or("done");
            assert_eq!(code, expected[index], "{name} {data} by {caller:?}");
        }
    }
}

#[tokio::test]
async fn without_a_valid_session_no_namespace_is_entered() {
    let bench = Bench::start().await;
    let publishers = [MaybeUser::Publisher, MaybeUser::OtherPublisher];
    let publishers = publishers.map(|caller| ("a publisher's", bench.token(caller).unwrap().to_owned()));
    let bad = bench.bad_tokens().into_iter().chain(publishers);
    let mut auths: Vec<_> = bad.map(|(name, token)| (name, json!({ "token": token }))).collect();
    auths.extend([("none", json!({})), ("no text", json!({ "token": 7 })), ("no object", json!("token"))]);
    for (name, auth) in auths {
        for namespace in ["/", FEED_NAMESPACE] {
            let refused = SocketIo::enter(&bench.server.url, namespace, &auth).await.err();
            assert_eq!(
                refused.as_deref(),
                Some(AUTHENTICATION_ERROR),
                "{namespace} with a token that is {name}"
            );
        }
    }
    for caller in MaybeUser::ALL.into_iter().skip(1).take(5) {
        let auth = json!({ "token": bench.token(caller) });
        let mut feed = SocketIo::enter(&bench.server.url, FEED_NAMESPACE, &auth).await.unwrap();
        feed.expect("connected").await;
        assert_eq!(
            feed.refused("message", json!({ "room": "general", "text": "hi" })).await,
            "unknown_frame"
        );
    }
}
