//! The settings of every command that talks to a server: flags, variables, and the configuration file, in this order.
//! A token must never get into a message, nor to a server that it does not belong to.

use std::{
    env,
    ffi::OsString,
    fs, io,
    path::{Path, PathBuf},
};

use clap::Args;
use serde::Deserialize;
use url::Url;

use super::tell;
use crate::server::{
    config::{BadSetting, site::Origin},
    store::private_file::is_open_to_others,
};

/// The address of a server without settings.
const DEFAULT_URL: &str = "http://127.0.0.1:3000";
/// The folder of this program within those of the XDG base directories.
const FOLDER: &str = "idobata";

/// The settings.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Server")]
pub(super) struct ServerSettings {
    /// Address of the server; without it that of the configuration file, or `http://127.0.0.1:3000`
    #[arg(long, env = "IDOBATA_URL", value_name = "URL")]
    url: Option<Origin>,

    /// Token to publish with (idp_…), or of the person who reads; others see the flags of a process, so prefer the
    /// variable or the file
    #[arg(long, env = "IDOBATA_TOKEN", hide_env_values = true, value_name = "TOKEN")]
    token: Option<String>,

    /// PEM file with the authorities whose certificate the server must have with https; default: the system's
    #[arg(long, env = "IDOBATA_CA", value_name = "FILE")]
    ca: Option<PathBuf>,

    /// Configuration file; default: `$XDG_CONFIG_HOME/idobata/config.toml` or
    /// `~/.config/idobata/config.toml`
    #[arg(long, env = "IDOBATA_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
}

/// A server to talk to.
#[derive(Clone)]
pub(super) struct Server {
    pub(super) url: Url,
    pub(super) token: Option<String>,
    pub(super) ca: Option<PathBuf>,
}

/// The configuration file.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    url: Option<String>,
    token: Option<String>,
    ca: Option<PathBuf>,
}

impl ServerSettings {
    /// The server that they name.
    ///
    /// # Errors
    /// The configuration file cannot be used.
    pub(super) fn server(self) -> anyhow::Result<Server> {
        let file = self.file()?;
        let of_file = file.url.as_deref().map(str::parse::<Origin>).transpose().map_err(BadSetting)?;
        let default = || DEFAULT_URL.parse().expect("an address");
        let url = self.url.or_else(|| of_file.clone()).unwrap_or_else(default);
        // The file's token is for the file's server: another one must not learn it.
        let belongs = of_file.is_none_or(|of_file| of_file == url);
        let token = self.token.or_else(|| file.token.filter(|_| belongs)).filter(|token| !token.is_empty());
        let token = token.map(|token| parse_token(&token)).transpose()?;
        let url = Url::parse(url.as_str()).expect("an origin is an address");
        Ok(Server { url, token, ca: self.ca.or(file.ca) })
    }

    fn file(&self) -> Result<File, BadSetting> {
        let Some(path) = self.config.clone().or_else(|| config_file(|name| env::var_os(name))) else {
            return Ok(File::default());
        };
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound && self.config.is_none() => {
                return Ok(File::default());
            }
            Err(error) => return Err(BadSetting(format!("{} cannot be read: {error}", path.display()))),
        };
        let file = parse(&path, &text)?;
        if file.token.is_some() && is_open_to_others(&path).unwrap_or_default() {
            tell(&format!("others can read the token in {0}: chmod 600 {0}", path.display()));
        }
        Ok(file)
    }
}

/// Parses a token. The error does not show it: it may be one with a line too much.
fn parse_token(text: &str) -> Result<String, BadSetting> {
    let token = text.trim();
    match token.is_empty() || token.chars().any(|c| !c.is_ascii_graphic()) {
        true => {
            Err(BadSetting("the token is none: a token is one word of letters, digits and signs".to_owned()))
        }
        false => Ok(token.to_owned()),
    }
}

/// Parses the file. The parser's own message would show the line, and the token may stand in it.
fn parse(path: &Path, text: &str) -> Result<File, BadSetting> {
    toml::from_str(text).map_err(|error| {
        let line = error.span().map(|span| text[..span.start].matches('\n').count() + 1).unwrap_or(1);
        let form = "it has the settings url, token and ca, such as url = \"https://idobata.example\"";
        BadSetting(format!("{}, line {line}, cannot be understood: {form}", path.display()))
    })
}

