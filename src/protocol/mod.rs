//! The contract: the plain data that cross the wire, and the rules for them. Server and browser share it.
//!
//! Every other part of the program may use these types. This module uses none of theirs and does no I/O.
//!
//! # The wire
//!
//! JSON in UTF-8. A `timestamp` is an integer of milliseconds since the Unix epoch, from the server's clock; it may be
//! less than the one before, when that clock was corrected or another node's. Order comes from offsets. A *cursor* is
//! the text `epoch:offset` and means "I have seen everything up to here"; the part before the `:` is opaque, and
//! clients return it unchanged. An HTTP error is a [`problem::Problem`] (RFC 9457) whose `code` is one of
//! [`problem::Code`]; the `rejected` frames of a socket carry the same codes.
//!
//! ## The promise
//!
//! On every transport each entry reaches a reader once, in the order of its offsets, through drops and restarts, as
//! long as it is retained.
//!
//! A reader is reset only when an entry that it reads was removed above its cursor; entries that its channels and its
//! rights exclude do not count. One `reset` tells it, with the cursor from which the log goes on: the lowest one after
//! which all entries that it reads are retained, or, because notifications outlive the values around them, the one just
//! before the oldest retained entry that it is missing. So everything that is retained above the lost cursor follows,
//! and a reader that is cut in the middle of it resumes without another reset. A cursor of another epoch, or beyond the
//! head, has seen nothing of this log: everything that is retained follows. (If the server no longer knows what was
//! removed of a channel, because an earlier version removed it or a thousand other channels lost entries since, it
//! resets the reader.)
//!
//! A post is acknowledged when it is durable. The same client id of the same author is stored once: sending it again is
//! answered with the first entry, or, if that was removed since, with its offset and timestamp and the text that was
//! sent now (remembered for `--client-id-age`).
//!
//! A server that stops tells clients when to reconnect, spread at random: the close 1001 of a socket has the reason
//! `retry MS`, a stream ends with `retry:`, a waiting poll is answered with `"retry":MS`.
//!
//! ## Texts and members
//!
//! Texts of people and programs keep every script and emoji. Line ends become `\n`; control characters, noncharacters
//! and overrides of direction are left out ([`text`]), and rejected in the name of a person, room or publisher. A text
//! of nothing but invisible characters is empty.
//!
//! Names of JSON members match in any case. Optional members that are `null` or empty are absent (a password of blanks
//! is not empty). Unknown members are ignored and named in the answer (`"ignored":["foo"]`). Where an unknown member
//! could be a misspelt right, it is rejected: anything unknown in the bodies of sessions, publishers, readers and
//! members, and in that of a room the names that look like one. Numbers are IEEE doubles: integers above 2^53 are
//! rounded to the nearest one, and numbers above the largest double are rejected.
//!
//! ## Rights
//!
//! A session is a JWT, in a cookie for pages and as `Authorization: Bearer` for programs; never in an address. A
//! request with an `Authorization` header is judged by that header alone: if it has no valid token, the answer is 401,
//! on every route, with a valid cookie beside it too. A publisher's token is valid for publishing alone (403). A socket
//! whose request had neither authenticates by a first frame `auth` within ten seconds, and may send a newer token of
//! the same person later. When a session ends, its open connections end within seconds, to be opened again from the
//! same cursor after signing in: a socket closes with 4401, a stream ends with `rejected`, a waiting poll answers 401,
//! all with the code `no_session`. A request, a join or a post to a room that the user may not enter is answered with
//! `unknown_room`, as if the room did not exist. A removed member is told so (`rejected` with `room`, the last event of
//! a stream, a poll's 404) and gets no message that is sent after the removal was answered. A room's stream sends
//! `rejected` as the socket does, the feed's sends it as an event `rejected` with a [`problem::Problem`].
//!
//! * `GET /api/session` answers a [`session::SessionStatus`]. `POST` `{"name","password"?}` answers 201 with a
//!   [`session::Session`] and sets the cookie; a guest who has a session changes the name by it and keeps the id.
//!   `DELETE` ends the session and removes the cookie; a guest's token itself stays valid until it expires.
//! * `POST /api/rooms` with `"private":true` creates a room that only its members may enter; the owner adds them.
//!   `GET /api/rooms/{room}/members` lists them, `POST` `{"name"}` adds one, `DELETE …/members/{user_id}` removes one;
//!   members may remove themselves.
//! * `GET /api/channels` lists the channels of the feed with limited readers, `PUT /api/channels/{channel}/readers`
//!   `{"names":[…]}` sets the readers of one, `DELETE` opens it to everyone again. For all others the channel does not
//!   exist, on any transport. When the rights of a reader change, their streams end, and go on from their cursor with
//!   the new rights. Only for administrators, as is the next.
//! * `GET /api/publishers` lists the programs that may publish, `POST` `{"name","channels":["ops","db-*"]}` creates one
//!   and answers with its token, the only time; `DELETE /api/publishers/{id}` removes one. For administrators; where
//!   people are guests, for requests from the server's own machine.
//!
//! ## Limits
//!
//! A rate limit rejects with `too_many_requests`: 429 with `Retry-After` in seconds and `retry_after_ms` in the
//! problem, on a socket `rejected` with `retry_after_ms`. Nothing was done. The same request after that time, with the
//! same client id, is stored once, also if an earlier one had been stored after all. A full server answers 503 with the
//! same two. A socket that is rejected so often for sending too much that it cannot be reading the rejections is closed
//! with 1008, and a Socket.IO client is disconnected.
//!
//! ## Queries
//!
//! The addresses of the feed and of the rooms take the parameters named below, in any case of letters. An empty
//! parameter is absent (only `seen` may be empty); of a repeated one the last counts, and channels add up:
//! `channel=a&channel=b,c`. `lastEventId` and `last_event_id`, the spellings of polyfills of `EventSource`, are
//! `after`. Any other parameter is rejected with `bad_request` and its name, except those that defeat caches and count
//! visits: `cache`, `cachebust`, `cachebuster`, `cb`, `dc`, `nc`, `nocache`, `nonce`, `r`, `rand`, `random`, `rnd`,
//! `t`, `timestamp`, `ts`, `v` (with `-` and `_` in them, too) and names that begin with `_` or `utm_` mean nothing.
//! The pages that browsers open ignore unknown parameters. Optional members of frames, of Socket.IO's events and of its
//! CONNECT may be null or empty, and then are absent.
//!
//! ## The feed
//!
//! * `GET /api/events` answers `text/event-stream` unless `Accept` asks for JSON. The first event is
//!   `{"type":"connected","timestamp":…,"head":…}`, its `id` the cursor from which the stream starts, `head` the newest
//!   offset that this reader will reach, so that it knows when it has caught up; then one unnamed event per
//!   [`feed::Entry`], its `id` the cursor after it. A `Last-Event-ID` header, `?after=CURSOR` or `?last=N` set the
//!   start (in this order; without any, or with empty ones, only new entries follow), `?channel=a,b` the channels. A
//!   comment comes at least every 15 s; it carries an `id` too, so that a reader of a quiet channel keeps a fresh
//!   cursor. With `?heartbeat=true` it is an event `heartbeat`, and a stop an event `retry` (its data the
//!   milliseconds), because scripts see neither comments nor the `retry` field.
//!   `{"type":"reset","cursor":"…","timestamp":…}` means that entries after the reader's cursor are gone (or that the
//!   cursor belongs to another epoch): drop what you have, the stream goes on from the new cursor with everything
//!   retained that the reader is missing.
//! * The same address with `Accept: application/json` answers a [`feed::EntryPage`]: the newest entries, or those
//!   `?before=CURSOR`, or those `?after=CURSOR`, at most `?limit=`. With `after`, `?wait=SECONDS` waits for the first
//!   one; without a cursor it is answered at once, and with `before` it is rejected. A stream rejects the parameters of
//!   pages (`before`, `limit`, `wait`, and of a room `seen`). A page has at most 256 KiB of entries: `more` means that
//!   others follow.
//! * `POST /api/events/{channel}`, or `PUT`, publishes one [`publication::Publication`] or an array of them as JSON, or
//!   a notification as plain text with the headers `Title`, `Level`, `Tags` (comma-separated) and `Link`. The answer is
//!   201 with the stored entries. The same `Idempotency-Key` from the same publisher stores nothing twice and answers
//!   200. JSON is `application/json`, `text/json` or `…+json`; any other `text/…` is a text; fields of a form or of
//!   `multipart/form-data` are members, or one field `payload` is all of it, as JSON (those beside it are named in
//!   `ignored`); anything else is `bad_media_type` (415). A body that claims to be a form, as `curl -d` does, or has no
//!   type, is JSON when it is an object or an array of objects; a form when its first part is `name=value` with a known
//!   name, or when it has no white space; otherwise a text. A form without a known field is rejected. Charsets are
//!   decoded; the default is UTF-8. Headers may be UTF-8, Latin-1 or encoded words (RFC 2047); repeated ones are
//!   joined. A header `Priority` that is no level is a browser's (RFC 9218) and ignored; elsewhere an unknown level is
//!   rejected. `Content-Encoding` may be `gzip` or `deflate`, on every route but Socket.IO's. The text is also read
//!   from `message`, `body`, `description`, `msg` and `content`, the title from `subject` and `summary`, the link from
//!   `url`, `click` and `href`, the level from `severity` and `priority`. Levels: `info` (`notice`, `debug`, `low`,
//!   `normal`, 1 to 3 …), `success` (`ok`, `resolved` …), `warning` (`warn`, `high`, 4 …), `error` (`critical`,
//!   `fatal`, `alert`, `emergency`, `urgent`, 5 …), in any case.
//!
//! ## Rooms
//!
//! * `GET /api/rooms` lists the rooms, `POST /api/rooms` `{"name":"…"}` creates one. Its address has the letters, marks
//!   and digits of the name, compared as names of people are (NFKC, without case): `C` and `C++` would have the same,
//!   and the second is rejected with the name of the first. A room's id in another form (`TEAM`, full-width) leads to
//!   the room.
//! * `GET /api/rooms/{room}/messages` is a [`chat::MessagePage`], with the query of the feed's JSON form. Each message is
//!   as its changes have left it; `rev` is the newest change in it. A page `after` a cursor has `changes` as well
//!   ([`change::MessageChanged`]), and its cursor and limit count both; the others have messages only, and `as_of`. With
//!   `&seen=STATE` (empty at first) a user with a session is present in the room until ten seconds after the answer,
//!   and the answer is a [`chat::Polled`]: it also comes when someone joined, left or typed since `STATE`.
//! * `POST /api/rooms/{room}/messages` `{"id":UUID,"text":"…"}` posts: 201, or 200 when this id was stored before.
//! * `POST /api/rooms/{room}/messages/{offset}/changes` `{"id":UUID,"kind":"edit","text":"…"}` or `{…,"kind":"delete"}`
//!   changes a message: 201 with the [`change::MessageChanged`], or 200 when this id was stored before. An author edits
//!   and deletes their own; owners of the room and administrators delete all. A deletion erases every text of the
//!   message. Codes: `unknown_message` (404), `message_deleted` (410), `not_allowed` (403), `too_late` (409).
//! * `GET /api/rooms/{room}/messages/{offset}/edits` `{"edits":[{"text":"…","until":MS}]}` has the earlier texts of a
//!   message, oldest first, as far as they are kept (`--edit-history`).
//! * `GET /api/user` is a [`mark::UserState`]: what the caller has read of each room that they may enter, and what is
//!   unread there. `POST /api/user/marks` takes a [`mark::NewMark`]: 201 with the [`mark::Marked`], or 200 when this id
//!   was stored before or nothing changed. On the socket it is the frame `mark`; `follow` follows the caller's own log,
//!   as do streams of rooms with `?follow=true` or `?user_after=CURSOR`, whose ids are `ROOM_CURSOR;USER_CURSOR`, and
//!   polls with `?user_after=CURSOR`.
//!   A [`mark::UserRoom`] with `direct` has direct messages. `POST /api/direct` `{"user_ids":[…]}` opens those of the
//!   caller and these people: 201, or 200 when they have a room. `POST /api/user/active` says that the caller is not
//!   away: 204.
//! * `POST /api/rooms/{room}/typing` sends "I am typing" for users who follow the room by a stream or by polls: 204.
//! * `GET /api/rooms/{room}/events` is the room as server-sent events: the socket's server frames as data, `joined`
//!   first, the cursor as `id` of the durable ones; `Last-Event-ID`, `?after=`, `?last=` and `?heartbeat=` as for the
//!   feed. A user with a session is present in the room while the stream is open.
//! * `GET /ws` is the chat socket: text messages, each one [`chat::ClientFrame`] or [`chat::ServerFrame`]. `joined`
//!   comes before any other frame of its room; its `head` is the room's newest offset. `members` replaces the list of
//!   people for a reader that was too slow for each single `user-joined` and `user-left`. `user-away` says who of them
//!   gives no sign on any device, and who is back.
//!
//! ## Socket.IO
//!
//! `/socket.io/` speaks Engine.IO 4 and Socket.IO 5, each by polls or a WebSocket. Rooms, order, rights and limits are
//! the same; a session's token is in `auth.token` of the CONNECT, and our own pages have their cookie. Without a valid
//! one every namespace is rejected with the `connect_error` "Authentication error". A connection stays with the user
//! for whom it was opened.
//!
//! In the namespace `/` a client sends, each with an acknowledgement on request ([`socket_io::ClientEvent`]):
//!
//! * `join-room` with a room's id or `{room, after?, last?}`: `{room, epoch, offset, cursor, recovered, head,
//!   members}`. Joining again starts over from the given cursor.
//! * `leave-room` with a room's id or `{room}`: `{room}`. The end of a connection leaves all its rooms.
//! * `message` `{room, text, id?}`: `{room, id, offset, timestamp}` when it is durable. `id` is a UUID that makes it
//!   safe to send it again. The author need not have joined. `user` and any other member is not read.
//! * `change` `{room, ref, id, kind, text?}`, as by HTTP: `{room, id, offset, timestamp}` when it is durable.
//! * `typing` with a room's id or `{room}`: `{room}`.
//! * `mark` with the members of a [`mark::NewMark`], as by HTTP: those of a [`mark::Marked`].
//! * `follow` with nothing or `{after?}`: `{epoch, offset, head, cursor}`; then come `mark` (a [`mark::MarkChanged`]
//!   with `epoch`) and `user-reset` `{epoch, offset, cursor}`.
//!
//! It receives `message` and `message-changed` (a [`chat::Message`] or a [`change::MessageChanged`] with `epoch`), `user-joined` and `user-left` (the person's id, then
//! `{room, user, user_id}`), `typing` `{room, user, user_id}`, `members` `{room, members}` (the whole list, for a
//! client that was too slow for each change), and `reset` `{room, epoch, offset, cursor}`. A rejection is the
//! acknowledgement `{"error":{code, message, retry_after_ms?}}`; without one the event `rejected` with the same
//! members, and `room` for a user who was removed from it. The server handles a client's events in their order.
//!
//! The namespace `/events` is the feed. `auth` takes `after`, `last` and `channels` (an array) as well; the client
//! receives `connected` `{cursor, head, recovered, timestamp}`, then `event` (a [`feed::Entry`] with its `cursor`) and
//! `reset` `{cursor, timestamp}`.
//!
//! When a session ends the client receives `rejected` `no_session` and is disconnected, and does not reconnect by
//! itself. When the server stops the connection is closed, and clients reconnect by their own delays. An unknown
//! connection id, as one of another node, is answered 400 "Session ID unknown". A body or message above 256 KiB ends
//! the connection.
//!
//! ## Other sites
//!
//! A request from the page of another origin is rejected with `bad_origin`, except a link that is followed. Pages of an
//! origin in `--allow-origin` may do what programs may (CORS, without credentials): with a token, never by the cookie.
//! A request has one `Host` and one line each of the headers that a right depends on (`Authorization`, `Origin`,
//! `Content-Type`, `Idempotency-Key` …); with two, or in HTTP/1.1 with no `Host`, it is answered 400. Doubled slashes
//! in an address, and one at its end, are removed. `OPTIONS` is answered with `Allow`. A request that is rejected in
//! the middle of its body is answered at once, and the rest is read and discarded, up to 64 MiB and 30 s.
//!
//! A request for a host name that is not the server's (`--public-url`, an IP address, `localhost`) is rejected with
//! `bad_host` and 421.

pub mod change;
pub mod chat;
pub mod cursor;
pub mod feed;
pub mod file;
pub mod mark;
pub mod members;
pub mod mention;
pub mod mention_list;
pub mod name;
pub mod pin;
pub mod problem;
#[cfg(test)]
pub(crate) mod properties;
pub mod publication;
pub mod session;
pub mod socket_io;
pub mod text;
pub mod thread;
pub mod transport;

#[cfg(test)]
mod tests;
