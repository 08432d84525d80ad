//! Nodes that share one database: what they tell each other (`backplane`), who gets it (`dispatcher`), and the copy of
//! accounts and rights that each of them keeps (`directory_replica`).
//!
//! Messages between nodes are hints; the store is the truth. The backplane never sees the store.

pub mod backplane;
pub mod directory_replica;
pub(crate) mod dispatcher;
