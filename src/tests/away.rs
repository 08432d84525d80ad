//! Presence says who is away: nobody has seen a sign of them for a while, on any of their devices, on any node.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Nodes, Person, Socket, TestServer, in_time, new_id};

/// The next change of this person: true if they went away.
async fn change(socket: &mut Socket, name: &str) -> bool {
    in_time(async {
        loop {
            let frame = socket.expect("user-away").await;
            if frame["user"] == name {
                return frame["away"] == true;
            }
        }
    })
    .await
}

async fn joined(person: &Person) -> Socket {
    let mut socket = person.socket().await;
    socket.join("general", json!({})).await;
    socket
}

async fn sign(person: &Person) {
    assert_eq!(person.send(Method::POST, "/api/user/active", &json!(null)).await.status(), 204);
}

#[tokio::test]
async fn whoever_gives_no_sign_is_away_and_one_sign_brings_them_back() {
    let server = TestServer::start_with(&["--away-after", "1s"]).await;
    let (alice, bob) = (server.person("alice").await, server.person("bob").await);
    let (_alices, mut socket) = (joined(&alice).await, joined(&bob).await);
    assert!(change(&mut socket, "alice").await);
    // Whoever comes now learns it at once, on every transport.
    let carol = server.person("carol").await;
    let away = carol.socket().await.join("general", json!({})).await["away"].clone();
    assert!(away.as_array().unwrap().contains(&json!(alice.session.user.id)), "{away}");
    let poll = "/api/rooms/general/messages?last=1&seen=";
    let state: Value = carol.get(poll).send().await.unwrap().json().await.unwrap();
    assert!(state["away"].as_array().unwrap().contains(&json!(alice.session.user.id)), "{state}");
    for number in 0..3 {
        match number {
            0 => sign(&alice).await,
            1 => assert_eq!(alice.type_in("general").await.status(), 204),
            _ => assert_eq!(alice.post("general", &new_id(), "here").await.status(), 201),
        }
        assert!(!change(&mut socket, "alice").await, "sign {number}");
        assert!(change(&mut socket, "alice").await, "silence {number}");
    }
    // A device that comes back by itself is no sign.
    let mut again = alice.socket().await;
    let away = again.join("general", json!({})).await["away"].clone();
    assert!(away.as_array().unwrap().contains(&json!(alice.session.user.id)), "{away}");
    sign(&alice).await;
    assert!(!change(&mut socket, "alice").await);
}

#[tokio::test]
async fn a_person_is_away_only_if_all_their_devices_are() {
    let server = TestServer::start_with(&["--away-after", "2s"]).await;
    let (alice, bob) = (server.person("alice").await, server.person("bob").await);
    let (_computer, _phone, mut socket) = (joined(&alice).await, joined(&alice).await, joined(&bob).await);
    let active = tokio::spawn(async move {
        for _ in 0..20 {
            sign(&alice).await;
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    });
    // Bob himself goes away, and Alice only when she has stopped.
    assert!(change(&mut socket, "bob").await);
    assert!(!active.is_finished());
    assert!(change(&mut socket, "alice").await);
    assert!(active.is_finished());
}

/// Waits until the other's presence in the only direct messages of a socket's person is this.
async fn expect_presence(socket: &mut Socket, expected: &str) {
    in_time(async {
        loop {
            let frame = socket.expect("unread").await;
            if frame["rooms"][0]["presence"].as_str().unwrap_or_default() == expected {
                break;
            }
        }
    })
    .await;
}

#[tokio::test]
async fn the_sidebar_is_told_of_the_other_person_of_direct_messages() {
    let server = TestServer::start_with(&["--away-after", "2s"]).await;
    let (alice, bob) = (server.person("alice").await, server.person("bob").await);
    let (mut alices, mut socket) = (joined(&alice).await, joined(&bob).await);
    let body = json!({ "user_ids": [alice.session.user.id] });
    assert_eq!(bob.send(Method::POST, "/api/direct", &body).await.status(), 201);
    sign(&alice).await;
    socket.send(json!({ "type": "unread" })).await;
    expect_presence(&mut socket, "here").await;
    expect_presence(&mut socket, "away").await;
    sign(&alice).await;
    expect_presence(&mut socket, "here").await;
    alices.close().await;
    expect_presence(&mut socket, "").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sign_on_one_node_counts_on_all() {
    let nodes = Nodes::start_limited(2, &["--away-after", "2s"]).await;
    let (alice, bob) = (nodes.person("alice").await, nodes.person("bob").await);
    let _alices = joined(&alice.at(nodes.node(0))).await;
    let mut socket = joined(&bob.at(nodes.node(1))).await;
    assert!(change(&mut socket, "alice").await);
    sign(&alice.at(nodes.node(0))).await;
    assert!(!change(&mut socket, "alice").await);
    assert!(change(&mut socket, "alice").await);
    // She is active where she is not connected.
    sign(&alice.at(nodes.node(1))).await;
    assert!(!change(&mut socket, "alice").await);
}
