//! Moderators, mutes, reports, and the log of what was done, on every transport and every node.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Nodes, Person, SocketIo, TestServer, new_id, problem};

const SETTINGS: [&str; 2] = ["--auth", "accounts"];

async fn send(person: &Person, method: Method, path: &str, body: Value) -> reqwest::Response {
    person.send(method, path, &body).await
}

async fn read(person: &Person, path: &str) -> Value {
    let answer = person.get(path).send().await.unwrap();
    assert_eq!(answer.status(), 200, "{path}");
    answer.json().await.unwrap()
}

/// A server with an administrator, the owner of the room `team`, its moderator, and somebody else.
async fn team() -> (TestServer, [Person; 4]) {
    let server = TestServer::start_with(&SETTINGS).await;
    let mut people = Vec::new();
    for name in ["admin", "owner", "moderator", "other"] {
        people.push(server.account(name).await);
    }
    let people: [Person; 4] = people.try_into().ok().unwrap();
    assert_eq!(send(&people[1], Method::POST, "/api/rooms", json!({ "name": "Team" })).await.status(), 201);
    let named = json!({ "name": "moderator" });
    assert_eq!(send(&people[1], Method::POST, "/api/rooms/team/moderators", named).await.status(), 201);
    (server, people)
}

/// The codes that refuse every way to write in `team`, in which there is a message 1.
async fn refusals(server: &TestServer, person: &Person) -> Vec<String> {
    let mut codes = Vec::new();
    let mut socket = person.socket().await;
    socket.join("team", json!({})).await;
    socket.post("team", "by socket").await;
    codes.push(socket.rejected().await);
    for kind in ["react", "pin", "delete"] {
        socket
            .send(json!({ "type": "change", "room": "team", "ref": 1, "id": new_id(), "kind": kind, "emoji": "🎉" }))
            .await;
        codes.push(socket.rejected().await);
    }
    socket.send(json!({ "type": "typing", "room": "team" })).await;
    socket.is_alive().await;
    let mut client = SocketIo::open(&server.url, Some(&person.session.token)).await.unwrap();
    client.join("team", json!({})).await;
    codes.push(client.refused("message", json!({ "room": "team", "text": "by Socket.IO" })).await);
    let edit = json!({ "room": "team", "ref": 1, "id": new_id(), "kind": "edit", "text": "changed" });
    codes.push(client.refused("change", edit).await);
    codes.push(problem(person.post("team", &new_id(), "by HTTP").await, 403).await);
    let edit = json!({ "id": new_id(), "kind": "edit", "text": "changed" });
    let changed = send(person, Method::POST, "/api/rooms/team/messages/1/changes", edit).await;
    codes.push(problem(changed, 403).await);
    assert_eq!(person.type_in("team").await.status(), 204, "typing is ignored");
    codes
}

#[tokio::test]
async fn who_is_muted_reads_and_writes_by_no_way_until_the_end() {
    let (server, [_, owner, moderator, other]) = team().await;
    assert_eq!(other.post("team", &new_id(), "before").await.status(), 201);
    let mutes = "/api/rooms/team/mutes";
    let muted = send(&moderator, Method::POST, mutes, json!({ "message": 1 })).await;
    let muted: Value = muted.json().await.unwrap();
    assert_eq!((&muted["name"], &muted["until"]), (&json!("other"), &Value::Null));
    let codes = refusals(&server, &other).await;
    assert!(codes.iter().all(|code| code == "muted"), "{codes:?}");
    assert_eq!(owner.post("team", &new_id(), "others write").await.status(), 201);
    assert_eq!(other.post("general", &new_id(), "elsewhere").await.status(), 201);
    let page = read(&other, "/api/rooms/team/messages").await;
    assert_eq!(page["messages"].as_array().unwrap().len(), 2, "they read");
    assert_eq!(read(&moderator, mutes).await, json!([muted]));
    // After a restart as well, and then it is taken back.
    let data = server.stop().await.unwrap();
    let server = TestServer::start_on(data.path(), &SETTINGS).await;
    let (other, moderator) = (other.at(&server), moderator.at(&server));
    assert_eq!(problem(other.post("team", &new_id(), "after").await, 403).await, "muted");
    let path = format!("{mutes}/{}", other.session.user.id);
    assert_eq!(send(&moderator, Method::DELETE, &path, Value::Null).await.status(), 204);
    assert_eq!(other.post("team", &new_id(), "after").await.status(), 201);
    // One with an end says when, and ends by itself.
    let short = json!({ "name": "other", "seconds": 2 });
    assert_eq!(send(&moderator, Method::POST, mutes, short).await.status(), 201);
    let refused: Value = other.post("team", &new_id(), "too soon").await.json().await.unwrap();
    assert_eq!(refused["code"], "muted");
    let wait = refused["retry_after_ms"].as_u64().unwrap();
    assert!((1..=2_000).contains(&wait), "{wait}");
    tokio::time::sleep(std::time::Duration::from_millis(wait)).await;
    assert_eq!(other.post("team", &new_id(), "at last").await.status(), 201);
    assert_eq!(read(&moderator, mutes).await, json!([]));
}

