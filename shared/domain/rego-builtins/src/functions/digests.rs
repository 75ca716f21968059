//! Digests and keyed digests.

use hmac::{Hmac, KeyInit, Mac};
use md5::Md5;
use sha1::Sha1;
use sha2::{Digest, Sha256, Sha384, Sha512};

use crate::builtin::{Answer, Args, Call, some};

pub(crate) const TABLE: &[(&str, Call)] = &[
    ("crypto.md5", |_, args| some(hex::encode(Md5::digest(args.text(0)?)))),
    ("crypto.sha1", |_, args| some(hex::encode(Sha1::digest(args.text(0)?)))),
    ("crypto.sha256", |_, args| some(hex::encode(Sha256::digest(args.text(0)?)))),
    ("crypto.hmac.md5", |_, args| keyed(args, "md5")),
    ("crypto.hmac.sha1", |_, args| keyed(args, "sha1")),
    ("crypto.hmac.sha256", |_, args| keyed(args, "sha256")),
    ("crypto.hmac.sha512", |_, args| keyed(args, "sha512")),
    ("crypto.hmac.equal", |_, args| some(args.text(0)? == args.text(1)?)),
];

fn keyed(args: &Args<'_>, digest: &str) -> Answer {
    let (text, key) = (args.text(0)?, args.text(1)?);
    some(hex::encode(hmac(digest, key.as_bytes(), text.as_bytes()).unwrap_or_default()))
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
