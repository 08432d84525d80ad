//! The feed over HTTP: streams, pages, polls and publishing.

use std::time::Duration;

use serde_json::json;

use crate::support::{Stream, TestServer, in_time, problem};

#[tokio::test]
async fn a_stream_starts_with_connected_and_goes_on_with_what_is_published() {
    let server = TestServer::start().await;
    let mut stream = server.stream("").await;
    let start = stream.connected().await;
    assert!(start.ends_with(":0"), "{start}");
    let published = server.publish("ops", "backup done").await;
    let (id, entry) = stream.event().await;
    assert_eq!(entry, published);
    assert_eq!(entry["type"], "notification");
    assert_eq!(
        (&entry["channel"], &entry["text"], &entry["offset"]),
        (&json!("ops"), &json!("backup done"), &json!(1))
    );
    assert_eq!(id, start.replace(":0", ":1"));
}

#[tokio::test]
async fn the_first_block_says_when_to_retry() {
    let server = TestServer::start().await;
    let first = server.stream("").await.block().await.unwrap();
    assert!(first.retry.is_some() && first.id.is_some() && first.data.is_some(), "{first:?}");
}

#[tokio::test]
async fn a_reconnecting_reader_gets_exactly_what_it_lacks() {
    let server = TestServer::start().await;
    let texts: Vec<String> = (1..=10).map(|n| format!("entry {n}")).collect();
    for text in &texts {
        server.publish("ops", text).await;
    }
    let head = server.feed_cursor().await;
    let after_five = head.replace(":10", ":5");
    let mut by_header = Stream::open(server.get("/api/events").header("last-event-id", &after_five)).await;
    assert_eq!(by_header.connected().await, after_five);
    assert_eq!(by_header.texts(5).await, texts[5..]);
    let mut by_query = server.stream(&format!("?after={after_five}")).await;
    by_query.connected().await;
    assert_eq!(by_query.texts(5).await, texts[5..]);
    // When a browser reconnects to its first address, the header is the newer cursor.
    let both = server.get(&format!("/api/events?after={after_five}")).header("last-event-id", &head);
    let mut both = Stream::open(both).await;
    assert_eq!(both.connected().await, head);
    let mut last = server.stream("?last=3").await;
    last.connected().await;
    assert_eq!(last.texts(3).await, texts[7..]);
}

#[tokio::test]
async fn a_gap_larger_than_memory_is_read_from_the_store_in_order() {
    let server = TestServer::start().await;
    let mut stream = server.stream("").await;
    let start = stream.connected().await;
    drop(stream);
    let batch =
        |first: usize| (first..first + 100).map(|n| json!({ "text": n.to_string() })).collect::<Vec<_>>();
    for first in (0..1_000).step_by(100) {
        let response = server.post("/api/events/ops").json(&batch(first)).send().await.unwrap();
        assert_eq!(response.status(), 201);
    }
    let mut stream = server.stream(&format!("?after={start}")).await;
    stream.connected().await;
    assert_eq!(stream.texts(1_000).await, (0..1_000).map(|n| n.to_string()).collect::<Vec<_>>());
    server.publish("ops", "live again").await;
    assert_eq!(stream.texts(1).await, ["live again"]);
}

#[tokio::test]
async fn many_readers_and_publishers_agree_on_one_order() {
    let server = TestServer::start().await;
    let mut streams = Vec::new();
    for _ in 0..20 {
        let mut stream = server.stream("").await;
        stream.connected().await;
        streams.push(stream);
    }
    let publish = |n: usize| {
        let request = server.post("/api/events/ops").body(n.to_string());
        tokio::spawn(async move { assert_eq!(request.send().await.unwrap().status(), 201) })
    };
    let publishers: Vec<_> = (0..200).map(publish).collect();
    for publisher in publishers {
        publisher.await.unwrap();
    }
    let first = streams[0].texts(200).await;
    let mut sorted: Vec<usize> = first.iter().map(|text| text.parse().unwrap()).collect();
    sorted.sort_unstable();
    assert_eq!(sorted, (0..200).collect::<Vec<_>>(), "each once");
    for stream in &mut streams[1..] {
        assert_eq!(stream.texts(200).await, first);
    }
}

