//! The server's cookies: out of reach of scripts (`HttpOnly`), and not sent along by other sites' forms
//! (`SameSite=Lax`). Behind TLS they are `Secure`, and their names begin with `__Host-`: a browser takes such a cookie
//! from this host alone, not from its neighbours in the domain (RFC 6265bis, section 4.1.3.2). `user.rs` keeps the
//! session in one, and the pages the language.
//!
//! If the host may have another installation at another port, the names end with a word for this installation. Earlier
//! versions did not add it: a cookie of the earlier name is read as long as there is none of the present one.

use std::{borrow::Cow, time::Duration};

use axum::http::{HeaderMap, header};
use axum_extra::extract::cookie::{Cookie, CookieJar, SameSite};

use crate::server::config::site::Site;

/// Returns the value of a request's cookie, by its present name or else by the earlier one.
pub(crate) fn read(site: &Site, headers: &HeaderMap, name: &'static str) -> Option<String> {
    let jar = CookieJar::from_headers(headers);
    let present = jar.get(&present_name(site, name)).or_else(|| jar.get(&earlier_name(site, name)));
    present.map(|cookie| cookie.value().to_owned())
}

/// Returns true if [`read`] finds the cookie by its earlier name.
pub(crate) fn is_earlier(site: &Site, headers: &HeaderMap, name: &'static str) -> bool {
    let jar = CookieJar::from_headers(headers);
    jar.get(&present_name(site, name)).is_none() && jar.get(&earlier_name(site, name)).is_some()
}

/// Builds a cookie that lasts for `age`; an age of zero removes the one that is there.
pub(crate) fn make(site: &Site, name: &'static str, value: String, age: Duration) -> Cookie<'static> {
    build(site, present_name(site, name), value, age)
}

/// Returns true if a response with these headers sets or removes the cookie by its present name.
pub(crate) fn is_set(site: &Site, headers: &HeaderMap, name: &'static str) -> bool {
    let begin = format!("{}=", present_name(site, name));
    let mut lines = headers.get_all(header::SET_COOKIE).iter();
    lines.any(|line| line.as_bytes().starts_with(begin.as_bytes()))
}

/// Builds the cookie that removes the one of the earlier name.
pub(crate) fn remove_earlier(site: &Site, name: &'static str) -> Cookie<'static> {
    build(site, earlier_name(site, name), String::new(), Duration::ZERO)
}

fn build(site: &Site, name: Cow<'static, str>, value: String, age: Duration) -> Cookie<'static> {
    let age = i64::try_from(age.as_secs()).unwrap_or(i64::MAX);
    Cookie::build((name, value))
        .path("/")
        .http_only(true)
        .same_site(SameSite::Lax)
        .secure(site.is_secure())
        .max_age(cookie::time::Duration::seconds(age))
        .build()
}

fn present_name(site: &Site, name: &'static str) -> Cow<'static, str> {
    match site.installation() {
        Some(word) => format!("{}_{word}", earlier_name(site, name)).into(),
        None => earlier_name(site, name),
    }
}

fn earlier_name(site: &Site, name: &'static str) -> Cow<'static, str> {
    if site.is_secure() { format!("__Host-{name}").into() } else { name.into() }
}
