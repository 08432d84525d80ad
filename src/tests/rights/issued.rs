//! Tokens of an external issuer, at a server that accepts those signed with one RSA key.

use jsonwebtoken::{Algorithm, EncodingKey, Header, encode, get_current_timestamp};
use serde_json::{Value, json};

use super::table::ROWS;
use crate::support::{Person, Socket, TestServer, problem};

#[path = "../../server/auth/issuer/test_keys.rs"]
#[allow(dead_code, reason = "the issuer's own tests use the others")]
mod keys;

async fn start() -> (TestServer, tempfile::TempDir) {
    start_with(&[]).await
}

async fn start_with(more: &[&str]) -> (TestServer, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let key = folder.path().join("key.pem");
    std::fs::write(&key, keys::RSA_PUBLIC).unwrap();
    let settings =
        ["--auth", "jwt", "--jwt-algorithm", "RS256", "--jwt-audience", "idobata", "--jwt-public-key"];
    (TestServer::start_with(&[&settings[..], &[key.to_str().unwrap()], more].concat()).await, folder)
}

fn claims(more: Value) -> Value {
    let mut claims =
        json!({ "sub": "u-1", "name": "Alice", "aud": "idobata", "exp": get_current_timestamp() + 3_600 });
    claims.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    claims
}

fn sign(algorithm: Algorithm, claims: &Value, key: &EncodingKey) -> String {
    encode(&Header::new(algorithm), claims, key).unwrap()
}

fn rsa(pem: &str) -> EncodingKey {
    EncodingKey::from_rsa_pem(pem.as_bytes()).unwrap()
}

fn issued(more: Value) -> String {
    sign(Algorithm::RS256, &claims(more), &rsa(keys::RSA))
}

