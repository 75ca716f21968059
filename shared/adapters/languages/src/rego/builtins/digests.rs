//! Digests and keyed digests of texts, in hexadecimal.

use hmac::{Hmac, KeyInit, Mac};
use md5::Md5;
use regorus::Value;
use sha1::Sha1;
use sha2::{Digest, Sha256, Sha384, Sha512};

/// The value of a `crypto` builtin; `None` where an argument is no text.
pub(super) fn evaluate(name: &str, arguments: &[Value]) -> Option<Value> {
    let digest = match (name, arguments) {
        ("crypto.md5", [Value::String(text)]) => hex::encode(Md5::digest(text.as_bytes())),
        ("crypto.sha1", [Value::String(text)]) => hex::encode(Sha1::digest(text.as_bytes())),
        ("crypto.sha256", [Value::String(text)]) => hex::encode(Sha256::digest(text.as_bytes())),
        ("crypto.hmac.equal", [Value::String(one), Value::String(other)]) => {
            return Some(Value::Bool(one == other));
        }
        (_, [Value::String(text), Value::String(key)]) => {
            hex::encode(hmac(name.strip_prefix("crypto.hmac.")?, key.as_bytes(), text.as_bytes())?)
        }
        _ => return None,
    };
    Some(Value::from(digest))
}

/// The keyed digest (RFC 2104) of a message; `None` for an unknown digest.
pub(super) fn hmac(digest: &str, key: &[u8], message: &[u8]) -> Option<Vec<u8>> {
    fn with<M: KeyInit + Mac>(key: &[u8], message: &[u8]) -> Option<Vec<u8>> {
        let mac = <M as KeyInit>::new_from_slice(key).ok()?;
        Some(mac.chain_update(message).finalize().into_bytes().to_vec())
    }
    match digest {
        "md5" => with::<Hmac<Md5>>(key, message),
        "sha1" => with::<Hmac<Sha1>>(key, message),
        "sha256" => with::<Hmac<Sha256>>(key, message),
        "sha384" => with::<Hmac<Sha384>>(key, message),
        "sha512" => with::<Hmac<Sha512>>(key, message),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Vectors of RFC 1321, RFC 3174, FIPS 180-2 and RFC 4231 (test case 2).
    #[test]
    fn digests_are_those_of_their_standards() {
        let key = "Jefe";
        let text = "what do ya want for nothing?";
        let cases: [(&str, &[&str], &str); 7] = [
            ("crypto.md5", &["abc"], "900150983cd24fb0d6963f7d28e17f72"),
            ("crypto.sha1", &["abc"], "a9993e364706816aba3e25717850c26c9cd0d89d"),
            (
                "crypto.sha256",
                &["abc"],
                "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
            ),
            ("crypto.hmac.md5", &[text, key], "750c783e6ab0b503eaa86e310a5db738"),
            ("crypto.hmac.sha1", &[text, key], "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"),
            (
                "crypto.hmac.sha256",
                &[text, key],
                "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
            ),
            (
                "crypto.hmac.sha512",
                &[text, key],
                "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea2505549758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737",
            ),
        ];
        for (name, arguments, expected) in cases {
            let arguments: Vec<Value> = arguments.iter().map(|text| Value::from(*text)).collect();
            assert_eq!(evaluate(name, &arguments), Some(Value::from(expected)), "{name}");
        }
        assert_eq!(evaluate("crypto.sha256", &[Value::Null]), None);
        assert_eq!(evaluate("crypto.hmac.crc", &[Value::from("a"), Value::from("b")]), None);
    }
}
