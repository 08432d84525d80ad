//! Files that are made to run somewhere, to look like others, or to lead out of their folder.

use super::{contents, send, upload};
use crate::support::{TestServer, problem};

/// A GIF that is a script as well: its head is a comment's beginning.
const GIF_SCRIPT: &[u8] = b"GIF89a/*\x01\x00\x80\x00\x00*/=1;alert(1)//\x00";

/// Names, contents, and what a browser is told of them.
const CORPUS: &[(&str, &[u8], &str, &str)] = &[
    ("page.html", b"<!DOCTYPE html><script>alert(1)</script>", "text/plain; charset=utf-8", "inline"),
    ("page.html", b"<html>\xff\xfe<script>alert(1)</script>", "application/octet-stream", "attachment"),
    (
        "picture.svg",
        b"<svg xmlns=\"http://www.w3.org/2000/svg\"><script>alert(1)</script></svg>",
        "text/plain; charset=utf-8",
        "inline",
    ),
    ("picture.png", b"<svg onload=alert(1)>", "text/plain; charset=utf-8", "inline"),
    ("script.js", GIF_SCRIPT, "image/gif", "inline"),
    ("photo.jpg", b"MZ\x90\0\x03\0\0\0", "application/vnd.microsoft.portable-executable", "attachment"),
    ("notes.txt", b"PK\x03\x04\x14\0\0\0\x08\0", "application/zip", "attachment"),
    (
        "page.xhtml",
        b"<?xml version=\"1.0\"?><html xmlns=\"http://www.w3.org/1999/xhtml\"/>",
        "text/plain; charset=utf-8",
        "inline",
    ),
    ("paper.exe", b"%PDF-1.7\n<script>alert(1)</script>", "application/pdf", "inline"),
    ("utf16.html", b"\xff\xfe<\0s\0c\0r\0i\0p\0t\0>\0", "application/octet-stream", "attachment"),
    ("nothing.png", b"", "text/plain; charset=utf-8", "inline"),
    ("zeros.html", b"\0\0\0\0<script>", "application/octet-stream", "attachment"),
    ("module.wasm", b"\0asm\x01\0\0\0", "application/wasm", "attachment"),
    ("run.sh", b"#!/bin/sh\nrm -rf /\n", "text/plain; charset=utf-8", "inline"),
];

#[tokio::test]
async fn no_content_is_told_to_be_something_that_runs() {
    let server = TestServer::start().await;
    let alice = server.person("alice").await;
    for (name, bytes, kind, disposition) in CORPUS {
        let file = upload(&server, &alice, "general", name, bytes).await;
        let read = alice.get(file["url"].as_str().unwrap()).send().await.unwrap();
        let header = |name: &str| read.headers()[name].to_str().unwrap().to_owned();
        assert_eq!(header("content-type"), *kind, "{name}");
        assert_eq!(header("content-disposition").split(';').next(), Some(*disposition), "{name}");
        assert_eq!(header("x-content-type-options"), "nosniff");
        let policy = header("content-security-policy");
        assert!(policy.starts_with("default-src 'none'") && !policy.contains("script-src"), "{policy}");
        assert!(policy.ends_with("sandbox") || *kind == "application/pdf", "{policy}");
        assert_eq!(&read.bytes().await.unwrap()[..], *bytes, "{name}");
    }
}

#[tokio::test]
async fn a_picture_that_no_browser_could_hold_is_refused() {
    let server = TestServer::start().await;
    let alice = server.person("alice").await;
    let mut bomb = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\xc3\x50\0\0\xc3\x50\x08\x06\0\0\0".to_vec();
    bomb.extend([0; 100]);
    assert_eq!(problem(send(&server.url, &alice, "general", "a.png", bomb).await, 413).await, "too_large");
    assert_eq!(contents(&server.folder().join("files")).len(), 0);
}

#[tokio::test]
async fn no_name_leads_out_of_the_folder_or_looks_like_another() {
    let server = TestServer::start().await;
    let alice = server.person("alice").await;
    let long = format!("{}.png", "😀".repeat(255));
    for (name, expected) in [
        ("../../../etc/passwd", "passwd"),
        ("..\\..\\boot.ini", "boot.ini"),
        ("photo\u{202e}gnp.exe", "photognp.exe"),
        ("a\r\nSet-Cookie: x=y", "aSet-Cookie: x=y"),
        ("a\0.png", "a.png"),
        ("\"quoted\"; filename=x.html", "\"quoted\"; filename=x.html"),
        ("...", "file"),
        (&long, "…"),
    ] {
        let file = upload(&server, &alice, "general", name, b"hello").await;
        let stored = file["name"].as_str().unwrap();
        match expected {
            "…" => assert!(stored.len() <= 255 && stored.ends_with("😀.png"), "{stored}"),
            expected => assert_eq!(stored, expected),
        }
        let read = alice.get(file["url"].as_str().unwrap()).send().await.unwrap();
        let disposition = read.headers()["content-disposition"].to_str().unwrap().to_owned();
        assert_eq!(disposition.matches(';').count(), 1, "{disposition}");
        assert_eq!(read.text().await.unwrap(), "hello");
    }
    assert_eq!(contents(&server.folder().join("files")).len(), 1, "whatever its name, it is one content");
}
