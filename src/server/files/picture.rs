//! Pictures: their size, which pages need before they load, and what they tell beside the picture. `incoming` has each one
//! looked at before it is stored, by a bounded number of threads.
//!
//! The details that cameras write into JPEG, PNG and `WebP` (place, time, device, comments) are taken out; colours,
//! animation and the orientation stay. Nothing is decoded: a picture is taken apart into its segments (`img-parts`) and put
//! together again without some of them, which keeps its quality and leaves no room for a decompression bomb here. Readers
//! have to decode it, so one with too many pixels is refused by its header.

use std::{fs, path::Path};

use exif::{In, Reader, Tag};
use img_parts::{Bytes, DynImage, ImageEXIF};

use super::FileError;
use crate::protocol::problem::{Code, Rejection};

/// Most pixels of a picture: decoded it takes 400 MB in the browser of everybody who looks. Cameras have up to this many.
const PIXELS_MAX: u64 = 100_000_000;
/// Largest picture in bytes. It is in memory while it is taken apart, twice at most.
const BYTES_MAX: u64 = 64 * 1024 * 1024;

/// The result of examining a picture.
pub(super) struct Examined {
    /// Width and height as it is shown.
    pub(super) size: Option<(u32, u32)>,
    /// The picture without what it tells, if it told something.
    pub(super) clean: Option<DynImage>,
    /// False: it is damaged, and may tell anything.
    pub(super) is_whole: bool,
}

/// Returns true for the types that browsers show as pictures.
pub(super) fn is_picture(media_type: &str) -> bool {
    matches!(
        media_type,
        "image/png" | "image/apng" | "image/jpeg" | "image/gif" | "image/webp" | "image/avif"
    )
}

/// Looks at a picture. Blocks on the disk. Fails if it is too large to look at.
pub(super) fn examine(path: &Path, bytes: u64, media_type: &str) -> Result<Examined, FileError> {
    let size = imagesize::size(path).ok();
    let size =
        size.and_then(|size| Some((u32::try_from(size.width).ok()?, u32::try_from(size.height).ok()?)));
    if size.is_some_and(|(width, height)| u64::from(width) * u64::from(height) > PIXELS_MAX) {
        return Err(too_large(&format!(
            "A picture has at most {} million pixels here.",
            PIXELS_MAX / 1_000_000
        )));
    }
    if !matches!(media_type, "image/png" | "image/apng" | "image/jpeg" | "image/webp") {
        return Ok(Examined { size, clean: None, is_whole: true });
    }
    if bytes > BYTES_MAX {
        return Err(too_large(&format!(
            "A picture has at most {BYTES_MAX} bytes here; send it in an archive."
        )));
    }
    let Ok(Some(picture)) = DynImage::from_bytes(Bytes::from(fs::read(path)?)) else {
        return Ok(Examined { size: None, clean: None, is_whole: false });
    };
    let orientation = picture.exif().and_then(|exif| orientation_in(&exif));
    let size = size.map(|(width, height)| match orientation {
        // It lies on one of its sides.
        Some(5..=8) => (height, width),
        _ => (width, height),
    });
    Ok(Examined { size, clean: without_details(picture, orientation), is_whole: true })
}

fn too_large(message: &str) -> FileError {
    Rejection::new(Code::TooLarge, message).into()
}

/// The orientation (1 to 8) in the details of a picture.
fn orientation_in(exif: &[u8]) -> Option<u8> {
    let details = Reader::new().read_raw(exif.to_vec()).ok()?;
    let value = details.get_field(Tag::Orientation, In::PRIMARY)?.value.get_uint(0)?;
    u8::try_from(value).ok().filter(|orientation| (2..=8).contains(orientation))
}

/// The picture without what it tells; `None` if it tells nothing. Its orientation stays as the only detail: to turn the
/// picture itself it would have to be encoded again.
fn without_details(mut picture: DynImage, orientation: Option<u8>) -> Option<DynImage> {
    let kept = orientation.map(only_orientation);
    let before = picture.exif();
    let mut is_changed = before != kept;
    let removed = match &mut picture {
        DynImage::Jpeg(jpeg) => {
            let segments = jpeg.segments_mut();
            let count = segments.len();
            segments.retain(|segment| is_part_of_jpeg(segment.marker(), segment.contents()));
            count - segments.len()
        }
        DynImage::Png(png) => {
            let chunks = png.chunks_mut();
            let count = chunks.len();
            chunks.retain(|chunk| !matches!(&chunk.kind(), b"tEXt" | b"zTXt" | b"iTXt" | b"tIME" | b"caBX"));
            count - chunks.len()
        }
        DynImage::WebP(webp) => {
            let chunks = webp.chunks_mut();
            let count = chunks.len();
            chunks.retain(|chunk| !matches!(&chunk.id(), b"XMP " | b"C2PA"));
            count - chunks.len()
        }
    };
    // The orientation alone, as an earlier look left it, is not told anew.
    let details = usize::from(matches!(picture, DynImage::Jpeg(_)) && before.is_some());
    is_changed |= removed > details;
    picture.set_exif(kept);
    is_changed.then_some(picture)
}

