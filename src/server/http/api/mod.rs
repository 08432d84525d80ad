//! `/api`: JSON for programs, and the addresses for who runs the server. One resource a file; each handler reads the request,
//! calls the part of the server that decides, and writes the answer.

pub(crate) mod channels;
pub(crate) mod members;
pub(crate) mod operations;
pub(crate) mod publish;
pub(crate) mod publishers;
pub(crate) mod rooms;
pub(crate) mod session;
