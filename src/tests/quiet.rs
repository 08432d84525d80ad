//! Readers of a quiet channel while others move the log on: retained entries arrive, and only a reader of a channel
//! with removed entries gets a reset. On every transport and on both databases.

use idobata::{
    protocol::publication::Publication,
    server::{config::Retention, store::TopicName},
};
use serde_json::{Value, json};

use crate::support::{Cluster, Person, SocketIo, Stream, TestServer};

/// Number of the feed's entries that retention keeps.
const KEPT: u64 = 40;

struct Bench {
    server: TestServer,
    alice: Person,
    /// The cursor before the notification `n1` in `ops`.
    cursor: String,
    _data: tempfile::TempDir,
}

impl Bench {
    async fn start(settings: &[&str]) -> Self {
        let data = tempfile::tempdir().unwrap();
        let server = TestServer::start_on(data.path(), settings).await;
        let alice = server.person("alice").await;
        server.publish("ops", "n0").await;
        let cursor = server.feed_cursor().await;
        server.publish("ops", "n1").await;
        let bench = Self { server, alice, cursor, _data: data };
        // More entries than the ring in memory holds.
        bench.values(300).await;
        bench
    }

    async fn sqlite() -> Self {
        Self::start(&[]).await
    }

    async fn postgres() -> Self {
        let url = Cluster::shared().fresh_database().await;
        Self::start(&["--database-url", &url]).await
    }

    /// Publishes the server's own values, then trims.
    async fn values(&self, count: usize) {
        let value =
            || Publication::new(serde_json::from_value(json!({ "type": "update", "value": 1 })).unwrap());
        for _ in 0..count / 100 {
            let values = (0..100).map(|_| value().unwrap()).collect();
            self.server.state.feed.publish("server", "test", values, None).await.unwrap();
        }
        let retention = Retention { entries: KEPT, age_ms: i64::MAX / 2, client_id_age_ms: 0 };
        let now_ms = self.server.state.clock.settled_ms();
        self.server.state.hub.trim(|_: &TopicName| retention, now_ms).await.unwrap();
    }

    async fn page(&self, query: &str) -> (Vec<String>, bool) {
        let page = self.server.json(&format!("/api/events?after={}{query}", self.cursor)).await;
        let texts = page["events"].as_array().unwrap().iter().filter_map(|entry| entry["text"].as_str());
        (texts.map(str::to_owned).collect(), page["reset"] == true)
    }

    async fn follow(&self, channels: Value) -> SocketIo {
        let auth = json!({ "token": self.alice.session.token, "after": self.cursor, "channels": channels });
        SocketIo::enter(&self.server.url, "/events", &auth).await.unwrap()
    }
}

/// The next events up to the first notification: the events before it, its id, and its data.
async fn first_notice(stream: &mut Stream) -> (Vec<Value>, String, Value) {
    let mut before = Vec::new();
    loop {
        let (id, event) = stream.event().await;
        match event["type"] == "notification" {
            true => return (before, id, event),
            false => before.push(event["type"].clone()),
        }
    }
}

async fn a_quiet_channel_is_resumed_without_a_reset(bench: Bench) {
    assert_eq!(bench.page("&channel=ops").await, (vec!["n1".to_owned()], false));
    assert_eq!(bench.page("&channel=ops&wait=30").await, (vec!["n1".to_owned()], false));
    let mut stream = bench.server.stream(&format!("?channel=ops&after={}", bench.cursor)).await;
    assert_eq!(stream.connected().await, bench.cursor);
    let (before, _, notice) = first_notice(&mut stream).await;
    assert_eq!((before, &notice["text"]), (vec![], &json!("n1")));
    let resumed = bench.server.get("/api/events?channel=ops").header("last-event-id", &bench.cursor);
    let mut resumed = Stream::open(resumed).await;
    assert_eq!(
        (resumed.connected().await, resumed.texts(1).await),
        (bench.cursor.clone(), vec!["n1".into()])
    );
    let mut events = bench.follow(json!(["ops"])).await;
    assert_eq!(events.expect("connected").await[0]["recovered"], true);
    let (name, event) = events.next().await.unwrap();
    assert_eq!((name.as_str(), &event[0]["text"]), ("event", &json!("n1")));
    let mut last = bench.server.stream("?channel=ops&last=2").await;
    last.connected().await;
    assert_eq!(last.texts(2).await, ["n0", "n1"], "below the floor, and retained");
}

async fn who_reads_everything_is_reset_once_and_gets_what_is_retained(bench: Bench) {
    assert_eq!(bench.page("").await, (vec!["n1".to_owned()], true));
    let mut stream = bench.server.stream(&format!("?after={}", bench.cursor)).await;
    let (before, id, notice) = first_notice(&mut stream).await;
    assert_eq!((before, &notice["text"]), (vec![json!("connected"), json!("reset")], &json!("n1")));
    drop(stream);
    // Interrupted here, it resumes at its id and is not sent again.
    let mut stream = Stream::open(bench.server.get("/api/events").header("last-event-id", &id)).await;
    assert_eq!(stream.connected().await, id);
    let mut values = 0;
    for _ in 0..KEPT {
        values += u64::from(stream.event().await.1["type"] == "update");
    }
    assert_eq!(values, KEPT);
    let mut events = bench.follow(Value::Null).await;
    assert_eq!(events.expect("connected").await[0]["recovered"], false);
    let reset = events.expect("reset").await;
    assert_eq!(events.expect("event").await[0]["text"], "n1");
    let again = json!({ "token": bench.alice.session.token, "after": reset[0]["cursor"] });
    let mut again = SocketIo::enter(&bench.server.url, "/events", &again).await.unwrap();
    assert_eq!(again.expect("connected").await[0]["recovered"], true);
    assert_eq!(again.expect("event").await[0]["text"], "n1");
}

macro_rules! on_both_databases {
    ($($name:ident,)*) => {
        mod sqlite {
            $(#[tokio::test]
            async fn $name() {
                super::$name(super::Bench::sqlite().await).await;
            })*
        }
        mod postgres {
            $(#[tokio::test]
            async fn $name() {
                super::$name(super::Bench::postgres().await).await;
            })*
        }
    };
}

on_both_databases! {
    a_quiet_channel_is_resumed_without_a_reset,
    who_reads_everything_is_reset_once_and_gets_what_is_retained,
}
