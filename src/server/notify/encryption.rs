//! Encryption of a push message for one subscription (RFC 8291), in one record of `aes128gcm` (RFC 8188). Only the browser
//! that made the subscription can read it; the push service sees its size, which padding makes coarse.
//!
//! `devices` calls it. The cryptography is that of the crate `web-push-native`.

use web_push_native::{Auth, p256::PublicKey};

/// The largest text that services have to take: 4,096 bytes of message (RFC 8030, 7.2) without the header and the tag.
pub(super) const TEXT_MAX_BYTES: usize = 3_993;

/// Texts are padded to a multiple of this.
const PADDED_BYTES: usize = 512;

/// Length of an uncompressed point of P-256.
pub(super) const POINT_BYTES: usize = 65;
/// Length of a subscription's secret (RFC 8291, 3.2).
pub(super) const SECRET_BYTES: usize = 16;

/// Encrypts JSON for the subscription with this public key and secret, padded with spaces at its end, which JSON ignores.
/// `None`: the key is no point of the curve, the secret has another length, or the JSON is too long.
pub(super) fn encrypt(public: &[u8], secret: &[u8], json: &[u8]) -> Option<Vec<u8>> {
    let public = PublicKey::from_sec1_bytes(public).ok()?;
    let secret = <[u8; SECRET_BYTES]>::try_from(secret).ok()?;
    if json.len() > TEXT_MAX_BYTES {
        return None;
    }
    let mut text = json.to_vec();
    text.resize(json.len().next_multiple_of(PADDED_BYTES).min(TEXT_MAX_BYTES), b' ');
    web_push_native::encrypt(text, &public, &Auth::from(secret)).ok()
}

#[cfg(test)]
mod tests {
    use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD as BASE64};
    use web_push_native::p256::SecretKey;

    use super::*;

    /// The browser's keys of RFC 8291, appendix A …
    const PUBLIC: &str =
        "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4";
    const PRIVATE: &str = "q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94";
    const SECRET: &str = "BTBZMqHH6r4Tts7J_aSIgg";
    /// … and the message that it reads with them.
    const MESSAGE: &str = "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN";

    fn bytes(base64: &str) -> Vec<u8> {
        BASE64.decode(base64).expect("base64")
    }

    fn decrypt(message: Vec<u8>) -> Vec<u8> {
        let private = SecretKey::from_slice(&bytes(PRIVATE)).expect("a key");
        let secret = <[u8; SECRET_BYTES]>::try_from(bytes(SECRET)).expect("16 bytes");
        web_push_native::decrypt(message, &private, &Auth::from(secret)).expect("for this browser")
    }

    #[test]
    fn the_crate_reads_the_message_of_the_rfc() {
        assert_eq!(decrypt(bytes(MESSAGE)), b"When I grow up, I want to be a watermelon");
    }

    #[test]
    fn a_message_is_as_long_as_its_padding_and_never_the_same_twice() {
        let (public, secret) = (bytes(PUBLIC), bytes(SECRET));
        let encrypted = |text: &[u8]| encrypt(&public, &secret, text).expect("encrypted");
        let header = 16 + 4 + 1 + POINT_BYTES;
        for (length, padded) in [(0, 0), (1, 512), (512, 512), (513, 1_024), (TEXT_MAX_BYTES, TEXT_MAX_BYTES)]
        {
            let text = vec![b'x'; length];
            let message = encrypted(&text);
            assert_eq!(message.len(), header + padded + 1 + 16, "{length}");
            assert_eq!(decrypt(message).trim_ascii_end(), text);
        }
        assert_eq!(encrypted(&[b'x'; TEXT_MAX_BYTES]).len(), 4_096);
        assert_ne!(encrypted(b"x"), encrypted(b"x"));
        assert!(encrypt(&public, &secret, &[0; TEXT_MAX_BYTES + 1]).is_none());
        assert!(encrypt(&[4; POINT_BYTES], &secret, b"x").is_none(), "no point of the curve");
        assert!(encrypt(&public, b"short", b"x").is_none(), "no secret");
        assert!(encrypt(b"", b"", b"x").is_none());
    }
}
