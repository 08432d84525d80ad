//! The senders' documents as tables: what each becomes. And the property that no document makes a sender's file panic, or an
//! event that cannot be stored.

use axum::{
    body::Bytes,
    http::{HeaderMap, HeaderName},
};
use proptest::{collection::vec, prelude::*, sample::select};
use serde_json::{Value, json};

use super::{Sender, Translated, bounded};
use crate::protocol::{
    feed::Level,
    problem::Code,
    properties::{json_value, text},
    publication::PUBLISH_MAX_ENTRIES,
};

fn headers(lines: &[(&'static str, &str)]) -> HeaderMap {
    lines
        .iter()
        .map(|(name, value)| (HeaderName::from_static(name), value.parse().expect("a header")))
        .collect()
}

fn translated(sender: &str, lines: &[(&'static str, &str)], body: &Value) -> Vec<Translated> {
    let sender = Sender::parse(sender).expect("known");
    sender.translate(&headers(lines), Bytes::from(body.to_string())).expect("taken")
}

/// The only event: its title, text, level, link and key.
fn one(
    sender: &str,
    lines: &[(&'static str, &str)],
    body: &Value,
) -> (String, String, Level, String, String) {
    let mut events = translated(sender, lines, body);
    assert_eq!(events.len(), 1, "{events:?}");
    let Translated { title, text, level, link, key, .. } = events.remove(0);
    (title, text, level, link.unwrap_or_default(), key.unwrap_or_default())
}

fn assert_one(
    (sender, lines, body): (&str, &[(&'static str, &str)], Value),
    (title, text, level, link, key): (&str, &str, Level, &str, &str),
) {
    let expected = (title.to_owned(), text.to_owned(), level, link.to_owned(), key.to_owned());
    assert_eq!(one(sender, lines, &body), expected);
}

/// A document of GitHub, with the members that each of them has.
fn github(mut body: Value) -> Value {
    body["repository"] = json!({ "full_name": "acme/api", "html_url": "https://git.example/acme/api" });
    body["sender"] = json!({ "login": "alice" });
    body
}

#[test]
fn githubs_events_are_a_good_line_with_a_link() {
    let commit = |id: &str, message: &str| json!({ "id": id, "message": message });
    let issue = json!({ "number": 7, "title": "It *breaks*", "body": "**how**", "html_url": "https://git.example/7" });
    let pull = json!({ "number": 8, "title": "Fix it", "body": "by", "merged": true, "html_url": "https://git.example/8" });
    for (event, body, title, text, level, link) in [
        (
            "ping",
            json!({ "zen": "Keep it simple." }),
            "The webhook works",
            "Keep it simple.",
            Level::Success,
            "/acme/api",
        ),
        (
            "push",
            json!({ "ref": "refs/heads/main", "compare": "https://git.example/c", "commits": [commit("0123456789", "First\n\nmore"), commit("abcdef0123", "Se`cond")] }),
            "alice pushed 2 commits to main",
            "- `0123456` First\n- `abcdef0` Se'cond",
            Level::Info,
            "/c",
        ),
        (
            "push",
            json!({ "ref": "refs/tags/v1", "created": true, "commits": [] }),
            "alice created tag v1",
            "",
            Level::Info,
            "/acme/api",
        ),
        (
            "push",
            json!({ "ref": "refs/heads/x", "deleted": true }),
            "alice deleted x",
            "",
            Level::Info,
            "/acme/api",
        ),
        (
            "issues",
            json!({ "action": "opened", "issue": issue }),
            "alice opened issue #7: It *breaks*",
            "**how**",
            Level::Info,
            "/7",
        ),
        (
            "issues",
            json!({ "action": "closed", "issue": issue }),
            "alice closed issue #7: It *breaks*",
            "",
            Level::Info,
            "/7",
        ),
        (
            "pull_request",
            json!({ "action": "closed", "pull_request": pull }),
            "alice merged pull request #8: Fix it",
            "",
            Level::Success,
            "/8",
        ),
        (
            "pull_request",
            json!({ "action": "synchronize", "pull_request": pull }),
            "alice pushed to pull request #8: Fix it",
            "",
            Level::Info,
            "/8",
        ),
        (
            "issue_comment",
            json!({ "action": "created", "issue": issue, "comment": { "body": "me too", "html_url": "https://git.example/7#c" } }),
            "alice commented on #7: It *breaks*",
            "me too",
            Level::Info,
            "/7#c",
        ),
        (
            "pull_request_review",
            json!({ "action": "submitted", "pull_request": pull, "review": { "state": "changes_requested", "body": "no" } }),
            "alice requested changes of #8: Fix it",
            "no",
            Level::Warning,
            "/8",
        ),
        (
            "release",
            json!({ "action": "published", "release": { "tag_name": "v1", "body": "new", "html_url": "https://git.example/v1" } }),
            "alice published release v1",
            "new",
            Level::Success,
            "/v1",
        ),
        ("star", json!({ "action": "created" }), "alice starred it", "", Level::Info, "/acme/api"),
        (
            "fork",
            json!({ "forkee": { "html_url": "https://git.example/bob/api" } }),
            "alice forked it",
            "",
            Level::Info,
            "/bob/api",
        ),
        (
            "dependabot_alert",
            json!({ "action": "created", "alert": { "html_url": "https://git.example/a/1" } }),
            "alice dependabot alert created",
            "",
            Level::Warning,
            "/a/1",
        ),
        (
            "never_heard_of",
            json!({ "action": "did_it" }),
            "alice never heard of did it",
            "",
            Level::Info,
            "/acme/api",
        ),
    ] {
        let (found, said, found_level, found_link, key) =
            one("github", &[("x-github-event", event)], &github(body));
        assert_eq!((found, said), (format!("acme/api: {title}"), text.to_owned()), "{event}");
        assert_eq!(
            (found_level, found_link, key),
            (level, format!("https://git.example{link}"), String::new()),
            "{event}"
        );
    }
}

#[test]
fn the_states_of_a_run_have_one_key() {
    let run = |status: &str, conclusion: Option<&str>| {
        github(json!({ "action": status, "workflow_run": {
            "id": 42, "name": "CI", "run_number": 9, "status": status, "conclusion": conclusion, "head_branch": "main",
            "display_title": "Fix it", "html_url": "https://git.example/r/42",
        } }))
    };
    for (status, conclusion, words, level) in [
        ("queued", None, "is waiting", Level::Info),
        ("in_progress", None, "is running", Level::Info),
        ("completed", Some("success"), "succeeded", Level::Success),
        ("completed", Some("failure"), "failed", Level::Error),
        ("completed", Some("timed_out"), "timed out", Level::Error),
        ("completed", Some("cancelled"), "was cancelled", Level::Warning),
        ("completed", Some("neutral"), "is neutral", Level::Info),
    ] {
        assert_one(
            ("github", &[("x-github-event", "workflow_run")], run(status, conclusion)),
            (
                &format!("acme/api: CI #9 {words} on main"),
                "Fix it",
                level,
                "https://git.example/r/42",
                "github/workflow_run/42",
            ),
        );
    }
    let deployed = github(json!({
        "deployment": { "id": 5, "ref": "main", "environment": "live" },
        "deployment_status": { "state": "failure", "environment": "live", "target_url": "https://live.example" },
    }));
    assert_one(
        ("github", &[("x-github-event", "deployment_status")], deployed),
        (
            "acme/api: Deployment of main to live failed",
            "",
            Level::Error,
            "https://live.example",
            "github/deployment/5",
        ),
    );
    let status = github(
        json!({ "sha": "0123456789", "context": "ci/x", "state": "pending", "target_url": "https://ci.example" }),
    );
    assert_one(
        ("github", &[("x-github-event", "status")], status),
        (
            "acme/api: ci/x is waiting for 0123456",
            "",
            Level::Info,
            "https://ci.example",
            "github/status/0123456/ci/x",
        ),
    );
}

#[test]
fn gitea_is_read_as_github_with_its_own_names() {
    let review = github(json!({
        "action": "reviewed", "pull_request": { "number": 8, "title": "Fix it", "html_url": "https://git.example/8" },
        "review": { "type": "pull_request_review_approved", "content": "good" },
    }));
    for event in ["pull_request_approved", "pull_request_review_approved"] {
        assert_one(
            ("gitea", &[("x-gitea-event", event), ("x-github-event", event)], review.clone()),
            ("acme/api: alice approved #8: Fix it", "good", Level::Success, "https://git.example/8", ""),
        );
    }
    let push = github(
        json!({ "ref": "refs/heads/main", "compare_url": "https://git.example/c", "commits": [{ "id": "0123456789", "message": "x" }] }),
    );
    assert_one(
        ("gitea", &[("x-forgejo-event", "push")], push),
        (
            "acme/api: alice pushed 1 commit to main",
            "- `0123456` x",
            Level::Info,
            "https://git.example/c",
            "",
        ),
    );
}

#[test]
fn gitlabs_events_are_a_good_line_with_a_link() {
    let project = json!({ "path_with_namespace": "acme/api", "web_url": "https://lab.example/acme/api" });
    let user = json!({ "name": "Alice" });
    let of = |attributes: Value| json!({ "object_attributes": attributes, "user": user, "project": project });
    let merge = of(json!({ "iid": 3, "title": "Fix it", "action": "merge", "url": "https://lab.example/3" }));
    let pipeline = of(json!({ "id": 31, "ref": "main", "status": "failed" }));
    let note = of(json!({ "note": "me too", "url": "https://lab.example/n" }));
    let with = |kind: &str, mut body: Value, more: Value| {
        body["object_kind"] = json!(kind);
        body.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        body
    };
    for (body, title, text, level, link, key) in [
        (
            with("merge_request", merge, json!({})),
            "Alice merged merge request !3: Fix it",
            "",
            Level::Success,
            "/3",
            "",
        ),
        (
            with("pipeline", pipeline, json!({ "commit": { "title": "Fix it" } })),
            "Pipeline #31 failed on main",
            "Fix it",
            Level::Error,
            "/acme/api/-/pipelines/31",
            "gitlab/pipeline/31",
        ),
        (
            with("note", note, json!({ "issue": { "iid": 7, "title": "It breaks" } })),
            "Alice commented on #7: It breaks",
            "me too",
            Level::Info,
            "/n",
            "",
        ),
        (
            with(
                "push",
                json!({ "project": project }),
                json!({
                    "user_name": "Alice", "ref": "refs/heads/main", "before": "1", "after": "2", "total_commits_count": 30,
                    "commits": [{ "id": "0123456789", "title": "x" }],
                }),
            ),
            "Alice pushed 30 commits to main",
            "- `0123456` x",
            Level::Info,
            "/acme/api",
            "",
        ),
        (
            with(
                "build",
                json!({ "project": project }),
                json!({ "build_id": 5, "build_name": "test", "build_status": "success", "ref": "main" }),
            ),
            "Job test succeeded on main",
            "",
            Level::Success,
            "/acme/api/-/jobs/5",
            "gitlab/job/5",
        ),
        (
            with("emoji", json!({ "project": project, "user": user }), json!({})),
            "Alice emoji",
            "",
            Level::Info,
            "/acme/api",
            "",
        ),
    ] {
        assert_one(
            ("gitlab", &[], body),
            (&format!("acme/api: {title}"), text, level, &format!("https://lab.example{link}"), key),
        );
    }
}

#[test]
fn each_alert_is_an_event_that_its_resolution_replaces() {
    let alert = |status: &str, severity: &str| {
        json!({ "status": status, "startsAt": "2026-11-28T10:00:00Z", "fingerprint": "c0ffee", "generatorURL": "https://prom.example/g",
            "labels": { "alertname": "DiskFull", "severity": severity, "instance": "db-1" },
            "annotations": { "summary": "Disk of db-1 is full", "description": "98 %" } })
    };
    let group = |alerts: Value| json!({ "version": "4", "status": "firing", "alerts": alerts });
    for (severity, level) in [
        ("critical", Level::Error),
        ("page", Level::Error),
        ("warning", Level::Warning),
        ("info", Level::Info),
        ("strange", Level::Warning),
    ] {
        for sender in ["alertmanager", "grafana"] {
            assert_one(
                (sender, &[], group(json!([alert("firing", severity)]))),
                ("Disk of db-1 is full", "98 %", level, "https://prom.example/g", "c0ffee"),
            );
        }
    }
    let both = translated(
        "alertmanager",
        &[],
        &group(json!([alert("firing", "critical"), alert("resolved", "critical")])),
    );
    assert_eq!((both[1].title.as_str(), both[1].level), ("Resolved: Disk of db-1 is full", Level::Success));
    assert!(both[0].key == both[1].key && both[0].once != both[1].once);
    assert_eq!(both[0].tags, ["DiskFull", "instance=db-1", "severity=critical"]);
    assert!(translated("alertmanager", &[], &group(json!([]))).is_empty());
    let old = json!({ "ruleId": 3, "ruleName": "Disk", "state": "ok", "title": "[OK] Disk", "message": "fine", "ruleUrl": "https://g.example" });
    assert_one(
        ("grafana", &[], old),
        ("[OK] Disk", "fine", Level::Success, "https://g.example", "grafana/rule/3"),
    );
}

#[test]
fn monitors_say_what_is_down_and_what_is_up_again() {
    let kuma = |status: u8| {
        json!({ "heartbeat": { "monitorID": 4, "status": status, "time": "2026-11-28 10:00:00", "msg": "timeout" },
            "monitor": { "id": 4, "name": "Site", "url": "https://site.example" }, "msg": "[Site] timeout" })
    };
    for (status, words, level) in
        [(0, "is down", Level::Error), (1, "is up", Level::Success), (3, "is under maintenance", Level::Info)]
    {
        assert_one(
            ("uptime-kuma", &[], kuma(status)),
            (&format!("Site {words}"), "timeout", level, "https://site.example", "uptime-kuma/4"),
        );
    }
    let test = json!({ "heartbeat": null, "monitor": null, "msg": "Kuma Testing" });
    assert_one(("uptime-kuma", &[], test), ("Kuma Testing", "", Level::Info, "", ""));
    for (status, words, level) in [
        ("down", "is down", Level::Error),
        ("up", "is up", Level::Success),
        ("paused", "is paused", Level::Info),
    ] {
        let check = json!({ "name": "Backup", "slug": "backup", "status": status, "tags": "db nightly", "desc": "of db-1" });
        assert_one(
            ("healthchecks", &[], check),
            (&format!("Backup {words}"), "of db-1", level, "", "healthchecks/backup"),
        );
    }
}

#[test]
fn sentrys_resources_are_told_apart() {
    let issue = json!({ "id": "12", "title": "KeyError: x", "culprit": "api.views", "level": "error", "web_url": "https://sentry.example/12", "project": { "name": "api" } });
    for (resource, body, title, text, level, link, key) in [
        (
            "event_alert",
            json!({ "action": "triggered", "data": { "triggered_rule": "Anything new", "event": {
                "title": "KeyError: x", "culprit": "api.views", "level": "fatal", "issue_id": "12", "web_url": "https://sentry.example/12/e" } } }),
            "KeyError: x",
            "api.views\nAnything new",
            Level::Error,
            "/12/e",
            "sentry/12",
        ),
        (
            "issue",
            json!({ "action": "created", "data": { "issue": issue } }),
            "KeyError: x",
            "api.views\napi",
            Level::Error,
            "/12",
            "sentry/12",
        ),
        (
            "issue",
            json!({ "action": "resolved", "data": { "issue": issue } }),
            "Resolved: KeyError: x",
            "api.views\napi",
            Level::Success,
            "/12",
            "sentry/12",
        ),
        (
            "issue",
            json!({ "action": "archived", "data": { "issue": issue } }),
            "Archived: KeyError: x",
            "api.views\napi",
            Level::Info,
            "/12",
            "sentry/12",
        ),
        (
            "metric_alert",
            json!({ "action": "warning", "data": { "metric_alert": { "id": "3" }, "description_title": "Slow", "description_text": "p95", "web_url": "https://sentry.example/m" } }),
            "Slow",
            "p95",
            Level::Warning,
            "/m",
            "sentry/metric/3",
        ),
    ] {
        assert_one(
            ("sentry", &[("sentry-hook-resource", resource)], body),
            (title, text, level, &format!("https://sentry.example{link}"), key),
        );
    }
    assert_eq!(
        one(
            "sentry",
            &[("sentry-hook-resource", "installation")],
            &json!({ "action": "created", "data": {} })
        )
        .0,
        "installation created"
    );
    let plugin = json!({ "id": "12", "project_name": "api", "culprit": "api.views", "level": "warning", "url": "https://sentry.example/12", "event": { "title": "Slow" } });
    assert_one(
        ("sentry", &[], plugin),
        ("Slow", "api.views\napi", Level::Warning, "https://sentry.example/12", "sentry/12"),
    );
}

#[test]
fn cloudevents_come_structured_in_batches_and_in_headers() {
    let event = json!({ "specversion": "1.0", "id": "1", "source": "/shop", "type": "order.paid", "subject": "7",
        "data": { "message": "paid", "level": "success", "url": "https://shop.example/7", "key": "order-7" } });
    let expected = ("order.paid: 7", "paid", Level::Success, "https://shop.example/7", "order-7");
    assert_one(("cloudevents", &[("content-type", "application/cloudevents+json")], event.clone()), expected);
    let batch = translated(
        "cloudevents",
        &[("content-type", "application/cloudevents-batch+json")],
        &json!([event, event]),
    );
    assert!(batch.len() == 2 && batch[0] == batch[1], "the same id and source are the same event");
    let lines = [
        ("ce-specversion", "1.0"),
        ("ce-id", "1"),
        ("ce-source", "/shop"),
        ("ce-type", "order.paid"),
        ("ce-subject", "%E5%BA%97"),
    ];
    assert_one(
        ("cloudevents", &lines, json!({ "total": 3 })),
        ("order.paid: 店", "{\"total\":3}", Level::Info, "", ""),
    );
    let plain =
        Sender::CloudEvents.translate(&headers(&lines), Bytes::from_static(b"as it is")).expect("taken");
    assert_eq!(plain[0].text, "as it is");
}

#[test]
fn a_body_that_is_not_the_senders_is_rejected_by_name() {
    for (sender, lines, body) in [
        ("github", &[][..], json!({ "zen": "x" })),
        ("github", &[("x-github-event", "push")], json!([1])),
        ("gitea", &[("x-github-event", "push")], json!({})),
        ("gitlab", &[], json!({ "ref": "x" })),
        ("alertmanager", &[], json!({ "alerts": {} })),
        ("grafana", &[], json!({ "message": "x" })),
        ("uptime-kuma", &[], json!({ "text": "x" })),
        ("sentry", &[("sentry-hook-resource", "issue")], json!({ "action": "created" })),
        ("healthchecks", &[], json!({ "name": "x" })),
        ("cloudevents", &[], json!({ "id": "1" })),
        ("cloudevents", &[], json!("x")),
    ] {
        let sender = Sender::parse(sender).expect("known");
        let rejection =
            sender.translate(&headers(lines), Bytes::from(body.to_string())).expect_err("rejected");
        assert_eq!(rejection.code, Code::BadRequest, "{sender:?}");
        assert!(rejection.message.starts_with("This is not what"), "{sender:?} {}", rejection.message);
    }
    let rejection = Sender::parse("GitHub").expect_err("unknown");
    assert!(
        rejection.code == Code::NotFound && rejection.message.contains("github, gitlab"),
        "{rejection:?}"
    );
}

#[test]
fn of_more_events_than_one_request_may_publish_the_last_says_how_many_are_left_out() {
    let events = |count: usize| vec![Translated::default(); count];
    assert_eq!(bounded(events(PUBLISH_MAX_ENTRIES)).len(), PUBLISH_MAX_ENTRIES);
    let cut = bounded(events(PUBLISH_MAX_ENTRIES + 5));
    assert_eq!(
        (cut.len(), cut[PUBLISH_MAX_ENTRIES - 1].title.as_str()),
        (PUBLISH_MAX_ENTRIES, "6 more in the same request")
    );
}

/// The members that the senders' files look for.
const MEMBERS: [&str; 40] = [
    "action",
    "alerts",
    "annotations",
    "branch",
    "comment",
    "commits",
    "conclusion",
    "context",
    "culprit",
    "data",
    "deployment",
    "deployment_status",
    "description",
    "event",
    "fingerprint",
    "heartbeat",
    "id",
    "issue",
    "labels",
    "level",
    "monitor",
    "msg",
    "name",
    "number",
    "object_attributes",
    "object_kind",
    "project",
    "pull_request",
    "ref",
    "repository",
    "review",
    "sender",
    "sha",
    "source",
    "state",
    "status",
    "title",
    "type",
    "workflow_run",
    "specversion",
];

const EVENTS: [&str; 14] = [
    "push",
    "pull_request",
    "issues",
    "issue_comment",
    "pull_request_review",
    "release",
    "workflow_run",
    "check_run",
    "deployment_status",
    "status",
    "star",
    "ping",
    "merge_request",
    "pipeline",
];

/// An object with those members, two levels deep.
fn document() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        json_value(),
        select(EVENTS.to_vec()).prop_map(Value::from),
        text().prop_map(Value::from)
    ];
    let object = |value: BoxedStrategy<Value>| {
        vec((select(MEMBERS.to_vec()), value), 0..10).prop_map(|members| {
            members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect::<Value>()
        })
    };
    let inner = prop_oneof![2 => leaf.clone(), 2 => object(leaf.boxed()), 1 => vec(object(json_value().boxed()), 0..3).prop_map(Value::from)];
    object(inner.boxed())
}

#[test]
fn an_apprise_notification_is_an_event_of_its_type_and_names_what_is_not_kept() {
    let all = json!({ "version": "1.0", "title": "Disk", "message": "full *now*", "type": "failure",
        "attachments": [{ "filename": "a.png", "base64": "AA==", "mimetype": "image/png" }, 7] });
    let said = "full *now*\n\n2 attachments not kept: a.png, without a name";
    assert_one(("apprise", &[], all), ("Disk", said, Level::Error, "", ""));
    let short = json!({ "title": "", "message": "one line\nmore", "type": "warning" });
    assert_one(("apprise", &[], short), ("one line", "more", Level::Warning, "", ""));
    let other = json!({ "message": "x", "type": "new", "attachments": vec![json!({ "filename": "f" }); 6] });
    let said = "6 attachments not kept: f, f, f, f, f, …";
    assert_one(("apprise", &[], other), ("x", said, Level::Info, "", ""));
    let apprise = Sender::parse("apprise").expect("known");
    let of = |kind: &str, body: &'static str| {
        apprise.translate(&headers(&[("content-type", kind)]), Bytes::from(body)).map_err(|bad| bad.code)
    };
    let form = of("application/x-www-form-urlencoded", "version=1.0&title=Disk&message=full&type=success");
    let event = form.expect("taken").remove(0);
    assert_eq!((event.title.as_str(), event.text.as_str(), event.level), ("Disk", "full", Level::Success));
    assert_eq!(of("multipart/form-data; boundary=b", "--b--"), Err(Code::BadMediaType));
    assert_eq!(of("application/json", r#"{"version":"1.0"}"#), Err(Code::BadRequest));
}

proptest! {
    #[test]
    fn any_document_is_an_event_that_can_be_stored_or_rejected(
        body in prop_oneof![4 => document(), 1 => json_value()],
        event in select(EVENTS.to_vec()),
        sender in select(Sender::ALL.to_vec()),
    ) {
        let lines = [("x-github-event", event), ("x-gitea-event", event), ("sentry-hook-resource", event), ("x-github-delivery", "1")];
        let translated = sender.translate(&headers(&lines), Bytes::from(body.to_string()));
        for event in translated.into_iter().flatten() {
            prop_assert!(event.publication(sender.label()).is_ok(), "{event:?}");
            let message = event.message(sender.label(), event.once(sender.name(), None));
            prop_assert!(crate::protocol::text::MessageText::parse(&message.text).is_ok(), "{message:?}");
        }
    }

    #[test]
    fn any_text_as_a_body_is_read_or_rejected(
        body in text(),
        sender in select(Sender::ALL.to_vec()),
        kind in select(vec!["application/json", "application/x-www-form-urlencoded", "multipart/form-data"]),
    ) {
        let lines = [("x-github-event", "push"), ("ce-specversion", "1.0"), ("ce-id", "1"), ("content-type", kind)];
        drop(sender.translate(&headers(&lines), Bytes::from(body)));
    }
}
