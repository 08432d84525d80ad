//! `idobata ask`: the first answer of a person, or the default when the time is over; over ends of the command and of the server.

use reqwest::StatusCode;
use serde_json::{Value, json};

use super::{Ran, Terminal, signal};
use crate::support::{Gate, Person, TestServer, in_time, problem};

/// The newest entry of the channel, as soon as one has these choices.
async fn question(server: &TestServer) -> Value {
    in_time(async {
        loop {
            let page = server.json("/api/events?channel=ops").await;
            if let Some(entry) = page["events"].as_array().unwrap().last()
                && entry["choices"].is_array()
            {
                return entry.clone();
            }
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
    })
    .await
}

fn path_of(question: &Value) -> String {
    format!("/api/events/ops/{}/answer", question["offset"])
}

async fn press(person: &Person, question: &Value, choice: &str) -> Value {
    let answer = person.send(reqwest::Method::POST, &path_of(question), &json!({ "choice": choice })).await;
    assert_eq!(answer.status(), StatusCode::OK);
    answer.json().await.unwrap()
}

#[tokio::test]
async fn of_two_people_the_first_answers_and_the_command_prints_it() {
    let server = TestServer::start().await;
    let (alice, bob) = (server.person("alice").await, server.person("bob").await);
    let terminal = Terminal::at(&server.url);
    let asking =
        terminal.start(&["ask", "ops", "Deploy", "now?", "--choice", "yes", "--choice", "no", "--json"]);
    let asked = question(&server).await;
    assert_eq!((&asked["text"], &asked["choices"]), (&json!("Deploy now?"), &json!(["yes", "no"])));
    let (one, other) = tokio::join!(press(&alice, &asked, "yes"), press(&bob, &asked, "no"));
    assert_eq!(one, other, "both hear the first answer");
    let ran = Ran::of(in_time(asking.wait_with_output()).await.unwrap());
    let printed: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(printed, json!({ "answer": one["answer"], "by": one["by"] }));
    assert_eq!(ran.code, Some(0));
    let page = server.json("/api/events?channel=ops").await;
    let entries = page["events"].as_array().unwrap();
    let (name, choice) = (one["by"].as_str().unwrap(), one["answer"].as_str().unwrap());
    assert_eq!(
        (entries.len(), &entries[1]["key"]),
        (2, &asked["key"]),
        "one answer, in the question's place"
    );
    assert_eq!(entries[1]["text"], format!("Deploy now?\n{name}: {choice}"));
    assert!(entries[1].get("choices").is_none());
}

#[tokio::test]
async fn when_the_time_is_over_the_default_is_taken_or_the_code_says_so() {
    let server = TestServer::start().await;
    let terminal = Terminal::at(&server.url);
    let ask = ["ask", "ops", "now?", "--choice", "yes", "--choice", "no", "--timeout", "1s"];
    let ran = terminal.run(&[&ask[..], &["--default", "no"]].concat(), b"").await;
    assert_eq!((ran.code, &*ran.stdout), (Some(0), "no\n"), "{ran:?}");
    let ran = terminal.run(&ask, b"").await;
    assert_eq!((ran.code, &*ran.stdout), (Some(124), ""), "{ran:?}");
    let page = server.json("/api/events?channel=ops").await;
    let texts: Vec<_> = page["events"].as_array().unwrap().iter().map(|one| one["text"].clone()).collect();
    assert_eq!(texts, ["now?", "now?\nno", "now?", "now?\n–"]);
    // Nobody answers a question that is closed.
    let alice = server.person("alice").await;
    let late = press(&alice, &page["events"][2], "yes").await;
    assert_eq!(late, json!({ "open": false, "answer": null, "by": null }));
}

#[tokio::test]
async fn what_is_no_question_and_no_choice_is_refused() {
    let server = TestServer::start().await;
    let alice = server.person("alice").await;
    let terminal = Terminal::at(&server.url);
    for arguments in [
        vec!["ask", "ops", "now?"],
        vec!["ask", "ops", "now?", "--choice", "yes"],
        vec!["ask", "ops", "now?", "--choice", "yes", "--choice", "no", "--default", "perhaps"],
    ] {
        assert_eq!(terminal.run(&arguments, b"").await.code, Some(2), "{arguments:?}");
    }
    let publish = |body: Value| server.post("/api/events/ops").json(&body).send();
    for body in [
        json!({ "text": "x", "choices": ["a", "b"] }),
        json!({ "text": "x", "key": "k", "choices": ["a"] }),
        json!({ "text": "x", "key": "k", "choices": ["a", "a"] }),
        json!({ "text": "x", "key": "k", "choices": ["a", " "] }),
        json!({ "text": "x".repeat(1_001), "key": "k", "choices": ["a", "b"] }),
    ] {
        let code = problem(publish(body.clone()).await.unwrap(), 400).await;
        assert!(code == "bad_request" || code == "text_too_long", "{body}: {code}");
    }
    let question: Value = publish(json!({ "text": "x", "key": "k", "choices": ["a", "b"] }))
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    for (path, body, status) in [
        (path_of(&question), json!({ "choice": "c" }), 400),
        (path_of(&question), json!({}), 400),
        ("/api/events/other/1/answer".to_owned(), json!({ "choice": "a" }), 404),
        ("/api/events/ops/99/answer".to_owned(), json!({ "choice": "a" }), 404),
    ] {
        let answer = alice.send(reqwest::Method::POST, &path, &body).await;
        assert_eq!(answer.status(), status, "{path} {body}");
    }
    let open = server.get(&path_of(&question)).send().await.unwrap().json::<Value>().await.unwrap();
    assert_eq!(open, json!({ "open": true, "answer": null, "by": null }));
}

#[tokio::test]
async fn a_command_that_was_killed_gets_the_answer_when_it_is_run_again_with_its_key() {
    let server = TestServer::start().await;
    let (alice, terminal) = (server.person("alice").await, Terminal::at(&server.url));
    let ask = ["ask", "ops", "now?", "--choice", "yes", "--choice", "no", "--key", "deploy-1"];
    // Not SIGINT: whoever starts the tests in the background ignores it.
    for name in ["-TERM", "-KILL"] {
        let mut asking = terminal.start(&ask);
        question(&server).await;
        signal(&asking, name).await;
        assert_eq!(in_time(asking.wait()).await.unwrap().code(), None, "{name}");
    }
    let asked = question(&server).await;
    assert_eq!(press(&alice, &asked, "yes").await["by"], "alice", "nobody waits for it now");
    for _ in 0..2 {
        let ran = terminal.run(&ask, b"").await;
        let expected = Ran { code: Some(0), stdout: "yes\n".to_owned(), stderr: String::new() };
        assert_eq!(ran, expected, "the answer alone");
    }
    let page = server.json("/api/events?channel=ops").await;
    assert_eq!(page["events"].as_array().unwrap().len(), 2, "asked once and answered once");
    let other = terminal
        .run(&["ask", "ops", "now?", "--choice", "a", "--choice", "b", "--key", "deploy-1"], b"")
        .await;
    assert_eq!((other.code, &*other.stdout), (Some(1), ""), "{other:?}");
    assert!(other.stderr.contains("other choices"), "{other:?}");
    let bad = terminal.run(&["ask", "ops", "x", "--choice", "a", "--choice", "b", "--key", "a b"], b"").await;
    assert_eq!(bad.code, Some(2), "{bad:?}");
}

#[tokio::test]
async fn it_waits_for_a_server_that_is_away_and_says_so_when_there_is_none() {
    let server = TestServer::start().await;
    let gate = Gate::before(server.url.trim_start_matches("http://").parse().unwrap()).await;
    let terminal = Terminal::at(&format!("http://{}", gate.address()));
    let asking = terminal.start(&["ask", "ops", "now?", "--choice", "yes", "--choice", "no"]);
    let asked = question(&server).await;
    gate.close();
    let alice = server.person("alice").await;
    press(&alice, &asked, "no").await;
    gate.open();
    let ran = Ran::of(in_time(asking.wait_with_output()).await.unwrap());
    assert_eq!((ran.code, &*ran.stdout), (Some(0), "no\n"), "{ran:?}");
}

#[tokio::test]
async fn a_question_that_is_deleted_or_replaced_ends_the_command() {
    let server = TestServer::start().await;
    let terminal = Terminal::at(&server.url);
    let ask = ["ask", "ops", "now?", "--choice", "yes", "--choice", "no"];
    let publish = async |body: Value| {
        assert_eq!(server.post("/api/events/ops").json(&body).send().await.unwrap().status(), 201);
    };
    let asking = terminal.start(&ask);
    let asked = question(&server).await;
    publish(json!({ "key": asked["key"], "deleted": true })).await;
    let ran = Ran::of(in_time(asking.wait_with_output()).await.unwrap());
    assert_eq!((ran.code, &*ran.stdout), (Some(1), ""), "{ran:?}");
    assert!(ran.stderr.contains("removed"), "{ran:?}");
    let alice = server.person("alice").await;
    let late = alice.send(reqwest::Method::POST, &path_of(&asked), &json!({ "choice": "yes" })).await;
    assert_eq!(problem(late, 404).await, "not_found");

    let asking = terminal.start(&ask);
    let asked = question(&server).await;
    publish(json!({ "key": asked["key"], "text": "never mind" })).await;
    let ran = Ran::of(in_time(asking.wait_with_output()).await.unwrap());
    assert_eq!((ran.code, &*ran.stdout), (Some(124), ""), "{ran:?}");
    assert_eq!(press(&alice, &asked, "yes").await, json!({ "open": false, "answer": null, "by": null }));
}
