//! The feed between two times: the pages of the API, and those that people read.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use idobata::{
    protocol::publication::Publication,
    server::clock::{Clock, Reading},
};
use reqwest::{Client, Method, redirect::Policy};
use serde_json::{Value, json};

use crate::support::{Cluster, Person, TestServer, in_time, problem};

fn now_ms() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as i64
}

/// A server on this database with five events, 0 to 4, each with a value after it, and the times of the events, which differ.
async fn five_events(settings: &[&str]) -> (TestServer, Vec<i64>) {
    let server = TestServer::start_with(settings).await;
    let mut times = Vec::new();
    for number in 0..5 {
        let event = server.publish("ops", &number.to_string()).await;
        times.push(event["timestamp"].as_i64().unwrap());
        let value = json!({ "type": "update", "value": number });
        let value = server.post("/api/events/load").json(&value).send().await.unwrap();
        let last = value.json::<Value>().await.unwrap()["timestamp"].as_i64().unwrap();
        in_time(async {
            while now_ms() <= last {
                tokio::task::yield_now().await;
            }
        })
        .await;
    }
    (server, times)
}

fn texts(page: &Value) -> String {
    page["events"].as_array().unwrap().iter().map(|event| event["text"].as_str().unwrap_or("-")).collect()
}

async fn pages_are_of_their_time(settings: &[&str]) {
    let (server, times) = five_events(settings).await;
    let page = async |query: &str| server.json(&format!("/api/events?{query}")).await;
    assert_eq!(texts(&page(&format!("from={}&channel=ops", times[3])).await), "34");
    assert_eq!(texts(&page(&format!("to={}&channel=ops", times[2])).await), "01");
    assert_eq!(texts(&page(&format!("from={}&to={}", times[1], times[3])).await), "1-2-");
    assert_eq!(texts(&page(&format!("from={}", now_ms())).await), "", "nothing is later");
    assert_eq!(texts(&page(&format!("to={}", times[0])).await), "", "nothing is earlier");
    // Forwards from a beginning, backwards from an end, each to the other end and no further.
    let span = format!("from={}&to={}&channel=ops&limit=2", times[1], times[4]);
    let first = page(&span).await;
    assert_eq!((texts(&first).as_str(), &first["more"]), ("12", &json!(true)));
    let second = page(&format!("{span}&after={}", first["cursor"].as_str().unwrap())).await;
    assert_eq!((texts(&second).as_str(), &second["more"]), ("3", &json!(false)));
    let later = page(&format!("channel=ops&after={}", second["cursor"].as_str().unwrap())).await;
    assert_eq!(texts(&later), "4", "the cursor is that of the end");
    let back = format!("to={}&channel=ops&limit=2", times[4]);
    let last = page(&back).await;
    assert_eq!((texts(&last).as_str(), &last["more"]), ("23", &json!(true)));
    let cursor = last["cursor"].as_str().unwrap();
    let rest = page(&format!("from={}&channel=ops&before={cursor}", times[1])).await;
    assert_eq!((texts(&rest).as_str(), &rest["more"]), ("1", &json!(false)));
}

#[tokio::test]
async fn the_api_has_the_events_between_two_times() {
    pages_are_of_their_time(&[]).await;
}

#[tokio::test]
async fn the_api_has_the_events_between_two_times_on_postgresql() {
    let url = Cluster::shared().fresh_database().await;
    pages_are_of_their_time(&["--database-url", &url]).await;
}

#[tokio::test]
async fn times_that_cannot_be_meant_are_refused_by_name() {
    let server = TestServer::start().await;
    for query in ["from=yesterday", "to=1.5", "from=2&to=1", "from=1&wait=5", "from=1&last=3"] {
        let asked = server.get(&format!("/api/events?{query}")).header("accept", "application/json");
        assert_eq!(problem(asked.send().await.unwrap(), 400).await, "bad_request", "{query}");
    }
    let stream = server.get("/api/events?from=1").header("accept", "text/event-stream");
    assert_eq!(problem(stream.send().await.unwrap(), 400).await, "bad_request");
}

async fn html(person: &Person, path: &str, status: u16) -> String {
    let answer = person.get(path).header("accept", "text/html").send().await.unwrap();
    assert_eq!(answer.status(), status, "{path}");
    answer.text().await.unwrap()
}

/// The texts of the rows, and the address behind a link.
fn rows(page: &str) -> Vec<String> {
    let texts = page.split("class=\"notification__text\"").skip(1);
    texts.map(|row| row.split('>').nth(1).unwrap().split('<').next().unwrap().to_owned()).collect()
}

fn link(page: &str, word: &str) -> Option<String> {
    let before = page.split(&format!(">{word}</a>")).next().filter(|before| before.len() < page.len())?;
    Some(before.rsplit("href=\"").next()?.split('"').next()?.replace("&amp;", "&"))
}

/// A time in Tokyo as an address has it.
fn in_tokyo(time_ms: i64, form: &str) -> String {
    let zone = jiff::tz::TimeZone::get("Asia/Tokyo").unwrap();
    jiff::Timestamp::from_millisecond(time_ms).unwrap().to_zoned(zone).strftime(form).to_string()
}

