//! Content negotiation by `Accept-Encoding` (RFC 9110, 12.5.3), for files that are stored in several encodings;
//! `assets` calls it. A middleware layer compresses the responses that are made per request.

use axum::http::{HeaderMap, header};

/// A coding's weight, in thousandths; 0: not acceptable.
type Quality = u16;

/// The codings that a client accepts.
#[derive(Debug, Default)]
pub(crate) struct Accepted {
    named: Vec<(String, Quality)>,
    others: Option<Quality>,
}

impl Accepted {
    /// Parses the headers. A member that is not understood is left out.
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let mut accepted = Self::default();
        let lines =
            headers.get_all(header::ACCEPT_ENCODING).into_iter().filter_map(|line| line.to_str().ok());
        for (name, quality) in lines.flat_map(|line| line.split(',')).filter_map(parse) {
            match name.as_str() {
                "*" => accepted.others = Some(quality),
                "x-gzip" => accepted.named.push(("gzip".into(), quality)),
                _ => accepted.named.push((name, quality)),
            }
        }
        accepted
    }

    /// Returns the weight of a coding; `None`: not acceptable. The plain form, `identity`, is acceptable unless it is
    /// ruled out.
    pub(crate) fn quality(&self, coding: &str) -> Option<Quality> {
        let is_plain = coding == "identity";
        let named = self.named.iter().find(|(name, _)| name == coding).map(|(_, quality)| *quality);
        // Unnamed, the plain form is the last choice, as it is for browsers, which do not name it.
        let unnamed =
            if is_plain { self.others.map_or(Some(1), |others| Some(others.min(1))) } else { self.others };
        named.or(unnamed).filter(|quality| *quality > 0)
    }
}

/// Parses a member such as `gzip;q=0.5`.
fn parse(member: &str) -> Option<(String, Quality)> {
    let mut parts = member.split(';').map(str::trim);
    let name = parts.next().filter(|name| !name.is_empty())?.to_ascii_lowercase();
    let mut quality = 1_000;
    for part in parts {
        let (key, value) = part.split_once('=')?;
        if key.trim().eq_ignore_ascii_case("q") {
            let share: f32 = value.trim().parse().ok().filter(|share| (0.0..=1.0).contains(share))?;
            // Rounded up, because the smallest weight is still more than none.
            quality = (share * 1_000.0).ceil() as Quality;
        }
    }
    Some((name, quality))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The coding that these header lines select of `br`, `gzip` and `identity`; of equal ones the first.
    fn choice(lines: &[&str]) -> Option<&'static str> {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(header::ACCEPT_ENCODING, line.parse().expect("a header"));
        }
        let accepted = Accepted::of(&headers);
        let forms = ["br", "gzip", "identity"].into_iter().rev();
        let wanted = forms.filter_map(|form| Some((accepted.quality(form)?, form)));
        wanted.max_by_key(|(quality, _)| *quality).map(|(_, form)| form)
    }

    #[test]
    fn the_client_says_what_it_takes() {
        for (line, expected) in [
            ("br, gzip", Some("br")),
            ("gzip, deflate, br, zstd", Some("br")),
            ("GZIP", Some("gzip")),
            ("x-gzip", Some("gzip")),
            ("br;q=0, gzip", Some("gzip")),
            ("br;q=0.0, gzip;q=0", Some("identity")),
            ("br;Q=0.2, gzip;q=0.9", Some("gzip")),
            ("gzip; q=0.001", Some("gzip")),
            ("identity, br;q=0.5", Some("identity")),
            ("*", Some("br")),
            ("*;q=0", None),
            ("*;q=0, gzip", Some("gzip")),
            ("identity;q=0", None),
            ("identity;q=0, *", Some("br")),
            ("identity;q=0, br;q=0, *", Some("gzip")),
            ("identity;q=0, gzip;q=0.1", Some("gzip")),
            ("deflate", Some("identity")),
            ("", Some("identity")),
            ("br;q=nonsense", Some("identity")),
            ("brr, gzipped", Some("identity")),
        ] {
            assert_eq!(choice(&[line]), expected, "{line}");
        }
        assert_eq!(choice(&[]), Some("identity"));
        assert_eq!(choice(&["br;q=0", "gzip"]), Some("gzip"), "lines are one list");
    }
}
