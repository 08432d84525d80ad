//! The contract: the plain data that crosses the wire and the rules for it, shared by the server and the browser.
//!
//! Every other part of the program may use these types; this module uses none of theirs and does no I/O.
//!
//! # The wire
//!
//! JSON in UTF-8. A `timestamp` is an integer of milliseconds since the Unix epoch, set by the server's clock; it may be
//! less than the one before, when that clock was put right or another node's. Order comes from offsets. A *cursor*
//! is the text `epoch:offset` and means "I have seen everything up to here"; what stands before the `:` is opaque and
//! is given back as it came. An HTTP error is a
//! [`problem::Problem`] (RFC 9457) whose `code` is one of [`problem::Code`]; the same codes stand in a socket's
//! `rejected` frames.
//!
//! ## The promise
//!
//! On every transport each entry reaches a reader once, in the order of its offsets, through drops and restarts, as
//! long as it is retained.
//!
//! A reader is reset only when something that it reads was removed above its cursor; what its channels and its rights
//! leave out does not count. One `reset` tells it, with the cursor from which the log goes on: the lowest one after
//! which all that it reads is retained, or, because notifications outlive the values around them, the one just before
//! the oldest entry that it lacks and that is retained. So whatever is retained above the lost cursor follows, and a
//! reader that is cut in the middle of it resumes without another reset. A cursor of another epoch, or beyond the head,
//! has seen nothing of this log: all that is retained follows. (Where it is not known any more what was removed of a
//! channel, because an earlier version removed it or a thousand others were removed since, the reader is reset.)
//!
//! A post is acknowledged when it is durable. The same client id of the same author is stored once: sending it again is
//! answered with the first entry, or, when that was removed since, with its offset and timestamp and what was sent
//! now (remembered for `--client-id-age`).
//!
//! A server that stops says when to come back, spread by chance: a socket's close 1001 has the reason `retry MS`, a
//! stream ends with `retry:`, a waiting poll is answered with `"retry":MS`.
//!
//! ## Texts and members
//!
//! Texts of people and programs keep every script and emoji. Line ends become `\n`; control characters, noncharacters and
//! overrides of direction are left out ([`text`]), in a name of a person, room or publisher they are refused. A text of
//! nothing but characters that nobody sees is empty.
//!
//! Members of JSON are found in any case. Optional ones that are `null` or empty are absent (a password of blanks is not
//! empty). What is not known is not read, and named in the answer (`"ignored":["foo"]`); where it could be a right that is
//! misspelt, it is refused: anything unknown in the bodies of sessions, publishers, readers and members, and in that of a
//! room what looks like one. Numbers are IEEE doubles: integers above 2^53 are kept to the nearest one, what is larger than
//! a double is refused.
//!
//! ## Who may do what
//!
//! A session is a JWT, in a cookie for pages and as `Authorization: Bearer` for programs; never in an address. A request
//! with an `Authorization` header is judged by it and by nothing else: if it is no valid token, the answer is 401, on
//! every route, with a good cookie beside it too. A publisher's token is good for publishing alone (403). A socket
//! whose request had neither says it in a first frame `auth` within ten seconds, and may say a newer one of the same
//! person later. When a session ends, what is open of it ends within seconds, to be opened again from the same cursor
//! after signing in: a socket closes with 4401, a stream ends with `rejected`, a waiting poll answers 401, all with the
//! code `no_session`. A request, a join or a post to a room that is not open to who asks is answered `unknown_room`, as
//! if there were no such room; who is removed from a room is told so (`rejected` with `room`, a stream's last event, a
//! poll's 404) and gets nothing that is said after the removal was answered. A room's stream tells `rejected` as the
//! socket does, the feed's as an event `rejected` with a [`problem::Problem`].
//!
//! * `GET /api/session` answers a [`session::SessionStatus`]. `POST` `{"name","password"?}` answers 201 with a
//!   [`session::Session`] and sets the cookie; a guest who has a session changes the name by it and keeps the id.
//!   `DELETE` ends the session and takes the cookie back; a guest's token itself is good until it expires.
//! * `POST /api/rooms` with `"private":true` makes a room into which only those come whom its owner lets in.
//!   `GET /api/rooms/{room}/members` lists them, `POST` `{"name"}` lets somebody in, `DELETE …/members/{user_id}` takes
//!   the right away; members may take their own.
//! * `GET /api/channels` lists the channels of the feed that not everybody reads, `PUT /api/channels/{channel}/readers`
//!   `{"names":[…]}` says who alone reads one, `DELETE` opens it again. For all others there is no such channel, on any
//!   transport. Streams of those whose rights change end, and go on from their cursor with the new rights. For
//!   administrators, as the next.
//! * `GET /api/publishers` lists the programs that may publish, `POST` `{"name","channels":["ops","db-*"]}` makes one and
//!   answers with its token, the only time; `DELETE /api/publishers/{id}` ends one. For administrators; where people are
//!   guests, for whoever is on the server's machine.
//!
//! ## Limits
//!
//! Whoever does a thing more often than allowed is refused with `too_many_requests`: 429 with `Retry-After` in seconds
//! and `retry_after_ms` in the problem, on a socket `rejected` with `retry_after_ms`. Nothing was done. The same request
//! after that time, with the same client id, is stored once, also if an earlier one had been stored after all. A full
//! server answers 503 with the same two. A socket that is refused so often for saying too much that it cannot be listening
//! is closed with 1008, and a Socket.IO client is disconnected.
//!
//! ## Queries
//!
//! Of the feed's and the rooms' addresses the parameters are those named below, in any case of letters. An empty one is as
//! if it were not there (only `seen` may be empty); of one that is given twice the last is taken, and channels add up:
//! `channel=a&channel=b,c`. `lastEventId` and `last_event_id`, as stand-ins for `EventSource` write them, are `after`. Any
//! other parameter is refused with `bad_request` and its name, but for what keeps caches away and counts visits: `cache`,
//! `cachebust`, `cachebuster`, `cb`, `dc`, `nc`, `nocache`, `nonce`, `r`, `rand`, `random`, `rnd`, `t`, `timestamp`, `ts`,
//! `v` (with `-` and `_` in them, too) and what begins with `_` or `utm_` mean nothing. The pages that browsers open ignore
//! what they do not know. Optional members of frames, of Socket.IO's events and of its CONNECT may be null or empty, which
//! is as if they were not there.
//!
//! ## The feed
//!
//! * `GET /api/events` answers `text/event-stream` unless `Accept` asks for JSON. The first event is
//!   `{"type":"connected","timestamp":…,"head":…}`, its `id` the cursor the stream starts from, `head` the
//!   newest offset that this reader will come to, so that it knows when it has caught up; then one unnamed event per
//!   [`feed::Entry`], its `id` the cursor after it. A `Last-Event-ID` header, `?after=CURSOR` or `?last=N` say where
//!   to start (in this order; none of them, or empty ones: only what is new), `?channel=a,b` which channels to follow. A comment
//!   comes at least every 15 s; it carries an `id` too, so that a reader of a quiet channel keeps a fresh cursor.
//!   With `?heartbeat=true` it is an event `heartbeat`, and a stop an event `retry` (its data the milliseconds), because
//!   scripts hear neither comments nor the `retry` field.
//!   `{"type":"reset","cursor":"…","timestamp":…}` says that entries after the reader's cursor are gone (or that
//!   the cursor belongs to another numbering): drop what you have, the stream goes on from the new cursor with all that
//!   is retained of what the reader lacked.
//! * The same address with `Accept: application/json` answers a [`feed::EntryPage`]: the newest entries, or those
//!   `?before=CURSOR`, or those `?after=CURSOR`, at most `?limit=`. With `after`, `?wait=SECONDS` waits for the
//!   first one; without a cursor it is answered at once, and with `before` it is refused. What is for pages (`before`,
//!   `limit`, `wait`, and of a room `seen`) is refused by a stream. A page has at most 256 KiB of entries: `more` says
//!   that others wait.
//! * `POST /api/events/{channel}`, or `PUT`, publishes one [`publication::Publication`] or an array of them as JSON, or a
//!   notification as plain text with the headers `Title`, `Level`, `Tags` (comma-separated) and `Link`. 201 with
//!   what was stored. The same `Idempotency-Key` from the same publisher stores nothing twice and answers 200.
//!   JSON is `application/json`, `text/json` or `…+json`; any other `text/…` is a text; fields of a form or of
//!   `multipart/form-data` are read as members, or one field `payload` is all of it, as JSON (those beside it are named in
//!   `ignored`); anything else is `bad_media_type` (415). A body that says it is a form, as `curl -d` does, or says nothing,
//!   is JSON when it is an object or an array of objects; a form when its first part is `name=value` with a name that is
//!   known, or when it has no white space; otherwise a text. A form without a known field is refused. Charsets are decoded;
//!   without one it is UTF-8. Headers may be UTF-8, Latin-1 or encoded words (RFC 2047); repeated ones are joined. A header
//!   `Priority` that is no level is a browser's (RFC 9218) and passed over; elsewhere a level that is not known is refused.
//!   `Content-Encoding` may be `gzip` or `deflate`, on every route but Socket.IO's.
//!   The text is also read from `message`, `body`, `description`, `msg` and `content`, the title from `subject` and
//!   `summary`, the link from `url`, `click` and `href`, the level from `severity` and `priority`. Levels: `info`
//!   (`notice`, `debug`, `low`, `normal`, 1 to 3 …), `success` (`ok`, `resolved` …), `warning` (`warn`, `high`, 4 …), `error`
//!   (`critical`, `fatal`, `alert`, `emergency`, `urgent`, 5 …), in any case.
//!
//! ## Rooms
//!
//! * `GET /api/rooms` lists the rooms, `POST /api/rooms` `{"name":"…"}` makes one. Its address comes from the name's letters,
//!   marks and digits, compared as names of people are (NFKC, without case): `C` and `C++` would have the same, and the
//!   second is refused with the first's name. A room's id in another form (`TEAM`, full-width) leads to the room.
//! * `GET /api/rooms/{room}/messages` is a [`chat::MessagePage`], with the query of the feed's JSON form.
//!   With `&seen=STATE` (empty at first) whoever has a session is in the room until ten seconds after the answer, and
//!   the answer is a [`chat::Polled`]: it also comes when somebody came, went or typed since `STATE`.
//! * `POST /api/rooms/{room}/messages` `{"id":UUID,"text":"…"}` posts: 201, or 200 when this id was stored before.
//! * `POST /api/rooms/{room}/typing` says "I am typing" for who follows the room by a stream or by polls: 204.
//! * `GET /api/rooms/{room}/events` is the room as server-sent events: the socket's server frames as data, `joined`
//!   first, the cursor as `id` of the durable ones; `Last-Event-ID`, `?after=`, `?last=` and `?heartbeat=` as for
//!   the feed. Whoever has a session is seen in the room while the stream is open.
//! * `GET /ws` is the chat socket: text messages, each one [`chat::ClientFrame`] or [`chat::ServerFrame`].
//!   `joined` comes before anything else of its room; its `head` is the room's newest offset. `members` replaces the
//!   list of people for a reader that was too slow for each single `user-joined` and `user-left`.
//!
//! ## Socket.IO
//!
//! `/socket.io/` speaks Engine.IO 4 and Socket.IO 5 by polls or a WebSocket each. The same rooms, order, rights and limits;
//! a session's token is in `auth.token` of the CONNECT, a page of ours has its cookie. Without a valid one every
//! namespace is refused with the `connect_error` "Authentication error". A connection stays with whom it was opened for.
//!
//! In the namespace `/` a client sends, each with an acknowledgement if it wants one ([`socket_io::ClientEvent`]):
//!
//! * `join-room` with a room's id or `{room, after?, last?}`: `{room, epoch, offset, cursor, recovered, head, members}`.
//!   Joining again starts anew from the given cursor.
//! * `leave-room` with a room's id or `{room}`: `{room}`. Whose connection ends has left all rooms.
//! * `message` `{room, text, id?}`: `{room, id, offset, timestamp}` when it is durable. `id` is a UUID that makes it safe
//!   to say it again. Who says something need not have joined. `user` and whatever else stands there is not read.
//! * `typing` with a room's id or `{room}`: `{room}`.
//!
//! It is sent `message` (a [`chat::Message`] with `epoch`), `user-joined` and `user-left` (the person's id, then
//! `{room, user, user_id}`), `typing` `{room, user, user_id}`, `members` `{room, members}` (the whole list, for who was
//! too slow for each change), and `reset` `{room, epoch, offset, cursor}`. A refusal is the acknowledgement
//! `{"error":{code, message, retry_after_ms?}}`; without one the event `rejected` with the same members, and `room` for
//! who was removed from it. What a client says is done in its order.
//!
//! The namespace `/events` is the feed. `auth` takes `after`, `last` and `channels` (an array) as well; it is sent
//! `connected` `{cursor, head, recovered, timestamp}`, then `event` (a [`feed::Entry`] with its `cursor`) and `reset`
//! `{cursor, timestamp}`.
//!
//! When a session ends the client is told `rejected` `no_session` and disconnected, and does not come back by itself.
//! When the server stops the connection is closed, and clients come back by their own delays. An unknown connection's
//! id, as one of another node, is answered 400 "Session ID unknown". A body or message above 256 KiB ends the
//! connection.
//!
//! ## Other sites
//!
//! What the page of another origin sends is refused with `bad_origin`, except a link that is followed. Pages of an
//! origin in `--allow-origin` may do what programs may (CORS, without credentials): with a token, never by the cookie.
//! A request has one `Host` and one line each of the headers that a right depends on (`Authorization`, `Origin`,
//! `Content-Type`, `Idempotency-Key` …); with two, or in HTTP/1.1 with no `Host`, it is answered 400. Doubled slashes in an
//! address, and one at its end, are left out. `OPTIONS` is answered with `Allow`. What is refused in the middle of its body
//! is answered at once, and the rest is read and thrown away, up to 64 MiB and 30 s.
//!
//! What is sent to a name that is not the server's (`--public-url`, an IP address, `localhost`) is refused with
//! `bad_host` and 421.

pub mod chat;
pub mod cursor;
pub mod feed;
pub mod members;
pub mod name;
pub mod problem;
#[cfg(test)]
pub(crate) mod properties;
pub mod publication;
pub mod session;
pub mod socket_io;
pub mod text;
pub mod transport;

#[cfg(test)]
mod tests;
