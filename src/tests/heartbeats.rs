//! Heartbeats: jobs that ping, a channel that tells when the ping stays away and when it comes again, once each.

use std::time::{Duration, Instant, UNIX_EPOCH};

use idobata::server::store::directory::{DocumentStore, Kind, Mutation, Precondition};
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Machine, Nodes, Program, RedisServer, TestServer, in_time, problem};

const HOUR_MS: i64 = 3_600_000;
/// A file size limit below the size that the WAL already has.
const FULL: &str = "4096";

fn unix_ms() -> i64 {
    i64::try_from(UNIX_EPOCH.elapsed().unwrap().as_millis()).unwrap()
}

/// A publisher's token for these channels.
async fn token(server: &TestServer, channels: Value) -> String {
    let body = json!({ "name": "cron", "channels": channels });
    let made = server.post("/api/publishers").json(&body).send().await.unwrap();
    assert_eq!(made.status(), 201);
    made.json::<Value>().await.unwrap()["token"].as_str().unwrap().to_owned()
}

async fn set(server: &TestServer, name: &str, settings: Value) -> Value {
    let address = format!("{}/api/heartbeats/{name}", server.url);
    let answer = reqwest::Client::new().put(address).json(&settings).send().await.unwrap();
    assert_eq!(answer.status(), 200, "{}", answer.text().await.unwrap());
    answer.json().await.unwrap()
}

async fn ping(server: &TestServer, token: &str, rest: &str) {
    let answer = server.get(&format!("/ping/{token}/{rest}")).send().await.unwrap();
    assert_eq!((answer.status().as_u16(), answer.text().await.unwrap()), (200, "OK".into()), "{rest}");
}

async fn heartbeat(server: &TestServer) -> Value {
    server.json("/api/heartbeats").await[0].clone()
}

/// The events of the channel, as level, title and text.
async fn told(server: &TestServer) -> Vec<(String, String, String)> {
    let page = server.json("/api/events?channel=jobs").await;
    let text = |event: &Value, name: &str| event[name].as_str().unwrap_or_default().to_owned();
    let events = page["events"].as_array().unwrap().iter();
    events.map(|event| (text(event, "level"), text(event, "title"), text(event, "text"))).collect()
}

