//! The authorization matrix: every route, every frame and every event of Socket.IO, requested by every kind of caller.
//! An entry missing from the table fails the test, so each addition has to declare who may use it.

mod callers;
mod events;
mod frames;
mod issued;
pub(crate) mod routes;
mod table;

use self::{
    callers::{Bench, MaybeUser},
    table::{ROWS, Row},
};
use crate::support::TestServer;

#[tokio::test]
async fn every_route_is_open_to_whom_it_shall_be_and_to_nobody_else() {
    let (bench, mut wrong) = (Bench::start().await, Vec::new());
    for row in ROWS {
        for (caller, expected) in MaybeUser::ALL.into_iter().zip(row.expected()) {
            let answer = bench.ask(row, caller).await;
            if answer != expected {
                wrong.push(format!("{} {} by {caller:?}: {answer}, not {expected}", row.method, row.path));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[tokio::test]
async fn a_bad_token_is_refused_wherever_it_matters_who_asks() {
    let (bench, mut wrong) = (Bench::start().await, Vec::new());
    for (name, token) in bench.bad_tokens() {
        for row in ROWS.iter().filter(|row| row.method != "DELETE") {
            let (answer, expected) =
                (bench.ask_with(row, Some(&token), name).await, row.expected_of_bad_token());
            if answer != expected {
                wrong.push(format!("{} {} {name}: {answer}, not {expected}", row.method, row.path));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn every_route_is_in_the_table() {
    let listed: Vec<_> = ROWS.iter().map(Row::route).collect();
    for (method, path) in routes::all() {
        let is_listed = listed.iter().any(|(m, p)| *m == method && routes::is_of(p, &path));
        assert!(is_listed, "{method} {path} is not in the table of rights");
    }
}

/// Guests are authenticated: they may use what is public, and nothing else.
#[tokio::test]
async fn a_guest_enters_what_is_public() {
    let server = TestServer::start().await;
    let (alice, eve) = (server.person("alice").await, server.person("eve").await);
    let body = serde_json::json!({ "name": "Secret", "private": true });
    assert_eq!(alice.send(reqwest::Method::POST, "/api/rooms", &body).await.status(), 201);
    for (path, status) in [("/api/rooms/general/messages", 200), ("/api/rooms/secret/messages", 404)] {
        assert_eq!(eve.get(path).send().await.unwrap().status(), status, "{path}");
        assert_eq!(server.get(path).send().await.unwrap().status(), status, "{path} by nobody");
    }
}
