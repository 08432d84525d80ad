//! One run of a plan, from an empty database to the verdict.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    panic::AssertUnwindSafe,
    sync::Arc,
    time::{Duration, Instant},
};

use fastrand::Rng;
use futures_util::{FutureExt, future::try_join_all};
use serde_json::{Value, json};
use tokio::{sync::watch, time::timeout};

use super::{
    access::Access,
    change::{Folded, Messages, text_of},
    plan::{ALL, Harm, Plan, ReaderPlan, Transport},
    proxy::{Faults, Proxy},
    reader::{Reader, SILENCE, parse_cursor, parse_epoch},
    target::Target,
    topic::{Seen, Topic},
    verdict::{Logs, expect_complete, expect_needed_resets, expect_same_fold},
    writer::Writer,
};
use crate::support::{DEADLINE, in_time};

/// Statistics of a successful run.
#[derive(Default)]
pub(super) struct Outcome {
    /// Entries in the logs.
    pub(super) entries: u64,
    /// Posts and changes.
    pub(super) acknowledged: u64,
    /// Changes among the acknowledged ones.
    pub(super) changes: u64,
    /// Changes that came too late.
    pub(super) rejected: u64,
    /// Messages of readers that were compared with the store's.
    pub(super) compared: u64,
    /// Files of messages that were read to the end.
    pub(super) files: u64,
    /// Deleted texts that were looked for.
    pub(super) erased: u64,
    pub(super) abandoned: u64,
    pub(super) repeats: u64,
    pub(super) refusals: u64,
    pub(super) readers: u64,
    pub(super) read: u64,
    pub(super) connections: u64,
    pub(super) moves: u64,
    pub(super) resets: u64,
    /// Time from when the end of the logs was known until the last reader had reached it.
    pub(super) lag: Duration,
}

/// Runs a plan. Panics with its seed if the promise is broken.
pub(super) async fn run(plan: &Plan, faults: &Arc<Faults>) -> Outcome {
    let began = Instant::now();
    let attempt = AssertUnwindSafe(attempt(plan, faults)).catch_unwind().await;
    let held = attempt.unwrap_or_else(|_| Err("the test itself failed, as it says above".into()));
    match held {
        Ok(outcome) => {
            println!(
                "chaos: seed {} on {} held in {:.1?}: {} read, {} acknowledged, {} blows and {:?} in the end, {} resets, {} retained; \
                 the last reader had it all, and nothing more, {:.1?} after the end",
                plan.seed,
                plan.nodes,
                began.elapsed(),
                outcome.read,
                outcome.acknowledged,
                plan.blows.len(),
                plan.finale,
                outcome.resets,
                plan.retained,
                outcome.lag,
            );
            outcome
        }
        Err(how) => {
            // The end is what a log that is cut still has.
            panic!("{plan:?}\nthe promise is broken: {how}\nrerun it with: make chaos SEED={}", plan.seed)
        }
    }
}

