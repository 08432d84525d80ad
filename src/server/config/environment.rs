//! The settings in the environment, before clap reads them: an empty variable counts as not set, and one that looks
//! like ours and is not is reported. `cli` is the caller. Values must never be shown: some are secret.

use std::{collections::BTreeSet, ffi::OsString};

use clap::Command;

/// The beginning of the names of our settings.
const PREFIX: &str = "IDOBATA_";
/// Variables of the scripts and tests of this repository.
const OTHERS: [&str; 4] = ["IDOBATA_CHAOS_SECONDS", "IDOBATA_CHAOS_SEED", "IDOBATA_RUST", "IDOBATA_TOOLS"];
/// The beginning of those by which `idobata follow --exec` tells a program of an event: it may call this one.
const EVENT: &str = "EVENT_";
/// Least likeness (Jaro-Winkler, from 0 to 1) of a name to the one that is suggested for it.
const ALIKE: f64 = 0.85;

/// The same command, which ignores a variable that is empty or nothing but white space. Files of settings and
/// containers can often only empty a variable, not unset it.
pub(crate) fn without_empty(command: Command) -> Command {
    command
        .mut_args(|argument| {
            let value = argument.get_env().and_then(std::env::var_os);
            let is_empty = value.is_some_and(|value| value.to_string_lossy().trim().is_empty());
            if is_empty { argument.env(None::<&'static str>) } else { argument }
        })
        .mut_subcommands(without_empty)
}

/// A warning about variables that look like settings and are none of this command; `None`: there are none.
pub(crate) fn complaint(
    command: &Command,
    variables: impl Iterator<Item = (OsString, OsString)>,
) -> Option<String> {
    let known = known(command);
    let named: Vec<String> = variables
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value)))
        .filter(|(name, _)| name.to_ascii_uppercase().starts_with(PREFIX))
        .filter(|(name, value)| !known.contains(name.as_str()) && !is_of_others(name, value))
        .map(|(name, _)| match meant(&name, &known) {
            Some(meant) => format!("{name} (did you mean {meant}?)"),
            None => name,
        })
        .collect();
    (!named.is_empty()).then(|| format!("unknown setting, ignored: {}. See --help", named.join(", ")))
}

fn known(command: &Command) -> BTreeSet<String> {
    let own = command.get_arguments().filter_map(|argument| argument.get_env());
    let own = own.map(|name| name.to_string_lossy().into_owned());
    own.chain(command.get_subcommands().flat_map(known)).collect()
}

/// Returns true if it is not meant for us: Kubernetes describes a service called "idobata" to its neighbours by such
/// names.
fn is_of_others(name: &str, value: &OsString) -> bool {
    let rest = &name[PREFIX.len()..];
    let is_service = rest.starts_with("SERVICE_") || rest.starts_with("PORT_");
    is_service
        || rest.starts_with(EVENT)
        || value.to_string_lossy().starts_with("tcp://")
        || OTHERS.contains(&name)
}

/// The setting that a misspelt name probably means.
fn meant<'a>(name: &str, known: &'a BTreeSet<String>) -> Option<&'a str> {
    let name = name.to_ascii_uppercase();
    // Some of our settings have names that other programs share.
    if let Some(shared) = known.get(&name[PREFIX.len()..]) {
        return Some(shared);
    }
    let alike = known.iter().map(|known| (strsim::jaro_winkler(&name[PREFIX.len()..], bare(known)), known));
    let (likeness, known) = alike.max_by(|(one, _), (other, _)| one.total_cmp(other))?;
    (likeness >= ALIKE).then_some(known)
}

fn bare(name: &str) -> &str {
    name.strip_prefix(PREFIX).unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;
    use crate::server::Cli;

    fn said(variables: &[(&str, &str)]) -> Option<String> {
        let variables = variables.iter().map(|(name, value)| (name.into(), value.into()));
        complaint(&Cli::command(), variables)
    }

    #[test]
    fn a_name_that_looks_like_ours_is_told_with_what_it_may_mean() {
        for (name, meant) in [
            ("IDOBATA_LISTENN", "IDOBATA_LISTEN"),
            ("idobata_listen", "IDOBATA_LISTEN"),
            ("IDOBATA_OPEN_TO_GUEST", "IDOBATA_OPEN_TO_GUESTS"),
            ("IDOBATA_DATABASE_URL", "DATABASE_URL"),
            ("IDOBATA_JWT_SECRET", "JWT_SECRET"),
            ("IDOBATA_FEED_ENTRYS", "IDOBATA_FEED_ENTRIES"),
        ] {
            let said = said(&[(name, "hidden")]).expect(name);
            assert!(said.contains(&format!("{name} (did you mean {meant}?)")), "{said}");
            assert!(!said.contains("hidden"), "values may be secret");
        }
        assert!(said(&[("IDOBATA_XYZZY", "")]).expect("unknown").contains("IDOBATA_XYZZY. See"));
    }

    #[test]
    fn names_that_are_ours_or_nobodys_business_are_not() {
        for (name, value) in [
            ("IDOBATA_LISTEN", "127.0.0.1:3000"),
            ("PATH", "/bin"),
            ("IDOBATA_SERVICE_HOST", "10.0.0.1"),
            ("IDOBATA_PORT", "tcp://10.0.0.1:3000"),
            ("IDOBATA_PORT_3000_TCP_ADDR", "10.0.0.1"),
            ("IDOBATA_TOOLS", "/tools"),
        ] {
            assert_eq!(said(&[(name, value)]), None, "{name}");
        }
    }
}
