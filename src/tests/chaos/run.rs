//! One run of a plan, from an empty data folder to the verdict.

use std::{net::SocketAddr, path::Path, sync::Arc, time::Instant};

use fastrand::Rng;
use futures_util::future::try_join_all;
use serde_json::{Value, json};
use tokio::sync::watch;

use super::{
    plan::{ALL, Plan, ReaderPlan, Transport},
    proxy::{Faults, Proxy},
    reader::{Reader, parse_cursor},
    topic::Topic,
    verdict::{Logs, expect_complete, expect_needed_resets},
    writer::Writer,
};
use crate::support::{Program, in_time};

/// What a run without a failure did.
#[derive(Default)]
pub(super) struct Outcome {
    pub(super) acknowledged: u64,
    pub(super) abandoned: u64,
    pub(super) read: u64,
    pub(super) connections: u64,
    pub(super) resets: u64,
    pub(super) kills: u64,
}

/// Runs a plan. Panics with its seed when the promise is broken.
pub(super) async fn run(plan: &Plan, faults: &Arc<Faults>) -> Outcome {
    let began = Instant::now();
    match attempt(plan, faults).await {
        Ok(outcome) => {
            println!(
                "chaos: seed {} held in {:.1?}: {} read, {} acknowledged, {} kills, {} resets, {} retained",
                plan.seed,
                began.elapsed(),
                outcome.read,
                outcome.acknowledged,
                outcome.kills,
                outcome.resets,
                plan.retained
            );
            outcome
        }
        Err(how) => {
            panic!("the promise is broken: {how}\nrerun it with: make chaos SEED={}\n{plan:#?}", plan.seed)
        }
    }
}

async fn attempt(plan: &Plan, faults: &Arc<Faults>) -> Result<Outcome, String> {
    let data = tempfile::tempdir().expect("a folder");
    let mut program = start(data.path(), "127.0.0.1:0", plan.retained).await;
    let direct = program.url.clone();
    let address: SocketAddr = direct.trim_start_matches("http://").parse().expect("an address");
    let token = session(&direct).await;
    let proxy = Proxy::start(address, plan.seed, plan.fault_distance, faults.clone()).await;
    let (end, ended) = watch::channel(None);
    let (room_end, room_ended) = watch::channel(None);
    let ends = |topic: &Topic| if *topic == Topic::Feed { ended.clone() } else { room_ended.clone() };

    let mut readers = Vec::new();
    for ReaderPlan { topic, transport, delay } in plan.readers.clone() {
        let cursor = head(&direct, &topic).await;
        let access = (proxy.url.clone(), token.clone());
        let reader = Reader::new((topic.clone(), transport), access, &cursor, ends(&topic));
        readers.push((
            topic,
            tokio::spawn(async move {
                tokio::time::sleep(delay).await;
                reader.read().await
            }),
        ));
    }
    // Two more that meet no faults but the server's own death, and so see nearly everything.
    for topic in [&plan.writers[0].0, &Topic::Feed] {
        let access = (direct.clone(), token.clone());
        let cursor = head(&direct, topic).await;
        let reader = Reader::new((topic.clone(), Transport::Stream), access, &cursor, ends(topic));
        readers.push((topic.clone(), tokio::spawn(reader.read())));
    }

    let mut rng = Rng::with_seed(plan.seed ^ 1);
    let until = Instant::now() + plan.duration;
    let writers = plan.writers.iter().map(|(topic, transport)| {
        let access = (proxy.url.clone(), token.clone());
        tokio::spawn(Writer::new(topic.clone(), access, rng.fork(), until).write(*transport))
    });
    let writers: Vec<_> = writers.collect();
    let mut kills = plan.kills.clone();
    kills.sort_unstable();
    let started = Instant::now();
    for kill in &kills {
        tokio::time::sleep(kill.saturating_sub(started.elapsed())).await;
        program.signal("-KILL").await;
        program = start(data.path(), &address.to_string(), plan.retained).await;
    }
    tokio::time::sleep(plan.duration.saturating_sub(started.elapsed())).await;
    proxy.calm();
    let writers = in_time(try_join_all(writers)).await.map_err(|error| error.to_string())?;
    let writers = writers.into_iter().collect::<Result<Vec<_>, _>>()?;

    let room = plan.writers[0].0.clone();
    end.send_replace(Some(parse_cursor(&head(&direct, &Topic::Feed).await).1));
    room_end.send_replace(Some(parse_cursor(&head(&direct, &room).await).1));
    judge(plan, &direct, readers, writers, |topic| ends(topic).borrow().unwrap_or_default()).await
}

