//! Encryption of a push message for one subscription (RFC 8291), in one record of `aes128gcm` (RFC 8188). Only the browser
//! that made the subscription can read it; the push service sees its size, which padding makes coarse.

use ring::{
    aead::{AES_128_GCM, Aad, LessSafeKey, Nonce, UnboundKey},
    agreement::{ECDH_P256, EphemeralPrivateKey, UnparsedPublicKey, agree_ephemeral},
    error::Unspecified,
    hkdf::{HKDF_SHA256, KeyType, Prk, Salt},
    rand::{SecureRandom, SystemRandom},
};

/// The largest text that services have to take: 4,096 bytes of message (RFC 8030, 7.2) without the header and the tag.
pub(super) const TEXT_MAX_BYTES: usize = 3_993;

/// Size of the record, of which there is one.
const RECORD_BYTES: u32 = 4_096;

/// Texts are padded to a multiple of this.
const PADDED_BYTES: usize = 512;

/// Length of an uncompressed point of P-256.
pub(super) const POINT_BYTES: usize = 65;
/// Length of a subscription's secret (RFC 8291, 3.2).
pub(super) const SECRET_BYTES: usize = 16;

/// A length for which key material is derived.
struct Length(usize);

impl KeyType for Length {
    fn len(&self) -> usize {
        self.0
    }
}

/// Encrypts a text for the subscription with this public key and secret. Errors: the key is no point of the curve, or the
/// text is too long.
pub(super) fn encrypt(public: &[u8], secret: &[u8], text: &[u8]) -> Result<Vec<u8>, Unspecified> {
    if text.len() > TEXT_MAX_BYTES {
        return Err(Unspecified);
    }
    let random = SystemRandom::new();
    let own = EphemeralPrivateKey::generate(&ECDH_P256, &random)?;
    let own_public = own.compute_public_key()?;
    let mut salt = [0; 16];
    random.fill(&mut salt)?;
    let (key, nonce) = agree_ephemeral(own, &UnparsedPublicKey::new(&ECDH_P256, public), |shared| {
        let info = [b"WebPush: info\0", public, own_public.as_ref()];
        let material = expand::<32>(&Salt::new(HKDF_SHA256, secret).extract(shared), &info)?;
        let derived = Salt::new(HKDF_SHA256, &salt).extract(&material);
        let key = expand::<16>(&derived, &[b"Content-Encoding: aes128gcm\0"])?;
        Ok::<_, Unspecified>((key, expand::<12>(&derived, &[b"Content-Encoding: nonce\0"])?))
    })??;
    let mut record = text.to_vec();
    record.push(2); // the last record (RFC 8188, 2)
    let padded = text.len().next_multiple_of(PADDED_BYTES).min(TEXT_MAX_BYTES);
    record.resize(padded + 1, 0);
    let key = LessSafeKey::new(UnboundKey::new(&AES_128_GCM, &key)?);
    key.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::empty(), &mut record)?;
    let length = [u8::try_from(POINT_BYTES).expect("65")];
    Ok([&salt[..], &RECORD_BYTES.to_be_bytes(), &length, own_public.as_ref(), &record].concat())
}

fn expand<const N: usize>(from: &Prk, info: &[&[u8]]) -> Result<[u8; N], Unspecified> {
    let mut bytes = [0; N];
    from.expand(info, Length(N))?.fill(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD as BASE64};

    use super::*;

    /// The browser's keys of RFC 8291, appendix A.
    const PUBLIC: &str =
        "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4";

    #[test]
    fn a_message_is_as_long_as_its_padding_and_never_the_same_twice() {
        let public = BASE64.decode(PUBLIC).expect("base64");
        let encrypted = |text: &[u8]| encrypt(&public, &[7; SECRET_BYTES], text).expect("encrypted");
        let header = 16 + 4 + 1 + POINT_BYTES;
        for (length, padded) in [(0, 0), (1, 512), (512, 512), (513, 1_024), (TEXT_MAX_BYTES, TEXT_MAX_BYTES)]
        {
            assert_eq!(encrypted(&vec![b'x'; length]).len(), header + padded + 1 + 16, "{length}");
        }
        assert_eq!(encrypted(&[b'x'; TEXT_MAX_BYTES]).len(), RECORD_BYTES as usize);
        assert_ne!(encrypted(b"x"), encrypted(b"x"));
        assert!(encrypt(&public, &[7; SECRET_BYTES], &[0; TEXT_MAX_BYTES + 1]).is_err());
        assert!(encrypt(&[4; POINT_BYTES], &[7; SECRET_BYTES], b"x").is_err(), "no point of the curve");
        assert!(encrypt(b"", b"", b"x").is_err());
    }
}
