//! The pages of the feed and the rooms: each is loaded completely, then rendered in one go. This module maps addresses
//! to pages and chooses the language; `router` mounts it.

pub(crate) mod assets;
mod channel_about;
mod closed;
pub(crate) mod content_coding;
pub(crate) mod document_data;
pub(super) mod event_state;
pub(super) mod filter;
mod first_event;
mod linked;
mod node_signature;
mod older;
pub(crate) mod one_time_form;
pub(crate) mod page_data;
pub(super) mod period;
pub(super) mod talk;
mod typed;
pub(crate) mod web_app;

use std::time::Instant;

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::{FromRequestParts, OriginalUri, State},
    http::{HeaderMap, HeaderValue, Method, Request, StatusCode, Uri, header},
    response::{IntoResponse, Redirect, Response},
    routing::get,
};
use leptos::prelude::{expect_context, provide_context, use_nonce};
use leptos_axum::{ResponseOptions, render_app_async_with_context};

use self::assets::VERSION;
use self::filter::FilterQuery;
use self::older::Part;
pub(super) use self::typed::{Typed, escape};
use super::{
    channel_choices::ChannelChoices,
    extract::{
        administrator::Administrator,
        cookies,
        path::{PathPair, PathText},
        user::MaybeUser,
    },
    middleware::{clean_path, host, security_headers},
};
use crate::{
    app::{
        ForcedTransport, Installable,
        i18n::Language,
        look::{Choice, Look},
        page_data::{InitialData, PageData},
        routes::{self, Permalink, Route},
        shell,
    },
    protocol::{
        name::parse_channel,
        problem::{Code, Rejection},
        transport::Transport,
    },
    server::{config::site::Site, error::Error, state::AppState},
};

/// The routes of the pages, and the page for every other address. The middleware around them checks whether the user
/// may read at all.
pub(super) fn router() -> Router<AppState> {
    // leptos_axum spawns tasks to render a page. An error means that another router of this process has set the
    // executor.
    any_spawner::Executor::init_tokio().ok();
    Router::new()
        .route(routes::FEED, get(feed))
        .route(routes::CHANNEL, get(channel))
        .route("/channels/{channel}", get(channel_elsewhere))
        .route(routes::ROOM, get(room))
        .route(routes::PERMALINK, get(place))
        .route(routes::THREAD, get(thread))
        // Programs publish to these addresses, see `compat`. To a browser they are unknown ones.
        .route("/{topic}", get(not_found))
        .route("/{topic}/{sequence_id}", get(not_found))
        .fallback(not_found)
}

/// A request for a page, and the rights of its user.
#[derive(FromRequestParts)]
#[from_request(state(AppState))]
pub(super) struct PageRequest {
    #[from_request(via(State))]
    pub(super) state: AppState,
    pub(super) caller: MaybeUser,
    pub(super) administrator: Result<Administrator, Error>,
    pub(super) method: Method,
    pub(super) uri: OriginalUri,
    pub(super) headers: HeaderMap,
}

impl PageRequest {
    /// The request as one for the page at `address`, a path of this site with an optional query. The address of a form
    /// need not be that of a page.
    pub(super) fn at(mut self, address: &str) -> Self {
        if let Ok(uri) = address.parse() {
            self.uri = OriginalUri(uri);
        }
        self
    }
}

/// Gives a page the status of a rejection, and the headers that belong to it.
pub(super) fn with_status_of(rejection: Rejection, page: Response) -> Response {
    let answer = rejection.into_response();
    let (mut head, body) = page.into_parts();
    head.status = answer.status();
    for name in [header::RETRY_AFTER, header::WWW_AUTHENTICATE] {
        head.headers.extend(answer.headers().get(&name).cloned().map(|value| (name, value)));
    }
    (head, body).into_response()
}

async fn feed(asked: PageRequest) -> Response {
    if let Some(channel) = filter::address_of_channel(&asked.uri) {
        return Redirect::to(&channel).into_response();
    }
    page(asked, Some(Route::Feed(None))).await
}

