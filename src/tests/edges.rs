//! The edges of the HTTP server: hosts, origins and proxies that it accepts, and the security headers of every answer.

use reqwest::{Client, Method, RequestBuilder, Response};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Error;

use crate::support::{Socket, TestServer, new_id, problem};

const PUBLIC: &str = "https://talk.example";
const BOARD: &str = "https://board.example";

/// The value of a header that must occur once.
fn header<'a>(response: &'a Response, name: &str) -> &'a str {
    let mut values = response.headers().get_all(name).iter();
    let value = values.next().unwrap_or_else(|| panic!("{name} is missing from {}", response.url()));
    assert!(values.next().is_none(), "{name} is there twice on {}", response.url());
    value.to_str().unwrap()
}

async fn send(request: RequestBuilder) -> Response {
    request.send().await.unwrap()
}

/// The status that rejects a socket's handshake; `None` if it opens.
async fn socket_refusal(url: &str, headers: &[(&'static str, &str)]) -> Option<u16> {
    let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
    match Socket::open_with(url, headers).await {
        Ok(mut socket) => {
            socket.is_alive().await;
            None
        }
        Err(Error::Http(response)) => Some(response.status().as_u16()),
        Err(other) => panic!("{other}"),
    }
}

/// The session cookie of a new visitor, as a browser sends it back.
async fn visit(server: &TestServer) -> String {
    let response = send(server.get("/")).await;
    header(&response, "set-cookie").split(';').next().unwrap().to_owned()
}

#[tokio::test]
async fn every_answer_tells_the_browser_to_keep_everything_closed() {
    let server = TestServer::start().await;
    let asset = send(server.get("/")).await.text().await.unwrap();
    let asset = asset.split('"').find(|part| part.starts_with("/pkg/")).unwrap().to_owned();
    let answers = [
        send(server.get("/")).await,
        send(server.get("/rooms/general")).await,
        send(server.get("/rooms/nowhere")).await,
        send(server.get("/favicon.svg")).await,
        send(server.get(&asset)).await,
        send(server.get("/api/rooms")).await,
        send(server.get("/api/events")).await,
        send(server.get("/api/nothing")).await,
        send(server.get("/ws")).await,
        send(server.get("/healthz")).await,
        send(server.get("/metrics")).await,
        send(server.get("/fn/start")).await,
        send(server.post("/api/events/ops").body("stored")).await,
        send(server.post("/api/session").body("not json")).await,
        send(server.client.delete(format!("{}/api/rooms", server.url))).await,
        send(server.get("/").header("host", "evil.example")).await,
        send(server.post("/name").header("origin", "http://evil.example")).await,
    ];
    for answer in answers {
        let policy = header(&answer, "content-security-policy");
        assert!(policy.starts_with("default-src 'none'"), "{policy}");
        assert!(policy.contains("frame-ancestors 'none'"), "{policy}");
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "same-origin"),
            ("cross-origin-opener-policy", "same-origin"),
            ("cross-origin-resource-policy", "same-origin"),
        ] {
            assert_eq!(header(&answer, name), value, "{}", answer.url());
        }
        assert!(header(&answer, "permissions-policy").contains("camera=()"));
        assert!(!answer.headers().contains_key("strict-transport-security"), "there is no TLS");
        assert!(!answer.headers().contains_key("access-control-allow-origin"));
    }
}

#[tokio::test]
async fn a_page_runs_the_scripts_with_its_nonce_and_no_others() {
    let server = TestServer::start().await;
    let mut nonces = Vec::new();
    for path in ["/", "/rooms/general", "/nothing"] {
        let page = send(server.get(path)).await;
        let policy = header(&page, "content-security-policy").to_owned();
        let (_, rest) = policy.split_once("script-src 'self' 'nonce-").unwrap();
        let (nonce, rest) = rest.split_once('\'').unwrap();
        assert!(rest.starts_with(" 'wasm-unsafe-eval';"), "{policy}");
        assert!(!policy.contains("unsafe-inline") && !policy.contains("'unsafe-eval'"), "{policy}");
        assert!(nonce.len() >= 22, "128 bits in base64: {nonce}");
        let html = page.text().await.unwrap();
        let scripts: Vec<_> =
            html.split("<script").skip(1).map(|tag| tag.split('>').next().unwrap()).collect();
        assert!(scripts.len() >= 3, "{html}");
        for script in scripts {
            let is_data = script.contains("application/json");
            assert!(is_data || script.contains(&format!("nonce=\"{nonce}\"")), "{path}: <script{script}>");
        }
        for inline in [" style=", "<style", " onclick=", " onload=", "javascript:"] {
            assert!(!html.contains(inline), "{inline} in {path}\n{html}");
        }
        nonces.push(nonce.to_owned());
    }
    nonces.sort();
    nonces.dedup();
    assert_eq!(nonces.len(), 3, "each page has its own");
}

