//! The secrets that a workspace's callbacks are signed with, as replies show them.

use serde::Serialize;
use serde_json::json;
use writ_edge::Reply;
use writ_model::Timestamp;
use writ_ports::CallbackSecret;

#[derive(Serialize)]
struct Shown<'a> {
    secret: &'a str,
    made_at: Timestamp,
    ends_at: Option<Timestamp>,
}

/// The secrets that sign now, the newest first, in a reply that no cache keeps.
pub(crate) fn reply(secrets: &[CallbackSecret]) -> Reply {
    let shown = secrets.iter().map(|secret| Shown {
        secret: &secret.secret,
        made_at: secret.made_at,
        ends_at: secret.ends_at,
    });
    Reply::data(&json!({ "secrets": shown.collect::<Vec<_>>() }).to_string())
        .header(http::header::CACHE_CONTROL, "no-store".to_owned())
}
