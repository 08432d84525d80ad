//! The files that make the site an app to install: the manifest, the icons and the service worker. `router` mounts them.
//!
//! They belong to nobody: they are the same for everybody who asks in the same language, and must never tell anything of a
//! user.

pub(crate) mod icons;
pub(crate) mod manifest;
pub(crate) mod service_worker;
