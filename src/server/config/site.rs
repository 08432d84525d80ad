//! The addresses under which users reach this server, and the origins whose pages may use it, as the settings say. The
//! HTTP layer and the start of the server ask. It reads no request and answers none.

use std::{
    net::{IpAddr, SocketAddr},
    str::FromStr,
};

use url::{Host, Url};

use super::BadSetting;

/// A scheme, a host and a port, as browsers write them (RFC 6454, section 6.2): `https://idobata.example`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    text: String,
    host: Host,
    is_secure: bool,
    has_usual_port: bool,
}

impl Origin {
    /// Returns true if it leads to the machine on which it is opened.
    pub fn is_local(&self) -> bool {
        match &self.host {
            Host::Domain(name) => name == "localhost",
            Host::Ipv4(address) => address.is_loopback(),
            Host::Ipv6(address) => is_loopback((*address).into()),
        }
    }

    /// The origin as a header has it.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl FromStr for Origin {
    type Err = String;

    /// Parses a setting. A host name in any script becomes what browsers make of it.
    fn from_str(text: &str) -> Result<Self, String> {
        let fault = || {
            format!(
                "{text:?} is not a site's address: write http:// or https://, a host and, where it is not the usual \
                 one, a port, without a path, such as https://idobata.example"
            )
        };
        let url = Url::parse(text).map_err(|_| fault())?;
        let is_web = matches!(url.scheme(), "http" | "https");
        let is_bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
        let has_user = !url.username().is_empty() || url.password().is_some();
        let host = url.host().filter(|_| is_web && is_bare && !has_user).ok_or_else(fault)?.to_owned();
        let is_secure = url.scheme() == "https";
        let has_usual_port = url.port().is_none(); // the scheme's own is left out
        Ok(Self { text: url.origin().ascii_serialization(), host, is_secure, has_usual_port })
    }
}

/// Parses `--public-url`. An address with a path gets an error text of its own: people try it.
pub fn public_url(text: &str) -> Result<Origin, String> {
    let url = Url::parse(text).ok().filter(|url| url.has_host() && url.path() != "/");
    match url.as_ref().and_then(Url::host_str) {
        Some(host) => Err(format!(
            "{text:?} has a path, and Idobata cannot be put below a path of a site: its pages, cookies and connections \
             begin at /, and every other page of that site could act for its visitors. Give it a host name of its own, \
             such as {}://chat.{host}, and let the proxy pass that on",
            url.as_ref().map_or("https", Url::scheme)
        )),
        None => text.parse(),
    }
}

/// This server's own addresses and the origins that it allows.
#[derive(Clone, Debug)]
pub struct Site {
    public_url: Option<Origin>,
    allowed: Vec<Origin>,
    listens_on_loopback: bool,
    installation: Option<String>,
}

impl Site {
    /// The site of a server that listens on `listen`, with the settings `--public-url` and `--allow-origin`.
    pub fn new(listen: SocketAddr, public_url: Option<Origin>, allowed: Vec<Origin>) -> Self {
        Self { public_url, allowed, listens_on_loopback: is_loopback(listen.ip()), installation: None }
    }

    /// The same site with a word that no other installation has, for the names of its cookies.
    pub fn of_installation(self, word: String) -> Self {
        Self { installation: Some(word), ..self }
    }

    /// The word that keeps the cookies apart from those of other installations on the same host: cookies know no ports
    /// (RFC 6265, 8.5). `None`: the host is this site's alone, as far as the settings say.
    pub fn installation(&self) -> Option<&str> {
        let has_own_host = self.public_url.as_ref().is_some_and(|url| url.has_usual_port);
        self.installation.as_deref().filter(|_| !has_own_host)
    }

    /// Returns true if users reach this server by TLS, which ends at a proxy in front of it.
    pub fn is_secure(&self) -> bool {
        self.public_url.as_ref().is_some_and(|origin| origin.is_secure)
    }

    /// Returns true if pages of this origin are this server's by `--public-url`. Those of the request's own host are
    /// too.
    pub fn owns(&self, origin: &str) -> bool {
        self.public_url.as_ref().is_some_and(|own| own.text == origin)
    }

