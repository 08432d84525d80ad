//! Reactions and pins: changes of a message that anybody in the room may make, on every transport.

use serde_json::{Value, json};

use crate::support::{Nodes, Person, SocketIo, TestServer, new_id, problem};

/// Posts to `general` and returns the offset.
async fn post(person: &Person, text: &str) -> u64 {
    let stored: Value = person.post("general", &new_id(), text).await.json().await.unwrap();
    stored["offset"].as_u64().unwrap()
}

/// Sends a change of a message in `general`.
async fn send(person: &Person, message: u64, kind: &str, emoji: &str) -> reqwest::Response {
    let body = json!({ "id": new_id(), "kind": kind, "emoji": emoji });
    let path = format!("/api/rooms/general/messages/{message}/changes");
    person.send(reqwest::Method::POST, &path, &body).await
}

/// Changes a message in `general`; the answer.
async fn change(person: &Person, message: u64, kind: &str, emoji: &str) -> Value {
    let answer = send(person, message, kind, emoji).await;
    assert_eq!(answer.status(), 201, "{kind} {emoji}");
    answer.json().await.unwrap()
}

/// The reactions of the only message on the newest page.
async fn reactions(server: &TestServer) -> Value {
    let mut page = server.json("/api/rooms/general/messages").await;
    assert_eq!(page["messages"].as_array().unwrap().len(), 1);
    page["messages"][0]["reactions"].take()
}

fn reaction(emoji: &str, people: &[&Person]) -> Value {
    let user = |person: &&Person| json!({ "id": person.session.user.id, "name": person.session.user.name });
    let users: Vec<_> = people.iter().map(user).collect();
    json!({ "emoji": emoji, "count": users.len(), "users": users })
}

#[tokio::test]
async fn reactions_reach_everybody_with_who_reacts_and_are_what_later_readers_find() {
    let server = TestServer::start().await;
    let (alice, bob) = (server.person("alice").await, server.person("bob").await);
    let mut socket = bob.socket().await;
    socket.join("general", json!({})).await;
    let mut stream = server.room_stream("general", "").await;
    let mut client = SocketIo::open(&server.url, Some(&bob.session.token)).await.unwrap();
    client.join("general", json!({})).await;
    let message = post(&alice, "done").await;
    let first = change(&alice, message, "react", "🎉").await;
    assert_eq!(first["reaction"], reaction("🎉", &[&alice]));
    assert_eq!((&first["kind"], &first["ref"], &first["text"]), (&json!("react"), &json!(1), &Value::Null));
    change(&bob, message, "react", ":tada:").await;
    let both = reaction("🎉", &[&alice, &bob]);
    assert_eq!(socket.expect("message-changed").await["reaction"], reaction("🎉", &[&alice]));
    assert_eq!(socket.expect("message-changed").await["reaction"], both, "a shortcode is its emoji");
    let [event] = client.expect("message-changed").await.try_into().unwrap();
    assert_eq!(event["reaction"], reaction("🎉", &[&alice]));
    loop {
        let (_, data) = stream.event().await;
        if data["type"] == "message-changed" {
            assert_eq!(data["reaction"], reaction("🎉", &[&alice]));
            break;
        }
    }
    assert_eq!(reactions(&server).await, json!([both]));

    change(&bob, message, "react", "👍🏽").await;
    assert_eq!(change(&bob, message, "react", "🎉").await["reaction"], both, "twice is once");
    change(&alice, message, "unreact", "🎉").await;
    assert_eq!(
        change(&alice, message, "unreact", "🎉").await["reaction"]["count"],
        1,
        "so is taking it back"
    );
    let left = json!([reaction("🎉", &[&bob]), reaction("👍🏽", &[&bob])]);
    assert_eq!(reactions(&server).await, left);
    change(&bob, message, "unreact", "🎉").await;
    assert_eq!(reactions(&server).await, json!([reaction("👍🏽", &[&bob])]));
    // Its text can be edited as before, and keeps the reaction.
    let edit = json!({ "id": new_id(), "kind": "edit", "text": "really done" });
    let path = format!("/api/rooms/general/messages/{message}/changes");
    assert_eq!(alice.send(reqwest::Method::POST, &path, &edit).await.status(), 201);
    assert_eq!(reactions(&server).await, json!([reaction("👍🏽", &[&bob])]));
}

