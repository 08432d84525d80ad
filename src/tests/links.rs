//! Links to messages and to days: the page around an offset over HTTP, and the pages that the server renders for them.

use serde_json::{Value, json};

use crate::support::{TestServer, in_time, new_id, problem};

/// A server with this many messages in a room, and the room's epoch.
async fn set_up(messages: usize) -> (TestServer, String) {
    let server = TestServer::start().await;
    let alice = server.person("alice").await;
    for n in 1..=messages {
        alice.post("general", &new_id(), &format!("message {n}")).await;
    }
    let epoch = epoch(&server).await;
    (server, epoch)
}

async fn epoch(server: &TestServer) -> String {
    let page = server.json("/api/rooms/general/messages?limit=1").await;
    page["cursor"].as_str().unwrap().split(':').next().unwrap().to_owned()
}

/// The page around an offset or a cursor: the offsets, the offset of its cursor, and whether there are older and later
/// ones.
async fn around(server: &TestServer, query: &str) -> (Vec<u64>, u64, bool, bool) {
    let page = server.json(&format!("/api/rooms/general/messages?around={query}")).await;
    assert_eq!(page["reset"], false, "{page}");
    let (_, cursor) = page["cursor"].as_str().unwrap().split_once(':').unwrap();
    (offsets(&page), cursor.parse().unwrap(), page["more"] == true, page["more_after"] == true)
}

fn offsets(page: &Value) -> Vec<u64> {
    page["messages"].as_array().unwrap().iter().map(|one| one["offset"].as_u64().unwrap()).collect()
}

#[tokio::test]
async fn a_page_around_an_offset_has_messages_of_both_sides() {
    let (server, epoch) = set_up(20).await;
    assert_eq!(around(&server, "10&limit=4").await, (vec![8, 9, 10, 11], 11, true, true));
    assert_eq!(
        around(&server, &format!("{epoch}:10&limit=5")).await,
        (vec![8, 9, 10, 11, 12], 12, true, true)
    );
    assert_eq!(around(&server, "10&limit=1").await, (vec![10], 10, true, true));
    assert_eq!(around(&server, "1&limit=4").await, (vec![1, 2, 3, 4], 4, false, true));
    assert_eq!(around(&server, "20&limit=4").await, (vec![17, 18, 19, 20], 20, true, false));
    assert_eq!(
        around(&server, "21&limit=4").await,
        (vec![17, 18, 19, 20], 20, true, false),
        "beyond the head"
    );
    assert_eq!(around(&server, "18446744073709551615&limit=1").await, (vec![20], 20, true, false));
    assert_eq!(around(&server, "10").await.0, (1..=20).collect::<Vec<_>>());
    // From its ends the pages go on.
    let page = server.json(&format!("/api/rooms/general/messages?before={epoch}:8&limit=2")).await;
    assert_eq!(offsets(&page), [6, 7]);
    let page = server.json(&format!("/api/rooms/general/messages?after={epoch}:11&limit=2")).await;
    assert_eq!(offsets(&page), [12, 13]);
}

#[tokio::test]
async fn a_page_around_what_is_no_offset_is_refused_and_of_another_epoch_it_is_a_reset() {
    let (server, epoch) = set_up(5).await;
    for (query, code) in [
        ("around=x", "bad_cursor"),
        ("around=-1", "bad_cursor"),
        ("around=e:x", "bad_cursor"),
        ("around=1&before=e:1", "bad_request"),
        ("around=1&after=e:1", "bad_request"),
        ("around=1&last=1", "bad_request"),
        ("around=1&wait=1", "bad_request"),
        ("around=1&limit=0", "bad_request"),
    ] {
        let answer = server.get(&format!("/api/rooms/general/messages?{query}")).send().await.unwrap();
        assert_eq!(problem(answer, 400).await, code, "{query}");
    }
    let page = server.json("/api/rooms/general/messages?around=other:3").await;
    assert_eq!((&page["reset"], offsets(&page)), (&json!(true), vec![]));
    assert_eq!(page["cursor"], format!("{epoch}:5"));
    let answer = server.get("/api/rooms/nowhere/messages?around=1").send().await.unwrap();
    assert_eq!(problem(answer, 404).await, "unknown_room");
}

#[tokio::test]
async fn around_a_trimmed_message_stand_those_that_are_kept() {
    let (server, epoch) = set_up(40).await;
    let data = server.stop().await.unwrap();
    let server = TestServer::start_on(data.path(), &["--room-entries", "20"]).await;
    in_time(async {
        while around(&server, "1&limit=200").await.0.len() != 20 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert_eq!(around(&server, "7&limit=4").await, (vec![21, 22, 23, 24], 24, false, true));
    for (place, status, words) in [
        (format!("7-{}", &epoch[..6]), 410, "no longer kept"),
        ("30".to_owned(), 200, "message 30"),
        ("41".to_owned(), 404, "no message with this number"),
        ("30-nothis".to_owned(), 410, "earlier history"),
        ("2001-01-01".to_owned(), 404, "no messages of this day"),
        ("9999-12-31".to_owned(), 404, "no messages of this day"),
        ("nothing".to_owned(), 404, "<h1>"),
        ("01".to_owned(), 404, "<h1>"),
    ] {
        let page =
            server.get(&format!("/rooms/general/{place}")).header("accept-language", "en").send().await;
        let page = page.unwrap();
        assert_eq!(page.status(), status, "{place}");
        let html = page.text().await.unwrap();
        assert!(html.contains(words), "{place}: {words} is missing in\n{html}");
    }
}

#[tokio::test]
async fn the_page_of_a_message_marks_it_and_links_both_ways() {
    let (server, epoch) = set_up(120).await;
    let place = |offset: u64| format!("/rooms/general/{offset}-{}", &epoch[..6]);
    let page = async |path: &str| {
        let page = server.get(path).header("accept-language", "en").send().await.unwrap();
        assert_eq!(page.status(), 200, "{path}");
        page.text().await.unwrap()
    };
    let html = page(&place(40)).await;
    assert_eq!(html.matches("aria-current=\"true\" tabindex=\"-1\"").count(), 1, "one is marked");
    assert!(html.contains("data-offset=\"40\" autofocus"), "and has the focus");
    assert!(html.contains(&format!("href=\"{}\"", place(41))), "the others link to themselves");
    assert!(html.contains(&format!("/rooms/general?before={epoch}:15\">Older")), "{html}");
    assert!(html.contains(&format!("/rooms/general?after={epoch}:64\">Later")), "{html}");
    let later = page(&format!("/rooms/general?after={epoch}:64")).await;
    assert!(
        later.contains("message 65<") && later.contains("message 114<") && !later.contains("message 115<")
    );
    assert!(later.contains(&format!("/rooms/general?before={epoch}:65\">Older")), "{later}");
    let last = page(&format!("/rooms/general?after={epoch}:114")).await;
    assert!(last.contains("message 120<") && !last.contains("\">Later"), "{last}");
    // Among the newest there is nothing that the page does not have.
    let html = page(&place(100)).await;
    assert!(html.contains("data-offset=\"100\" autofocus") && !html.contains("\">Later"), "{html}");
    // Another form of the room's name leads to the room's own address.
    let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    let moved = client.get(format!("{}/rooms/GENERAL/7", server.url)).send().await.unwrap();
    assert_eq!(
        (moved.status().as_u16(), &moved.headers()["location"]),
        (308, &"/rooms/general/7".parse().unwrap())
    );
}
