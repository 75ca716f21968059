//! JSON Web Tokens: verification with a shared secret, and decoding.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use regorus::Value;

use super::digests;

/// The value of an `io.jwt` builtin, after OPA's own. `None` where OPA's is undefined.
pub(super) fn evaluate(
    name: &str,
    arguments: &[Value],
    now_ms: i64,
) -> Result<Option<Value>, String> {
    Ok(match (name, arguments) {
        ("io.jwt.decode", [Value::String(token)]) => {
            Token::parse(token).map(|token| token.decode())
        }
        ("io.jwt.decode_verify", [Value::String(token), constraints @ Value::Object(_)]) => {
            let now_ns = i128::from(now_ms) * 1_000_000;
            decode_verify(token, &Constraints::read(constraints, now_ns)?)
        }
        (_, [Value::String(token), Value::String(secret)]) => {
            let digest = name.strip_prefix("io.jwt.verify_hs").map(|bits| format!("sha{bits}"));
            Token::parse(token)
                .zip(digest)
                .map(|(token, digest)| Value::Bool(token.is_signed(&digest, secret)))
        }
        _ => None,
    })
}

/// A token in the compact form of RFC 7515.
struct Token<'a> {
    header: Value,
    payload: Value,
    signature: Vec<u8>,
    /// The text that the signature covers: header and payload.
    signed: &'a str,
}

impl<'a> Token<'a> {
    fn parse(text: &'a str) -> Option<Self> {
        let (signed, signature) = text.rsplit_once('.')?;
        let (header, payload) = signed.split_once('.')?;
        let part = |text: &str| URL_SAFE_NO_PAD.decode(text.trim_end_matches('=')).ok();
        let object = |text: &str| {
            let value = Value::from_json_str(std::str::from_utf8(&part(text)?).ok()?).ok()?;
            matches!(value, Value::Object(_)).then_some(value)
        };
        Some(Self {
            header: object(header)?,
            payload: object(payload)?,
            signature: part(signature)?,
            signed,
        })
    }

    fn decode(self) -> Value {
        Value::from(vec![self.header, self.payload, Value::from(hex::encode(&self.signature))])
    }

    fn is_signed(&self, digest: &str, secret: &str) -> bool {
        let expected = digests::hmac(digest, secret.as_bytes(), self.signed.as_bytes());
        // Constant time is not needed: a caller that can measure a policy's time has its secret.
        expected.is_some_and(|expected| expected == self.signature)
    }
}

/// The constraints that a token must satisfy.
struct Constraints {
    secret: String,
    algorithm: Option<String>,
    issuer: Option<String>,
    audience: Option<String>,
    /// The run's time in seconds since 1970.
    now_s: Value,
}

impl Constraints {
    fn read(object: &Value, now_ns: i128) -> Result<Self, String> {
        let text = |name: &str| match &object[&Value::from(name)] {
            Value::String(text) => Ok(Some(text.to_string())),
            Value::Undefined => Ok(None),
            _ => Err(format!("`{name}` of `io.jwt.decode_verify` is no string")),
        };
        let Some(secret) = text("secret")? else {
            return Err("`io.jwt.decode_verify` checks tokens with a `secret` alone: verify certificates before the call and pass the claims in `input`".to_owned());
        };
        let now_ns = match &object[&Value::from("time")] {
            Value::Undefined => now_ns.to_string(),
            // By its digits: the conversion to a float would round.
            time @ Value::Number(_) => time.to_string(),
            _ => return Err("`time` of `io.jwt.decode_verify` is no number".to_owned()),
        };
        let now_s = Value::from(now_ns.parse::<f64>().unwrap_or(f64::NAN) / 1e9);
        Ok(Self {
            secret,
            algorithm: text("alg")?,
            issuer: text("iss")?,
            audience: text("aud")?,
            now_s,
        })
    }

    fn accepts(&self, token: &Token<'_>) -> bool {
        let algorithm = &token.header[&Value::from("alg")];
        let Value::String(algorithm) = algorithm else { return false };
        let is_algorithm_allowed =
            self.algorithm.as_deref().is_none_or(|expected| expected == algorithm.as_ref());
        let digest = match algorithm.as_ref() {
            "HS256" => "sha256",
            "HS384" => "sha384",
            "HS512" => "sha512",
            _ => return false,
        };
        let claim = |name: &str| &token.payload[&Value::from(name)];
        let is_from_issuer =
            self.issuer.as_ref().is_none_or(|issuer| *claim("iss") == text(issuer));
        let is_for_audience = match (claim("aud"), &self.audience) {
            (Value::Undefined, expected) => expected.is_none(),
            (Value::Array(several), Some(expected)) => several.contains(&text(expected)),
            (one, Some(expected)) => *one == text(expected),
            (_, None) => false,
        };
        let is_unexpired = match claim("exp") {
            Value::Undefined => true,
            expiry @ Value::Number(_) => self.now_s < *expiry,
            _ => false,
        };
        let is_active = match claim("nbf") {
            Value::Undefined => true,
            begin @ Value::Number(_) => self.now_s >= *begin,
            _ => false,
        };
        is_algorithm_allowed
            && token.is_signed(digest, &self.secret)
            && is_from_issuer
            && is_for_audience
            && is_unexpired
            && is_active
    }
}