    /// Returns true if pages of this other origin may use this server.
    pub fn allows(&self, origin: &str) -> bool {
        self.allowed.iter().any(|allowed| allowed.text == origin)
    }

    /// The other origins whose pages may use this server.
    pub fn allowed(&self) -> &[Origin] {
        &self.allowed
    }

    /// The address under which people reach this server, if a setting tells it.
    pub fn public_url(&self) -> Option<&Origin> {
        self.public_url.as_ref()
    }

    /// Returns true if this is the host of `--public-url`, with or without a port: then a proxy in front of us passed
    /// it on.
    pub fn is_public_host(&self, authority: &str) -> bool {
        let host = authority.rsplit_once(':').map_or(authority, |(host, _)| host);
        let own = self.public_url.as_ref().map(|own| &own.host);
        match (own, Host::parse(host)) {
            (Some(Host::Domain(own)), Ok(Host::Domain(name))) => *own == name && name != "localhost",
            _ => false,
        }
    }

    /// Returns true if the origin of a page that was requested from this host is the site's: an app that is installed, or a
    /// worker that is registered, belongs to one origin. Without `--public-url` every name is as good as another.
    pub fn is_own_host(&self, authority: &str) -> bool {
        let Some(own) = &self.public_url else { return true };
        let url = format!("{}://{authority}", if own.is_secure { "https" } else { "http" });
        url.parse::<Origin>().is_ok_and(|origin| origin.text == own.text)
    }

    /// Returns true if a request for this host, without its port, may be meant for us. Another site can point its own
    /// name at this machine (DNS rebinding), and browsers then take its pages and ours for one site; IP addresses and
    /// `localhost` (RFC 6761, section 6.3) cannot be pointed elsewhere. A server that others reach by a name that no
    /// setting tells cannot know the name, and accepts all.
    pub fn answers_to(&self, host: &str) -> bool {
        if self.public_url.is_none() && !self.listens_on_loopback {
            return true;
        }
        match Host::parse(host) {
            Ok(Host::Domain(name)) => {
                let name = name.trim_end_matches('.');
                let is_local = name == "localhost" || name.ends_with(".localhost");
                is_local || self.public_url.as_ref().is_some_and(|own| own.host == Host::Domain(name))
            }
            Ok(Host::Ipv4(_) | Host::Ipv6(_)) => true,
            Err(_) => false,
        }
    }
}

/// Returns true if only this machine reaches the address.
pub fn is_loopback(address: IpAddr) -> bool {
    address.to_canonical().is_loopback()
}

