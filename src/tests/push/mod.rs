//! Push notifications, against a push service on a port of its own: who gets one, what is in it, and what becomes of one that
//! cannot be sent.

mod badge;
mod events;
mod open_page;
mod service;

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};

use self::service::{Browser, PushService, Reply};
use crate::support::{Nodes, Person, Program, RedisServer, TestServer, in_time, new_id, problem};

/// Push services on this machine, and little patience.
const SETTINGS: [&str; 2] = ["--push-networks=127.0.0.0/8", "--push-wait=1s"];

async fn start() -> (TestServer, PushService) {
    (TestServer::start_with(&SETTINGS).await, PushService::start().await)
}

impl Person {
    async fn marks(&self, mark: Value) {
        let mut mark = mark;
        mark["id"] = new_id().into();
        mark["room"] = "general".into();
        let status = self.send(Method::POST, "/api/user/marks", &mark).await.status();
        assert!(status.is_success(), "{status}");
    }

    /// Has opened #general and read up to here.
    async fn has_seen(&self, offset: u64) {
        self.marks(json!({ "kind": "read", "offset": offset })).await;
    }

    /// Posts to #general; returns the offset.
    async fn calls_out(&self, text: &str) -> u64 {
        let answer = self.post("general", &new_id(), text).await;
        assert_eq!(answer.status(), 201, "{text}");
        answer.json::<Value>().await.unwrap()["offset"].as_u64().unwrap()
    }

    async fn sets(&self, settings: Value) {
        assert_eq!(self.send(Method::PUT, "/api/push/settings", &settings).await.status(), 204);
    }
}

/// A person who is known in #general, with a browser that is subscribed.
async fn subscriber(server: &TestServer, service: &PushService, name: &str) -> (Person, Browser) {
    let (person, browser) = (server.person(name).await, service.browser(name));
    person.has_seen(0).await;
    person.subscribes(&browser).await;
    (person, browser)
}

#[tokio::test]
async fn a_mention_reaches_every_device_encrypted_and_nobody_else() {
    let (server, service) = start().await;
    let alice = server.person("alice").await;
    let (bob, phone) = subscriber(&server, &service, "bob").await;
    let (_carol, of_carol) = subscriber(&server, &service, "carol").await;
    let tablet = service.browser("tablet");
    let mut in_japanese = tablet.subscription();
    in_japanese["language"] = "ja".into();
    let registered = bob.send(Method::POST, "/api/push/subscriptions", &in_japanese).await;
    assert_eq!(registered.status(), 201);
    alice.calls_out("nothing for anybody").await;
    let text = format!("@bob 日本語 {}", "long ".repeat(700));
    let offset = alice.calls_out(&text).await;
    let (to_phone, to_tablet) = (service.request(&phone, 1).await, service.request(&tablet, 1).await);
    let push = phone.read(&to_phone);
    assert_eq!(push["title"], "alice mentioned you in general");
    assert!(push["body"].as_str().unwrap().starts_with("@bob 日本語 long long"), "{push}");
    assert_eq!(
        (&push["tag"], &push["url"]),
        (&json!(format!("general/{offset}")), &json!(format!("/rooms/general/{offset}")))
    );
    assert_eq!((&push["lang"], &push["dir"]), (&json!("en"), &json!("auto")));
    assert!(push["timestamp"].as_i64().unwrap() > 1_700_000_000_000);
    assert_eq!(tablet.read(&to_tablet)["title"], "aliceさんがあなたをメンションしました（general）");
    // The headers, which the service reads, say nothing of it.
    let topic = to_phone.header("topic");
    assert!(
        topic.len() <= 32 && topic.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b)),
        "{topic}"
    );
    assert_eq!(topic, to_tablet.header("topic"));
    assert_eq!((to_phone.header("content-encoding"), to_phone.header("urgency")), ("aes128gcm", "high"));
    let ttl: u64 = to_phone.header("ttl").parse().unwrap();
    assert!((86_000..=86_400).contains(&ttl), "a day from the message: {ttl}");
    assert!(to_phone.body.len() <= 4_096);
    let key = bob.push_state().await["public_key"].as_str().unwrap().to_owned();
    let claims = Browser::claims(&to_phone, &key);
    assert_eq!(claims["aud"], service.url);
    let lifetime = claims["exp"].as_i64().unwrap() - push["timestamp"].as_i64().unwrap() / 1_000;
    assert!((3_600..=86_400).contains(&lifetime), "{lifetime}");
    for secret in ["bob", "alice", "general", "mentioned"] {
        let is_seen = |bytes: &[u8]| bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
        let values: Vec<_> = to_phone.headers.values().map(|value| value.as_bytes().to_vec()).collect();
        assert!(!is_seen(&to_phone.body) && !values.iter().any(|value| is_seen(value)), "{secret}");
    }
    assert_eq!((service.requests(&of_carol).len(), service.requests(&phone).len()), (0, 1));
    assert_eq!(server.metric("idobata_pushes_sent_total").await, 2);
}

