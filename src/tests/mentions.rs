//! Mentions: whom a message names, who is told of it and when that ends, on every way in which a message comes or changes.

use idobata::server::store::{NewEntry, TopicName};
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Nodes, Person, Socket, TestServer, in_time, new_id};

impl Person {
    /// Is known in #general without being there.
    async fn known(self) -> Self {
        let mark = json!({ "id": new_id(), "room": "general", "kind": "read", "offset": 0 });
        assert_eq!(self.send(Method::POST, "/api/user/marks", &mark).await.status(), 201);
        self
    }

    /// Posts to #general; returns the message.
    async fn tells(&self, text: &str) -> Value {
        let answer = self.post("general", &new_id(), text).await;
        assert_eq!(answer.status(), 201, "{text}");
        answer.json().await.unwrap()
    }

    async fn modifies(&self, message: &Value, kind: &str, text: &str) -> Value {
        let path = format!("/api/rooms/general/messages/{}/changes", message["offset"]);
        let answer =
            self.send(Method::POST, &path, &json!({ "id": new_id(), "kind": kind, "text": text })).await;
        assert_eq!(answer.status(), 201, "{kind} {text}");
        answer.json().await.unwrap()
    }

    /// The offsets in #general at which this person is mentioned and has not read.
    async fn mentioned(&self) -> Vec<u64> {
        let state: Value = self.get("/api/user").send().await.unwrap().json().await.unwrap();
        let room = state["rooms"].as_array().unwrap().iter().find(|room| room["room"] == "general").unwrap();
        room["mentions"].as_array().into_iter().flatten().map(|offset| offset.as_u64().unwrap()).collect()
    }

    /// The entries of this person's own log.
    async fn log_length(&self, server: &TestServer) -> u64 {
        let topic = TopicName::of_user(&self.session.user.id).unwrap();
        server.state.hub.store().bounds(&topic).await.unwrap().head
    }

    async fn follows(&self) -> Socket {
        let mut socket = self.socket().await;
        socket.send(json!({ "type": "follow" })).await;
        socket.expect("followed").await;
        socket.send(json!({ "type": "unread" })).await;
        socket
    }

    async fn is_in_general(&self) -> Socket {
        let mut socket = self.socket().await;
        socket.send(json!({ "type": "join", "room": "general" })).await;
        socket.expect("joined").await;
        socket
    }
}