/// Rejects an address that other machines can reach while guests may come in, unless that is meant
/// (`--open-to-guests`).
///
/// # Errors
/// The text names both fixes.
pub fn check_exposure(
    listen: SocketAddr,
    guests_come_in: bool,
    is_open_to_guests: bool,
) -> Result<(), BadSetting> {
    if is_loopback(listen.ip()) || !guests_come_in || is_open_to_guests {
        return Ok(());
    }
    Err(BadSetting(format!(
        "other machines can reach {listen}, and anyone there can enter as a guest, read everything and post. If that is \
         intended, add --open-to-guests; if not, listen for this machine only: --listen 127.0.0.1:{}",
        listen.port()
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn site(listen: &str, public_url: Option<&str>) -> Site {
        let public_url = public_url.map(|url| url.parse().expect("a site's address"));
        Site::new(listen.parse().expect("an address"), public_url, Vec::new())
    }

    #[test]
    fn an_origin_is_written_as_browsers_write_it() {
        for (typed, origin) in [
            ("https://Idobata.Example", "https://idobata.example"),
            ("https://idobata.example:443/", "https://idobata.example"),
            ("http://idobata.example:8080", "http://idobata.example:8080"),
            ("http://[::1]:3000", "http://[::1]:3000"),
            ("https://井戸端.example", "https://xn--elqq29bl6r.example"),
        ] {
            assert_eq!(typed.parse::<Origin>().expect(typed).as_str(), origin);
        }
    }

    #[test]
    fn what_is_not_a_sites_address_is_rejected_with_the_form() {
        for typed in [
            "",
            "*",
            "null",
            "idobata.example",
            "ftp://idobata.example",
            "https://",
            "https://idobata.example/chat",
            "https://idobata.example?x",
            "https://a:b@idobata.example",
        ] {
            assert!(typed.parse::<Origin>().expect_err(typed).contains("such as https://"), "{typed}");
        }
    }

    #[test]
    fn a_path_below_another_site_is_rejected_with_what_to_do() {
        let rejected = public_url("https://example.org/chat").expect_err("a path");
        assert!(rejected.contains("host name of its own, such as https://chat.example.org"), "{rejected}");
        for typed in ["https://example.org", "https://example.org/"] {
            assert_eq!(public_url(typed).expect("no path").as_str(), "https://example.org");
        }
        assert!(public_url("example.org").expect_err("no scheme").contains("such as https://"));
    }

    #[test]
    fn cookies_are_named_after_the_installation_unless_the_host_is_its_own() {
        for (public_url, word) in [
            (None, Some("a1b2")),
            (Some("http://localhost:3000"), Some("a1b2")),
            (Some("https://idobata.example:8443"), Some("a1b2")),
            (Some("https://idobata.example"), None),
            (Some("https://idobata.example:443"), None),
            (Some("http://idobata.example"), None),
        ] {
            let site = site("127.0.0.1:3000", public_url).of_installation("a1b2".into());
            assert_eq!(site.installation(), word, "{public_url:?}");
        }
        assert_eq!(site("127.0.0.1:3000", None).installation(), None);
    }

    #[test]
    fn an_app_is_installed_for_the_public_address_alone() {
        let site = site("127.0.0.1:3000", Some("https://idobata.example"));
        for host in ["idobata.example", "IDOBATA.example", "idobata.example:443"] {
            assert!(site.is_own_host(host), "{host}");
        }
        for host in ["127.0.0.1:3000", "localhost", "idobata.example:8443", "a.idobata.example", ""] {
            assert!(!site.is_own_host(host), "{host}");
        }
        assert!(
            super::Site::new("127.0.0.1:3000".parse().expect("an address"), None, vec![])
                .is_own_host("localhost:3000")
        );
    }

    #[test]
    fn on_loopback_only_names_that_cannot_be_redirected_are_answered() {
        let site = site("127.0.0.1:3000", None);
        for host in ["127.0.0.1", "[::1]", "192.0.2.7", "localhost", "LocalHost", "localhost.", "a.localhost"]
        {
            assert!(site.answers_to(host), "{host}");
        }
        for host in ["evil.example", "localhost.evil.example", "notlocalhost", "", "idobata.example", "a b"] {
            assert!(!site.answers_to(host), "{host}");
        }
    }

    #[test]
    fn the_public_name_is_answered_wherever_the_server_listens() {
        for listen in ["127.0.0.1:3000", "0.0.0.0:3000"] {
            let site = site(listen, Some("https://idobata.example"));
            assert!(site.answers_to("idobata.example") && site.answers_to("IDOBATA.example."), "{listen}");
            assert!(!site.answers_to("evil.example") && !site.answers_to("idobata.example.evil.example"));
        }
        assert!(site("0.0.0.0:3000", None).answers_to("whatever.example"), "it cannot know its names");
    }

    #[test]
    fn guests_come_in_from_elsewhere_only_if_that_is_meant() {
        for (listen, guests_come_in, is_open, starts) in [
            ("127.0.0.1:3000", true, false, true),
            ("[::1]:3000", true, false, true),
            ("[::ffff:127.0.0.1]:3000", true, false, true),
            ("0.0.0.0:3000", true, false, false),
            ("[::]:3000", true, false, false),
            ("192.0.2.1:80", true, false, false),
            ("192.0.2.1:80", true, true, true),
            ("192.0.2.1:80", false, false, true),
        ] {
            let checked = check_exposure(listen.parse().expect("an address"), guests_come_in, is_open);
            assert_eq!(checked.is_ok(), starts, "{listen} {guests_come_in} {is_open}: {checked:?}");
        }
    }
}
