//! The account pages over HTTP: addresses that do not exist without accounts, access that is denied, and answers that
//! must never be given. The views of them are tested by the stories in `end2end/tests/accounts.spec.ts`.

use reqwest::{Client, RequestBuilder, Response, header, redirect::Policy};
use serde_json::{Value, json};

use crate::support::{TestServer, problem};

const PASSWORD: &str = "correct horse";

/// A server with accounts, and a client that does not follow redirects.
struct House {
    server: TestServer,
    client: Client,
}

/// A user's session, as its cookie.
struct Guest(String);

impl House {
    async fn start(settings: &[&str]) -> Self {
        let server = TestServer::start_with(settings).await;
        Self { server, client: Client::builder().redirect(Policy::none()).build().unwrap() }
    }

    async fn with_accounts() -> Self {
        Self::start(&["--auth", "accounts"]).await
    }

    fn get(&self, path: &str, guest: Option<&Guest>) -> RequestBuilder {
        with_cookie(self.client.get(format!("{}{path}", self.server.url)), guest)
    }

    fn post(&self, path: &str, form: &str, guest: Option<&Guest>) -> RequestBuilder {
        let request = self.client.post(format!("{}{path}", self.server.url));
        let request = request.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        with_cookie(request.body(form.to_owned()), guest)
    }

    /// Joins by a setup or invitation link.
    async fn join(&self, link: &str, name: &str) -> Guest {
        let path = link.strip_prefix(&self.server.url).unwrap();
        let joined = send(self.post(path, &format!("name={name}&new-password={PASSWORD}"), None)).await;
        assert_eq!(location(&joined), "/");
        let cookie = joined.headers()[header::SET_COOKIE].to_str().unwrap();
        Guest(cookie.split(';').next().unwrap().to_owned())
    }

    /// The first administrator.
    async fn administrator(&self) -> Guest {
        self.join(self.server.setup_link.as_ref().unwrap(), "alice").await
    }

    /// A user whom the administrator invites.
    async fn invited(&self, administrator: &Guest, name: &str) -> Guest {
        let made = self.post("/people/invitations", "", Some(administrator));
        let made = made.header(header::ORIGIN, &self.server.url);
        let html = send(made).await.text().await.unwrap();
        let link = html.split('"').find(|part| part.contains("/join/")).unwrap();
        self.join(link, name).await
    }

    /// The id of an account, read from the page of users.
    async fn id_of(&self, administrator: &Guest, name: &str) -> String {
        let html = send(self.get("/people", Some(administrator))).await.text().await.unwrap();
        let row = html
            .split("<li")
            .find(|row| row.contains(&format!("<b><bdi translate=\"no\">{name}</bdi></b>")))
            .unwrap();
        row.split("/people/").nth(1).unwrap().split('/').next().unwrap().to_owned()
    }
}

fn with_cookie(request: RequestBuilder, guest: Option<&Guest>) -> RequestBuilder {
    match guest {
        Some(Guest(cookie)) => request.header(header::COOKIE, cookie),
        None => request,
    }
}

async fn send(request: RequestBuilder) -> Response {
    request.send().await.unwrap()
}

fn location(response: &Response) -> &str {
    assert_eq!(response.status(), 303);
    response.headers()[header::LOCATION].to_str().unwrap()
}