#[tokio::test]
async fn a_reaction_sent_again_after_a_lost_answer_is_the_first_one() {
    let server = TestServer::start().await;
    let (alice, bob) = (server.person("alice").await, server.person("bob").await);
    let message = post(&alice, "done").await;
    let frame = json!({ "type": "change", "room": "general", "ref": message, "id": new_id(), "kind": "react", "emoji": "👀" });
    let mut socket = bob.socket().await;
    socket.join("general", json!({})).await;
    socket.send(frame.clone()).await;
    let posted = socket.expect("posted").await;
    change(&bob, message, "unreact", "👀").await;
    socket.send(frame).await;
    assert_eq!(socket.expect("posted").await, posted);
    assert_eq!(reactions(&server).await, Value::Null, "what came later stays");
}

#[tokio::test]
async fn what_is_no_emoji_and_one_kind_too_many_are_rejected() {
    let server = TestServer::start().await;
    let (alice, bob) = (server.person("alice").await, server.person("bob").await);
    let message = post(&alice, "a quiz").await;
    for no_emoji in ["no emoji", "🎉🎉", "<b>", ":nothing_of_the_kind:", "\u{1}"] {
        assert_eq!(
            problem(send(&alice, message, "react", no_emoji).await, 400).await,
            "bad_emoji",
            "{no_emoji}"
        );
    }
    assert_eq!(problem(send(&alice, message, "react", "").await, 400).await, "bad_emoji");
    assert_eq!(problem(send(&alice, 99, "react", "🎉").await, 404).await, "unknown_message");
    for emoji in "🐶🐱🐭🐹🐰🦊🐻🐼🐨🐯🦁🐮🐷🐸🐵🐔🐧🐦🐤🦆".chars() {
        change(&alice, message, "react", &emoji.to_string()).await;
    }
    assert_eq!(problem(send(&bob, message, "react", "🎉").await, 409).await, "too_many_reactions");
    assert_eq!(change(&bob, message, "react", "🐶").await["reaction"]["count"], 2);
    change(&alice, message, "unreact", "🐱").await;
    change(&bob, message, "react", "🎉").await;
    let emoji = reactions(&server).await;
    assert_eq!((emoji.as_array().unwrap().len(), &emoji[19]["emoji"]), (20, &json!("🎉")));
}

#[tokio::test]
async fn a_reaction_names_its_first_people_and_a_page_tells_everybody_their_own() {
    let server = TestServer::start().await;
    let mut people = Vec::new();
    for index in 0..23 {
        people.push(server.person(&format!("person {index}")).await);
    }
    let message = post(&people[0], "hands up").await;
    for person in &people {
        change(person, message, "react", "🙋").await;
    }
    let first: Vec<_> = people.iter().take(20).collect();
    let mut expected = reaction("🙋", &first);
    expected["count"] = json!(23);
    assert_eq!(reactions(&server).await, json!([expected]));
    let own = async |person: &Person, query: &str| {
        let path = format!("/api/rooms/general/messages{query}");
        let answer = person.send(reqwest::Method::GET, &path, &Value::Null).await;
        answer.json::<Value>().await.unwrap()["own_reactions"].take()
    };
    let epoch = server.json("/api/rooms/general/messages").await["cursor"].as_str().unwrap().to_owned();
    let epoch = epoch.split(':').next().unwrap();
    for query in ["", "?around=1", &format!("?before={epoch}:9"), &format!("?after={epoch}:0")] {
        assert_eq!(own(&people[22], query).await, json!([{ "ref": message, "emoji": "🙋" }]), "{query}");
        assert_eq!(own(&people[3], query).await, Value::Null, "the message itself tells: {query}");
    }
    // The next one takes the free place, and is told by the message then.
    let changed = change(&people[3], message, "unreact", "🙋").await;
    assert_eq!(changed["reaction"]["users"][19]["name"], "person 20");
    assert_eq!(own(&people[20], "").await, Value::Null);
}