/// The default configuration file; `None` for somebody without a home.
fn config_file(variable: impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    Some(base_folder("XDG_CONFIG_HOME", ".config", variable)?.join("config.toml"))
}

/// The folder for what this user's commands keep; `None` for somebody without a home.
pub(super) fn state_folder() -> Option<PathBuf> {
    base_folder("XDG_STATE_HOME", ".local/state", |name| env::var_os(name))
}

/// One of our folders by the XDG Base Directory Specification: a relative path there is ignored.
fn base_folder(name: &str, default: &str, variable: impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    let named = variable(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let home = || Some(PathBuf::from(variable("HOME").filter(|home| !home.is_empty())?).join(default));
    Some(named.or_else(home)?.join(FOLDER))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(url: Option<&str>, token: Option<&str>, file: &str) -> (tempfile::TempDir, ServerSettings) {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("config.toml");
        fs::write(&path, file).expect("written");
        let url = url.map(|url| url.parse().expect("an address"));
        let settings = ServerSettings { url, token: token.map(str::to_owned), ca: None, config: Some(path) };
        (folder, settings)
    }

    #[test]
    fn a_flag_goes_before_the_file_and_the_file_before_the_default() {
        let file = "url = \"https://a.example\"\ntoken = \"idp_1\"\n";
        for (url, token, file, expected) in [
            (None, None, "", ("http://127.0.0.1:3000/", None)),
            (None, None, file, ("https://a.example/", Some("idp_1"))),
            (None, Some("idp_2"), file, ("https://a.example/", Some("idp_2"))),
            (Some("https://a.example"), None, file, ("https://a.example/", Some("idp_1"))),
            (None, None, "token = \"idp_3\"", ("http://127.0.0.1:3000/", Some("idp_3"))),
        ] {
            let (_folder, settings) = settings(url, token, file);
            let server = settings.server().expect("a server");
            assert_eq!((server.url.as_str(), server.token.as_deref()), expected, "{url:?} {token:?} {file}");
        }
    }

    #[test]
    fn what_is_no_token_is_refused_and_never_left_out() {
        for (token, expected) in [("", None), (" idp_1\n", Some("idp_1"))] {
            let (_folder, settings) = settings(None, Some(token), "");
            assert_eq!(settings.server().expect("a server").token.as_deref(), expected, "{token:?}");
        }
        for token in [" ", "idp_a\nidp_b", "idp a", "idp_\u{e9}", "\t\n"] {
            let (_folder, settings) = settings(None, Some(token), "");
            let Err(error) = settings.server() else { panic!("{token:?}") };
            assert!(!error.to_string().contains("idp"), "{error}");
        }
    }

    #[test]
    fn the_token_of_the_file_goes_to_no_other_server() {
        let file = "url = \"https://a.example\"\ntoken = \"idp_1\"\n";
        for other in ["https://b.example", "http://a.example", "https://a.example:8443"] {
            let (_folder, settings) = settings(Some(other), None, file);
            assert_eq!(settings.server().expect("a server").token, None, "{other}");
        }
    }

    #[test]
    fn a_file_that_cannot_be_understood_is_refused_without_its_secrets() {
        for file in ["token = idp_secret", "url = \"https://a.example\"\ntokn = \"idp_secret\""] {
            let (_folder, settings) = settings(None, None, file);
            let Err(error) = settings.server() else { panic!("{file}") };
            let said = error.to_string();
            assert!(said.contains("config.toml, line") && !said.contains("secret"), "{said}");
        }
    }

    #[test]
    fn folders_are_those_of_the_system() {
        let with = |name: &'static str, value: &'static str| {
            move |asked: &str| (asked == name).then(|| value.into())
        };
        let path = |variable: &dyn Fn(&str) -> Option<OsString>| config_file(variable);
        assert_eq!(path(&with("XDG_CONFIG_HOME", "/c")), Some("/c/idobata/config.toml".into()));
        assert_eq!(path(&with("XDG_CONFIG_HOME", "c")), None);
        assert_eq!(path(&with("HOME", "/h")), Some("/h/.config/idobata/config.toml".into()));
    }
}
