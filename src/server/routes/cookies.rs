//! The cookies: out of reach of scripts, and not sent along by other sites' forms. Behind TLS they are `Secure`, and
//! their names begin with `__Host-`: a browser takes such a cookie from this host alone, not from its neighbours in
//! the domain (RFC 6265bis, section 4.1.3.2).

use std::{borrow::Cow, time::Duration};

use axum::http::HeaderMap;
use axum_extra::extract::cookie::{Cookie, CookieJar, SameSite};

use crate::server::site::Site;

/// The value that a request brings.
pub(super) fn read(site: &Site, headers: &HeaderMap, name: &'static str) -> Option<String> {
    CookieJar::from_headers(headers).get(&full_name(site, name)).map(|cookie| cookie.value().to_owned())
}

/// A cookie that lasts for `age`; one of no age removes what is there.
pub(super) fn make(site: &Site, name: &'static str, value: String, age: Duration) -> Cookie<'static> {
    let age = i64::try_from(age.as_secs()).unwrap_or(i64::MAX);
    Cookie::build((full_name(site, name), value))
        .path("/")
        .http_only(true)
        .same_site(SameSite::Lax)
        .secure(site.is_secure())
        .max_age(cookie::time::Duration::seconds(age))
        .build()
}

fn full_name(site: &Site, name: &'static str) -> Cow<'static, str> {
    if site.is_secure() { format!("__Host-{name}").into() } else { name.into() }
}
