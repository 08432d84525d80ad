//! Answers and threads: what may be answered, on every transport, and what readers find of it.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Nodes, Person, SocketIo, TestServer, new_id, problem};

/// Posts to `general`, with further members, and returns the answer.
async fn try_post(person: &Person, text: &str, members: Value) -> reqwest::Response {
    let mut body = json!({ "id": new_id(), "text": text });
    body.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
    person.send(Method::POST, "/api/rooms/general/messages", &body).await
}

async fn post(person: &Person, text: &str, members: Value) -> Value {
    let answer = try_post(person, text, members).await;
    assert_eq!(answer.status(), 201, "{text}");
    answer.json().await.unwrap()
}

async fn delete(person: &Person, message: u64) {
    let path = format!("/api/rooms/general/messages/{message}/changes");
    let body = json!({ "id": new_id(), "kind": "delete" });
    assert_eq!(person.send(Method::POST, &path, &body).await.status(), 201);
}

async fn page(server: &TestServer, query: &str) -> Value {
    server.json(&format!("/api/rooms/general/messages{query}")).await
}

fn texts(page: &Value) -> Vec<&str> {
    page["messages"].as_array().unwrap().iter().map(|message| message["text"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn an_answer_says_what_it_answers_on_every_transport() {
    let server = TestServer::start().await;
    let (alice, bob) = (server.person("alice").await, server.person("bob").await);
    let mut socket = bob.socket().await;
    socket.join("general", json!({})).await;
    let mut client = SocketIo::open(&server.url, Some(&bob.session.token)).await.unwrap();
    client.join("general", json!({})).await;
    post(&alice, "question", json!({})).await;
    assert_eq!(socket.expect("message").await.get("reply_to"), None);
    let by_http = post(&bob, "by http", json!({ "reply_to": 1 })).await;
    assert_eq!((&by_http["reply_to"], by_http.get("thread")), (&json!(1), None));
    assert_eq!(socket.expect("message").await["reply_to"], 1);

    let frame =
        json!({ "type": "post", "room": "general", "id": new_id(), "text": "by socket", "thread": "1" });
    socket.send(frame).await;
    assert_eq!(socket.expect("posted").await["offset"], 3);
    let heard = socket.expect("message").await;
    assert_eq!((&heard["thread"], heard.get("reply_to")), (&json!(1), None));

    let event = json!({ "room": "general", "text": "by event", "reply_to": 3 });
    assert_eq!(client.ask("message", event).await["offset"], 4);
    let heard = socket.expect("message").await;
    assert_eq!(
        (&heard["reply_to"], &heard["thread"]),
        (&json!(3), &json!(1)),
        "it is in the thread of what it answers"
    );
    for expected in [Value::Null, json!(1)] {
        let [event] = client.expect("message").await.try_into().unwrap();
        assert_eq!(event["reply_to"], expected);
    }
}

#[tokio::test]
async fn what_cannot_be_answered_has_a_code_and_nothing_is_stored() {
    let server = TestServer::start().await;
    let alice = server.person("alice").await;
    post(&alice, "one", json!({})).await;
    for member in ["reply_to", "thread"] {
        for offset in [json!(0), json!(2), json!("99"), json!(u64::MAX)] {
            let answer = try_post(&alice, "no", json!({ member: offset })).await;
            assert_eq!(problem(answer, 404).await, "unknown_message", "{member} {offset}");
        }
        let answer = try_post(&alice, "no", json!({ member: "x" })).await;
        assert_eq!(problem(answer, 400).await, "bad_request");
    }
    let sent = json!({ "id": new_id(), "text": "in time", "reply_to": 1 });
    let again = async || alice.send(Method::POST, "/api/rooms/general/messages", &sent).await;
    assert_eq!(again().await.status(), 201);
    delete(&alice, 1).await;
    for member in ["reply_to", "thread"] {
        let of_change = try_post(&alice, "no", json!({ member: 3 })).await;
        assert_eq!(problem(of_change, 404).await, "unknown_message");
        let of_deleted = try_post(&alice, "no", json!({ member: 1 })).await;
        assert_eq!(problem(of_deleted, 410).await, "message_deleted");
    }
    let repeated = again().await;
    assert_eq!(repeated.status(), 200, "what was answered in time is stored");
    assert_eq!(repeated.json::<Value>().await.unwrap()["offset"], 2);
    assert_eq!(page(&server, "").await["cursor"].as_str().unwrap().split(':').nth(1), Some("3"));
}

#[tokio::test]
async fn a_thread_has_one_root_whatever_its_answers_answer() {
    let server = TestServer::start().await;
    let alice = server.person("alice").await;
    post(&alice, "root", json!({})).await;
    post(&alice, "other root", json!({})).await;
    assert_eq!(post(&alice, "answer", json!({ "thread": 1 })).await["thread"], 1);
    assert_eq!(post(&alice, "under an answer", json!({ "thread": 3 })).await["thread"], 1);
    assert_eq!(post(&alice, "to an answer", json!({ "reply_to": 4 })).await["thread"], 1);
    assert_eq!(post(&alice, "elsewhere", json!({ "reply_to": 3, "thread": 2 })).await["thread"], 2);
    assert_eq!(post(&alice, "outside", json!({ "reply_to": 1 })).await.get("thread"), None);

    let thread = page(&server, "?thread=1").await;
    assert_eq!(texts(&thread), ["root", "answer", "under an answer", "to an answer"]);
    assert_eq!((&thread["more"], &thread["as_of"]), (&json!(false), &json!(7)));
    assert_eq!(thread["quoted"], Value::Null, "what is answered is on the page");
    let epoch = thread["cursor"].as_str().unwrap().split(':').next().unwrap();
    let first = page(&server, &format!("?thread=1&after={epoch}:0&limit=2")).await;
    assert_eq!((texts(&first), &first["more"]), (vec!["root", "answer"], &json!(true)));
    let next = page(&server, &format!("?thread=1&after={}", first["cursor"].as_str().unwrap())).await;
    assert_eq!(texts(&next), ["under an answer", "to an answer"]);
    let newest = page(&server, "?thread=1&limit=1").await;
    assert_eq!((texts(&newest), &newest["more"]), (vec!["to an answer"], &json!(true)));
    assert_eq!(newest["quoted"][0]["text"], "under an answer");
    let before = page(&server, &format!("?thread=1&limit=1&before={epoch}:5")).await;
    assert_eq!(texts(&before), ["under an answer"]);

    let outside = page(&server, "?answers=false").await;
    assert_eq!(texts(&outside), ["root", "other root", "outside"]);
    let last =
        |offset, timestamp: &Value| json!({ "offset": offset, "timestamp": timestamp, "user": "alice" });
    let all = page(&server, "").await;
    let time = |index: usize| all["messages"][index]["timestamp"].clone();
    let threads = json!([
        { "ref": 1, "count": 3, "last": last(5, &time(4)), "as_of": 7 },
        { "ref": 2, "count": 1, "last": last(6, &time(5)), "as_of": 7 },
    ]);
    assert_eq!((&all["threads"], &outside["threads"]), (&threads, &threads));
    let around = page(&server, "?around=2&limit=1&answers=false").await;
    assert_eq!((texts(&around), &around["threads"][0]), (vec!["other root"], &threads[1]));

    let url = |query: &str| format!("/api/rooms/general/messages?{query}");
    let unknown = alice.get(&url("thread=99")).send().await.unwrap();
    assert_eq!(problem(unknown, 404).await, "unknown_message");
    for query in [
        "thread=x",
        "thread=1&around=1",
        "thread=1&after=e:0&wait=1",
        "thread=1&answers=true",
        "answers=false&after=e:0",
        "answers=2",
    ] {
        let wrong = alice.get(&url(query)).send().await.unwrap();
        assert_eq!(problem(wrong, 400).await, "bad_request", "{query}");
    }
}

#[tokio::test]
async fn a_deleted_answer_is_not_counted_and_nothing_of_what_was_deleted_is_quoted() {
    let server = TestServer::start().await;
    let (alice, bob) = (server.person("alice").await, server.person("bob").await);
    post(&alice, "root", json!({})).await;
    post(&bob, "kept", json!({ "thread": 1 })).await;
    post(&alice, "hunter2", json!({ "thread": 1 })).await;
    post(&bob, "is that a secret?", json!({ "reply_to": 3 })).await;
    let mut socket = bob.socket().await;
    socket.join("general", json!({})).await;
    delete(&alice, 3).await;
    let heard = socket.expect("message-changed").await;
    assert_eq!((&heard["ref"], &heard["thread"]), (&json!(3), &json!(1)), "readers lower their count");
    let all = page(&server, "?limit=1").await;
    assert_eq!(texts(&all), ["is that a secret?"]);
    let quoted = &all["quoted"][0];
    assert_eq!(
        (&quoted["deleted"], &quoted["text"], &quoted["thread"]),
        (&json!(true), &json!(""), &json!(1))
    );
    let thread = page(&server, "?thread=1").await;
    assert_eq!(texts(&thread), ["root", "kept", "is that a secret?"]);
    let newest = page(&server, "").await;
    assert_eq!(
        (&newest["threads"][0]["count"], &newest["threads"][0]["last"]["offset"]),
        (&json!(2), &json!(4))
    );
    delete(&bob, 4).await;
    delete(&bob, 2).await;
    assert_eq!(page(&server, "").await["threads"], Value::Null, "a thread without answers is none");
    assert!(!page(&server, "").await.to_string().contains("hunter2"));
}

#[tokio::test]
async fn a_reader_that_comes_back_hears_every_answer() {
    let server = TestServer::start().await;
    let (alice, bob) = (server.person("alice").await, server.person("bob").await);
    post(&alice, "root", json!({})).await;
    let mut socket = bob.socket().await;
    let joined = socket.join("general", json!({})).await;
    drop(socket);
    post(&alice, "first", json!({ "thread": 1 })).await;
    post(&alice, "second", json!({ "reply_to": 2 })).await;
    delete(&alice, 2).await;
    let mut socket = bob.socket().await;
    let after = format!("{}:1", joined["epoch"].as_str().unwrap());
    socket.join("general", json!({ "after": after })).await;
    let (first, second) = (socket.expect("message").await, socket.expect("message").await);
    assert_eq!((&first["deleted"], &first["thread"]), (&json!(true), &json!(1)));
    assert_eq!(
        (&second["text"], &second["thread"], &second["reply_to"]),
        (&json!("second"), &json!(1), &json!(2))
    );
    assert_eq!(socket.expect("message-changed").await["thread"], 1);
}

#[tokio::test]
async fn answers_are_the_same_at_every_node() {
    let nodes = Nodes::start(2).await;
    let (alice, bob) = (nodes.person("alice").await, nodes.person("bob").await.at(nodes.node(1)));
    let mut socket = bob.socket().await;
    socket.join("general", json!({})).await;
    post(&alice, "root", json!({})).await;
    assert_eq!(socket.expect("message").await["text"], "root");
    post(&bob, "answer", json!({ "thread": 1 })).await;
    assert_eq!(post(&alice, "to it", json!({ "reply_to": 2 })).await["thread"], 1);
    delete(&alice, 3).await;
    for server in [nodes.node(0), nodes.node(1)] {
        let newest = page(server, "").await;
        assert_eq!(
            (&newest["threads"][0]["count"], &newest["threads"][0]["last"]["offset"]),
            (&json!(1), &json!(2))
        );
    }
    assert_eq!(socket.expect("message-changed").await["thread"], 1);
}