#[tokio::test]
async fn a_moderator_moderates_and_does_nothing_else() {
    let (server, [admin, owner, moderator, other]) = team().await;
    assert_eq!(other.post("team", &new_id(), "rude").await.status(), 201);
    let delete = || json!({ "id": new_id(), "kind": "delete" });
    let changes = "/api/rooms/team/messages/1/changes";
    assert_eq!(send(&moderator, Method::POST, changes, delete()).await.status(), 201);
    let rename = send(&moderator, Method::PATCH, "/api/rooms/team", json!({ "name": "Mine" })).await;
    assert_eq!(problem(rename, 403).await, "not_allowed");
    let name = send(&moderator, Method::POST, "/api/rooms/team/moderators", json!({ "name": "other" })).await;
    assert_eq!(problem(name, 403).await, "not_allowed");
    for name in ["owner", "moderator"] {
        let muted = send(&moderator, Method::POST, "/api/rooms/team/mutes", json!({ "name": name })).await;
        assert_eq!(problem(muted, 403).await, "not_allowed", "{name}");
    }
    // An administrator writes although somebody muted them.
    let muted = send(&moderator, Method::POST, "/api/rooms/team/mutes", json!({ "name": "admin" })).await;
    assert_eq!(muted.status(), 201);
    assert_eq!(admin.post("team", &new_id(), "by the administrator").await.status(), 201);
    // The owner mutes a moderator, and takes the rights away.
    let muted = send(&owner, Method::POST, "/api/rooms/team/mutes", json!({ "name": "moderator" })).await;
    assert_eq!(muted.status(), 201);
    let path = format!("/api/rooms/team/moderators/{}", moderator.session.user.id);
    assert_eq!(problem(send(&other, Method::DELETE, &path, Value::Null).await, 403).await, "not_allowed");
    assert_eq!(send(&owner, Method::DELETE, &path, Value::Null).await.status(), 204);
    assert_eq!(read(&other, "/api/rooms/team/moderators").await, json!([]));
    assert_eq!(
        problem(moderator.get("/api/rooms/team/mutes").send().await.unwrap(), 403).await,
        "not_allowed"
    );
    assert!(
        !server
            .state
            .rights
            .moderates(&idobata::protocol::name::RoomId::parse("team").unwrap(), &moderator.session.user.id)
    );
}

