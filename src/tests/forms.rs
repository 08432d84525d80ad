//! HTML forms without JavaScript that are submitted twice, by a second click or by reloading the answer. Each must be
//! stored once.

use reqwest::{Client, RequestBuilder, Response, redirect};

use serde_json::json;

use crate::support::{PASSWORD, Person, TestServer, problem};

/// A browser without JavaScript.
struct Browser<'a> {
    server: &'a TestServer,
    cookie: String,
    client: Client,
}

impl<'a> Browser<'a> {
    /// A new visitor.
    async fn guest(server: &'a TestServer) -> Self {
        let page = server.get("/").send().await.unwrap();
        let cookie = page.headers()["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
        Self::with(server, cookie)
    }

    fn signed_in(server: &'a TestServer, person: &Person) -> Self {
        Self::with(server, format!("idobata_session={}", person.session.token))
    }

    fn with(server: &'a TestServer, cookie: String) -> Self {
        let client = Client::builder().redirect(redirect::Policy::none()).build().unwrap();
        Self { server, cookie, client }
    }

    async fn page(&self, path: &str) -> String {
        let request = self.client.get(format!("{}{path}", self.server.url)).header("cookie", &self.cookie);
        request.send().await.unwrap().text().await.unwrap()
    }

    /// Sends a form as a browser does, which takes pages.
    async fn submit(&self, path: &str, form: &[(&str, &str)]) -> (u16, String) {
        let response = self.form(path, form).header("accept", "text/html,*/*;q=0.8").send().await.unwrap();
        let status = response.status().as_u16();
        if status == 429 {
            assert!(response.headers()["retry-after"].to_str().unwrap().parse::<u32>().unwrap() > 0);
        }
        (status, response.text().await.unwrap())
    }

    async fn send(&self, path: &str, form: &[(&str, &str)]) -> Response {
        self.form(path, form).send().await.unwrap()
    }

    fn form(&self, path: &str, form: &[(&str, &str)]) -> RequestBuilder {
        let body: String = url_encoded(form);
        let request = self.client.post(format!("{}{path}", self.server.url)).header("cookie", &self.cookie);
        request.header("content-type", "application/x-www-form-urlencoded").body(body)
    }

    /// The action of the form that begins like this, on a page.
    async fn address(&self, page: &str, begin: &str) -> String {
        let html = self.page(page).await;
        let (_, rest) =
            html.split_once(&format!("action=\"{begin}?once=")).unwrap_or_else(|| panic!("{html}"));
        format!("{begin}?once={}", rest.split('"').next().unwrap())
    }

    /// The one-time id in the form of an account page.
    async fn once(&self, page: &str) -> String {
        let html = self.page(page).await;
        let tag = html
            .split("<input")
            .find(|tag| tag.contains("name=\"once\""))
            .unwrap_or_else(|| panic!("{html}"));
        tag.split_once("value=\"").unwrap().1.split('"').next().unwrap().to_owned()
    }
}

fn url_encoded(form: &[(&str, &str)]) -> String {
    let encode = |text: &str| text.bytes().map(|byte| format!("%{byte:02X}")).collect::<String>();
    form.iter()
        .map(|(name, value)| format!("{}={}", encode(name), encode(value)))
        .collect::<Vec<_>>()
        .join("&")
}

fn location(response: &Response) -> &str {
    assert_eq!(response.status(), 303);
    response.headers()["location"].to_str().unwrap()
}

async fn texts(server: &TestServer) -> Vec<String> {
    let page = server.json("/api/rooms/general/messages").await;
    page["messages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|said| said["text"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn a_message_that_is_sent_twice_stands_there_once() {
    let server = TestServer::start().await;
    let browser = Browser::guest(&server).await;
    let form = browser.address("/rooms/general", "/rooms/general").await;
    let twice =
        tokio::join!(browser.send(&form, &[("text", "once")]), browser.send(&form, &[("text", "once")]));
    for answer in [twice.0, twice.1] {
        assert_eq!(location(&answer), "/rooms/general");
    }
    assert_eq!(texts(&server).await, ["once"]);
    browser.send(&form, &[("text", "typed after going back")]).await;
    let anew = browser.address("/rooms/general", "/rooms/general").await;
    browser.send(&anew, &[("text", "once")]).await;
    Browser::guest(&server).await.send(&form, &[("text", "once")]).await;
    assert_eq!(texts(&server).await, ["once", "typed after going back", "once", "once"], "these are others");
    for _ in 0..2 {
        browser.send("/rooms/general", &[("text", "from a form without an id")]).await;
    }
    assert_eq!(texts(&server).await.len(), 6);
}

#[tokio::test]
async fn what_another_app_shares_is_posted_once_and_comes_back_if_it_is_rejected() {
    let server = TestServer::start().await;
    let browser = Browser::guest(&server).await;
    let shown = "/share?title=A%20page&text=%3C%2Ftextarea%3E&url=https%3A%2F%2Fexample.com%2F";
    let html = browser.page(shown).await;
    assert!(html.contains(">\nA page\n&lt;/textarea&gt;\nhttps://example.com/</textarea>"), "{html}");
    let once = browser.once(shown).await;
    let fields = [("room", "general"), ("text", "once"), ("once", once.as_str())];
    let (one, other) = tokio::join!(browser.send("/share", &fields), browser.send("/share", &fields));
    for answer in [one, other, browser.send("/share", &fields).await] {
        assert_eq!(location(&answer), "/rooms/general");
    }
    assert_eq!(texts(&server).await, ["once"]);
    browser.send("/share", &[("room", "general"), ("text", "another"), ("once", once.as_str())]).await;
    for _ in 0..2 {
        browser.send("/share", &[("room", "general"), ("text", "without an id")]).await;
    }
    assert_eq!(texts(&server).await, ["once", "another", "without an id", "without an id"]);
    let (status, html) =
        browser.submit("/share", &[("room", "nowhere"), ("text", "kept"), ("once", "a")]).await;
    assert_eq!(status, 404);
    assert!(html.contains(">\nkept</textarea>") && html.contains("value=\"a\""), "{html}");
    let rejected = browser.send("/share", &[("room", "nowhere"), ("text", "kept")]).await;
    assert_eq!(location(&rejected), "/share?problem=unknown_room");
}

#[tokio::test]
async fn a_room_that_is_made_twice_is_one_and_stays_its_owners() {
    let server = TestServer::start().await;
    let browser = Browser::guest(&server).await;
    let form = browser.address("/", "/rooms").await;
    for name in ["Secret 1", "Secret 2", "Secret 3"] {
        let fields = [("name", name), ("private", "true"), ("back", "/")];
        let (one, other) = tokio::join!(browser.send(&form, &fields), browser.send(&form, &fields));
        let again = browser.send(&form, &fields).await;
        let path = name.to_lowercase().replace(' ', "-");
        for answer in [one, other, again] {
            assert_eq!(location(&answer), format!("/rooms/{path}"));
        }
        assert!(browser.page(&format!("/rooms/{path}")).await.contains(name));
        let nobody = server.get(&format!("/api/rooms/{path}/messages")).send().await.unwrap();
        assert_eq!(nobody.status(), 404, "it is private, whoever was first");
    }
    let anew = browser.address("/", "/rooms").await;
    let refused = browser.send(&anew, &[("name", "Secret 1"), ("private", "true")]).await;
    assert_eq!(location(&refused), "/?problem=room_exists", "another form means another room");
    let refused = browser.send(&form, &[("name", "Secret 1")]).await;
    assert_eq!(location(&refused), "/?problem=room_exists", "nor is an open one meant by it");
}

#[tokio::test]
async fn a_publisher_that_is_made_twice_is_one_with_one_token() {
    let server = TestServer::start_with(&["--auth", "accounts"]).await;
    let admin = server.account("administrator").await;
    let browser = Browser::signed_in(&server, &admin);
    let once = browser.once("/publishers").await;
    let fields = [("name", "backup"), ("channels", "ops"), ("once", once.as_str())];
    let (one, other) =
        tokio::join!(browser.send("/publishers", &fields), browser.send("/publishers", &fields));
    let mut tokens = Vec::new();
    for answer in [one, other, browser.send("/publishers", &fields).await] {
        assert_eq!(answer.status(), 200);
        let html = answer.text().await.unwrap();
        tokens.push(format!("idp_{}", html.split("idp_").nth(1).unwrap().split('"').next().unwrap()));
    }
    tokens.dedup();
    assert_eq!(tokens.len(), 1, "each answer shows it");
    let publishers = || async {
        admin.get("/api/publishers").send().await.unwrap().json::<Vec<serde_json::Value>>().await.unwrap()
    };
    let made = publishers().await;
    assert_eq!(made.len(), 1);
    assert_eq!(
        server.post("/api/events/ops").bearer_auth(&tokens[0]).body("x").send().await.unwrap().status(),
        201
    );
    browser.send("/publishers/remove", &[("id", made[0]["id"].as_str().unwrap())]).await;
    let again = browser.send("/publishers", &fields).await;
    assert!(location(&again).starts_with("/publishers?problem="), "what was removed does not come back");
    assert_eq!(publishers().await.len(), 0);
    let anew = browser.once("/publishers").await;
    browser.send("/publishers", &[("name", "backup"), ("channels", "ops"), ("once", anew.as_str())]).await;
    assert_eq!(publishers().await.len(), 1);
}

#[tokio::test]
async fn an_invitation_that_is_made_twice_is_one_and_works_once() {
    let server = TestServer::start_with(&["--auth", "accounts"]).await;
    let admin = server.account("administrator").await;
    let browser = Browser::signed_in(&server, &admin);
    let once = browser.once("/people").await;
    let fields = [("once", once.as_str())];
    let invite = || browser.send("/people/invitations", &fields);
    let mut links = Vec::new();
    let (one, other) = tokio::join!(invite(), invite());
    for answer in [one, other, invite().await] {
        assert_eq!(answer.status(), 200);
        let html = answer.text().await.unwrap();
        links.push(html.split("/join/").nth(1).unwrap().split('"').next().unwrap().to_owned());
    }
    links.dedup();
    assert_eq!(links.len(), 1);
    assert_eq!(server.accounts().links().await.unwrap().len(), 1);
    server.accounts().join(&links[0], "bob", PASSWORD).await.unwrap();
    assert_eq!(invite().await.status(), 410, "it was used");
    assert_eq!(server.accounts().links().await.unwrap().len(), 0);
    assert_eq!(browser.send("/people/invitations", &[]).await.status(), 200, "a form without an id");
}

#[tokio::test]
async fn who_joins_by_a_form_that_is_sent_twice_is_signed_in() {
    let server = TestServer::start_with(&["--auth", "accounts"]).await;
    server.account("administrator").await;
    let link = server.accounts().invite("the administrator").await.unwrap();
    let path = format!("/join/{link}");
    let browser = Browser::with(&server, String::new());
    let fields = [("name", "bob"), ("new-password", PASSWORD)];
    for _ in 0..2 {
        let answer = browser.send(&path, &fields).await;
        assert_eq!(location(&answer), "/");
        assert!(answer.headers().contains_key("set-cookie"));
    }
    let other = browser.send(&path, &[("name", "bob"), ("new-password", "not the password")]).await;
    assert_eq!(location(&other), format!("{path}?problem=bad_link"));
}

#[tokio::test]
async fn who_joins_again_too_often_is_told_to_sign_in_later_and_not_that_the_link_was_used() {
    let server = TestServer::start_with(&["--auth", "accounts", "--limit-sign-ins=1/1h"]).await;
    server.account("administrator").await;
    let path = format!("/join/{}", server.accounts().invite("the administrator").await.unwrap());
    let browser = Browser::with(&server, String::new());
    let fields = [("name", "bob"), ("new-password", PASSWORD)];
    for _ in 0..2 {
        assert_eq!(location(&browser.send(&path, &fields).await), "/");
    }
    let refused = browser.send(&path, &fields).await;
    assert_eq!(location(&refused), "/sign-in?problem=too_many_requests", "and nothing typed in it");
}

#[tokio::test]
async fn a_form_without_its_id_is_another_one_each_time() {
    let server = TestServer::start().await;
    let browser = Browser::guest(&server).await;
    for _ in 0..2 {
        browser.send("/rooms/general?once=", &[("text", "once more")]).await;
        browser.send("/rooms/general?once=+", &[("text", "once more")]).await;
    }
    assert_eq!(texts(&server).await.len(), 4);
}

#[tokio::test]
async fn where_a_form_leads_tells_nobody_that_a_private_room_is_there() {
    let server = TestServer::start().await;
    let owner = Browser::guest(&server).await;
    owner.send("/rooms", &[("name", "Plans"), ("private", "true")]).await;
    let posted = owner.send("/rooms/PLANS", &[("text", "hi")]).await;
    assert_eq!(location(&posted), "/rooms/plans", "it is theirs to see");
    let other = Browser::guest(&server).await;
    for room in ["PLANS", "NOWHERE"] {
        let refused = other.send(&format!("/rooms/{room}"), &[("text", "hi")]).await;
        assert_eq!(location(&refused), format!("/rooms/{room}?problem=unknown_room"));
    }
}

#[tokio::test]
async fn the_members_of_a_room_are_found_by_its_address_in_another_form() {
    let server = TestServer::start().await;
    let owner = Browser::guest(&server).await;
    owner.send("/rooms", &[("name", "Plans"), ("private", "true")]).await;
    let get = |browser: &Browser<'_>| {
        let address = format!("{}/rooms/PLANS/members?name=bob", server.url);
        browser.client.get(address).header("cookie", &browser.cookie).send()
    };
    let moved = get(&owner).await.unwrap();
    assert_eq!(moved.status(), 308);
    assert_eq!(moved.headers()["location"], "/rooms/plans/members?name=bob");
    assert_eq!(get(&Browser::guest(&server).await).await.unwrap().status(), 404);
}

#[tokio::test]
async fn a_password_that_is_changed_twice_by_one_form_is_changed() {
    let server = TestServer::start_with(&["--auth", "accounts"]).await;
    let admin = server.account("administrator").await;
    let browser = Browser::signed_in(&server, &admin);
    let fields = [("password", PASSWORD), ("new-password", "another long password")];
    for _ in 0..2 {
        assert_eq!(location(&browser.send("/account/password", &fields).await), "/account?done=password");
    }
    let wrong = [("password", "a wrong one"), ("new-password", "a third long password")];
    let refused = browser.send("/account/password", &wrong).await;
    assert!(location(&refused).contains("problem="));
}

#[tokio::test]
async fn a_form_is_read_in_its_charset_or_refused() {
    let server = TestServer::start().await;
    let browser = Browser::guest(&server).await;
    let send = async |kind: &str, body: &'static [u8]| {
        let request = browser.client.post(format!("{}/rooms/general", server.url));
        let request = request.header("cookie", &browser.cookie).header("content-type", kind);
        request.body(body).send().await.unwrap().status().as_u16()
    };
    const FORM: &str = "application/x-www-form-urlencoded";
    assert_eq!(send(&format!("{FORM}; charset=ISO-8859-1"), b"text=gr%FC%DFe").await, 303);
    assert_eq!(send(FORM, b"text=gr%C3%BC%C3%9Fer").await, 303);
    assert_eq!(send(FORM, b"text=bad%FC").await, 400);
    let wide = format!("{FORM}; charset=utf-16le");
    assert_eq!(send(&wide, b"t\0e\0x\0t\0=\0w\0i\0d\0e\0").await, 303);
    let page = browser.page("/rooms/general").await;
    assert!(page.contains("wide<"), "what is not escaped is text already");
    assert!(page.contains("gr\u{fc}\u{df}e<") && page.contains("gr\u{fc}\u{df}er<"), "both are there");
    assert!(!page.contains('\u{fffd}'));
}

