//! The theme of the pages: that of the device, or the one that a person chose on it. The server reads the choice from a
//! cookie and writes it to `<html data-theme>`, so that the first paint is right and JavaScript is not needed.

/// A theme.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Theme {
    /// As the device is set.
    #[default]
    Auto,
    /// Light.
    Light,
    /// Dark.
    Dark,
}

impl Theme {
    /// The cookie that stores the choice.
    pub const COOKIE: &'static str = "idobata_theme";
    /// Every theme, in the order of the switch on the page.
    pub const ALL: [Self; 3] = [Self::Auto, Self::Light, Self::Dark];

    /// Parses a theme's name in an address, a cookie or the document.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|theme| theme.as_str() == name)
    }

    /// The name in an address, a cookie and the document.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }
}
