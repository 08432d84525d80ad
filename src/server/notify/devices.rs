//! The devices of people that get pushes, and people's settings of notifications, in the document store. The routes and
//! pages change them by [`Notifier`]; `consumer` reads them.
//!
//! A device of an account belongs to the session in which it was registered, and its document has that session's id: it ends
//! with it. An address at a push service belongs to one person at a time: a browser in which somebody else signs in gets
//! nothing more for the one before.

use base64::{
    Engine,
    prelude::{BASE64_URL_SAFE, BASE64_URL_SAFE_NO_PAD},
};
use serde::{Deserialize, Serialize};

use super::{
    Notifier,
    encryption::{POINT_BYTES, SECRET_BYTES, encrypt},
    quiet::QuietHours,
};
use crate::{
    app::i18n::Language,
    protocol::problem::{Code, Rejection},
    server::{
        auth::{self, Identity},
        error::Error,
        outgoing::endpoint::Endpoint,
        store::{
            StoreError,
            directory::{Kind, Mutation, Precondition, id_prefix_of},
        },
    },
};

/// Longest `User-Agent` that is stored, in characters, as with sessions.
const AGENT_MAX_CHARACTERS: usize = 200;

/// Hexadecimal digits of the hash of an endpoint: half of it is enough to tell two apart.
const HASH_DIGITS: usize = 32;

/// A subscription as a browser makes it (Push API, `PushSubscription.toJSON`).
#[derive(Clone, Debug)]
pub struct NewDevice {
    /// The address at the push service.
    pub endpoint: String,
    /// The browser's public key, an uncompressed point of P-256 in base64url.
    pub p256dh: String,
    /// The browser's secret, 16 bytes in base64url.
    pub auth: String,
    /// The language of its pushes.
    pub language: Language,
    /// The address whose place it takes, which has to be known: the browser renews a subscription by itself.
    pub replaces: Option<String>,
}

/// A device, as it is stored.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Device {
    /// The id of the person.
    pub user_id: String,
    /// The session of their account, if they have one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<String>,
    endpoint: String,
    p256dh: String,
    auth: String,
    /// The language of its pushes.
    pub language: String,
    /// The browser's name for itself (`User-Agent`).
    pub agent: String,
    /// The time at which it was registered, in milliseconds since the Unix epoch.
    pub since: i64,
}

impl Device {
    /// The hash of its address, by which a browser knows its own.
    pub fn hash(&self) -> String {
        hash_of(&self.endpoint)
    }

    /// The host of its push service.
    pub fn service(&self) -> String {
        let url = url::Url::parse(&self.endpoint).ok();
        url.and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_default()
    }

    pub(super) fn endpoint(&self) -> &str {
        &self.endpoint
    }

    pub(super) fn language(&self) -> Language {
        Language::parse(&self.language).unwrap_or(Language::En)
    }

    /// Encrypts JSON for it.
    pub(super) fn encrypt(&self, json: &[u8]) -> Option<Vec<u8>> {
        encrypt(&bytes_of(&self.p256dh)?, &bytes_of(&self.auth)?, json)
    }
}

/// A person's settings of notifications.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NotificationSettings {
    /// The id of the person.
    #[serde(default)]
    pub(super) user_id: String,
    /// The hours without pushes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quiet: Option<QuietHours>,
    /// Every message is pushed of the rooms whose level is "all" and which they have opened, and not mentions only.
    #[serde(default)]
    pub every_message: bool,
}

impl NotificationSettings {
    /// Settings for [`Notifier::set`].
    pub fn new(quiet: Option<QuietHours>, every_message: bool) -> Self {
        Self { user_id: String::new(), quiet, every_message }
    }
}

impl Notifier {
    /// Registers a device of the user. Returns its id.
    pub async fn register(&self, who: &Identity, new: NewDevice, agent: &str) -> Result<String, Error> {
        self.check_on()?;
        let endpoint = Endpoint::parse(&new.endpoint, self.client.inner())?;
        let device = Device {
            user_id: who.user.id.clone(),
            session: who.session.clone(),
            p256dh: checked(&new.p256dh, POINT_BYTES, "keys.p256dh")?,
            auth: checked(&new.auth, SECRET_BYTES, "keys.auth")?,
            endpoint: new.endpoint,
            language: new.language.as_str().to_owned(),
            agent: agent.chars().take(AGENT_MAX_CHARACTERS).collect(),
            since: self.clock.wall_ms(),
        };
        if device.encrypt(b"").is_none() {
            return Err(bad("keys.p256dh is no point of the curve P-256.").into());
        }
        if let Err(error) = endpoint.addresses(self.client.inner()).await {
            tracing::info!(user = who.user.id, host = endpoint.host(), %error, "rejected a push service");
            return Err(bad("The endpoint's host cannot be called by this server.").into());
        }
        self.store_device(device, new.replaces).await
    }