#[tokio::test]
async fn a_direct_message_reaches_its_people_without_a_name_in_it_unless_they_mute_it_or_have_read_it() {
    let (server, service) = start().await;
    let alice = server.person("alice").await;
    alice.has_seen(0).await;
    let (bob, phone) = subscriber(&server, &service, "bob").await;
    let (_carol, of_carol) = subscriber(&server, &service, "carol").await;
    let opened = alice.send(Method::POST, "/api/direct", &json!({ "user_ids": [bob.session.user.id] })).await;
    assert_eq!(opened.status(), 201);
    let room = opened.json::<Value>().await.unwrap()["room"].as_str().unwrap().to_owned();
    assert_eq!(alice.post(&room, &new_id(), "lunch?").await.status(), 201);
    let push = phone.read(&service.request(&phone, 1).await);
    assert_eq!((&push["title"], &push["body"]), (&json!("alice"), &json!("lunch?")));
    assert_eq!(push["url"], format!("/rooms/{room}/1"));
    let mark = async |mark: Value| {
        let mut mark = mark;
        mark["id"] = new_id().into();
        mark["room"] = room.clone().into();
        bob.send(Method::POST, "/api/user/marks", &mark).await
    };
    assert_eq!(mark(json!({ "kind": "level", "level": "nothing" })).await.status(), 201);
    assert_eq!(alice.post(&room, &new_id(), "muted").await.status(), 201);
    alice.calls_out("@carol").await;
    service.request(&of_carol, 1).await;
    assert_eq!(mark(json!({ "kind": "level", "level": "all" })).await.status(), 201);
    let read = alice.post(&room, &new_id(), "read at once").await.json::<Value>().await.unwrap();
    assert_eq!(mark(json!({ "kind": "read", "offset": read["offset"] })).await.status(), 201);
    assert_eq!(alice.post(&room, &new_id(), "after that").await.status(), 201);
    let push = phone.read(&service.request(&phone, 2).await);
    assert_eq!(push["body"], "after that");
    assert_eq!(service.requests(&of_carol).len(), 1);
}

