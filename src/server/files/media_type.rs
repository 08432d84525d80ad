//! The type of a content, by its bytes and never by a name, and whether a browser may show it. `incoming` feeds it.
//!
//! A content that is text to its last byte is plain text, whatever it looks like: HTML, SVG and scripts are shown as their
//! source.

/// The bytes at the beginning by which the type is found: the longest signature of `infer` is shorter, and its search
/// through the parts of an office document ends here.
const HEAD_BYTES: usize = 8 * 1024;

/// Text, in UTF-8.
const TEXT: &str = "text/plain";
/// Anything else.
pub(super) const BYTES: &str = "application/octet-stream";

/// A PNG that moves.
const APNG: &str = "image/apng";

/// Types that are written in ASCII and are not shown as text.
const WRITTEN_AS_TEXT: [&str; 2] = ["application/pdf", "application/rtf"];

/// Types that a browser shows without running anything of them. SVG is none of them: it has scripts.
const SHOWN: [&str; 18] = [
    "image/png",
    APNG,
    "image/jpeg",
    "image/gif",
    "image/webp",
    "image/avif",
    "audio/mpeg",
    "audio/m4a",
    "audio/aac",
    "audio/ogg",
    "audio/x-flac",
    "audio/x-wav",
    "video/mp4",
    "video/webm",
    "video/x-m4v",
    "video/quicktime",
    "application/pdf",
    TEXT,
];

/// Returns true if a browser may show files of this type in place; others it is told to save.
pub fn is_shown_in_place(media_type: &str) -> bool {
    SHOWN.contains(&media_type)
}

/// Finds the type of a content from its bytes as they come.
#[derive(Debug, Default)]
pub(super) struct Sniffer {
    head: Vec<u8>,
    text: TextCheck,
}

impl Sniffer {
    /// Takes the next bytes.
    pub(super) fn take(&mut self, bytes: &[u8]) {
        let missing = HEAD_BYTES - self.head.len();
        self.head.extend_from_slice(&bytes[..bytes.len().min(missing)]);
        self.text.take(bytes);
    }

    /// The type of all that was taken.
    pub(super) fn media_type(&self) -> &'static str {
        let by_signature = infer::get(&self.head).map(|kind| kind.mime_type());
        match by_signature {
            Some(kind) if WRITTEN_AS_TEXT.contains(&kind) => kind,
            _ if self.text.is_text() => TEXT,
            // Nothing that is not text is told to be one: a browser would decode it by guessing.
            Some(kind) if kind.starts_with("text/") => BYTES,
            Some("image/png") if moves(&self.head) => APNG,
            Some(kind) => kind,
            None => BYTES,
        }
    }
}

/// Returns true if a PNG has frames: the chunk that says so stands before the picture (PNG, third edition, 5.6).
fn moves(png: &[u8]) -> bool {
    let mut rest = png.get(8..).unwrap_or_default();
    while let Some((length, kind)) = rest
        .split_first_chunk::<4>()
        .and_then(|(length, rest)| Some((u32::from_be_bytes(*length) as usize, rest.first_chunk::<4>()?)))
    {
        match kind {
            b"acTL" => return true,
            b"IDAT" => return false,
            // Length, kind and checksum have four bytes each.
            _ => rest = rest.get(length.saturating_add(12)..).unwrap_or_default(),
        }
    }
    false
}

/// The check whether bytes are text in UTF-8, without control characters that no text has.
#[derive(Debug, Default)]
struct TextCheck {
    /// The beginning of a character whose end has not come.
    begun: Vec<u8>,
    is_broken: bool,
}

impl TextCheck {
    fn take(&mut self, mut bytes: &[u8]) {
        while let (false, false, Some((first, rest))) =
            (self.is_broken, self.begun.is_empty(), bytes.split_first())
        {
            self.begun.push(*first);
            bytes = rest;
            match std::str::from_utf8(&self.begun) {
                Ok(_) => self.begun.clear(),
                Err(error) => self.is_broken = error.error_len().is_some(),
            }
        }
        if self.is_broken {
            return;
        }
        match std::str::from_utf8(bytes) {
            Ok(_) => {}
            Err(error) if error.error_len().is_none() => self.begun = bytes[error.valid_up_to()..].to_vec(),
            Err(_) => self.is_broken = true,
        }
        self.is_broken |= bytes.iter().any(is_no_text);
    }

    fn is_text(&self) -> bool {
        !self.is_broken && self.begun.is_empty()
    }
}

/// Control characters, but for those of lines, tabs, pages, and colours of terminals.
fn is_no_text(byte: &u8) -> bool {
    matches!(byte, 0..=8 | 0x0b | 0x0e..=0x1a | 0x1c..=0x1f | 0x7f)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn type_of(bytes: &[u8]) -> &'static str {
        let mut sniffer = Sniffer::default();
        sniffer.take(bytes);
        sniffer.media_type()
    }

    #[test]
    fn a_type_comes_from_the_bytes() {
        for (bytes, expected) in [
            (&b"\x89PNG\r\n\x1a\n\0\0"[..], "image/png"),
            (b"\xff\xd8\xff\xe0\0\x10JFIF\0", "image/jpeg"),
            (b"GIF89a\x01\0\x01\0\0\0", "image/gif"),
            (b"GIF89a=alert(1)//", TEXT),
            (b"%PDF-1.7\n", "application/pdf"),
            (b"PK\x03\x04\x14\0\0\0", "application/zip"),
            (b"MZ\x90\0\x03\0", "application/vnd.microsoft.portable-executable"),
            (b"<!DOCTYPE html><script>alert(1)</script>", TEXT),
            (b"<?xml version=\"1.0\"?><svg onload=\"alert(1)\"/>", TEXT),
            (b"<html>\xff\xfe\x00", BYTES),
            (b"BM, a text that begins as a bitmap does", TEXT),
            ("花見\r\n\tde la forêt \u{1b}[31m".as_bytes(), TEXT),
            (b"", TEXT),
            (b"a\0b", BYTES),
            (b"caf\xe9", BYTES),
            ("花".as_bytes().split_at(2).0, BYTES),
        ] {
            assert_eq!(type_of(bytes), expected, "{:?}", String::from_utf8_lossy(bytes));
        }
    }

    #[test]
    fn a_png_with_frames_is_told_apart() {
        let head = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\0\0\0\x01\0\0\0\x01\x08\x06\0\0\0\x1f\x15\xc4\x89";
        let with = |chunks: &[u8]| type_of(&[&head[..], chunks].concat());
        let (frames, picture) =
            (b"\0\0\0\x08acTL\0\0\0\x02\0\0\0\0\xf3\x8d\x93\x70", b"\0\0\0\0IDAT\0\0\0\0");
        assert_eq!(with(&[&frames[..], picture].concat()), "image/apng");
        assert_eq!(with(&[&picture[..], frames].concat()), "image/png");
        assert_eq!(with(b"\xff\xff\xff\xffacT"), "image/png");
        assert_eq!(with(b"\0\0"), "image/png");
    }

    #[test]
    fn what_can_run_is_never_shown() {
        for kind in
            ["text/html", "image/svg+xml", "text/xml", "application/xhtml+xml", "application/zip", BYTES]
        {
            assert!(!is_shown_in_place(kind), "{kind}");
        }
    }
}
