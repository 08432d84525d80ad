//! Pushes of the feed's events: who has a rule for one, what is in the push, and what becomes of events that come while the
//! server is down, too fast, or with the key of an earlier one.

use std::time::Duration;

use idobata::server::{
    config::Retention,
    store::{
        TopicName,
        directory::{DocumentStore, Kind, Mutation, Precondition},
    },
};
use reqwest::{Client, Method};
use serde_json::{Value, json};

use super::{
    SETTINGS,
    service::{Browser, PushService, Reply},
    start,
};
use crate::support::{Nodes, Person, Program, RedisServer, TestServer, in_time, problem};

impl Person {
    async fn wants(&self, rules: Value) {
        let answer = self.send(Method::PUT, "/api/push/rules", &json!({ "rules": rules })).await;
        assert_eq!(answer.status(), 204);
    }
}

/// A person with these rules, and a browser that is subscribed.
async fn follower(server: &TestServer, service: &PushService, name: &str, rules: Value) -> (Person, Browser) {
    let (person, browser) = (server.person(name).await, service.browser(name));
    person.subscribes(&browser).await;
    person.wants(rules).await;
    (person, browser)
}

/// Publishes to a channel of the server at this address.
async fn say(url: &str, channel: &str, event: Value) -> Value {
    let answer = Client::new().post(format!("{url}/api/events/{channel}")).json(&event).send().await.unwrap();
    assert_eq!(answer.status(), 201, "{event}");
    answer.json().await.unwrap()
}

