//! Communication of nodes that share one database: their messages (`backplane`), the handlers of those (`dispatcher`),
//! the replication of rights and sessions (`directory_replica`), and the work that one of them does (`lease`). `state` sets
//! it up; topics, presence, rights and rate limits use it.
//!
//! Messages between nodes are hints; the store is the truth. The backplane never sees the store.

pub mod backplane;
pub mod directory_replica;
pub(crate) mod dispatcher;
pub mod lease;
