//! The route table: every address of the server, and the order of the middleware around it. `serve` runs it.

use axum::{
    Router,
    extract::DefaultBodyLimit,
    middleware::{from_fn, from_fn_with_state, map_response},
    routing::{any, delete, get, patch, post, put},
};
use tower::util::MapRequest;
use tower_http::{CompressionLevel, catch_panic::CatchPanicLayer, compression::CompressionLayer};

use super::{
    BODY_MAX_BYTES, account_pages, api, compat, extract, favourites, forms,
    middleware::{
        clean_path, host, origin, rate_limit, request_head, security_headers, trace, uncancellable,
    },
    pages, problem, realtime,
};
use crate::{
    app::{
        look::{Aside, Density, Theme},
        routes,
    },
    server::state::AppState,
};

/// The compression of pages, for brotli and gzip alike. A page is made for one reader: a higher level saves half a
/// kilobyte and takes longer than sending it, mostly to clear a megabyte of tables for nine kilobytes of page.
const PAGE_COMPRESSION: CompressionLevel = CompressionLevel::Precise(1);

/// Every address of the server.
pub fn router(state: AppState) -> Router {
    // Texts that no build compresses: they have its version, or a language.
    let app_files = Router::new()
        .route("/manifest.webmanifest", get(pages::web_app::manifest::serve))
        .route("/service-worker.js", get(pages::web_app::service_worker::serve))
        .layer(CompressionLayer::new().quality(PAGE_COMPRESSION));

    // For the operator, and files that browsers keep: never refused for coming too often.
    let unlimited = Router::new()
        .route("/healthz", get(api::operations::healthz))
        .route("/readyz", get(api::operations::readyz))
        .route("/metrics", get(api::operations::metrics))
        .route("/pkg/{version}/{*file}", get(pages::assets::versioned))
        .route("/favicon.svg", get(pages::assets::favicon))
        .route("/icons/{file}", get(pages::web_app::icons::serve))
        .merge(app_files)
        .method_not_allowed_fallback(problem::bad_method);

    let api = Router::new()
        .route("/api/events", get(realtime::feed_events::get))
        .route("/api/events/{channel}/{question}/answer", get(api::answers::get).post(api::answers::post))
        .route("/api/events/{channel}", post(api::publish::post).put(api::publish::post))
        .route("/api/rooms", get(api::rooms::list).post(api::rooms::create))
        .route("/api/rooms/{room}", patch(api::room_settings::change).delete(api::room_settings::remove))
        .route("/api/rooms/{room}/messages", get(api::rooms::messages).post(api::rooms::post))
        .route("/api/rooms/{room}/messages/{message}/changes", post(api::changes::change))
        .route("/api/rooms/{room}/messages/{message}/edits", get(api::changes::edits))
        .route("/api/rooms/{room}/messages/{message}/code", get(api::changes::code))
        .route("/api/rooms/{room}/pins", get(api::changes::pins))
        .route("/api/rooms/{room}/typing", post(api::rooms::typing))
        .route("/api/rooms/{room}/events", get(realtime::room_events::get))
        .route("/api/rooms/{room}/members", get(api::members::list).post(api::members::add))
        .route("/api/rooms/{room}/members/{user}", delete(api::members::remove))
        .route("/api/rooms/{room}/export", get(api::exports::of_room))
        .route("/api/rooms/{room}/hooks", get(api::hooks::list).post(api::hooks::create))
        .route("/api/rooms/{room}/hooks/{id}", delete(api::hooks::remove))
        .route(
            "/api/rooms/{room}/hooks/{id}/template",
            get(api::hook_templates::of_hook)
                .put(api::hook_templates::set_of_hook)
                .delete(api::hook_templates::remove_of_hook),
        )
        .route("/api/rooms/{room}/people", get(api::people::find))
        .route(
            "/api/rooms/{room}/moderators",
            get(api::moderation::moderators).post(api::moderation::add_moderator),
        )
        .route("/api/rooms/{room}/moderators/{user}", delete(api::moderation::remove_moderator))
        .route("/api/rooms/{room}/mutes", get(api::moderation::mutes).post(api::moderation::mute))
        .route("/api/rooms/{room}/mutes/{user}", delete(api::moderation::unmute))
        .route("/api/rooms/{room}/reports", get(api::moderation::reports))
        .route(
            "/api/rooms/{room}/messages/{message}/reports",
            post(api::moderation::report).delete(api::moderation::dismiss),
        )
        .route("/api/rooms/{room}/actions", get(api::moderation::actions_in_room))
        .route("/api/actions", get(api::moderation::actions))
        .route("/api/markdown", post(api::markdown::render))
        .route("/api/emoji", get(api::emoji::find))
        .route("/api/search", get(api::search::find))
        .route("/api/files", post(api::files::upload))
        .route(
            "/api/uploads",
            post(api::uploads::create)
                .options(api::uploads::options)
                .layer(map_response(api::uploads::name_version)),
        )
        .route(
            "/api/uploads/{id}",
            get(api::uploads::show)
                .patch(api::uploads::append)
                .delete(api::uploads::remove)
                .post(api::uploads::other)
                .options(api::uploads::options)
                .layer(map_response(api::uploads::name_version)),
        )
        .route("/files/{id}/{name}", get(api::files::read))
        .route("/api/channels", get(api::channels::list))
        .route("/api/channels/{channel}/values", get(api::channel_values::get))
        .route("/api/channels/{channel}/readers", put(api::channels::limit).delete(api::channels::open))
        .route("/api/publishers", get(api::publishers::list).post(api::publishers::create))
        .route("/api/publishers/{id}", delete(api::publishers::remove))
        .route(
            "/api/publishers/{id}/template",
            get(api::hook_templates::of_publisher)
                .put(api::hook_templates::set_of_publisher)
                .delete(api::hook_templates::remove_of_publisher),
        )
        .route("/api/outgoing", get(api::outgoing::list).post(api::outgoing::create))
        .route("/api/outgoing/{id}", delete(api::outgoing::remove))
        .route("/api/outgoing/{id}/replay", post(api::outgoing::replay))
        .route("/api/heartbeats", get(api::heartbeats::list))
        .route("/api/heartbeats/{name}", put(api::heartbeats::set).delete(api::heartbeats::remove))
        .route("/api/session", get(api::session::show).post(api::session::create).delete(api::session::end))
        .route("/api/user", get(api::user::show))
        .route("/api/user/export", get(api::exports::of_person))
        .route("/api/user/marks", post(api::user::mark))
        .route("/api/user/mentions", get(api::user::mentions))
        .route("/api/user/notification", get(api::push::notification))
        .route("/api/user/events", get(api::push::events))
        .route("/api/user/active", post(api::user::active))
        .route("/api/user/blocked", get(api::direct::blocked))
        .route("/api/user/blocked/{user}", put(api::direct::block).delete(api::direct::unblock))
        .route("/api/direct", get(api::direct::list).post(api::direct::open))
        .route("/api/push", get(api::push::show))
        .route("/api/push/subscriptions", post(api::push::register))
        .route("/api/push/subscriptions/{id}", delete(api::push::remove))
        .route("/api/push/settings", put(api::push::set))
        .route("/api/push/rules", put(api::push::set_rules))
        .route("/api/push/test", post(api::push::test))
        .route("/api", any(problem::not_found))
        .route("/api/", any(problem::not_found))
        .route("/api/{*rest}", any(problem::not_found))
        .route("/hooks/{token}", post(compat::slack::post))
        .route("/ping/{token}/{name}", get(compat::pings::ended).post(compat::pings::ended))
        .route("/ping/{token}/{name}/{ending}", get(compat::pings::other).post(compat::pings::other))
        .route("/hooks/{token}/discord", post(compat::discord::post))
        .route("/hooks/{token}/template", post(compat::template::post))
        .route("/hooks/{token}/{sender}", post(compat::senders::post))
        .route("/ws", get(realtime::websocket::get))
        .merge(realtime::socket_io::router(&state));

    // The requests of browsers: pages, their forms and their data.
    let site = pages::router()
        .layer(from_fn_with_state(state.clone(), account_pages::periods))
        .layer(from_fn_with_state(state.clone(), account_pages::readers_only))
        .merge(pages::page_data::router())
        .merge(pages::talk::router())
        .layer(map_response(pages::forbid_caching))
        .merge(account_pages::router(&state))
        .route("/rooms", get(account_pages::not_found).post(forms::create_room))
        .route(routes::ROOM, post(forms::post_message))
        .route(routes::LEVEL, get(account_pages::not_found).post(forms::choose_level))
        .route("/feed/{channel}/answers", get(account_pages::not_found).post(forms::answer_question))
        .route("/name", post(forms::rename))
        .route("/language/{language}", get(forms::choose_language))
        .route("/theme/{theme}", get(forms::choose::<Theme>))
        .route("/favourites/{room}", get(favourites::change))
        .route("/density/{density}", get(forms::choose::<Density>))
        .route("/aside/{aside}", get(forms::choose::<Aside>))
        .layer(from_fn_with_state(state.clone(), extract::user::ensure_session));

    let limited = |router: Router<AppState>| {
        router
            .method_not_allowed_fallback(problem::bad_method)
            .layer(from_fn_with_state(state.clone(), uncancellable::complete))
            .layer(from_fn_with_state(state.clone(), rate_limit::requests))
    };
    let site = limited(site).layer(CompressionLayer::new().quality(PAGE_COMPRESSION));

    let inside = limited(api)
        .merge(site)
        .merge(compat::gotify::router(&state))
        .merge(compat::ntfy::router(&state))
        .merge(unlimited)
        .layer(from_fn_with_state(state.clone(), origin::check));
    let others = state.site.allowed();
    let inside = if others.is_empty() { inside } else { inside.layer(origin::cors(&state.site)) };
    let inside = inside
        .layer(from_fn_with_state((state.clone(), host::Unknown::default()), host::check))
        .layer(from_fn(request_head::check))
        .layer(CatchPanicLayer::custom(problem::panicked))
        .layer(from_fn_with_state(state.clone(), account_pages::rejections_as_pages))
        .layer(DefaultBodyLimit::max(BODY_MAX_BYTES))
        .layer(from_fn_with_state(state.clone(), security_headers::add));
    let inside = trace::around(inside, &state).with_state(state);
    // Around all of it, because layers of a router run when the address has been looked for.
    Router::new().fallback_service(MapRequest::new(inside, |request| {
        clean_path::rewrite(request, compat::ntfy::is_of_topics)
    }))
}
