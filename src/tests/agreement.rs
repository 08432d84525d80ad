//! State and entries agree: a page that was loaded earlier and has followed the log shows the same as a page that is
//! loaded now. The models are the pages' own, and they start from the server's initial data.

use fastrand::Rng;
use idobata::{
    app::{
        model::{
            feed::FeedModel,
            room::{RoomModel, SavedView, TimelineItem},
        },
        page_data::{InitialData, PageData, RoomData},
    },
    protocol::{
        chat::ServerFrame,
        cursor::Offset,
        feed::{Entry, Event},
        session::User,
    },
};
use serde_json::{Value, json};

use crate::support::{TestServer, new_id};

/// The page of the feed, or of a channel, as it is loaded now.
async fn load_feed(server: &TestServer, channel: &str) -> FeedModel {
    let path = format!("/fn/start?channel={channel}");
    let start: InitialData = server.get(&path).send().await.unwrap().json().await.unwrap();
    let PageData::Feed { channel, feed } = start.page else { panic!("{start:?}") };
    FeedModel::new(channel, feed)
}

/// The offset of the newest entry on a page.
fn newest(model: &FeedModel) -> Offset {
    let values = model.value_cards().iter().flat_map(|value_card| &value_card.recent);
    values.chain(model.notifications()).map(|entry| entry.offset).max().unwrap_or_default()
}

/// A random entry of any kind: with and without each optional part, and with keys that occur repeatedly.
fn entry(rng: &mut Rng) -> (String, Value) {
    let channel = format!("channel-{}", rng.u8(..4));
    let key = ["", "a", "b", "c"][rng.usize(..4)];
    let mut entry = match rng.u8(..4) {
        0 | 1 => json!({ "type": "update", "value": f64::from(rng.i32(-500..500)) / 8.0 }),
        2 => json!({ "type": "notification", "text": format!("text {}", rng.u32(..)) }),
        _ => json!({ "type": "progress", "key": "job", "done": rng.u8(..10), "total": 10 }),
    };
    if !key.is_empty() {
        entry["key"] = json!(key);
    }
    let extras = match entry["type"].as_str().unwrap() {
        "update" => json!({ "unit": "ms" }),
        "notification" => {
            json!({ "title": "井戸端", "level": "warning", "tags": ["x"], "link": "https://example.org/" })
        }
        _ => json!({ "text": "half" }),
    };
    for (name, extra) in extras.as_object().unwrap() {
        if rng.bool() {
            entry[name] = extra.clone();
        }
    }
    (channel, entry)
}

fn expect_same_feed(followed: &FeedModel, fresh: &FeedModel, seed: u64) {
    assert_eq!(followed.value_cards(), fresh.value_cards(), "seed {seed}");
    assert_eq!(
        followed.notifications().collect::<Vec<_>>(),
        fresh.notifications().collect::<Vec<_>>(),
        "seed {seed}"
    );
}

#[tokio::test]
async fn a_feed_or_a_channel_that_was_followed_is_what_is_loaded_now() {
    let seed = fastrand::u64(..);
    let mut rng = Rng::with_seed(seed);
    let server = TestServer::start().await;
    let mut followed = load_feed(&server, "").await;
    let mut stream = server.stream(&format!("?after={}", followed.cursor())).await;
    stream.connected().await;
    let mut channel = load_feed(&server, "channel-1").await;
    let mut of_channel = server.stream(&format!("?after={}&channel=channel-1", channel.cursor())).await;
    of_channel.connected().await;
    for _ in 0..40 {
        for _ in 0..rng.usize(1..60) {
            let (channel, entry) = entry(&mut rng);
            let published = server.post(&format!("/api/events/{channel}")).json(&entry).send().await.unwrap();
            assert_eq!(published.status(), 201, "seed {seed}: {entry}");
        }
        let fresh = load_feed(&server, "").await;
        while followed.cursor().offset < fresh.cursor().offset {
            let entry: Entry = serde_json::from_value(stream.event().await.1).unwrap();
            followed.apply(Event::Entry(entry));
        }
        assert_eq!(followed.cursor(), fresh.cursor(), "seed {seed}");
        expect_same_feed(&followed, &fresh, seed);
        let fresh = load_feed(&server, "channel-1").await;
        while channel.cursor().offset < newest(&fresh) {
            let entry: Entry = serde_json::from_value(of_channel.event().await.1).unwrap();
            channel.apply(Event::Entry(entry));
        }
        expect_same_feed(&channel, &fresh, seed);
    }
}

/// The initial data of a room's page.
async fn start(server: &TestServer, token: &str) -> RoomModel {
    let request = server.get("/fn/start?room=general").bearer_auth(token);
    let start: InitialData = request.send().await.unwrap().json().await.unwrap();
    let PageData::Room { room: Some(start), .. } = start.page else { panic!("{start:?}") };
    let RoomData { room, me, page, members, .. } = start;
    RoomModel::new(room, me, page, members, SavedView::default())
}

fn offsets(model: &RoomModel) -> Vec<Offset> {
    let offset = |line: &TimelineItem| match line {
        TimelineItem::Message(shown) => Some(shown.message.offset),
        TimelineItem::Draft(_) | TimelineItem::Divider => None,
    };
    model.timeline().iter().filter_map(offset).collect()
}

#[tokio::test]
async fn a_room_that_was_followed_is_the_room_that_is_loaded_now() {
    let seed = fastrand::u64(..);
    let mut rng = Rng::with_seed(seed);
    let server = TestServer::start().await;
    let alice = server.person("alice").await;
    let mut followed = start(&server, &alice.session.token).await;
    let mut socket = alice.socket().await;
    socket.join("general", json!({ "after": followed.cursor().to_string() })).await;
    followed.apply(
        ServerFrame::Members {
            room: followed.room.id.clone(),
            members: vec![alice.session.user.clone()],
            away: Vec::new(),
        },
        0,
    );
    let mut present = Vec::new();
    for round in 0..60 {
        match rng.u8(..6) {
            0 => {
                let person = server.person(&format!("p{round}")).await;
                let mut theirs = person.socket().await;
                theirs.join("general", json!({})).await;
                present.push((person, theirs));
            }
            1 if !present.is_empty() => {
                let (_, mut theirs) = present.swap_remove(rng.usize(..present.len()));
                theirs.close().await;
            }
            2 if !present.is_empty() => {
                let index = rng.usize(..present.len());
                present[index].1.send(json!({ "type": "typing", "room": "general" })).await;
            }
            _ => {
                let text = format!("message {round}\n二行目");
                let author = present.first().map_or(&alice, |(person, _)| person);
                assert_eq!(author.post("general", &new_id(), &text).await.status(), 201);
            }
        }
        // Once the server counts one socket less, it has noticed who closed.
        server.expect_connections("socket", present.len() as u64 + 1).await;
        let fresh = start(&server, &alice.session.token).await;
        let mut names: Vec<User> = present.iter().map(|(person, _)| person.session.user.clone()).collect();
        names.push(alice.session.user.clone());
        while followed.cursor() != fresh.cursor() || followed.members().len() != names.len() {
            followed.apply(serde_json::from_value(socket.frame().await).unwrap(), 0);
        }
        assert_eq!(followed.members(), fresh.members(), "seed {seed}, round {round}");
        let (ours, theirs) = (offsets(&followed), offsets(&fresh));
        assert_eq!(ours[ours.len() - theirs.len()..], theirs, "seed {seed}, round {round}");
        let newest = fresh.timeline().len();
        assert_eq!(
            followed.timeline()[followed.timeline().len() - newest..],
            fresh.timeline(),
            "seed {seed}, round {round}"
        );
    }
}