fn names(message: &Value) -> Vec<&str> {
    message["mentions"].as_array().into_iter().flatten().map(|user| user["name"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn whoever_is_named_is_told_until_they_read_and_nobody_else() {
    let server = TestServer::start().await;
    let alice = server.person("alice").await.known().await;
    let bob = server.person("Bob Ross").await.known().await;
    let hanako = server.person("花子").await.known().await;
    let carol = server.person("carol").await.known().await;
    let dave = server.person("dave").await;
    let (mut of_bob, mut reader) = (bob.follows().await, carol.is_in_general().await);
    let text = "日本語@花子さん and @ＢＯＢ ross, not `@carol`, a@carol.org, @dave or @alice";
    let message = alice.tells(text).await;
    assert_eq!(names(&message), ["花子", "Bob Ross"], "dave was never in the room, and alice is the author");
    assert_eq!(message["mentions"][1]["id"], bob.session.user.id);
    assert_eq!(reader.expect("message").await["mentions"], message["mentions"]);
    let mark = of_bob.expect("mark").await;
    assert_eq!((&mark["room"], &mark["mentions"]), (&json!("general"), &json!([1])));
    loop {
        let told = of_bob.expect("unread").await;
        if told["rooms"][0]["mentions"] == json!([1]) {
            break;
        }
    }
    assert_eq!((bob.mentioned().await, hanako.mentioned().await), (vec![1], vec![1]));
    for other in [&alice, &carol, &dave] {
        assert_eq!(other.mentioned().await, [] as [u64; 0]);
    }
    let read = json!({ "id": new_id(), "room": "general", "kind": "read", "offset": 1 });
    bob.send(Method::POST, "/api/user/marks", &read).await;
    assert_eq!((bob.mentioned().await, hanako.mentioned().await), (vec![], vec![1]));
    let page: Value = alice.get("/api/rooms/general/messages").send().await.unwrap().json().await.unwrap();
    assert_eq!(page["messages"][0]["mentions"], message["mentions"]);
    // By the socket, from somebody who was mentioned.
    let mut of_bob = bob.is_in_general().await;
    of_bob.send(json!({ "type": "post", "room": "general", "id": new_id(), "text": "@alice yes" })).await;
    of_bob.expect("posted").await;
    assert_eq!(alice.mentioned().await, [2], "it was told before it was acknowledged");
}

#[tokio::test]
async fn an_edit_tells_whom_it_names_and_takes_back_whom_it_does_not_and_a_deletion_all() {
    let server = TestServer::start().await;
    let alice = server.person("alice").await.known().await;
    let bob = server.person("bob").await.known().await;
    let carol = server.person("carol").await.known().await;
    let message = alice.tells("hi @bob").await;
    let mut reader = alice.is_in_general().await;
    let edit = alice.modifies(&message, "edit", "hi @carol").await;
    assert_eq!(names(&edit), ["carol"]);
    assert_eq!(edit.get("dropped"), None);
    let heard = reader.expect("message-changed").await;
    assert_eq!((&heard["mentions"], heard.get("dropped")), (&edit["mentions"], None));
    assert_eq!((bob.mentioned().await, carol.mentioned().await), (vec![], vec![1]));
    alice.modifies(&message, "edit", "hi @carol and @bob").await;
    assert_eq!((bob.mentioned().await, carol.mentioned().await), (vec![1], vec![1]), "a name may come back");
    alice.modifies(&message, "edit", "hi @bob").await;
    assert_eq!((bob.mentioned().await, carol.mentioned().await), (vec![1], vec![]));
    let before = bob.log_length(&server).await;
    alice.modifies(&message, "edit", "hello @bob").await;
    assert_eq!(bob.log_length(&server).await, before, "whoever was told already is not told again");
    let deleted = alice.modifies(&message, "delete", "").await;
    assert_eq!((deleted.get("mentions"), deleted.get("dropped")), (None, None));
    assert_eq!((bob.mentioned().await, carol.mentioned().await), (vec![], vec![]));
    let page: Value = alice.get("/api/rooms/general/messages").send().await.unwrap().json().await.unwrap();
    assert_eq!(page["messages"][0].get("mentions"), None);
}

#[tokio::test]
async fn the_list_has_every_mention_of_all_rooms_newest_first_in_pages_and_no_other_message() {
    let server = TestServer::start().await;
    let alice = server.person("alice").await;
    let bob = server.person("bob").await.known().await;
    let listed = async |query: &str| -> Value {
        bob.get(&format!("/api/user/mentions{query}")).send().await.unwrap().json().await.unwrap()
    };
    assert_eq!(listed("").await, json!({ "mentions": [] }));
    let room: Value =
        alice.send(Method::POST, "/api/rooms", &json!({ "name": "Other" })).await.json().await.unwrap();
    let other = room["id"].as_str().unwrap();
    let mark = json!({ "id": new_id(), "room": other, "kind": "read", "offset": 0 });
    assert_eq!(bob.send(Method::POST, "/api/user/marks", &mark).await.status(), 201);
    for text in ["@bob 1", "nobody", "@bob 2", "@bob gone", "@bob not you"] {
        alice.tells(text).await;
    }
    assert_eq!(alice.post(other, &new_id(), "@bob 3").await.status(), 201);
    alice.modifies(&json!({ "offset": 4 }), "delete", "").await;
    alice.modifies(&json!({ "offset": 5 }), "edit", "somebody").await;
    let read = json!({ "id": new_id(), "room": "general", "kind": "read", "offset": 1 });
    bob.send(Method::POST, "/api/user/marks", &read).await;
    let texts = |page: &Value| {
        let all = page["mentions"].as_array().unwrap().iter();
        all.map(|one| (one["text"].as_str().unwrap().to_owned(), one["read"].as_bool().unwrap()))
            .collect::<Vec<_>>()
    };
    let expected = [("@bob 3", false), ("@bob 2", false), ("@bob 1", true)];
    let expected = expected.map(|(text, is_read)| (text.to_owned(), is_read));
    assert_eq!(texts(&listed("").await), expected);
    let mut page = listed("?limit=1").await;
    for one in &expected {
        assert_eq!(texts(&page), std::slice::from_ref(one));
        let Some(next) = page.get("next").and_then(Value::as_str) else { break };
        page = listed(&format!("?limit=1&before={next}")).await;
    }
    assert_eq!((texts(&page), page.get("next")), (vec![expected[2].clone()], None), "the last one");
    let refused = bob.get("/api/user/mentions?before=yesterday").send().await.unwrap();
    assert_eq!(refused.status(), 400);
    let of_alice: Value = alice.get("/api/user/mentions").send().await.unwrap().json().await.unwrap();
    assert_eq!(of_alice, json!({ "mentions": [] }));
}

#[tokio::test]
async fn a_post_that_comes_again_tells_once_and_mends_what_a_crash_left_undone() {
    let server = TestServer::start().await;
    let alice = server.person("alice").await;
    let bob = server.person("bob").await.known().await;
    let id = new_id();
    for status in [201, 200, 200] {
        assert_eq!(alice.post("general", &id, "@bob once").await.status(), status);
    }
    assert_eq!(
        (bob.mentioned().await, bob.log_length(&server).await),
        (vec![1], 2),
        "one mark and one mention"
    );
    // The server ended after the commit and before the mention: the message is all that is there.
    let id = new_id();
    let user = &bob.session.user;
    let body = json!({ "user": "alice", "text": "@bob twice", "mentions": [user] }).to_string();
    let entry = NewEntry {
        author: alice.session.user.id.clone(),
        client_id: Some(id.clone()),
        channel: None,
        lasting: true,
        body,
        change: None,
        reference: None,
        state: None,
        files: Vec::new(),
    };
    let room = TopicName::Room(idobata::protocol::name::RoomId::parse("general").unwrap());
    server.state.hub.publish(&room, vec![entry]).await.unwrap();
    assert_eq!(bob.mentioned().await, [1]);
    assert_eq!(alice.post("general", &id, "@bob twice").await.status(), 200);
    assert_eq!(bob.mentioned().await, [1, 2]);
    // After the name was taken out, the repeat of the post brings nothing back.
    let message = json!({ "offset": 2 });
    alice.modifies(&message, "edit", "nobody").await;
    assert_eq!(alice.post("general", &id, "@bob twice").await.status(), 200);
    assert_eq!(bob.mentioned().await, [1]);
}

#[tokio::test]
async fn everybody_in_the_room_or_of_it_is_told_by_a_group() {
    let server = TestServer::start().await;
    let alice = server.person("alice").await.known().await;
    let (here, away) = (server.person("here").await.known().await, server.person("away").await.known().await);
    let _present = here.is_in_general().await;
    let message = alice.tells("@here come").await;
    assert_eq!(message["groups"], json!([{ "name": "here", "told": 1 }]));
    assert_eq!((here.mentioned().await, away.mentioned().await), (vec![1], vec![]));
    let message = alice.tells("＠Room, and `@here`").await;
    assert_eq!(message["groups"], json!([{ "name": "room", "told": 2 }]));
    assert_eq!((here.mentioned().await, away.mentioned().await), (vec![1, 2], vec![2]));
    assert_eq!(alice.mentioned().await, [] as [u64; 0]);
    alice.modifies(&message, "edit", "only @away").await;
    assert_eq!((here.mentioned().await, away.mentioned().await), (vec![1], vec![2]));
    let message = alice.tells("@room once more").await;
    alice.modifies(&message, "delete", "").await;
    assert_eq!((here.mentioned().await, away.mentioned().await), (vec![1], vec![2]));
}

#[tokio::test]
async fn nobody_is_told_by_who_may_not_or_in_a_room_of_too_many() {
    let server = TestServer::start_with(&["--group-mentions", "owners"]).await;
    let alice = server.person("alice").await.known().await;
    let bob = server.person("bob").await.known().await;
    assert_eq!(alice.tells("@room hi").await["groups"], json!([{ "name": "room", "told": 0 }]));
    assert_eq!(bob.mentioned().await, [] as [u64; 0]);
    let made = alice.send(Method::POST, "/api/rooms", &json!({ "name": "Mine" })).await;
    assert_eq!(made.status(), 201);
    let mark = json!({ "id": new_id(), "room": "mine", "kind": "read", "offset": 0 });
    bob.send(Method::POST, "/api/user/marks", &mark).await;
    let message: Value = alice.post("mine", &new_id(), "@room hi").await.json().await.unwrap();
    assert_eq!(message["groups"], json!([{ "name": "room", "told": 1 }]), "its owner may");

    let server = TestServer::start().await;
    let alice = server.person("alice").await;
    let mut last = None;
    for number in 0..101 {
        last = Some(server.person(&format!("user {number}")).await.known().await);
    }
    assert_eq!(alice.tells("@room hi").await["groups"], json!([{ "name": "room", "told": 0 }]));
    assert_eq!(last.unwrap().mentioned().await, [] as [u64; 0]);
}

#[tokio::test]
async fn who_may_not_enter_is_not_named() {
    let server = TestServer::start_with(&["--auth", "accounts"]).await;
    let (owner, member) = (server.account("owner").await, server.account("member").await);
    owner.send(Method::POST, "/api/rooms", &json!({ "name": "Secret", "private": true })).await;
    owner.send(Method::POST, "/api/rooms/secret/members", &json!({ "name": "member" })).await;
    let mark = json!({ "id": new_id(), "room": "secret", "kind": "read", "offset": 0 });
    assert_eq!(member.send(Method::POST, "/api/user/marks", &mark).await.status(), 201);
    let said: Value = owner.post("secret", &new_id(), "@member").await.json().await.unwrap();
    assert_eq!(names(&said), ["member"]);
    let path = format!("/api/rooms/secret/members/{}", member.session.user.id);
    assert_eq!(owner.send(Method::DELETE, &path, &json!({})).await.status(), 204);
    let before = member.log_length(&server).await;
    let said: Value = owner.post("secret", &new_id(), "@member @room").await.json().await.unwrap();
    assert_eq!((names(&said), &said["groups"]), (vec![], &json!([{ "name": "room", "told": 0 }])));
    assert_eq!(member.log_length(&server).await, before);
}

#[tokio::test]
async fn a_mention_is_told_on_every_node() {
    let nodes = Nodes::start(3).await;
    let (alice, bob) = (nodes.person("alice").await, nodes.person("bob").await.known().await);
    let mut sockets = Vec::new();
    for node in &nodes.servers {
        sockets.push(bob.at(node).follows().await);
    }
    alice.at(nodes.node(1)).tells("hi @bob").await;
    for socket in &mut sockets {
        assert_eq!(socket.expect("mark").await["mentions"], json!([1]));
    }
    // Whoever is present at one node is named at another.
    let carol = nodes.person("carol").await.at(nodes.node(2));
    let _present = carol.is_in_general().await;
    in_time(async {
        loop {
            let message = alice.at(nodes.node(1)).tells("hi @carol, @here").await;
            if names(&message) == ["carol"] {
                assert_eq!(message["groups"], json!([{ "name": "here", "told": 1 }]));
                break;
            }
        }
    })
    .await;
}
