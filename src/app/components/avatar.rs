//! Avatars: the first letter of a name on a colour that its user's id chooses, so that both stay the same everywhere.

use leptos::prelude::*;

/// The number of colours in `style/components/avatar.css`.
const COLORS: u32 = 12;

/// Draws the avatar of a user. Screen readers pass it over, because the name stands beside it.
pub(crate) fn avatar(id: &str, name: &str) -> AnyView {
    view! {
        <span class="avatar" data-color=color_of(id).to_string() aria-hidden="true" translate="no">
            {initial_of(name)}
        </span>
    }
    .into_any()
}

/// The colour of an id: the same on both sides and after every restart (FNV-1a, in 32 bits).
fn color_of(id: &str) -> u32 {
    id.bytes().fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)) % COLORS
}

/// The first letter or digit, in upper case; else the first character.
fn initial_of(name: &str) -> String {
    let first = name.chars().find(|c| c.is_alphanumeric()).or_else(|| name.chars().next());
    first.map(|c| c.to_uppercase().collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_avatar_has_the_first_letter_of_a_name() {
        for (name, initial) in
            [("alice", "A"), (" (bob)", "B"), ("花子", "花"), ("ß", "SS"), ("🎉", "🎉"), ("", "")]
        {
            assert_eq!(initial_of(name), initial, "{name}");
        }
    }

    #[test]
    fn ids_have_different_colours_and_keep_them() {
        let colors: std::collections::BTreeSet<u32> =
            (0..100).map(|n| color_of(&format!("user-{n}"))).collect();
        assert_eq!(colors.len(), COLORS as usize);
        assert_eq!(color_of("user-1"), color_of("user-1"));
    }
}
