//! Tests of the live end of a topic, and of live delivery into real connections.

use std::time::Duration;

use tokio::{
    io::AsyncReadExt,
    net::{TcpListener, TcpStream},
    time::timeout,
};

use super::{
    Encoders,
    live_end::{EPHEMERALS_MAX, LiveEnd, RING_MAX_ENTRIES},
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

fn appended(offset: Offset, channel: &str) -> Appended {
    let (author, body) = (String::new(), format!("{{\"n\":{offset}}}"));
    let (topic, channel) = (TopicName::Feed, Some(channel.to_owned()));
    let record = Record { topic, offset, timestamp: 0, author, client_id: None, channel, body, target: None };
    Appended { record, first: true, folded: None, unchanged: None }
}

fn entry(offset: Offset) -> Arc<Entry> {
    let encoded = Encoded::new(Some(&Cursor { epoch: epoch(), offset }), &format!("{{\"n\":{offset}}}"));
    Arc::new(Entry { offset, channel: None, change: None, encoded })
}

fn gap(after: Offset, announced_head: Offset) -> Option<Gap> {
    Some(Gap { after, announced_head })
}

fn offsets(entries: Option<Vec<Arc<Entry>>>) -> Option<Vec<Offset>> {
    entries.map(|entries| entries.iter().map(|entry| entry.offset).collect())
}

#[test]
fn the_ring_gives_the_entries_after_an_offset() {
    let mut end = live_end_at(10);
    end.push(vec![entry(11), entry(12), entry(13)]);
    assert_eq!(offsets(end.recent_after(10, 9)), Some(vec![11, 12, 13]));
    assert_eq!(offsets(end.recent_after(12, 9)), Some(vec![13]));
    assert_eq!(offsets(end.recent_after(13, 9)), Some(vec![]));
    assert_eq!(offsets(end.recent_after(10, 2)), Some(vec![11, 12]));
    assert_eq!(offsets(end.recent_after(9, 9)), None, "older than the ring: the store has it");
}

#[test]
fn an_entry_before_its_turn_waits_for_those_between() {
    let mut end = live_end_at(10);
    end.push(vec![entry(11), entry(13), entry(14)]);
    assert_eq!((end.head(), end.missing()), (11, gap(11, 14)));
    assert_eq!(offsets(end.recent_after(10, 9)), Some(vec![11]));
    end.push(vec![entry(12)]);
    assert_eq!((end.head(), end.missing()), (14, None));
    assert_eq!(offsets(end.recent_after(10, 9)), Some(vec![11, 12, 13, 14]));
}

#[test]
fn a_gap_is_filled_with_the_entries_of_the_store() {
    let mut end = live_end_at(10);
    end.push(vec![entry(13)]);
    end.fill(gap(10, 13).expect("one"), vec![entry(11), entry(12), entry(13)], 13, 13);
    assert_eq!((end.head(), end.missing()), (13, None));
    assert_eq!(offsets(end.recent_after(10, 9)), Some(vec![11, 12, 13]));
}

#[test]
fn after_a_gap_that_is_too_large_or_gone_readers_read_the_store() {
    let mut end = live_end_at(10);
    end.push(vec![entry(11), entry(500)]);
    end.fill(gap(11, 500).expect("one"), (12..=20).map(entry).collect(), 499, 499);
    assert_eq!((end.head(), end.missing()), (500, None));
    assert_eq!(offsets(end.recent_after(498, 9)), None);
    assert_eq!(offsets(end.recent_after(499, 9)), Some(vec![500]));
}

fn change(offset: Offset, target: Offset, erases: bool) -> Arc<Entry> {
    let encoded = Encoded::new(Some(&Cursor { epoch: epoch(), offset }), "{}");
    Arc::new(Entry { offset, channel: None, change: Some(EntryChange { target, erases }), encoded })
}

#[test]
fn a_deletion_leaves_nothing_of_its_entry_and_of_its_changes_in_memory() {
    let mut end = live_end_at(10);
    end.push(vec![entry(11), entry(12), change(13, 11, false), entry(14), change(15, 11, true)]);
    assert_eq!(offsets(end.recent_after(10, 9)), None, "the store has them without what was erased");
    assert_eq!(offsets(end.recent_after(12, 9)), None);
    assert_eq!(offsets(end.recent_after(13, 9)), Some(vec![14, 15]));
    end.push(vec![change(16, 14, false)]);
    assert_eq!(offsets(end.recent_after(13, 9)), Some(vec![14, 15, 16]), "a change that erases nothing");
}

#[test]
fn what_comes_late_of_an_erased_entry_is_taken_from_the_store() {
    let mut end = live_end_at(10);
    end.push(vec![change(12, 11, false), change(13, 11, true)]);
    // Another node's announcement of what it was before.
    end.push(vec![entry(11), change(12, 11, false)]);
    assert_eq!((end.head(), end.missing()), (10, gap(10, 13)));
    // A read that began before the deletion.
    end.fill(gap(10, 13).expect("one"), vec![entry(11), change(12, 11, false)], 12, 12);
    assert_eq!((end.head(), end.missing()), (10, gap(10, 13)));
    let stored = vec![entry(11), change(12, 11, false), change(13, 11, true)];
    end.fill(gap(10, 13).expect("one"), stored, 13, 13);
    assert_eq!((end.head(), end.missing()), (13, None));
    assert_eq!(offsets(end.recent_after(11, 9)), None);
    end.push(vec![entry(14)]);
    assert_eq!(offsets(end.recent_after(13, 9)), Some(vec![14]));
}

#[test]
fn changes_are_not_counted_among_the_newest() {
    let mut end = live_end_at(10);
    end.push(vec![entry(11), entry(12), change(13, 11, false), entry(14), change(15, 11, false)]);
    assert_eq!([0, 1, 2, 3].map(|count| end.before_newest(count)), [Some(15), Some(13), Some(11), Some(10)]);
    assert_eq!(end.before_newest(4), None, "the store knows");
}

#[test]
fn a_suspicion_ends_when_the_store_has_nothing_more() {
    let mut end = live_end_at(10);
    end.suspect();
    let suspected = end.missing().expect("suspected");
    assert_eq!(suspected, gap(10, 11).expect("one"));
    end.fill(suspected, vec![], 10, 10);
    assert_eq!((end.head(), end.missing()), (10, None));
}

#[test]
fn a_large_gap_is_filled_part_by_part() {
    let mut end = live_end_at(10);
    end.note_head(400);
    end.fill(end.missing().expect("a gap"), (11..=200).map(entry).collect(), 200, 410);
    assert_eq!((end.head(), end.missing()), (200, gap(200, 410)));
    assert!(end.covers(10));
}

#[test]
fn an_announcement_while_a_gap_is_filled_is_not_forgotten() {
    let mut end = live_end_at(10);
    end.note_head(12);
    let seen = end.missing().expect("a gap");
    end.note_head(15);
    end.fill(seen, vec![entry(11), entry(12)], 12, 12);
    assert_eq!(end.missing(), gap(12, 15));
}

#[test]
fn entries_that_wait_for_their_turn_are_bounded() {
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
fn a_reader_far_behind_has_missed_ephemeral_frames() {
    let mut end = live_end_at(0);
    let ephemeral = |json| Encoded::new(None, json);
    end.publish_ephemeral(ephemeral("a"));
    assert_eq!(end.ephemerals_after(0), Ephemerals::Frames(vec![ephemeral("a")]));
    assert_eq!(end.ephemerals_after(1), Ephemerals::Frames(vec![]));
    (0..EPHEMERALS_MAX).for_each(|_| end.publish_ephemeral(ephemeral("b")));
    assert_eq!(end.ephemerals_after(0), Ephemerals::Missed);
}

#[tokio::test]
async fn an_entry_committed_while_the_bounds_are_read_is_not_lost() {
    let topics = topics();
    let (topic, _) = topics.enter(&TopicName::Feed, Arc::default(), Channels::All);
    topics.announce(&epoch(), &[appended(11, "c")]);
    topics.learn(&topic, &bounds(10));
    assert_eq!(topic.head(), 11);
    assert!(matches!(topic.read(&epoch(), 10, 9), Recent::Older), "the store has it");
}

fn topics() -> Topics {
    Topics::start(Encoders::verbatim(), Arc::new(Metrics::default()), Arc::new(Local::new()))
        .expect("started")
}

/// A live connection at the head of a topic, and its far end.
struct LiveReader {
    topics: Topics,
    reader: Arc<Reader>,
    wakeup: Arc<Wakeup>,
    frame_writer: Arc<FrameWriter>,
    peer: TcpStream,
}

impl LiveReader {
    async fn new(channels: Channels) -> Self {
        let topics = topics();
        let wakeup: Arc<Wakeup> = Arc::default();
        let (topic, reader) = topics.enter(&TopicName::Feed, wakeup.clone(), channels);
        topics.learn(&topic, &bounds(0));
        // As for a reader that has read everything.
        let Recent::Nothing(generation) = topic.read(&epoch(), 0, 1) else { panic!("nothing is there") };
        reader.position().generation = generation;
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("bound");
        let address = listener.local_addr().expect("an address");
        let (peer, ours) = tokio::join!(TcpStream::connect(address), listener.accept());
        let frame_writer = Arc::new(FrameWriter::new(ours.expect("accepted").0, WireFormat::Sse));
        reader.attach_live(&frame_writer);
        Self { topics, reader, wakeup, frame_writer, peer: peer.expect("connected") }
    }

    async fn notified(&self) {
        timeout(Duration::from_secs(20), self.wakeup.notified()).await.expect("the wakeup was notified");
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
async fn a_live_reader_is_written_to_and_not_woken() {
    let mut live = LiveReader::new(Channels::All).await;
    live.topics.announce(&epoch(), &[appended(1, "c")]);
    live.expect("id: e:1\ndata: {\"n\":1}\n\n").await;
    live.topics.publish_ephemeral(&TopicName::Feed, "{}");
    live.topics.announce(&epoch(), &[appended(2, "c"), appended(3, "c")]);
    live.expect("data: {}\n\nid: e:2\ndata: {\"n\":2}\n\nid: e:3\ndata: {\"n\":3}\n\n").await;
    assert_eq!(live.reader.position().offset, 3);
    assert!(timeout(Duration::ZERO, live.wakeup.notified()).await.is_err(), "there was nothing to do for it");
}

#[tokio::test]
async fn an_entry_of_another_channel_only_moves_the_cursor() {
    let mut live = LiveReader::new(Channels::Only(["b".to_owned()].into())).await;
    live.topics.announce(&epoch(), &[appended(1, "a"), appended(2, "b"), appended(3, "a")]);
    live.expect("id: e:2\ndata: {\"n\":2}\n\n").await;
    while live.reader.position().offset < 3 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn entries_outside_the_ring_are_left_to_the_reader() {
    let live = LiveReader::new(Channels::All).await;
    live.topics.announce(&epoch(), &[appended(2, "c")]); // the first was never announced
    let (topic, _) = live.topics.enter(&TopicName::Feed, Arc::default(), Channels::All);
    let gap = topic.missing().expect("a gap");
    // The store had it and has removed it meanwhile.
    live.topics.fill(&topic, gap, &Slice { bounds: bounds(2), removed: 0, records: Vec::new(), more: false });
    live.notified().await;
    let position = live.reader.position();
    assert_eq!((position.offset, position.is_live), (0, false));
}

#[tokio::test]
async fn no_entry_of_another_epoch_is_written_to_a_live_reader() {
    let live = LiveReader::new(Channels::All).await;
    let (topic, _) = live.topics.enter(&TopicName::Feed, Arc::default(), Channels::All);
    let restored = Epoch::parse("restored").expect("fine");
    live.topics.learn(&topic, &Bounds { epoch: restored.clone(), floor: 0, head: 0 });
    live.notified().await;
    assert!(!live.reader.position().is_live);
    // Even if it is live: it has seen entries of the epoch before.
    live.reader.attach_live(&live.frame_writer);
    live.topics.announce(&restored, &[appended(1, "c")]);
    live.notified().await;
    assert_eq!(live.reader.position().offset, 0);
    assert!(matches!(topic.read(&epoch(), 0, 9), Recent::EpochChanged));
    assert!(matches!(topic.read(&restored, 0, 9), Recent::Entries(entries) if entries.len() == 1));
}

#[tokio::test]
async fn a_peer_that_does_not_read_is_left_alone_and_a_chunk_that_was_begun_is_finished() {
    let mut live = LiveReader::new(Channels::All).await;
    let mut offset = 0;
    while live.reader.position().is_live {
        offset += 1;
        let mut long = appended(offset, "c");
        long.record.body = "x".repeat(60_000);
        live.topics.announce(&epoch(), &[long]);
        tokio::task::yield_now().await;
    }
    live.notified().await;
    let seen = live.reader.position().offset;
    assert!(seen < offset || live.frame_writer.is_full(), "a write blocked or was buffered");
    let frame_writer = live.frame_writer.clone();
    let drained = tokio::spawn(async move { frame_writer.drain(Duration::from_secs(20)).await });
    for offset in 1..=seen {
        live.expect(&format!("id: e:{offset}\ndata: {}\n\n", "x".repeat(60_000))).await;
    }
    drained.await.expect("it ran").expect("drained");
    assert!(!live.frame_writer.is_full());
}

fn place_at(reader: &Reader, offset: Offset, generation: Generation) {
    let mut position = reader.position();
    (position.offset, position.generation) = (offset, generation);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_becomes_live_during_a_pass_gets_the_entry_or_is_woken() {
    let LiveReader { topics, reader, frame_writer, mut peer, .. } = LiveReader::new(Channels::All).await;
    let (topics, generation) = (Arc::new(topics), reader.position().generation);
    let drain = tokio::spawn(async move { tokio::io::copy(&mut peer, &mut tokio::io::sink()).await });
    // Others before it, so that the pass takes a while.
    let others: Vec<_> =
        (0..30).map(|_| topics.enter(&TopicName::Feed, Arc::default(), Channels::All).1).collect();
    for offset in 1..300 {
        for other in &others {
            place_at(other, offset - 1, generation);
            other.attach_live(&frame_writer);
        }
        let wakeup: Arc<Wakeup> = Arc::default();
        let (topic, reader) = topics.enter(&TopicName::Feed, wakeup.clone(), Channels::All);
        place_at(&reader, offset - 1, generation);
        let announcing = topics.clone();
        let announced =
            tokio::task::spawn_blocking(move || announcing.announce(&epoch(), &[appended(offset, "c")]));
        for _ in 0..offset * 50 {
            std::hint::spin_loop(); // another moment each time
        }
        reader.attach_live(&frame_writer);
        let served = async {
            while reader.position().offset < offset
                && timeout(Duration::ZERO, wakeup.notified()).await.is_err()
            {
                tokio::task::yield_now().await;
            }
        };
        timeout(Duration::from_secs(5), served).await.expect("it was given the entry, or woken to read it");
        announced.await.expect("announced");
        topics.leave(&topic, &reader);
    }
    drain.abort();
}
