//! One file a page.

#![allow(unreachable_pub, reason = "#[component] makes a pub struct of the properties of each")]

pub(super) mod feed;
pub(super) mod not_found;
pub(super) mod room;
