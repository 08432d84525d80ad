//! Who may not write in a room uploads nothing to it, by none of the ways, and goes on where they were once they may.

use reqwest::{Client, Method};
use serde_json::{Value, json};

use super::{
    contents,
    resuming::{ask, bytes, partial_in},
    send,
};
use crate::support::{Person, TestServer, new_id, problem};

/// Begins an upload of two bytes; its address.
async fn begun(server: &TestServer, who: &Person, room: &str) -> String {
    let request = ask("POST", &server.url, who, &format!("/api/uploads?room={room}&name=a.txt"));
    let response = request.header("upload-length", 2).send().await.unwrap();
    assert_eq!(response.status(), 201);
    response.headers()["location"].to_str().unwrap().to_owned()
}

/// Checks that a person can upload nothing to the room, nor go on with an upload, and that nothing of it is stored.
async fn expect_refused(server: &TestServer, who: &Person, room: &str, begun: &str, code: &str) {
    let plain = send(&server.url, who, room, "a.txt", "ab").await;
    assert_eq!(problem(plain, 403).await, code, "as a body");
    let form = "--xyz\r\nContent-Disposition: form-data; name=file; filename=a.txt\r\n\r\nab\r\n--xyz--\r\n";
    let form = Client::new().post(format!("{}/api/files?room={room}", server.url)).body(form);
    let form = form.header("content-type", "multipart/form-data; boundary=xyz");
    let form = form.bearer_auth(&who.session.token).send().await.unwrap();
    assert_eq!(problem(form, 403).await, code, "as a form");
    let first = ask("POST", &server.url, who, &format!("/api/uploads?room={room}&name=b.txt"));
    let first = first.header("upload-length", 2).header("content-type", "application/offset+octet-stream");
    let first = first.body("ab").send().await.unwrap();
    assert_eq!(problem(first, 403).await, code, "as a new upload that resumes");
    let next = bytes(&server.url, who, begun, 0).body("ab").send().await.unwrap();
    assert_eq!(problem(next, 403).await, code, "as the bytes of one that was begun");
    let folder = server.folder().join("files");
    assert_eq!(contents(&folder).len(), 0);
    for file in partial_in(&folder).iter().filter(|path| path.extension().is_some_and(|kind| kind == "bytes"))
    {
        assert_eq!(file.metadata().unwrap().len(), 0, "{file:?}");
    }
}

/// Checks that an upload that was refused meanwhile goes on.
async fn expect_taken(server: &TestServer, who: &Person, begun: &str) {
    let next = bytes(&server.url, who, begun, 0).body("ab").send().await.unwrap();
    assert_eq!(next.status(), 204);
}

#[tokio::test]
async fn who_is_muted_uploads_nothing_until_the_end() {
    let server = TestServer::start().await;
    let (alice, bob) = (server.person("alice").await, server.person("bob").await);
    assert_eq!(alice.send(Method::POST, "/api/rooms", &json!({ "name": "Team" })).await.status(), 201);
    let upload = begun(&server, &bob, "team").await;
    assert_eq!(bob.post("team", &new_id(), "rude").await.status(), 201);
    let muted = alice.send(Method::POST, "/api/rooms/team/mutes", &json!({ "message": 1 })).await;
    assert_eq!(muted.status(), 201);
    expect_refused(&server, &bob, "team", &upload, "muted").await;
    let mute = format!("/api/rooms/team/mutes/{}", bob.session.user.id);
    assert_eq!(alice.send(Method::DELETE, &mute, &Value::Null).await.status(), 204);
    expect_taken(&server, &bob, &upload).await;
}

#[tokio::test]
async fn nobody_uploads_to_an_archived_room_until_it_is_open_again() {
    let server = TestServer::start().await;
    let alice = server.person("alice").await;
    assert_eq!(alice.send(Method::POST, "/api/rooms", &json!({ "name": "Team" })).await.status(), 201);
    let upload = begun(&server, &alice, "team").await;
    let archive = async |is_archived: bool| {
        let answer = alice.send(Method::PATCH, "/api/rooms/team", &json!({ "archived": is_archived })).await;
        assert_eq!(answer.status(), 200);
    };
    archive(true).await;
    expect_refused(&server, &alice, "team", &upload, "room_archived").await;
    archive(false).await;
    expect_taken(&server, &alice, &upload).await;
}

#[tokio::test]
async fn who_is_blocked_uploads_nothing_to_the_conversation() {
    let server = TestServer::start().await;
    let (alice, bob) = (server.person("alice").await, server.person("bob").await);
    let (mut for_alice, mut for_bob) = (alice.socket().await, bob.socket().await);
    for socket in [&mut for_alice, &mut for_bob] {
        socket.join("general", json!({})).await;
    }
    let ids = json!({ "user_ids": [bob.session.user.id] });
    let direct: Value = alice.send(Method::POST, "/api/direct", &ids).await.json().await.unwrap();
    let room = direct["room"].as_str().unwrap();
    let upload = begun(&server, &alice, room).await;
    let block = format!("/api/user/blocked/{}", alice.session.user.id);
    assert_eq!(bob.send(Method::PUT, &block, &Value::Null).await.status(), 204);
    expect_refused(&server, &alice, room, &upload, "blocked").await;
    assert_eq!(bob.send(Method::DELETE, &block, &Value::Null).await.status(), 204);
    expect_taken(&server, &alice, &upload).await;
}
