//! Tests of the queries: parameters that are read, ignored and rejected, and the words of the rejections.

use axum::http::HeaderName;

use super::*;
use crate::protocol::problem::Code;

const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

fn feed(query: &str) -> LogQuery {
    LogQuery::of_feed(Some(query)).unwrap_or_else(|refused| panic!("{query}: {refused:?}"))
}

fn after(query: &str) -> Option<String> {
    feed(query).after
}

#[test]
fn the_last_cursor_that_says_something_is_taken_however_its_name_is_written() {
    for (query, expected) in [
        ("after=e:1", Some("e:1")),
        ("lastEventId=e:1", Some("e:1")),
        ("last_event_id=e%3A1", Some("e:1")),
        ("Last-Event-ID=e:1", Some("e:1")),
        ("AFTER=+e:1+", Some("e:1")),
        ("after=e:1&after=e:2", Some("e:2")),
        ("after=e:1&lastEventId=e:2", Some("e:2")),
        ("after=e:1&lastEventId=", Some("e:1")),
        ("after=e:1&after=", Some("e:1")),
        ("after=", None),
        ("after", None),
        ("", None),
        ("&&=x&", None),
    ] {
        assert_eq!(after(query).as_deref(), expected, "{query}");
    }
}

#[test]
fn channels_add_up_and_what_is_empty_is_none() {
    let channels = |query| feed(query).channels().expect("well formed");
    let only = |names: &[&str]| Channels::Only(names.iter().map(|name| (*name).to_owned()).collect());
    assert_eq!(channels("channel=a&channel=b,c&Channel=d"), only(&["a", "b", "c", "d"]));
    assert_eq!(channels("channel=a,,b,&channel="), only(&["a", "b"]));
    for query in ["", "channel=", "channel", "channel=,", "channel=%20"] {
        assert_eq!(channels(query), Channels::All, "{query}");
    }
}

#[test]
fn an_empty_parameter_is_absent() {
    let empty = "after=&before=&last=&limit=&wait=&heartbeat=&channel=";
    assert_eq!(feed(empty), LogQuery::default());
    let room = LogQuery::of_room(Some("after=&limit=&wait=&seen=")).expect("well formed");
    assert_eq!(room, LogQuery { seen: Some(String::new()), ..LogQuery::default() }, "a state that is empty");
}

#[test]
fn what_keeps_caches_away_means_nothing() {
    for query in
        ["_=1722", "t=Pk3", "ts=1", "cb=1", "cacheBust=1", "nocache=1", "utm_source=x&utm_medium=%FF"]
    {
        assert_eq!(feed(query), LogQuery::default(), "{query}");
    }
}

#[test]
fn a_fault_is_told_with_its_name_and_what_is_right() {
    for (query, words) in [
        ("channels=ops", "Unknown parameter channels: did you mean channel?"),
        ("channel[]=ops", "Unknown parameter channel[]: did you mean channel?"),
        ("channel%5B%5D=ops", "Unknown parameter channel[]: did you mean channel?"),
        ("afer=e:1", "Unknown parameter afer: did you mean after?"),
        (
            "topic=ops",
            "Unknown parameter topic: this address accepts after, before, channel, from, heartbeat, last, limit, to, unread, unread_seen, wait.",
        ),
        ("seen=", "Unknown parameter seen"),
        ("limit=0", "limit must be a whole number from 1 to 200."),
        ("limit=many", "limit must be a whole number from 1 to 200."),
        ("limit=99999999999999999999999", "limit must be a whole number from 1 to 200."),
        ("last=201", "last must be a whole number from 0 to 200."),
        ("wait=51", "wait must be a whole number of seconds from 0 to 50."),
        ("wait=-1", "wait must be a whole number of seconds from 0 to 50."),
        ("heartbeat=maybe", "heartbeat must be true or false."),
        ("after=%zz", "after has a % that"),
        ("after=e:1%", "after has a % that"),
        ("channel=%FF", "channel is not UTF-8"),
        ("%FF=1", "%FF is not UTF-8"),
    ] {
        let refused = LogQuery::of_feed(Some(query)).expect_err(query);
        assert_eq!(refused.code, Code::BadRequest, "{query}");
        assert!(refused.message.contains(words), "{query}: {}", refused.message);
    }
    for (query, words) in
        [("after=soon", "after must be a cursor"), ("before=x:y", "before must be a cursor")]
    {
        let refused = feed(query).page(&HeaderMap::new()).expect_err(query);
        assert_eq!(refused.code, Code::BadCursor);
        assert!(refused.message.contains(words), "{query}: {}", refused.message);
    }
    let rooms = LogQuery::of_room(Some("channel=ops")).expect_err("rooms have none");
    assert!(
        rooms.message.contains("Unknown parameter channel: this address accepts after"),
        "{}",
        rooms.message
    );
    for around in ["x", "-1", "01", "1.5", "e:", ":1", "e:x", "e-:1", "1:2:3"] {
        let query = LogQuery::of_room(Some(&format!("around={around}"))).expect("read later");
        let refused = query.page(&HeaderMap::new()).expect_err(around);
        assert_eq!(refused.code, Code::BadCursor);
        assert!(refused.message.contains("around must be an offset, or a cursor"), "{}", refused.message);
    }
    let both = feed("before=e:1&lastEventId=e:2").page(&HeaderMap::new());
    assert!(both.is_err(), "both directions at once");
}

