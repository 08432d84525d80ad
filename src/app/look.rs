//! The look that a person chose on a device: theme, density, and whether people and feed are beside the conversation. The
//! server reads the choices from cookies and writes them to `<html data-theme data-density data-aside>`, so that the first
//! paint is right and JavaScript is not needed.

/// Something that is chosen on a device and kept in a cookie.
pub trait Choice: Copy + Default + PartialEq + Sized + 'static {
    /// The cookie that stores the choice.
    const COOKIE: &'static str;
    /// Every choice, in the order of the switch on the page.
    const ALL: &'static [Self];

    /// The name in an address, a cookie and the document.
    fn as_str(self) -> &'static str;

    /// Parses a name in an address, a cookie or the document.
    fn parse(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|choice| choice.as_str() == name)
    }
}

/// The colours of the pages.
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

impl Choice for Theme {
    const COOKIE: &'static str = "idobata_theme";
    const ALL: &'static [Self] = &[Self::Auto, Self::Light, Self::Dark];

    fn as_str(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }
}

/// The space between rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Density {
    /// Room to breathe.
    #[default]
    Comfortable,
    /// More rows on the screen.
    Compact,
}

impl Choice for Density {
    const COOKIE: &'static str = "idobata_density";
    const ALL: &'static [Self] = &[Self::Comfortable, Self::Compact];

    fn as_str(self) -> &'static str {
        match self {
            Self::Comfortable => "comfortable",
            Self::Compact => "compact",
        }
    }
}

/// People and feed beside the conversation of a wide screen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Aside {
    /// They are there.
    #[default]
    Shown,
    /// They are reached by a button, as on a narrow screen.
    Hidden,
}

impl Choice for Aside {
    const COOKIE: &'static str = "idobata_aside";
    const ALL: &'static [Self] = &[Self::Shown, Self::Hidden];

    fn as_str(self) -> &'static str {
        match self {
            Self::Shown => "shown",
            Self::Hidden => "hidden",
        }
    }
}

/// The choices, in the context.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Look {
    /// The colours.
    pub theme: Theme,
    /// The space between rows.
    pub density: Density,
    /// People and feed beside the conversation. Only the document and its style know it.
    pub aside: Aside,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_choice_is_found_by_its_name_and_by_no_other() {
        for &theme in Theme::ALL {
            assert_eq!(Theme::parse(theme.as_str()), Some(theme));
        }
        assert_eq!(Density::parse("compact"), Some(Density::Compact));
        assert_eq!((Density::parse("Compact"), Theme::parse("compact")), (None, None));
    }
}
