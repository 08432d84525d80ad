//! A request with credentials is authorized by these alone, on every route and transport: even on the server's own
//! machine, where a request without credentials is the operator's, and even with a valid cookie beside them.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Error;

use crate::support::{Socket, SocketIo, TestServer, problem};

/// Invalid credentials.
const BAD: [&str; 8] = [
    "Bearer nonsense",
    "bearer nonsense",
    "Basic dXNlcjpwYXNz",
    "Bearer",
    "Bearer ",
    "",
    "Token abc",
    "nonsense",
];

#[tokio::test]
async fn bad_credentials_are_never_nobody_never_the_operator_and_never_the_cookies() {
    let server = TestServer::start().await;
    let alice = server.person("alice").await;
    let cookie = format!("idobata_session={}", alice.session.token);
    let routes = [
        (Method::POST, "/api/events/ops"),
        (Method::GET, "/api/events"),
        (Method::GET, "/api/rooms"),
        (Method::POST, "/api/rooms"),
        (Method::GET, "/api/rooms/general/messages"),
        (Method::POST, "/api/rooms/general/messages"),
        (Method::POST, "/api/rooms/general/typing"),
        (Method::GET, "/api/rooms/general/events"),
        (Method::GET, "/api/rooms/general/members"),
        (Method::GET, "/api/channels"),
        (Method::PUT, "/api/channels/ops/readers"),
        (Method::GET, "/api/publishers"),
        (Method::POST, "/api/publishers"),
        (Method::GET, "/api/session"),
        (Method::DELETE, "/api/session"),
        (Method::GET, "/socket.io/?EIO=4&transport=polling"),
        (Method::GET, "/"),
        (Method::GET, "/rooms/general"),
        (Method::GET, "/fn/start"),
    ];
    for (method, path) in routes {
        for bad in BAD {
            let request = server.client.request(method.clone(), format!("{}{path}", server.url));
            let request = request.header("authorization", bad).header("cookie", &cookie);
            let answer = request.body("{}").send().await.unwrap();
            assert_eq!(answer.status(), StatusCode::UNAUTHORIZED, "{method} {path} {bad:?}");
        }
    }
    for bad in BAD {
        let refused =
            Socket::open_with(&server.url, [("authorization", bad.to_owned())]).await.err().unwrap();
        assert!(matches!(&refused, Error::Http(response) if response.status() == 401), "{bad:?} {refused}");
    }
    let twice = server
        .post("/api/events/ops")
        .header("authorization", "Bearer a")
        .header("authorization", "Bearer b");
    assert_eq!(problem(twice.body("x").send().await.unwrap(), 400).await, "bad_request");
    assert_eq!(server.json("/api/events").await["events"], json!([]), "nothing was published");
    server.publish("ops", "without credentials").await;
}

#[tokio::test]
async fn a_password_of_blanks_alone_signs_in_and_an_empty_one_does_not() {
    let server = TestServer::start_with(&["--auth", "accounts"]).await;
    server.account("administrator").await;
    let link = server.accounts().invite("the administrator").await.unwrap();
    let blanks = " ".repeat(12);
    server.accounts().join(&link, "bob", &blanks).await.unwrap();
    let sign_in = |password: Value| {
        server.post("/api/session").json(&json!({ "name": "bob", "password": password })).send()
    };
    assert_eq!(sign_in(json!(blanks)).await.unwrap().status(), 201);
    for password in [json!(""), json!(null), json!("  ")] {
        assert_eq!(problem(sign_in(password).await.unwrap(), 401).await, "wrong_password");
    }
}

#[tokio::test]
async fn a_token_is_judged_alone_whatever_the_case_of_its_scheme() {
    let server = TestServer::start().await;
    let body = json!({ "name": "backup", "channels": ["ops"] });
    let made: Value = server.post("/api/publishers").json(&body).send().await.unwrap().json().await.unwrap();
    let token = made["token"].as_str().unwrap();
    for scheme in ["Bearer", "bearer", "BEARER", "bEARER "] {
        let publish = |channel: &str| {
            let request = server
                .post(&format!("/api/events/{channel}"))
                .header("authorization", format!("{scheme} {token}"));
            request.body("done").send()
        };
        assert_eq!(publish("ops").await.unwrap().status(), 201, "{scheme}");
        assert_eq!(problem(publish("jobs").await.unwrap(), 403).await, "not_allowed", "{scheme}");
        let elsewhere = server.get("/api/publishers").header("authorization", format!("{scheme} {token}"));
        assert_eq!(problem(elsewhere.send().await.unwrap(), 403).await, "not_allowed", "{scheme}");
    }
    // A guest's token gives no right to publish or to administer, even though the request comes from this machine.
    let alice = server.person("alice").await;
    let guest = server.post("/api/events/ops").bearer_auth(&alice.session.token).body("x");
    assert_eq!(problem(guest.send().await.unwrap(), 403).await, "not_allowed");
    let guest = server.post("/api/publishers").bearer_auth(&alice.session.token).json(&body);
    assert_eq!(problem(guest.send().await.unwrap(), 403).await, "not_allowed");
    let lower = server.get("/api/session").header("authorization", format!("bearer {}", alice.session.token));
    let session: Value = lower.send().await.unwrap().json().await.unwrap();
    assert_eq!(session["user"]["name"], "alice");
}

#[tokio::test]
async fn frames_and_connects_take_a_token_with_its_scheme_and_refuse_nonsense() {
    let server = TestServer::start().await;
    let alice = server.person("alice").await;
    let mut socket = Socket::open(&server.url, None).await.unwrap();
    for bad in ["nonsense", "", "Bearer nonsense", "Basic abc"] {
        socket.send(json!({ "type": "auth", "token": bad })).await;
        assert_eq!(socket.rejected().await, "no_session", "{bad:?}");
        let refused = SocketIo::enter(&server.url, "/", &json!({ "token": bad })).await.err();
        assert_eq!(refused.as_deref(), Some("Authentication error"), "{bad:?}");
    }
    let by_cookie = || {
        let mut request = SocketIo::request(&server.url, "");
        let cookie = format!("idobata_session={}", alice.session.token);
        request.headers_mut().insert("cookie", cookie.parse().unwrap());
        request
    };
    SocketIo::enter_by(by_cookie(), "/", &json!({})).await.unwrap();
    for name in ["token", "Token", "TOKEN"] {
        let refused = SocketIo::enter_by(by_cookie(), "/", &json!({ name: "nonsense" })).await.err();
        assert_eq!(refused.as_deref(), Some("Authentication error"), "{name}, whatever the cookie says");
        SocketIo::enter(&server.url, "/", &json!({ name: alice.session.token })).await.unwrap();
    }
    let spelled = format!("bearer {}", alice.session.token);
    socket.send(json!({ "type": "auth", "token": spelled })).await;
    socket.join("general", json!({})).await;
    SocketIo::enter(&server.url, "/", &json!({ "token": spelled })).await.unwrap();
}