#[tokio::test]
async fn a_report_is_seen_by_those_who_moderate_until_something_is_done() {
    let (_server, [admin, owner, moderator, other]) = team().await;
    for text in ["rude", "fine"] {
        assert_eq!(owner.post("team", &new_id(), text).await.status(), 201);
    }
    let report = async |person: &Person, offset: u64, body: Value| {
        send(person, Method::POST, &format!("/api/rooms/team/messages/{offset}/reports"), body).await
    };
    assert_eq!(report(&other, 1, json!({ "note": "this is rude" })).await.status(), 204);
    assert_eq!(report(&other, 1, json!({ "note": "once more" })).await.status(), 204, "once for each person");
    assert_eq!(report(&moderator, 1, json!({})).await.status(), 204);
    assert_eq!(report(&other, 2, json!({})).await.status(), 204);
    assert_eq!(problem(report(&owner, 1, json!({})).await, 403).await, "not_allowed", "one's own");
    assert_eq!(problem(report(&other, 9, json!({})).await, 404).await, "unknown_message");
    let long = json!({ "note": "x".repeat(301) });
    assert_eq!(problem(report(&other, 2, long).await, 400).await, "text_too_long");
    let seen = read(&moderator, "/api/rooms/team/reports").await;
    let list = seen.as_array().unwrap();
    assert_eq!((list.len(), &list[0]["offset"], &list[1]["message"]["text"]), (2, &json!(2), &json!("rude")));
    let mut of_first = list[1]["reports"].as_array().unwrap().clone();
    of_first.sort_by_key(|report| report["by"]["name"].as_str().unwrap().to_owned());
    assert_eq!((of_first.len(), &of_first[1]["note"]), (2, &json!("this is rude")));
    assert_eq!(problem(other.get("/api/rooms/team/reports").send().await.unwrap(), 403).await, "not_allowed");
    let path = "/api/rooms/team/messages/2/reports";
    assert_eq!(send(&moderator, Method::DELETE, path, Value::Null).await.status(), 204);
    let delete = json!({ "id": new_id(), "kind": "delete" });
    assert_eq!(send(&admin, Method::POST, "/api/rooms/team/messages/1/changes", delete).await.status(), 201);
    assert_eq!(read(&moderator, "/api/rooms/team/reports").await, json!([]), "a deletion is an answer");
}

#[tokio::test]
async fn what_was_done_stands_in_the_log_with_who_did_it_to_whom() {
    let (server, [admin, owner, moderator, other]) = team().await;
    assert_eq!(other.post("team", &new_id(), "rude").await.status(), 201);
    for body in [json!({ "name": "Crew" }), json!({ "archived": true }), json!({ "archived": false })] {
        assert_eq!(send(&owner, Method::PATCH, "/api/rooms/team", body).await.status(), 200);
    }
    let muted = json!({ "name": "other" });
    assert_eq!(send(&moderator, Method::POST, "/api/rooms/team/mutes", muted).await.status(), 201);
    let path = format!("/api/rooms/team/mutes/{}", other.session.user.id);
    assert_eq!(send(&admin, Method::DELETE, &path, Value::Null).await.status(), 204);
    let delete = json!({ "id": new_id(), "kind": "delete" });
    let changes = "/api/rooms/team/messages/1/changes";
    assert_eq!(send(&moderator, Method::POST, changes, delete).await.status(), 201);
    let expected = [
        ("moderator", "delete-message", "other", "1"),
        ("admin", "unmute", "other", ""),
        ("moderator", "mute", "other", ""),
        ("owner", "restore-room", "", ""),
        ("owner", "archive-room", "", ""),
        ("owner", "change-room", "", "Crew"),
        ("owner", "add-moderator", "moderator", ""),
    ];
    let log = read(&owner, "/api/rooms/team/actions").await;
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let row = |action: &Value| {
        let (by, to) = (text(&action["by"]["name"]), text(&action["to"]["name"]));
        (by, text(&action["deed"]), to, text(&action["detail"]))
    };
    let rows: Vec<_> = log["actions"].as_array().unwrap().iter().map(row).collect();
    let expected: Vec<_> = expected
        .map(|(by, deed, to, detail)| (by.to_owned(), deed.to_owned(), to.to_owned(), detail.to_owned()))
        .into();
    assert_eq!(rows, expected);
    for person in [&moderator, &other] {
        let refused = person.get("/api/rooms/team/actions").send().await.unwrap();
        assert_eq!(problem(refused, 403).await, "not_allowed");
        assert_eq!(problem(person.get("/api/actions").send().await.unwrap(), 403).await, "not_allowed");
    }
    assert_eq!(send(&owner, Method::DELETE, "/api/rooms/team", Value::Null).await.status(), 204);
    let all = read(&admin, "/api/actions").await;
    assert_eq!(
        (all["actions"].as_array().unwrap().len(), &all["actions"][0]["deed"]),
        (8, &json!("remove-room"))
    );
    // They are forgotten when they are old.
    assert_eq!(server.state.rights.forget_actions(0).await.unwrap(), 0);
    assert_eq!(server.state.rights.forget_actions(i64::MAX).await.unwrap(), 8);
    assert_eq!(read(&admin, "/api/actions").await, json!({ "actions": [] }));
}

