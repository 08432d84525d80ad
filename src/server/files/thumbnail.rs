//! Thumbnails of pictures: small enough for a page with many, and of an animated picture the first frame, so that nothing
//! moves before somebody wants it to. `mod.rs` draws one when it is first asked for, and one at a time.
//!
//! The pictures come from people: the decoders are those of the `image` crate, which are written in safe Rust, and they
//! get no more memory than [`DECODED_MAX`]. A picture that needs more, or that is damaged, has no thumbnail.

use std::{
    io::{self, BufWriter, Write},
    path::Path,
};

use image::{
    DynamicImage, ImageDecoder, ImageError, ImageFormat, ImageReader, Limits, codecs::jpeg::JpegEncoder,
};
use tempfile::{NamedTempFile, TempPath};

/// Longest side of a thumbnail: twice of what a page shows, for screens with two pixels in the place of one.
const SIDE_MAX: u32 = 960;
/// Most bytes of a picture while it is drawn: 40 million pixels with four bytes each.
const DECODED_MAX: u64 = 160 * 1024 * 1024;
/// Quality of a photograph's thumbnail: nobody sees a difference at this size.
const QUALITY: u8 = 80;

/// Returns true for a picture that is better shown by a thumbnail: a large one, and one of a kind that may move.
pub(super) fn is_wanted(media_type: &str, width: Option<u32>, height: Option<u32>) -> bool {
    let (Some(width), Some(height)) = (width, height) else { return false };
    match media_type {
        "image/gif" | "image/webp" | "image/apng" => true,
        "image/png" | "image/jpeg" => width > SIDE_MAX || height > SIDE_MAX,
        _ => false,
    }
}

/// Draws the thumbnail of a picture into a file of this folder: without a byte if it cannot be drawn. Blocks on the disk
/// and the processor.
pub(super) fn draw(picture: &Path, folder: &Path) -> io::Result<TempPath> {
    let mut file = NamedTempFile::new_in(folder)?;
    match decoded(picture) {
        Ok(small) => write(&small, &mut file).map_err(io::Error::other)?,
        Err(error) => tracing::debug!(%error, "a picture has no thumbnail"),
    }
    file.as_file().sync_all()?;
    Ok(file.into_temp_path())
}

fn decoded(picture: &Path) -> Result<DynamicImage, ImageError> {
    let mut reader = ImageReader::open(picture)?.with_guessed_format()?;
    let mut limits = Limits::default();
    limits.max_alloc = Some(DECODED_MAX);
    reader.limits(limits.clone());
    let mut decoder = reader.into_decoder()?;
    limits.reserve(decoder.total_bytes())?;
    let orientation = decoder.orientation()?;
    let image = DynamicImage::from_decoder(decoder)?;
    let is_large = image.width().max(image.height()) > SIDE_MAX;
    let mut small = if is_large { image.thumbnail(SIDE_MAX, SIDE_MAX) } else { image };
    small.apply_orientation(orientation);
    Ok(small)
}

/// Writes what may be seen through as PNG, and everything else as JPEG.
fn write(image: &DynamicImage, file: &mut NamedTempFile) -> Result<(), ImageError> {
    let mut out = BufWriter::new(file);
    match image.color().has_alpha() {
        true => {
            let mut bytes = io::Cursor::new(Vec::new());
            DynamicImage::ImageRgba8(image.to_rgba8()).write_to(&mut bytes, ImageFormat::Png)?;
            out.write_all(bytes.get_ref())?;
        }
        false => image.to_rgb8().write_with_encoder(JpegEncoder::new_with_quality(&mut out, QUALITY))?,
    }
    Ok(out.flush()?)
}

/// The media type of a thumbnail that begins with these bytes; `None`: there is none.
pub(super) fn media_type_of(bytes: &[u8]) -> Option<&'static str> {
    Some(if *bytes.first()? == 0x89 { "image/png" } else { "image/jpeg" })
}

#[cfg(test)]
mod tests {
    use image::{Frame, Rgb, RgbImage, RgbaImage, codecs::gif::GifEncoder};

    use super::*;

    /// Draws the thumbnail of a picture with these bytes: its type, width and height.
    fn drawn(bytes: &[u8]) -> Option<(&'static str, u32, u32)> {
        let folder = tempfile::tempdir().expect("a folder");
        let picture = folder.path().join("picture");
        std::fs::write(&picture, bytes).expect("written");
        let path = draw(&picture, folder.path()).expect("drawn");
        let media_type = media_type_of(&std::fs::read(&path).expect("read"))?;
        let small = ImageReader::open(&path).expect("there").with_guessed_format().expect("read");
        let (width, height) = small.into_dimensions().expect("a picture");
        Some((media_type, width, height))
    }

    fn encoded(image: &DynamicImage, format: ImageFormat) -> Vec<u8> {
        let mut bytes = io::Cursor::new(Vec::new());
        image.write_to(&mut bytes, format).expect("encoded");
        bytes.into_inner()
    }

    #[test]
    fn a_picture_is_drawn_smaller_and_one_that_may_be_seen_through_stays_so() {
        let photograph = DynamicImage::from(RgbImage::from_pixel(2000, 1000, Rgb([200, 10, 10])));
        assert_eq!(drawn(&encoded(&photograph, ImageFormat::Jpeg)), Some(("image/jpeg", 960, 480)));
        let drawing = DynamicImage::from(RgbaImage::new(100, 1920));
        assert_eq!(drawn(&encoded(&drawing, ImageFormat::Png)), Some(("image/png", 50, 960)));
        let small = DynamicImage::from(RgbImage::new(10, 20));
        assert_eq!(drawn(&encoded(&small, ImageFormat::Png)), Some(("image/jpeg", 10, 20)));
    }

    #[test]
    fn an_animated_picture_stands_still() {
        let mut bytes = Vec::new();
        let mut encoder = GifEncoder::new(&mut bytes);
        for _ in 0..3 {
            encoder.encode_frame(Frame::new(RgbaImage::new(30, 20))).expect("encoded");
        }
        drop(encoder);
        assert_eq!(drawn(&bytes), Some(("image/png", 30, 20)));
    }

    #[test]
    fn a_damaged_picture_and_one_that_is_too_large_to_draw_have_none() {
        let large = DynamicImage::from(image::GrayImage::new(20_000, 9_000));
        assert_eq!(drawn(&encoded(&large, ImageFormat::Png)), None);
        assert_eq!(drawn(b"\x89PNG\r\n\x1a\n and no more"), None);
        assert_eq!(drawn(b""), None);
    }

    #[test]
    fn a_large_picture_and_one_that_may_move_want_a_thumbnail() {
        let of = |media_type, width, height| is_wanted(media_type, Some(width), Some(height));
        assert!(
            of("image/jpeg", 961, 1)
                && of("image/png", 1, 961)
                && of("image/gif", 1, 1)
                && of("image/apng", 1, 1)
        );
        assert!(!of("image/jpeg", 960, 960) && !of("image/avif", 5000, 5000) && !of("text/plain", 961, 961));
        assert!(!is_wanted("image/gif", None, None));
    }
}
