//! All kinds of callers, at a server with accounts.

use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use reqwest::{Client, redirect::Policy};
use serde_json::json;

use super::table::Row;
use crate::support::{Person, TestServer, new_id};

/// The columns of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum MaybeUser {
    Nobody,
    Stranger,
    Removed,
    Member,
    Owner,
    Administrator,
    Publisher,
    OtherPublisher,
}

impl MaybeUser {
    pub(super) const ALL: [Self; 8] = [
        Self::Nobody,
        Self::Stranger,
        Self::Removed,
        Self::Member,
        Self::Owner,
        Self::Administrator,
        Self::Publisher,
        Self::OtherPublisher,
    ];
}

/// The secret with which the server signs sessions.
const SECRET: &str = "the secret of the rights' own tests";

/// `{"alg":"none"}` . `{"sub":"1","name":"eve","iat":0,"exp":99999999999}`, without a signature.
const UNSIGNED: &str =
    "eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIiwibmFtZSI6ImV2ZSIsImlhdCI6MCwiZXhwIjo5OTk5OTk5OTk5OX0.";

/// A server with the private room `secret`, and a token for each caller.
pub(super) struct Bench {
    pub(super) server: TestServer,
    client: Client,
    tokens: Vec<Option<String>>,
    owner: Person,
    /// The room of the direct messages of the member and the owner.
    direct: String,
    /// The id of a file that the member uploaded to the private room.
    file: String,
    /// The id of an upload that the member began in the private room.
    upload: String,
}

impl Bench {
    pub(super) async fn start() -> Self {
        let server = TestServer::start_with(&[
            "--auth",
            "accounts",
            "--jwt-secret",
            SECRET,
            "--open-channels=home-*@127.0.0.0/8,away-*@203.0.113.0/24",
        ])
        .await;
        let administrator = server.account("administrator").await;
        let mut people = Vec::new();
        for name in ["stranger", "removed", "member", "owner", "extra"] {
            people.push(server.account(name).await);
        }
        let [stranger, removed, member, owner, _] = people.try_into().ok().unwrap();
        let room = json!({ "name": "Secret", "private": true });
        assert_eq!(owner.send(reqwest::Method::POST, "/api/rooms", &room).await.status(), 201);
        let members = "/api/rooms/secret/members";
        for name in ["removed", "member"] {
            let added = owner.send(reqwest::Method::POST, members, &json!({ "name": name })).await;
            assert_eq!(added.status(), 201);
        }
        let path = format!("{members}/{}", removed.session.user.id);
        assert_eq!(owner.send(reqwest::Method::DELETE, &path, &json!(null)).await.status(), 204);
        let body = json!({ "user_ids": [owner.session.user.id] });
        let direct = member.send(reqwest::Method::POST, "/api/direct", &body).await;
        let direct: serde_json::Value = direct.json().await.unwrap();
        let direct = direct["room"].as_str().unwrap().to_owned();
        assert_eq!(member.post(&direct, &new_id(), "between us").await.status(), 201);
        let upload = server.post("/api/files?room=secret&name=a.txt").bearer_auth(&member.session.token);
        let file: serde_json::Value = upload.body("hello").send().await.unwrap().json().await.unwrap();
        let file = file["id"].as_str().unwrap().to_owned();
        let upload = server.post("/api/uploads?room=secret&name=a.txt").bearer_auth(&member.session.token);
        let upload = upload.header("tus-resumable", "1.0.0").header("upload-length", 5).send().await.unwrap();
        let upload: serde_json::Value = upload.json().await.unwrap();
        let upload = upload["id"].as_str().unwrap().to_owned();
        let mut publishers = Vec::new();
        for channels in [json!(["ops"]), json!(["jobs", "op"])] {
            let body = json!({ "name": "a program", "channels": channels });
            let made = administrator.send(reqwest::Method::POST, "/api/publishers", &body).await;
            let made: serde_json::Value = made.json().await.unwrap();
            publishers.push(made["token"].as_str().unwrap().to_owned());
        }
        let token = |person: &Person| Some(person.session.token.clone());
        let mut tokens = vec![None];
        tokens.extend([&stranger, &removed, &member, &owner, &administrator].map(token));
        tokens.extend(publishers.into_iter().map(Some));
        let client = Client::builder().redirect(Policy::none()).build().unwrap();
        Self { server, client, tokens, owner, direct, file, upload }
    }

    /// The token of a caller; `None` for an anonymous one.
    pub(super) fn token(&self, caller: MaybeUser) -> Option<&str> {
        self.tokens[caller as usize].as_deref()
    }

    /// The answer to a caller: the status, with a `!` if a form was redirected back with a problem.
    pub(super) async fn ask(&self, row: &Row, caller: MaybeUser) -> String {
        self.ask_with(row, self.token(caller), &format!("{caller:?}")).await
    }

    fn path(&self, path: &str) -> String {
        path.replace("DIRECT", &self.direct)
            .replace("OWNER", &self.owner.session.user.id)
            .replace("FILE", &self.file)
            .replace("UPLOAD", &self.upload)
    }

    pub(super) async fn ask_with(&self, row: &Row, token: Option<&str>, name: &str) -> String {
        let url = format!("{}{}", self.server.url, self.path(row.path));
        let mut request = self.client.request(row.method.parse().unwrap(), url);
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        if row.path.starts_with("/api/uploads") {
            request = request
                .header("tus-resumable", "1.0.0")
                .header("upload-length", 5)
                .header("upload-offset", 0);
        }
        let body = row.body.replace("CALLER", name).replace("UUID", &new_id());
        if !body.is_empty() {
            let kind =
                if body.starts_with('{') { "application/json" } else { "application/x-www-form-urlencoded" };
            request = request.header("content-type", kind).body(body);
        }
        let response = request.send().await.unwrap();
        let location = response.headers().get("location").and_then(|location| location.to_str().ok());
        let mark = if location.is_some_and(|location| location.contains("problem=")) { "!" } else { "" };
        format!("{}{mark}", response.status().as_u16())
    }

    /// Invalid tokens in the owner's name, by the fault that they have.
    pub(super) fn bad_tokens(&self) -> Vec<(&'static str, String)> {
        let good = &self.owner.session;
        let (head, signature) = good.token.rsplit_once('.').unwrap();
        let sign = |claims: &serde_json::Value, secret: &str| {
            encode(&Header::new(Algorithm::HS256), claims, &EncodingKey::from_secret(secret.as_bytes()))
                .unwrap()
        };
        let now = jsonwebtoken::get_current_timestamp();
        let claims =
            json!({ "iss": "idobata", "sub": good.user.id, "name": "owner", "iat": now, "exp": now + 60 });
        let mut with_session = claims.clone();
        with_session["sid"] = json!("no session of theirs");
        let mut expired = with_session.clone();
        expired["exp"] = json!(now - 3_600);
        let changed = signature.chars().rev().collect::<String>();
        vec![
            ("changed", format!("{head}.{changed}")),
            ("signed by another key", sign(&with_session, "another secret of 32 or more characters")),
            ("expired", sign(&expired, SECRET)),
            ("of no session", sign(&with_session, SECRET)),
            ("a guest's", sign(&claims, SECRET)),
            ("unsigned", UNSIGNED.to_owned()),
            ("no token at all", "nonsense".to_owned()),
        ]
    }
}
