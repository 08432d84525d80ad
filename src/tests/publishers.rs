//! Publishing with a publisher's token.

use reqwest::{Method, Response};
use serde_json::{Value, json};

use crate::support::{Person, TestServer, problem};

async fn set_up() -> (TestServer, Person) {
    let server = TestServer::start_with(&["--auth", "accounts"]).await;
    let administrator = server.account("administrator").await;
    (server, administrator)
}

async fn make(administrator: &Person, channels: Value) -> Value {
    let body = json!({ "name": "backup", "channels": channels });
    let made = administrator.send(Method::POST, "/api/publishers", &body).await;
    assert_eq!(made.status(), 201);
    made.json().await.unwrap()
}

async fn publish(server: &TestServer, token: &str, channel: &str, key: &str) -> Response {
    let request = server.post(&format!("/api/events/{channel}")).bearer_auth(token).body("done");
    request.header("idempotency-key", key).send().await.unwrap()
}

async fn listed(administrator: &Person) -> Value {
    administrator.get("/api/publishers").send().await.unwrap().json().await.unwrap()
}

#[tokio::test]
async fn a_publisher_publishes_where_its_token_is_good_until_it_is_removed() {
    let (server, administrator) = set_up().await;
    let made = make(&administrator, json!(["ops", "db-*"])).await;
    let (id, token) = (made["id"].as_str().unwrap(), made["token"].as_str().unwrap());
    for channel in ["ops", "db-1"] {
        assert_eq!(publish(&server, token, channel, channel).await.status(), 201, "{channel}");
    }
    for channel in ["jobs", "ops-2", "db"] {
        assert_eq!(
            problem(publish(&server, token, channel, channel).await, 403).await,
            "not_allowed",
            "{channel}"
        );
    }
    let other = format!("idp_{id}_00000000000000000000000000000000");
    for wrong in [other.as_str(), "idp_", "idp__", "idp_none_none"] {
        assert_eq!(problem(publish(&server, wrong, "ops", "x").await, 401).await, "no_session", "{wrong}");
    }
    let path = format!("/api/publishers/{id}");
    assert_eq!(administrator.send(Method::DELETE, &path, &json!(null)).await.status(), 204);
    assert_eq!(problem(publish(&server, token, "ops", "y").await, 401).await, "no_session");
    assert_eq!(listed(&administrator).await, json!([]));
}

#[tokio::test]
async fn two_publishers_do_not_share_their_idempotency_keys() {
    let (server, administrator) = set_up().await;
    for status in [201, 201] {
        let made = make(&administrator, json!(["*"])).await;
        let token = made["token"].as_str().unwrap();
        assert_eq!(publish(&server, token, "ops", "monday").await.status(), status);
        assert_eq!(publish(&server, token, "ops", "monday").await.status(), 200, "the same again");
    }
}

#[tokio::test]
async fn a_token_is_shown_once_and_its_use_is_noted() {
    let (server, administrator) = set_up().await;
    let made = make(&administrator, json!(["ops"])).await;
    let token = made["token"].as_str().unwrap();
    let unused = listed(&administrator).await;
    assert!(
        unused[0]["last_used_at"].is_null() && unused[0]["token"].is_null() && unused[0]["hash"].is_null()
    );
    assert_eq!(publish(&server, token, "ops", "x").await.status(), 201);
    assert!(listed(&administrator).await[0]["last_used_at"].is_i64());
    let data = server.stop().await.unwrap();
    let secret = token.rsplit('_').next().unwrap().as_bytes();
    for entry in std::fs::read_dir(data.path()).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            continue; // the files that people upload: nobody did
        }
        let stored = std::fs::read(path).unwrap();
        assert!(!stored.windows(secret.len()).any(|bytes| bytes == secret), "only a hash is kept");
    }
}

