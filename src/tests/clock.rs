//! A system clock that jumps, on a whole server: no entry is removed because of it, and no session ends.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering::SeqCst},
    },
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use idobata::server::clock::{Clock, Reading};
use reqwest::header;
use serde_json::{Value, json};

use crate::support::{Cluster, TestServer, in_time};

const DAY_MS: i64 = 86_400_000;
const PATIENCE: Duration = Duration::from_secs(24 * 3_600);
/// Retention by age removes entries older than a week, by count those beyond five; both run every second.
const TRIMMING: [&str; 3] = ["--feed-age=7d", "--feed-entries=5", "--trim-interval=1s"];

/// A machine's clock: its error in milliseconds, positive if it is ahead.
#[derive(Clone, Default)]
struct Machine {
    wall_error_ms: Arc<AtomicI64>,
    passed_ms: Arc<AtomicI64>,
}

impl Machine {
    fn clock(&self) -> Clock {
        let (start, machine) = (Instant::now(), self.clone());
        Clock::new(PATIENCE, move || {
            let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as i64;
            let passed_ms = machine.passed_ms.load(SeqCst);
            let elapsed_ms = start.elapsed().as_millis() as i64;
            let wall_ms = now + passed_ms + machine.wall_error_ms.load(SeqCst);
            Reading { wall_ms, monotonic_ms: elapsed_ms + passed_ms }
        })
    }

    fn set_ahead(&self, ms: i64) {
        self.wall_error_ms.store(ms, SeqCst);
    }

    fn pass(&self, ms: i64) {
        self.passed_ms.fetch_add(ms, SeqCst);
    }
}

/// The texts of the feed's notifications.
async fn notices(server: &TestServer) -> Vec<String> {
    let page = server.json("/api/events?limit=200").await;
    let events = page["events"].as_array().unwrap().iter();
    events.filter_map(|event| Some(event["text"].as_str()?.to_owned())).collect()
}

/// Publishes so many values that a trim must remove some by count, and waits until it has.
async fn expect_a_trim(server: &TestServer) {
    let values: Vec<Value> = (0..20).map(|value| json!({ "type": "update", "value": value })).collect();
    let published = server.post("/api/events/load").json(&values).send().await.unwrap();
    assert_eq!(published.status(), 201);
    let kept = async || {
        let page = server.json("/api/events?limit=200&channel=load").await;
        page["events"].as_array().unwrap().len()
    };
    in_time(async { while kept().await > 5 {} }).await;
}

