//! Other systems' protocols, as their programs speak them.

mod ntfy;
mod senders;
