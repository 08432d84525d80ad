//! The commands that publish the first event, for a page of the feed that has none yet: with the address of this very
//! server, ready to copy. Only the server draws them, so browsers download none of their texts.
//!
//! The views leave their element empty. `pages` fills it in the document, and `public/events.js` anywhere else; that also
//! puts in the address by which the browser reached the server, which a proxy may hide.

use super::escape;
use crate::{app::i18n::Language, server::http::compat::ntfy};

/// The end of the empty element of the views.
const EMPTY: &str = r#" class="first-event"></div>"#;

/// The commands for a channel, as HTML.
pub(super) fn html(language: Language, channel: &str, origin: &str) -> String {
    let [hint, others] = words(language);
    let ntfy = ntfy::is_topic(channel).then(|| format!("ntfy publish {origin}/{channel} 'backup done'"));
    let commands = [
        ("command", "curl", Some(format!("curl -d 'backup done' {origin}/api/events/{channel}"))),
        ("first-ntfy", "ntfy", ntfy),
        (
            "first-cli",
            "idobata",
            Some(format!("IDOBATA_URL={origin} idobata publish {channel} 'backup done'")),
        ),
    ];
    let texts = language.texts();
    let row = |(id, name, command): (&str, &str, Option<String>)| {
        let (command, origin) = (escape(&command?), escape(origin));
        Some(format!(
            r#"<dt id="publish-{id}-name" translate="no">{name}</dt><dd><code id="publish-{id}" translate="no" data-origin="{origin}">{command}</code> <button type="button" class="copy" data-copy="publish-{id}" aria-labelledby="publish-{id}-copy publish-{id}-name"><span id="publish-{id}-copy" data-copied="{}" aria-live="polite">{}</span></button></dd>"#,
            texts.copied, texts.copy,
        ))
    };
    let rows: String = commands.into_iter().filter_map(row).collect();
    format!(r#"<p class="muted">{hint}</p><dl>{rows}</dl><p class="muted">{others}</p>"#)
}

/// Puts the commands into a rendered page, if it has a place for them.
pub(super) fn with_commands(html: &str, commands: &str) -> String {
    html.replacen(EMPTY, &format!(r#" class="first-event">{commands}</div>"#), 1)
}

/// The words before the commands and after them. Not in `app/i18n`, which browsers download.
fn words(language: Language) -> [&'static str; 2] {
    match language {
        Language::En => [
            "Publish the first one from a terminal:",
            "It appears here at once. From other machines, and where people have accounts, add a publisher's token: \
             <code translate=\"no\">-H 'Authorization: Bearer idp_…'</code>",
        ],
        Language::Ja => [
            "ターミナルから最初のお知らせを送れます：",
            "送るとすぐここに表示されます。別のマシンから送る場合や、アカウント制のサーバーでは、送信プログラムのトークンを付けてください：\
             <code translate=\"no\">-H 'Authorization: Bearer idp_…'</code>",
        ],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_commands_name_this_very_address_and_stand_in_their_place() {
        let commands = html(Language::En, "ops", "https://a.example");
        for command in [
            "curl -d 'backup done' https://a.example/api/events/ops",
            "ntfy publish https://a.example/ops ",
            "IDOBATA_URL=https://a.example idobata publish ops ",
        ] {
            assert!(commands.contains(command), "{command}: {commands}");
        }
        assert!(
            !html(Language::Ja, "rooms", "https://a.example").contains("ntfy publish"),
            "no topic of ntfy"
        );
        let page = r#"<p>a</p><div data-channel="ops" class="first-event"></div><p>b</p>"#;
        let filled = with_commands(page, "<i></i>");
        assert_eq!(filled, r#"<p>a</p><div data-channel="ops" class="first-event"><i></i></div><p>b</p>"#);
        assert_eq!(with_commands("<p></p>", "<i></i>"), "<p></p>");
    }
}
