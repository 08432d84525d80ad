//! The app's icons, `/icons/{file}`: PNG files that `make icons` draws from the SVG files beside them in `public/icons`.

use axum::{
    extract::Path,
    http::header,
    response::{IntoResponse, Response},
};

use crate::server::http::problem;

macro_rules! icons {
    ($($name:literal)*) => {
        [$(($name, include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/public/icons/", $name)))),*]
    };
}

/// The files. They are sources and no products of the build: a server has them before there is a site.
const ICONS: [(&str, &[u8]); 6] = icons! {
    "app-192.png" "app-512.png" "apple-touch-180.png" "badge-96.png" "maskable-512.png" "monochrome-512.png"
};

/// Serves an icon. A day in caches, as the icon of the pages.
pub(crate) async fn serve(Path(file): Path<String>) -> Response {
    match ICONS.iter().find(|(name, _)| *name == file) {
        Some((_, png)) => {
            let head =
                [(header::CONTENT_TYPE, "image/png"), (header::CACHE_CONTROL, "public, max-age=86400")];
            (head, *png).into_response()
        }
        None => problem::not_found().await.into_response(),
    }
}
