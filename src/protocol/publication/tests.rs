//! Tests of the parsing, cleaning and rejection of entries that programs publish.

use serde_json::json;

use super::*;

fn read(value: Value) -> (Body, Vec<String>) {
    let (publication, ignored) =
        Publication::from_json(value.clone()).unwrap_or_else(|error| panic!("{value}: {error}"));
    (publication.body().clone(), ignored)
}

fn rejection(value: Value) -> Rejection {
    Publication::from_json(value.clone()).expect_err(&value.to_string())
}

fn level(value: Value) -> Level {
    match read(value).0 {
        Body::Notification { level, .. } => level,
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_object_without_type_is_a_notification() {
    let (_, ignored) = read(json!({ "text": "backup done", "type": "com.example.done", "id": 1 }));
    assert_eq!(ignored, ["id", "type"], "another sender's type");
    let (body, ignored) = read(json!({ "text": "backup done", "type": null }));
    assert!(matches!(body, Body::Notification { text, .. } if text == "backup done"));
    assert!(ignored.is_empty());
}

#[test]
fn other_senders_spellings_are_read_and_the_rest_is_named() {
    let (body, ignored) = read(json!({
        "Subject": "disk", "message": "full", "url": "HTTPS://a.example/", "priority": 4, "tags": "a, b,", "host": "db1",
        "title": "", "key": null,
    }));
    let expected = Body::Notification {
        title: Some("disk".into()),
        text: "full".into(),
        level: Level::Warning,
        tags: vec!["a".into(), "b".into()],
        link: Some("HTTPS://a.example/".into()),
        key: None,
        details: Details { priority: Some(4), ..Details::default() },
    };
    assert_eq!((body, ignored), (expected, vec!["host".to_owned()]));
}

#[test]
fn levels_are_read_by_common_words_and_priorities() {
    for (value, expected) in [
        (json!("WARNING"), Level::Warning),
        (json!("warn"), Level::Warning),
        (json!("Critical"), Level::Error),
        (json!("err"), Level::Error),
        (json!("notice"), Level::Info),
        (json!("OK"), Level::Success),
        (json!(1), Level::Info),
        (json!("4"), Level::Warning),
        (json!(5), Level::Error),
        (json!(null), Level::Info),
        (json!(""), Level::Info),
    ] {
        assert_eq!(level(json!({ "text": "x", "level": value })), expected, "{value}");
    }
    for (entry, expected) in [
        (json!({ "msg": "pino", "level": 30 }), Level::Info),
        (json!({ "msg": "pino", "level": 40 }), Level::Warning),
        (json!({ "msg": "pino", "level": 50 }), Level::Error),
        (json!({ "msg": "syslog", "severity": 6 }), Level::Info),
        (json!({ "msg": "syslog", "severity": 4 }), Level::Warning),
        (json!({ "msg": "syslog", "Severity": "0" }), Level::Error),
        (json!({ "msg": "ntfy", "priority": 5 }), Level::Error),
        (json!({ "msg": "ntfy", "priority": 1 }), Level::Info),
    ] {
        assert_eq!(level(entry.clone()), expected, "{entry}");
    }
}

#[test]
fn invisible_texts_are_absent_and_forbidden_characters_left_out() {
    let (body, _) = read(json!({
        "text": "a\0b\r\nc", "title": "\u{200b}", "tags": ["\u{3164}", null, "x\u{7}"], "key": " k\0\n1 ", "link": "",
    }));
    let expected = Body::Notification {
        title: None,
        text: "ab\nc".into(),
        level: Level::Info,
        tags: vec!["x".into()],
        link: None,
        key: Some("k 1".into()),
        details: Details::default(),
    };
    assert_eq!(body, expected);
}

#[test]
fn an_integer_is_kept_as_the_nearest_double() {
    let value = |text: &str| match read(
        serde_json::from_str(&format!(r#"{{"type":"update","value":{text}}}"#)).expect("JSON"),
    )
    .0
    {
        Body::Update { value, .. } => value,
        other => panic!("{other:?}"),
    };
    assert_eq!(value("9007199254740993"), 9_007_199_254_740_992.0);
    assert_eq!(value("123456789012345678901234567890"), 1.234_567_890_123_456_8e29);
}

#[test]
fn entries_beyond_the_limits_are_rejected() {
    for value in [
        json!([]),
        json!("text"),
        json!({}),
        json!({"text": ""}),
        json!({"text": "\u{2060}"}),
        json!({"type": "dance"}),
        json!({"type": "update"}),
        json!({"type": "update", "value": "1"}),
        json!({"type": "update", "value": 1, "unit": "x".repeat(65)}),
        json!({"type": "update", "value": 1, "unit": format!("x{}", "\u{301}".repeat(2_000))}),
        json!({"type": "progress", "key": "k", "done": 3, "total": 2}),
        json!({"type": "progress", "key": "", "done": 1, "total": 2}),
        json!({"type": "progress", "key": "k", "done": -1}),
        json!({"type": "progress", "key": "k", "done": 0, "total": 0}),
        json!({"type": "progress", "key": "k", "done": 1, "state": "dancing"}),
        json!({"text": "hi", "link": "javascript:alert(1)"}),
        json!({"text": "hi", "link": "http://"}),
        json!({"text": "hi", "link": "https:///path"}),
        json!({"text": "hi", "link": "https://?q"}),
        json!({"text": "hi", "tags": vec!["t"; 11]}),
        json!({"text": "hi", "level": "loud"}),
        json!({"text": "x".repeat(4_001)}),
    ] {
        rejection(value);
    }
}

#[test]
fn a_progress_has_a_state_and_may_not_know_its_total() {
    let written = |value: Value| {
        let (publication, ignored) = Publication::from_json(value).expect("accepted");
        assert!(ignored.is_empty(), "{ignored:?}");
        serde_json::to_value(publication.body()).expect("plain data")
    };
    let progress = |members: Value| {
        let mut value = json!({"type": "progress", "key": "k", "done": 3.0});
        value.as_object_mut().expect("an object").extend(members.as_object().expect("an object").clone());
        value
    };
    for (sent, stored) in [
        (json!({}), json!({})),
        (json!({"total": 4.0, "state": "running"}), json!({"total": 4.0})),
        (json!({"total": null, "state": "In-Progress"}), json!({})),
        (json!({"state": "paused"}), json!({"state": "paused"})),
        (json!({"total": 4.0, "state": "Cancelled"}), json!({"total": 4.0, "state": "failed"})),
        (json!({"state": "success"}), json!({"state": "done"})),
    ] {
        assert_eq!(written(progress(sent.clone())), progress(stored), "{sent}");
    }
}

#[test]
fn a_rejection_names_the_member() {
    for (value, words) in [
        (json!({"text": {"a": 1}}), "text in the entry has to be a text, not an object."),
        (json!({"txt": "hi", "a": 1}), "Not known: a, txt"),
        (json!({"type": "update", "value": "NaN"}), "finite number"),
        (json!({"text": "x".repeat(4_001)}), "The text has 4001 characters; at most 4000 characters"),
        (json!({"title": "x".repeat(201)}), "The title has 201 characters; at most 200"),
        (json!({"text": "x", "tags": ["y".repeat(65)]}), "The tag has 65 characters; at most 64"),
        (json!({"type": "alert", "text": "x", "level": "purple"}), "level is info, success"),
        (json!({"type": "alert", "text": 1}), "text in the entry has to be a text"),
        (json!({"type": "dance", "value": 1}), "the type of an entry is notification, update or progress"),
    ] {
        let message = rejection(value).message;
        assert!(message.contains(words) && !message.contains("invalid type"), "{message}");
    }
}

#[test]
fn the_links_of_a_notification_are_read_and_bounded() {
    let url = "https://a.example/1";
    let (body, ignored) = read(json!({
        "text": "x", "priority": 2, "level": "error", "icon": url, "markdown": true,
        "actions": [{ "label": " Open\nit ", "url": url }],
    }));
    let Body::Notification { details, level, .. } = body else { panic!("a notification") };
    let action = Action { label: "Open it".into(), url: url.into() };
    let expected = Details {
        priority: Some(2),
        icon: Some(url.into()),
        markdown: true,
        html: None,
        actions: vec![action],
        ..Details::default()
    };
    assert_eq!((details, level, ignored.len()), (expected, Level::Error, 0));
    let action = json!({ "label": "x", "url": url });
    for (member, value) in [
        ("icon", json!("javascript:alert(1)")),
        ("actions", json!("view, Open, https://a.example")),
        ("actions", json!([action, action, action, action, action])),
        ("actions", json!([{ "label": "x", "url": "javascript:alert(1)" }])),
        ("actions", json!([{ "label": "x".repeat(65), "url": url }])),
        ("actions", json!([{ "label": "x", "url": format!("{url}{}", "x".repeat(2_000)) }])),
        ("actions", json!([{ "url": url }])),
    ] {
        assert_eq!(
            rejection(json!({ "text": "x", member: value })).code,
            Code::BadRequest,
            "{member} {value}"
        );
    }
}