/// Waits until everything that was published is pushed or left.
async fn until_pushed(server: &TestServer) {
    let (documents, end) = (&server.state.directory_replica, server.state.feed.end().await.unwrap());
    in_time(async {
        loop {
            let cursor = documents.get(Kind::PushCursor, "feed").await.unwrap();
            let is_queued = documents.list(Kind::PushEvent, "").await.unwrap().is_empty();
            if is_queued && cursor == Some(json!(end.to_string()).to_string()) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_rule_pushes_the_events_of_its_channels_from_its_level_on() {
    let (server, service) = start().await;
    say(&server.url, "ops", json!({ "text": "before anybody had a rule", "level": "error" })).await;
    let one = json!([{ "channel": "ops", "level": "warning" }]);
    let (alice, of_alice) = follower(&server, &service, "alice", one.clone()).await;
    assert_eq!(alice.push_state().await["rules"], one);
    let all = json!([{ "channel": "*", "level": "error" }]);
    let (_bob, of_bob) = follower(&server, &service, "bob", all).await;
    let some = json!([{ "channel": "db-*" }, { "channel": "nothing" }]);
    let (_carol, of_carol) = follower(&server, &service, "carol", some).await;
    for event in [json!({ "text": "fine" }), json!({ "text": "fine", "level": "success" })] {
        say(&server.url, "ops", event).await;
    }
    say(&server.url, "ops", json!({ "type": "update", "value": 7 })).await;
    say(&server.url, "db-1", json!({ "type": "progress", "key": "backup", "done": 1, "total": 2 })).await;
    let event = json!({ "title": "Disk", "text": "90 %\n of /var", "level": "warning" });
    let stored = say(&server.url, "ops", event).await;
    let request = service.request(&of_alice, 1).await;
    let push = of_alice.read(&request);
    assert_eq!((&push["title"], &push["body"]), (&json!("ops: Disk"), &json!("90 % of /var")));
    assert_eq!((&push["url"], &push["timestamp"]), (&json!("/feed/ops"), &stored["timestamp"]));
    assert!(push["tag"].as_str().unwrap().starts_with("feed/"), "{push}");
    assert_eq!(request.header("urgency"), "normal");
    say(&server.url, "db-1", json!({ "text": "slow" })).await;
    let push = of_carol.read(&service.request(&of_carol, 1).await);
    assert_eq!((&push["title"], &push["body"]), (&json!("db-1"), &json!("slow")));
    say(&server.url, "ops", json!({ "text": "down", "level": "critical" })).await;
    let request = service.request(&of_bob, 1).await;
    assert_eq!((&of_bob.read(&request)["body"], request.header("urgency")), (&json!("down"), "high"));
    service.request(&of_alice, 2).await;
    // Nothing more once the rules are gone.
    alice.wants(json!([])).await;
    say(&server.url, "ops", json!({ "text": "down again", "level": "error" })).await;
    service.request(&of_bob, 2).await;
    until_pushed(&server).await;
    let counts = [&of_alice, &of_bob, &of_carol].map(|browser| service.requests(browser).len());
    assert_eq!(counts, [2, 2, 1]);
}

#[tokio::test]
async fn nothing_of_the_feed_is_read_while_nobody_has_a_rule() {
    let (server, service) = start().await;
    let (alice, of_alice) = follower(&server, &service, "alice", json!([])).await;
    server.publish("ops", "for nobody").await;
    alice.wants(json!([{ "channel": "*" }])).await;
    server.publish("ops", "for alice").await;
    assert_eq!(of_alice.read(&service.request(&of_alice, 1).await)["body"], "for alice");
    until_pushed(&server).await;
    let cursor = server.state.directory_replica.get(Kind::PushCursor, "feed").await.unwrap();
    alice.wants(json!([])).await;
    server.publish("ops", "for nobody again").await;
    tokio::time::sleep(Duration::from_millis(600)).await;
    let later = server.state.directory_replica.get(Kind::PushCursor, "feed").await.unwrap();
    assert_eq!(cursor, later, "the cursor stays where it is");
    // A rule that is made now begins here, not at the cursor.
    alice.wants(json!([{ "channel": "ops" }])).await;
    server.publish("ops", "for alice again").await;
    assert_eq!(of_alice.read(&service.request(&of_alice, 2).await)["body"], "for alice again");
    assert_eq!(service.requests(&of_alice).len(), 2);
}

#[tokio::test]
async fn an_event_reaches_nobody_who_may_not_read_its_channel_or_has_quiet_hours() {
    let settings = [&SETTINGS[..], &["--auth=accounts"]].concat();
    let (server, service) = (TestServer::start_with(&settings).await, PushService::start().await);
    let admin = server.account("admin").await;
    let mut people = Vec::new();
    for name in ["reader", "stranger", "quiet"] {
        let (person, browser) = (server.account(name).await, service.browser(name));
        person.subscribes(&browser).await;
        person.wants(json!([{ "channel": "*" }])).await;
        people.push((person, browser));
    }
    let quiet = json!({ "quiet": { "from": "00:00", "to": "00:00", "zone": "UTC" } });
    people[2].0.sets(quiet).await;
    let made = json!({ "name": "deploy", "channels": ["*"] });
    let made: Value = admin.send(Method::POST, "/api/publishers", &made).await.json().await.unwrap();
    let publisher = Person::with_token(&server, made["token"].as_str().unwrap());
    let publish = async |channel: &str, text: &str| {
        let path = format!("/api/events/{channel}");
        assert_eq!(publisher.send(Method::POST, &path, &json!({ "text": text })).await.status(), 201);
    };
    let limit = async |names: Value| {
        let body = json!({ "names": names });
        assert_eq!(admin.send(Method::PUT, "/api/channels/pay/readers", &body).await.status(), 200);
    };
    limit(json!(["reader", "quiet"])).await;
    let of = |index: usize| &people[index].1;
    publish("pay", "one").await;
    service.request(of(0), 1).await;
    until_pushed(&server).await;
    // The right is taken away while the push service asks to try again.
    service.reply(of(0), &[Reply::RetryAfter(503, 2)]);
    publish("pay", "two").await;
    service.request(of(0), 2).await;
    limit(json!(["quiet"])).await;
    until_pushed(&server).await;
    publish("ops", "for all").await;
    assert_eq!(of(0).read(&service.request(of(0), 3).await)["body"], "for all");
    assert_eq!(of(1).read(&service.request(of(1), 1).await)["body"], "for all");
    until_pushed(&server).await;
    assert_eq!([0, 1, 2].map(|index| service.requests(of(index)).len()), [3, 1, 0]);
}

#[tokio::test]
async fn of_events_with_the_same_key_a_device_shows_the_newest() {
    let (server, service) = start().await;
    let rules = json!([{ "channel": "*" }]);
    let (_alice, phone) = follower(&server, &service, "alice", rules).await;
    let event = async |channel: &str, text: &str| {
        say(&server.url, channel, json!({ "text": text, "key": "disk" })).await;
    };
    event("ops", "90 %").await;
    let first = service.request(&phone, 1).await;
    event("ops", "95 %").await;
    let second = service.request(&phone, 2).await;
    event("db", "90 %").await;
    let other = service.request(&phone, 3).await;
    server.publish("ops", "without a key").await;
    let plain = service.request(&phone, 4).await;
    let tag = |request| phone.read(request)["tag"].clone();
    assert_eq!((tag(&first), first.header("topic")), (tag(&second), second.header("topic")));
    assert_eq!(phone.read(&second)["body"], "95 %");
    for other in [&other, &plain] {
        assert_ne!((tag(&first), first.header("topic")), (tag(other), other.header("topic")));
    }
    until_pushed(&server).await;
    // One that has to be sent again is not, when a newer one was sent meanwhile.
    service.reply(&phone, &[Reply::RetryAfter(503, 2)]);
    event("ops", "97 %").await;
    service.request(&phone, 5).await;
    event("ops", "99 %").await;
    assert_eq!(phone.read(&service.request(&phone, 6).await)["body"], "99 %");
    until_pushed(&server).await;
    assert_eq!(service.requests(&phone).len(), 6, "the older one would have come last");
    // Of those that come at once only the newest is sent.
    let three: Vec<_> = ["1", "2", "3"].iter().map(|text| json!({ "text": text, "key": "burst" })).collect();
    say(&server.url, "ops", json!(three)).await;
    assert_eq!(phone.read(&service.request(&phone, 7).await)["body"], "3");
    until_pushed(&server).await;
    assert_eq!(service.requests(&phone).len(), 7);
}

#[tokio::test]
async fn of_too_many_events_one_push_says_that_more_came() {
    let settings = [&SETTINGS[..], &["--limit-feed-pushes=2/1h"]].concat();
    let (server, service) = (TestServer::start_limited(&settings).await, PushService::start().await);
    let (_alice, phone) = follower(&server, &service, "alice", json!([{ "channel": "ops" }])).await;
    let (_bob, of_bob) =
        follower(&server, &service, "bob", json!([{ "channel": "ops", "level": "error" }])).await;
    for text in ["one", "two", "three"] {
        say(&server.url, "ops", json!({ "text": text })).await;
    }
    let third = service.request(&phone, 3).await;
    let pushes: Vec<_> = service.requests(&phone).iter().map(|one| phone.read(one)).collect();
    for text in ["one", "two"] {
        assert!(pushes.iter().any(|push| push["body"] == text), "{text}");
    }
    let word = pushes.iter().find(|push| push["tag"] == "feed").expect("a word about the third");
    assert_eq!((&word["title"], &word["url"]), (&json!("More events in the feed"), &json!("/")));
    assert_eq!(third.header("urgency"), "normal");
    until_pushed(&server).await;
    // The next word has to wait for as long as the limit counts, and is kept until then.
    say(&server.url, "ops", json!({ "text": "four" })).await;
    say(&server.url, "ops", json!({ "text": "five", "level": "error" })).await;
    assert_eq!(
        of_bob.read(&service.request(&of_bob, 1).await)["body"],
        "five",
        "each has a limit of their own"
    );
    let kept = server.state.directory_replica.list(Kind::PushEvent, "word/").await.unwrap();
    let offset = server.state.feed.end().await.unwrap().to_string();
    assert_eq!(kept.len(), 1);
    assert!(kept[0].1.contains(&offset), "one word for all of them: {kept:?}");
    assert_eq!(service.requests(&phone).len(), 3);
}

#[tokio::test]
async fn the_word_about_more_events_comes_again_when_the_limit_lets_it() {
    let settings = [&SETTINGS[..], &["--limit-feed-pushes=1/3s"]].concat();
    let (server, service) = (TestServer::start_limited(&settings).await, PushService::start().await);
    let (_alice, phone) = follower(&server, &service, "alice", json!([{ "channel": "ops" }])).await;
    let all: Vec<_> = ["one", "two"].iter().map(|text| json!({ "text": text })).collect();
    say(&server.url, "ops", json!(all)).await;
    service.request(&phone, 2).await;
    say(&server.url, "ops", json!({ "text": "three" })).await;
    // A word, or the event itself if this machine was slow: never silence.
    service.request(&phone, 3).await;
    until_pushed(&server).await;
    assert_eq!(service.requests(&phone).len(), 3);
}

#[tokio::test]
async fn a_server_that_is_killed_between_an_event_and_its_push_sends_it_when_it_starts_again() {
    let (data, service) = (tempfile::tempdir().unwrap(), PushService::start().await);
    let phone = service.browser("phone");
    let mut program = Program::start_with(data.path(), "127.0.0.1:0", &SETTINGS).await;
    let bob = Person::new(&program.url, "bob").await;
    bob.subscribes(&phone).await;
    bob.wants(json!([{ "channel": "ops" }])).await;
    say(&program.url, "ops", json!({ "text": "one" })).await;
    program.signal("-KILL").await;
    assert_eq!(service.requests(&phone).len(), 0, "it was killed before");
    // Killed while the service does not answer: it may have taken it.
    service.reply(&phone, &[Reply::Never]);
    let mut program = Program::start_with(data.path(), "127.0.0.1:0", &SETTINGS).await;
    let before = service.request(&phone, 1).await;
    assert_eq!(phone.read(&before)["body"], "one");
    program.signal("-KILL").await;
    let program = Program::start_with(data.path(), "127.0.0.1:0", &SETTINGS).await;
    let repeat = service.request(&phone, 2).await;
    assert_eq!(before.header("topic"), repeat.header("topic"));
    assert_eq!(phone.read(&before), phone.read(&repeat), "so the device shows one");
    say(&program.url, "ops", json!({ "text": "two" })).await;
    let next = service.request(&phone, 3).await;
    assert_eq!(phone.read(&next)["body"], "two");
    assert_ne!(next.header("topic"), repeat.header("topic"));
}

#[tokio::test]
async fn of_three_nodes_one_pushes_events_and_another_goes_on_when_it_ends() {
    let service = PushService::start().await;
    let mut nodes = Nodes::none().await.with(&SETTINGS);
    for _ in 0..3 {
        nodes.add(&RedisServer::shared().url()).await;
    }
    let bob = nodes.person("bob").await;
    let phone = service.browser("phone");
    bob.subscribes(&phone).await;
    bob.at(nodes.node(1)).wants(json!([{ "channel": "ops" }])).await;
    for number in 0..3 {
        say(&nodes.node(number).url, "ops", json!({ "text": format!("at {number}") })).await;
    }
    service.request(&phone, 3).await;
    nodes.servers.remove(0).stop().await;
    say(&nodes.node(0).url, "ops", json!({ "text": "after that" })).await;
    let fourth = service.request(&phone, 4).await;
    assert_eq!(phone.read(&fourth)["body"], "after that");
    until_pushed(nodes.node(0)).await;
    assert_eq!(service.requests(&phone).len(), 4, "none was sent twice");
}

#[tokio::test]
async fn events_that_were_removed_before_they_could_be_pushed_are_left_and_the_next_is_pushed() {
    let (data, service) = (tempfile::tempdir().unwrap(), PushService::start().await);
    let server = TestServer::start_on(data.path(), &SETTINGS).await;
    let (_alice, phone) = follower(&server, &service, "alice", json!([{ "channel": "ops" }])).await;
    server.publish("ops", "pushed").await;
    service.request(&phone, 1).await;
    until_pushed(&server).await;
    server.stop().await;
    let off = [&SETTINGS[..], &["--no-push"]].concat();
    let server = TestServer::start_on(data.path(), &off).await;
    for number in 0..5 {
        server.publish("ops", &format!("missed {number}")).await;
    }
    let retention = Retention { entries: 2, age_ms: i64::MAX / 2, client_id_age_ms: 0 };
    let now_ms = server.state.clock.settled_ms();
    server.state.hub.trim(|_: &TopicName| retention, now_ms).await.unwrap();
    server.stop().await;
    let server = TestServer::start_on(data.path(), &SETTINGS).await;
    until_pushed(&server).await;
    server.publish("ops", "pushed again").await;
    assert_eq!(phone.read(&service.request(&phone, 2).await)["body"], "pushed again");
    until_pushed(&server).await;
    // The database is another one, as after a backup was put in its place.
    let other = Mutation::put(Kind::PushCursor, "feed", Precondition::Anything, &"elsewhere:1");
    server.state.directory_replica.grant(vec![other]).await.unwrap();
    server.publish("ops", "left").await;
    until_pushed(&server).await;
    server.publish("ops", "and pushed").await;
    assert_eq!(phone.read(&service.request(&phone, 3).await)["body"], "and pushed");
    assert_eq!(service.requests(&phone).len(), 3);
}

#[tokio::test]
async fn what_is_too_old_is_not_pushed() {
    let (data, service) = (tempfile::tempdir().unwrap(), PushService::start().await);
    let settings = [&SETTINGS[..], &["--push-age=1s"]].concat();
    let off = [&SETTINGS[..], &["--no-push"]].concat();
    let server = TestServer::start_on(data.path(), &settings).await;
    let (_alice, phone) = follower(&server, &service, "alice", json!([{ "channel": "ops" }])).await;
    server.stop().await;
    let server = TestServer::start_on(data.path(), &off).await;
    server.publish("ops", "long ago").await;
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    server.stop().await;
    let server = TestServer::start_on(data.path(), &settings).await;
    until_pushed(&server).await;
    server.publish("ops", "now").await;
    assert_eq!(phone.read(&service.request(&phone, 1).await)["body"], "now");
}

#[tokio::test]
async fn wrong_rules_are_rejected_in_words_and_change_nothing() {
    let (server, _service) = start().await;
    let alice = server.person("alice").await;
    let rules = json!([{ "channel": "ops", "level": "info" }]);
    alice.wants(rules.clone()).await;
    for (wrong, code) in [
        (json!({}), "bad_request"),
        (json!({ "rules": "ops" }), "bad_request"),
        (json!({ "rules": ["ops"] }), "bad_request"),
        (json!({ "rules": [{}] }), "bad_request"),
        (json!({ "rules": [{ "channel": "" }] }), "bad_channel"),
        (json!({ "rules": [{ "channel": "a b" }] }), "bad_channel"),
        (json!({ "rules": [{ "channel": "*ops" }] }), "bad_channel"),
        (json!({ "rules": [{ "channel": 7 }] }), "bad_request"),
        (json!({ "rules": [{ "channel": "ops", "level": "loud" }] }), "bad_request"),
        (json!({ "rules": [{ "channel": "ops", "levels": "error" }] }), "bad_request"),
        (json!({ "rules": [], "quiet": {} }), "bad_request"),
        (json!({ "rules": vec![json!({ "channel": "ops" }); 51] }), "bad_request"),
    ] {
        let answer = alice.send(Method::PUT, "/api/push/rules", &wrong).await;
        assert_eq!(problem(answer, 400).await, code, "{wrong}");
    }
    assert_eq!(alice.push_state().await["rules"], rules);
    assert_eq!(server.person("bob").await.push_state().await["rules"], json!([]), "they are one's own");
}