async fn until_told(server: &TestServer, count: usize) -> Vec<(String, String, String)> {
    in_time(async {
        loop {
            let told = told(server).await;
            if told.len() >= count {
                return told;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await
}

#[tokio::test]
async fn a_ping_that_stays_away_is_told_once_within_five_seconds_and_so_is_its_return() {
    let server = TestServer::start().await;
    let token = token(&server, json!(["jobs"])).await;
    set(&server, "backup", json!({ "channel": "jobs", "period": 1, "grace": 1 })).await;
    assert_eq!(heartbeat(&server).await["status"], "new");
    ping(&server, &token, "backup").await;
    let pinged_at = Instant::now();
    let (level, title, text) = until_told(&server, 1).await.remove(0);
    assert!(pinged_at.elapsed() < Duration::from_secs(7), "{:?}", pinged_at.elapsed());
    assert_eq!((&*level, &*title), ("error", "backup is down"));
    assert!(text.starts_with("No ping came for "), "{text}");
    assert_eq!(heartbeat(&server).await["status"], "down");
    set(&server, "backup", json!({ "channel": "jobs", "period": 3600 })).await;
    ping(&server, &token, "backup").await;
    ping(&server, &token, "backup").await;
    let told = until_told(&server, 2).await;
    assert_eq!((told.len(), &*told[1].0, &*told[1].1), (2, "success", "backup is up again"));
    let page = server.json("/api/events?channel=jobs").await;
    let keys: Vec<_> = page["events"].as_array().unwrap().iter().map(|event| event["key"].clone()).collect();
    assert_eq!(keys, ["heartbeat/backup", "heartbeat/backup"], "the page shows the newest");
}

#[tokio::test]
async fn a_job_says_that_it_begins_fails_and_ends_by_the_addresses_of_healthchecks() {
    let machine = Machine::new();
    let data = tempfile::tempdir().unwrap();
    let server = machine.server(data.path()).await;
    let token = token(&server, json!(["jobs"])).await;
    set(&server, "backup", json!({ "channel": "jobs", "cron": "0 3 * * *", "zone": "Asia/Tokyo" })).await;
    ping(&server, &token, "backup/start").await;
    machine.pass(90_000);
    ping(&server, &token, "backup/0").await;
    let known = heartbeat(&server).await;
    assert_eq!((&known["status"], &known["last_duration_ms"]), (&json!("up"), &json!(90_000)));
    assert_eq!(known["due_at"].as_i64().unwrap() % (24 * HOUR_MS), 18 * HOUR_MS, "03:00 in Tokyo");
    let post =
        |rest: &str, body: &str| server.post(&format!("/ping/{token}/backup{rest}")).body(body.to_owned());
    for (rest, body) in
        [("/log", "half of it"), ("/log", ""), ("/fail", "disk full\n"), ("/3", "again"), ("", "fine")]
    {
        assert_eq!(post(rest, body).send().await.unwrap().status(), 200, "{rest}");
    }
    let head =
        reqwest::Client::new().head(format!("{}/ping/{token}/backup", server.url)).send().await.unwrap();
    assert_eq!(head.status(), 200);
    let expected = [
        ("info", "backup", "half of it"),
        ("error", "backup is down", "disk full"),
        ("success", "backup is up again", "It was down for 0s."),
    ];
    let expected = expected.map(|(a, b, c)| (a.to_owned(), b.to_owned(), c.to_owned()));
    assert_eq!(told(&server).await, expected);
    // A job that begins and does not end is down after its grace.
    ping(&server, &token, "backup/start").await;
    machine.pass(301_000);
    let told = until_told(&server, 4).await;
    assert_eq!(told[3].2, "The job began 5m 1s ago and has not ended.");
    // A text beyond the limit does not take the ping with it.
    let long = post("", &"x".repeat(200_000)).send().await.unwrap();
    assert_eq!(long.status(), 200);
    assert_eq!(heartbeat(&server).await["status"], "up");
}

#[tokio::test]
async fn our_own_downtime_raises_no_alarm_and_a_job_that_is_really_gone_is_told_a_period_later() {
    let (machine, data) = (Machine::new(), tempfile::tempdir().unwrap());
    let server = machine.server(data.path()).await;
    let token = token(&server, json!(["jobs"])).await;
    for name in ["lost", "not-due"] {
        let period = if name == "lost" { 3_600 } else { 36_000 };
        set(&server, name, json!({ "channel": "jobs", "period": period, "grace": 60 })).await;
        ping(&server, &token, name).await;
    }
    machine.pass(HOUR_MS / 2);
    server.stop().await;
    machine.pass(2 * HOUR_MS);
    let server = machine.server(data.path()).await;
    let due = async |number: usize| {
        let list = server.json("/api/heartbeats").await;
        list[number]["due_at"].as_i64().unwrap() - machine.wall_ms()
    };
    in_time(async { while due(0).await != HOUR_MS {} }).await;
    assert_eq!(due(1).await, 15 * HOUR_MS / 2, "what was not due is expected as before");
    assert_eq!(told(&server).await, []);
    // The clock jumps, and back: nobody is late for that.
    machine.jump(5 * HOUR_MS);
    in_time(async { while due(0).await != HOUR_MS {} }).await;
    assert_eq!(told(&server).await, []);
    machine.pass(HOUR_MS + 61_000);
    let told = until_told(&server, 1).await;
    assert_eq!(told[0].1, "lost is down");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ping_that_a_failing_store_refused_raises_no_alarm() {
    let data = tempfile::tempdir().unwrap();
    let program = Program::start(data.path()).await;
    let (url, client) = (program.url.clone(), reqwest::Client::new());
    let api = format!("{url}/api/heartbeats/backup");
    let settings = json!({ "channel": "jobs", "period": 2, "grace": 2 });
    assert_eq!(client.put(&api).json(&settings).send().await.unwrap().status(), 200);
    let made =
        client.post(format!("{url}/api/publishers")).json(&json!({ "name": "cron", "channels": ["jobs"] }));
    let made: Value = made.send().await.unwrap().json().await.unwrap();
    let address = format!("{url}/ping/{}/backup", made["token"].as_str().unwrap());
    let ping = async || client.get(&address).send().await.unwrap().status().as_u16();
    let state = async || {
        let list: Value =
            client.get(format!("{url}/api/heartbeats")).send().await.unwrap().json().await.unwrap();
        (list[0]["status"].as_str().unwrap().to_owned(), list[0]["due_at"].as_i64().unwrap())
    };
    assert_eq!(ping().await, 200);
    let (_, due_at) = state().await;
    // Either it is excused, and expected a period later, or it is down.
    let after = async |due_at: i64| {
        in_time(async {
            loop {
                let (status, due) = state().await;
                if status == "down" || due > due_at {
                    return status;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        })
        .await
    };
    // A full disk: what is there is read, and nothing is written. There is space again before the ping is late.
    program.limit_files(FULL).await;
    assert_eq!(ping().await, 503);
    program.limit_files("unlimited").await;
    assert_eq!(after(due_at).await, "up", "expected a period later");
    let (_, due_at) = state().await;
    program.limit_files(FULL).await;
    let down_at = due_at + 2_500;
    in_time(async {
        while unix_ms() < down_at {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
    program.limit_files("unlimited").await;
    assert_eq!(after(due_at).await, "up", "no look succeeded");
    in_time(async { while state().await.0 != "down" {} }).await;
}

#[tokio::test]
async fn what_was_told_and_not_noted_is_told_once() {
    let server = TestServer::start().await;
    let token = token(&server, json!(["jobs"])).await;
    set(&server, "backup", json!({ "channel": "jobs", "period": 3600 })).await;
    ping(&server, &token, "backup/fail").await;
    assert_eq!(told(&server).await.len(), 1);
    // As a server leaves it that ends between the two.
    let documents: &dyn DocumentStore = &*server.state.directory_replica;
    let stored = async || documents.read::<Value>(Kind::Heartbeat, "backup").await.unwrap().unwrap();
    let mut left = stored().await;
    left["news"] = json!({ "level": "error", "text": "The job ended with code 1." });
    let put = Mutation::put(Kind::Heartbeat, "backup", Precondition::Present, &left);
    documents.grant(vec![put]).await.unwrap();
    in_time(async { while !stored().await["news"].is_null() {} }).await;
    assert_eq!(told(&server).await.len(), 1);
}

#[tokio::test]
async fn of_three_nodes_one_tells_and_another_goes_on_when_it_ends() {
    let mut nodes = Nodes::none().await;
    for _ in 0..3 {
        nodes.add(&RedisServer::shared().url()).await;
    }
    let token = token(nodes.node(0), json!(["jobs"])).await;
    let short = json!({ "channel": "jobs", "period": 1, "grace": 1 });
    set(nodes.node(1), "backup", short.clone()).await;
    ping(nodes.node(2), &token, "backup").await;
    until_told(nodes.node(0), 1).await;
    ping(nodes.node(1), &token, "backup").await;
    until_told(nodes.node(2), 2).await;
    nodes.servers.remove(0).stop().await;
    set(nodes.node(0), "backup", short).await;
    let told = until_told(nodes.node(1), 3).await;
    let levels: Vec<_> = told.iter().map(|(level, ..)| &**level).collect();
    assert_eq!(levels, ["error", "success", "error"]);
}

#[tokio::test]
async fn only_a_token_for_its_channel_pings_a_heartbeat_and_faults_are_named() {
    let server = TestServer::start().await;
    let (own, other) = (token(&server, json!(["jobs"])).await, token(&server, json!(["ops"])).await);
    set(&server, "backup", json!({ "channel": "jobs", "period": 3600 })).await;
    for (path, status) in [
        (format!("{other}/backup"), 403),
        (format!("{own}/nothing"), 404),
        ("idp_none_none/backup".to_owned(), 404),
        ("nonsense/backup".to_owned(), 404),
        (format!("{own}/backup/256"), 400),
        (format!("{own}/backup/stop"), 400),
    ] {
        let answer = server.get(&format!("/ping/{path}")).send().await.unwrap();
        assert_eq!(answer.status(), status, "{path}");
        assert_eq!(answer.headers()["content-type"], "text/plain; charset=utf-8");
        assert!(answer.text().await.unwrap().ends_with('.'), "a sentence");
    }
    assert_eq!(heartbeat(&server).await["status"], "new");
    for (name, settings) in [
        ("a%20b", json!({ "channel": "jobs", "period": 60 })),
        ("backup", json!({ "channel": "a b", "period": 60 })),
        ("backup", json!({ "channel": "jobs" })),
        ("backup", json!({ "channel": "jobs", "period": 60, "cron": "* * * * *" })),
        ("backup", json!({ "channel": "jobs", "period": 0 })),
        ("backup", json!({ "channel": "jobs", "period": 60, "grace": 0 })),
        ("backup", json!({ "channel": "jobs", "cron": "often" })),
        ("backup", json!({ "channel": "jobs", "cron": "* * * * *", "zone": "Mars/Olympus" })),
    ] {
        let address = format!("{}/api/heartbeats/{name}", server.url);
        let answer = reqwest::Client::new().put(address).json(&settings).send().await.unwrap();
        let code = problem(answer, 400).await;
        assert!(code == "bad_request" || code == "bad_channel", "{settings}: {code}");
    }
    let gone =
        reqwest::Client::new().request(Method::DELETE, format!("{}/api/heartbeats/backup", server.url));
    assert_eq!(gone.send().await.unwrap().status(), 204);
    assert_eq!(server.json("/api/heartbeats").await, json!([]));
}