#[tokio::test]
async fn what_was_read_or_is_muted_or_comes_at_a_quiet_hour_is_not_pushed() {
    let (server, service) = start().await;
    let alice = server.person("alice").await;
    let (reader, of_reader) = subscriber(&server, &service, "reader").await;
    let (muted, of_muted) = subscriber(&server, &service, "muted").await;
    let (quiet, of_quiet) = subscriber(&server, &service, "quiet").await;
    let (only, of_only) = subscriber(&server, &service, "only").await;
    let (_last, of_last) = subscriber(&server, &service, "last").await;
    muted.marks(json!({ "kind": "level", "level": "nothing" })).await;
    only.marks(json!({ "kind": "level", "level": "mentions" })).await;
    quiet.sets(json!({ "quiet": { "from": "00:00", "to": "00:00", "zone": "Asia/Tokyo" } })).await;
    let offset = alice.calls_out("@reader @muted @quiet @only").await;
    reader.has_seen(offset).await; // within the wait, as an open page does
    service.request(&of_only, 1).await;
    alice.calls_out("@last").await;
    service.request(&of_last, 1).await;
    for (name, browser) in [("reader", &of_reader), ("muted", &of_muted), ("quiet", &of_quiet)] {
        assert_eq!(service.requests(browser).len(), 0, "{name}");
    }
    assert_eq!(quiet.push_state().await["quiet"]["zone"], "Asia/Tokyo");
    // All of them hear of it once that is over.
    muted.marks(json!({ "kind": "level", "level": "all" })).await;
    quiet.sets(json!({})).await;
    alice.calls_out("@reader @muted @quiet").await;
    for browser in [&of_reader, &of_muted, &of_quiet] {
        service.request(browser, 1).await;
    }
}

#[tokio::test]
async fn whoever_wants_it_hears_of_every_message_of_the_rooms_they_have_opened() {
    let (server, service) = start().await;
    let alice = server.person("alice").await;
    let (all, of_all) = subscriber(&server, &service, "all").await;
    let (fewer, of_fewer) = subscriber(&server, &service, "fewer").await;
    let stranger = server.person("stranger").await;
    let of_stranger = service.browser("stranger");
    stranger.subscribes(&of_stranger).await;
    for person in [&all, &fewer, &stranger] {
        person.sets(json!({ "every_message": true })).await;
    }
    fewer.marks(json!({ "kind": "level", "level": "mentions" })).await;
    alice.calls_out("to whom it may concern").await;
    let push = service.request(&of_all, 1).await;
    assert_eq!(push.header("urgency"), "normal");
    assert_eq!(of_all.read(&push)["title"], "alice in general");
    all.calls_out("never of one's own").await;
    alice.calls_out("@fewer").await;
    service.request(&of_fewer, 1).await;
    service.request(&of_all, 2).await;
    assert_eq!((service.requests(&of_all).len(), service.requests(&of_stranger).len()), (2, 0));
}

#[tokio::test]
async fn an_edit_pushes_to_whom_it_newly_names_and_a_deleted_message_to_nobody() {
    let (server, service) = start().await;
    let alice = server.person("alice").await;
    let (_bob, of_bob) = subscriber(&server, &service, "bob").await;
    let (_carol, of_carol) = subscriber(&server, &service, "carol").await;
    let change = async |offset: u64, change: Value| {
        let path = format!("/api/rooms/general/messages/{offset}/changes");
        assert_eq!(alice.send(Method::POST, &path, &change).await.status(), 201);
    };
    let offset = alice.calls_out("@bob").await;
    let first = service.request(&of_bob, 1).await;
    change(offset, json!({ "id": new_id(), "kind": "edit", "text": "@bob and @carol" })).await;
    let to_carol = service.request(&of_carol, 1).await;
    assert_eq!(of_carol.read(&to_carol)["body"], "@bob and @carol");
    assert_ne!(first.header("topic"), to_carol.header("topic"), "of another person");
    let gone = alice.calls_out("@bob a secret").await;
    change(gone, json!({ "id": new_id(), "kind": "delete" })).await;
    alice.calls_out("@bob the end").await;
    let second = service.request(&of_bob, 2).await;
    assert_eq!(of_bob.read(&second)["body"], "@bob the end");
}

