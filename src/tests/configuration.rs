//! docs/configuration.md beside the settings that clap knows: nothing is missing, nothing is stale.

use std::collections::BTreeMap;

use clap::CommandFactory;
use idobata::server::Config;

/// A setting: its environment variable and its default, each empty where there is none.
type Settings = BTreeMap<String, (String, String)>;

#[test]
fn every_setting_is_documented_with_its_variable_and_its_default() {
    let documented = documented(include_str!("../../docs/configuration.md"));
    let known = known();
    assert!(known.len() > 40, "the settings are not where they were");
    let missing: Vec<_> = known.keys().filter(|flag| !documented.contains_key(*flag)).collect();
    let stale: Vec<_> = documented.keys().filter(|flag| !known.contains_key(*flag)).collect();
    assert!(missing.is_empty() && stale.is_empty(), "missing: {missing:?}, stale: {stale:?}");
    for (flag, expected) in &known {
        assert_eq!(&documented[flag], expected, "variable and default of {flag}");
    }
}

fn known() -> Settings {
    let command = Config::command();
    let settings = command.get_arguments().filter_map(|argument| {
        let variable = argument.get_env().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let defaults = argument.get_default_values().iter().map(|value| value.to_string_lossy());
        let default = match argument.get_action().takes_values() {
            true => defaults.collect::<Vec<_>>().join(","),
            false => String::new(),
        };
        Some((format!("--{}", argument.get_long()?), (variable, default)))
    });
    settings.filter(|(flag, _)| flag != "--help" && flag != "--version").collect()
}

/// The rows of the tables whose first cell is a flag: flag, variable, default.
fn documented(text: &str) -> Settings {
    let mut settings = Settings::new();
    for row in text.lines().filter(|line| line.starts_with("| `--")) {
        let cells: Vec<_> = row.split('|').map(|cell| cell.trim().trim_matches('`')).collect();
        let cell = |index: usize| cells.get(index).filter(|cell| **cell != "–").copied().unwrap_or_default();
        let repeated = settings.insert(cell(1).to_owned(), (cell(2).to_owned(), cell(3).to_owned()));
        assert!(repeated.is_none(), "{} is documented twice", cell(1));
    }
    settings
}