#[tokio::test]
async fn a_filter_follows_its_channels_only() {
    let server = TestServer::start().await;
    let mut stream = server.stream("?channel=ops,db").await;
    stream.connected().await;
    for (channel, text) in [("ops", "1"), ("noise", "2"), ("db", "3"), ("noise", "4"), ("ops", "5")] {
        server.publish(channel, text).await;
    }
    assert_eq!(stream.texts(3).await, ["1", "3", "5"]);
    let mut last = server.stream("?channel=ops&last=2").await;
    last.connected().await;
    assert_eq!(last.texts(2).await, ["1", "5"]);
    let page = server.json("/api/events?channel=noise").await;
    assert_eq!(page["events"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn a_quiet_stream_gives_signs_of_life_that_carry_the_cursor_whatever_others_say() {
    let server = TestServer::start().await;
    let mut stream = server.stream("?channel=quiet").await;
    stream.connected().await;
    let mut noise = tokio::time::interval(Duration::from_millis(200));
    let sign = loop {
        tokio::select! {
            sign = stream.block() => break sign.unwrap(),
            _ = noise.tick() => drop(server.publish("noise", "not for this reader").await),
        }
    };
    assert_eq!((sign.comment.as_deref(), sign.data), (Some("keep-alive"), None));
    let offset = |cursor: &str| cursor.split_once(':').unwrap().1.parse::<u64>().unwrap();
    let (seen, head) = (offset(&sign.id.unwrap()), offset(&server.feed_cursor().await));
    assert!(seen > 0 && seen + 2 >= head, "{seen} of {head}");
}

#[tokio::test]
async fn a_cursor_that_cannot_be_honoured_is_told_by_one_reset() {
    let server = TestServer::start().await;
    server.publish("ops", "kept").await;
    let head = server.feed_cursor().await;
    for lost in ["anotherepoch:1".to_owned(), head.replace(":1", ":99")] {
        let mut stream = server.stream(&format!("?after={lost}")).await;
        assert_eq!(stream.connected().await, lost, "cut here, the reader would be reset again");
        let (id, reset) = stream.event().await;
        assert_eq!((reset["type"].as_str(), reset["cursor"].as_str()), (Some("reset"), Some(id.as_str())));
        assert_eq!(id, head.replace(":1", ":0"));
        assert_eq!(stream.texts(1).await, ["kept"], "what is retained follows");
        let page = server.json(&format!("/api/events?after={lost}")).await;
        assert_eq!((&page["reset"], page["events"].as_array().unwrap().len()), (&json!(true), 1));
    }
}

#[tokio::test]
async fn pages_go_back_to_the_beginning() {
    let server = TestServer::start().await;
    for n in 1..=5 {
        server.publish("ops", &n.to_string()).await;
    }
    let texts = |page: &serde_json::Value| {
        page["events"]
            .as_array()
            .unwrap()
            .iter()
            .map(|entry| entry["text"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    let newest = server.json("/api/events?limit=2").await;
    assert_eq!((texts(&newest), &newest["more"]), (vec!["4".into(), "5".into()], &json!(true)));
    let before = newest["cursor"].as_str().unwrap().replace(":5", ":4");
    let older = server.json(&format!("/api/events?limit=2&before={before}")).await;
    assert_eq!((texts(&older), &older["more"]), (vec!["2".into(), "3".into()], &json!(true)));
    let before = older["cursor"].as_str().unwrap();
    let oldest = server.json(&format!("/api/events?limit=2&before={before}")).await;
    assert_eq!((texts(&oldest), &oldest["more"]), (vec!["1".into()], &json!(false)));
}

#[tokio::test]
async fn a_poll_waits_for_the_next_entry_and_misses_none() {
    let server = TestServer::start().await;
    let mut cursor = server.feed_cursor().await;
    let poll = tokio::spawn({
        let request =
            server.get(&format!("/api/events?wait=30&after={cursor}")).header("accept", "application/json");
        async move { request.send().await.unwrap().json::<serde_json::Value>().await.unwrap() }
    });
    server.expect_connections("poll", 1).await;
    server.publish("ops", "1").await;
    let page = in_time(poll).await.unwrap();
    assert_eq!((&page["events"][0]["text"], &page["reset"]), (&json!("1"), &json!(false)));
    server.expect_connections("poll", 0).await;
    // Entries between two polls are in the second.
    server.publish("ops", "2").await;
    server.publish("ops", "3").await;
    cursor = page["cursor"].as_str().unwrap().to_owned();
    let page = server.json(&format!("/api/events?wait=30&limit=1&after={cursor}")).await;
    assert_eq!((&page["events"][0]["text"], &page["more"]), (&json!("2"), &json!(true)));
    let cursor = page["cursor"].as_str().unwrap();
    let page = server.json(&format!("/api/events?wait=30&after={cursor}")).await;
    assert_eq!((&page["events"][0]["text"], &page["more"]), (&json!("3"), &json!(false)));
}

#[tokio::test]
async fn a_poll_without_news_ends_with_its_wait() {
    let server = TestServer::start().await;
    let cursor = server.feed_cursor().await;
    let page = server.json(&format!("/api/events?wait=1&after={cursor}")).await;
    assert_eq!(page, json!({ "events": [], "cursor": cursor, "more": false, "reset": false }));
}

#[tokio::test]
async fn text_with_headers_is_a_notification() {
    let server = TestServer::start().await;
    let response = server
        .post("/api/events/ops")
        .header("title", "ディスク")
        .header("level", "Warning")
        .header("tags", "disk, db-1")
        .header("link", "https://example.com/x")
        .body("92 %\n")
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), 201);
    let entry: serde_json::Value = response.json().await.unwrap();
    let text = ["title", "text", "level", "link"].map(|name| entry[name].as_str().unwrap().to_owned());
    assert_eq!(text, ["ディスク", "92 %", "warning", "https://example.com/x"]);
    assert_eq!(entry["tags"], json!(["disk", "db-1"]));
}

#[tokio::test]
async fn the_same_idempotency_key_stores_nothing_twice() {
    let server = TestServer::start().await;
    let publish = |key: &'static str| {
        let batch = json!([{ "text": "a" }, { "text": "b" }]);
        server.post("/api/events/ops").header("idempotency-key", key).json(&batch).send()
    };
    let first = publish("k1").await.unwrap();
    assert_eq!(first.status(), 201);
    let again = publish("k1").await.unwrap();
    assert_eq!(again.status(), 200);
    assert_eq!(first.text().await.unwrap(), again.text().await.unwrap());
    assert_eq!(publish("k2").await.unwrap().status(), 201);
    assert_eq!(server.json("/api/events").await["events"].as_array().unwrap().len(), 4);
}

#[tokio::test]
async fn lines_of_json_are_published_all_or_none_and_once() {
    let server = TestServer::start().await;
    let post = |body: String| {
        server.post("/api/events/ops").header("content-type", "application/x-ndjson").body(body)
    };
    let lines = "{\"text\":\"a\"}\n\n{\"type\":\"update\",\"value\":1.5}\r\n{\"text\":\"c\"}";
    for status in [201, 200] {
        let answer = post(lines.to_owned()).header("idempotency-key", "k").send().await.unwrap();
        assert_eq!(answer.status(), status);
        let stored: serde_json::Value = answer.json().await.unwrap();
        let offsets: Vec<_> = stored.as_array().unwrap().iter().map(|one| one["offset"].clone()).collect();
        assert_eq!(offsets, [1, 2, 3]);
    }
    let one: serde_json::Value =
        post("{\"text\":\"d\"}\n".to_owned()).send().await.unwrap().json().await.unwrap();
    assert_eq!(one[0]["offset"], 4, "one line is answered as a list, too");
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut packed, lines.as_bytes()).unwrap();
    let packed = post(String::new()).header("content-encoding", "gzip").body(packed.finish().unwrap());
    assert_eq!(packed.send().await.unwrap().status(), 201);
    for (body, status, said) in [
        ("{\"text\":\"a\"}\nnothing\n".to_owned(), 400, "Line 2: "),
        ("\n{\"text\":\"\"}\n".to_owned(), 400, "Line 2: "),
        ("{\"text\":\"x\"}\n".repeat(101), 400, "1 to 100"),
        (String::new(), 400, "1 to 100"),
        (format!("{{\"text\":\"{}\"}}\n", "x".repeat(1_000)).repeat(70), 413, ""),
    ] {
        let answer = post(body).send().await.unwrap();
        assert_eq!(answer.status(), status, "{said}");
        let problem: serde_json::Value = answer.json().await.unwrap();
        assert!(problem["detail"].as_str().unwrap().contains(said), "{problem}");
    }
    assert_eq!(server.json("/api/events").await["events"].as_array().unwrap().len(), 7);
}

#[tokio::test]
async fn the_servers_own_values_are_published_each_second() {
    let data = tempfile::tempdir().unwrap();
    let server = TestServer::start_measuring(data.path()).await;
    let mut stream = server.stream("?channel=server").await;
    stream.connected().await;
    // The first measurement may have been published before this stream opened.
    while stream.event().await.1["key"] != "cpu" {}
    let mut keys = Vec::new();
    for _ in 0..8 {
        let (_, entry) = stream.event().await;
        assert!(entry["value"].as_f64().is_some_and(|value| value >= 0.0), "{entry}");
        if entry["key"] == "memory" {
            assert!(entry["value"].as_f64().unwrap() > 1.0, "a process has some memory: {entry}");
        }
        if entry["key"] == "connections" {
            assert_eq!(entry["value"], 1.0, "this stream: {entry}");
        }
        keys.push(entry["key"].as_str().unwrap().to_owned());
    }
    keys.sort();
    keys.dedup();
    assert_eq!(keys, ["connections", "cpu", "deliveries", "memory"]);
}

#[tokio::test]
async fn a_reader_that_stops_reading_delays_nobody() {
    let server = TestServer::start().await;
    // Its socket buffers fill up, and no more is taken from the log for it.
    let _stuck = server.get("/api/events").send().await.unwrap();
    let mut stream = server.stream("").await;
    stream.connected().await;
    let text = "x".repeat(4_000);
    let batch: Vec<_> = (0..10).map(|_| json!({ "text": text })).collect();
    for _ in 0..200 {
        server.post("/api/events/ops").json(&batch).send().await.unwrap();
        tokio::time::timeout(Duration::from_secs(5), stream.texts(10)).await.expect("not delayed");
    }
}

#[tokio::test]
async fn what_comes_through_a_proxy_is_not_published() {
    let server = TestServer::start().await;
    for name in ["forwarded", "x-forwarded-for"] {
        let forwarded =
            server.post("/api/events/ops").header(name, "for=192.0.2.7").body("x").send().await.unwrap();
        assert_eq!(problem(forwarded, 403).await, "not_allowed");
    }
    assert_eq!(server.json("/api/events").await["events"], json!([]));
}
