//! A client for server-sent events, strict about the format (WHATWG HTML, section 9.2).

use futures_util::{StreamExt, stream::BoxStream};
use reqwest::RequestBuilder;
use serde_json::Value;

use super::in_time;

/// One block of the stream, unchanged.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Block {
    pub(crate) id: Option<String>,
    pub(crate) data: Option<Value>,
    pub(crate) comment: Option<String>,
    pub(crate) retry: Option<u64>,
    pub(crate) event: Option<String>,
}

pub(crate) struct Stream {
    bytes: BoxStream<'static, reqwest::Result<bytes::Bytes>>,
    /// The received part of the next block. Bytes, because a read may end in the middle of a character.
    buffer: Vec<u8>,
}

impl Stream {
    pub(crate) async fn open(request: RequestBuilder) -> Self {
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Self { bytes: response.bytes_stream().boxed(), buffer: Vec::new() }
    }

    /// The next block; `None` if the server has ended the stream.
    pub(crate) async fn block(&mut self) -> Option<Block> {
        loop {
            if let Some(end) = self.buffer.windows(2).position(|pair| pair == b"\n\n") {
                let rest = self.buffer.split_off(end + 2);
                let block = std::mem::replace(&mut self.buffer, rest);
                return Some(parse(std::str::from_utf8(&block).unwrap().trim_end()));
            }
            let bytes = in_time(self.bytes.next()).await?.ok()?;
            self.buffer.extend_from_slice(&bytes);
        }
    }

    /// The next event with data.
    pub(crate) async fn event(&mut self) -> (String, Value) {
        loop {
            let block = self.block().await.expect("the stream goes on");
            if let Some(data) = block.data {
                return (block.id.expect("every event has an id"), data);
            }
        }
    }

    /// Reads the first event, which must be `connected`, and returns its id.
    pub(crate) async fn connected(&mut self) -> String {
        let (id, data) = self.event().await;
        assert_eq!(data["type"], "connected");
        assert!(data["timestamp"].is_i64());
        id
    }

    /// The texts of the next `count` entries.
    pub(crate) async fn texts(&mut self, count: usize) -> Vec<String> {
        let mut texts = Vec::new();
        while texts.len() < count {
            texts.push(self.event().await.1["text"].as_str().unwrap().to_owned());
        }
        texts
    }
}

fn parse(block: &str) -> Block {
    let mut parsed = Block::default();
    for line in block.lines() {
        match line.split_once(": ").unwrap() {
            ("id", id) => parsed.id = Some(id.to_owned()),
            ("data", data) => parsed.data = Some(serde_json::from_str(data).unwrap()),
            ("retry", retry) => parsed.retry = Some(retry.parse().unwrap()),
            ("event", event) => parsed.event = Some(event.to_owned()),
            ("", comment) => parsed.comment = Some(comment.to_owned()),
            other => panic!("a field that is none of ours: {other:?}"),
        }
    }
    parsed
}
