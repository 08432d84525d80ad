//! Other systems' protocols, as their programs speak them.

mod gotify;
mod ntfy;
mod senders;
mod template;

use reqwest::RequestBuilder;

/// The request with a form.
fn form(request: RequestBuilder, fields: &[(&str, &str)]) -> RequestBuilder {
    let request = request.header("content-type", "application/x-www-form-urlencoded");
    request.body(serde_urlencoded::to_string(fields).unwrap())
}