#[test]
fn nothing_that_is_asked_for_is_passed_over() {
    let page = |query, headers: &HeaderMap| feed(query).page(headers).expect(query);
    let (none, header) =
        (HeaderMap::new(), HeaderMap::from_iter([(LAST_EVENT_ID, "e:9".parse().expect("ASCII"))]));
    let after = |text: &str| PageQuery::After(text.parse().expect("a cursor"), Duration::ZERO);
    assert_eq!(page("last=1", &none), (PageQuery::Newest, 1));
    assert_eq!(page("last=1&limit=7", &none), (PageQuery::Newest, 7));
    assert_eq!(
        page("last=1&after=e:1", &none),
        (after("e:1"), LIMIT_DEFAULT),
        "as for a stream, after goes first"
    );
    assert_eq!(page("after=e:1", &header), (after("e:9"), LIMIT_DEFAULT), "the header is the newer one");
    for query in ["before=e:1", "limit=5", "wait=0"] {
        let refused = feed(query).start(&none).expect_err(query);
        assert!(refused.message.contains("not for a stream"), "{}", refused.message);
    }
    let seen = LogQuery::of_room(Some("seen=")).expect("a state").start(&none).expect_err("no stream's");
    assert!(seen.message.contains("seen is for pages of JSON"), "{}", seen.message);
    for (query, words) in [
        ("wait=30&before=e:1", "wait cannot be combined with before"),
        ("last=0", "last must be a whole number from 1 to 200"),
        ("last=0&after=e:1", "last must be a whole number from 1 to 200"),
    ] {
        let refused = feed(query).page(&none).expect_err(query);
        assert!(refused.message.contains(words), "{query}: {}", refused.message);
    }
    assert_eq!(page("wait=0", &none), (PageQuery::Newest, LIMIT_DEFAULT), "it asks for no waiting");
    assert_eq!(page("wait=30", &none), (PageQuery::Newest, LIMIT_DEFAULT), "how a client that polls begins");
    let waiting = PageQuery::After("e:9".parse().expect("a cursor"), Duration::from_secs(30));
    assert_eq!(page("wait=30", &header), (waiting, LIMIT_DEFAULT), "the header is a cursor too");
    assert_eq!(feed("last=0").start(&none), Ok(StartFrom::Last(0)));
}

#[test]
fn a_page_around_an_offset_is_of_the_present_epoch_or_of_the_cursor_s() {
    let page = |query| LogQuery::of_room(Some(query)).expect("well formed").page(&HeaderMap::new());
    assert_eq!(page("around=12&limit=5"), Ok((PageQuery::Around(12, None), 5)));
    assert_eq!(page("around=0"), Ok((PageQuery::Around(0, None), LIMIT_DEFAULT)));
    let Ok((PageQuery::Around(12, Some(epoch)), _)) = page("around=abc:12") else { panic!("a cursor") };
    assert_eq!(epoch.as_str(), "abc");
    for (query, words) in [
        ("around=1&before=e:1", "around and before cannot be combined"),
        ("around=1&after=e:1", "around and after cannot be combined"),
        ("around=1&last=5", "last cannot be combined with around"),
        ("around=1&wait=5", "wait cannot be combined with around"),
    ] {
        let refused = page(query).expect_err(query);
        assert_eq!(refused.code, Code::BadRequest);
        assert!(refused.message.contains(words), "{query}: {}", refused.message);
    }
    let stream = LogQuery::of_room(Some("around=1")).expect("well formed").start(&HeaderMap::new());
    assert!(stream.expect_err("no stream's").message.contains("around is for pages of JSON"));
    assert!(LogQuery::of_feed(Some("around=1")).is_err(), "the feed has none");
}

#[test]
fn the_header_is_newer_than_the_address() {
    let headers = |value: &str| {
        HeaderMap::from_iter([("last-event-id".parse().expect("a name"), value.parse().expect("a value"))])
    };
    let start = |headers: &HeaderMap, query| feed(query).start(headers);
    let at = |text: &str| Ok(StartFrom::After(text.parse().expect("a cursor")));
    assert_eq!(start(&headers("e:9"), "after=e:1&lastEventId=e:2&last=3"), at("e:9"));
    assert_eq!(start(&headers(" "), "after=e:1&last=3"), at("e:1"));
    assert_eq!(start(&headers(""), "last=3"), Ok(StartFrom::Last(3)));
    assert_eq!(start(&HeaderMap::new(), "after="), Ok(StartFrom::New));
    assert!(start(&headers("soon"), "after=e:1").expect_err("no cursor").message.contains("Last-Event-ID"));
}

#[test]
fn a_page_that_browsers_open_ignores_what_it_does_not_know() {
    #[derive(serde::Deserialize)]
    struct Asked {
        problem: Option<String>,
    }
    let problem = |query| Lenient::<Asked>::parse(query).expect("lenient").0.problem;
    assert_eq!(problem("problem=a&utm_source=x&channels=y&problem=b&problem=").as_deref(), Some("b"));
    assert_eq!(problem("PROBLEM=a+b%26").as_deref(), Some("a b&"));
    assert_eq!(problem("x&%FF=%zz"), None);
}

#[test]
fn a_page_that_browsers_open_says_which_parameter_cannot_be_read() {
    #[derive(Debug, serde::Deserialize)]
    struct Asked {
        #[expect(dead_code, reason = "only whether it can be read is of interest")]
        before: u64,
    }
    let message = |query: &str| Lenient::<Asked>::parse(query).err().expect("no number").message;
    assert_eq!(message("before=abc"), "The parameter before has a value that cannot be read.");
    assert_eq!(message("Before=-1&x=1"), "The parameter before has a value that cannot be read.");
    assert!(message("x=before").contains("missing field"), "{}", message("x=before"));
    assert_eq!(message(&format!("before={}", "%01".repeat(40_000))), "The address is too long.");
}