#[tokio::test]
async fn without_accounts_whoever_is_on_the_machine_makes_publishers_but_not_through_a_proxy() {
    let server = TestServer::start().await;
    let body = json!({ "name": "backup", "channels": ["ops"] });
    let make = || server.post("/api/publishers").json(&body);
    assert_eq!(
        problem(make().header("forwarded", "for=192.0.2.1").send().await.unwrap(), 401).await,
        "no_session"
    );
    let behind_tls = TestServer::start_with(&["--public-url", "https://idobata.example"]).await;
    let passed_on = behind_tls.post("/api/publishers").json(&body).header("host", "idobata.example");
    assert_eq!(
        problem(passed_on.send().await.unwrap(), 401).await,
        "no_session",
        "a proxy that says nothing"
    );
    // Behind a proxy that forwards no address, every client seems to be on this machine and can use any host name, so
    // only the key proves the operator.
    for host in ["127.0.0.1:3000", "localhost"] {
        let from_anywhere = behind_tls.post("/api/publishers").json(&body).header("host", host);
        assert_eq!(problem(from_anywhere.send().await.unwrap(), 401).await, "no_session", "{host}");
    }
    let key = std::fs::read_to_string(behind_tls.folder().join("operator-key")).unwrap();
    let by_key = behind_tls.post("/api/publishers").json(&body).bearer_auth(&key).send().await.unwrap();
    assert_eq!(by_key.status(), 201);
    let by_another = behind_tls.post("/api/publishers").json(&body).bearer_auth("0".repeat(64));
    assert_eq!(problem(by_another.send().await.unwrap(), 401).await, "no_session");
    let rebound = server.post("/api/publishers").json(&body).header("host", "10.0.0.1:3000");
    assert_eq!(
        problem(rebound.send().await.unwrap(), 401).await,
        "no_session",
        "not this machine's own name"
    );
    let made: Value = make().send().await.unwrap().json().await.unwrap();
    let request = server.post("/api/events/ops").header("x-forwarded-for", "192.0.2.1").body("done");
    assert_eq!(problem(request.try_clone().unwrap().send().await.unwrap(), 403).await, "not_allowed");
    assert_eq!(request.bearer_auth(made["token"].as_str().unwrap()).send().await.unwrap().status(), 201);
}

#[tokio::test]
async fn a_channel_that_is_open_to_an_address_takes_what_comes_without_a_token_and_nothing_else_does() {
    let settings =
        ["--auth", "accounts", "--open-channels", "home-*@127.0.0.1", "--trusted-proxy", "127.0.0.9"];
    let server = TestServer::start_with(&settings).await;
    let administrator = server.account("administrator").await;
    let post = |path: &str| server.post(path).body("open");
    for (path, status) in [
        ("/api/events/home-door", 201),
        ("/home-door", 200),
        ("/api/events/ops", 403),
        ("/ops", 403),
        ("/api/events/home", 403),
    ] {
        assert_eq!(post(path).send().await.unwrap().status(), status, "{path}");
    }
    for (name, value, status) in [
        // A proxy that nobody trusts has passed it on: whose it is nobody knows.
        ("x-forwarded-for", "127.0.0.1", 403),
        ("via", "1.1 proxy", 403),
        // Pages of other sites.
        ("origin", "https://evil.example", 403),
        ("sec-fetch-site", "cross-site", 403),
        // A request with a token is judged by it.
        ("authorization", "Bearer idp_none_none", 401),
        ("authorization", "Bearer nonsense", 401),
    ] {
        for path in ["/api/events/home-door", "/home-door"] {
            let answer = post(path).header(name, value).send().await.unwrap();
            assert_eq!(answer.status(), status, "{path} with {name}: {value}");
        }
    }
    let link = server.get("/home-door/publish?message=x").send().await.unwrap();
    assert_eq!(link.status(), 401, "a link never publishes");
    let page: Value = administrator
        .get("/api/events")
        .header("accept", "application/json")
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert_eq!(page["events"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn open_channels_are_limited_by_address_and_closed_by_default() {
    let closed = TestServer::start_with(&["--auth", "accounts"]).await;
    let answer = closed.post("/api/events/home-door").body("x").send().await.unwrap();
    assert_eq!(problem(answer, 403).await, "not_allowed");
    let settings = ["--auth", "accounts", "--open-channels=*", "--limit-publishes=2/1h"];
    let server = TestServer::start_limited(&settings).await;
    for status in [201, 201, 429] {
        let answer = server.post("/api/events/home-door").body("x").send().await.unwrap();
        assert_eq!(answer.status(), status);
    }
}
