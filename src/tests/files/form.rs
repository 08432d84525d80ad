//! The page with which somebody sends files without a script.

use reqwest::{Client, Response, redirect};
use serde_json::{Value, json};

use crate::support::{Person, TestServer};

/// The fields of a form: the name, the name of a file, and the contents.
type Fields<'a> = &'a [(&'a str, Option<&'a str>, &'a str)];

async fn page(server: &TestServer, who: &Person, room: &str) -> (u16, String) {
    let page = browser(Client::new().get(format!("{}/rooms/{room}/attach", server.url)), who).send().await;
    let page = page.unwrap();
    (page.status().as_u16(), page.text().await.unwrap())
}

/// Sends the form as a browser does.
async fn send(server: &TestServer, who: &Person, path: &str, fields: Fields<'_>) -> Response {
    let mut body = String::new();
    for (name, file, text) in fields {
        let file = file.map(|file| format!("; filename=\"{file}\"")).unwrap_or_default();
        body += &format!("--xyz\r\nContent-Disposition: form-data; name=\"{name}\"{file}\r\n\r\n{text}\r\n");
    }
    let client = Client::builder().redirect(redirect::Policy::none()).build().unwrap();
    let request = browser(client.post(format!("{}{path}", server.url)), who);
    let request = request.header("content-type", "multipart/form-data; boundary=xyz");
    request.body(body + "--xyz--\r\n").send().await.unwrap()
}

fn browser(request: reqwest::RequestBuilder, who: &Person) -> reqwest::RequestBuilder {
    let cookie = format!("idobata_session={}", who.session.token);
    request.header("cookie", cookie).header("accept", "text/html,*/*;q=0.8")
}

async fn messages(server: &TestServer) -> Vec<Value> {
    let page = server.json("/api/rooms/general/messages").await;
    page["messages"].as_array().unwrap().clone()
}

#[tokio::test]
async fn files_are_sent_by_a_form_which_counts_once() {
    let server = TestServer::start().await;
    let alice = server.person("alice").await;
    let (status, html) = page(&server, &alice, "general").await;
    assert_eq!(status, 200);
    let action = html.split("action=\"").find(|part| part.starts_with("/rooms/general/attach?once="));
    let action = action.expect("the form has an id").split('"').next().unwrap();
    let fields: Fields<'_> =
        &[("text", None, "Look"), ("alt", None, " a  list "), ("file", Some("../a.txt"), "one")];
    for _ in 0..2 {
        let answer = send(&server, &alice, action, fields).await;
        assert_eq!(
            (answer.status().as_u16(), &answer.headers()["location"]),
            (303, &"/rooms/general".parse().unwrap())
        );
    }
    let stored = messages(&server).await;
    assert_eq!(stored.len(), 1, "{stored:?}");
    let file = &stored[0]["files"][0];
    assert_eq!(
        (&stored[0]["text"], &file["name"], &file["alt"]),
        (&json!("Look"), &json!("a.txt"), &json!("a list"))
    );
    let several: Fields<'_> =
        &[("alt", None, "both"), ("file", Some("b.txt"), "two"), ("file", Some("c.txt"), "three")];
    assert_eq!(send(&server, &alice, "/rooms/general/attach", several).await.status(), 303);
    let newest = messages(&server).await.pop().unwrap();
    assert_eq!((&newest["text"], &newest["files"][1]["alt"]), (&json!("b.txt, c.txt"), &Value::Null));
}

#[tokio::test]
async fn a_rejected_form_comes_back_with_what_was_typed_and_posts_nothing() {
    let server = TestServer::start_with(&["--max-file=10B"]).await;
    let alice = server.person("alice").await;
    let path = "/rooms/general/attach";
    for (fields, status, words) in [
        (&[("text", None, "Look <b>"), ("file", Some("a.txt"), "far too large")][..], 413, "Look &lt;b"),
        (&[("text", None, ""), ("file", Some(""), "")][..], 400, "Choose a file."),
        (&[("file", Some("a.txt"), "a"); 11][..], 400, "Choose the files again."),
    ] {
        let answer = send(&server, &alice, path, fields).await;
        assert_eq!(answer.status(), status, "{words}");
        let html = answer.text().await.unwrap();
        assert!(html.contains(words) && html.contains("role=\"alert\""), "{words}: {html}");
    }
    assert!(messages(&server).await.is_empty());
}

#[tokio::test]
async fn who_may_not_write_in_a_room_has_no_form_for_it() {
    let server = TestServer::start().await;
    let (alice, eve) = (server.person("alice").await, server.person("eve").await);
    let room = json!({ "name": "Secret", "private": true });
    assert_eq!(alice.send(reqwest::Method::POST, "/api/rooms", &room).await.status(), 201);
    assert_eq!(page(&server, &alice, "secret").await.0, 200);
    assert_eq!(page(&server, &eve, "secret").await.0, 404);
    let fields: Fields<'_> = &[("file", Some("a.txt"), "one")];
    assert_eq!(send(&server, &eve, "/rooms/secret/attach", fields).await.status(), 404);
    // Nobody writes in an archived room, not even who may read it.
    let archived = json!({ "archived": true });
    assert_eq!(alice.send(reqwest::Method::PATCH, "/api/rooms/secret", &archived).await.status(), 200);
    assert_eq!(page(&server, &alice, "secret").await.0, 404);
    assert_eq!(send(&server, &alice, "/rooms/secret/attach", fields).await.status(), 404);
}
