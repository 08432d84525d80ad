//! The table: for each route, the answer to each kind of caller. A new route gets its rows here.

/// One route with one set of parameters.
pub(super) struct Row {
    pub(super) method: &'static str,
    pub(super) path: &'static str,
    /// The body: JSON, or a form if it does not begin with a brace. `CALLER` in it is replaced by a text that is unique
    /// to the caller.
    pub(super) body: &'static str,
    /// A status for each of `MaybeUser::ALL`; a single one applies to all. A `!` means that a form was redirected back
    /// with a problem.
    expected: &'static str,
}

impl Row {
    /// The expected answer to each caller.
    pub(super) fn expected(&self) -> Vec<String> {
        let mut answers: Vec<String> = self.expected.split_whitespace().map(str::to_owned).collect();
        if answers.len() == 1 {
            answers = vec![answers[0].clone(); super::MaybeUser::ALL.len()];
        }
        assert_eq!(answers.len(), super::MaybeUser::ALL.len(), "{} {}", self.method, self.path);
        answers
    }

    /// The expected answer to an invalid token: 401 where a publisher's token is rejected (403), because no caller may
    /// be identified by an invalid one either. On a route that does not authenticate, it changes nothing.
    pub(super) fn expected_of_bad_token(&self) -> String {
        let [nobody, .., publisher, _] = &self.expected()[..] else { unreachable!("there are more columns") };
        // Nobody may publish, and a publisher may.
        let is_asked = publisher == "403" || nobody == "403";
        if is_asked { "401".to_owned() } else { nobody.clone() }
    }

    /// The method and the path without its query.
    pub(super) fn route(&self) -> (&'static str, &'static str) {
        (self.method, self.path.split('?').next().unwrap())
    }
}

const fn row(method: &'static str, path: &'static str, body: &'static str, expected: &'static str) -> Row {
    Row { method, path, body, expected }
}

const MESSAGE: &str = r#"{"id":"UUID","text":"hello"}"#;
/// An answer to the member's message.
const ANSWER: &str = r#"{"id":"UUID","text":"hello","reply_to":1,"thread":1}"#;
/// An edit, which only the message's author may make.
const CHANGE: &str = r#"{"id":"UUID","kind":"edit","text":"hello again"}"#;

/// Marks of a room that everybody may enter, which changes nothing, and of one that is private.
const READ: &str = r#"{"id":"UUID","kind":"read","room":"general","offset":0,"generation":7}"#;
const LEVEL: &str = r#"{"id":"UUID","kind":"level","room":"secret","level":"mentions"}"#;

const DEVICE: &str = r#"{"endpoint":"https://10.0.0.1/x","keys":{"p256dh":"BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4","auth":"BTBZMqHH6r4Tts7J_aSIgg"}}"#;

/// Changes that everybody in the room may make.
const REACTION: &str = r#"{"id":"UUID","kind":"react","emoji":":tada:"}"#;
const NO_REACTION: &str = r#"{"id":"UUID","kind":"unreact","emoji":":tada:"}"#;
const PIN: &str = r#"{"id":"UUID","kind":"pin"}"#;
const NO_PIN: &str = r#"{"id":"UUID","kind":"unpin"}"#;

