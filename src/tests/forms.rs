//! HTML forms without JavaScript that are submitted twice, by a second click or by reloading the answer. Each must be
//! stored once.

use reqwest::{Client, Response, redirect};

use crate::support::{PASSWORD, Person, TestServer};

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

    async fn send(&self, path: &str, form: &[(&str, &str)]) -> Response {
        let body: String = url_encoded(form);
        let request = self.client.post(format!("{}{path}", self.server.url)).header("cookie", &self.cookie);
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        request.body(body).send().await.unwrap()
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
    assert_eq!(location(&other).split('&').next().unwrap(), format!("{path}?problem=bad_link"));
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
    assert_eq!(location(&refused), "/sign-in?problem=too_many_requests&name=bob");
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
