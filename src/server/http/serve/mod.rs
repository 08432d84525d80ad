//! TCP connections below HTTP: accepting them, their deadlines, closing them so that the last response arrives, and
//! handing them over to an upgrade. `server` runs it around the router.

pub(crate) mod accept;
pub(crate) mod head_deadline;
pub(crate) mod lingering_close;
pub(crate) mod upgrade;
pub(crate) mod write_deadline;
