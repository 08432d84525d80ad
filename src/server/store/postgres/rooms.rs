//! Making rooms.

use deadpool_postgres::Client;

use super::{append::ensure_topic, signed};
use crate::{
    protocol::chat::Room,
    server::store::{RoomCreation, StoreError, TopicName},
};

/// See [`crate::server::store::Store::create_room`].
pub(super) async fn create(client: &Client, room: &Room, limit: usize) -> Result<RoomCreation, StoreError> {
    client.batch_execute("BEGIN ISOLATION LEVEL READ COMMITTED").await?;
    // They are counted, so one is made at a time. Who reads them does not wait.
    client.batch_execute("LOCK TABLE rooms IN SHARE ROW EXCLUSIVE MODE").await?;
    let select =
        "SELECT EXISTS (SELECT 1 FROM rooms WHERE id = $1), (SELECT count(*) FROM rooms) >= $2::bigint";
    let row = client.query_one(select, &[&room.id.as_str(), &signed(limit as u64)]).await?;
    let creation = match (row.get(0), row.get(1)) {
        (true, _) => RoomCreation::Exists,
        (false, true) => RoomCreation::Full,
        (false, false) => {
            let insert = "INSERT INTO rooms (id, name) VALUES ($1, $2)";
            client.execute(insert, &[&room.id.as_str(), &room.name]).await?;
            ensure_topic(client, &TopicName::Room(room.id.clone()).to_string()).await?;
            RoomCreation::Created
        }
    };
    client.batch_execute("COMMIT").await?;
    Ok(creation)
}
