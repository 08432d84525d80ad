//! Tests of PostgreSQL servers with right and wrong certificates.

use std::path::PathBuf;

use deadpool_postgres::{
    Pool, PoolError,
    tokio_postgres::config::{Config, SslMode},
};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};

use super::*;

/// A certificate authority.
struct Authority {
    issuer: Issuer<'static, KeyPair>,
    /// The authority's own certificate.
    pem: String,
}

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).expect("no names");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("made");
        let pem = params.self_signed(&key).expect("signed").pem();
        Self { issuer: Issuer::new(params, key), pem }
    }

    /// Issues a certificate for this host. Returns it and its key.
    fn sign(&self, host: &str) -> (String, String) {
        let key = KeyPair::generate().expect("made");
        let params = CertificateParams::new([host.to_owned()]).expect("a name");
        let signed = params.signed_by(&key, &self.issuer).expect("signed");
        (signed.pem(), key.serialize_pem())
    }
}

/// A server whose certificate is for `db.example`.
struct Signed {
    port: u16,
    folder: tempfile::TempDir,
    _cluster: Cluster,
}

impl Signed {
    async fn start(authority: &Authority) -> Self {
        let mut cluster = Cluster::start();
        cluster.fresh_database().await;
        let (certificate, key) = authority.sign("db.example");
        let port = cluster.serve_tls(&certificate, &key);
        Self { port, folder: tempfile::tempdir().expect("made"), _cluster: cluster }
    }

    /// The address of the server under this name, with a password that must not appear anywhere.
    fn address(&self, host: &str, settings: &str, ca: Option<&Authority>) -> Address {
        let port = self.port;
        let url = format!("postgres://idobata:hunter2@{host}:{port}/test0?hostaddr=127.0.0.1{settings}");
        Address { url, ca: ca.map(|authority| self.file(authority)) }
    }

    fn file(&self, authority: &Authority) -> PathBuf {
        let path = self.folder.path().join(format!("{}.pem", fastrand::u64(..)));
        std::fs::write(&path, &authority.pem).expect("written");
        path
    }
}

async fn store_at(address: &Address) -> Result<PostgresStore, StoreError> {
    PostgresStore::open(address, 4, Arc::new(Announced::default())).await
}

async fn refused_at(address: &Address) -> String {
    let refused = store_at(address).await.err().expect("refused").to_string();
    assert!(!refused.contains("hunter2"), "{refused}");
    refused
}

async fn is_encrypted(store: &PostgresStore) -> bool {
    !is_plain_text(&store.connection().await.expect("free")).await.expect("answered")
}

#[tokio::test(flavor = "multi_thread")]
async fn only_a_server_with_the_right_certificate_for_its_name_is_used() {
    let (right, wrong) = (Authority::new(), Authority::new());
    let server = Signed::start(&right).await;
    for settings in ["", "&sslmode=require", "&sslmode=verify-full"] {
        let store = store_at(&server.address("db.example", settings, Some(&right))).await.expect("opened");
        assert!(is_encrypted(&store).await, "{settings}");
        store.append(&TopicName::Feed, vec![draft(settings)]).await.expect("stored");
        store.close().await;

        let refused = refused_at(&server.address("db.example", settings, Some(&wrong))).await;
        assert!(refused.contains("--database-ca"), "{refused}");
        let refused = refused_at(&server.address("another.example", settings, Some(&right))).await;
        assert!(refused.contains("not valid for name \"another.example\""), "{refused}");
    }
    let refused = refused_at(&server.address("db.example", "&sslmode=require", None)).await;
    assert!(refused.contains("--database-ca"), "the system knows nobody of that name: {refused}");
    let plain = store_at(&server.address("db.example", "&sslmode=disable", Some(&right))).await;
    assert!(!is_encrypted(&plain.expect("opened")).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_prefers_tls_does_not_fall_back_to_plain_text_before_a_wrong_certificate() {
    let server = Signed::start(&Authority::new()).await;
    let address = server.address("db.example", "", None);
    let mut config: Config = address.url.parse().expect("an address");
    // The mode for a server on another machine.
    config.ssl_mode(SslMode::Prefer);
    let pool = Pool::builder(address.manager(config).expect("made")).build().expect("built");
    let Err(PoolError::Backend(refused)) = pool.get().await else { panic!("it was let in") };
    assert!(error::describe(&refused).contains("UnknownIssuer"), "{refused}");
}

#[tokio::test]
async fn a_server_without_tls_is_refused_where_tls_is_asked_for() {
    let cluster = Cluster::shared();
    let plain = Breaker::start(cluster, &cluster.fresh_database().await).await.url;
    let refused = refused_at(&format!("{plain}?sslmode=require").as_str().into()).await;
    assert!(refused.contains("does not support TLS"), "{refused}");
    let store = store_at(&plain.as_str().into()).await.expect("on this machine nobody asks for it");
    assert!(!is_encrypted(&store).await);
}

#[tokio::test]
async fn a_file_of_authorities_that_is_not_there_is_named() {
    let address = Address { ca: Some("/missing/ca.pem".into()), ..Address::from("postgres://u:hunter2@h/d") };
    let refused = refused_at(&address).await;
    assert!(refused.contains("--database-ca") && refused.contains("/missing/ca.pem"), "{refused}");
}
