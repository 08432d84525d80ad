//! The number that a push has for the app's icon: the one that an open page has in its title.

use reqwest::Method;
use serde_json::{Value, json};

use super::{start, subscriber};
use crate::support::new_id;

#[tokio::test]
async fn a_push_has_the_number_of_what_is_unread_as_a_page_counts_it() {
    let (server, service) = start().await;
    let alice = server.person("alice").await;
    alice.has_seen(0).await;
    let (bob, phone) = subscriber(&server, &service, "bob").await;
    alice.calls_out("nothing for anybody").await;
    alice.calls_out("@bob lunch?").await;
    let push = phone.read(&service.request(&phone, 1).await);
    assert_eq!(push["badge"], 2, "every message of a room whose level is all");
    bob.marks(json!({ "kind": "level", "level": "mentions" })).await;
    let opened = alice.send(Method::POST, "/api/direct", &json!({ "user_ids": [bob.session.user.id] })).await;
    let room = opened.json::<Value>().await.unwrap()["room"].as_str().unwrap().to_owned();
    assert_eq!(alice.post(&room, &new_id(), "or dinner?").await.status(), 201);
    let push = phone.read(&service.request(&phone, 2).await);
    assert_eq!(push["badge"], 2, "a mention and a direct message");
    // An event adds nothing to it, and has it as it is by then.
    let rules = json!({ "rules": [{ "channel": "ops" }] });
    assert_eq!(bob.send(Method::PUT, "/api/push/rules", &rules).await.status(), 204);
    bob.marks(json!({ "kind": "level", "level": "nothing" })).await;
    server.publish("ops", "deployed").await;
    let push = phone.read(&service.request(&phone, 3).await);
    assert_eq!((&push["title"], &push["badge"]), (&json!("ops"), &json!(1)));
    let offset = alice.calls_out("@bob").await;
    bob.has_seen(offset).await;
    let mark = json!({ "id": new_id(), "room": room, "kind": "read", "offset": 1 });
    assert_eq!(bob.send(Method::POST, "/api/user/marks", &mark).await.status(), 201);
    server.publish("ops", "deployed again").await;
    assert_eq!(phone.read(&service.request(&phone, 4).await)["badge"], 0, "so the number goes away");
    assert_eq!(bob.send(Method::POST, "/api/push/test", &json!({})).await.status(), 202);
    assert_eq!(phone.read(&service.request(&phone, 5).await).get("badge"), None);
}