/// Serves the page of a channel, which may have no entries yet.
async fn channel(PathText(channel): PathText, asked: PageRequest) -> Response {
    page(asked, Some(Route::Feed(Some(channel)))).await
}

/// Leads from the address that one may guess to that of a channel.
async fn channel_elsewhere(PathText(channel): PathText, asked: PageRequest) -> Response {
    match parse_channel(&channel) {
        Ok(channel) => moved(&asked, &routes::feed(Some(&channel))),
        Err(_) => not_found(asked).await,
    }
}

/// Serves the page of a room. An address in another form (upper case, full-width, decomposed) redirects to the room's
/// own.
async fn room(PathText(room): PathText, asked: PageRequest) -> Response {
    match asked.state.chat.room(&room, asked.caller.0.as_ref()).await {
        Ok(id) if id.as_str() != room => moved(&asked, &routes::room(&id)),
        _ => page(asked, Some(Route::Room(room))).await,
    }
}

/// Serves the page of a room around a message, or from the first of a day on. A room's own spelling leads to it, as with
/// [`room`].
async fn place(PathPair(room, place): PathPair, asked: PageRequest) -> Response {
    let Some(place) = Permalink::parse(&place) else { return page(asked, None).await };
    match asked.state.chat.room(&room, asked.caller.0.as_ref()).await {
        Ok(id) if id.as_str() != room => moved(&asked, &routes::permalink(&id, &place)),
        _ => page(asked, Some(Route::Permalink(room, place))).await,
    }
}

/// Serves the page of a room with the thread of a message beside it. A room's own spelling leads to it, as with [`room`].
async fn thread(PathPair(room, message): PathPair, asked: PageRequest) -> Response {
    let Some(message) = Permalink::parse(&message).filter(Permalink::is_message) else {
        return page(asked, None).await;
    };
    match asked.state.chat.room(&room, asked.caller.0.as_ref()).await {
        Ok(id) if id.as_str() != room => moved(&asked, &routes::thread(&id, &message)),
        _ => page(asked, Some(Route::Thread(room, message))).await,
    }
}

/// Redirects permanently to the page's own address, with the same query.
pub(super) fn moved(asked: &PageRequest, path: &str) -> Response {
    let query = asked.uri.query().map_or_else(String::new, |query| format!("?{query}"));
    Redirect::permanent(&format!("{path}{query}")).into_response()
}

/// Serves the page for unknown addresses. An address with extra slashes redirects to the page that is meant.
pub(super) async fn not_found(asked: PageRequest) -> Response {
    let is_read = matches!(asked.method, Method::GET | Method::HEAD);
    match clean_path::redirect(&asked.uri).filter(|_| is_read) {
        Some(page) => Redirect::permanent(&page).into_response(),
        None => page(asked, None).await,
    }
}

/// Answers a rejected form with the page at `path`, a path of this site: with the reason, when to try again, and the
/// typed texts in their fields. Only for clients that accept pages; `forms` redirects the others.
pub(super) async fn rejected_form(
    asked: PageRequest,
    path: &str,
    rejection: Rejection,
    typed: &Typed,
) -> Response {
    let asked = asked.at(&format!("{path}?problem={}", rejection.code.as_str()));
    let page = page_with(asked, Route::parse(path), rejection.retry_after_ms, |html| typed.fill(html)).await;
    // Without its data it has no form. `rejections_as_pages` shows what was typed.
    if page.status() == StatusCode::SERVICE_UNAVAILABLE {
        rejection.into_response()
    } else {
        with_status_of(rejection, page)
    }
}

/// Answers a form with the page at `path`, a path of this site, and the typed texts in their fields.
pub(super) async fn typed_form(asked: PageRequest, path: &str, typed: &Typed) -> Response {
    page_with(asked.at(path), Route::parse(path), None, |html| typed.fill(html)).await
}

async fn page(asked: PageRequest, route: Option<Route>) -> Response {
    page_with(asked, route, None, str::to_owned).await
}

