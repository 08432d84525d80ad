//! The flags of an entry, and the JSON that is published of them. `publish` uses it. The entry is checked by the rules
//! that the server will apply, so that what is wrong is said before anything is sent.

use clap::Args;
use serde_json::{Map, Value, json};

use crate::{
    protocol::{feed::Level, problem::Rejection, publication::Publication},
    server::config::BadSetting,
};

/// The flags.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Event")]
pub(super) struct EntryFlags {
    /// Title, one line
    #[arg(long, value_name = "TITLE")]
    title: Option<String>,

    /// Level: info, success, warning, error, or the words and numbers of other senders
    #[arg(long, value_name = "LEVEL")]
    level: Option<String>,

    /// Tag; repeatable, or with commas
    #[arg(long, value_name = "TAG", value_delimiter = ',')]
    tag: Vec<String>,

    /// Address with more about it (http or https)
    #[arg(long, value_name = "URL")]
    link: Option<String>,

    /// Key: a later event with the same key takes the place of this one on the pages
    #[arg(long, value_name = "KEY")]
    key: Option<String>,

    /// The text is Markdown
    #[arg(long)]
    markdown: bool,

    /// Publish a value instead of a text
    #[arg(long, value_name = "N", allow_negative_numbers = true,
        conflicts_with_all = ["text", "title", "level", "tag", "link", "markdown", "done"])]
    value: Option<f64>,

    /// Unit of the value
    #[arg(long, value_name = "UNIT", requires = "value")]
    unit: Option<String>,

    /// Publish progress: how much is done; takes --total, --state, --key and a text
    #[arg(long, value_name = "N", requires = "key",
        conflicts_with_all = ["title", "level", "tag", "link", "markdown"])]
    done: Option<f64>,

    /// How much there is to do, if it is known
    #[arg(long, value_name = "N", requires = "done")]
    total: Option<f64>,

    /// How the work stands: running, paused, failed or done
    #[arg(long, value_name = "STATE", requires = "done")]
    state: Option<String>,
}

/// The arguments after the channel.
pub(super) enum Text {
    Given(String),
    None,
}

impl EntryFlags {
    /// Returns true if the entry is nothing without a text.
    pub(super) fn needs_text(&self) -> bool {
        self.value.is_none() && self.done.is_none() && self.title.is_none()
    }

    /// The JSON of the entry.
    ///
    /// # Errors
    /// The server would refuse it.
    pub(super) fn entry(&self, text: Text) -> Result<String, BadSetting> {
        // clap asks for no flag that another one excludes.
        let of_progress = self.total.is_some() || self.state.is_some();
        if self.value.is_none() && self.unit.is_some() || self.done.is_none() && of_progress {
            let form = "--unit belongs to --value, and --total and --state to --done";
            return Err(BadSetting(form.to_owned()));
        }
        let mut members = self.members();
        if let Text::Given(text) = text {
            members.insert("text".to_owned(), text.trim_end_matches('\n').into());
        }
        check(members.clone())?;
        Ok(Value::Object(members).to_string())
    }

    /// The members that the entries of all lines have.
    ///
    /// # Errors
    /// The server would refuse them.
    pub(super) fn template(&self) -> Result<Map<String, Value>, BadSetting> {
        let members = self.members();
        let mut one = members.clone();
        one.insert("text".to_owned(), "a line".into());
        check(one)?;
        Ok(members)
    }

    fn members(&self) -> Map<String, Value> {
        let all = [
            ("type", self.kind().into()),
            ("title", json!(self.title)),
            ("level", json!(self.level)),
            ("tags", if self.tag.is_empty() { Value::Null } else { json!(self.tag) }),
            ("link", json!(self.link)),
            ("key", json!(self.key)),
            ("markdown", if self.markdown { true.into() } else { Value::Null }),
            ("value", json!(self.value)),
            ("unit", json!(self.unit)),
            ("done", json!(self.done)),
            ("total", json!(self.total)),
            ("state", json!(self.state)),
        ];
        all.into_iter()
            .filter(|(_, value)| !value.is_null())
            .map(|(name, value)| (name.to_owned(), value))
            .collect()
    }

    fn kind(&self) -> &'static str {
        match (self.value, self.done) {
            (Some(_), _) => "update",
            (_, Some(_)) => "progress",
            _ => "notification",
        }
    }
}

fn check(members: Map<String, Value>) -> Result<(), BadSetting> {
    let words = Level::ALL.map(Level::as_str).join(", ");
    let read = Publication::from_json(Value::Object(members));
    let advice = |Rejection { message, .. }: Rejection| match message.contains("level is") {
        true => format!("{message} The levels are {words}."),
        false => message,
    };
    read.map(drop).map_err(|rejection| BadSetting(advice(rejection)))
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        text: Vec<String>,
        #[command(flatten)]
        flags: EntryFlags,
    }

    fn entry(line: &str) -> Result<Value, String> {
        let Line { text, flags } = Line::try_parse_from(format!("publish {line}").split_whitespace())
            .map_err(|error| error.to_string())?;
        let text = if text.is_empty() { Text::None } else { Text::Given(text.join(" ")) };
        let json = flags.entry(text).map_err(|error| error.to_string())?;
        Ok(serde_json::from_str(&json).expect("JSON"))
    }

    #[test]
    fn flags_become_the_members_of_the_api() {
        let url = "https://a.example/7";
        for (line, expected) in [
            ("backup done", json!({"type": "notification", "text": "backup done"})),
            (
                "--title Disk --level warning --tag db-1,db-2 --tag x --key k --markdown full --link https://a.example/7",
                json!({"type": "notification", "text": "full", "title": "Disk", "level": "warning", "link": url,
                    "tags": ["db-1", "db-2", "x"], "key": "k", "markdown": true}),
            ),
            ("--title Done", json!({"type": "notification", "title": "Done"})),
            (
                "--value -1.5 --unit ms --key p99",
                json!({"type": "update", "value": -1.5, "unit": "ms", "key": "p99"}),
            ),
            (
                "--done 3 --total 10 --key import third",
                json!({"type": "progress", "key": "import", "done": 3.0, "total": 10.0, "text": "third"}),
            ),
            (
                "--done 3 --key import --state failed",
                json!({"type": "progress", "key": "import", "done": 3.0, "state": "failed"}),
            ),
        ] {
            assert_eq!(entry(line), Ok(expected), "{line}");
        }
    }

    #[test]
    fn what_the_server_would_refuse_is_refused_before_it_is_sent() {
        for (line, part) in [
            ("--level loud x", "info, success"),
            ("--link ftp://a x", "http or https"),
            ("--value 1 x", "cannot be used"),
            ("--unit ms x", "--value"),
            ("--done 3", "--key"),
            ("--done 3 --key k --state dancing", "state is running"),
            ("--state done --key k x", "--done"),
            ("--done 3 --total 2 --key k", "done counts from 0"),
            ("--value NaN", "needs the member value"),
        ] {
            let said = entry(line).expect_err(line);
            assert!(said.contains(part), "{line}: {said}");
        }
    }
}