/// Columns: anonymous · not a member · a removed member · a member · the owner · an administrator · a publisher whose
/// token is valid for the channel · a publisher whose token is not.
pub(super) const ROWS: &[Row] = &[
    row("GET", "/api/events", "", "401 200 200 200 200 200 403 403"),
    row("GET", "/api/events?unread=true", "", "401 200 200 200 200 200 403 403"),
    row("GET", "/api/events?channel=ops", "", "401 200 200 200 200 200 403 403"),
    row("POST", "/api/events/ops", r#"{"type":"update","value":1}"#, "403 403 403 403 403 403 201 403"),
    row("PUT", "/api/events/ops", "by the other method", "403 403 403 403 403 403 201 403"),
    // A channel that is open to who comes without a token: whoever brings one is judged by it.
    row("POST", "/api/events/home-door", "open", "201 403 403 403 403 403 403 403"),
    row("PUT", "/api/events/home-door", "open", "201 403 403 403 403 403 403 403"),
    row("POST", "/api/events/away-door", "open", "403"),
    // There is no question at this offset.
    row("GET", "/api/events/ops/1/answer", "", "403 404 404 404 404 404 404 403"),
    row("POST", "/api/events/ops/1/answer", r#"{"choice":"x"}"#, "403 404 404 404 404 404 404 403"),
    row("POST", "/api/events/home-door/1/answer", r#"{"choice":"x"}"#, "403 404 404 404 404 404 403 403"),
    row("GET", "/feed/ops/answers", "", "303 404 404 404 404 404 403 403"),
    row("POST", "/feed/ops/answers", "question=1&choice=x", "303 303! 303! 303! 303! 303! 403 403"),
    row("GET", "/api/rooms", "", "401 200 200 200 200 200 403 403"),
    row("POST", "/api/rooms", r#"{"name":"CALLER"}"#, "401 201 201 201 201 201 403 403"),
    row("PATCH", "/api/rooms/secret", r#"{"topic":"CALLER"}"#, "401 404 404 403 200 404 403 403"),
    row("PATCH", "/api/rooms/general", r#"{"topic":"CALLER"}"#, "401 403 403 403 403 200 403 403"),
    row("GET", "/api/rooms/general/messages", "", "401 200 200 200 200 200 403 403"),
    row("GET", "/api/rooms/secret/messages", "", "401 404 404 200 200 404 403 403"),
    row("GET", "/api/rooms/secret/messages?around=1", "", "401 404 404 200 200 404 403 403"),
    row("GET", "/api/rooms/secret/messages?after=e:0&seen=", "", "401 404 404 200 200 404 403 403"),
    row("GET", "/api/rooms/secret/messages?unread_seen=1-1", "", "401 404 404 200 200 404 403 403"),
    row("POST", "/api/rooms/general/messages", MESSAGE, "401 201 201 201 201 201 403 403"),
    row("POST", "/api/rooms/secret/messages", MESSAGE, "401 404 404 201 201 404 403 403"),
    row("POST", "/api/rooms/secret/messages", ANSWER, "401 404 404 201 201 404 403 403"),
    row("GET", "/api/rooms/secret/messages?thread=1", "", "401 404 404 200 200 404 403 403"),
    row("GET", "/api/rooms/secret/messages?answers=false", "", "401 404 404 200 200 404 403 403"),
    row("POST", "/api/rooms/secret/messages/1/changes", CHANGE, "401 404 404 201 403 404 403 403"),
    row("POST", "/api/rooms/secret/messages/1/changes", REACTION, "401 404 404 201 201 404 403 403"),
    row("POST", "/api/rooms/secret/messages/1/changes", NO_REACTION, "401 404 404 201 201 404 403 403"),
    row("POST", "/api/rooms/secret/messages/1/changes", PIN, "401 404 404 201 201 404 403 403"),
    row("POST", "/api/rooms/secret/messages/1/changes", NO_PIN, "401 404 404 201 201 404 403 403"),
    row("GET", "/api/rooms/secret/messages/1/edits", "", "401 404 404 200 200 404 403 403"),
    row("GET", "/api/rooms/secret/messages/1/code", "", "401 404 404 200 200 404 403 403"),
    row("GET", "/api/rooms/secret/pins", "", "401 404 404 200 200 404 403 403"),
    row("POST", "/api/rooms/secret/typing", "", "401 404 404 204 204 404 403 403"),
    row("GET", "/api/rooms/general/events", "", "401 200 200 200 200 200 403 403"),
    row("GET", "/api/rooms/secret/events", "", "401 404 404 200 200 404 403 403"),
    row("GET", "/api/rooms/secret/members", "", "401 404 404 200 200 404 403 403"),
    row("POST", "/api/rooms/secret/members", r#"{"name":"extra"}"#, "401 404 404 403 201 404 403 403"),
    row("DELETE", "/api/rooms/secret/members/nobody-s-id", "", "401 404 404 403 204 404 403 403"),
    row("POST", "/api/rooms/general/members", r#"{"name":"extra"}"#, "401 403 403 403 403 403 403 403"),
    row("POST", "/api/files?room=general&name=a.txt", "hello", "401 201 201 201 201 201 403 403"),
    row("POST", "/api/files?room=secret&name=a.txt", "hello", "401 404 404 201 201 404 403 403"),
    // The member's, which no message names yet.
    row("GET", "/files/FILE/a.txt", "", "401 404 404 200 404 404 403 403"),
    row("POST", "/api/uploads?room=general&name=a.txt", "", "401 201 201 201 201 201 403 403"),
    row("POST", "/api/uploads?room=secret&name=a.txt", "", "401 404 404 201 201 404 403 403"),
    // One that the member began there; to others there is none. PATCH without the media type of bytes.
    row("GET", "/api/uploads/UPLOAD", "", "401 404 404 200 404 404 403 403"),
    row("HEAD", "/api/uploads/UPLOAD", "", "401 404 404 200 404 404 403 403"),
    row("PATCH", "/api/uploads/UPLOAD", "", "401 404 404 415 404 404 403 403"),
    row("POST", "/api/uploads/UPLOAD", "", "401 405 405 405 405 405 403 403"),
    row("DELETE", "/api/uploads/UPLOAD", "", "401 404 404 204 404 404 403 403"),
    row("GET", "/api/rooms/general/people", "", "401 200 200 200 200 200 403 403"),
    row("GET", "/api/rooms/secret/people?prefix=a", "", "401 404 404 200 200 404 403 403"),
    row("GET", "/api/rooms/secret/export", "", "401 404 404 403 200 404 403 403"),
    row("GET", "/api/rooms/general/export", "", "401 403 403 403 403 200 403 403"),
    row("GET", "/api/rooms/secret/hooks", "", "401 404 404 403 200 404 403 403"),
    row("POST", "/api/rooms/secret/hooks", r#"{"name":"CI"}"#, "401 404 404 403 201 404 403 403"),
    row("DELETE", "/api/rooms/secret/hooks/nothing-s-id", "", "401 404 404 403 404 404 403 403"),
    // Only the token decides, so that it is the same for every caller.
    row("POST", "/hooks/idh_none_none", r#"{"text":"hello"}"#, "404"),
    row("POST", "/hooks/idh_none_none/discord", r#"{"content":"hello"}"#, "404"),
    row("POST", "/hooks/idh_none_none/github", r#"{"zen":"hello"}"#, "404"),
    row("GET", "/api/rooms/secret/hooks/nothing-s-id/template", "", "401 404 404 403 404 404 403 403"),
    row(
        "PUT",
        "/api/rooms/secret/hooks/nothing-s-id/template",
        r#"{"title":"x"}"#,
        "401 404 404 403 404 404 403 403",
    ),
    row("DELETE", "/api/rooms/secret/hooks/nothing-s-id/template", "", "401 404 404 403 404 404 403 403"),
    row("POST", "/hooks/idh_none_none/template", r#"{"any":"thing"}"#, "404"),
    row("POST", "/hooks/idh_none_none/apprise", r#"{"message":"hello"}"#, "404"),
    row("GET", "/api/rooms/secret/moderators", "", "401 404 404 200 200 404 403 403"),
    row("POST", "/api/rooms/secret/moderators", r#"{"name":"extra"}"#, "401 404 404 403 201 404 403 403"),
    row("POST", "/api/rooms/general/moderators", r#"{"name":"extra"}"#, "401 403 403 403 403 201 403 403"),
    row("DELETE", "/api/rooms/secret/moderators/nobody-s-id", "", "401 404 404 403 204 404 403 403"),
    row("GET", "/api/rooms/secret/mutes", "", "401 404 404 403 200 404 403 403"),
    row(
        "POST",
        "/api/rooms/secret/mutes",
        r#"{"name":"extra","seconds":1}"#,
        "401 404 404 403 201 404 403 403",
    ),
    row("DELETE", "/api/rooms/secret/mutes/nobody-s-id", "", "401 404 404 403 204 404 403 403"),
    row("GET", "/api/rooms/secret/reports", "", "401 404 404 403 200 404 403 403"),
    row("GET", "/api/rooms/general/reports", "", "401 403 403 403 403 200 403 403"),
    // The member's own message, which they cannot report.
    row(
        "POST",
        "/api/rooms/secret/messages/1/reports",
        r#"{"note":"hm"}"#,
        "401 404 404 403 204 404 403 403",
    ),
    row("DELETE", "/api/rooms/secret/messages/1/reports", "", "401 404 404 403 204 404 403 403"),
    row("GET", "/api/rooms/secret/actions", "", "401 404 404 403 200 404 403 403"),
    row("GET", "/api/actions", "", "401 403 403 403 403 200 403 403"),
    row("POST", "/api/markdown", r#"{"text":"*hello*"}"#, "401 200 200 200 200 200 403 403"),
    row("GET", "/api/emoji?q=ta", "", "401 200 200 200 200 200 403 403"),
    row("GET", "/api/search?q=ta", "", "401 200 200 200 200 200 403 403"),
    row("GET", "/api/channels", "", "401 403 403 403 403 200 403 403"),
    // Of a limited channel there is as little as of one that nobody has used.
    row("GET", "/api/channels/ops/values", "", "401 200 200 200 200 200 403 403"),
    row("PUT", "/api/channels/pay/readers", r#"{"names":["member"]}"#, "401 403 403 403 403 200 403 403"),
    row("DELETE", "/api/channels/pay/readers", "", "401 403 403 403 403 204 403 403"),
    row("GET", "/api/publishers", "", "401 403 403 403 403 200 403 403"),
    row(
        "POST",
        "/api/publishers",
        r#"{"name":"CALLER","channels":["x"]}"#,
        "401 403 403 403 403 201 403 403",
    ),
    row("GET", "/api/publishers/nobody-s-id/template", "", "401 403 403 403 403 404 403 403"),
    row("PUT", "/api/publishers/nobody-s-id/template", r#"{"title":"x"}"#, "401 403 403 403 403 404 403 403"),
    row("DELETE", "/api/publishers/nobody-s-id/template", "", "401 403 403 403 403 404 403 403"),
    row("DELETE", "/api/publishers/nobody-s-id", "", "401 403 403 403 403 404 403 403"),
    row("GET", "/api/outgoing", "", "401 403 403 403 403 200 403 403"),
    row("GET", "/api/outgoing?room=secret", "", "401 404 404 403 200 404 403 403"),
    // Its host has no address, so that nothing is called.
    row(
        "POST",
        "/api/outgoing",
        r#"{"url":"https://a.invalid/","channels":["x"]}"#,
        "401 403 403 403 403 400 403 403",
    ),
    row(
        "POST",
        "/api/outgoing",
        r#"{"url":"https://a.invalid/","room":"secret"}"#,
        "401 404 404 403 400 404 403 403",
    ),
    row("DELETE", "/api/outgoing/nothing-s-id", "", "401 404 404 404 404 404 403 403"),
    row("POST", "/api/outgoing/nothing-s-id/replay", "{}", "401 404 404 404 404 404 403 403"),
    row("GET", "/api/heartbeats", "", "401 403 403 403 403 200 403 403"),
    row(
        "PUT",
        "/api/heartbeats/backup",
        r#"{"channel":"x","period":3600}"#,
        "401 403 403 403 403 200 403 403",
    ),
    row("DELETE", "/api/heartbeats/nothing", "", "401 403 403 403 403 404 403 403"),
    // Only the token decides, so that it is the same for every caller.
    row("GET", "/ping/idp_none_none/backup", "", "404"),
    row("POST", "/ping/idp_none_none/backup", "", "404"),
    row("GET", "/ping/idp_none_none/backup/fail", "", "404"),
    row("POST", "/ping/idp_none_none/backup/fail", "", "404"),
    row("GET", "/api/session", "", "200 200 200 200 200 200 403 403"),
    row(
        "POST",
        "/api/session",
        r#"{"name":"owner","password":"not the password"}"#,
        "401 401 401 401 401 401 403 403",
    ),
    row("GET", "/api/user", "", "401 200 200 200 200 200 403 403"),
    row("GET", "/api/user/mentions", "", "401 200 200 200 200 200 403 403"),
    row("GET", "/api/user/export", "", "401 200 200 200 200 200 403 403"),
    row("POST", "/api/user/marks", READ, "401 200 200 200 200 200 403 403"),
    row("POST", "/api/user/marks", LEVEL, "401 404 404 201 201 404 403 403"),
    row("GET", "/api/user/notification?room=general", "", "401 204 204 204 204 204 403 403"),
    row("GET", "/api/user/events", "", "401 200 200 200 200 200 403 403"),
    row("POST", "/api/user/active", "", "401 204 204 204 204 204 403 403"),
    row("GET", "/api/user/blocked", "", "401 200 200 200 200 200 403 403"),
    row("PUT", "/api/user/blocked/nobody-s-id", "", "401 404 404 404 404 404 403 403"),
    row("DELETE", "/api/user/blocked/nobody-s-id", "", "401 204 204 204 204 204 403 403"),
    row("GET", "/api/direct", "", "401 200 200 200 200 200 403 403"),
    row("POST", "/api/direct", r#"{"user_ids":["nobody-s-id"]}"#, "401 404 404 404 404 404 403 403"),
    // Direct messages are open to the two, and to no administrator. Nobody changes who they are.
    row("GET", "/api/rooms/DIRECT/messages", "", "401 404 404 200 200 404 403 403"),
    row("POST", "/api/rooms/DIRECT/messages", MESSAGE, "401 404 404 201 201 404 403 403"),
    row("POST", "/api/rooms/DIRECT/messages/1/changes", CHANGE, "401 404 404 201 403 404 403 403"),
    row("POST", "/api/rooms/DIRECT/messages/1/changes", REACTION, "401 404 404 201 201 404 403 403"),
    row("GET", "/api/rooms/DIRECT/messages/1/edits", "", "401 404 404 200 200 404 403 403"),
    row("GET", "/api/rooms/DIRECT/pins", "", "401 404 404 200 200 404 403 403"),
    row("GET", "/api/rooms/DIRECT/events", "", "401 404 404 200 200 404 403 403"),
    row("GET", "/api/rooms/DIRECT/messages?after=e:0&seen=", "", "401 404 404 200 200 404 403 403"),
    row("POST", "/api/rooms/DIRECT/typing", "", "401 404 404 204 204 404 403 403"),
    row("GET", "/api/rooms/DIRECT/people", "", "401 404 404 200 200 404 403 403"),
    row("GET", "/api/rooms/DIRECT/members", "", "401 404 404 200 200 404 403 403"),
    row("POST", "/api/rooms/DIRECT/members", r#"{"name":"extra"}"#, "401 404 404 403 403 404 403 403"),
    row("DELETE", "/api/rooms/DIRECT/members/nobody-s-id", "", "401 404 404 403 403 404 403 403"),
    row("GET", "/rooms/DIRECT", "", "303 404 404 200 200 404 403 403"),
    row("GET", "/rooms/DIRECT/1", "", "303 404 404 200 200 404 403 403"),
    row("GET", "/rooms/DIRECT/thread/1", "", "303 404 404 200 200 404 403 403"),
    row("GET", "/rooms/DIRECT/messages/1", "", "303 404 404 200 200 404 403 403"),
    row("GET", "/rooms/DIRECT/members", "", "303 404 404 404 404 404 403 403"),
    row("POST", "/rooms/DIRECT/members/remove", "user=none", "303 404 404 303! 303! 404 403 403"),
    row("POST", "/rooms/DIRECT", "text=hello", "303 303! 303! 303 303 303! 403 403"),
    row("GET", "/api/push", "", "401 200 200 200 200 200 403 403"),
    // An address that this server does not call.
    row("POST", "/api/push/subscriptions", DEVICE, "401 400 400 400 400 400 403 403"),
    row("DELETE", "/api/push/subscriptions/1", "", "401 204 204 204 204 204 403 403"),
    row("PUT", "/api/push/settings", "{}", "401 204 204 204 204 204 403 403"),
    row("PUT", "/api/push/rules", r#"{"rules":[]}"#, "401 204 204 204 204 204 403 403"),
    row("POST", "/api/push/test", "{}", "401 202 202 202 202 202 403 403"),
    row("GET", "/api", "", "404"),
    row("GET", "/api/", "", "404"),
    row("GET", "/api/anything/else", "", "404"),
    // ntfy's protocol. Marking as read is refused to all.
    row("POST", "/", r#"{"topic":"ops","message":"CALLER"}"#, "403 403 403 403 403 403 200 403"),
    row("PUT", "/", r#"{"topic":"ops","message":"CALLER"}"#, "403 403 403 403 403 403 200 403"),
    row("POST", "/ops", "a message", "403 403 403 403 403 403 200 403"),
    row("PUT", "/ops", "a message", "403 403 403 403 403 403 200 403"),
    row("POST", "/ops/backup-1", "a message", "403 403 403 403 403 403 200 403"),
    row("PUT", "/ops/backup-1", "a message", "403 403 403 403 403 403 200 403"),
    row("POST", "/ops?delay=3d", "a message", "403 403 403 403 403 403 200 403"),
    row("GET", "/ops/json?poll=1&scheduled=1", "", "401 200 200 200 200 200 403 403"),
    row("POST", "/", r#"{"topic":"home-door","message":"CALLER"}"#, "200 403 403 403 403 403 403 403"),
    row("POST", "/home-door", "a message", "200 403 403 403 403 403 403 403"),
    row("POST", "/home-door?delay=3d", "a message", "403"),
    row("POST", "/home-door/backup-1", "a message", "200 403 403 403 403 403 403 403"),
    row("DELETE", "/home-door/backup-1", "", "200 403 403 403 403 403 403 403"),
    row("GET", "/home-door/publish?message=x", "", "401 403 403 403 403 403 403 403"),
    row("POST", "/away-door", "a message", "403"),
    row("GET", "/ops/publish?message=x", "", "401 403 403 403 403 403 200 403"),
    row("GET", "/ops/send?message=x", "", "401 403 403 403 403 403 200 403"),
    row("GET", "/ops/trigger?message=x", "", "401 403 403 403 403 403 200 403"),
    row("DELETE", "/ops/backup-1", "", "403 403 403 403 403 403 200 403"),
    row("PUT", "/ops/backup-1/clear", "", "400"),
    row("PUT", "/ops/backup-1/read", "", "400"),
    row("GET", "/ops/json", "", "401 200 200 200 200 200 403 403"),
    row("GET", "/ops/json?poll=1", "", "401 200 200 200 200 200 403 403"),
    row("GET", "/ops/sse", "", "401 200 200 200 200 200 403 403"),
    row("GET", "/ops/raw", "", "401 200 200 200 200 200 403 403"),
    row("GET", "/ops/ws", "", "401 400 400 400 400 400 403 403"),
    row("GET", "/ops/auth", "", "401 200 200 200 200 200 403 403"),
    // Gotify's addresses: the token of a publisher or a webhook is an application's, and no other is.
    row("POST", "/message", r#"{"message":"CALLER"}"#, "401 401 401 401 401 401 200 400"),
    row("GET", "/version", "", "200"),
    row("GET", "/health", "", "200"),
    row("GET", "/v1/health", "", "200"),
    row("GET", "/v1/account", "", "200 200 200 200 200 200 403 403"),
    // The frames have a table of their own; a request without an upgrade is not one for a socket.
    row("GET", "/ws", "", "400 400 400 400 400 400 403 403"),
    // The events of Socket.IO have a table of their own. Any caller may open a connection, which can do nothing by
    // itself.
    row("GET", "/socket.io/", "", "400 400 400 400 400 400 403 403"),
    row("GET", "/socket.io", "", "400 400 400 400 400 400 403 403"),
    row("GET", "/socket.io/?EIO=4&transport=polling", "", "200 200 200 200 200 200 403 403"),
    row("POST", "/socket.io/", "", "400"),
    row("POST", "/socket.io", "", "400"),
    row("GET", "/healthz", "", "200"),
    row("GET", "/readyz", "", "200"),
    row("GET", "/metrics", "", "200"),
    row("GET", "/pkg/0/nothing.js", "", "404"),
    row("GET", "/favicon.svg", "", "200"),
    row("GET", "/icons/app-192.png", "", "200"),
    row("GET", "/icons/none.png", "", "404"),
    row("GET", "/manifest.webmanifest?lang=ja", "", "200"),
    row("GET", "/service-worker.js", "", "200"),
    row("GET", "/", "", "303 200 200 200 200 200 403 403"),
    row("GET", "/feed", "", "303 200 200 200 200 200 403 403"),
    row("POST", "/feed", "channel=ops&choice=pin", "303 303 303 303 303 303 403 403"),
    row("GET", "/status", "", "303 200 200 200 200 200 403 403"),
    row("GET", "/channels/ops", "", "303 308 308 308 308 308 403 403"),
    // A limited channel is as empty as one that nobody has used; a name that is none has no page.
    row("GET", "/feed/ops", "", "303 200 200 200 200 200 403 403"),
    row("GET", "/?from=2020-01-01", "", "303 200 200 200 200 200 403 403"),
    row("GET", "/feed/ops?to=2020-01-01", "", "303 200 200 200 200 200 403 403"),
    row("GET", "/feed/ops?from=soon", "", "303 400 400 400 400 400 403 403"),
    row("GET", "/feed/not%20a%20name", "", "303 404 404 404 404 404 403 403"),
    row("GET", "/rooms/general", "", "303 200 200 200 200 200 403 403"),
    row("GET", "/rooms/secret", "", "303 404 404 200 200 404 403 403"),
    row("GET", "/rooms/general/1", "", "303 200 200 200 200 200 403 403"),
    row("GET", "/rooms/secret/1", "", "303 404 404 200 200 404 403 403"),
    row("GET", "/rooms/secret/thread/1", "", "303 404 404 200 200 404 403 403"),
    row("GET", "/rooms/secret/2001-01-01", "", "303 404 404 404 404 404 403 403"),
    row("GET", "/nowhere", "", "303 404 404 404 404 404 403 403"),
    row("GET", "/nowhere/else", "", "303 404 404 404 404 404 403 403"),
    row("GET", "/fn/start?room=secret", "", "401 200 200 200 200 200 403 403"),
    row("GET", "/fn/start?room=secret&place=1", "", "401 200 200 200 200 200 403 403"),
    row("GET", "/fn/start?room=secret&thread=1", "", "401 200 200 200 200 200 403 403"),
    row("GET", "/fn/start?channel=ops", "", "401 200 200 200 200 200 403 403"),
    row("GET", "/fn/viewer", "", "401 200 200 200 200 200 403 403"),
    row("GET", "/fn/channel?channel=ops", "", "401 200 200 200 200 200 403 403"),
    row("GET", "/fn/events?rows=2&links=ops/2", "", "401 200 200 200 200 200 403 403"),
    // The notification that came by PUT above.
    row("GET", "/feed/ops/2", "", "303 200 200 200 200 200 403 403"),
    row("POST", "/feed/ops/2", "room=general", "303 303 303 303 303 303 403 403"),
    row("POST", "/feed/ops/2", "room=secret", "303 303! 303! 303 303 303! 403 403"),
    row("GET", "/fn/notices?before=e:1", "", "401 200 200 200 200 200 403 403"),
    row("GET", "/fn/notices?before=e:1&level=error", "", "401 200 200 200 200 200 403 403"),
    row("GET", "/fn/notices?before=e:1&channel=ops", "", "401 200 200 200 200 200 403 403"),
    row("POST", "/rooms", "name=form+CALLER", "303 303 303 303 303 303 403 403"),
    row("POST", "/rooms/secret", "text=hello", "303 303! 303! 303 303 303! 403 403"),
    row("POST", "/rooms/secret/level", "level=mentions", "303 303! 303! 303 303 303! 403 403"),
    row("POST", "/rooms/secret", "text=hello&preview=true", "303 303! 303! 200 200 303! 403 403"),
    // With accounts, the name is changed in the account.
    row("POST", "/name", "name=somebody", "303 303! 303! 303! 303! 303! 403 403"),
    row("GET", "/language/ja", "", "303 303 303 303 303 303 403 403"),
    row("GET", "/theme/dark", "", "303 303 303 303 303 303 403 403"),
    row("GET", "/favourites/secret?add=true", "", "303 303 303 303 303 303 403 403"),
    row("GET", "/density/compact", "", "303 303 303 303 303 303 403 403"),
    row("GET", "/aside/hidden", "", "303 303 303 303 303 303 403 403"),
    // The account pages. An anonymous caller is redirected to sign in.
    row("GET", "/sign-in", "", "200 303 303 303 303 303 403 403"),
    row(
        "POST",
        "/sign-in",
        "name=somebody&password=not+the+password",
        "303! 303! 303! 303! 303! 303! 403 403",
    ),
    row("GET", "/join/no-link", "", "410 410 410 410 410 410 403 403"),
    row(
        "POST",
        "/join/no-link",
        "name=CALLER&new-password=not+a+password",
        "303! 303! 303! 303! 303! 303! 403 403",
    ),
    row("GET", "/reset/no-link", "", "410 410 410 410 410 410 403 403"),
    row("POST", "/reset/no-link", "new-password=not+a+password", "303! 303! 303! 303! 303! 303! 403 403"),
    row("GET", "/mentions", "", "303 200 200 200 200 200 403 403"),
    row("GET", "/search?q=ta", "", "303 200 200 200 200 200 403 403"),
    row("GET", "/account", "", "303 200 200 200 200 200 403 403"),
    row("POST", "/account/name", "name=", "303 303! 303! 303! 303! 303! 403 403"),
    row(
        "POST",
        "/account/password",
        "password=wrong&new-password=wrong",
        "303 303! 303! 303! 303! 303! 403 403",
    ),
    row("POST", "/account/sessions", "session=none", "303 303 303 303 303 303 403 403"),
    row("GET", "/rooms", "", "303 404 404 404 404 404 403 403"),
    row("GET", "/rooms/general/level", "", "303 404 404 404 404 404 403 403"),
    row("GET", "/people", "", "303 404 404 404 404 200 403 403"),
    row("POST", "/people/invitations", "", "303 404 404 404 404 200 403 403"),
    row("POST", "/people/invitations/revoke", "id=none", "303 404 404 404 404 303 403 403"),
    row("POST", "/people/none/administrator", "on=true", "303 404 404 404 404 303! 403 403"),
    row("POST", "/people/none/blocked", "on=true", "303 404 404 404 404 303! 403 403"),
    row("POST", "/people/none/reset", "", "303 404 404 404 404 404 403 403"),
    row("GET", "/people/none/remove", "", "303 404 404 404 404 404 403 403"),
    row("POST", "/people/none/remove", "", "303 404 404 404 404 303! 403 403"),
    row("GET", "/rooms/secret/messages/1", "", "303 404 404 200 200 404 403 403"),
    row("POST", "/rooms/secret/messages/1", "id=UUID&kind=edit&text=hi", "303 404 404 303 303! 404 403 403"),
    // A card is seen by who shares a room with the person: an id of nobody is as one of a stranger.
    row("GET", "/people/nobody-s-id", "", "303 404 404 404 404 404 403 403"),
    row("GET", "/people/OWNER", "", "303 404 404 200 200 404 403 403"),
    row("POST", "/people/nobody-s-id/message", "", "303 303! 303! 303! 303! 303! 403 403"),
    row("POST", "/people/OWNER/message", "", "303 303! 303! 303 303! 303! 403 403"),
    row("POST", "/people/nobody-s-id/block", "on=true", "303 303! 303! 303! 303! 303! 403 403"),
    row("POST", "/people/nobody-s-id/block", "on=false", "303 303 303 303 303 303 403 403"),
    row("GET", "/notifications", "", "303 200 200 200 200 200 403 403"),
    row("POST", "/notifications", "from=&to=&zone=", "303 303 303 303 303 303 403 403"),
    row("POST", "/notifications/remove", "device=1", "303 303 303 303 303 303 403 403"),
    row("POST", "/notifications/rules", "channel=ops&level=info", "303 303 303 303 303 303 403 403"),
    row("POST", "/notifications/rules/remove", "channel=ops&level=info", "303 303 303 303 303 303 403 403"),
    row("POST", "/notifications/test", "x=1", "303 303 303 303 303 303 403 403"),
    row("GET", "/share?text=hello", "", "303 200 200 200 200 200 403 403"),
    row("POST", "/share", "room=secret&text=hello", "303 303! 303! 303 303 303! 403 403"),
    row("GET", "/rooms/secret/attach", "", "303 404 404 200 200 404 403 403"),
    row("POST", "/rooms/secret/attach", "text=hello", "303 404 404 303! 303! 404 403 403"),
    row("GET", "/rooms/secret/members", "", "303 404 404 200 200 404 403 403"),
    row("GET", "/rooms/general/members", "", "303 200 200 200 200 200 403 403"),
    row("POST", "/rooms/secret/members", "name=extra", "303 404 404 303! 303 404 403 403"),
    row("POST", "/rooms/secret/members/remove", "user=none", "303 404 404 303! 303 404 403 403"),
    row("GET", "/rooms/secret/settings", "", "303 404 404 404 200 404 403 403"),
    row("GET", "/rooms/general/settings", "", "303 404 404 404 404 200 403 403"),
    row("POST", "/rooms/secret/settings", "name=Secret&topic=CALLER", "303 404 404 303! 303 404 403 403"),
    row("POST", "/rooms/secret/settings/archive", "archived=false", "303 404 404 303! 303 404 403 403"),
    row("POST", "/rooms/secret/settings/remove", "confirm=not+its+name", "303 404 404 303! 303! 404 403 403"),
    row("POST", "/rooms/secret/settings/moderators", "moderator=extra", "303 404 404 303! 303 404 403 403"),
    row("POST", "/rooms/secret/settings/moderators/remove", "user=none", "303 404 404 303! 303 404 403 403"),
    row("POST", "/rooms/secret/settings/mutes", "muted=nobody", "303 404 404 303! 303! 404 403 403"),
    row("POST", "/rooms/secret/settings/mutes/remove", "user=none", "303 404 404 303! 303 404 403 403"),
    row(
        "POST",
        "/rooms/secret/settings/reports",
        "message=1&answer=dismiss",
        "303 404 404 303! 303 404 403 403",
    ),
    row("POST", "/rooms/secret/messages/1/report", "note=hm", "303 404 404 303! 303 404 403 403"),
    row("GET", "/rooms/secret/hooks", "", "303 404 404 404 200 404 403 403"),
    row("POST", "/rooms/secret/hooks", "name=CI", "303 404 404 303! 200 404 403 403"),
    row("GET", "/rooms/secret/hooks/none/template", "", "303 404 404 404 404 404 403 403"),
    row("POST", "/rooms/secret/hooks/none/template", "title=x", "303 404 404 403 404 404 403 403"),
    row("POST", "/rooms/secret/hooks/remove", "id=nothing", "303 404 404 403 303 404 403 403"),
    row("GET", "/rooms/secret/outgoing", "", "303 404 404 404 200 404 403 403"),
    row("POST", "/rooms/secret/outgoing", "url=CALLER", "303 404 404 303! 303! 404 403 403"),
    row("POST", "/rooms/secret/outgoing/remove", "id=nothing", "303 303 303 303 303 303 403 403"),
    row("POST", "/rooms/secret/outgoing/replay", "id=nothing", "303 404 404 404 404 404 403 403"),
    row("GET", "/rooms/secret/actions", "", "303 404 404 404 200 404 403 403"),
    row("GET", "/reports", "", "303 200 200 200 200 200 403 403"),
    row("GET", "/actions", "", "303 404 404 404 404 200 403 403"),
    row("GET", "/publishers", "", "303 404 404 404 404 200 403 403"),
    row("POST", "/publishers", "name=CALLER&channels=x", "303 404 404 404 404 200 403 403"),
    row("GET", "/publishers/none/template", "", "303 404 404 404 404 404 403 403"),
    row("POST", "/publishers/none/template", "title=x", "303 404 404 404 404 404 403 403"),
    row("POST", "/publishers/remove", "id=none", "303 404 404 404 404 303 403 403"),
    row("GET", "/heartbeats", "", "303 404 404 404 404 200 403 403"),
    row(
        "POST",
        "/heartbeats",
        "name=backup&channel=x&schedule=1h&grace=5m",
        "303 404 404 404 404 303 403 403",
    ),
    row("POST", "/heartbeats/remove", "name=none", "303 404 404 404 404 303 403 403"),
    row("GET", "/outgoing", "", "303 404 404 404 404 200 403 403"),
    row("POST", "/outgoing", "url=nowhere&channels=x", "303 404 404 404 404 303! 403 403"),
    row("POST", "/outgoing/remove", "id=none", "303 404 404 404 404 303 403 403"),
    row("POST", "/outgoing/replay", "id=none", "303 404 404 404 404 404 403 403"),
    row("GET", "/channels", "", "303 404 404 404 404 200 403 403"),
    row("POST", "/channels", "channel=pay&readers=member", "303 404 404 404 404 303 403 403"),
    row("POST", "/channels/open", "channel=pay", "303 404 404 404 404 303 403 403"),
    // The others find that it was removed.
    row("DELETE", "/api/rooms/random", "", "401 403 403 403 403 204 403 403"),
    // These come last: they end the caller's session, whose token is then invalid.
    row("POST", "/sign-out", "", "303 303 303 303 303 303 403 403"),
    row("DELETE", "/api/session", "", "204 401 401 401 401 401 403 403"),
];
