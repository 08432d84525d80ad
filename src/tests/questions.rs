//! Questions of the feed on its pages: a form without a script, of which the first answer counts and the next one is told.

use reqwest::{Client, Response, redirect::Policy};
use serde_json::{Value, json};

use crate::support::{Person, TestServer, problem};

/// Sends the form; returns the answer, not followed.
async fn press(server: &TestServer, person: &Person, question: u64, choice: &str) -> Response {
    let client = Client::builder().redirect(Policy::none()).build().unwrap();
    let form = client.post(format!("{}/feed/ops/answers", server.url)).bearer_auth(&person.session.token);
    let form = form.header("content-type", "application/x-www-form-urlencoded");
    form.body(format!("question={question}&choice={choice}")).send().await.unwrap()
}

fn location(response: &Response) -> &str {
    response.headers()["location"].to_str().unwrap()
}

async fn ask(server: &TestServer, event: Value) -> u64 {
    let answer = server.post("/api/events/ops").json(&event).send().await.unwrap();
    assert_eq!(answer.status(), 201);
    answer.json::<Value>().await.unwrap()["offset"].as_u64().unwrap()
}

async fn page(person: &Person, path: &str, language: &str) -> String {
    let page = person.get(path).header("accept", "text/html").header("accept-language", language);
    page.send().await.unwrap().text().await.unwrap()
}

async fn newest(server: &TestServer) -> Value {
    server.json("/api/events?channel=ops").await["events"].as_array().unwrap().last().unwrap().clone()
}

#[tokio::test]
async fn the_first_form_answers_and_the_second_person_is_told_in_their_language() {
    let server = TestServer::start().await;
    let (alice, bob) = (server.person("alice").await, server.person("bob").await);
    let asked = ask(&server, json!({ "text": "now?", "key": "k", "choices": ["<b>", "no"] })).await;
    let event = page(&alice, &format!("/feed/ops/{asked}"), "en").await;
    assert!(event.contains("action=\"/feed/ops/answers\"") && event.contains("&lt;b&gt;"), "{event}");
    assert!(page(&alice, "/feed/ops", "en").await.contains("value=\"&lt;b&gt;\""));
    let first = press(&server, &alice, asked, "%3Cb%3E").await;
    assert_eq!((first.status().as_u16(), location(&first)), (303, "/feed/ops"));
    let again = press(&server, &alice, asked, "%3Cb%3E").await;
    assert_eq!(location(&again), "/feed/ops", "the same once more");
    let second = press(&server, &bob, asked, "no").await;
    assert_eq!((second.status().as_u16(), location(&second)), (303, "/feed/ops/1?answered=before"));
    for (language, sentence) in [("en", "Somebody else answered before"), ("ja", "先に回答しました")]
    {
        let told = page(&bob, location(&second), language).await;
        assert!(told.contains(sentence) && told.contains("alice: &lt;b&gt;"), "{told}");
        assert!(!told.contains("/feed/ops/answers"), "nothing is left to press");
    }
    assert_eq!(newest(&server).await["answer"], "<b>");
}

#[tokio::test]
async fn another_site_answers_for_nobody_and_a_name_is_no_markdown() {
    let server = TestServer::start().await;
    let person = server.person("[x](http://evil.example)").await;
    let asked =
        ask(&server, json!({ "text": "*now*?", "markdown": true, "key": "k", "choices": ["yes", "no"] }))
            .await;
    for path in ["/feed/ops/answers", "/api/events/ops/1/answer"] {
        let forged = server.post(path).header("origin", "https://evil.example");
        let forged = forged.header("cookie", format!("idobata_session={}", person.session.token));
        let forged = forged.header("content-type", "application/x-www-form-urlencoded");
        assert_eq!(
            problem(forged.body("question=1&choice=yes").send().await.unwrap(), 403).await,
            "bad_origin"
        );
    }
    assert_eq!(newest(&server).await["offset"], asked);
    press(&server, &person, asked, "yes").await;
    let answered = newest(&server).await;
    assert_eq!(answered["answered_by"], "[x](http://evil.example)");
    assert_eq!(answered["text"], "*now*?\n[x](http://evil.example): yes");
    assert!(answered.get("html").is_none() && answered.get("markdown").is_none(), "{answered}");
}
