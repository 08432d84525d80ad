//! The list of routes, read from the source code, because the router itself cannot list them.

use std::{fs, path::Path};

/// Every method and path in the router.
pub(crate) fn all() -> Vec<(String, String)> {
    let mut routes = Vec::new();
    collect(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src/server/http"), &mut routes);
    assert!(routes.len() > 20, "the routes are not where they were: {routes:?}");
    routes
}

fn collect(folder: &Path, routes: &mut Vec<(String, String)>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, routes);
        } else {
            let source = fs::read_to_string(&path).unwrap();
            source.split(".route(").skip(1).for_each(|rest| routes.extend(read(rest)));
        }
    }
}

/// Parses `"/path", get(…).post(…))`, or `routes::NAME, get(…)`, up to the end of the call.
fn read(call: &str) -> Vec<(String, String)> {
    let path = call.trim_start();
    let path = match path.strip_prefix("routes::").and_then(|rest| rest.split(',').next()) {
        Some(name) => page(name),
        None => path.strip_prefix('"').and_then(|rest| rest.split('"').next()).map(str::to_owned),
    };
    let path = path.expect("a route's path is a literal, or a constant of app/routes.rs");
    let handlers = call.split(".route(").next().unwrap_or(call);
    let mut depth = 1;
    let end = handlers.find(|c| {
        depth += i32::from(c == '(') - i32::from(c == ')');
        depth == 0
    });
    let handlers = &handlers[..end.unwrap_or(handlers.len())];
    let methods = [
        ("get(", "GET"),
        ("post(", "POST"),
        ("delete(", "DELETE"),
        ("put(", "PUT"),
        ("patch(", "PATCH"),
        ("any(", "GET"),
    ];
    let used = methods.into_iter().filter(|(call, _)| {
        handlers
            .match_indices(call)
            .any(|(at, _)| !handlers[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_'))
    });
    let found: Vec<_> = used.map(|(_, method)| (method.to_owned(), path.clone())).collect();
    assert!(!found.is_empty(), "{path} has no method that is known here");
    found
}

/// The path of a page, by the name of its constant.
fn page(name: &str) -> Option<String> {
    let table = include_str!("../../app/routes.rs");
    let (_, rest) = table.split_once(&format!("pub const {name}: &str = \""))?;
    rest.split('"').next().map(str::to_owned)
}

/// Returns true if a path matches a route.
pub(super) fn is_of(path: &str, route: &str) -> bool {
    let (mut path, mut route) = (path.split('/'), route.split('/'));
    loop {
        match (path.next(), route.next()) {
            (None, None) => return true,
            (Some(_), Some(parameter)) if parameter.starts_with("{*") => return true,
            (Some(_), Some(parameter)) if parameter.starts_with('{') => {}
            (Some(segment), Some(same)) if segment == same => {}
            _ => return false,
        }
    }
}

#[test]
fn a_path_is_of_the_route_it_fills() {
    assert!(is_of("/api/rooms/secret/messages", "/api/rooms/{room}/messages"));
    assert!(is_of("/pkg/0/a/b.js", "/pkg/{version}/{*file}"));
    assert!(!is_of("/api/rooms/secret", "/api/rooms/{room}/messages"));
    assert_eq!(read("\"/a\", get(x::get).post(y)) .route(\"/b\", delete(z))").len(), 2);
    assert_eq!(read("routes::ROOM, get(room))"), [("GET".to_owned(), "/rooms/{room}".to_owned())]);
}