#[tokio::test]
async fn cookies_are_plain_without_tls_and_bound_to_the_host_behind_it() {
    let plain = TestServer::start().await;
    let secure = TestServer::start_with(&["--public-url", PUBLIC]).await;
    for (server, prefix, is_secure) in [(&plain, "", false), (&secure, "__Host-", true)] {
        let answers = [
            (send(server.get("/")).await, "idobata_session"),
            (send(server.post("/api/session").json(&json!({ "name": "alice" }))).await, "idobata_session"),
            (send(server.client.delete(format!("{}/api/session", server.url))).await, "idobata_session"),
            (no_redirect(server.get("/language/ja?back=/").build().unwrap()).await, "idobata_language"),
        ];
        for (answer, name) in answers {
            let cookies: Vec<_> =
                answer.headers().get_all("set-cookie").iter().map(|value| value.to_str().unwrap()).collect();
            // Without a host name of its own, the installation's name is in the cookie's name.
            let end = if is_secure { "=" } else { "_" };
            let cookie = cookies.iter().find(|cookie| cookie.starts_with(&format!("{prefix}{name}{end}")));
            let cookie = cookie.unwrap_or_else(|| panic!("{prefix}{name} is not in {cookies:?}"));
            for part in ["HttpOnly", "SameSite=Lax", "Path=/", "Max-Age="] {
                assert!(cookie.contains(part), "{part} is missing in {cookie}");
            }
            assert!(!cookie.contains("Domain"), "{cookie}");
            assert_eq!(cookie.contains("; Secure"), is_secure, "{cookie}");
            assert_eq!(answer.headers().contains_key("strict-transport-security"), is_secure);
        }
    }
    assert_eq!(
        header(&send(secure.get("/api/rooms")).await, "strict-transport-security"),
        "max-age=31536000"
    );
}

