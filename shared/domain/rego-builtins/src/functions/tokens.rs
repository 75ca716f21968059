//! JSON Web Tokens: decoding, verification, and signing with a shared secret.

use base64::Engine as _;

use super::digests::hmac;
use super::encoding::{decode_url, marshal, url};
use super::keys::{Key, keys_of};
use super::strings::text_of;
use crate::builtin::{Answer, Args, Call, some};
use crate::context::{Context, Error};
use crate::json::from_json_str;
use crate::number::Number;
use crate::value::{Object, Value};

pub(crate) const TABLE: &[(&str, Call)] = &[
    ("io.jwt.decode", |_, args| decode(args.text(0)?, 0)),
    ("io.jwt.verify_hs256", |_, args| verify_secret(args, "HS256")),
    ("io.jwt.verify_hs384", |_, args| verify_secret(args, "HS384")),
    ("io.jwt.verify_hs512", |_, args| verify_secret(args, "HS512")),
    ("io.jwt.verify_rs256", |_, args| verify_key(args, "RS256")),
    ("io.jwt.verify_rs384", |_, args| verify_key(args, "RS384")),
    ("io.jwt.verify_rs512", |_, args| verify_key(args, "RS512")),
    ("io.jwt.verify_ps256", |_, args| verify_key(args, "PS256")),
    ("io.jwt.verify_ps384", |_, args| verify_key(args, "PS384")),
    ("io.jwt.verify_ps512", |_, args| verify_key(args, "PS512")),
    ("io.jwt.verify_es256", |_, args| verify_key(args, "ES256")),
    ("io.jwt.verify_es384", |_, args| verify_key(args, "ES384")),
    ("io.jwt.verify_es512", |_, args| verify_key(args, "ES512")),
    ("io.jwt.verify_eddsa", |_, args| verify_key(args, "EdDSA")),
    ("io.jwt.decode_verify", decode_verify),
    ("io.jwt.encode_sign", |_, args| {
        let parts = (marshal(args.value(0), None)?, marshal(args.value(1), None)?);
        sign(&parts.0, &parts.1, args.value(2))
    }),
    ("io.jwt.encode_sign_raw", |_, args| {
        let (header, payload) = (args.text(0)?, args.text(1)?);
        sign(header, payload, &json(args.text(2)?)?)
    }),
];

/// How many tokens may be one inside the other.
const NESTING_MAX: usize = 20;

fn json(text: &str) -> Result<Value, Error> {
    from_json_str(text).map_err(|error| Error::new(error.to_string()))
}

/// A token in the compact form of RFC 7515.
struct Token<'a> {
    header: &'a str,
    payload: &'a str,
    signature: &'a str,
}

impl<'a> Token<'a> {
    fn parse(text: &'a str) -> Result<Self, Error> {
        let parts: Vec<&str> = text.split('.').collect();
        match parts[..] {
            [header, payload, signature] => Ok(Token { header, payload, signature }),
            [_] => Err(Error::new("encoded JWT had no period separators")),
            _ => {
                Err(Error::new(format!("encoded JWT must have 3 sections, found {}", parts.len())))
            }
        }
    }

    fn header(&self) -> Result<Object, Error> {
        let text = decoded(self.header, "header")?;
        match json(&text)? {
            Value::Object(header) if header.contains_key(&Value::from("enc")) => {
                Err(Error::new("JWT is a JWE object, which is not supported"))
            }
            Value::Object(header) => Ok(header),
            _ => Err(Error::new("the header of the JWT is no object")),
        }
    }

    fn payload(&self) -> Result<String, Error> {
        decoded(self.payload, "payload")
    }

    fn signature(&self) -> Result<Vec<u8>, Error> {
        decode_url(self.signature)
            .map_err(|error| Error::new(format!("JWT signature had invalid encoding: {error}")))
    }

    fn signed(&self) -> String {
        format!("{}.{}", self.header, self.payload)
    }
}

fn decoded(part: &str, name: &str) -> Result<String, Error> {
    let bytes = decode_url(part)
        .map_err(|error| Error::new(format!("JWT {name} had invalid encoding: {error}")))?;
    String::from_utf8(bytes).map_err(|_| Error::new(format!("the {name} of the JWT is no JSON")))
}

fn object(text: &str) -> Result<Object, Error> {
    match json(text)? {
        Value::Object(object) => Ok(object),
        _ => Err(Error::new("the payload of the JWT is no object")),
    }
}

/// Header, payload, and the signature in hexadecimal. A token in a token is decoded in its place.
fn decode(text: &str, level: usize) -> Answer {
    let token = Token::parse(text)?;
    let header = token.header()?;
    let payload = token.payload()?;
    if header.get_str("cty").is_some_and(|content| content.as_str() == Some("JWT")) {
        if level >= NESTING_MAX {
            return Err(Error::halt("tokens nest too deep"));
        }
        return decode(payload.trim_matches(['"', '\'']), level + 1);
    }
    let payload = object(&payload)?;
    let signature = hex::encode(token.signature()?);
    some(Value::array([header.into(), payload.into(), Value::from(signature)]))
}

