//! Hostile input for names and types.

use proptest::prelude::*;

use super::{media_type::Sniffer, name::cleaned};

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
}
