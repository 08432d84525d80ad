//! Messages that change: edits and deletions, on every transport, and what is left of a deleted text.

use std::{fs, path::Path, time::Duration};

use serde_json::{Value, json};

use crate::support::{Nodes, Person, SocketIo, TestServer, in_time, new_id, postgres_execute, problem};

/// Posts to `general` and returns the offset.
async fn post(person: &Person, text: &str) -> u64 {
    let stored: Value = person.post("general", &new_id(), text).await.json().await.unwrap();
    stored["offset"].as_u64().unwrap()
}

/// Sends a change of a message in `general`.
async fn change(person: &Person, message: u64, body: &Value) -> reqwest::Response {
    let path = format!("/api/rooms/general/messages/{message}/changes");
    person.send(reqwest::Method::POST, &path, body).await
}

async fn edit(person: &Person, message: u64, text: &str) -> Value {
    let body = json!({ "id": new_id(), "kind": "edit", "text": text });
    let answer = change(person, message, &body).await;
    assert_eq!(answer.status(), 201, "{body}");
    answer.json().await.unwrap()
}

async fn delete(person: &Person, message: u64) -> Value {
    let answer = change(person, message, &json!({ "id": new_id(), "kind": "delete" })).await;
    assert_eq!(answer.status(), 201);
    answer.json().await.unwrap()
}

/// The page of `general` with this query, without the members that do not matter here.
async fn page(server: &TestServer, query: &str) -> Value {
    server.json(&format!("/api/rooms/general/messages{query}")).await
}

#[tokio::test]
async fn an_edit_reaches_everybody_and_is_what_later_readers_find() {
    let server = TestServer::start().await;
    let (alice, bob) = (server.person("alice").await, server.person("bob").await);
    let mut socket = bob.socket().await;
    let joined = socket.join("general", json!({})).await;
    let mut stream = server.room_stream("general", "").await;
    let mut client = SocketIo::open(&server.url, Some(&bob.session.token)).await.unwrap();
    client.join("general", json!({})).await;
    let offset = post(&alice, "hey").await;
    let changed = edit(&alice, offset, "hello").await;
    let expected = json!({
        "room": "general", "offset": 2, "ref": 1, "id": changed["id"], "kind": "edit", "user": "alice",
        "user_id": alice.session.user.id, "timestamp": changed["timestamp"], "text": "hello",
    });
    assert_eq!(changed, expected);
    let mut frame = socket.expect("message-changed").await;
    assert_eq!(frame.as_object_mut().unwrap().remove("type"), Some(json!("message-changed")));
    assert_eq!(frame, expected);
    loop {
        let (_, data) = stream.event().await;
        if data["type"] == "message-changed" {
            assert_eq!((&data["text"], &data["ref"]), (&json!("hello"), &json!(1)));
            break;
        }
    }
    let [event] = client.expect("message-changed").await.try_into().unwrap();
    assert_eq!((&event["text"], &event["epoch"]), (&json!("hello"), &joined["epoch"]));

    let newest = page(&server, "").await;
    let message = &newest["messages"][0];
    assert_eq!(
        (&message["text"], &message["rev"], &message["edited"]),
        (&json!("hello"), &json!(2), &json!(true))
    );
    assert_eq!((&newest["as_of"], &newest["changes"]), (&json!(2), &json!([])));
    let after = format!("?after={}:0", joined["epoch"].as_str().unwrap());
    let all = page(&server, &after).await;
    assert_eq!(all["messages"].as_array().unwrap().len(), 1);
    assert_eq!((&all["changes"][0]["text"], &all["cursor"]), (&json!("hello"), &newest["cursor"]));
}

#[tokio::test]
async fn a_change_is_made_by_every_transport_and_once() {
    let server = TestServer::start().await;
    let alice = server.person("alice").await;
    let offset = post(&alice, "1").await;
    let mut socket = alice.socket().await;
    socket.join("general", json!({})).await;
    let id = new_id();
    let frame =
        json!({ "type": "change", "room": "general", "ref": offset, "id": id, "kind": "edit", "text": "2" });
    socket.send(frame.clone()).await;
    let posted = socket.expect("posted").await;
    assert_eq!((&posted["id"], &posted["offset"]), (&json!(id), &json!(2)));
    assert_eq!(socket.expect("message-changed").await["text"], "2");
    socket.send(frame).await;
    assert_eq!(socket.expect("posted").await, posted, "sent again it changes nothing");
    let again = change(&alice, offset, &json!({ "id": id, "kind": "edit", "text": "3" })).await;
    assert_eq!(again.status(), 200);

    let mut client = SocketIo::open(&server.url, Some(&alice.session.token)).await.unwrap();
    let event = json!({ "room": "general", "ref": offset, "id": new_id(), "kind": "edit", "text": "4" });
    let answer = client.ask("change", event.clone()).await;
    assert_eq!((&answer["offset"], &answer["id"]), (&json!(3), &event["id"]));
    assert_eq!(page(&server, "").await["messages"][0]["text"], "4");
}