#[tokio::test]
async fn pinned_messages_are_listed_by_when_they_were_pinned() {
    let server = TestServer::start().await;
    let (alice, bob) = (server.person("alice").await, server.person("bob").await);
    let mut socket = bob.socket().await;
    socket.join("general", json!({})).await;
    let (first, second) = (post(&alice, "rules").await, post(&alice, "dates").await);
    let pinned = async || {
        let pins = server.json("/api/rooms/general/pins").await;
        let text = |message: &Value| message["text"].as_str().unwrap().to_owned();
        pins["pins"].as_array().unwrap().iter().map(text).collect::<Vec<_>>()
    };
    assert_eq!(pinned().await, [""; 0]);
    change(&bob, second, "pin", "").await;
    change(&alice, first, "pin", "").await;
    let heard = socket.expect("message-changed").await;
    assert_eq!(
        (&heard["kind"], &heard["ref"], &heard["user"]),
        (&json!("pin"), &json!(second), &json!("bob"))
    );
    assert_eq!(pinned().await, ["rules", "dates"]);
    let page = server.json("/api/rooms/general/messages").await;
    assert_eq!(page["messages"][1]["pinned"], true);
    change(&alice, second, "unpin", "").await;
    assert_eq!(pinned().await, ["rules"]);
    change(&alice, first, "delete", "").await;
    assert_eq!(pinned().await, [""; 0]);
    assert_eq!(problem(send(&bob, first, "pin", "").await, 410).await, "message_deleted");
}

#[tokio::test]
async fn a_deletion_takes_the_reactions_with_it() {
    let server = TestServer::start().await;
    let (alice, bob) = (server.person("alice").await, server.person("bob").await);
    let mut reader = bob.socket().await;
    let joined = reader.join("general", json!({})).await;
    let message = post(&alice, "oops").await;
    change(&bob, message, "react", "😬").await;
    change(&alice, message, "delete", "").await;
    assert_eq!(reactions(&server).await, Value::Null);
    let mut late = bob.socket().await;
    late.join("general", json!({ "after": format!("{}:0", joined["epoch"].as_str().unwrap()) })).await;
    assert_eq!(late.expect("message").await["reactions"], Value::Null);
    let reacted = late.expect("message-changed").await;
    assert_eq!((&reacted["kind"], &reacted["reaction"]), (&json!("react"), &Value::Null));
    assert_eq!(problem(send(&bob, message, "react", "😬").await, 410).await, "message_deleted");
}

#[tokio::test]
async fn reactions_from_two_nodes_at_the_same_time_are_all_counted() {
    let nodes = Nodes::start(2).await;
    let (alice, bob) = (nodes.person("alice").await, nodes.person("bob").await);
    let bob = bob.at(nodes.node(1));
    let message = post(&alice, "now").await;
    let mut reader = bob.socket().await;
    reader.join("general", json!({ "last": 1 })).await;
    for emoji in ["🍎", "🍐", "🍊", "🍋", "🍌"] {
        let (one, other) =
            tokio::join!(change(&alice, message, "react", emoji), change(&bob, message, "react", emoji));
        let mut counts = [one, other].map(|answer| answer["reaction"]["count"].as_u64().unwrap());
        counts.sort_unstable();
        assert_eq!(counts, [1, 2]);
    }
    let page = nodes.node(1).json("/api/rooms/general/messages").await;
    let counts: Vec<_> = page["messages"][0]["reactions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|reaction| reaction["count"].clone())
        .collect();
    assert_eq!(counts, [2, 2, 2, 2, 2]);
    for count in [1, 2, 1, 2, 1, 2, 1, 2, 1, 2] {
        assert_eq!(reader.expect("message-changed").await["reaction"]["count"], count);
    }
}
