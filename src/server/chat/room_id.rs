//! The id of a room, which is its address: the one place that makes an id from a room's name and compares ids. The chat
//! calls it.
//!
//! Names of rooms are compared like names of people ([`normalized_name`]): upper case, full-width letters and composed
//! accents make no other room. Marks belong to their letter in every script and separate nothing.

use icu_properties::{
    CodePointMapData,
    props::{GeneralCategory, GeneralCategoryGroup},
};

use crate::{
    protocol::{
        name::{ID_MAX_BYTES, RoomId},
        problem::{Code, Rejection},
    },
    server::store::normalized_name::normalized_name,
};

/// The id of a room with this name: `Team Talk!` gives `team-talk`. A name without a letter or digit has none.
pub(crate) fn id_of_name(name: &str) -> Result<RoomId, Rejection> {
    let key = normalized_name(name);
    let words: Vec<&str> =
        key.split(|c| !is_part_of_word(c)).filter(|word| !word.trim_matches('_').is_empty()).collect();
    let id = words.join("-");
    if id.len() > ID_MAX_BYTES {
        let message = "The room's name is too long after NFKC normalization, by which names are compared.";
        return Err(Rejection::new(Code::BadName, message));
    }
    RoomId::parse(&id).map_err(|_| Rejection::new(Code::BadName, "A room's name needs a letter or a digit."))
}

/// The form in which ids are compared: an address that is typed in another form (upper case, full-width, decomposed)
/// has the same key as the room's id. Ids of old rooms stay as they are and have a key, too.
pub(crate) fn id_key(id: &str) -> String {
    normalized_name(id)
}

fn is_part_of_word(c: char) -> bool {
    let group =
        GeneralCategoryGroup::Letter.union(GeneralCategoryGroup::Mark).union(GeneralCategoryGroup::Number);
    c == '_' || group.contains(CodePointMapData::<GeneralCategory>::new().get(c))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{
        app::routes::{self, Route},
        protocol::properties::text,
    };

    fn id(name: &str) -> String {
        id_of_name(name).expect(name).as_str().to_owned()
    }

    #[test]
    fn a_rooms_id_comes_from_its_name() {
        assert_eq!(id("Team Talk!"), "team-talk");
        assert_eq!(id("井戸端 会議"), "井戸端-会議");
        assert_eq!(id_of_name("!!!").expect_err("no letters").code, Code::BadName);
        let long = id_of_name(&"\u{fdfa}".repeat(38)).expect_err("18 characters of each");
        assert!(long.message.contains("too long"), "{}", long.message);
    }

    #[test]
    fn a_name_in_another_form_has_the_same_id() {
        for (name, other) in [
            ("Café", "cafe\u{301}"),
            ("team", "ｔｅａｍ"),
            ("ガラス", "ｶﾞﾗｽ"),
            ("straße", "STRAẞE"),
            ("ΣΑΣ", "σας"),
        ] {
            assert_eq!(id_key(&id(name)), id_key(&id(other)), "{name} {other}");
        }
    }

    #[test]
    fn no_mark_is_a_separator() {
        for (name, expected) in [
            ("คำถาม ทั่วไป", "ค\u{e4d}าถาม-ทั่วไป"), // NFKC writes SARA AM as two
            ("हिन्दी चर्चा", "हिन्दी-चर्चा"),
            ("İstanbul", "i\u{307}stanbul"),
            ("تَشْكِيل", "تَشْكِيل"),
            ("می\u{200c}خواهم", "میخواهم"),
        ] {
            assert_eq!(id(name), expected);
            assert_eq!(id(expected), expected, "and is stable");
        }
    }

    proptest! {
        #[test]
        fn an_id_is_one_wherever_it_is_read(typed in text()) {
            if let Ok(id) = id_of_name(&typed) {
                prop_assert_eq!(RoomId::parse(id.as_str()), Ok(id.clone()));
                let path = routes::room(&id);
                prop_assert!(path.is_ascii());
                prop_assert_eq!(Route::parse(&path), Some(Route::Room(id.as_str().to_owned())));
            }
        }
    }
}
