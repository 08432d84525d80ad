//! The commands at a server behind a proxy with TLS, whose authority the system does not know.

use std::{path::PathBuf, sync::Arc};

use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        ServerConfig,
        pki_types::{PrivateKeyDer, pem::PemObject},
    },
};

use super::{Terminal, feed, texts};
use crate::support::TestServer;

/// Serves TLS in front of a server. Returns the address, and the file with the certificate.
async fn behind_tls(server: &TestServer, folder: &std::path::Path) -> (String, PathBuf) {
    let signed = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    let file = folder.join("ca.pem");
    std::fs::write(&file, signed.cert.pem()).unwrap();
    let key = PrivateKeyDer::from_pem_slice(signed.signing_key.serialize_pem().as_bytes()).unwrap();
    let config = ServerConfig::builder().with_no_client_auth();
    let config = config.with_single_cert(vec![signed.cert.der().clone()], key).unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}", listener.local_addr().unwrap());
    let to = server.url.strip_prefix("http://").unwrap().to_owned();
    tokio::spawn(async move {
        while let Ok((plain, _)) = listener.accept().await {
            let (acceptor, to) = (acceptor.clone(), to.clone());
            tokio::spawn(async move {
                // A client that does not trust the certificate goes away.
                let Ok(mut inner) = acceptor.accept(plain).await else { return };
                let mut outer = TcpStream::connect(to).await.unwrap();
                let _ = tokio::io::copy_bidirectional(&mut inner, &mut outer).await;
            });
        }
    });
    (url, file)
}

#[tokio::test]
async fn a_server_behind_tls_is_reached_with_the_authority_that_is_named_and_not_without() {
    let (server, folder) = (TestServer::start().await, tempfile::tempdir().unwrap());
    let (url, file) = behind_tls(&server, folder.path()).await;
    let terminal = Terminal::at(&url);
    let ca = file.to_str().unwrap();
    terminal.run(&["publish", "ops", "one", "--ca", ca], b"").await.silently();
    terminal.run(&["publish", "ops", "--lines", "--ca", ca], b"two\nthree\n").await.silently();
    let follow = ["follow", "ops", "--since", "all", "--json", "--until", "key=last", "--ca", ca];
    let last = ["publish", "ops", "four", "--key", "last", "--ca", ca];
    let publish = async { terminal.run(&last, b"").await.silently() };
    let (followed, ()) = tokio::join!(terminal.run(&follow, b""), publish);
    assert_eq!((followed.code, followed.stdout.lines().count()), (Some(0), 4), "{followed:?}");
    let ran = terminal.run(&["publish", "ops", "lost", "--timeout", "1s"], b"").await;
    assert_eq!(ran.code, Some(69), "{ran:?}");
    assert!(ran.stderr.contains("certificate"), "{ran:?}");
    assert_eq!(texts(&feed(&server.url).await), ["one", "two", "three", "four"]);
}
