//! Tests of the live end of a log.

use super::*;

fn topic_at(head: Offset) -> Topic {
    let topic = Topic::new(TopicName::Feed);
    topic.learn(&Bounds { epoch: Epoch::parse("e").expect("fine"), floor: 0, head });
    topic
}

fn record(offset: Offset) -> Record {
    let (author, body) = (String::new(), format!("{{\"n\":{offset}}}"));
    let topic = TopicName::Feed;
    Record { topic, offset, timestamp: 0, author, client_id: None, channel: None, body }
}

fn entry(offset: Offset) -> Arc<Entry> {
    let record = record(offset);
    Arc::new(Entry::new(&Epoch::parse("e").expect("fine"), &record, &record.body))
}

fn offsets(entries: Option<Vec<Arc<Entry>>>) -> Option<Vec<Offset>> {
    entries.map(|entries| entries.iter().map(|entry| entry.offset).collect())
}

#[test]
fn an_entry_is_one_block_with_its_json_inside() {
    let entry = entry(7);
    assert_eq!(entry.block(), &"id: e:7\ndata: {\"n\":7}\n\n");
    assert_eq!(entry.json(), "{\"n\":7}");
}

#[test]
fn the_ring_gives_what_comes_after_an_offset() {
    let topic = topic_at(10);
    topic.push(vec![entry(11), entry(12), entry(13)]);
    assert_eq!(offsets(topic.recent_after(10, 9)), Some(vec![11, 12, 13]));
    assert_eq!(offsets(topic.recent_after(12, 9)), Some(vec![13]));
    assert_eq!(offsets(topic.recent_after(13, 9)), Some(vec![]));
    assert_eq!(offsets(topic.recent_after(10, 2)), Some(vec![11, 12]));
    assert_eq!(offsets(topic.recent_after(9, 9)), None, "older than the ring: the store has it");
}

#[test]
fn a_hole_empties_the_ring_so_that_the_store_is_asked() {
    let topic = topic_at(10);
    topic.push(vec![entry(11), entry(13)]);
    assert_eq!(topic.head(), 13);
    assert_eq!(offsets(topic.recent_after(11, 9)), None);
    assert_eq!(offsets(topic.recent_after(12, 9)), Some(vec![13]));
}

#[test]
fn an_announcement_that_comes_twice_or_late_changes_nothing() {
    let topic = topic_at(10);
    topic.push(vec![entry(11), entry(11), entry(9)]);
    assert_eq!(offsets(topic.recent_after(10, 9)), Some(vec![11]));
}

#[test]
fn an_entry_committed_while_the_bounds_are_asked_for_is_not_lost() {
    let topics = Topics::new(|record| record.body.clone(), Arc::new(Metrics::new(1)));
    let (topic, _) = topics.enter(&TopicName::Feed, Arc::new(Bell::default()));
    topics.announce(&[record(11)]);
    topic.learn(&Bounds { epoch: Epoch::parse("e").expect("fine"), floor: 0, head: 10 });
    assert_eq!(topic.head(), 11);
    assert_eq!(offsets(topic.recent_after(10, 9)), None, "the store has it");
}

#[test]
fn the_ring_is_bounded() {
    let topic = topic_at(0);
    topic.push((1..=RING_MAX_ENTRIES as Offset + 5).map(entry).collect());
    assert!(!topic.covers(4));
    assert!(topic.covers(5));
}

#[test]
fn a_reader_far_behind_has_missed_whispers() {
    let topic = topic_at(0);
    topic.whisper(Bytes::from_static(b"a"));
    assert_eq!(topic.whispers_after(0), Whispers::Frames(vec![Bytes::from_static(b"a")]));
    assert_eq!(topic.whispers_after(1), Whispers::Frames(vec![]));
    (0..WHISPERS_MAX).for_each(|_| topic.whisper(Bytes::from_static(b"b")));
    assert_eq!(topic.whispers_after(0), Whispers::Missed);
}