type Reading = (Topic, tokio::task::JoinHandle<Result<Reader, String>>);

async fn judge(
    plan: &Plan,
    direct: &str,
    readers: Vec<Reading>,
    writers: Vec<Writer>,
    end: impl Fn(&Topic) -> u64,
) -> Result<Outcome, String> {
    let mut logs = Logs::new();
    let mut outcome = Outcome { kills: plan.kills.len() as u64, ..Outcome::default() };
    let mut finished = Vec::new();
    for (topic, reading) in readers {
        let reader = in_time(reading).await.map_err(|error| error.to_string())??;
        expect_complete(&reader.segments, end(&topic)).map_err(|how| format!("{topic:?}: {how}"))?;
        for segment in &reader.segments {
            outcome.read += segment.entries.len() as u64;
            logs.entry(topic.clone()).or_default().add(&segment.entries)?;
        }
        outcome.connections += reader.connections;
        outcome.resets += reader.segments.len() as u64 - 1;
        finished.push((topic, reader.segments));
    }
    for (topic, log) in &mut logs {
        // Only now: what is retained gets less, and every reader must have had what still is.
        let retained = retained(direct, topic).await;
        log.expect_durable(&retained, end(topic))?;
        log.add(&retained)?;
        log.expect_no_doubles()?;
        for (_, segments) in finished.iter().filter(|(of, _)| of == topic) {
            expect_needed_resets(segments, &retained)?;
        }
    }
    if plan.retained == ALL && outcome.resets > 0 {
        return Err("a reset although everything is retained".into());
    }
    for writer in writers {
        outcome.abandoned += writer.abandoned;
        outcome.acknowledged += writer.acknowledged.len() as u64;
        for post in &writer.acknowledged {
            logs[&post.topic].expect_post(post)?;
        }
        writer.expect_repeats_known(direct).await?;
    }
    for topic in logs.keys() {
        let head = parse_cursor(&head(direct, topic).await).1;
        if head != end(topic) {
            return Err(format!("a repeat was stored: the log of {topic:?} ends at {head}"));
        }
    }
    Ok(outcome)
}

async fn start(data: &Path, listen: &str, retained: u64) -> Program {
    let retained = retained.to_string();
    let settings = ["--trim-interval", "1s", "--room-entries", &retained, "--feed-entries", &retained];
    Program::start_with(data, listen, &settings).await
}

async fn session(url: &str) -> String {
    let request = reqwest::Client::new().post(format!("{url}/api/session")).json(&json!({ "name": "chaos" }));
    let session: Value = request.send().await.expect("no proxy is between").json().await.expect("a session");
    session["token"].as_str().expect("a token").to_owned()
}

async fn page(url: &str, topic: &Topic, query: &str) -> Value {
    let request = reqwest::Client::new().get(format!("{url}{}{query}", topic.pages()));
    let answer = request.header("accept", "application/json").send().await.expect("no proxy is between");
    answer.json().await.expect("a page")
}

/// The cursor at the end of the log.
async fn head(url: &str, topic: &Topic) -> String {
    page(url, topic, "?limit=1").await["cursor"].as_str().expect("every page has one").to_owned()
}

/// Everything that is still there, read backwards.
async fn retained(url: &str, topic: &Topic) -> Vec<super::topic::Seen> {
    let (mut entries, mut query) = (Vec::new(), "?limit=200".to_owned());
    loop {
        let page = page(url, topic, &query).await;
        let older = topic.entries(&page);
        let epoch =
            page["cursor"].as_str().expect("every page has one").split(':').next().unwrap_or_default();
        if let Some(first) = older.first() {
            query = format!("?limit=200&before={epoch}:{}", first.offset);
        }
        entries.extend(older);
        if page["more"] != true {
            return entries;
        }
    }
}