fn bad_tokens() -> [(&'static str, String); 5] {
    let unsigned = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJ1LTEiLCJhdWQiOiJpZG9iYXRhIiwiZXhwIjo5OTk5OTk5OTk5OX0.";
    let public_as_secret = EncodingKey::from_secret(keys::RSA_PUBLIC.as_bytes());
    [
        ("expired", issued(json!({ "exp": get_current_timestamp() - 3_600 }))),
        ("of another key", sign(Algorithm::RS256, &claims(json!({})), &rsa(keys::OTHER_RSA))),
        ("for another audience", issued(json!({ "aud": "elsewhere" }))),
        ("unsigned", unsigned.to_owned()),
        ("signed with the public key", sign(Algorithm::HS256, &claims(json!({})), &public_as_secret)),
    ]
}

#[tokio::test]
async fn a_token_that_is_not_the_issuers_opens_nothing() {
    let (server, _folder) = start().await;
    for (name, token) in bad_tokens() {
        let person = Person::with_token(&server, &token);
        for row in ROWS.iter().filter(|row| row.method == "GET" && row.expected()[0] == "401") {
            let answer = person.get(row.path).send().await.unwrap();
            // ntfy's addresses have its form of errors.
            if row.path.starts_with("/ops/") || row.path.starts_with("/home-door/") {
                assert_eq!(answer.status(), 401, "{} with a token {name}", row.path);
                continue;
            }
            assert_eq!(problem(answer, 401).await, "no_session", "{} with a token {name}", row.path);
        }
        let body = json!({ "type": "update", "value": 1 });
        let publish = person.send(reqwest::Method::POST, "/api/events/ops", &body);
        assert_eq!(problem(publish.await, 401).await, "no_session", "{name}");
        assert!(Socket::open(&server.url, Some(&token)).await.is_err(), "{name}");
        let mut socket = Socket::open(&server.url, None).await.unwrap();
        socket.send(json!({ "type": "auth", "token": token })).await;
        assert_eq!(socket.rejected().await, "no_session", "{name}");
    }
}

#[tokio::test]
async fn a_page_without_a_token_says_that_people_sign_in_elsewhere() {
    let (server, _folder) = start().await;
    for path in ["/", "/rooms/general", "/sign-in", "/account"] {
        let answer = server.get(path).send().await.unwrap();
        assert_eq!(answer.status(), 401, "{path}");
        let text = answer.text().await.unwrap();
        assert!(text.contains("People sign in to this server through another system"), "{path}: {text}");
    }
}

#[tokio::test]
async fn a_page_without_a_token_leads_to_where_people_sign_in_and_back() {
    let (server, _folder) =
        start_with(&["--jwt-sign-in-url", "https://sso.example/login?to={back}&for=idobata"]).await;
    let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    let host = server.url.strip_prefix("http://").unwrap().replace(':', "%3A");
    for (path, back) in [
        ("/", ""),
        ("/rooms/general", "rooms%2Fgeneral"),
        ("/account", "account"),
        ("/sign-in?back=/rooms/tech", "rooms%2Ftech"),
        ("/sign-in?back=https://evil.example/", ""),
    ] {
        let answer = client.get(format!("{}{path}", server.url)).send().await.unwrap();
        assert_eq!(answer.status(), 303, "{path}");
        let expected = format!("https://sso.example/login?to=http%3A%2F%2F{host}%2F{back}&for=idobata");
        assert_eq!(answer.headers()["location"], expected.as_str(), "{path}");
    }
    let alice = Person::with_token(&server, &issued(json!({})));
    let account = alice.get("/account").send().await.unwrap().text().await.unwrap();
    assert!(
        account.contains("<b>Alice</b>") && account.contains("https://sso.example/login?to="),
        "{account}"
    );
    assert!(!account.contains("/sign-out") && !account.contains("/people"), "{account}");
    for path in ["/sign-out", "/account/name", "/account/password"] {
        let answer = alice.send(reqwest::Method::POST, path, &json!({})).await;
        assert_eq!(answer.status(), 404, "{path}: there are no accounts here");
    }
    let page = alice.get("/").send().await.unwrap().text().await.unwrap();
    assert!(page.contains("href=\"/account\"") && !page.contains("action=\"/name\""), "{page}");
}

#[tokio::test]
async fn the_claims_say_which_rooms_and_channels_a_token_is_for() {
    let (server, _folder) = start().await;
    let anybody = Person::with_token(&server, &issued(json!({})));
    let limited = Person::with_token(&server, &issued(json!({ "rooms": ["gen*"], "channels": ["ops"] })));
    let status = async |person: &Person, path| person.get(path).send().await.unwrap().status().as_u16();
    for (path, of_anybody, of_limited) in [
        ("/api/rooms/general/messages", 200, 200),
        ("/api/rooms/tech/messages", 200, 404),
        ("/api/events", 200, 200),
    ] {
        assert_eq!(
            (status(&anybody, path).await, status(&limited, path).await),
            (of_anybody, of_limited),
            "{path}"
        );
    }
    for (channel, of_anybody, of_limited) in [("ops", 403, 201), ("jobs", 403, 403)] {
        let path = format!("/api/events/{channel}");
        let body = json!({ "type": "update", "value": 1 });
        let publish =
            async |person: &Person| person.send(reqwest::Method::POST, &path, &body).await.status().as_u16();
        assert_eq!((publish(&anybody).await, publish(&limited).await), (of_anybody, of_limited), "{channel}");
    }
    let made = limited.send(reqwest::Method::POST, "/api/rooms", &json!({ "name": "elsewhere" })).await;
    assert_eq!(problem(made, 409).await, "room_exists", "nobody gets further by making a room");
    assert_eq!(anybody.send(reqwest::Method::GET, "/api/publishers", &json!(null)).await.status(), 403);
    let admin = Person::with_token(&server, &issued(json!({ "role": "admin" })));
    assert_eq!(admin.get("/api/publishers").send().await.unwrap().status(), 200);
}

#[tokio::test]
async fn a_claim_names_a_room_in_whatever_form_the_other_system_writes() {
    let (server, _folder) = start().await;
    let maker = Person::with_token(&server, &issued(json!({})));
    for (name, claim) in [
        ("Team Talk", "Team-Talk"),
        ("คำถาม ทั่วไป", "คำถาม-ทั่วไป"),
        ("Café", "cafe\u{301}*"),
        ("خانه\u{200c}ها", "خانه\u{200c}ها"),
    ] {
        let made = maker.send(reqwest::Method::POST, "/api/rooms", &json!({ "name": name })).await;
        let made: Value = made.json().await.unwrap();
        let room = made["id"].as_str().unwrap();
        let reader = Person::with_token(&server, &issued(json!({ "sub": "u-2", "rooms": [claim] })));
        let read = async |room: &str| {
            let answer = reader.get(&format!("/api/rooms/{room}/messages")).send().await;
            answer.unwrap().status().as_u16()
        };
        assert_eq!((read(room).await, read("general").await), (200, 404), "{claim}");
    }
}

#[tokio::test]
async fn a_socket_ends_with_its_token_unless_a_newer_one_came() {
    let (server, _folder) = start().await;
    // Expired, except for the leeway: it ends within seconds.
    let nearly_over = || issued(json!({ "exp": get_current_timestamp() - 27 }));
    let mut ends = Socket::open(&server.url, Some(&nearly_over())).await.unwrap();
    let mut renewed = Socket::open(&server.url, None).await.unwrap();
    renewed.send(json!({ "type": "auth", "token": issued(json!({ "sub": "u-2", "exp": get_current_timestamp() - 27 })) })).await;
    renewed.join("general", json!({})).await;
    renewed.send(json!({ "type": "auth", "token": issued(json!({ "sub": "u-2" })) })).await;
    renewed.is_alive().await;
    renewed.send(json!({ "type": "auth", "token": issued(json!({ "sub": "u-3" })) })).await;
    assert_eq!(renewed.rejected().await, "not_allowed", "a socket stays with whom it was opened for");
    assert_eq!(ends.close_code().await, 4401);
    renewed.is_alive().await;
}

#[tokio::test]
async fn a_token_for_fewer_rooms_leaves_the_others() {
    let (server, _folder) = start().await;
    let mut socket = Socket::open(&server.url, Some(&issued(json!({})))).await.unwrap();
    socket.join("general", json!({})).await;
    socket.join("tech", json!({})).await;
    socket.send(json!({ "type": "auth", "token": issued(json!({ "rooms": ["general"] })) })).await;
    assert_eq!(socket.rejected().await, "unknown_room", "tech is closed");
    socket.post("general", "still here").await;
    socket.expect("posted").await;
    socket.expect("message").await;
    socket
        .send(json!({ "type": "post", "room": "tech", "id": crate::support::new_id(), "text": "and here?" }))
        .await;
    assert_eq!(socket.rejected().await, "not_joined");
}

#[tokio::test]
async fn who_comes_back_from_signing_in_comes_back_to_the_public_address() {
    let settings =
        ["--jwt-sign-in-url", "https://sso.example/{back}", "--public-url", "https://talk.example"];
    let (server, _folder) = start_with(&settings).await;
    let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    let answer = client.get(format!("{}/rooms/general", server.url)).send().await.unwrap();
    assert_eq!(
        answer.headers()["location"],
        "https://sso.example/https%3A%2F%2Ftalk.example%2Frooms%2Fgeneral"
    );
    let posted = client
        .post(format!("{}/rooms", server.url))
        .header("content-type", "application/x-www-form-urlencoded")
        .body("name=x")
        .send()
        .await
        .unwrap();
    assert_eq!(posted.status(), 401, "a form is answered here: the policy lets it lead nowhere else");
}

#[tokio::test]
async fn a_token_for_all_rooms_opens_no_direct_messages_of_others() {
    let (server, _folder) = start().await;
    let token = |name: &str, more: Value| {
        let mut claims = json!({ "sub": name, "name": name });
        claims.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        issued(claims)
    };
    let person = |name: &str, more: Value| Person::with_token(&server, &token(name, more));
    let mut socket = Socket::open(&server.url, Some(&token("alice", json!({})))).await.unwrap();
    socket.join("general", json!({})).await;
    let session = person("alice", json!({})).get("/api/session").send().await.unwrap();
    let alice = session.json::<Value>().await.unwrap()["user"]["id"].clone();
    let body = json!({ "user_ids": [alice] });
    let start =
        |person: Person| async move { person.send(reqwest::Method::POST, "/api/direct", &body).await };
    let refused = start.clone()(person("eve", json!({ "rooms": ["*"] }))).await;
    assert_eq!(problem(refused, 403).await, "not_allowed", "a token for some rooms makes none");
    let made = start(person("bob", json!({}))).await.json::<Value>().await.unwrap();
    let path = format!("/api/rooms/{}/messages", made["room"].as_str().unwrap());
    for (name, rooms, status) in [
        ("eve", "*", 404),
        ("bob", "*", 200),
        ("bob", "d-*", 200),
        ("bob", "general", 404),
        ("alice", "*", 200),
    ] {
        let answer = person(name, json!({ "rooms": [rooms] })).get(&path).send().await.unwrap();
        assert_eq!(answer.status(), status, "{name} with a token for {rooms}");
    }
}