async fn attempt(plan: &Plan, faults: &Arc<Faults>) -> Result<Outcome, String> {
    let mut target = Target::start(plan).await;
    let direct = direct(plan, &target).await;
    let mut proxies = Vec::new();
    for (address, seed) in target.addresses().zip(plan.seed..) {
        proxies.push(Proxy::start(address, seed, plan.fault_distance, faults.clone()).await);
    }
    let access = Access { urls: proxies.iter().map(|proxy| proxy.url.clone()).collect(), ..direct.clone() };
    let ends = Ends::default();
    let readers = start_readers(plan, &access, &direct, &ends).await;

    let mut rng = Rng::with_seed(plan.seed ^ 1);
    let (started, until) = (Instant::now(), Instant::now() + plan.duration);
    let (messages, mut writers) = (Messages::default(), Vec::new());
    for (topic, transport) in &plan.writers {
        // Each is another user: they react to the same messages, and delete only their own.
        let access = Access { token: session(&direct.urls[0]).await, ..access.clone() };
        let writer = Writer::new(topic.clone(), access, messages.clone(), rng.fork(), until);
        writers.push(tokio::spawn(writer.write(*transport)));
    }
    target.suffer(plan).await;
    tokio::time::sleep(plan.duration.saturating_sub(started.elapsed())).await;
    target.until_well().await;
    proxies.iter().for_each(Proxy::calm);
    let writers = in_time(try_join_all(writers)).await.map_err(|error| error.to_string())?;
    let mut writers = writers.into_iter().collect::<Result<Vec<_>, _>>()?;
    target.end_with(plan.finale).await;
    for writer in &mut writers {
        writer.post_last(&direct).await?;
    }

    for topic in [&plan.writers[0].0, &Topic::Feed] {
        let (_, end) = parse_cursor(&head(direct.any(), topic).await);
        ends.of(topic).send_replace(Some(end));
    }
    let end = |topic: &Topic| ends.of(topic).borrow().unwrap_or_default();
    let (mut outcome, erased) = judge(plan, &direct, readers, writers, end).await?;
    outcome.erased = erased.len() as u64;
    expect_erased(&plan.writers[0].0, &direct, &erased, end(&plan.writers[0].0)).await?;
    target.expect_without(erased).await?;
    Ok(outcome)
}

/// Checks that readers who come now get none of the deleted texts.
async fn expect_erased(
    room: &Topic,
    direct: &Access,
    erased: &HashSet<String>,
    end: u64,
) -> Result<(), String> {
    for url in &direct.urls {
        let epoch = parse_cursor(&head(url, room).await).0;
        for transport in [Transport::Socket, Transport::Stream, Transport::Poll] {
            let access = Access { urls: vec![url.clone()], ..direct.clone() };
            let (_known, end) = watch::channel(Some(end));
            let reader = Reader::new((room.clone(), transport), access, DEADLINE, &format!("{epoch}:0"), end);
            let reader = in_time(reader.read()).await?;
            if let Some(text) = reader.texts.intersection(erased).next() {
                return Err(format!("a reader by {transport:?} who came later got the deleted {text}"));
            }
        }
    }
    Ok(())
}

/// The last offset of each log, once nothing more is written.
#[derive(Default)]
struct Ends {
    feed: watch::Sender<Option<u64>>,
    room: watch::Sender<Option<u64>>,
}

impl Ends {
    fn of(&self, topic: &Topic) -> &watch::Sender<Option<u64>> {
        if *topic == Topic::Feed { &self.feed } else { &self.room }
    }
}

async fn start_readers(plan: &Plan, access: &Access, direct: &Access, ends: &Ends) -> Vec<Reading> {
    let mut readers = Vec::new();
    for ReaderPlan { topic, transport, delay } in plan.readers.clone() {
        let (cursor, end) = (head(direct.any(), &topic).await, ends.of(&topic).subscribe());
        let reader = Reader::new((topic.clone(), transport), access.clone(), SILENCE, &cursor, end);
        readers.push((
            topic,
            tokio::spawn(async move {
                tokio::time::sleep(delay).await;
                reader.read().await
            }),
        ));
    }
    // Further readers of each server, whose connections meet no faults except the server's death, so that they receive
    // nearly everything. They do not reconnect when it is silent, so the server has to deliver by itself.
    let room = &plan.writers[0].0;
    for url in &direct.urls {
        for (topic, transport) in
            [(room, Transport::Stream), (room, Transport::Socket), (&Topic::Feed, Transport::Stream)]
        {
            let access = Access { urls: vec![url.clone()], ..direct.clone() };
            let (cursor, end) = (head(url, topic).await, ends.of(topic).subscribe());
            let reader = Reader::new((topic.clone(), transport), access, DEADLINE, &cursor, end);
            readers.push((topic.clone(), tokio::spawn(reader.read())));
        }
    }
    readers
}

type Reading = (Topic, tokio::task::JoinHandle<Result<Reader, String>>);