/// Serves a page after `edit` of its HTML.
async fn page_with(
    asked: PageRequest,
    route: Option<Route>,
    retry_after_ms: Option<u64>,
    edit: impl FnOnce(&str) -> String,
) -> Response {
    let since = Instant::now();
    let PageRequest {
        state, caller: MaybeUser(caller), administrator, uri: OriginalUri(uri), headers, ..
    } = asked;
    let (is_admin, path) = (administrator.is_ok(), uri.path().to_owned());
    page_data::note_sign(&state, caller.as_ref());
    let mut start =
        page_data::load(&state, &headers, caller.as_ref(), is_admin, route, path, problem_of(&uri)).await;
    start.retry_after_ms = retry_after_ms;
    start.origin = origin_of(&state.site, &headers, &uri);
    let choices = ChannelChoices::read(&state.site, &headers);
    let query = FilterQuery::of(&uri);
    let filtered = filter::apply(&state, caller.as_ref(), &mut start.page, query, &choices).await;
    let part = match older::Query::of(&uri).read().filter(|_| filtered.is_ok()) {
        Some(read) => older::load(&state, caller.as_ref(), read, &start.page, &choices).await,
        None => filtered.map(|()| Part::Newest),
    };
    let part = match part {
        Ok(part) => part,
        Err(error) => {
            error.into_rejection(); // logs it
            start.page = PageData::Unavailable;
            Part::Newest
        }
    };
    let look = (language_of(&state.site, &headers), look_of(&state.site, &headers));
    let installable = is_installable(&state.site, &headers, &uri);
    let (page, origin) = (&start.page, start.origin.clone());
    let about = channel_about::of_page(&state, caller.as_ref(), page, look.0, origin).await;
    let zone = period::zone_of_reader(&state.site, &headers);
    let known = (&*zone, &*start.origin);
    let talk = talk::of_page(&state, caller.as_ref(), part.shown(page), look.0, &choices, known).await;
    let edit = |html: &str| match &about {
        Some(part) => edit(&talk.within(&channel_about::with_part(html, part))),
        None => edit(&talk.within(html)),
    };
    let page = draw(&state, start, &part, (look, installable), &uri, edit).await;
    state.metrics.observe_page(since);
    page
}

/// Renders the page with this `part` of the history, and finishes it after `edit` of its HTML. The browser half starts
/// from `start` in any case.
async fn draw(
    state: &AppState,
    start: InitialData,
    part: &Part,
    look: ((Language, Look), Installable),
    uri: &Uri,
    edit: impl FnOnce(&str) -> String,
) -> Response {
    let (start, data) = document_data::of(start);
    let shown = match part {
        Part::Older(page, _) => document_data::of(InitialData { page: (**page).clone(), ..start }).0,
        Part::Newest | Part::Missing(_) => start,
    };
    let links = older::links(look.0.0, &shown.page, part);
    let place = shown.page.linked().cloned();
    let mut drawn = draw_document(state, shown, data, look, uri).await;
    if let Part::Missing(status) = part {
        *drawn.status_mut() = *status;
    }
    let is_taken_over = !matches!(part, Part::Older(..));
    let linked = |html: &str| linked::with_focus(&older::with_links(&edit(html), &links), place.as_ref());
    finished(drawn, linked, is_taken_over).await
}

/// Renders the HTML document. Everything it shows is in `start`, so nothing in it waits and it is rendered in one go.
/// `data` is the JSON for the browser half.
async fn draw_document(
    state: &AppState,
    start: InitialData,
    data: String,
    ((language, look), installable): ((Language, Look), Installable),
    uri: &Uri,
) -> Response {
    let mut options = state.leptos.clone();
    // The version in the files' addresses lets browsers keep them.
    options.site_pkg_dir = format!("{}/{}", options.site_pkg_dir, *VERSION).into();
    let status = status_of(&start.page);
    let transport = transport_for(&start, state.transport);
    let context = move || {
        provide_context(language);
        provide_context(look);
        provide_context(installable);
        if let Some(transport) = transport {
            provide_context(ForcedTransport(transport));
        }
        let nonce = use_nonce().expect("leptos_axum provides one to every page");
        let response = expect_context::<ResponseOptions>();
        response.set_status(status);
        response.insert_header(header::CONTENT_SECURITY_POLICY, security_headers::page_policy(&nonce));
    };
    let document = move || shell(options.clone(), start.clone(), data.clone());
    let mut request = Request::new(Body::empty());
    *request.uri_mut() = uri.path_and_query().cloned().map(Uri::from).unwrap_or_default();
    render_app_async_with_context(context, document)(request).await
}

