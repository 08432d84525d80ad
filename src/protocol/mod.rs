//! The contract: the plain data that crosses the wire and the rules for it, shared by the server and the browser.
//!
//! Every other part of the program may use these types; this module uses none of theirs and does no I/O.
//!
//! # The wire
//!
//! JSON in UTF-8. A `timestamp` is an integer of milliseconds since the Unix epoch, set by the server. A *cursor*
//! is the text `epoch:offset` and means "I have seen everything up to here". An HTTP error is a
//! [`problem::Problem`] (RFC 9457) whose `code` is one of [`problem::Code`]; the same codes stand in a socket's
//! `rejected` frames.
//!
//! ## The feed
//!
//! * `GET /api/events` answers `text/event-stream` unless `Accept` asks for JSON. The first event is
//!   `{"type":"connected","timestamp":…}`, its `id` the cursor the stream starts from; then one unnamed event per
//!   [`feed::Entry`], its `id` the cursor after it. A `Last-Event-ID` header, `?after=CURSOR` or `?last=N` say where
//!   to start (in this order; none of them: only what is new), `?channel=a,b` which channels to follow. A comment
//!   comes at least every 15 s; it carries an `id` too, so that a reader of a quiet channel keeps a fresh cursor.
//!   `{"type":"reset","cursor":"…","timestamp":…}` says that entries after the reader's cursor are gone (or that
//!   the cursor belongs to another numbering): drop what you have, the stream goes on from the new cursor.
//! * The same address with `Accept: application/json` answers a [`feed::Page`]: the newest entries, or those
//!   `?before=CURSOR`, or those `?after=CURSOR`, at most `?limit=`. With `after`, `?wait=SECONDS` waits for the
//!   first one.
//! * `POST /api/events/{channel}` publishes one [`feed::Publication`] or an array of them as JSON, or a
//!   notification as plain text with the headers `Title`, `Level`, `Tags` (comma-separated) and `Link`. 201 with
//!   what was stored. The same `Idempotency-Key` from the same publisher stores nothing twice and answers 200.
//!
//! ## Rooms
//!
//! * `GET /api/rooms` lists the rooms, `POST /api/rooms` `{"name":"…"}` makes one.
//! * `GET /api/rooms/{room}/messages` is a [`chat::Page`], with the query of the feed's JSON form.
//! * `POST /api/rooms/{room}/messages` `{"id":UUID,"text":"…"}` posts: 201, or 200 when this id was stored before.
//! * `GET /api/rooms/{room}/events` is the room as server-sent events: the socket's server frames as data, `joined`
//!   first, the cursor as `id` of the durable ones; `Last-Event-ID`, `?after=` and `?last=` as for the feed. Whoever
//!   has a session is seen in the room while the stream is open.
//! * `GET /ws` is the chat socket: text messages, each one [`chat::ClientFrame`] or [`chat::ServerFrame`].
//!   `joined` comes before anything else of its room. `members` replaces the list of people for a reader that was
//!   too slow for each single `user-joined` and `user-left`.
//!
//! ## Sessions
//!
//! `POST /api/session` `{"name":"…"}` answers 201 with a [`session::Session`] and sets the cookie; within a session
//! it changes the name and keeps the id. `DELETE /api/session` takes the cookie back; the token itself is
//! good until it expires. Programs send the token as `Authorization: Bearer`.

pub mod chat;
pub mod cursor;
pub mod feed;
pub mod name;
pub mod problem;
pub mod session;
pub mod text;
pub mod transport;