async fn judge(
    plan: &Plan,
    direct: &Access,
    readers: Vec<Reading>,
    writers: Vec<Writer>,
    end: impl Fn(&Topic) -> u64,
) -> Result<(Outcome, HashSet<String>), String> {
    let mut logs = Logs::new();
    let mut outcome = Outcome { readers: readers.len() as u64, ..Outcome::default() };
    let mut finished = Vec::new();
    let ended = Instant::now();
    for (topic, reading) in readers {
        let reader = timeout(DEADLINE, reading).await;
        let reader = reader.map_err(|_| format!("a reader of {topic:?} does not come to the end"))?;
        let reader = reader.map_err(|error| error.to_string())??;
        expect_complete(&reader.segments, end(&topic)).map_err(|how| format!("{topic:?}: {how}"))?;
        for segment in &reader.segments {
            outcome.read += segment.entries.len() as u64;
            logs.entry(topic.clone()).or_default().add(&segment.entries)?;
        }
        outcome.connections += reader.connections;
        outcome.moves += reader.moves;
        outcome.refusals += reader.refusals;
        outcome.resets += reader.segments.len() as u64 - 1;
        finished.push((topic, reader.segments, reader.folded));
    }
    outcome.lag = ended.elapsed();
    let mut stored = Folded::new();
    for (topic, log) in &mut logs {
        // Read only now: retention keeps removing entries, and every reader must have received those that are left.
        let Retained { entries: retained, messages } = retained(direct.any(), topic).await;
        log.expect_durable(&retained, end(topic))?;
        log.add(&retained)?;
        log.expect_no_doubles()?;
        for (_, segments, folded) in finished.iter().filter(|(of, ..)| of == topic) {
            expect_needed_resets(segments, &retained)?;
            if *topic != Topic::Feed {
                let since = segments.last().map_or(0, |segment| segment.after);
                outcome.compared += expect_same_fold(folded, &messages, since)?;
                stored.clone_from(&messages);
            }
        }
        outcome.entries += end(topic);
    }
    if plan.retained == ALL && outcome.resets > 0 {
        return Err("a reset although everything is retained".into());
    }
    let erased = erased(&stored, &writers);
    outcome.files = expect_files(&stored, &writers, direct).await?;
    for writer in writers {
        outcome.rejected += writer.rejected;
        outcome.changes += writer.acknowledged.iter().filter(|one| one.sent.change.is_some()).count() as u64;
        outcome.abandoned += writer.abandoned;
        outcome.repeats += writer.repeats;
        outcome.refusals += writer.refusals;
        outcome.acknowledged += writer.acknowledged.len() as u64;
        for post in &writer.acknowledged {
            logs[&post.topic].expect_post(post)?;
        }
        writer.expect_repeats_known(direct).await?;
    }
    let each = |topic| direct.urls.iter().map(move |url| (topic, url));
    for (topic, url) in logs.keys().flat_map(each) {
        let head = parse_cursor(&head(url, topic).await).1;
        if head != end(topic) {
            return Err(format!("a repeat was stored: the log of {topic:?} ends at {head}"));
        }
    }
    Ok((outcome, erased))
}

/// Checks that each message has the file that was posted with it, that every server sends it whole, and that those of the
/// deleted ones are gone. Returns how many were read.
async fn expect_files(stored: &Folded, writers: &[Writer], direct: &Access) -> Result<u64, String> {
    let (client, mut read) = (reqwest::Client::new(), 0);
    let posts = writers.iter().flat_map(|writer| &writer.acknowledged);
    for (post, file) in posts.filter_map(|post| Some((post, post.sent.file.as_ref()?))) {
        // Retention removed it with its file, or will.
        let Some(message) = stored.get(&post.offset) else { continue };
        let is_deleted = message["deleted"] == true;
        let shown = message["files"][0]["id"].as_str();
        if shown != (!is_deleted).then_some(&file.id) {
            return Err(format!("{message} was posted with {file:?}"));
        }
        for url in &direct.urls {
            let request = client.get(format!("{url}/files/{}/a.txt", file.id)).bearer_auth(&direct.token);
            let answer = request.send().await.map_err(|error| error.to_string())?;
            let status = answer.status().as_u16();
            let text = answer.text().await.map_err(|error| error.to_string())?;
            match (status, is_deleted) {
                (404, true) => {}
                (404, false) if direct.may_trim => {}
                (200, false) if text == file.content => read += 1,
                _ => return Err(format!("{file:?} of {message} is answered with {status} {text}")),
            }
        }
    }
    Ok(read)
}