/// Returns false for the segments of applications and for comments, but for those that change what is seen: the format's
/// own, colour profiles, and the transformation of colours. The index of further pictures goes: its places no longer hold.
fn is_part_of_jpeg(marker: u8, contents: &[u8]) -> bool {
    match marker {
        0xe0 | 0xee => true,
        0xe2 => contents.starts_with(b"ICC_PROFILE\0"),
        0xe1..=0xef | 0xfe => false,
        _ => true,
    }
}

/// Details (TIFF 6.0) with an orientation and nothing else.
fn only_orientation(orientation: u8) -> Bytes {
    let mut details = b"MM\0\x2a\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0".to_vec();
    details.extend([orientation, 0, 0, 0, 0, 0, 0]);
    details.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A JPEG with the heads that a camera writes, whose data are none.
    fn jpeg(orientation: u8) -> Vec<u8> {
        let segment = |marker: u8, contents: &[u8]| {
            let length = u16::try_from(contents.len() + 2).expect("short").to_be_bytes();
            [&[0xff, marker][..], &length, contents].concat()
        };
        let mut details = b"Exif\0\0MM\0\x2a\0\0\0\x08\0\x02".to_vec();
        details.extend(b"\x01\x0e\0\x02\0\0\0\x0d\0\0\0\x26\x01\x12\0\x03\0\0\0\x01\0");
        details.extend([orientation, 0, 0, 0, 0, 0, 0]);
        details.extend(b"Secret place\0");
        [
            &b"\xff\xd8"[..],
            &segment(0xe0, b"JFIF\0\x01\x01\0\0\x01\0\x01\0\0"),
            &segment(0xe1, &details),
            &segment(0xe1, b"http://ns.adobe.com/xap/1.0/\0<x>Secret place</x>"),
            &segment(0xed, b"Photoshop 3.0\0Secret place"),
            &segment(0xfe, b"Secret place"),
            &segment(0xc0, b"\x08\0\x03\0\x04\x01\x01\x11\0"),
            &segment(0xda, b"\x01\x01\0\0\x3f\0"),
            b"pixels\xff\xd9",
        ]
        .concat()
    }

    fn file(bytes: &[u8]) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().expect("a file");
        fs::write(file.path(), bytes).expect("written");
        file
    }

    fn examined(bytes: &[u8], media_type: &str) -> Result<Examined, FileError> {
        examine(file(bytes).path(), bytes.len() as u64, media_type)
    }

    #[test]
    fn a_photograph_loses_its_place_and_keeps_its_orientation() {
        let found = examined(&jpeg(6), "image/jpeg").expect("fine");
        assert_eq!(found.size, Some((3, 4)), "it lies on its side");
        let clean = found.clean.expect("it told something").encoder().bytes();
        let has = |text: &[u8]| clean.windows(text.len()).any(|part| part == text);
        assert!(!has(b"Secret") && !has(b"adobe") && has(b"JFIF") && has(b"pixels\xff\xd9"));
        let again = examined(&clean, "image/jpeg").expect("fine");
        assert_eq!(again.size, Some((3, 4)), "the orientation is still there");
        assert!(again.clean.is_none(), "it tells nothing more");
        let upright = examined(&jpeg(1), "image/jpeg").expect("fine");
        assert_eq!(upright.size, Some((4, 3)));
        let clean = upright.clean.expect("it told something").encoder().bytes();
        assert!(!clean.windows(4).any(|part| part == b"Exif"));
    }

    /// The beginning of a PNG file of this size.
    fn png_head(width: u32, height: u32) -> Vec<u8> {
        let mut head = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec();
        head.extend(width.to_be_bytes().into_iter().chain(height.to_be_bytes()));
        head.extend(b"\x08\x06\0\0\0\0\0\0\0");
        head
    }

    #[test]
    fn a_picture_with_too_many_pixels_is_refused_by_its_header() {
        let Err(refused) = examined(&png_head(50_000, 50_000), "image/png") else { panic!("it was taken") };
        assert_eq!(refused.into_rejection().0.code, Code::TooLarge);
    }

    #[test]
    fn a_damaged_picture_is_none() {
        let cut = &jpeg(6)[..40];
        for (bytes, media_type) in [(cut, "image/jpeg"), (&png_head(3, 4), "image/png")] {
            let found = examined(bytes, media_type).expect("fine");
            assert!(!found.is_whole && found.size.is_none(), "{media_type}");
        }
    }
}