#[tokio::test]
async fn a_change_that_cannot_be_made_has_a_code_and_changes_nothing() {
    let server = TestServer::start_with(&["--edit-window", "36500d"]).await;
    let (alice, eve) = (server.person("alice").await, server.person("eve").await);
    let offset = post(&alice, "mine").await;
    let edit = |text: &str| json!({ "id": new_id(), "kind": "edit", "text": text });
    let delete = || json!({ "id": new_id(), "kind": "delete" });
    assert_eq!(problem(change(&eve, offset, &edit("hers")).await, 403).await, "not_allowed");
    assert_eq!(problem(change(&eve, offset, &delete()).await, 403).await, "not_allowed");
    assert_eq!(problem(change(&alice, 99, &delete()).await, 404).await, "unknown_message");
    assert_eq!(problem(change(&alice, 0, &delete()).await, 404).await, "unknown_message");
    assert_eq!(problem(change(&alice, offset, &edit(" ")).await, 400).await, "text_empty");
    assert_eq!(problem(change(&alice, offset, &edit(&"x".repeat(4_001))).await, 400).await, "text_too_long");
    let bad_id = json!({ "id": "1", "kind": "delete" });
    assert_eq!(problem(change(&alice, offset, &bad_id).await, 400).await, "bad_id");
    let bad_kind = json!({ "id": new_id(), "kind": "paint" });
    assert_eq!(problem(change(&alice, offset, &bad_kind).await, 400).await, "bad_request");
    assert_eq!(page(&server, "").await["cursor"].as_str().unwrap().split(':').nth(1), Some("1"));

    let changed: Value = change(&alice, offset, &edit("edited")).await.json().await.unwrap();
    let of_change = changed["offset"].as_u64().unwrap();
    assert_eq!(problem(change(&alice, of_change, &delete()).await, 404).await, "unknown_message");
    assert_eq!(
        problem(alice.post("general", changed["id"].as_str().unwrap(), "x").await, 400).await,
        "bad_id"
    );
    assert_eq!(change(&alice, offset, &delete()).await.status(), 201);
    assert_eq!(problem(change(&alice, offset, &edit("back")).await, 410).await, "message_deleted");
    assert_eq!(problem(change(&alice, offset, &delete()).await, 410).await, "message_deleted");
}

