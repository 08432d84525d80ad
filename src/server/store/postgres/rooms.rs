//! Creates and removes rooms, for the store. The list of rooms is read in `read`.

use deadpool_postgres::Client;

use super::{append::ensure_topic, files, signed};
use crate::{
    protocol::{chat::Room, name::RoomId},
    server::store::{RoomCreation, StoreError, TopicName},
};

/// Creates a room and its topic, unless the room exists or there are `limit` rooms.
pub(super) async fn create(client: &Client, room: &Room, limit: usize) -> Result<RoomCreation, StoreError> {
    client.batch_execute("BEGIN ISOLATION LEVEL READ COMMITTED").await?;
    // The rooms are counted, so only one transaction at a time may create one. This lock does not block readers.
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

/// Takes a room from the list, and its files. Its topic stays.
pub(super) async fn remove(client: &Client, room: &RoomId) -> Result<(), StoreError> {
    files::remove_of_topic(client, &TopicName::Room(room.clone()).to_string()).await?;
    client.execute("DELETE FROM rooms WHERE id = $1", &[&room.as_str()]).await?;
    Ok(())
}