#[tokio::test]
async fn what_administrators_and_owners_do_with_people_stands_in_the_log_too() {
    let (server, [admin, owner, _, other]) = team().await;
    let secret = json!({ "name": "Secret", "private": true });
    assert_eq!(send(&owner, Method::POST, "/api/rooms", secret).await.status(), 201);
    let members = "/api/rooms/secret/members";
    assert_eq!(send(&owner, Method::POST, members, json!({ "name": "other" })).await.status(), 201);
    let member = format!("{members}/{}", other.session.user.id);
    assert_eq!(send(&owner, Method::DELETE, &member, Value::Null).await.status(), 204);
    let readers = json!({ "names": ["owner"] });
    assert_eq!(send(&admin, Method::PUT, "/api/channels/pay/readers", readers).await.status(), 200);
    let blocked = format!("{}/people/{}/blocked", server.url, other.session.user.id);
    let blocked = server.client.post(blocked).bearer_auth(&admin.session.token).body("on=true");
    let blocked = blocked.header("content-type", "application/x-www-form-urlencoded").send().await.unwrap();
    assert!(blocked.status().is_success() || blocked.status().is_redirection(), "{}", blocked.status());
    let log = read(&admin, "/api/actions").await;
    let row = |action: &Value| {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        [&action["by"]["name"], &action["deed"], &action["to"]["name"], &action["detail"]].map(text)
    };
    let rows: Vec<_> = log["actions"].as_array().unwrap().iter().map(row).collect();
    assert_eq!(
        rows[..4],
        [
            ["admin", "block-person", "other", ""],
            ["admin", "limit-channel", "", "pay"],
            ["owner", "remove-member", "other", ""],
            ["owner", "add-member", "other", ""],
        ]
        .map(|row| row.map(str::to_owned))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mute_at_one_node_holds_at_all_and_is_told_to_the_muted_alone() {
    let nodes = Nodes::start(3).await;
    let (alice, bob) = (nodes.person("alice").await, nodes.person("bob").await);
    assert_eq!(send(&alice, Method::POST, "/api/rooms", json!({ "name": "Team" })).await.status(), 201);
    assert_eq!(bob.at(nodes.node(2)).post("team", &new_id(), "rude").await.status(), 201);
    let mut sockets = Vec::new();
    for person in [&bob, &alice] {
        let mut socket = person.at(nodes.node(1)).socket().await;
        socket.send(json!({ "type": "unread" })).await;
        socket.expect("unread").await;
        sockets.push(socket);
    }
    let muted = send(&alice, Method::POST, "/api/rooms/team/mutes", json!({ "message": 1 })).await;
    assert_eq!(muted.status(), 201);
    while sockets[0].expect("unread").await["list"] != true {}
    for server in &nodes.servers {
        assert_eq!(problem(bob.at(server).post("team", &new_id(), "more").await, 403).await, "muted");
    }
    let path = format!("/api/rooms/team/mutes/{}", bob.session.user.id);
    assert_eq!(send(&alice.at(nodes.node(1)), Method::DELETE, &path, Value::Null).await.status(), 204);
    for server in &nodes.servers {
        assert_eq!(bob.at(server).post("team", &new_id(), "sorry").await.status(), 201);
    }
    sockets[1].send(json!({ "type": "ping" })).await;
    loop {
        let frame = sockets[1].frame().await;
        assert_ne!(frame["list"], true, "it is nobody else's business");
        if frame["type"] == "pong" {
            break;
        }
    }
}