async fn a_leap_erases_nothing(settings: &[&str]) {
    let (data, machine) = (tempfile::tempdir().unwrap(), Machine::default());
    let settings = [&TRIMMING[..], settings].concat();
    let server = TestServer::start_on_clock(data.path(), &settings, machine.clock()).await;
    server.publish("ops", "before").await;
    machine.set_ahead(400 * DAY_MS);
    expect_a_trim(&server).await;
    assert_eq!(notices(&server).await, ["before"]);
    machine.set_ahead(0);
    expect_a_trim(&server).await;
    assert_eq!(notices(&server).await, ["before"]);
    server.stop().await;

    machine.set_ahead(400 * DAY_MS);
    let server = TestServer::start_on_clock(data.path(), &settings, machine.clock()).await;
    expect_a_trim(&server).await;
    assert_eq!(notices(&server).await, ["before"], "at the start the newest entry is the reference");
    machine.pass(DAY_MS / 2);
    expect_a_trim(&server).await;
    server.stop().await;

    // Entries of that time have the wrong timestamp, but the store remembers the jump.
    let server = TestServer::start_on_clock(data.path(), &settings, machine.clock()).await;
    expect_a_trim(&server).await;
    assert_eq!(notices(&server).await, ["before"], "a restart believes nothing sooner");
    server.stop().await;

    // A smaller error, and another node name: the jump is still remembered.
    machine.set_ahead(400 * DAY_MS - 60_000);
    let renamed = [&settings[..], &["--node-name=other"]].concat();
    let server = TestServer::start_on_clock(data.path(), &renamed, machine.clock()).await;
    expect_a_trim(&server).await;
    assert_eq!(notices(&server).await, ["before"], "nothing ends a leap but the truth and patience");
    server.stop().await;
    machine.set_ahead(400 * DAY_MS);
    let server = TestServer::start_on_clock(data.path(), &settings, machine.clock()).await;
    expect_a_trim(&server).await;
    assert_eq!(notices(&server).await, ["before"], "and back to the first name");
    machine.pass(DAY_MS);
    expect_a_trim(&server).await;
    in_time(async { while !notices(&server).await.is_empty() {} }).await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_leap_erases_no_history_until_the_new_time_has_stood_for_a_day() {
    a_leap_erases_nothing(&[]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_leap_erases_no_history_on_postgresql_either() {
    let url = Cluster::shared().fresh_database().await;
    a_leap_erases_nothing(&["--database-url", &url]).await;
}

/// Sets the newest entry's timestamp to that of the machine's wrong clock: the store itself takes the time from the
/// clock of the test machine.
fn date_newest_ahead(data: &Path, ahead_ms: i64) {
    let database = rusqlite::Connection::open(data.join("idobata.db")).unwrap();
    let newest = "SELECT head FROM topics WHERE id = topic";
    let entries = format!("UPDATE entries SET timestamp = timestamp + ?1 WHERE offset = ({newest})");
    assert_eq!(database.execute(&entries, [ahead_ms]).unwrap(), 1);
    database.execute("UPDATE topics SET timestamp = timestamp + ?1 WHERE head > 0", [ahead_ms]).unwrap();
}

/// Entries written while the clock is wrong have its timestamps, which must not confirm it when it is wrong again.
#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_is_wrong_twice_erases_nothing_either() {
    let (data, machine) = (tempfile::tempdir().unwrap(), Machine::default());
    let server = TestServer::start_on_clock(data.path(), &TRIMMING, machine.clock()).await;
    server.publish("ops", "before").await;
    expect_a_trim(&server).await;
    machine.set_ahead(400 * DAY_MS);
    server.publish("ops", "meanwhile").await;
    machine.set_ahead(0);
    server.stop().await;
    date_newest_ahead(data.path(), 400 * DAY_MS);
    machine.set_ahead(400 * DAY_MS + 10_000);
    let server = TestServer::start_on_clock(data.path(), &TRIMMING, machine.clock()).await;
    expect_a_trim(&server).await;
    assert_eq!(notices(&server).await, ["before", "meanwhile"]);
    server.stop().await;
}

/// A browser's session cookie, replaced whenever a page sets it.
struct Browser(String);

impl Browser {
    fn take(&mut self, response: &reqwest::Response) {
        if let Some(cookie) = response.headers().get(header::SET_COOKIE) {
            self.0 = cookie.to_str().unwrap().split(';').next().unwrap().to_owned();
        }
    }

    /// Opens a page, then returns the id of its user.
    async fn visit(&mut self, server: &TestServer) -> String {
        let page = server.get("/").header(header::COOKIE, &self.0).send().await.unwrap();
        assert_eq!(page.status(), 200);
        self.take(&page);
        let visit = server.get("/api/session").header(header::COOKIE, &self.0).send().await.unwrap();
        visit.json::<Value>().await.unwrap()["user"]["id"].as_str().unwrap().to_owned()
    }
}

async fn start(data: &Path, machine: &Machine, settings: &[&str]) -> TestServer {
    TestServer::start_on_clock(data, settings, machine.clock()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guest_stays_who_they_are_through_a_leap_and_after_it() {
    let (data, machine) = (tempfile::tempdir().unwrap(), Machine::default());
    let server = start(data.path(), &machine, &[]).await;
    let mut browser = Browser(String::new());
    let id = browser.visit(&server).await;
    machine.set_ahead(400 * DAY_MS);
    let mut late = Browser(String::new());
    let late_id = late.visit(&server).await;
    assert_eq!(browser.visit(&server).await, id, "while the clock is wrong");
    assert_ne!(late_id, id);
    machine.set_ahead(0);
    assert_eq!((browser.visit(&server).await, late.visit(&server).await), (id.clone(), late_id.clone()));
    machine.set_ahead(400 * DAY_MS);
    assert_eq!((browser.visit(&server).await, late.visit(&server).await), (id.clone(), late_id.clone()));
    machine.pass(DAY_MS);
    assert_eq!((browser.visit(&server).await, late.visit(&server).await), (id, late_id), "it is believed");
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_and_links_of_accounts_do_not_end_by_a_leap() {
    let (data, machine) = (tempfile::tempdir().unwrap(), Machine::default());
    let server = start(data.path(), &machine, &["--auth=accounts"]).await;
    let alice = server.account("alice").await;
    let invitation = server.accounts().invite("alice").await.unwrap();
    let mut socket = alice.socket().await;
    machine.set_ahead(400 * DAY_MS);
    let visit: Value = alice.get("/api/session").send().await.unwrap().json().await.unwrap();
    assert_eq!(visit["user"]["name"], "alice");
    server.accounts().link(&invitation).await.unwrap();
    socket.is_alive().await;
    machine.pass(DAY_MS);
    in_time(socket.close_code()).await;
    server.accounts().link(&invitation).await.unwrap_err();
    let visit: Value = alice.get("/api/session").send().await.unwrap().json().await.unwrap();
    assert_eq!(visit["user"], Value::Null, "what really is that old has ended");
}