/// The texts of the deleted messages: the first one of each, those of all edits that were sent, and those of its file.
fn erased(stored: &Folded, writers: &[Writer]) -> HashSet<String> {
    let deleted = stored.iter().filter(|(_, message)| message["deleted"] == true);
    let deleted: HashMap<u64, &str> =
        deleted.map(|(offset, message)| (*offset, message["id"].as_str().unwrap_or_default())).collect();
    let edits = writers.iter().flat_map(|writer| writer.sent.values()).filter(|sent| {
        sent.change
            .as_ref()
            .is_some_and(|change| change.kind == "edit" && deleted.contains_key(&change.target))
    });
    let posts = writers.iter().flat_map(|writer| &writer.acknowledged);
    let posts = posts.filter(|post| post.sent.change.is_none() && deleted.contains_key(&post.offset));
    let files = posts.filter_map(|post| post.sent.file.as_ref()).map(|file| file.content.clone());
    let edits = edits.map(|sent| text_of(&sent.id));
    deleted.values().map(|id| text_of(id)).chain(edits).chain(files).collect()
}

/// Direct access to the servers, without a proxy, with the token of a user created at one of them.
async fn direct(plan: &Plan, target: &Target) -> Access {
    let urls: Vec<_> = target.addresses().map(|address| format!("http://{address}")).collect();
    let token = session(&urls[0]).await;
    let may_refuse = plan.count(|harm| matches!(harm, Harm::CrashDatabase | Harm::RestartDatabase)) > 0;
    Access { urls, token, may_refuse, may_trim: plan.retained != ALL }
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

/// The contents of a log.
struct Retained {
    entries: Vec<Seen>,
    /// The messages of a room as pages show them.
    messages: Folded,
}

/// All retained entries: the messages by pages backwards, and what comes after the last removed entry forwards, with the
/// changes.
async fn retained(url: &str, topic: &Topic) -> Retained {
    let (mut messages, mut query) = (Folded::new(), "?limit=200".to_owned());
    let epoch = loop {
        let page = page(url, topic, &query).await;
        let epoch = parse_cursor(page["cursor"].as_str().unwrap_or_default()).0;
        let epoch = parse_epoch(&epoch).0.to_owned();
        let older = topic.entries(&page);
        if let Some(first) = older.first() {
            query = format!("?limit=200&before={epoch}:{}", topic.entry(first).offset);
        }
        messages.extend(older.into_iter().map(|entry| (topic.entry(&entry).offset, entry)));
        if page["more"] != true {
            break epoch;
        }
    };
    let mut entries: BTreeMap<u64, Seen> =
        messages.iter().map(|(offset, entry)| (*offset, topic.entry(entry))).collect();
    let mut query = format!("?limit=200&after={epoch}:0");
    loop {
        let page = page(url, topic, &query).await;
        let later = topic.entries(&page);
        entries.extend(later.iter().map(|entry| (topic.entry(entry).offset, topic.entry(entry))));
        if later.is_empty() && page["more"] != true {
            // A page's messages have no type.
            for message in messages.values_mut() {
                message.as_object_mut().expect("an entry").remove("type");
            }
            return Retained { entries: entries.into_values().collect(), messages };
        }
        query = format!("?limit=200&after={}", page["cursor"].as_str().expect("every page has one"));
    }
}
