//! The sentences that stand in the place of the composer where the viewer may not write, in their language. The data of the
//! sidebar have them, so that an open page follows when that changes.

use cookie::time::OffsetDateTime;

use super::linked::Reader;
use crate::{
    app::i18n::Language,
    protocol::{chat::Room, name::RoomId},
    server::{auth::Identity, authz::Rights, clock::now_ms},
};

/// The rooms of the list in which the viewer may not write, each with the reason.
pub(super) fn of(
    rights: &Rights,
    rooms: &[Room],
    who: Option<&Identity>,
    reader: Reader,
) -> Vec<(RoomId, String)> {
    let now_ms = now_ms();
    let reason = |room: &Room| {
        if room.archived {
            return Some(archived(reader.language).to_owned());
        }
        let who = who.filter(|who| !who.is_admin && !rights.owns(&room.id, who))?;
        let mute = rights.mute_of(&room.id, &who.user.id, now_ms)?;
        Some(muted(reader, mute.until))
    };
    rooms.iter().filter_map(|room| Some((room.id.clone(), reason(room)?))).collect()
}

fn archived(language: Language) -> &'static str {
    match language {
        Language::En => "This room is archived. You can read it, and nobody can write in it.",
        Language::Ja => "このルームはアーカイブされています。読むことはできますが、書き込みはできません。",
    }
}

/// The sentence for a muted viewer, with the end in their time zone as far as it is known.
fn muted(Reader { language, zone_ms }: Reader, until: Option<i64>) -> String {
    let end = until.and_then(|until| {
        let seconds = until.saturating_sub(zone_ms).div_euclid(1_000);
        OffsetDateTime::from_unix_timestamp(seconds).ok()
    });
    let end = end.map(|end| format!("{} {:02}:{:02}", end.date(), end.hour(), end.minute()));
    match (language, end) {
        (Language::En, None) => {
            "You may read this room and not write in it, until a moderator takes that back.".to_owned()
        }
        (Language::En, Some(end)) => format!("You may read this room and not write in it, until {end}."),
        (Language::Ja, None) => "モデレーターが解除するまで、このルームは読むことだけができます。".to_owned(),
        (Language::Ja, Some(end)) => format!("{end} まで、このルームは読むことだけができます。"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_muted_viewer_is_told_until_when_by_their_own_clock() {
        // 2026-11-22 11:59:59 UTC, in Tokyo nine hours later.
        let tokyo = |language| Reader { language, zone_ms: -9 * 3_600_000 };
        let until = Some(1_795_348_799_000);
        assert_eq!(
            muted(tokyo(Language::En), until),
            "You may read this room and not write in it, until 2026-11-22 20:59."
        );
        assert!(muted(tokyo(Language::Ja), until).starts_with("2026-11-22 20:59 まで"));
        assert!(muted(tokyo(Language::En), None).ends_with("until a moderator takes that back."));
    }
}
