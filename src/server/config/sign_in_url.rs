//! The setting `--jwt-sign-in-url`: the address at which another system signs users in. `auth::issuer` builds links by
//! it.

use std::str::FromStr;

use url::{Url, form_urlencoded};

/// The placeholder of the address to come back to.
const BACK: &str = "{back}";

/// An address with http or https, perhaps with [`BACK`] in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignInUrl(String);

impl SignInUrl {
    /// The address from which users come back to `back`, which is encoded so that it is one value of a query.
    pub fn with_back(&self, back: &str) -> String {
        self.0.replace(BACK, &form_urlencoded::byte_serialize(back.as_bytes()).collect::<String>())
    }
}

impl FromStr for SignInUrl {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        // Checked as it will be sent: a header has ASCII only, and the URL parser would encode the rest.
        let sample = Url::parse(&text.replace(BACK, "back"));
        let is_fine = sample.is_ok_and(|url| matches!(url.scheme(), "http" | "https")) && text.is_ascii();
        if is_fine && !text.contains(|c: char| c.is_ascii_control() || c == ' ') {
            return Ok(Self(text.to_owned()));
        }
        Err(format!("{text:?} is no such address: write one like https://sso.example/login?back={BACK}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_to_come_back_to_is_one_value_of_the_query() {
        let url: SignInUrl = "https://sso.example/login?to={back}&app=1".parse().expect("fine");
        assert_eq!(
            url.with_back("http://localhost/rooms/a b&c"),
            "https://sso.example/login?to=http%3A%2F%2Flocalhost%2Frooms%2Fa+b%26c&app=1"
        );
        let plain: SignInUrl = "https://sso.example/login".parse().expect("fine");
        assert_eq!(plain.with_back("/"), "https://sso.example/login");
    }

    #[test]
    fn an_address_that_leads_nowhere_is_rejected() {
        for text in
            ["", "sso.example", "javascript:alert(1)", "ftp://sso.example", "https://a b", "https://a/\r\nx"]
        {
            text.parse::<SignInUrl>().expect_err(text);
        }
    }
}
