//! TLS to the servers that this one depends on, PostgreSQL and Redis: the authorities whose certificates are trusted.
//! The store and the backplane connect by it. Chain and name of a certificate are always verified; nothing here may
//! turn that off.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use rustls::{
    ClientConfig, RootCertStore,
    crypto::ring,
    pki_types::{CertificateDer, pem::PemObject},
};

/// A file with certificates that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CaError {
    /// It cannot be read.
    #[error("the certificates in {} cannot be read: {error}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The reason.
        error: io::Error,
    },
    /// It has no certificate in PEM, or one that cannot be parsed.
    #[error("{} contains no usable certificate: it must hold the authority's, in PEM", .0.display())]
    NoCertificate(PathBuf),
}

/// The configuration of a client of TLS 1.2 or 1.3 that trusts the authorities in the file `ca` (PEM) or, without one,
/// those that the system trusts.
///
/// # Errors
/// The file cannot be read or has no certificate.
pub fn client_config(ca: Option<&Path>) -> Result<ClientConfig, CaError> {
    let roots = match ca {
        Some(path) => roots_in(path, &read_ca(path)?)?,
        None => system_roots(),
    };
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let builder = builder.with_safe_default_protocol_versions().expect("ring has TLS 1.2 and 1.3");
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}

/// Reads a file with authorities' certificates and checks that they can be used.
///
/// # Errors
/// The file cannot be read or has no certificate.
pub fn read_ca(path: &Path) -> Result<Vec<u8>, CaError> {
    let pem = fs::read(path).map_err(|error| CaError::Unreadable { path: path.to_owned(), error })?;
    roots_in(path, &pem)?;
    Ok(pem)
}

/// Makes ring the process's default provider, so that libraries that configure TLS themselves use the same
/// cryptography.
pub fn provide() {
    // Fails the second time, when it is installed already.
    drop(ring::default_provider().install_default());
}

fn roots_in(path: &Path, pem: &[u8]) -> Result<RootCertStore, CaError> {
    let fault = || CaError::NoCertificate(path.to_owned());
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem) {
        roots.add(certificate.map_err(|_| fault())?).map_err(|_| fault())?;
    }
    if roots.is_empty() { Err(fault()) } else { Ok(roots) }
}

/// The system's authorities. Without any no certificate is trusted, which is an error only for a connection with TLS.
fn system_roots() -> RootCertStore {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if roots.is_empty() {
        tracing::warn!(
            "this system trusts no authorities (package ca-certificates): TLS takes a file with one"
        );
    }
    roots
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_without_a_certificate_is_rejected_by_name() {
        let folder = tempfile::tempdir().expect("made");
        let path = folder.path().join("ca.pem");
        assert!(matches!(client_config(Some(&path)), Err(CaError::Unreadable { .. })));
        for text in ["", "no PEM", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"] {
            fs::write(&path, text).expect("written");
            let rejected = client_config(Some(&path)).expect_err("no certificate").to_string();
            assert!(rejected.contains("ca.pem contains no usable certificate"), "{rejected}");
        }
        let signed = rcgen::generate_simple_self_signed(["h".to_owned()]).expect("made");
        fs::write(&path, signed.cert.pem()).expect("written");
        client_config(Some(&path)).expect("a certificate");
        assert_eq!(read_ca(&path).expect("the same"), signed.cert.pem().as_bytes());
    }
}
