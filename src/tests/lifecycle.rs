//! Starting, stopping and restarting a server.

use serde_json::json;

use crate::support::{TestServer, in_time, new_id};

#[tokio::test]
async fn history_epoch_and_sessions_survive_a_restart() {
    let data = tempfile::tempdir().unwrap();
    let server = TestServer::start_on(data.path(), &[]).await;
    let alice = server.person("alice").await;
    alice.post("general", &new_id(), "before").await;
    server.publish("ops", "before").await;
    let (room, feed) = (server.json("/api/rooms/general/messages").await, server.json("/api/events").await);
    server.stop().await;

    let server = TestServer::start_on(data.path(), &[]).await;
    assert_eq!(server.json("/api/rooms/general/messages").await, room);
    assert_eq!(server.json("/api/events").await, feed);
    let mut socket = alice.at(&server).socket().await;
    socket.join("general", json!({ "after": room["cursor"] })).await;
    socket.post("general", "after").await;
    assert_eq!(socket.texts(1).await, ["after"], "nothing twice, nothing missing");
}

#[tokio::test]
async fn a_stop_ends_sockets_streams_and_polls_and_tells_them() {
    let server = TestServer::start().await;
    let cursor = server.feed_cursor().await;
    let mut socket = server.person("alice").await.socket().await;
    socket.join("general", json!({})).await;
    let mut stream = server.stream("").await;
    stream.connected().await;
    let poll = tokio::spawn({
        let request =
            server.get(&format!("/api/events?wait=50&after={cursor}")).header("accept", "application/json");
        async move { request.send().await.unwrap().json::<serde_json::Value>().await.unwrap() }
    });
    server.expect_connections("poll", 1).await;
    let stopped = tokio::spawn(server.stop());
    assert_eq!(socket.close_code().await, 1001);
    let last = stream.block().await.unwrap();
    assert!(last.retry.is_some_and(|retry| retry >= 1_000), "{last:?}");
    assert_eq!(stream.block().await, None);
    let answer = in_time(poll).await.unwrap();
    assert_eq!(answer["cursor"], cursor);
    assert!(answer["retry"].as_u64().is_some_and(|retry| retry >= 1_000), "{answer}");
    in_time(stopped).await.unwrap();
}

#[tokio::test]
async fn a_close_is_answered_by_a_close() {
    let server = TestServer::start().await;
    let mut socket = server.person("alice").await.socket().await;
    socket.join("general", json!({})).await;
    socket.close().await;
    server.expect_connections("socket", 0).await;
}

#[tokio::test]
async fn a_stopped_servers_history_moves_with_its_folder() {
    let server = TestServer::start().await;
    server.publish("ops", "kept").await;
    let head = server.feed_cursor().await;
    let data = server.stop().await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    for file in ["idobata.db", "idobata.mark"] {
        std::fs::rename(data.path().join(file), folder.path().join(file)).unwrap();
    }
    let moved = TestServer::start_on(folder.path(), &[]).await;
    assert_eq!(moved.feed_cursor().await, head);
}

#[tokio::test]
async fn a_backup_that_is_put_back_is_told_to_readers_by_a_reset() {
    let server = TestServer::start().await;
    server.publish("ops", "before the backup").await;
    let data = server.stop().await.unwrap();
    let (database, backup) = (data.path().join("idobata.db"), data.path().join("backup"));
    std::fs::copy(&database, &backup).unwrap();

    let server = TestServer::start_on(data.path(), &[]).await;
    server.publish("ops", "after the backup").await;
    let read = server.feed_cursor().await;
    server.stop().await;
    std::fs::copy(&backup, &database).unwrap();

    // Offset 2 is given out again. A reader of the first one must not take the second for it.
    let server = TestServer::start_on(data.path(), &["--accept-loss"]).await;
    server.publish("ops", "after the restore").await;
    let mut stream = server.stream(&format!("?after={read}")).await;
    assert_eq!(stream.connected().await, read);
    let (_, reset) = stream.event().await;
    assert_eq!(reset["type"], "reset");
    assert_eq!(stream.texts(2).await, ["before the backup", "after the restore"]);
}

#[tokio::test]
async fn what_was_retained_no_longer_is_told_by_a_reset() {
    let data = tempfile::tempdir().unwrap();
    let server = TestServer::start_on(data.path(), &[]).await;
    for n in 1..=20 {
        server.publish("ops", &n.to_string()).await;
    }
    let head = server.feed_cursor().await;
    server.stop().await;
    // The first trim runs at the start.
    let server = TestServer::start_on(data.path(), &["--feed-entries", "5"]).await;
    in_time(async {
        while server.json("/api/events").await["events"].as_array().unwrap().len() != 5 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    let mut stream = server.stream(&format!("?after={}", head.replace(":20", ":3"))).await;
    stream.connected().await;
    let (id, reset) = stream.event().await;
    assert_eq!((reset["type"].as_str(), id), (Some("reset"), head.replace(":20", ":15")));
    assert_eq!(stream.texts(5).await, ["16", "17", "18", "19", "20"]);
    // A cursor exactly at the floor has missed nothing.
    let mut stream = server.stream(&format!("?after={}", head.replace(":20", ":15"))).await;
    stream.connected().await;
    assert_eq!(stream.texts(5).await, ["16", "17", "18", "19", "20"]);
}

#[tokio::test]
async fn the_server_counts_connections_until_they_end() {
    let server = TestServer::start().await;
    let alice = server.person("alice").await;
    let (mut socket, stream) = (alice.socket().await, server.stream("").await);
    socket.is_alive().await;
    server.expect_connections("socket", 1).await;
    server.expect_connections("stream", 1).await;
    drop((socket, stream));
    server.expect_connections("socket", 0).await;
    // The end of a stream is noticed when the server writes to it.
    server.publish("ops", "anybody there?").await;
    server.expect_connections("stream", 0).await;
}

#[tokio::test]
async fn a_data_folder_has_one_server() {
    let data = tempfile::tempdir().unwrap();
    let _server = TestServer::start_on(data.path(), &[]).await;
    let arguments = ["idobata", "--listen", "127.0.0.1:0", "--data", data.path().to_str().unwrap()];
    let config = <idobata::server::Config as clap::Parser>::try_parse_from(arguments).unwrap();
    let refused = format!("{:#}", idobata::server::bind(config).await.err().unwrap());
    assert!(refused.contains("--data"), "{refused}");
}

#[tokio::test]
async fn a_port_that_is_taken_is_told_with_the_fix() {
    let server = TestServer::start().await;
    let data = tempfile::tempdir().unwrap();
    let taken = server.url.trim_start_matches("http://");
    let arguments = ["idobata", "--listen", taken, "--data", data.path().to_str().unwrap()];
    let config = <idobata::server::Config as clap::Parser>::try_parse_from(arguments).unwrap();
    let refused = idobata::server::bind(config).await.err().unwrap().to_string();
    assert!(refused.contains("--listen"), "{refused}");
}

#[tokio::test]
async fn the_operators_addresses_answer() {
    let server = TestServer::start().await;
    assert_eq!(server.get("/healthz").send().await.unwrap().text().await.unwrap(), "ok\n");
    assert_eq!(server.get("/readyz").send().await.unwrap().text().await.unwrap(), "ready\n");
    server.publish("ops", "x").await;
    assert_eq!(server.metric("idobata_appends_total").await, 1);
}
