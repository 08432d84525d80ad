//! Hostile input for names, types and pictures.

use image::{DynamicImage, ImageFormat, RgbaImage};
use proptest::prelude::*;

use super::{incoming::Incoming, media_type::Sniffer, name::cleaned, thumbnail};

/// A small picture of each kind, with a place in it where its kind has one.
fn pictures() -> Vec<Vec<u8>> {
    let picture =
        DynamicImage::ImageRgba8(RgbaImage::from_fn(20, 10, |x, y| [x as u8, y as u8, 7, 200].into()));
    let kinds = [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::Gif, ImageFormat::WebP];
    let encoded = kinds.map(|kind| {
        let mut bytes = std::io::Cursor::new(Vec::new());
        let picture = if kind == ImageFormat::Jpeg { picture.to_rgb8().into() } else { picture.clone() };
        picture.write_to(&mut bytes, kind).expect("encoded");
        bytes.into_inner()
    });
    let mut with_place = encoded[1].clone();
    let details = b"Exif\0\0MM\0\x2a\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0";
    let length = u16::try_from(details.len() + 2).expect("short").to_be_bytes();
    with_place.splice(2..2, [&[0xff, 0xe1][..], &length, details].concat());
    encoded.into_iter().chain([with_place]).collect()
}

proptest! {
    #[test]
    fn a_cleaned_name_is_short_leads_nowhere_and_stays_as_it_is(name in ".{0,400}") {
        let clean = cleaned(&name);
        prop_assert!((1..=255).contains(&clean.len()));
        let leads_out = clean.contains(['/', '\\', '\0', '\n', '\u{202e}']) || clean == "." || clean == "..";
        prop_assert!(!leads_out);
        prop_assert_eq!(cleaned(&clean), clean);
    }

    #[test]
    fn a_type_does_not_depend_on_how_the_bytes_are_cut(
        bytes in prop_oneof![prop::collection::vec(any::<u8>(), 0..200), ".{0,80}".prop_map(String::into_bytes)],
        cuts in prop::collection::vec(0..200_usize, 0..6),
    ) {
        let mut whole = Sniffer::default();
        whole.take(&bytes);
        let (mut pieces, mut rest) = (Sniffer::default(), &bytes[..]);
        for cut in cuts {
            let (piece, left) = rest.split_at(cut.min(rest.len()));
            pieces.take(piece);
            rest = left;
        }
        pieces.take(rest);
        prop_assert_eq!(pieces.media_type(), whole.media_type());
        let is_text = std::str::from_utf8(&bytes).is_ok();
        prop_assert!(is_text || whole.media_type() != "text/plain");
    }

    #[test]
    fn a_damaged_picture_is_looked_at_and_drawn_or_not_and_nothing_breaks(
        which in 0..5_usize,
        flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..12),
        cut in prop::option::of(any::<prop::sample::Index>()),
    ) {
        let mut bytes = pictures().swap_remove(which);
        for (at, byte) in flips {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        bytes.truncate(cut.map_or(bytes.len(), |cut| cut.index(bytes.len())));
        let folder = tempfile::tempdir().expect("a folder");
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("it runs");
        let received = runtime.block_on(async {
            let mut incoming = Incoming::create(folder.path().to_owned()).expect("made");
            incoming.write(&bytes, 0).await.expect("written");
            incoming.finish().await.expect("on the disk")
        });
        // A picture that is too large by its header is refused.
        if let Ok(received) = received.examine(folder.path()) {
            let (_, path) = received.into_parts();
            drop(thumbnail::draw(&path, folder.path()).expect("drawn, or empty"));
        }
        prop_assert_eq!(std::fs::read_dir(folder.path()).expect("there").count(), 0, "nothing is left");
    }
}