/// Every account address for the account `id`: those to get, and those to post to with their bodies.
fn addresses(id: &str) -> (Vec<String>, Vec<(String, &'static str)>) {
    let gets = ["/people".to_owned(), format!("/people/{id}/remove")];
    let posts = [
        ("/people/invitations".to_owned(), ""),
        ("/people/invitations/revoke".to_owned(), "id=x"),
        (format!("/people/{id}/administrator"), "on=true"),
        (format!("/people/{id}/blocked"), "on=true"),
        (format!("/people/{id}/reset"), ""),
        (format!("/people/{id}/remove"), ""),
    ];
    (gets.into(), posts.into())
}

#[tokio::test]
async fn among_guests_there_is_no_page_of_accounts() {
    let house = House::start(&[]).await;
    assert_eq!(house.server.setup_link, None);
    let (mut gets, mut posts) = addresses("x");
    gets.extend(["/sign-in", "/join/x", "/reset/x", "/account"].map(str::to_owned));
    let forms = [
        ("/sign-in", "name=a&password=b"),
        ("/sign-out", ""),
        ("/join/x", "name=a&new-password=b"),
        ("/reset/x", "new-password=b"),
        ("/account/name", "name=a"),
        ("/account/password", "password=a&new-password=b"),
        ("/account/sessions", "session=x"),
    ];
    posts.extend(forms.map(|(path, form)| (path.to_owned(), form)));
    for path in gets {
        assert_eq!(send(house.get(&path, None)).await.status(), 404, "{path}");
    }
    for (path, form) in posts {
        assert_eq!(send(house.post(&path, form, None)).await.status(), 404, "{path}");
    }
}

#[tokio::test]
async fn the_people_are_there_for_administrators_only() {
    let house = House::with_accounts().await;
    let alice = house.administrator().await;
    let bob = house.invited(&alice, "bob").await;
    let (gets, posts) = addresses(&house.id_of(&alice, "alice").await);
    for path in &gets {
        assert_eq!(send(house.get(path, Some(&bob))).await.status(), 404, "{path}");
        assert!(location(&send(house.get(path, None)).await).starts_with("/sign-in?back="), "{path}");
        assert_eq!(send(house.get(path, Some(&alice))).await.status(), 200, "{path}");
    }
    for (path, form) in &posts {
        assert_eq!(send(house.post(path, form, Some(&bob))).await.status(), 404, "{path}");
        assert_eq!(location(&send(house.post(path, form, None)).await), "/sign-in", "{path}");
    }
    // None of it had an effect on alice.
    assert_eq!(send(house.get("/people", Some(&alice))).await.status(), 200);
}

#[tokio::test]
async fn signing_in_leads_only_to_pages_of_ours() {
    let house = House::with_accounts().await;
    house.administrator().await;
    let asked = send(house.get("/rooms/%E4%BA%95", None)).await;
    assert_eq!(location(&asked), "/sign-in?back=%2Frooms%2F%25E4%25BA%2595");
    for (back, page) in [
        ("%2Frooms%2F%25E4%25BA%2595", "/rooms/%E4%BA%95"),
        ("", "/"),
        ("//evil.example", "/"),
        ("https://evil.example", "/"),
        ("/%5Cevil.example", "/"),
        ("/%0d%0aSet-Cookie:x=y", "/"),
    ] {
        let form = house.post("/sign-in", &format!("name=alice&password={PASSWORD}&back={back}"), None);
        let signed_in = send(form).await;
        assert_eq!(location(&signed_in), page, "{back}");
        let cookie = signed_in.headers()[header::SET_COOKIE].to_str().unwrap();
        let guest = Guest(cookie.split(';').next().unwrap().to_owned());
        let again = send(house.get(&format!("/sign-in?back={back}"), Some(&guest))).await;
        assert_eq!(location(&again), page, "{back}, signed in already");
    }
}

#[tokio::test]
async fn another_language_leads_to_the_same_page_in_the_end() {
    let house = House::with_accounts().await;
    for (query, kept) in [
        ("?back=%2Frooms%2F%25E4%25BA%2595", "?back=%2Frooms%2F%25E4%25BA%2595"),
        ("?problem=wrong_password&name=alice&back=%2Frooms%2Ftech", "?back=%2Frooms%2Ftech"),
        ("?problem=wrong_password&name=alice", ""),
        ("?back=%2F%2Fevil.example", "?back=%2F"),
        ("", ""),
    ] {
        let html = send(house.get(&format!("/sign-in{query}"), None)).await.text().await.unwrap();
        let link = html.split('"').find(|part| part.starts_with("/language/ja?")).unwrap();
        let chosen = send(house.get(link, None)).await;
        assert_eq!(location(&chosen), format!("/sign-in{kept}"), "{link}");
        assert!(!link.contains("&"), "nothing in it to be written otherwise: {link}");
    }
    // Nor through an address that is not a page of its own.
    let chosen = send(house.get("/language/ja?back=%2Fsign-in%3Fback%3D%2F%2Fevil.example", None)).await;
    assert_eq!(location(&chosen), "/sign-in?back=%2F");
}

#[tokio::test]
async fn a_refused_form_keeps_the_name_and_never_a_password() {
    let house = House::with_accounts().await;
    let alice = house.administrator().await;
    let refused =
        send(house.post("/sign-in", "name=alice&password=a+wrong+one&back=/rooms/tech", None)).await;
    assert_eq!(location(&refused), "/sign-in?problem=wrong_password&back=%2Frooms%2Ftech", "for a program");
    assert!(!refused.headers().contains_key(header::SET_COOKIE));
    let form = house.post("/sign-in", "name=alice&password=a+wrong+one&back=/rooms/tech", None);
    let refused = send(form.header(header::ACCEPT, "text/html")).await;
    assert_eq!(refused.status(), 401);
    assert!(!refused.headers().contains_key(header::SET_COOKIE));
    let html = refused.text().await.unwrap();
    assert!(html.contains("value=\"alice\"") && html.contains("role=\"alert\""), "{html}");
    assert!(!html.contains("a wrong one"), "{html}");
    assert!(html.contains("name=\"back\" value=\"/rooms/tech\"") || html.contains("value=\"/rooms/tech\""));
    let long = "x".repeat(9_000);
    let refused = send(house.post("/account/name", &format!("name={long}"), Some(&alice))).await;
    assert_eq!(location(&refused), "/account?problem=bad_name&form=name", "nothing typed is in an address");
    let refused = house.post("/account/name", &format!("name={long}"), Some(&alice));
    let refused = send(refused.header(header::ACCEPT, "text/html")).await.text().await.unwrap();
    assert!(refused.contains(&long), "it is all there");
    let markup = house.post("/account/name", "name=%22%3E%3Cscript%3E%00", Some(&alice));
    let markup = send(markup.header(header::ACCEPT, "text/html")).await;
    assert!(!markup.text().await.unwrap().contains("<script"), "text is text");
    let foreign = send(house.get("/account?problem=bad_name&name=zebulon", Some(&alice))).await;
    assert!(!foreign.text().await.unwrap().contains("zebulon"), "a link types nothing into a form");
}

#[tokio::test]
async fn the_pages_of_another_site_cannot_post_a_form() {
    let house = House::with_accounts().await;
    let alice = house.administrator().await;
    let (_, mut posts) = addresses("x");
    posts.extend([("/sign-in".to_owned(), "name=a&password=b"), ("/sign-out".to_owned(), "")]);
    for (path, form) in posts {
        let foreign = house.post(&path, form, Some(&alice)).header(header::ORIGIN, "https://evil.example");
        assert_eq!(problem(send(foreign).await, 403).await, "bad_origin", "{path}");
    }
}

#[tokio::test]
async fn a_link_that_was_used_is_gone() {
    let house = House::with_accounts().await;
    let link = house.server.setup_link.clone().unwrap();
    let path = link.strip_prefix(&house.server.url).unwrap();
    assert_eq!(send(house.get(path, None)).await.status(), 200);
    house.administrator().await;
    for path in [path, "/join/never-was-one", "/reset/never-was-one"] {
        let gone = send(house.get(path, None)).await;
        assert_eq!(
            (gone.status().as_u16(), &gone.headers()[header::CACHE_CONTROL]),
            (410, &"no-store".parse().unwrap())
        );
        assert!(gone.text().await.unwrap().contains("no longer works"), "{path}");
    }
    let late = send(house.post(path, &format!("name=eve&new-password={PASSWORD}"), None)).await;
    assert_eq!(location(&late), format!("{path}?problem=bad_link"));
    let late = house.post(path, &format!("name=eve&new-password={PASSWORD}"), None);
    assert_eq!(send(late.header(header::ACCEPT, "text/html")).await.status(), 410);
}

#[tokio::test]
async fn who_is_removed_is_out_at_once_and_the_name_is_free() {
    let house = House::with_accounts().await;
    let alice = house.administrator().await;
    let bob = house.invited(&alice, "bob").await;
    let id = house.id_of(&alice, "bob").await;
    assert_eq!(send(house.get("/account", Some(&bob))).await.status(), 200);
    assert_eq!(
        location(&send(house.post(&format!("/people/{id}/remove"), "", Some(&alice))).await),
        "/people"
    );
    assert_eq!(location(&send(house.get("/account", Some(&bob))).await), "/sign-in?back=%2Faccount");
    house.invited(&alice, "bob").await;
    let unknown = send(house.post(&format!("/people/{id}/reset"), "", Some(&alice))).await;
    assert_eq!(problem(unknown, 404).await, "not_found");
}

#[tokio::test]
async fn nobody_ends_the_session_of_somebody_else() {
    let house = House::with_accounts().await;
    let alice = house.administrator().await;
    let bob = house.invited(&alice, "bob").await;
    let html = send(house.get("/account", Some(&alice))).await.text().await.unwrap();
    assert!(html.contains("href=\"/api/user/export\""), "{html}");
    let session = html.split("name=\"session\" value=\"").nth(1).unwrap().split('"').next().unwrap();
    send(house.post("/account/sessions", &format!("session={session}"), Some(&bob))).await;
    assert_eq!(send(house.get("/account", Some(&alice))).await.status(), 200, "alice's goes on");
    send(house.post("/account/sessions", &format!("session={session}"), Some(&alice))).await;
    assert_eq!(send(house.get("/account", Some(&alice))).await.status(), 303, "she can end it herself");
}

#[tokio::test]
async fn where_guests_read_nobody_is_offered_to_sign_in() {
    let house = House::start(&["--auth", "accounts", "--guests-read"]).await;
    let page = send(house.get("/rooms/general", None)).await;
    assert_eq!(page.status(), 200);
    let html = page.text().await.unwrap();
    assert!(html.contains("/sign-in?back=/rooms/general"), "{html}");
    assert!(!html.contains("<textarea") && !html.contains("action=\"/rooms\""), "{html}");
    assert_eq!(send(house.get("/people", None)).await.status(), 404);
    let body: Value = json!({ "id": uuid::Uuid::new_v4().to_string(), "text": "hello" });
    let posted = house.client.post(format!("{}/api/rooms/general/messages", house.server.url)).json(&body);
    assert_eq!(problem(send(posted).await, 401).await, "no_session");
}

#[tokio::test]
async fn a_password_is_one_however_it_is_typed_and_too_long_is_told_as_such() {
    let house = House::with_accounts().await;
    let link = house.server.setup_link.as_ref().unwrap();
    let path = link.strip_prefix(&house.server.url).unwrap();
    let join = async |password: &str| {
        let form = serde_urlencoded::to_string([("name", "zoe"), ("new-password", password)]).unwrap();
        location(&send(house.post(path, &form, None)).await).to_owned()
    };
    for (password, code) in [("パ".repeat(257), "password_too_long"), ("パ".repeat(7), "bad_password")] {
        assert_eq!(join(&password).await, format!("{path}?problem={code}"));
        for language in ["en", "ja"] {
            let page = house.get(&format!("{path}?problem={code}"), None).header("accept-language", language);
            let page = send(page).await.text().await.unwrap();
            let bound = if code == "bad_password" { "8" } else { "256" };
            let note = page.split("id=\"problem\"").nth(1).and_then(|rest| rest.split("</p>").next());
            assert!(note.is_some_and(|note| note.contains(bound)), "{language}: {note:?}");
        }
    }
    let composed = "Zo\u{eb} ｐａｓｓ ワード".repeat(10);
    assert_eq!(join(&composed).await, "/", "more than 256 bytes, and fewer characters");
    for typed in [composed, "Zoe\u{308} pass ワード".repeat(10)] {
        let request = house.client.post(format!("{}/api/session", house.server.url));
        let answer = request.json(&json!({ "name": "zoe", "password": typed })).send().await.unwrap();
        assert_eq!(answer.status(), 201, "{typed}");
    }
}