fn text(text: &str) -> Value {
    Value::from(text)
}

/// `[valid, header, payload]`; header and payload are empty unless the token is valid.
fn decode_verify(token: &str, constraints: &Constraints) -> Option<Value> {
    let token = Token::parse(token)?;
    let (valid, header, payload) = match constraints.accepts(&token) {
        true => (true, token.header, token.payload),
        false => (false, Value::new_object(), Value::new_object()),
    };
    Some(Value::from(vec![Value::Bool(valid), header, payload]))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A token of a payload, signed with the secret `k` by HS256.
    fn token(payload: &str) -> String {
        let part = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        let signed = format!("{}.{}", part(br#"{"alg":"HS256"}"#), part(payload.as_bytes()));
        let signature = digests::hmac("sha256", b"k", signed.as_bytes()).unwrap();
        format!("{signed}.{}", part(&signature))
    }

    fn evaluate_with(name: &str, token: &str, second: &str) -> Result<Option<Value>, String> {
        let second = Value::from_json_str(second).unwrap();
        evaluate(name, &[Value::from(token), second], 1_000_000)
    }

    /// The example of RFC 7515, appendix A.1, has a key that is no text; its parts decode.
    #[test]
    fn a_token_of_the_standard_is_decoded() {
        let text = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
        let decoded = evaluate("io.jwt.decode", &[Value::from(text)], 0).unwrap().unwrap();
        let expected = r#"[{"alg":"HS256","typ":"JWT"},{"exp":1300819380,"http://example.com/is_root":true,"iss":"joe"},"7418dfb49799e0254ffa607dd8adbbba16d4254d69d6bff05b58055853848d79"]"#;
        assert_eq!(decoded, Value::from_json_str(expected).unwrap());
    }

    #[test]
    fn a_signature_is_checked_with_its_secret_and_digest() {
        let good = token("{}");
        let cases = [
            ("io.jwt.verify_hs256", good.as_str(), "\"k\"", Some(true)),
            ("io.jwt.verify_hs256", good.as_str(), "\"other\"", Some(false)),
            ("io.jwt.verify_hs512", good.as_str(), "\"k\"", Some(false)),
            ("io.jwt.verify_hs256", "no token", "\"k\"", None),
        ];
        for (name, token, secret, expected) in cases {
            assert_eq!(
                evaluate_with(name, token, secret),
                Ok(expected.map(Value::Bool)),
                "{name} {secret}"
            );
        }
    }

    #[test]
    fn a_token_is_checked_against_every_constraint() {
        let cases = [
            ("{}", r#"{"secret": "k"}"#, true),
            ("{}", r#"{"secret": "x"}"#, false),
            ("{}", r#"{"secret": "k", "alg": "HS512"}"#, false),
            (r#"{"iss": "a"}"#, r#"{"secret": "k", "iss": "a"}"#, true),
            (r#"{"iss": "b"}"#, r#"{"secret": "k", "iss": "a"}"#, false),
            ("{}", r#"{"secret": "k", "iss": "a"}"#, false),
            (r#"{"aud": "a"}"#, r#"{"secret": "k"}"#, false),
            (r#"{"aud": ["b", "a"]}"#, r#"{"secret": "k", "aud": "a"}"#, true),
            ("{}", r#"{"secret": "k", "aud": "a"}"#, false),
            // The run's time is 1,000 seconds.
            (r#"{"exp": 1001, "nbf": 1000}"#, r#"{"secret": "k"}"#, true),
            (r#"{"exp": 1000}"#, r#"{"secret": "k"}"#, false),
            (r#"{"nbf": 1001}"#, r#"{"secret": "k"}"#, false),
            (r#"{"nbf": 1001}"#, r#"{"secret": "k", "time": 2000000000000}"#, true),
            // More digits than a float has.
            (r#"{"nbf": 1709159405}"#, r#"{"secret": "k", "time": 1709159405123456789}"#, true),
            (r#"{"nbf": 1709159406}"#, r#"{"secret": "k", "time": 1709159405123456789}"#, false),
        ];
        for (payload, constraints, valid) in cases {
            let found = evaluate_with("io.jwt.decode_verify", &token(payload), constraints);
            let found = found.unwrap().unwrap();
            assert_eq!(found[0_usize], Value::Bool(valid), "{payload} {constraints}");
        }
        let refused =
            evaluate_with("io.jwt.decode_verify", &token("{}"), r#"{"cert": "x"}"#).unwrap_err();
        assert!(refused.contains("before the call"), "{refused}");
    }
}
