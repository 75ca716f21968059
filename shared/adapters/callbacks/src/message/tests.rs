//! Tests of signatures against those of Python's `hmac`, and of messages that a receiver must
//! reject.

use super::*;

const ID: &str = "msg_p5jXN8AQM9LWM0D4loKWxJek";
const TIMESTAMP_S: i64 = 1_614_265_330;
const BODY: &[u8] = br#"{"test": 2432232314}"#;

/// The example secret of the specification, and one of 32 bytes.
const EXAMPLE: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const SIGNATURE: &str = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
const OTHER_SIGNATURE: &str = "v1,YO/ulmd+VFtlnbodv7yLOOsS6RlBZ48h++gXZrGOpZo=";

fn example() -> Secret {
    Secret::parse(EXAMPLE).unwrap()
}

fn other() -> Secret {
    Secret::from_bytes([7; 32])
}

fn signed(secrets: &[Secret]) -> Message {
    Message::sign(ID, TIMESTAMP_S, BODY, secrets).unwrap()
}

#[test]
fn a_signature_is_the_one_that_others_make() {
    assert_eq!(signed(&[example()]).signature(), SIGNATURE);
    assert_eq!(signed(&[other()]).signature(), OTHER_SIGNATURE);
    let both = format!("{SIGNATURE} {OTHER_SIGNATURE}");
    assert_eq!(signed(&[example(), other()]).signature(), both);
}

#[test]
fn a_receiver_with_any_of_the_secrets_believes_a_message() {
    let both = [example(), other()];
    for (senders, receivers) in
        [(&both[..1], &both[..1]), (&both[..], &both[1..]), (&both[1..], &both[..])]
    {
        let message = signed(senders);
        let timestamp = message.timestamp_s().to_string();
        let headers =
            Headers { id: message.id(), timestamp: &timestamp, signature: message.signature() };
        let verified = |now_s| verify(headers, message.body(), receivers, now_s, TOLERANCE_S);
        assert_eq!(verified(TIMESTAMP_S), Ok(()));
        assert_eq!(verified(TIMESTAMP_S + 300), Ok(()));
        assert_eq!(verified(TIMESTAMP_S - 300), Ok(()));
        assert_eq!(verified(TIMESTAMP_S + 301), Err(VerifyError::Time(301)));
        assert_eq!(verified(TIMESTAMP_S - 301), Err(VerifyError::Time(301)));
        assert_eq!(verified(i64::MIN), Err(VerifyError::Time(i64::MIN.abs_diff(TIMESTAMP_S))));
    }
}

#[test]
fn what_was_changed_on_its_way_is_not_believed() {
    let timestamp = TIMESTAMP_S.to_string();
    let good = Headers { id: ID, timestamp: &timestamp, signature: SIGNATURE };
    let verified = |headers, body| verify(headers, body, &[example()], TIMESTAMP_S, TOLERANCE_S);
    assert_eq!(verified(good, BODY), Ok(()));
    let among_others = format!("v1a,AAAA v1,AAAA {SIGNATURE} v1,");
    assert_eq!(verified(Headers { signature: &among_others, ..good }, BODY), Ok(()));

    assert_eq!(verified(good, br#"{"test": 2432232315}"#), Err(VerifyError::Signature));
    assert_eq!(verified(good, b""), Err(VerifyError::Signature));
    let cut = SIGNATURE.get(..43).unwrap();
    let without_version = SIGNATURE.trim_start_matches("v1,");
    let other_version = SIGNATURE.replace("v1,", "v2,");
    for (headers, expected) in [
        (Headers { id: "msg_other", ..good }, VerifyError::Signature),
        (Headers { timestamp: "1614265331", ..good }, VerifyError::Signature),
        (Headers { timestamp: "+1614265330", ..good }, VerifyError::Signature),
        (Headers { timestamp: "soon", ..good }, VerifyError::Timestamp),
        (Headers { timestamp: "", ..good }, VerifyError::Timestamp),
        (Headers { timestamp: "1614265330.0", ..good }, VerifyError::Timestamp),
        (Headers { signature: "", ..good }, VerifyError::Signature),
        (Headers { signature: "v1,", ..good }, VerifyError::Signature),
        (Headers { signature: cut, ..good }, VerifyError::Signature),
        (Headers { signature: without_version, ..good }, VerifyError::Signature),
        (Headers { signature: &other_version, ..good }, VerifyError::Signature),
        (Headers { signature: OTHER_SIGNATURE, ..good }, VerifyError::Signature),
    ] {
        assert_eq!(verified(headers, BODY), Err(expected), "{headers:?}");
    }
    let none = verify(good, BODY, &[], TIMESTAMP_S, TOLERANCE_S);
    assert_eq!(none, Err(VerifyError::Signature));
}

#[test]
fn what_a_receiver_could_not_check_is_not_sent() {
    let long_id = "a".repeat(ID_BYTES_MAX + 1);
    for id in ["", "a.b", "a b", "a\r\nx: y", "\u{e4}", &long_id] {
        let error = Message::sign(id, TIMESTAMP_S, BODY, &[other()]).unwrap_err();
        assert!(matches!(error, MessageError::Id(_)), "{id}");
    }
    let many = vec![other(); SECRETS_MAX + 1];
    for secrets in [&many[..], &[]] {
        let error = Message::sign(ID, TIMESTAMP_S, BODY, secrets).unwrap_err();
        assert_eq!(error, MessageError::Secrets(secrets.len()));
    }
    assert!(Message::sign(ID, TIMESTAMP_S, BODY, &many[1..]).is_ok());
    let body = |bytes: usize| Message::sign(ID, TIMESTAMP_S, vec![b' '; bytes], &[other()]);
    assert!(body(BODY_BYTES_MAX).is_ok());
    assert_eq!(body(BODY_BYTES_MAX + 1), Err(MessageError::Body(BODY_BYTES_MAX + 1)));
}