/// A text that an address would not hold, and that must be escaped.
fn long_text() -> String {
    format!("\"a\" <b> & </textarea><script> {}", "long ".repeat(400))
}

/// The text as it stands in the attribute of a field.
fn in_attribute(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[tokio::test]
async fn a_form_of_an_account_page_comes_back_with_what_was_typed_and_never_a_password() {
    let server = TestServer::start_with(&["--auth", "accounts"]).await;
    let admin = server.account("administrator").await;
    let secret = json!({ "name": "Secret", "private": true });
    admin.send(reqwest::Method::POST, "/api/rooms", &secret).await;
    let browser = Browser::signed_in(&server, &admin);
    let anonymous = Browser::with(&server, String::new());
    let join = format!("/join/{}", server.accounts().invite("the administrator").await.unwrap());
    let text = long_text();
    let password = "never to be written back";
    for (browser, path, form, status, heading) in [
        (
            &anonymous,
            "/sign-in",
            vec![("name", &*text), ("password", password), ("back", "/rooms/tech")],
            401,
            "Sign in",
        ),
        (&anonymous, &*join, vec![("name", &*text), ("new-password", password)], 400, "Welcome to Idobata"),
        (&browser, "/account/name", vec![("name", &*text)], 400, "Account"),
        (&browser, "/publishers", vec![("name", &*text), ("channels", "a b, c d")], 400, "Publishers"),
        (&browser, "/publishers", vec![("name", "backup"), ("channels", &*text)], 400, "Publishers"),
        (
            &browser,
            "/channels",
            vec![("channel", &*text), ("readers", "administrator")],
            400,
            "Limited channels",
        ),
        (&browser, "/channels", vec![("channel", "pay"), ("readers", &*text)], 404, "Limited channels"),
        (&browser, "/rooms/secret/members", vec![("name", &*text)], 404, "Members of Secret"),
    ] {
        let (answered, html) = browser.submit(path, &form).await;
        assert_eq!(answered, status, "{path}\n{html}");
        assert!(html.contains(&format!("<h1>{heading}</h1>")), "{path}\n{html}");
        assert!(html.contains("role=\"alert\""), "{path}\n{html}");
        assert!(!html.contains("<script>"), "{path}: text is text\n{html}");
        for (name, value) in form {
            let is_there = html.contains(&in_attribute(value))
                || html.contains(&in_attribute(value).replace("&quot;", "\""));
            assert_eq!(is_there, value != password, "{path}: {name}\n{html}");
        }
    }
    for (path, form, status, heading) in [
        ("/account/password", vec![("password", password), ("new-password", password)], 401, "Account"),
        ("/people/none/administrator", vec![("on", "true")], 404, "People"),
        ("/people/none/blocked", vec![("on", "true")], 404, "People"),
        ("/people/none/remove", vec![], 404, "People"),
    ] {
        let (answered, html) = browser.submit(path, &form).await;
        assert_eq!(answered, status, "{path}\n{html}");
        assert!(
            html.contains(&format!("<h1>{heading}</h1>")) && html.contains("role=\"alert\""),
            "{path}\n{html}"
        );
        assert!(!html.contains(password), "{path}");
    }
}

#[tokio::test]
async fn a_form_of_an_account_page_that_comes_too_often_tells_when_to_try_again() {
    let server = TestServer::start_with(&["--auth", "accounts", "--limit-sign-ins=1/1h"]).await;
    let admin = server.account("administrator").await;
    let browser = Browser::with(&server, String::new());
    let fields = [("name", "administrator"), ("password", "a wrong one"), ("back", "/rooms/tech")];
    let mut answered = 0;
    while answered != 429 {
        let (status, html) = browser.submit("/sign-in", &fields).await;
        answered = status;
        assert!(html.contains("value=\"administrator\""), "{html}");
        assert!(html.contains("value=\"/rooms/tech\""), "{html}");
        assert_eq!(html.contains("Try again in "), status == 429, "{html}");
    }
    let browser = Browser::signed_in(&server, &admin);
    let fields = [("password", "a wrong one"), ("new-password", "another long password")];
    let (status, html) = browser.submit("/account/password", &fields).await;
    assert_eq!(status, 429);
    assert!(html.contains("<h1>Account</h1>") && html.contains("Try again in "), "{html}");
}

/// The rejections by what stands around the handlers, of a form that somebody filled in.
#[tokio::test]
async fn a_form_that_its_handler_never_saw_comes_back_as_a_page_with_what_was_typed() {
    let limited = TestServer::start_limited(&["--limit-requests=2/1h"]).await;
    let text = long_text();
    for (path, field) in [("/rooms/general?once=17", "text"), ("/rooms", "name"), ("/name", "name")] {
        let browser = Browser::with(&limited, String::new());
        for _ in 0..2 {
            browser.page("/rooms/general").await;
        }
        let (status, html) = browser.submit(path, &[(field, &text), ("back", "/rooms/tech")]).await;
        assert_eq!(status, 429, "{path}");
        assert!(html.contains("Try again in ") && html.contains("Send again"), "{html}");
        for part in [format!("action=\"{path}"), in_attribute(&text), "value=\"/rooms/tech\"".to_owned()] {
            assert!(html.contains(&part), "{path}: {part} is missing in\n{html}");
        }
        assert!(!html.contains("<script>"), "{html}");
    }
    let program = Browser::with(&limited, String::new()).send("/rooms/general", &[("text", "x")]).await;
    assert_eq!(problem(program, 429).await, "too_many_requests", "a program gets no page");

    let guests = TestServer::start_limited(&["--limit-sessions=1/1h"]).await;
    Browser::guest(&guests).await;
    let (status, html) =
        Browser::with(&guests, String::new()).submit("/rooms/general", &[("text", &text)]).await;
    assert_eq!(status, 429, "no session for another guest");
    assert!(html.contains(&in_attribute(&text)), "{html}");
}

#[tokio::test]
async fn who_is_signed_out_or_no_administrator_any_more_gets_back_what_was_typed() {
    let server = TestServer::start_with(&["--auth", "accounts"]).await;
    server.account("administrator").await;
    let bob = server.account("bob").await;
    let (anonymous, bob) = (Browser::with(&server, String::new()), Browser::signed_in(&server, &bob));
    let text = long_text();
    let (status, html) = anonymous.submit("/rooms/general?once=17", &[("text", &text)]).await;
    assert_eq!(status, 401);
    for part in [
        "Your session has ended.",
        "href=\"/sign-in\" target=\"_blank\"",
        "action=\"/rooms/general?once=17\"",
    ] {
        assert!(html.contains(part), "{part} is missing in\n{html}");
    }
    assert!(html.contains(&in_attribute(&text)), "{html}");
    let (status, _) = anonymous.submit("/rooms/general", &[("text", "")]).await;
    assert_eq!(status, 303, "who typed nothing is asked to sign in at once");
    let asked = anonymous.send("/rooms/general", &[("text", &text)]).await;
    assert_eq!(location(&asked), "/sign-in");
    let (status, html) = bob.submit("/channels", &[("channel", "pay"), ("readers", &text)]).await;
    assert_eq!(status, 404);
    assert!(html.contains(&in_attribute(&text)), "{html}");
    let (status, html) = bob.submit("/people/x/blocked", &[("on", "true")]).await;
    assert_eq!(status, 404);
    assert!(html.contains("data-nodes="), "the page for unknown addresses");
    let (status, html) = bob.submit("/rooms/nowhere/members", &[("name", "carol & co")]).await;
    assert_eq!(status, 404);
    assert!(html.contains("carol &amp; co"), "{html}");
}

#[tokio::test]
async fn what_rejects_a_form_at_the_edge_says_so_in_a_page_and_shows_no_words_of_another_site() {
    let server = TestServer::start().await;
    let browser = Browser::guest(&server).await;
    let long = "x".repeat(70_000);
    for (path, form, name, value, status) in [
        ("/rooms/general", "foreign words", "origin", "https://evil.example", 403),
        ("/rooms/general", "foreign words", "host", "evil.example", 421),
        ("/rooms/general", long.as_str(), "x-nothing", "", 413),
        ("/name", long.as_str(), "x-nothing", "", 413),
        ("/sign-out", "foreign words", "origin", "null", 403),
    ] {
        let request = browser.form(path, &[("text", form), ("name", form)]).header("accept", "text/html");
        let answer = request.header(name, value).send().await.unwrap();
        assert_eq!(answer.status(), status, "{path} {name}");
        assert_eq!(answer.headers()["content-type"], "text/html; charset=utf-8", "{path} {name}");
        assert!(answer.headers()["content-security-policy"].to_str().unwrap().contains("form-action 'self'"));
        let html = answer.text().await.unwrap();
        assert!(html.contains("Go back in your browser"), "{path} {name}\n{html}");
        assert!(html.contains("href=\"/\"") && !html.contains(form), "{path} {name}\n{html}");
    }
    let page = server.get("/rooms/general").header("accept", "text/html").header("host", "evil.example");
    let page = page.send().await.unwrap();
    assert_eq!(
        (page.status().as_u16(), &page.headers()["content-type"]),
        (421, &"text/html; charset=utf-8".parse().unwrap())
    );
    let repeated = server.get("/").header("accept", "text/html").header("origin", "a").header("origin", "b");
    assert!(repeated.send().await.unwrap().text().await.unwrap().contains("<h1>That did not work</h1>"));
    for path in ["/api/rooms", "/ws", "/fn/start", "/pkg/x/y"] {
        let program = server.get(path).header("accept", "text/html").header("origin", "https://evil.example");
        assert_eq!(problem(program.send().await.unwrap(), 403).await, "bad_origin", "{path}");
    }
    let wrong =
        server.client.get(format!("{}/name", server.url)).header("accept", "text/html").send().await.unwrap();
    assert_eq!(wrong.status(), 405);
    assert_eq!(wrong.headers()["allow"], "POST");
    assert!(!wrong.text().await.unwrap().contains("Try again"), "it would be the same again");
}

#[tokio::test]
async fn a_form_that_the_store_could_not_take_comes_back_and_is_stored_once_later() {
    let server = TestServer::start().await;
    let browser = Browser::guest(&server).await;
    let form = browser.address("/rooms/general", "/rooms/general").await;
    let database = rusqlite::Connection::open(server.folder().join("idobata.db")).unwrap();
    database.execute_batch("ALTER TABLE entries RENAME TO was_entries").unwrap();
    let text = long_text();
    let (status, html) = browser.submit(&form, &[("text", &text)]).await;
    assert_eq!(status, 503);
    assert!(html.contains(&in_attribute(&text)) && html.contains("role=\"alert\""), "{html}");
    assert!(
        html.contains(&format!("action=\"{form}\"")) || html.contains("<textarea name=\"text\""),
        "{html}"
    );
    assert!(!html.contains("<script>") || html.contains("id=\"start\""), "{html}");
    database.execute_batch("ALTER TABLE was_entries RENAME TO entries").unwrap();
    for _ in 0..2 {
        assert_eq!(browser.submit(&form, &[("text", &text)]).await.0, 303);
    }
    assert_eq!(texts(&server).await, [text.trim_end()]);
}