#[tokio::test]
async fn a_page_of_a_period_has_its_events_in_the_times_of_its_zone() {
    let (server, times) = five_events(&[]).await;
    let alice = server.person("alice").await;
    let [from, to] = [times[1], times[4]].map(|time| in_tokyo(time, "%Y-%m-%dT%H:%M:%S%.3f"));
    let tokyo = format!("from={from}&to={to}&zone=Asia%2FTokyo");
    let page = html(&alice, &format!("/feed/ops?{tokyo}"), 200).await;
    assert_eq!(rows(&page), ["3", "2", "1"]);
    assert!(page.contains(&format!(">{}</time>", in_tokyo(times[3], "%Y-%m-%d %H:%M:%S"))), "{page}");
    assert!(page.contains("All times are in Asia/Tokyo (UTC+09:00)."), "{page}");
    assert!(page.contains("New events do not come into this page."), "{page}");
    assert_eq!(link(&page, "Back to now").as_deref(), Some("/feed/ops"));
    assert!(page.contains(&format!(r#"value="{from}""#)), "the form has the times: {page}");
    let utc = jiff::Timestamp::from_millisecond(times[2]).unwrap().strftime("%Y-%m-%dT%H:%M:%S%.3f");
    assert_eq!(rows(&html(&alice, &format!("/?to={utc}"), 200).await), ["1", "0"], "without a zone in UTC");
    let filtered = html(&alice, &format!("/?{tokyo}&q=2"), 200).await;
    assert_eq!(rows(&filtered), ["2"]);
    assert_eq!(link(&filtered, "Back to now").as_deref(), Some("/?q=2"));
    let whole = html(&alice, &link(&filtered, "Show all").unwrap(), 200).await;
    assert_eq!(rows(&whole), ["3", "2", "1"], "without the filter, of the same time");
    let wrong = html(&alice, "/?from=soon&zone=UTC", 400).await;
    assert!(wrong.contains("“soon” is no time. Write it as 2026-11-28T10:00."), "{wrong}");
    assert!(html(&alice, "/?from=2026-11-28&zone=Mars", 400).await.contains("“Mars” is no time zone."));
    assert!(html(&alice, "/feed/not%20a%20name?from=2026-11-28", 404).await.contains("Nothing here"));
}

#[tokio::test]
async fn a_choice_leads_to_times_that_mean_the_same_tomorrow() {
    // 2026-11-28 05:00 in UTC, 14:00 in Tokyo.
    let (data, since) = (tempfile::tempdir().unwrap(), Instant::now());
    let clock = Clock::new(Duration::from_secs(24 * 3_600), move || {
        let passed = since.elapsed().as_millis() as i64;
        Reading { wall_ms: 1_795_842_000_000 + passed, monotonic_ms: passed }
    });
    let server = TestServer::start_on_clock(data.path(), &[], clock).await;
    let client = Client::builder().redirect(Policy::none()).build().unwrap();
    let leads = async |path: &str| {
        let answer = client.get(format!("{}{path}", server.url)).header("accept", "text/html").send().await;
        let answer = answer.unwrap();
        assert_eq!(answer.status(), 303, "{path}");
        answer.headers()["location"].to_str().unwrap().to_owned()
    };
    let tokyo = "zone=Asia%2FTokyo";
    assert_eq!(
        leads(&format!("/?level=&channel=&tag=&q=&range=yesterday&from=&to=&{tokyo}")).await,
        format!("/?from=2026-11-27T00%3A00&to=2026-11-28T00%3A00&{tokyo}")
    );
    assert_eq!(
        leads(&format!("/?level=error&channel=ops&range=hour&{tokyo}")).await,
        format!("/feed/ops?from=2026-11-28T13%3A00&{tokyo}&level=error")
    );
    assert_eq!(leads(&format!("/feed/ops?level=error&from=&to=&{tokyo}")).await, "/feed/ops?level=error");
}

#[tokio::test]
async fn a_long_period_is_read_forth_and_back_without_what_was_replaced_or_may_not_be_read() {
    let server = TestServer::start_with(&["--auth", "accounts"]).await;
    let (admin, bob) = (server.account("admin").await, server.account("bob").await);
    let readers = json!({ "names": ["admin"] });
    assert_eq!(admin.send(Method::PUT, "/api/channels/pay/readers", &readers).await.status(), 200);
    let publish = async |channel: &str, text: &str, key: Option<&str>| {
        let body = json!({ "type": "notification", "text": text, "key": key });
        let event = Publication::new(serde_json::from_value(body).unwrap()).unwrap();
        server.state.feed.publish(channel, "test", vec![event], None).await.unwrap();
    };
    publish("ops", "disk 90 %", Some("disk")).await;
    publish("pay", "payday", None).await;
    for number in 0..70 {
        publish("ops", &format!("n{number}"), None).await;
    }
    publish("ops", "disk fine", Some("disk")).await;
    let names =
        |range: std::ops::Range<i32>| range.rev().map(|number| format!("n{number}")).collect::<Vec<_>>();
    let newest = html(&bob, "/?from=2020-01-01", 200).await;
    assert_eq!(rows(&newest), [vec!["disk fine".to_owned()], names(41..70)].concat());
    assert_eq!(link(&newest, "Show later"), None);
    let middle = html(&bob, &link(&newest, "Show earlier").unwrap(), 200).await;
    assert_eq!(rows(&middle), names(11..41));
    let oldest = html(&bob, &link(&middle, "Show earlier").unwrap(), 200).await;
    assert_eq!(rows(&oldest), names(0..11), "neither the state before nor what bob may not read");
    assert_eq!(link(&oldest, "Show earlier"), None);
    let again = html(&bob, &link(&oldest, "Show later").unwrap(), 200).await;
    assert_eq!(rows(&again), names(11..41));
    let end = html(&bob, &link(&again, "Show later").unwrap(), 200).await;
    assert_eq!((rows(&end), link(&end, "Show later")), (rows(&newest), None));
    let own = html(&admin, &link(&middle, "Show earlier").unwrap(), 200).await;
    assert_eq!(rows(&own).last().map(String::as_str), Some("payday"));
    let answer = server.get("/?from=2020-01-01").header("accept", "text/html").send().await.unwrap();
    assert!(answer.url().path().contains("sign-in"), "{}", answer.url());
}