#[tokio::test]
async fn a_device_that_its_service_does_not_know_is_dropped() {
    let (server, service) = start().await;
    let alice = server.person("alice").await;
    let (bob, phone) = subscriber(&server, &service, "phone").await;
    let tablet = service.browser("tablet");
    bob.subscribes(&tablet).await;
    service.reply(&phone, &[Reply::Status(410)]);
    service.reply(&tablet, &[Reply::Redirect]);
    alice.calls_out("@phone").await;
    service.request(&phone, 1).await;
    in_time(async {
        while bob.devices().await != 1 {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    })
    .await;
    assert_eq!(server.metric("idobata_push_subscriptions_dropped_total").await, 1);
    service.request(&tablet, 1).await;
    alice.calls_out("@phone again").await;
    service.request(&tablet, 2).await;
    assert_eq!(service.requests(&phone).len(), 1);
    assert_eq!(service.requests(&service.browser("redirected")).len(), 0, "no redirect is followed");
    assert_eq!(server.metric("idobata_pushes_failed_total").await, 1, "the redirect");
}

#[tokio::test]
async fn a_push_is_sent_again_when_the_service_asks_and_a_slow_service_delays_no_other() {
    let (server, service) = start().await;
    let slow_service = PushService::start().await;
    let alice = server.person("alice").await;
    let (bob, phone) = subscriber(&server, &service, "bob").await;
    let slow = slow_service.browser("slow");
    bob.subscribes(&slow).await;
    slow_service.reply(&slow, &[Reply::Never; 40]);
    service.reply(&phone, &[Reply::RetryAfter(429, 2), Reply::Status(503)]);
    let started = std::time::Instant::now();
    for number in 0..20 {
        alice.calls_out(&format!("@bob {number}")).await;
    }
    let all = service.request(&phone, 22).await;
    assert!(
        started.elapsed() < Duration::from_secs(10),
        "a request to the slow one takes as long: {:?}",
        started.elapsed()
    );
    drop(all);
    let requests = service.requests(&phone);
    let tags = |topic: &str| requests.iter().filter(|one| one.header("topic") == topic).count();
    let repeated: Vec<_> = requests.iter().filter(|one| tags(one.header("topic")) > 1).collect();
    assert!(repeated.len() == 4 || repeated.len() == 3, "two answers asked for it: {}", repeated.len());
    for one in &repeated {
        let same = repeated.iter().filter(|other| other.header("topic") == one.header("topic"));
        assert!(same.clone().all(|other| phone.read(other)["tag"] == phone.read(one)["tag"]));
    }
    let mut topics: Vec<_> = requests.iter().map(|one| one.header("topic")).collect();
    topics.sort_unstable();
    topics.dedup();
    assert_eq!(topics.len(), 20);
}

#[tokio::test]
async fn a_server_that_is_killed_between_the_message_and_its_push_sends_it_when_it_starts_again() {
    let (data, service) = (tempfile::tempdir().unwrap(), PushService::start().await);
    let phone = service.browser("phone");
    let settings = ["--push-networks=127.0.0.0/8", "--push-wait=3s"];
    let mut program = Program::start_with(data.path(), "127.0.0.1:0", &settings).await;
    let (alice, bob) = (Person::new(&program.url, "alice").await, Person::new(&program.url, "bob").await);
    bob.has_seen(0).await;
    bob.subscribes(&phone).await;
    let key = bob.push_state().await["public_key"].clone();
    let first = alice.calls_out("@bob one").await;
    program.signal("-KILL").await;
    assert_eq!(service.requests(&phone).len(), 0, "it was killed before");
    let mut program = Program::start_with(data.path(), "127.0.0.1:0", &settings).await;
    let request = service.request(&phone, 1).await;
    assert_eq!(phone.read(&request)["tag"], format!("general/{first}"));
    // Killed while the service does not answer: it may have taken it.
    service.reply(&phone, &[Reply::Never]);
    let (alice, bob) = (alice.at_url(&program.url), bob.at_url(&program.url));
    assert_eq!(bob.push_state().await["public_key"], key);
    let second = alice.calls_out("@bob two").await;
    let before = service.request(&phone, 2).await;
    program.signal("-KILL").await;
    let _program = Program::start_with(data.path(), "127.0.0.1:0", &settings).await;
    let repeat = service.request(&phone, 3).await;
    assert_eq!(before.header("topic"), repeat.header("topic"));
    assert_eq!(phone.read(&before), phone.read(&repeat), "so the device shows one");
    assert_eq!(phone.read(&repeat)["tag"], format!("general/{second}"));
    assert_ne!(request.header("topic"), repeat.header("topic"));
}

#[tokio::test]
async fn no_subscription_leads_into_the_servers_own_network() {
    let (server, service) = (TestServer::start().await, PushService::start().await);
    let bob = server.person("bob").await;
    let browser = service.browser("x");
    let subscribe = async |endpoint: &str| {
        let mut subscription = browser.subscription();
        subscription["endpoint"] = endpoint.into();
        bob.send(Method::POST, "/api/push/subscriptions", &subscription).await
    };
    for endpoint in [
        &browser.endpoint,
        "https://127.0.0.1/x",
        "https://10.0.0.1/x",
        "https://[::1]/x",
        "https://localhost/x",
        "https://169.254.169.254/latest",
        "https://[::ffff:10.0.0.1]/x",
        "https://0x7f000001/x",
        "ftp://x.example/",
        "https://user:secret@push.example/",
        "https://does-not-exist.invalid/x",
        "push",
        "",
    ] {
        assert_eq!(problem(subscribe(endpoint).await, 400).await, "bad_request", "{endpoint}");
    }
    let mut wrong = browser.subscription();
    wrong["keys"]["p256dh"] = json!("BAAA");
    assert_eq!(bob.send(Method::POST, "/api/push/subscriptions", &wrong).await.status(), 400);
    assert_eq!(bob.devices().await, 0);
    // One that was registered while a setting allowed it is not called without the setting.
    let (server, service) = start().await;
    let (bob, phone) = subscriber(&server, &service, "bob").await;
    let folder = server.stop().await.unwrap();
    let server = TestServer::start_on(folder.path(), &["--push-wait=1s"]).await;
    let (alice, bob) = (server.person("alice").await, bob.at(&server));
    alice.calls_out("@bob").await;
    in_time(async {
        while server.metric("idobata_pushes_failed_total").await != 1 {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    })
    .await;
    assert_eq!((service.requests(&phone).len(), bob.devices().await), (0, 1));
}

#[tokio::test]
async fn a_device_ends_with_its_session_and_belongs_to_one_person() {
    let settings = [&SETTINGS[..], &["--auth=accounts"]].concat();
    let (server, service) = (TestServer::start_with(&settings).await, PushService::start().await);
    let (alice, bob, carol) =
        (server.account("alice").await, server.account("bob").await, server.account("carol").await);
    let again = server.signed_in("bob").await;
    let (phone, tablet, of_carol) =
        (service.browser("phone"), service.browser("tablet"), service.browser("carol"));
    for person in [&bob, &carol] {
        person.has_seen(0).await;
    }
    bob.subscribes(&phone).await;
    again.subscribes(&tablet).await;
    carol.subscribes(&of_carol).await;
    assert_eq!(bob.devices().await, 2);
    again.subscribes(&service.browser("renewed")).await;
    assert_eq!(bob.devices().await, 2, "a session is one browser");
    assert_eq!(again.send(Method::DELETE, "/api/session", &json!({})).await.status(), 204);
    assert_eq!(bob.devices().await, 1, "it was signed out");
    // Somebody else signs in in the browser.
    carol.subscribes(&phone).await;
    assert_eq!((bob.devices().await, carol.devices().await), (0, 1));
    bob.subscribes(&tablet).await;
    let bob_id = &bob.session.user.id;
    server.accounts().set_blocked(bob_id, true).await.unwrap();
    alice.calls_out("@bob @carol").await;
    service.request(&phone, 1).await;
    assert_eq!(service.requests(&tablet).len(), 0, "who is blocked hears of nothing");
    let carol_id = &carol.session.user.id;
    server.accounts().remove(carol_id).await.unwrap();
    assert_eq!(server.state.notifier.devices(carol_id).await.unwrap().len(), 0);
}

#[tokio::test]
async fn a_person_has_so_many_devices_and_removes_them_and_tries_them() {
    let settings = [&SETTINGS[..], &["--push-devices=2"]].concat();
    let (server, service) = (TestServer::start_with(&settings).await, PushService::start().await);
    let bob = server.person("bob").await;
    let browsers = ["one", "two", "three"].map(|name| service.browser(name));
    let mut ids = Vec::new();
    for browser in &browsers {
        ids.push(bob.subscribes(browser).await);
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    let state = bob.push_state().await;
    assert_eq!(state["subscriptions"].as_array().unwrap().len(), 2);
    assert!(!state.to_string().contains("/two") && !state.to_string().contains("p256dh"), "{state}");
    assert_eq!(bob.send(Method::POST, "/api/push/test", &json!({})).await.status(), 202);
    let test = service.request(&browsers[1], 1).await;
    assert_eq!(browsers[1].read(&test)["title"], "Notifications work");
    service.request(&browsers[2], 1).await;
    assert_eq!(service.requests(&browsers[0]).len(), 0);
    // A browser renews its subscription by itself; one that is not known is not brought back by that.
    let renewed = service.browser("renewed");
    let mut renewal = renewed.subscription();
    renewal["replaces"] = browsers[1].endpoint.clone().into();
    assert_eq!(bob.send(Method::POST, "/api/push/subscriptions", &renewal).await.status(), 201);
    assert_eq!(bob.devices().await, 2);
    renewal["replaces"] = browsers[0].endpoint.clone().into();
    assert_eq!(
        problem(bob.send(Method::POST, "/api/push/subscriptions", &renewal).await, 404).await,
        "not_found"
    );
    let path = format!("/api/push/subscriptions/{}", ids[2]);
    assert_eq!(server.person("eve").await.send(Method::DELETE, &path, &json!({})).await.status(), 204);
    assert_eq!(bob.devices().await, 2, "only one's own");
    assert_eq!(bob.send(Method::DELETE, &path, &json!({})).await.status(), 204);
    assert_eq!(bob.devices().await, 1);
    let off = TestServer::start_with(&["--no-push"]).await;
    let bob = off.person("bob").await;
    assert_eq!(bob.push_state().await.get("public_key"), None);
    let rejected = bob.send(Method::POST, "/api/push/subscriptions", &browsers[0].subscription()).await;
    assert_eq!(problem(rejected, 403).await, "not_allowed");
}

#[tokio::test]
async fn of_two_nodes_one_sends_and_the_other_goes_on_when_it_ends() {
    let service = PushService::start().await;
    let mut nodes = Nodes::none().await.with(&SETTINGS);
    nodes.add(&RedisServer::shared().url()).await;
    let (alice, bob) = (nodes.person("alice").await, nodes.person("bob").await);
    let phone = service.browser("phone");
    bob.has_seen(0).await;
    bob.subscribes(&phone).await;
    alice.calls_out("@bob one").await;
    service.request(&phone, 1).await;
    nodes.add(&RedisServer::shared().url()).await;
    let (alice, bob) = (alice.at(nodes.node(1)), bob.at(nodes.node(1)));
    let keys = [bob.push_state().await, bob.at(nodes.node(0)).push_state().await];
    assert_eq!(keys[0], keys[1], "the same key and devices on both");
    alice.calls_out("@bob two").await;
    service.request(&phone, 2).await;
    nodes.servers.remove(0).stop().await;
    alice.calls_out("@bob three").await;
    let third = service.request(&phone, 3).await;
    assert_eq!(phone.read(&third)["body"], "@bob three");
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    assert_eq!(service.requests(&phone).len(), 3, "none was sent twice");
}