    async fn store_device(&self, device: Device, replaces: Option<String>) -> Result<String, Error> {
        let prefix = id_prefix_of(&device.user_id);
        let hash = device.hash();
        let id = device.session.clone().unwrap_or_else(|| hash.clone());
        let key = format!("{prefix}{id}");
        let mut gone: Vec<String> =
            self.documents.read(Kind::PushEndpoint, &hash).await?.into_iter().collect();
        if let Some(replaced) = replaces {
            let known = self.key_of(&prefix, &replaced).await?;
            gone.push(known.ok_or_else(|| {
                Rejection::new(Code::NotFound, "The subscription that this one replaces is not known.")
            })?);
        }
        let mut others = self.devices(&device.user_id).await?;
        others.retain(|(other, _)| *other != id && !gone.contains(&format!("{prefix}{other}")));
        others.sort_by_key(|(_, device)| -device.since);
        let surplus = others.into_iter().skip(self.settings.push_devices - 1);
        gone.extend(surplus.map(|(id, _)| format!("{prefix}{id}")));
        gone.retain(|gone| *gone != key);
        let mut mutations: Vec<_> = gone
            .into_iter()
            .map(|gone| Mutation::remove(Kind::PushSubscription, gone, Precondition::Anything))
            .collect();
        mutations.push(Mutation::put(Kind::PushEndpoint, hash, Precondition::Anything, &key));
        mutations.push(Mutation::put(Kind::PushSubscription, key, Precondition::Anything, &device));
        self.documents.grant(mutations).await?;
        Ok(id)
    }

    /// The key of the device with this address, if it is one of the person's whose keys begin with `prefix`.
    async fn key_of(&self, prefix: &str, endpoint: &str) -> Result<Option<String>, StoreError> {
        let key = self.documents.read::<String>(Kind::PushEndpoint, &hash_of(endpoint)).await?;
        let Some(key) = key.filter(|key| key.starts_with(prefix)) else { return Ok(None) };
        let device = self.documents.read::<Device>(Kind::PushSubscription, &key).await?;
        Ok(device.filter(|device| device.endpoint == endpoint).map(|_| key))
    }

    /// The devices of a user, with their ids.
    pub async fn devices(&self, user_id: &str) -> Result<Vec<(String, Device)>, StoreError> {
        let prefix = id_prefix_of(user_id);
        let found = self.documents.read_all::<Device>(Kind::PushSubscription, &prefix).await?.into_iter();
        Ok(found.map(|(id, device)| (id[prefix.len()..].to_owned(), device)).collect())
    }

    /// Removes a device of the user.
    pub async fn remove(&self, user_id: &str, id: &str) -> Result<(), StoreError> {
        let key = format!("{}{id}", id_prefix_of(user_id));
        let found = self.documents.read::<Device>(Kind::PushSubscription, &key).await?;
        let Some(device) = found else { return Ok(()) };
        self.remove_device(&key, &device).await
    }

    /// Removes a device unless its document has changed: it may have been registered again.
    pub(super) async fn remove_device(&self, key: &str, device: &Device) -> Result<(), StoreError> {
        let is_same = Precondition::Is(serde_json::to_string(device).expect("plain data is serialized"));
        let hash = device.hash();
        let owner = self.documents.read::<String>(Kind::PushEndpoint, &hash).await?;
        let mut mutations = vec![Mutation::remove(Kind::PushSubscription, key, is_same)];
        if owner.is_some_and(|owner| owner == key) {
            mutations.push(Mutation::remove(Kind::PushEndpoint, hash, Precondition::Anything));
        }
        self.documents.grant(mutations).await?;
        Ok(())
    }

    /// The settings of a user.
    pub async fn settings_of(&self, user_id: &str) -> Result<NotificationSettings, StoreError> {
        let found = self.documents.read(Kind::PushSettings, &id_prefix_of(user_id)).await?;
        Ok(found.unwrap_or_default())
    }

    /// Changes the settings of a user.
    pub async fn set(&self, who: &Identity, settings: NotificationSettings) -> Result<(), Error> {
        let id = id_prefix_of(&who.user.id);
        let settings = NotificationSettings { user_id: who.user.id.clone(), ..settings };
        let is_default = settings.quiet.is_none() && !settings.every_message;
        let mutation = match is_default {
            true => Mutation::remove(Kind::PushSettings, id, Precondition::Anything),
            false => Mutation::put(Kind::PushSettings, id, Precondition::Anything, &settings),
        };
        self.documents.grant(vec![mutation]).await?;
        self.chat.push_queue().forget_settings();
        Ok(())
    }

    /// The people who want to hear of every message.
    pub(super) async fn who_wants_all(&self) -> Result<Vec<String>, StoreError> {
        let settings = self.documents.read_all::<NotificationSettings>(Kind::PushSettings, "").await?;
        let settings = settings.into_iter().map(|(_, settings)| settings);
        Ok(settings.filter(|settings| settings.every_message).map(|settings| settings.user_id).collect())
    }
}

fn hash_of(endpoint: &str) -> String {
    auth::hash(endpoint)[..HASH_DIGITS].to_owned()
}

/// Checks the length of a key.
fn checked(text: &str, bytes: usize, name: &str) -> Result<String, Rejection> {
    let fits = bytes_of(text).is_some_and(|key| key.len() == bytes);
    fits.then(|| text.to_owned()).ok_or_else(|| bad(&format!("{name} has to be {bytes} bytes in base64url.")))
}

/// The bytes of base64url, with padding or without.
fn bytes_of(text: &str) -> Option<Vec<u8>> {
    BASE64_URL_SAFE_NO_PAD.decode(text).or_else(|_| BASE64_URL_SAFE.decode(text)).ok()
}

fn bad(message: &str) -> Rejection {
    Rejection::new(Code::BadRequest, message)
}
