//! Property tests with hostile requests, for everything that the routes parse themselves: bodies, headers, queries, and
//! the redirect after a form. Nothing panics; accepted input is written and read as the same. `protocol/properties.rs`
//! says how many cases run.

use axum::{
    body::Bytes,
    http::{HeaderMap, HeaderName, HeaderValue, Uri, header},
};
use proptest::{collection::vec, prelude::*, sample::select};

use super::{
    api::publish,
    extract::query::{Lenient, LogQuery},
    redirect::back_to,
};
use crate::{
    app::i18n::Language,
    protocol::{
        cursor::Cursor,
        feed::Body,
        properties::{assert_same_again, nearly, text},
        publication::Publication,
    },
    server::{
        error::Error,
        feed::parse_channels,
        log::hub::{PageQuery, StartFrom},
    },
};

/// Bytes that HTTP allows as a header's value: no control characters but the tab (RFC 9110, 5.5).
fn header_value() -> impl Strategy<Value = HeaderValue> {
    let bytes = prop_oneof![
        "\\PC{0,40}".prop_map(String::into_bytes),
        vec(any::<u8>(), 0..40),
        select(vec!["info", "WARNING", "a, b,,c", "https://example.org/", "javascript:alert(1)"])
            .prop_map(|text| text.as_bytes().to_vec()),
    ];
    bytes.prop_filter_map("no header value", |bytes| HeaderValue::from_bytes(&bytes).ok())
}

fn headers(names: &'static [&'static str]) -> impl Strategy<Value = HeaderMap> {
    let header = (select(names).prop_map(HeaderName::from_static), header_value());
    vec(header, 0..5).prop_map(|headers| headers.into_iter().collect())
}

fn is_json() -> (HeaderName, HeaderValue) {
    (header::CONTENT_TYPE, HeaderValue::from_static("application/json"))
}

/// A query in an address: some of these members, with any values, escaped or not.
fn query(members: &'static [&'static str]) -> impl Strategy<Value = Uri> {
    let value = prop_oneof![
        "[0-9]{0,20}",
        "[a-zA-Z0-9]{1,12}:(0|[1-9][0-9]{0,19})",
        "[ -~]{0,20}",
        vec(any::<u8>(), 0..10)
            .prop_map(|bytes| bytes.iter().map(|byte| format!("%{byte:02X}")).collect::<String>()),
    ];
    vec((select(members), value), 0..4).prop_filter_map("no address", |members| {
        let members: Vec<String> = members.iter().map(|(name, value)| format!("{name}={value}")).collect();
        format!("/api?{}", members.join("&")).parse().ok()
    })
}

proptest! {
    #[test]
    fn any_body_is_published_as_it_was_meant_or_is_refused(
        headers in headers(&["title", "level", "tags", "link", "content-type"]),
        body in prop_oneof![text().prop_map(String::into_bytes), vec(any::<u8>(), 0..60)],
    ) {
        if let Ok(read) = publish::read(&headers, None, &Bytes::from(body)) {
            read.publications.iter().for_each(|(publication, _)| assert_same_again(publication));
        }
    }

    #[test]
    fn any_json_is_published_as_it_was_meant_or_is_refused(
        values in vec(
            nearly(
                &["update", "notification", "progress"],
                &["value", "unit", "key", "title", "text", "level", "tags", "link", "done", "total"],
            ),
            1..3,
        ),
    ) {
        let body = Bytes::from(serde_json::to_vec(&values).expect("JSON"));
        if let Ok(read) = publish::read(&HeaderMap::from_iter([is_json()]), None, &body) {
            prop_assert!(read.is_array && read.publications.len() == values.len());
            read.publications.iter().for_each(|(publication, _)| assert_same_again(publication));
        }
    }

    #[test]
    fn a_text_says_the_same_as_its_json(
        title in "[!-~]([ -~]{0,30}[!-~])?",
        tags in vec("[!-+\\--~]{1,10}", 0..4),
        text in "\\PC{0,60}x",
    ) {
        // Without a type, a text that begins like JSON would be read as JSON.
        let headers = HeaderMap::from_iter([
            (header::CONTENT_TYPE, HeaderValue::from_static("text/plain")),
            (HeaderName::from_static("title"), title.parse().expect("ASCII")),
            (HeaderName::from_static("tags"), tags.join(", ").parse().expect("ASCII")),
        ]);
        let by_headers = publish::read(&headers, None, &Bytes::from(text.clone())).expect("fine");
        let body = Body::Notification {
            title: Some(title), text, level: Default::default(), tags, link: None, key: None, details: Default::default(),
        };
        prop_assert_eq!(&by_headers.publications[0].0, &Publication::new(body).expect("fine"));
    }

    #[test]
    fn any_query_of_a_room_is_understood_or_refused(
        uri in query(&[
            "before", "after", "around", "lastEventId", "last", "limit", "wait", "seen", "user_after", "follow", "other",
            "_",
        ]),
    ) {
        let Ok(query) = LogQuery::of_room(uri.query()) else { return Ok(()) };
        for header in [None, Some("e:1"), Some("e:1;u:2"), Some(";"), Some("e:1;u:2;x")] {
            let named = |id| (HeaderName::from_static("last-event-id"), HeaderValue::from_static(id));
            let headers: HeaderMap = header.map(named).into_iter().collect();
            if let (Ok(_), Ok(Some(StartFrom::After(user)))) = (query.start(&headers), query.user_start(&headers)) {
                prop_assert_eq!(user.to_string().parse::<Cursor>(), Ok(user));
            }
        }
        if let Ok((page, limit)) = query.page(&HeaderMap::new()) {
            prop_assert!((1..=200).contains(&limit));
            if let PageQuery::After(cursor, _) | PageQuery::Before(cursor) = page {
                prop_assert_eq!(cursor.to_string().parse::<Cursor>(), Ok(cursor));
            }
        }
    }

    #[test]
    fn any_query_of_the_feed_is_understood_or_refused(
        uri in query(&["before", "after", "last", "limit", "wait", "channel", "heartbeat"]),
        headers in headers(&["last-event-id"]),
        list in text(),
    ) {
        if let Ok(query) = LogQuery::of_feed(uri.query()) {
            let _ = query.channels();
            if let Ok(StartFrom::Last(last)) = query.start(&headers) {
                prop_assert!(last <= 200);
            }
        }
        let _ = parse_channels(Some(&list));
    }

    #[test]
    fn any_text_as_a_query_is_understood_or_refused(text in text()) {
        let _ = LogQuery::of_feed(Some(&text));
        let pairs: Lenient<Vec<(String, String)>> = Lenient::parse(&text).expect("pairs of texts");
        prop_assert!(pairs.0.iter().all(|(_, value)| !value.is_empty()));
    }

    #[test]
    fn a_form_never_sends_a_browser_to_another_site(
        path in prop_oneof![text(), "[/\\\\.:?#@%a\t]{0,12}", "(/|//|/\\\\|https:)[!-~]{0,12}"],
    ) {
        let response = back_to(&path, None::<Error>);
        let location = response.headers()[header::LOCATION].to_str().expect("ASCII");
        prop_assert!(location.starts_with('/') && !location.starts_with("//"), "{}", location);
        prop_assert!(location.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\'), "{}", location);
    }

    #[test]
    fn any_wish_for_a_language_is_answered(cookie in text(), accept in text()) {
        let _ = Language::negotiate(Some(&cookie), Some(&accept));
        let _ = Language::negotiate(None, Some(&accept));
    }
}