/// The answer to a join on a socket that was opened with these headers.
async fn joining(url: &str, headers: &[(&'static str, &str)]) -> String {
    let headers = headers.iter().map(|(name, value)| (*name, (*value).to_owned()));
    let mut socket = Socket::open_with(url, headers).await.unwrap();
    socket.send(json!({ "type": "join", "room": "general" })).await;
    let answer = socket.frame().await;
    answer["code"].as_str().or(answer["type"].as_str()).unwrap().to_owned()
}

/// Sends a request without following redirects.
async fn no_redirect(request: reqwest::Request) -> Response {
    let client = Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    client.execute(request).await.unwrap()
}

#[tokio::test]
async fn behind_tls_only_the_cookie_of_this_host_is_read() {
    let server = TestServer::start_with(&["--public-url", PUBLIC]).await;
    let cookie = visit(&server).await;
    assert_eq!(joining(&server.url, &[("cookie", &cookie)]).await, "joined");
    let planted = cookie.trim_start_matches("__Host-");
    assert_eq!(
        joining(&server.url, &[("cookie", planted)]).await,
        "no_session",
        "a neighbour can set this one"
    );
    let japanese = server.get("/").header("cookie", "__Host-idobata_language=ja");
    assert!(send(japanese).await.text().await.unwrap().contains("<html lang=\"ja\""));
}

#[tokio::test]
async fn a_name_that_is_not_ours_is_misdirected() {
    let server = TestServer::start().await;
    let public = TestServer::start_with(&["--public-url", PUBLIC]).await;
    for (server, host, is_ours) in [
        (&server, "127.0.0.1:3000", true),
        (&server, "localhost:3000", true),
        (&server, "idobata.localhost", true),
        (&server, "[::1]:3000", true),
        (&server, "talk.example", false),
        (&server, "evil.example:3000", false),
        (&server, "localhost.evil.example", false),
        (&server, "127.0.0.1.evil.example", false),
        (&public, "talk.example", true),
        (&public, "talk.example:443", true),
        (&public, "localhost", true),
        (&public, "evil.example", false),
    ] {
        for path in ["/", "/api/rooms", "/healthz"] {
            let answer = send(server.get(path).header("host", host)).await;
            if is_ours {
                assert_eq!(answer.status(), 200, "{host} {path}");
            } else {
                let detail = expect_misdirected(answer).await;
                assert!(detail.contains("--public-url"), "{detail}");
            }
        }
    }
    let asset = server.get("/").send().await.unwrap().text().await.unwrap();
    let asset = asset.split('"').find(|part| part.starts_with("/pkg/")).unwrap().to_owned();
    for path in ["/favicon.svg", &asset] {
        let answer = send(server.get(path).header("host", "talk.example")).await;
        assert_ne!(answer.status(), 421, "a page that a proxy passed on has its style");
    }
    let alice = server.person("alice").await;
    let token = format!("Bearer {}", alice.session.token);
    let rebound = [("host", "evil.example"), ("origin", "http://evil.example"), ("authorization", &token)];
    assert_eq!(
        socket_refusal(&server.url, &rebound).await,
        Some(421),
        "for one site by the browser's lights"
    );
}

async fn expect_misdirected(answer: Response) -> String {
    assert_eq!(answer.status(), 421);
    let problem: Value = answer.json().await.unwrap();
    assert_eq!(problem["code"], "bad_host");
    problem["detail"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_page_of_another_origin_is_refused_whatever_it_asks_for() {
    let server = TestServer::start_with(&["--public-url", PUBLIC]).await;
    let cookie = visit(&server).await;
    let port = server.url.rsplit(':').next().unwrap();
    let neighbour = format!("http://127.0.0.1:{}", if port == "1" { 2 } else { 1 });
    for origin in [
        "https://evil.example",
        "http://talk.example",
        "https://talk.example.evil.example",
        "null",
        &neighbour,
    ] {
        for (method, path) in [
            (Method::POST, "/api/events/ops"),
            (Method::POST, "/api/rooms"),
            (Method::POST, "/api/rooms/general/messages"),
            (Method::POST, "/api/rooms/general/typing"),
            (Method::POST, "/api/session"),
            (Method::DELETE, "/api/session"),
            (Method::POST, "/rooms"),
            (Method::POST, "/rooms/general"),
            (Method::POST, "/name"),
            (Method::OPTIONS, "/api/rooms"),
            (Method::GET, "/api/events"),
            (Method::GET, "/api/rooms/general/events"),
        ] {
            let request = server.client.request(method, format!("{}{path}", server.url)).body("text");
            let answer = send(request.header("origin", origin).header("cookie", &cookie)).await;
            assert!(!answer.headers().contains_key("access-control-allow-origin"));
            assert_eq!(problem(answer, 403).await, "bad_origin", "{origin} {path}");
        }
        let headers = [("origin", origin), ("cookie", cookie.as_str())];
        assert_eq!(socket_refusal(&server.url, &headers).await, Some(403), "{origin}");
    }
    for origin in [PUBLIC, &server.url] {
        let headers = [("origin", origin), ("cookie", cookie.as_str())];
        assert_eq!(socket_refusal(&server.url, &headers).await, None, "{origin}");
        let made = server.post("/api/rooms").json(&json!({ "name": format!("of {}", origin.len()) }));
        assert_eq!(send(made.header("origin", origin).header("cookie", &cookie)).await.status(), 201);
    }
    assert_eq!(server.json("/api/rooms").await.as_array().unwrap().len(), 5);
}

#[tokio::test]
async fn a_browser_that_does_not_say_which_site_it_comes_from_changes_nothing() {
    let server = TestServer::start().await;
    for (site, mode) in [("cross-site", "navigate"), ("same-site", "navigate"), ("cross-site", "no-cors")] {
        let request = server.post("/api/events/ops").body("forged");
        let answer = send(request.header("sec-fetch-site", site).header("sec-fetch-mode", mode)).await;
        assert_eq!(problem(answer, 403).await, "bad_origin", "{site} {mode}");
    }
    let picture = server.get("/api/rooms/general/events").header("sec-fetch-site", "same-site");
    assert_eq!(problem(send(picture.header("sec-fetch-mode", "no-cors")).await, 403).await, "bad_origin");
    let link = server.get("/rooms/general").header("sec-fetch-site", "cross-site");
    assert_eq!(send(link.header("sec-fetch-mode", "navigate")).await.status(), 200, "links lead here");
    assert!(server.json("/api/events").await["events"].as_array().unwrap().is_empty());
}

#[tokio::test]
async fn an_allowed_origin_uses_the_server_with_a_token_and_never_with_the_cookie() {
    let server =
        TestServer::start_with(&["--allow-origin", "https://board.example,http://localhost:5173"]).await;
    let (alice, cookie) = (server.person("alice").await, visit(&server).await);
    let token = format!("Bearer {}", alice.session.token);

    let preflight =
        server.client.request(Method::OPTIONS, format!("{}/api/rooms/general/messages", server.url));
    let preflight = preflight
        .header("origin", BOARD)
        .header("access-control-request-method", "POST")
        .header("access-control-request-headers", "authorization,content-type");
    let answer = send(preflight).await;
    assert_eq!(answer.status(), 200);
    assert_eq!(header(&answer, "access-control-allow-origin"), BOARD);
    assert!(header(&answer, "access-control-allow-methods").contains("POST"));
    assert!(header(&answer, "access-control-allow-headers").contains("authorization"));

    let post = |origin: &'static str, name, value: &str| {
        let body = json!({ "id": new_id(), "text": "from the board" });
        send(
            server
                .post("/api/rooms/general/messages")
                .json(&body)
                .header("origin", origin)
                .header(name, value),
        )
    };
    let answer = post(BOARD, "authorization", &token).await;
    assert_eq!(answer.status(), 201);
    assert_eq!(header(&answer, "access-control-allow-origin"), BOARD);
    assert!(header(&answer, "access-control-expose-headers").contains("x-request-id"));
    assert!(!answer.headers().contains_key("access-control-allow-credentials"));
    assert!(header(&answer, "vary").contains("origin"), "caches keep the origins apart");

    let answer = post(BOARD, "cookie", &cookie).await;
    assert_eq!(header(&answer, "access-control-allow-origin"), BOARD, "its page may know why");
    assert_eq!(problem(answer, 401).await, "no_session");
    assert_eq!(joining(&server.url, &[("origin", BOARD), ("cookie", &cookie)]).await, "no_session");
    assert_eq!(joining(&server.url, &[("origin", BOARD), ("authorization", &token)]).await, "joined");

    let session = server.post("/api/session").json(&json!({ "name": "carol" })).header("origin", BOARD);
    let answer = send(session).await;
    assert_eq!(answer.status(), 201);
    assert!(
        !answer.headers().contains_key("set-cookie"),
        "a page cannot make its visitor somebody else here"
    );

    let answer = post("https://evil.example", "authorization", &token).await;
    assert!(!answer.headers().contains_key("access-control-allow-origin"));
    assert_eq!(problem(answer, 403).await, "bad_origin");
    let messages = server.json("/api/rooms/general/messages").await;
    assert_eq!(messages["messages"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn an_allowed_origin_follows_the_feed_and_others_do_not() {
    let server = TestServer::start_with(&["--allow-origin", BOARD]).await;
    let followed = send(server.get("/api/events").header("origin", BOARD)).await;
    assert_eq!(followed.status(), 200);
    assert_eq!(header(&followed, "access-control-allow-origin"), BOARD);
    let refused = send(server.get("/api/events").header("origin", "https://evil.example")).await;
    assert_eq!(problem(refused, 403).await, "bad_origin");
}
