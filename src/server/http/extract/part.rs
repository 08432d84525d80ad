//! The part of a file that a request asks for by `Range` (RFC 9110, 14.2). The route that sends files calls it.

use std::ops::Range;

use axum::http::{HeaderMap, header};
use http_range_header::{EndPosition, StartPosition};

/// The answer to a request with a range, or without one.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// All of it: no range, one that cannot be read, or several. A server may ignore a range (RFC 9110, 14.2), and nobody
    /// who plays a video or goes on with a download asks for several.
    Whole,
    /// These bytes.
    Of(Range<u64>),
    /// None: the file ends before the range.
    Outside,
}

impl Part {
    /// The part of a file of this size and with this entity tag.
    pub(crate) fn asked(headers: &HeaderMap, tag: &str, size: u64) -> Self {
        // A time says nothing here: the content of an id never changes.
        if headers.get(header::IF_RANGE).is_some_and(|asked| asked != tag) {
            return Self::Whole;
        }
        let asked = headers.get(header::RANGE).and_then(|range| range.to_str().ok());
        let Some(Ok(ranges)) = asked.map(http_range_header::parse_range_header) else { return Self::Whole };
        let [range] = ranges.ranges[..] else { return Self::Whole };
        // The library's own `validate` refuses the last 30 bytes of 10, which are all of them (14.1.2).
        let part = match (range.start, range.end) {
            (StartPosition::FromLast(count), _) => size.saturating_sub(count)..size,
            (StartPosition::Index(first), EndPosition::LastByte) => first..size,
            (StartPosition::Index(first), EndPosition::Index(last)) if last < first => return Self::Whole,
            (StartPosition::Index(first), EndPosition::Index(last)) => {
                first..size.min(last.saturating_add(1))
            }
        };
        if part.is_empty() { Self::Outside } else { Self::Of(part) }
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn asked(range: &str) -> Part {
        let headers = HeaderMap::from_iter([(header::RANGE, HeaderValue::from_str(range).expect("ASCII"))]);
        Part::asked(&headers, "\"a\"", 10)
    }

    #[test]
    fn one_range_is_a_part_and_what_cannot_be_read_is_the_whole() {
        for (range, part) in [
            ("bytes=2-4", Part::Of(2..5)),
            ("bytes=8-", Part::Of(8..10)),
            ("bytes=-3", Part::Of(7..10)),
            ("bytes=-30", Part::Of(0..10)),
            ("bytes=0-99", Part::Of(0..10)),
            ("bytes=10-", Part::Outside),
            ("bytes=10-12", Part::Outside),
            ("bytes=-0", Part::Whole),
            ("bytes=0-1,4-5", Part::Whole),
            ("bytes=4-2", Part::Whole),
            ("bytes=", Part::Whole),
            ("lines=1-2", Part::Whole),
        ] {
            assert_eq!(asked(range), part, "{range}");
        }
    }

    #[test]
    fn a_range_of_another_version_is_the_whole() {
        let mut headers = HeaderMap::from_iter([(header::RANGE, HeaderValue::from_static("bytes=2-4"))]);
        headers.insert(header::IF_RANGE, HeaderValue::from_static("\"b\""));
        assert_eq!(Part::asked(&headers, "\"a\"", 10), Part::Whole);
        headers.insert(header::IF_RANGE, HeaderValue::from_static("\"a\""));
        assert_eq!(Part::asked(&headers, "\"a\"", 10), Part::Of(2..5));
    }

    #[test]
    fn an_empty_file_has_no_parts() {
        let headers = HeaderMap::from_iter([(header::RANGE, HeaderValue::from_static("bytes=0-"))]);
        assert_eq!(Part::asked(&headers, "\"a\"", 0), Part::Outside);
    }
}