fn status_of(page: &PageData) -> StatusCode {
    match page {
        PageData::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        page if page.is_missing() => StatusCode::NOT_FOUND,
        page if page.linked().is_some_and(|linked| linked.missing.is_some()) => {
            let status = page.linked().map(|linked| linked.status);
            status.and_then(|status| StatusCode::from_u16(status).ok()).unwrap_or(StatusCode::NOT_FOUND)
        }
        _ => StatusCode::OK,
    }
}

/// Returns the only transport that the page may use, if it is restricted to one. Anonymous visitors get the event
/// stream, because a socket requires a user.
fn transport_for(start: &InitialData, set: Option<Transport>) -> Option<Transport> {
    let is_nobody = start.viewer.as_ref().is_some_and(|viewer| viewer.me.id.is_empty());
    match set {
        None | Some(Transport::Socket) if is_nobody => Some(Transport::Stream),
        set => set,
    }
}

/// Adds a one-time id to the page's forms, see [`one_time_form::mark_forms`], and then the signature of its nodes, if
/// the browser half may take them over: without one it draws its own.
async fn finished(drawn: Response, edit: impl FnOnce(&str) -> String, is_taken_over: bool) -> Response {
    let (head, body) = drawn.into_parts();
    let html = to_bytes(body, usize::MAX).await.expect("it is in memory, and drawing it cannot fail");
    let html = edit(&String::from_utf8_lossy(&html));
    let html = one_time_form::mark_forms(&html, &one_time_form::new_id());
    let html = if is_taken_over { node_signature::sign(&html) } else { html };
    (head, Body::from(html)).into_response()
}

/// Returns the origin by which a request reached this server. Behind a proxy only `--public-url` tells that.
fn origin_of(site: &Site, headers: &HeaderMap, uri: &Uri) -> String {
    let requested = || format!("http://{}", host::requested(headers, uri).unwrap_or_default());
    site.public_url().map_or_else(requested, |origin| origin.as_str().to_owned())
}

/// Returns whether a page that was requested in this way may be installed as an app: not under another host than the public
/// one, because an app is bound to its origin for good.
pub(super) fn is_installable(site: &Site, headers: &HeaderMap, uri: &Uri) -> Installable {
    Installable(site.is_own_host(host::requested(headers, uri).unwrap_or_default()))
}

/// Returns the problem with a form that was sent without JavaScript, see `forms.rs`.
fn problem_of(uri: &Uri) -> Option<Code> {
    uri.query()?.split('&').find_map(|pair| Code::parse(pair.strip_prefix("problem=")?))
}

/// Returns the language for a request with these headers.
pub(super) fn language_of(site: &Site, headers: &HeaderMap) -> Language {
    let cookie = cookies::read(site, headers, Language::COOKIE);
    let accept = headers.get(header::ACCEPT_LANGUAGE).and_then(|accept| accept.to_str().ok());
    Language::negotiate(cookie.as_deref(), accept)
}

/// Returns the look that was chosen on the device of a request with these headers.
pub(super) fn look_of(site: &Site, headers: &HeaderMap) -> Look {
    Look { theme: chosen(site, headers), density: chosen(site, headers), aside: chosen(site, headers) }
}

fn chosen<C: Choice>(site: &Site, headers: &HeaderMap) -> C {
    cookies::read(site, headers, C::COOKIE).and_then(|name| C::parse(&name)).unwrap_or_default()
}

/// Middleware: lets no cache reuse a page, because it belongs to one user and to this moment. Not `no-store`, which
/// would keep it out of the back-forward cache too.
pub(super) async fn forbid_caching(mut response: Response) -> Response {
    response
        .headers_mut()
        .entry(header::CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("private, no-cache"));
    response
}