#[tokio::test]
async fn a_message_can_be_edited_for_as_long_as_the_setting_says() {
    let server = TestServer::start_with(&["--edit-window", "1s"]).await;
    let alice = server.person("alice").await;
    let body = |text: &str| json!({ "id": new_id(), "kind": "edit", "text": text });
    // A busy machine may need more than a second for the two.
    let early = async {
        loop {
            let offset = post(&alice, "early").await;
            if change(&alice, offset, &body("in time")).await.status() == 201 {
                return offset;
            }
        }
    };
    let offset = in_time(early).await;
    let late = async {
        loop {
            let answer = change(&alice, offset, &body("late")).await;
            if answer.status() != 201 {
                return answer;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    assert_eq!(problem(in_time(late).await, 409).await, "too_late");
    delete(&alice, offset).await;
}

#[tokio::test]
async fn owners_of_a_room_and_administrators_delete_the_messages_of_others_and_edit_none() {
    let server = TestServer::start_with(&["--auth", "accounts"]).await;
    let (owner, guest) = (server.account("owner").await, server.account("guest").await);
    let made = owner.send(reqwest::Method::POST, "/api/rooms", &json!({ "name": "club" })).await;
    assert_eq!(made.status(), 201);
    let stored: Value = guest.post("club", &new_id(), "rude").await.json().await.unwrap();
    let path = format!("/api/rooms/club/messages/{}/changes", stored["offset"]);
    let edit = json!({ "id": new_id(), "kind": "edit", "text": "polite" });
    assert_eq!(problem(owner.send(reqwest::Method::POST, &path, &edit).await, 403).await, "not_allowed");
    let delete = json!({ "id": new_id(), "kind": "delete" });
    assert_eq!(owner.send(reqwest::Method::POST, &path, &delete).await.status(), 201);
}

#[tokio::test]
async fn earlier_texts_are_kept_as_the_setting_says_and_go_with_the_message() {
    let server = TestServer::start_with(&["--edit-history", "2"]).await;
    let alice = server.person("alice").await;
    let offset = post(&alice, "1").await;
    for text in ["2", "3", "4"] {
        edit(&alice, offset, text).await;
    }
    let path = format!("/api/rooms/general/messages/{offset}/edits");
    let edits = server.json(&path).await;
    let texts: Vec<_> = edits["edits"].as_array().unwrap().iter().map(|edit| &edit["text"]).collect();
    assert_eq!(texts, [&json!("2"), &json!("3")]);
    delete(&alice, offset).await;
    assert_eq!(server.json(&path).await["edits"], json!([]));
    assert_eq!(
        problem(server.get("/api/rooms/general/messages/99/edits").send().await.unwrap(), 404).await,
        "unknown_message"
    );
}

/// Returns true if some file in the folder has this text.
fn is_in_a_file(folder: &Path, text: &str) -> bool {
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    files.filter(|path| path.is_file()).any(|path| {
        let bytes = fs::read(&path).unwrap_or_default();
        bytes.windows(text.len()).any(|window| window == text.as_bytes())
    })
}

#[tokio::test]
async fn a_deleted_text_is_in_no_answer_and_in_no_file_any_more() {
    let server = TestServer::start().await;
    let (alice, bob) = (server.person("alice").await, server.person("bob").await);
    let mut socket = bob.socket().await;
    let joined = socket.join("general", json!({})).await;
    let id = new_id();
    // Longer than a page of the database, so that parts of it stand in pages of their own.
    let long = "correct horse battery staple ".repeat(120);
    let stored: Value = alice.post("general", &id, &long).await.json().await.unwrap();
    let offset = stored["offset"].as_u64().unwrap();
    edit(&alice, offset, "password hunter2").await;
    post(&alice, "between").await;
    assert!(is_in_a_file(server.folder(), "hunter2"), "the test sees what is stored");
    delete(&alice, offset).await;
    // A reader of the database may be in the way for a moment.
    for text in ["hunter2", "battery staple"] {
        let gone = async {
            while is_in_a_file(server.folder(), text) {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        in_time(gone).await;
    }

    // The room is open: who joins from the beginning reads it from memory, or from the store.
    let after = format!("{}:0", joined["epoch"].as_str().unwrap());
    let mut late = bob.socket().await;
    late.join("general", json!({ "after": after })).await;
    let message = late.expect("message").await;
    assert_eq!((&message["text"], &message["deleted"]), (&json!(""), &json!(true)));
    let edited = late.expect("message-changed").await;
    assert_eq!((&edited["kind"], &edited["text"]), (&json!("edit"), &json!("")));
    assert_eq!(late.expect("message").await["text"], "between");
    assert_eq!(late.expect("message-changed").await["kind"], "delete");
    let again: Value = alice.post("general", &id, &long).await.json().await.unwrap();
    assert_eq!((&again["offset"], &again["text"]), (&json!(offset), &json!("")));
    for query in ["", "?limit=10", &format!("?after={after}")] {
        let page = page(&server, query).await.to_string();
        assert!(!page.contains("hunter2") && !page.contains("horse"), "{page}");
    }
}

#[tokio::test]
async fn a_join_with_last_counts_messages_and_not_their_changes() {
    let server = TestServer::start().await;
    let alice = server.person("alice").await;
    let first = post(&alice, "first").await;
    let second = post(&alice, "second").await;
    for n in 0..5 {
        edit(&alice, second, &format!("second {n}")).await;
    }
    edit(&alice, first, "first again").await;
    // From the store, and then from memory, while another reader keeps the room open.
    for _ in 0..2 {
        let mut socket = alice.socket().await;
        socket.join("general", json!({ "last": 1 })).await;
        assert_eq!(socket.expect("message").await["offset"], json!(second));
        let mut newest = alice.socket().await;
        newest.join("general", json!({ "last": 2 })).await;
        assert_eq!(newest.expect("message").await["offset"], json!(first));
    }
    let page = page(&server, "?limit=1").await;
    assert_eq!(page["messages"].as_array().unwrap().len(), 1);
    assert_eq!(page["messages"][0]["offset"], json!(second));
    assert_eq!(page["more"], true);
}

#[tokio::test]
async fn changes_are_the_same_on_every_node_and_a_deleted_text_is_in_no_row() {
    let nodes = Nodes::start(2).await;
    let (alice, bob) = (nodes.person("alice").await, nodes.person("bob").await);
    let mut reader = bob.at(nodes.node(1)).socket().await;
    let joined = reader.join("general", json!({})).await;
    let offset = post(&alice, "a secret of PostgreSQL").await;
    assert_eq!(reader.expect("message").await["text"], "a secret of PostgreSQL");
    edit(&alice, offset, "another secret of PostgreSQL").await;
    assert_eq!(reader.expect("message-changed").await["text"], "another secret of PostgreSQL");
    delete(&alice, offset).await;
    assert_eq!(reader.expect("message-changed").await["kind"], "delete");
    // The other node has the room open.
    let mut late = bob.at(nodes.node(1)).socket().await;
    late.join("general", json!({ "after": format!("{}:0", joined["epoch"].as_str().unwrap()) })).await;
    assert_eq!(late.expect("message").await["text"], "");
    assert_eq!(late.expect("message-changed").await["text"], "");
    let check = "DO $$ BEGIN IF EXISTS (SELECT 1 FROM entries WHERE body LIKE '%secret%')
                 THEN RAISE EXCEPTION 'a secret is left'; END IF; END $$";
    postgres_execute(nodes.database(), check).await;
}
