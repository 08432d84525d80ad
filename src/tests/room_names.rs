//! Rooms and their addresses: names are compared as people see them, combining marks do not separate words, and an
//! address in another form leads to the room.

use reqwest::{Client, Method, redirect::Policy};
use serde_json::{Value, json};

use crate::support::{Person, TestServer, new_id};

async fn make(person: &Person, name: &str) -> (u16, Value) {
    let answer = person.send(Method::POST, "/api/rooms", &json!({ "name": name })).await;
    (answer.status().as_u16(), answer.json().await.unwrap())
}

#[tokio::test]
async fn a_name_in_another_form_is_the_same_room_and_no_mark_separates() {
    let server = TestServer::start().await;
    let alice = server.person("alice").await;
    for (name, id) in [
        ("Café", "café"),
        ("हिन्दी", "हिन्दी"),
        ("คำถาม", "ค\u{e4d}าถาม"),
        ("İstanbul", "i\u{307}stanbul"),
        ("Team Talk", "team-talk"),
    ] {
        let (status, room) = make(&alice, name).await;
        assert_eq!((status, &room["id"], &room["name"]), (201, &json!(id), &json!(name)));
    }
    for (name, known) in
        [("CAFE\u{301}", "Café"), ("Ｔｅａｍ　Ｔａｌｋ", "Team Talk"), ("Team, talk!", "Team Talk")]
    {
        let (status, problem) = make(&alice, name).await;
        assert_eq!((status, &problem["code"]), (409, &json!("room_exists")), "{name}");
        assert!(
            problem["detail"].as_str().unwrap().contains(known),
            "it names the room in the way: {problem}"
        );
    }
}

#[tokio::test]
async fn a_refusal_names_the_room_in_the_way_to_those_who_may_know_it() {
    let server = TestServer::start().await;
    let (alice, bob) = (server.person("alice").await, server.person("bob").await);
    assert_eq!(make(&alice, "C").await.0, 201);
    for name in ["C++", "C#"] {
        let (status, problem) = make(&bob, name).await;
        assert_eq!(status, 409);
        assert!(problem["detail"].as_str().unwrap().contains("\"C\""), "{problem}");
    }
    let secret = alice.send(Method::POST, "/api/rooms", &json!({ "name": "Plan!", "private": true })).await;
    assert_eq!(secret.status(), 201);
    let (status, problem) = make(&bob, "plan").await;
    assert_eq!(status, 409);
    assert!(!problem["detail"].as_str().unwrap().contains("Plan!"), "{problem}");
}

#[tokio::test]
async fn an_address_in_another_form_leads_to_the_room() {
    let server = TestServer::start().await;
    let alice = server.person("alice").await;
    make(&alice, "Café").await;
    let client = Client::builder().redirect(Policy::none()).build().unwrap();
    for form in ["CAF%C3%89", "cafe%CC%81", "%EF%BD%83af%C3%A9"] {
        let page =
            client.get(format!("{}/rooms/{form}?problem=text_empty", server.url)).send().await.unwrap();
        assert_eq!(page.status(), 308, "{form}");
        assert_eq!(page.headers()["location"], "/rooms/caf%C3%A9?problem=text_empty", "{form}");
        let path = format!("/api/rooms/{form}/messages");
        let body = json!({ "id": new_id(), "text": form });
        let posted: Value = alice.send(Method::POST, &path, &body).await.json().await.unwrap();
        assert_eq!(posted["room"], "café");
    }
    let page = server.json("/api/rooms/caf%C3%A9/messages").await;
    assert_eq!(page["messages"].as_array().unwrap().len(), 3);
    let mut socket = alice.socket().await;
    socket.send(json!({ "type": "join", "room": "CAFÉ" })).await;
    assert_eq!(socket.expect("joined").await["room"], "café");
    let id = socket.post("cafe\u{301}", "hi").await;
    assert_eq!(socket.expect("posted").await["id"], json!(id));
}
