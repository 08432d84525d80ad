//! The preview of a message: the HTML that its text would have. The API and the composer's form call it.

use super::Chat;
use crate::{
    protocol::{problem::Rejection, session::User, text::MessageText},
    server::markdown,
};

impl Chat {
    /// Renders a text that may be posted. The same rules hold as for a post, with an allowance of its own.
    pub async fn preview(&self, user: &User, text: &str) -> Result<String, Rejection> {
        let text = MessageText::parse(text)?;
        self.limits.preview(user).await?;
        Ok(markdown::preview(text.as_str()))
    }
}