/// The name of the digest of an algorithm with a shared secret.
fn digest(algorithm: &str) -> Option<&'static str> {
    match algorithm {
        "HS256" => Some("sha256"),
        "HS384" => Some("sha384"),
        "HS512" => Some("sha512"),
        _ => None,
    }
}

fn is_signed(algorithm: &str, secret: &str, text: &str, signature: &[u8]) -> bool {
    let expected =
        digest(algorithm).and_then(|digest| hmac(digest, secret.as_bytes(), text.as_bytes()));
    // Constant time is not needed: the policy that compares has the secret.
    expected.is_some_and(|expected| expected == signature)
}

fn verify_secret(args: &Args<'_>, algorithm: &str) -> Answer {
    let (text, secret) = (args.text(0)?, args.text(1)?);
    let token = Token::parse(text)?;
    some(is_signed(algorithm, secret, &token.signed(), &token.signature()?))
}

fn verify_key(args: &Args<'_>, algorithm: &str) -> Answer {
    let token = Token::parse(args.text(0)?)?;
    let keys = keys_of(args.text(1)?)?;
    let signature = token.signature()?;
    let header = Header::read(&token.header()?)?;
    some(verify_with(&keys, &header, algorithm, &token.signed(), &signature)?)
}

/// Verifies with the key that the header names, or else with every key that may be meant.
fn verify_with(
    keys: &[Key],
    header: &Header,
    algorithm: &str,
    text: &str,
    signature: &[u8],
) -> Result<bool, Error> {
    let named = keys.iter().find(|key| !header.key.is_empty() && key.id == header.key);
    if let Some(key) = named {
        return key.verify(algorithm, text.as_bytes(), signature);
    }
    for key in keys {
        let may_be_meant = key.algorithm.is_empty() || key.algorithm == header.algorithm;
        if may_be_meant && key.verify(algorithm, text.as_bytes(), signature)? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The members of a header that have a meaning here.
struct Header {
    algorithm: String,
    key: String,
    content: String,
    /// Whether a member that must be understood is unknown.
    has_unknown: bool,
}

impl Header {
    fn read(object: &Object) -> Result<Self, Error> {
        let text = |name: &str| match object.get_str(name) {
            None => Ok(String::new()),
            Some(Value::String(text)) => Ok(text.to_string()),
            Some(_) => Err(Error::new(format!("{name}: must be a string"))),
        };
        text("typ")?;
        let critical = match object.get_str("crit") {
            None => Vec::new(),
            Some(Value::Array(items)) => {
                // OPA stops at the first item that is no text.
                items.iter().map_while(Value::as_str).collect()
            }
            Some(_) => return Err(Error::new("crit: must be a list")),
        };
        if object.get_str("crit").is_some() && critical.is_empty() {
            return Err(Error::new("crit: must be a nonempty list"));
        }
        let is_unknown = |name: &&str| {
            !matches!(*name, "alg" | "kid" | "typ" | "cty" | "crit")
                && object.get_str(name).is_some()
        };
        Ok(Header {
            algorithm: text("alg")?,
            key: text("kid")?,
            content: text("cty")?,
            has_unknown: critical.iter().any(is_unknown),
        })
    }
}

/// What a token must satisfy.
struct Constraints {
    secret: String,
    keys: Option<Vec<Key>>,
    algorithm: String,
    issuer: String,
    audience: String,
    /// The time in nanoseconds since 1970.
    time: f64,
}

impl Constraints {
    fn read(object: &Object, now_ns: i64) -> Result<Self, Error> {
        let time = |value: &Value| {
            let time = value
                .as_number()
                .ok_or_else(|| Error::new("token time constraint: must be a number"))?
                .as_f64();
            if time < 0.0 {
                return Err(Error::new("token time constraint: must not be negative"));
            }
            if time.is_infinite() {
                return Err(Error::new("token time constraint: invalid float64"));
            }
            Ok(time)
        };
        let mut found = Constraints {
            secret: String::new(),
            keys: None,
            algorithm: String::new(),
            issuer: String::new(),
            audience: String::new(),
            time: time(&Value::from(now_ns))?,
        };
        for (key, value) in object.iter() {
            let name = key.as_str().ok_or_else(|| Error::new("a token constraint has no name"))?;
            let text = || {
                let text = value.as_str().map(str::to_owned);
                text.ok_or_else(|| Error::new(format!("{name} constraint: must be a string")))
            };
            match name {
                "cert" => found.keys = Some(keys_of(&text()?)?),
                "secret" => found.secret = text()?,
                "alg" => found.algorithm = text()?,
                "iss" => found.issuer = text()?,
                "aud" => found.audience = text()?,
                "time" => found.time = time(value)?,
                _ => {
                    return Err(Error::new(format!("unknown token validation constraint: {name}")));
                }
            }
        }
        match (found.keys.is_some(), !found.secret.is_empty()) {
            (true, true) => Err(Error::new("duplicate key constraints")),
            (false, false) => Err(Error::new("no key constraint")),
            _ => Ok(found),
        }
    }

    fn verify(&self, header: &Header, text: &str, signature: &[u8]) -> Result<bool, Error> {
        match &self.keys {
            Some(keys) => verify_with(keys, header, &header.algorithm, text, signature),
            None => Ok(is_signed(&header.algorithm, &self.secret, text, signature)),
        }
    }

    fn accepts(&self, payload: &Object) -> Result<bool, Error> {
        if !self.issuer.is_empty()
            && payload.get_str("iss").and_then(Value::as_str) != Some(&self.issuer)
        {
            return Ok(false);
        }
        let is_audience = |value: &Value| value.as_str() == Some(&self.audience);
        let is_for_audience = match payload.get_str("aud") {
            None => self.audience.is_empty(),
            Some(Value::Array(several)) => several.iter().any(is_audience),
            Some(one) => is_audience(one),
        };
        if !is_for_audience {
            return Ok(false);
        }
        let now =
            Number::from_f64(self.time / 1e9).ok_or_else(|| Error::new("the time is no number"))?;
        let claim = |name: &str| match payload.get_str(name) {
            None => Ok(None),
            Some(Value::Number(number)) => Ok(Some(number.clone())),
            Some(_) => Err(Error::new(format!("{name} value must be a number"))),
        };
        if claim("exp")?.is_some_and(|expiry| now >= expiry) {
            return Ok(false);
        }
        Ok(claim("nbf")?.is_none_or(|begin| now >= begin))
    }
}

/// Whether the token is valid, its header and its payload; both are empty unless it is.
fn decode_verify(context: &mut Context<'_>, args: &Args<'_>) -> Answer {
    let constraints = Constraints::read(args.object(1)?, context.now_ns)?;
    let unverified = || {
        some(Value::array([Value::from(false), Object::default().into(), Object::default().into()]))
    };
    let mut text = args.text(0)?.to_owned();
    for _ in 0..NESTING_MAX {
        let token = Token::parse(&text)?;
        let members = token.header()?;
        let header = Header::read(&members)?;
        let is_allowed =
            constraints.algorithm.is_empty() || constraints.algorithm == header.algorithm;
        if header.algorithm.is_empty() || header.has_unknown || !is_allowed {
            return unverified();
        }
        if !constraints.verify(&header, &token.signed(), &token.signature()?)? {
            return unverified();
        }
        let payload = token.payload()?;
        if header.content.eq_ignore_ascii_case("JWT") {
            text = payload;
            continue;
        }
        let payload = object(&payload)?;
        if !constraints.accepts(&payload)? {
            return unverified();
        }
        return some(Value::array([Value::from(true), members.into(), payload.into()]));
    }
    Err(Error::halt("tokens nest too deep"))
}

/// Signs a token by a key in the form of a JWK.
fn sign(header: &str, payload: &str, key: &Value) -> Answer {
    let members = match json(header)? {
        Value::Object(members) => members,
        _ => return Err(Error::new("the header is no object")),
    };
    let algorithm = members
        .get_str("alg")
        .and_then(Value::as_str)
        .ok_or_else(|| Error::new("missing or invalid 'alg' header"))?;
    let kind = members.get_str("typ").and_then(Value::as_str);
    if kind.is_none_or(|kind| kind == "JWT") && from_json_str(payload).is_err() {
        return Err(Error::new("type is JWT but payload is not JSON"));
    }
    let Some(digest) = digest(algorithm) else {
        return Err(match algorithm {
            "RS256" | "RS384" | "RS512" | "PS256" | "PS384" | "PS512" | "ES256" | "ES384"
            | "ES512" | "EdDSA" => Error::halt(
                "tokens are signed with a shared secret alone (HS256, HS384, HS512): sign others outside of the policy",
            ),
            _ => Error::new(format!("unknown JWS algorithm: {algorithm}")),
        });
    };
    let key = match key.get_str("keys") {
        Some(Value::Array(keys)) => {
            keys.get(0).ok_or_else(|| Error::new("no keys found in JWK set"))?
        }
        _ => key,
    };
    if key.get_str("kty").and_then(Value::as_str) != Some("oct") {
        return Err(Error::new("the key does not fit the algorithm"));
    }
    let secret =
        key.get_str("k").and_then(Value::as_str).ok_or_else(|| Error::new("the key has no `k`"))?;
    let secret = decode_url(secret)?;
    let text = format!("{}.{}", url(false).encode(header), url(false).encode(payload));
    let signature = hmac(digest, &secret, text.as_bytes()).unwrap_or_default();
    some(text_of(format!("{text}.{}", url(false).encode(signature)).into_bytes())?)
}
