//! Removals that do not end, as of a node that is killed or whose database fails, where several nodes share the place.

#[path = "../../../tests/support/s3.rs"]
#[allow(dead_code, reason = "the tests over sockets need more of it")]
mod s3;

use bytes::Bytes;
use clap::Parser;
use futures_util::StreamExt;

use self::s3::S3Service;
use super::{Contents, FilesLocation, Object};
use crate::server::config::Config;

/// The place of the contents by the settings of a server with its own data folder.
fn location(data: &tempfile::TempDir, settings: &[String]) -> FilesLocation {
    let fixed = ["idobata".to_owned(), "--database-url=sqlite:".to_owned()];
    let config = Config::try_parse_from(fixed.iter().chain(settings)).expect("settings");
    config.uploads.location(data.path())
}

/// Two nodes that share a place.
async fn nodes(settings: &[String]) -> ([Contents; 2], Vec<tempfile::TempDir>) {
    let data = [(); 2].map(|()| tempfile::tempdir().expect("a folder"));
    let [one, other] = data.each_ref().map(|data| location(data, settings));
    let [one, other] = [Contents::open(&one, false).await, Contents::open(&other, false).await];
    ([one.expect("opened"), other.expect("opened")], data.into())
}

/// The hash of a content that is stored.
async fn stored(contents: &Contents, content: &'static str) -> String {
    let mut incoming = contents.begin(0, None).await.expect("begun");
    incoming.write(content.as_bytes(), 0).await.expect("written");
    let received = incoming.finish().await.expect("on the disk");
    let hash = received.hash.clone();
    contents.keep(received).await.expect("kept");
    hash
}

async fn text(contents: &Contents, hash: &str) -> Option<String> {
    let found = contents.read(Object::Content(hash), None).await.expect("asked");
    let bytes: Vec<Bytes> = found?.bytes.map(|bytes| bytes.expect("read")).collect().await;
    Some(String::from_utf8(bytes.concat()).expect("text"))
}

/// The hashes of those that a sweep of this node finds.
async fn left(contents: &Contents) -> Vec<String> {
    contents.left_aside().await.expect("listed").into_iter().map(|aside| aside.hash).collect()
}

async fn folder() -> ([Contents; 2], Vec<tempfile::TempDir>) {
    let shared = tempfile::tempdir().expect("a folder");
    let (nodes, mut folders) = nodes(&[format!("--files={}", shared.path().display())]).await;
    folders.push(shared);
    (nodes, folders)
}

#[tokio::test]
async fn in_a_folder_any_node_ends_at_once_a_removal_that_another_began() {
    let ([one, other], _folders) = folder().await;
    let hash = stored(&one, "deleted").await;
    let aside = one.set_aside(&hash).await.expect("moved").expect("it was there");
    assert_eq!(left(&other).await, [hash.as_str()]);
    for found in other.left_aside().await.expect("listed") {
        other.settle(&found, false).await.expect("settled");
    }
    assert_eq!((text(&one, &hash).await, left(&other).await.len()), (None, 0));
    // The one that began it was only slow.
    one.settle(&aside, false).await.expect("settled again");
    assert_eq!((text(&other, &hash).await, left(&one).await.len()), (None, 0));
}

#[tokio::test]
async fn in_a_folder_a_content_that_is_needed_after_all_stays_whoever_comes_first() {
    let ([one, other], _folders) = folder().await;
    let hash = stored(&one, "needed").await;
    let aside = one.set_aside(&hash).await.expect("moved").expect("it was there");
    assert_eq!(text(&other, &hash).await.as_deref(), Some("needed"), "readers do not notice");
    for found in other.left_aside().await.expect("listed") {
        other.settle(&found, true).await.expect("settled");
    }
    one.settle(&aside, true).await.expect("settled again");
    assert_eq!(text(&one, &hash).await.as_deref(), Some("needed"));
    assert_eq!((left(&one).await.len(), left(&other).await.len()), (0, 0));
}

#[tokio::test]
async fn in_a_bucket_a_node_ends_its_own_removals_at_once_and_leaves_young_ones_of_others() {
    let bucket = S3Service::shared().bucket().await;
    let ([one, other], _data) = nodes(&bucket.settings()).await;
    let hash = stored(&one, "deleted").await;
    one.set_aside(&hash).await.expect("moved").expect("it was there");
    assert_eq!(text(&other, &hash).await.as_deref(), Some("deleted"), "it may be needed after all");
    assert_eq!(left(&other).await, [""; 0], "the other one may be between two steps of it");
    for found in one.left_aside().await.expect("listed") {
        assert_eq!(found.hash, hash);
        one.settle(&found, false).await.expect("settled");
    }
    assert_eq!((text(&other, &hash).await, left(&one).await.len()), (None, 0));
    assert_eq!(bucket.names().await, [""; 0]);
}

#[tokio::test]
async fn a_thumbnail_that_is_drawn_beside_a_removal_goes_with_it() {
    let ([one, other], _folders) = folder().await;
    let hash = stored(&one, "no picture").await;
    one.set_aside(&hash).await.expect("moved").expect("it was there");
    other.draw_thumbnail(&hash).await.expect("nothing was in its way");
    assert!(other.read(Object::Thumbnail(&hash), None).await.expect("asked").is_none());
}
