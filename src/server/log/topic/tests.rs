//! Tests of the live end of a log, and of its delivery into real connections.

use std::time::Duration;

use tokio::{
    io::AsyncReadExt,
    net::{TcpListener, TcpStream},
    time::timeout,
};

use super::{
    live_end::{LiveEnd, RING_MAX_ENTRIES, WHISPERS_MAX},
    *,
};
use crate::server::{
    cluster::backplane::Local,
    log::{frame_writer::FrameWriter, wire_format::WireFormat},
};

fn epoch() -> Epoch {
    Epoch::parse("e").expect("fine")
}

fn bounds(head: Offset) -> Bounds {
    Bounds { epoch: epoch(), floor: 0, head }
}

fn live_end_at(head: Offset) -> LiveEnd {
    let mut live_end = LiveEnd::default();
    live_end.learn(&bounds(head));
    live_end
}

fn record(offset: Offset, channel: &str) -> Record {
    let (author, body) = (String::new(), format!("{{\"n\":{offset}}}"));
    let channel = Some(channel.to_owned());
    Record { topic: TopicName::Feed, offset, timestamp: 0, author, client_id: None, channel, body }
}

fn entry(offset: Offset) -> Arc<Entry> {
    let encoded = Encoded::new(Some(&Cursor { epoch: epoch(), offset }), &format!("{{\"n\":{offset}}}"));
    Arc::new(Entry { offset, channel: None, encoded })
}

fn gap(after: Offset, told_head: Offset) -> Option<Gap> {
    Some(Gap { after, told_head })
}

fn offsets(entries: Option<Vec<Arc<Entry>>>) -> Option<Vec<Offset>> {
    entries.map(|entries| entries.iter().map(|entry| entry.offset).collect())
}

#[test]
fn the_ring_gives_what_comes_after_an_offset() {
    let mut end = live_end_at(10);
    end.push(vec![entry(11), entry(12), entry(13)]);
    assert_eq!(offsets(end.recent_after(10, 9)), Some(vec![11, 12, 13]));
    assert_eq!(offsets(end.recent_after(12, 9)), Some(vec![13]));
    assert_eq!(offsets(end.recent_after(13, 9)), Some(vec![]));
    assert_eq!(offsets(end.recent_after(10, 2)), Some(vec![11, 12]));
    assert_eq!(offsets(end.recent_after(9, 9)), None, "older than the ring: the store has it");
}

#[test]
fn what_comes_before_its_turn_waits_for_what_lies_between() {
    let mut end = live_end_at(10);
    end.push(vec![entry(11), entry(13), entry(14)]);
    assert_eq!((end.head(), end.missing()), (11, gap(11, 14)));
    assert_eq!(offsets(end.recent_after(10, 9)), Some(vec![11]));
    end.push(vec![entry(12)]);
    assert_eq!((end.head(), end.missing()), (14, None));
    assert_eq!(offsets(end.recent_after(10, 9)), Some(vec![11, 12, 13, 14]));
}

#[test]
fn a_hole_is_filled_with_what_the_store_has() {
    let mut end = live_end_at(10);
    end.push(vec![entry(13)]);
    end.fill(gap(10, 13).expect("one"), vec![entry(11), entry(12), entry(13)], 13, 13);
    assert_eq!((end.head(), end.missing()), (13, None));
    assert_eq!(offsets(end.recent_after(10, 9)), Some(vec![11, 12, 13]));
}

#[test]
fn after_a_hole_that_is_too_large_or_gone_readers_ask_the_store() {
    let mut end = live_end_at(10);
    end.push(vec![entry(11), entry(500)]);
    end.fill(gap(11, 500).expect("one"), (12..=20).map(entry).collect(), 499, 499);
    assert_eq!((end.head(), end.missing()), (500, None));
    assert_eq!(offsets(end.recent_after(498, 9)), None);
    assert_eq!(offsets(end.recent_after(499, 9)), Some(vec![500]));
}

#[test]
fn a_suspicion_ends_when_the_store_has_nothing_more() {
    let mut end = live_end_at(10);
    end.suspect();
    let stale_found = end.missing().expect("suspected");
    assert_eq!(stale_found, gap(10, 11).expect("one"));
    end.fill(stale_found, vec![], 10, 10);
    assert_eq!((end.head(), end.missing()), (10, None));
}

#[test]
fn a_large_hole_is_filled_part_by_part() {
    let mut end = live_end_at(10);
    end.note_head(400);
    end.fill(end.missing().expect("a hole"), (11..=200).map(entry).collect(), 200, 410);
    assert_eq!((end.head(), end.missing()), (200, gap(200, 410)));
    assert!(end.covers(10));
}

#[test]
fn what_is_told_while_a_hole_is_filled_is_not_forgotten() {
    let mut end = live_end_at(10);
    end.note_head(12);
    let seen = end.missing().expect("a hole");
    end.note_head(15);
    end.fill(seen, vec![entry(11), entry(12)], 12, 12);
    assert_eq!(end.missing(), gap(12, 15));
}

