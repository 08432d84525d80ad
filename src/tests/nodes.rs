//! Several nodes on one PostgreSQL and one Redis: a post at one node reaches the readers of all, whichever nodes they
//! use, and through failures of Redis.

use std::collections::HashSet;

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{
    Gate, Nodes, Person, RedisServer, Socket, Stream, TestServer, in_time, new_id, problem,
};

/// The offsets of the next messages up to `last`.
async fn offsets(socket: &mut Socket, last: u64) -> Vec<u64> {
    let mut offsets = Vec::new();
    while offsets.last() != Some(&last) {
        offsets.push(socket.expect("message").await["offset"].as_u64().unwrap());
    }
    offsets
}

async fn post(person: &Person, text: &str) -> u64 {
    let posted = person.post("general", &new_id(), text).await;
    assert_eq!(posted.status(), 201);
    posted.json::<Value>().await.unwrap()["offset"].as_u64().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_posted_at_any_node_comes_to_the_readers_of_all_once_and_in_order() {
    const EACH: u64 = 60;
    let nodes = Nodes::start(3).await;
    let alice = nodes.person("alice").await;
    let mut sockets = Vec::new();
    for server in &nodes.servers {
        let mut socket = alice.at(server).socket().await;
        socket.join("general", json!({})).await;
        sockets.push(socket);
    }
    let mut stream = nodes.node(1).room_stream("general", "").await;
    assert_eq!(stream.event().await.1["type"], "joined");
    let posting = nodes.servers.iter().map(|server| {
        let alice = alice.at(server);
        tokio::spawn(async move {
            for n in 0..EACH {
                post(&alice, &n.to_string()).await;
            }
        })
    });
    let posting: Vec<_> = posting.collect();
    let all: Vec<u64> = (1..=3 * EACH).collect();
    for socket in &mut sockets {
        assert_eq!(offsets(socket, 3 * EACH).await, all);
    }
    let mut streamed = Vec::new();
    while streamed.len() < all.len() {
        let (_, data) = stream.event().await;
        if data["type"] == "message" {
            streamed.push(data["offset"].as_u64().unwrap());
        }
    }
    assert_eq!(streamed, all);
    for task in posting {
        task.await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_who_comes_back_to_another_node_each_time_misses_nothing() {
    let nodes = Nodes::start(3).await;
    let alice = nodes.person("alice").await;
    let writing = alice.at(nodes.node(2));
    let writer = tokio::spawn(async move {
        for n in 0..150 {
            post(&writing, &n.to_string()).await;
        }
    });
    let (mut seen, mut after, mut turn) = (Vec::new(), None::<String>, 0);
    while seen.len() < 150 {
        let mut socket = alice.at(nodes.node(turn % 3)).socket().await;
        let more = after.as_ref().map_or(json!({ "last": 500 }), |after| json!({ "after": after }));
        let joined = socket.join("general", more).await;
        assert_eq!(joined["recovered"], true, "{joined}");
        for _ in 0..5.min(150 - seen.len()) {
            let message = socket.expect("message").await;
            seen.push(message["offset"].as_u64().unwrap());
            after = Some(format!("{}:{}", joined["epoch"].as_str().unwrap(), message["offset"]));
        }
        turn += 1;
    }
    assert_eq!(seen, (1..=150).collect::<Vec<_>>());
    writer.await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_feed_is_one_on_all_nodes() {
    let nodes = Nodes::start(2).await;
    let mut stream = nodes.node(1).stream("").await;
    let cursor = stream.connected().await;
    let path = format!("/api/events?after={cursor}&wait=25");
    let poll = tokio::spawn(nodes.node(1).get(&path).header("accept", "application/json").send());
    nodes.node(1).expect_connections("poll", 1).await;
    nodes.node(0).publish("ops", "backup done").await;
    assert_eq!(stream.texts(1).await, ["backup done"]);
    let page: Value = in_time(poll).await.unwrap().unwrap().json().await.unwrap();
    assert_eq!(page["events"][0]["text"], "backup done");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_redis_entries_come_from_the_database_and_with_it_again_at_once() {
    let mut redis = RedisServer::start();
    let mut nodes = Nodes::none().await;
    nodes.add(&redis.url()).await;
    nodes.add(&redis.url()).await;
    let alice = nodes.person("alice").await;
    let mut bob = nodes.person("bob").await.at(nodes.node(1)).socket().await;
    bob.join("general", json!({})).await;
    let mut last = post(&alice, "with Redis").await;
    assert_eq!(offsets(&mut bob, last).await, [1]);
    redis.crash();
    nodes.until_ready(1, "Redis cannot be reached").await;
    assert_eq!(nodes.node(1).metric("idobata_backplane_up ").await, 0);
    for _ in 0..3 {
        last = post(&alice, "without Redis").await;
    }
    assert_eq!(offsets(&mut bob, last).await, [2, 3, 4]);
    redis.start_again();
    for number in 0..2 {
        nodes.until_ready(number, "ready\n").await;
    }
    let heard = nodes.node(1).metric("idobata_announcements_heard_total ").await;
    in_time(async {
        while nodes.node(1).metric("idobata_announcements_heard_total ").await == heard {
            last = post(&alice, "and back").await;
        }
    })
    .await;
    assert_eq!(offsets(&mut bob, last).await, (5..=last).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_is_cut_off_from_redis_goes_on_and_the_others_do_not_notice() {
    let redis = RedisServer::shared();
    let gate = Gate::before(redis.address()).await;
    let mut nodes = Nodes::none().await;
    nodes.add(&redis.url()).await;
    nodes.add(&format!("redis://{}", gate.address())).await;
    let alice = nodes.person("alice").await;
    let cut_off = alice.at(nodes.node(1));
    let (mut here, mut there) = (alice.socket().await, cut_off.socket().await);
    here.join("general", json!({})).await;
    there.join("general", json!({})).await;
    gate.silence();
    nodes.until_ready(1, "Redis cannot be reached").await;
    nodes.until_ready(0, "ready\n").await;
    for _ in 0..5 {
        post(&alice, "heard by looking").await;
        post(&cut_off, "nobody is told of this").await;
    }
    for socket in [&mut here, &mut there] {
        assert_eq!(offsets(socket, 10).await, (1..=10).collect::<Vec<_>>());
    }
    gate.open();
    nodes.until_ready(1, "ready\n").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn people_on_two_nodes_see_each_other_come_type_and_go() {
    let nodes = Nodes::start(2).await;
    let (alice, bob) = (nodes.person("alice").await, nodes.person("bob").await.at(nodes.node(1)));
    let mut here = alice.socket().await;
    here.join("general", json!({})).await;
    let mut there = bob.socket().await;
    there.join("general", json!({})).await;
    assert_eq!(here.expect("user-joined").await["user"], "bob");
    there.send(json!({ "type": "typing", "room": "general" })).await;
    assert_eq!(here.expect("typing").await["user"], "bob");
    // A user who joins now is told of both, at any node.
    for server in &nodes.servers {
        let mut socket = alice.at(server).socket().await;
        let mut members: Vec<Value> = socket.join("general", json!({})).await["members"]
            .as_array()
            .unwrap()
            .iter()
            .map(|member| member["name"].clone())
            .collect();
        members.sort_by_key(Value::to_string);
        assert_eq!(members, ["alice", "bob"]);
    }
    there.close().await;
    assert_eq!(here.expect("user-left").await["user"], "bob");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_limit_is_one_for_all_nodes() {
    let nodes = Nodes::start_limited(3, &["--limit-messages", "10/1h"]).await;
    let alice = nodes.person("alice").await;
    for n in 0..10 {
        post(&alice.at(nodes.node(n % 3)), "one of ten").await;
    }
    for server in &nodes.servers {
        let refused = alice.at(server).post("general", &new_id(), "one too many").await;
        let wait: u64 = refused.headers()["retry-after"].to_str().unwrap().parse().unwrap();
        assert!((1..=360).contains(&wait), "{wait}");
        assert_eq!(problem(refused, 429).await, "too_many_requests");
    }
}

#[tokio::test]
async fn nodes_need_one_key_and_one_database() {
    let redis = RedisServer::shared().url();
    let refused = TestServer::refused(&["--redis-url", &redis]).await;
    assert!(refused.contains("JWT_SECRET"), "{refused}");
    let key = ["--jwt-secret", "the nodes of a test sign with this key"];
    let refused = TestServer::refused(&[&["--redis-url", &redis], &key[..]].concat()).await;
    assert!(refused.contains("DATABASE_URL=postgres://"), "{refused}");
    let refused =
        TestServer::refused(&[&["--redis-url", "http://hunter2@localhost"], &key[..]].concat()).await;
    assert!(refused.contains("redis://HOST:PORT") && !refused.contains("hunter2"), "{refused}");
}

#[tokio::test]
async fn a_server_without_redis_does_not_join_nodes_that_have_one() {
    let nodes = Nodes::start(1).await;
    let refused = TestServer::refused(&["--database-url", nodes.database()]).await;
    assert!(refused.contains("--redis-url"), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn polls_that_go_round_the_nodes_wait_as_at_one() {
    let nodes = Nodes::start(2).await;
    let (alice, bob) = (nodes.person("alice").await, nodes.person("bob").await);
    let mut there = bob.at(nodes.node(1)).socket().await;
    there.join("general", json!({})).await;
    // Until both nodes know of both users, the poll returns early.
    let page = |seen: String| {
        let alice = alice.at(nodes.node(seen.len() % 2));
        async move {
            let path = format!("/api/rooms/general/messages?limit=1&seen={seen}");
            alice.get(&path).send().await.unwrap().json::<Value>().await.unwrap()
        }
    };
    drop(page(String::new()).await);
    let names = |page: &Value| page["members"].as_array().map(Vec::len);
    let known = in_time(async {
        loop {
            let pages = [page("a".into()).await, page("bb".into()).await];
            if pages.iter().all(|page| names(page) == Some(2)) {
                return pages;
            }
        }
    })
    .await;
    let seen: HashSet<&str> = known.iter().map(|page| page["seen"].as_str().unwrap()).collect();
    assert_eq!(seen.len(), 1, "both nodes have one name for what both know: {known:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_who_is_removed_at_one_node_hears_nothing_more_at_another() {
    let nodes = Nodes::start(3).await;
    let (alice, bob) = (nodes.person("alice").await, nodes.person("bob").await);
    let made = alice.send(Method::POST, "/api/rooms", &json!({ "name": "Secret", "private": true })).await;
    assert_eq!(made.status(), 201);
    let _seen = {
        // He is found by his name while he is present in a room.
        let mut socket = bob.at(nodes.node(1)).socket().await;
        socket.join("general", json!({})).await;
        in_time(async {
            let add = json!({ "name": "bob" });
            while alice.send(Method::POST, "/api/rooms/secret/members", &add).await.status() != 201 {
                tokio::task::yield_now().await;
            }
        })
        .await;
        socket
    };
    let bob = bob.at(nodes.node(1));
    let mut socket = bob.socket().await;
    in_time(async {
        // The invitation reaches the other node a little later.
        loop {
            socket.send(json!({ "type": "join", "room": "secret" })).await;
            match socket.frame().await {
                frame if frame["type"] == "joined" => return,
                frame => assert_eq!(frame["code"], "unknown_room", "{frame}"),
            }
        }
    })
    .await;
    let mut stream = Stream::open(bob.get("/api/rooms/secret/events")).await;
    assert_eq!(stream.event().await.1["type"], "joined");
    let path = format!("/api/rooms/secret/members/{}", bob.session.user.id);
    assert_eq!(alice.send(Method::DELETE, &path, &json!(null)).await.status(), 204);
    for server in &nodes.servers {
        let said = alice.at(server).post("secret", &new_id(), "bob must not read this").await;
        assert_eq!(said.status(), 201);
    }
    loop {
        let frame = socket.frame().await;
        assert_ne!(frame["type"], "message", "{frame}");
        if frame["type"] == "rejected" {
            break;
        }
    }
    socket.is_alive().await;
    while let Some(block) = stream.block().await {
        assert!(block.data.as_ref().is_none_or(|data| data["type"] != "message"), "{block:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guest_who_leaves_at_one_node_is_let_go_of_at_the_other() {
    let nodes = Nodes::start(2).await;
    let (alice, bob) = (nodes.person("alice").await, nodes.person("bob").await);
    let (mut ends, mut stays) =
        (alice.at(nodes.node(1)).socket().await, bob.at(nodes.node(1)).socket().await);
    ends.join("general", json!({})).await;
    stays.join("general", json!({})).await;
    assert_eq!(alice.send(Method::DELETE, "/api/session", &json!(null)).await.status(), 204);
    assert_eq!(ends.close_code().await, 4401);
    stays.is_alive().await;
}
