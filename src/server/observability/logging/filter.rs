//! The filter that `RUST_LOG` describes; `start` of this folder calls it. A mistake in the setting must never stop the
//! start nor silence the log: it is reported, and the default applies.

use std::ffi::OsString;

use tracing_subscriber::{EnvFilter, filter::LevelFilter};

/// Without PostgreSQL's notices about our statements (`tokio_postgres` logs them as info): nobody can act on them.
const DEFAULT: &str = "info,tokio_postgres::connection=warn";

/// The crates that log, as `RUST_LOG` names them.
const TARGETS: [&str; 16] = [
    "idobata",
    "axum",
    "deadpool_postgres",
    "engineioxide",
    "hyper",
    "hyper_util",
    "leptos",
    "log",
    "mio",
    "redis",
    "rustls",
    "socketioxide",
    "tokio",
    "tokio_postgres",
    "tower_http",
    "tungstenite",
];

/// Parses the setting. Gives the filter, and a complaint if the setting, or a part of it, has no effect.
pub(super) fn read(setting: Option<OsString>) -> (EnvFilter, Option<String>) {
    let text = setting.unwrap_or_default().to_string_lossy().trim().to_owned();
    if text.is_empty() {
        return (EnvFilter::new(DEFAULT), None);
    }
    let unknown = unknown_targets(&text);
    match EnvFilter::try_new(&text) {
        Err(error) => (EnvFilter::new(DEFAULT), Some(useless(&text, &error.to_string()))),
        Ok(filter) if unknown.is_empty() => (filter, None),
        Ok(filter) if unknown.len() < directives(&text).count() => {
            let complaint = format!("RUST_LOG names {}, and no target has that name", unknown.join(", "));
            (filter, Some(complaint))
        }
        Ok(_) => {
            let reason = format!("no target has the name {}", unknown.join(", "));
            (EnvFilter::new(DEFAULT), Some(useless(&text, &reason)))
        }
    }
}

fn useless(text: &str, reason: &str) -> String {
    format!(
        "RUST_LOG={text:?} is not valid ({reason}); the default applies. Use error, warn, info, debug, \
         trace or off, or a part's own level such as info,idobata=debug"
    )
}

fn directives(text: &str) -> impl Iterator<Item = &str> {
    text.split(',').map(str::trim).filter(|directive| !directive.is_empty())
}

/// The names in it that are neither levels nor crates that log. Filters of spans, in brackets, are not checked.
fn unknown_targets(text: &str) -> Vec<&str> {
    if text.contains('[') {
        return Vec::new();
    }
    directives(text).filter_map(target).filter(|target| !is_known(target)).collect()
}

/// The target of a directive; `None`: a bare level, which is about everything.
fn target(directive: &str) -> Option<&str> {
    let is_level = directive.parse::<LevelFilter>().is_ok();
    (!is_level).then(|| directive.split_once('=').map_or(directive, |(target, _)| target))
}

/// A target is the beginning of a path: `hyp` also means `hyper`.
fn is_known(target: &str) -> bool {
    TARGETS.iter().any(|known| {
        known.starts_with(target) || target.strip_prefix(known).is_some_and(|rest| rest.starts_with("::"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (String, Option<String>) {
        let (filter, complaint) = super::read(Some(text.into()));
        (filter.to_string(), complaint)
    }

    /// The default as a filter writes itself.
    fn default() -> String {
        EnvFilter::new(DEFAULT).to_string()
    }

    #[test]
    fn what_means_something_is_taken_as_it_is() {
        for text in ["", "  ", DEFAULT] {
            assert_eq!(read(text), (default(), None), "{text:?}");
        }
        for text in
            ["debug", "WARN", "off", "info,idobata=debug", "idobata::server::store=trace", "hyper=debug"]
        {
            assert_eq!(read(text).1, None, "{text:?}");
        }
        assert_eq!(super::read(None).0.to_string(), default());
    }

    #[test]
    fn what_means_nothing_is_told_and_the_default_counts() {
        for text in ["loud", "=,=", "idobta=debug", "idobata=loud", "warning", "idobatas::server=info"] {
            let (filter, complaint) = read(text);
            assert_eq!(filter, default(), "{text:?}");
            assert!(complaint.is_some_and(|said| said.contains(text)), "{text:?}");
        }
    }

    #[test]
    fn a_wrong_name_beside_a_right_one_is_told() {
        let (filter, complaint) = read("warn,idobta=debug");
        assert!(filter.contains("warn"), "{filter}");
        assert!(complaint.is_some_and(|said| said.contains("idobta")), "it is named");
    }

    #[test]
    fn every_known_name_is_a_crate_of_ours() {
        let lock = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.lock"));
        for target in TARGETS {
            let is_there = [target.to_owned(), target.replace('_', "-")]
                .iter()
                .any(|name| lock.contains(&format!("name = \"{name}\"\n")));
            assert!(is_there, "{target}");
        }
    }
}