#[test]
fn what_waits_for_its_turn_is_bounded() {
    let mut end = live_end_at(0);
    end.push((2..=2 * RING_MAX_ENTRIES as Offset).map(entry).collect());
    assert_eq!(end.missing(), gap(0, 2 * RING_MAX_ENTRIES as Offset));
    end.push(vec![entry(1)]);
    assert_eq!(end.head(), RING_MAX_ENTRIES as Offset + 1, "the rest comes from the store");
    assert_eq!(end.missing(), gap(end.head(), 2 * RING_MAX_ENTRIES as Offset));
}

#[test]
fn an_announcement_that_comes_twice_or_late_changes_nothing() {
    let mut end = live_end_at(10);
    end.push(vec![entry(11), entry(11), entry(9)]);
    assert_eq!(offsets(end.recent_after(10, 9)), Some(vec![11]));
}

#[test]
fn the_ring_is_bounded() {
    let mut end = live_end_at(0);
    end.push((1..=RING_MAX_ENTRIES as Offset + 5).map(entry).collect());
    assert!(!end.covers(4));
    assert!(end.covers(5));
}

#[test]
fn a_reader_far_behind_has_missed_whispers() {
    let mut end = live_end_at(0);
    let publish_ephemeral = |json| Encoded::new(None, json);
    end.publish_ephemeral(publish_ephemeral("a"));
    assert_eq!(end.ephemerals_after(0), Ephemerals::Frames(vec![publish_ephemeral("a")]));
    assert_eq!(end.ephemerals_after(1), Ephemerals::Frames(vec![]));
    (0..WHISPERS_MAX).for_each(|_| end.publish_ephemeral(publish_ephemeral("b")));
    assert_eq!(end.ephemerals_after(0), Ephemerals::Missed);
}

#[tokio::test]
async fn an_entry_committed_while_the_bounds_are_asked_for_is_not_lost() {
    let topics = topics();
    let (topic, _) = topics.enter(&TopicName::Feed, Arc::default(), Channels::All);
    topics.announce(&epoch(), &[record(11, "c")]);
    topics.learn(&topic, &bounds(10));
    assert_eq!(topic.head(), 11);
    assert!(matches!(topic.read(&epoch(), 10, 9), Recent::Older), "the store has it");
}

fn topics() -> Topics {
    Topics::start(|record| record.body.clone(), Arc::new(Metrics::new(1)), Arc::new(Local::new()))
        .expect("started")
}

/// A connection that stands at the head of a topic, and the far end of it.
struct Standing {
    topics: Topics,
    reader: Arc<Reader>,
    wakeup: Arc<Wakeup>,
    frame_writer: Arc<FrameWriter>,
    peer: TcpStream,
}

impl Standing {
    async fn new(channels: Channels) -> Self {
        let topics = topics();
        let wakeup: Arc<Wakeup> = Arc::default();
        let (topic, reader) = topics.enter(&TopicName::Feed, wakeup.clone(), channels);
        topics.learn(&topic, &bounds(0));
        // As a reader knows it that has read everything.
        let Recent::Nothing(generation) = topic.read(&epoch(), 0, 1) else { panic!("nothing is there") };
        reader.position().generation = generation;
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("bound");
        let address = listener.local_addr().expect("an address");
        let (peer, ours) = tokio::join!(TcpStream::connect(address), listener.accept());
        let frame_writer = Arc::new(FrameWriter::new(ours.expect("accepted").0, WireFormat::Block));
        reader.attach_live(&frame_writer);
        Self { topics, reader, wakeup, frame_writer, peer: peer.expect("connected") }
    }

    async fn notified(&self) {
        timeout(Duration::from_secs(20), self.wakeup.notified()).await.expect("the bell rang");
    }

    async fn expect(&mut self, text: &str) {
        let mut bytes = vec![0; text.len()];
        timeout(Duration::from_secs(20), self.peer.read_exact(&mut bytes))
            .await
            .expect("in time")
            .expect("read");
        assert_eq!(String::from_utf8_lossy(&bytes), text);
    }
}

#[tokio::test]
async fn who_stands_at_the_head_is_written_to_and_not_woken() {
    let mut standing = Standing::new(Channels::All).await;
    standing.topics.announce(&epoch(), &[record(1, "c")]);
    standing.expect("id: e:1\ndata: {\"n\":1}\n\n").await;
    standing.topics.publish_ephemeral(&TopicName::Feed, "{}");
    standing.topics.announce(&epoch(), &[record(2, "c"), record(3, "c")]);
    standing.expect("data: {}\n\nid: e:2\ndata: {\"n\":2}\n\nid: e:3\ndata: {\"n\":3}\n\n").await;
    assert_eq!(standing.reader.position().offset, 3);
    assert!(
        timeout(Duration::ZERO, standing.wakeup.notified()).await.is_err(),
        "there was nothing to do for it"
    );
}

#[tokio::test]
async fn a_channel_that_the_reader_does_not_want_only_moves_its_cursor() {
    let mut standing = Standing::new(Channels::Only(["b".to_owned()].into())).await;
    standing.topics.announce(&epoch(), &[record(1, "a"), record(2, "b"), record(3, "a")]);
    standing.expect("id: e:2\ndata: {\"n\":2}\n\n").await;
    while standing.reader.position().offset < 3 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn what_is_not_in_the_ring_is_left_to_the_reader() {
    let standing = Standing::new(Channels::All).await;
    standing.topics.announce(&epoch(), &[record(2, "c")]); // the first was announced to nobody
    let (topic, _) = standing.topics.enter(&TopicName::Feed, Arc::default(), Channels::All);
    let gap = topic.missing().expect("a hole");
    // The store has had it and removed it meanwhile.
    standing.topics.fill(
        &topic,
        gap,
        &Slice { bounds: bounds(2), removed: 0, records: Vec::new(), more: false },
    );
    standing.notified().await;
    let position = standing.reader.position();
    assert_eq!((position.offset, position.is_live), (0, false));
}

#[tokio::test]
async fn nothing_of_another_numbering_is_written_to_who_stands() {
    let standing = Standing::new(Channels::All).await;
    let (topic, _) = standing.topics.enter(&TopicName::Feed, Arc::default(), Channels::All);
    let restored = Epoch::parse("restored").expect("fine");
    standing.topics.learn(&topic, &Bounds { epoch: restored.clone(), floor: 0, head: 0 });
    standing.notified().await;
    assert!(!standing.reader.position().is_live);
    // Even if it stood: what it has seen is of the numbering before.
    standing.reader.attach_live(&standing.frame_writer);
    standing.topics.announce(&restored, &[record(1, "c")]);
    standing.notified().await;
    assert_eq!(standing.reader.position().offset, 0);
    assert!(matches!(topic.read(&epoch(), 0, 9), Recent::Renumbered));
    assert!(matches!(topic.read(&restored, 0, 9), Recent::Entries(entries) if entries.len() == 1));
}

#[tokio::test]
async fn a_peer_that_does_not_read_is_left_alone_and_what_was_begun_is_finished() {
    let mut standing = Standing::new(Channels::All).await;
    let mut offset = 0;
    while standing.reader.position().is_live {
        offset += 1;
        standing.topics.announce(&epoch(), &[Record { body: "x".repeat(60_000), ..record(offset, "c") }]);
        tokio::task::yield_now().await;
    }
    standing.notified().await;
    let seen = standing.reader.position().offset;
    assert!(seen < offset || standing.frame_writer.is_full(), "something was refused or kept");
    let frame_writer = standing.frame_writer.clone();
    let drained = tokio::spawn(async move { frame_writer.drain(Duration::from_secs(20)).await });
    for offset in 1..=seen {
        standing.expect(&format!("id: e:{offset}\ndata: {}\n\n", "x".repeat(60_000))).await;
    }
    drained.await.expect("it ran").expect("drained");
    assert!(!standing.frame_writer.is_full());
}

fn stand_at(reader: &Reader, offset: Offset, generation: Generation) {
    let mut position = reader.position();
    (position.offset, position.generation) = (offset, generation);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_begins_to_stand_while_a_round_is_on_its_way_gets_what_comes_or_is_woken() {
    let Standing { topics, reader, frame_writer, mut peer, .. } = Standing::new(Channels::All).await;
    let (topics, generation) = (Arc::new(topics), reader.position().generation);
    let drain = tokio::spawn(async move { tokio::io::copy(&mut peer, &mut tokio::io::sink()).await });
    // Others before it, so that the round is on its way for a while.
    let others: Vec<_> =
        (0..30).map(|_| topics.enter(&TopicName::Feed, Arc::default(), Channels::All).1).collect();
    for offset in 1..300 {
        for other in &others {
            stand_at(other, offset - 1, generation);
            other.attach_live(&frame_writer);
        }
        let wakeup: Arc<Wakeup> = Arc::default();
        let (topic, reader) = topics.enter(&TopicName::Feed, wakeup.clone(), Channels::All);
        stand_at(&reader, offset - 1, generation);
        let announcing = topics.clone();
        let announced =
            tokio::task::spawn_blocking(move || announcing.announce(&epoch(), &[record(offset, "c")]));
        for _ in 0..offset * 50 {
            std::hint::spin_loop(); // another moment each time
        }
        reader.attach_live(&frame_writer);
        let told = async {
            while reader.position().offset < offset
                && timeout(Duration::ZERO, wakeup.notified()).await.is_err()
            {
                tokio::task::yield_now().await;
            }
        };
        timeout(Duration::from_secs(5), told).await.expect("it was given the entry, or woken to read it");
        announced.await.expect("announced");
        topics.leave(&topic, &reader);
    }
    drain.abort();
}
