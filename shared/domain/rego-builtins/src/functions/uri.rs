//! URLs as Go's `net/url` reads them.

use super::strings::text_of;
use crate::context::Error;
use crate::gofmt;
use crate::value::Object;

/// The bytes of a text with `%XX`.
pub(super) fn unescape(text: &str) -> Result<Vec<u8>, Error> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        if *first != b'%' {
            out.push(*first);
            continue;
        }
        let pair = rest.get(..2).and_then(|pair| std::str::from_utf8(pair).ok());
        let byte = pair.filter(|pair| pair.bytes().all(|byte| byte.is_ascii_hexdigit()));
        let byte = byte.and_then(|pair| u8::from_str_radix(pair, 16).ok()).ok_or_else(|| {
            let shown: Vec<u8> = [b'%'].into_iter().chain(rest.iter().take(2).copied()).collect();
            Error::new(format!(
                "invalid URL escape {}",
                gofmt::quote(&String::from_utf8_lossy(&shown))
            ))
        })?;
        out.push(byte);
        rest = rest.get(2..).unwrap_or_default();
    }
    Ok(out)
}

/// The parts of a URL that are not empty.
pub(super) fn parse(text: &str) -> Result<Object, Error> {
    let fail = |reason: &str| Error::new(format!("parse {}: {reason}", gofmt::quote(text)));
    let (rest, fragment) = match text.split_once('#') {
        Some((rest, fragment)) => (rest, fragment),
        None => (text, ""),
    };
    if rest.bytes().any(|byte| byte < b' ' || byte == 0x7f) {
        return Err(fail("net/url: invalid control character in URL"));
    }
    let mut object = Object::default();
    let mut set = |key: &str, value: String| {
        if !value.is_empty() {
            object.insert(key.into(), value.into());
        }
    };
    let fragment = unescape(fragment).map_err(|error| fail(&error.message))?;
    set("fragment", text_of(fragment)?);
    if rest == "*" {
        set("path", "*".to_owned());
        set("raw_path", "*".to_owned());
        return Ok(object);
    }
    let (scheme, rest) = scheme(rest).map_err(fail)?;
    set("scheme", scheme.to_lowercase());
    let (rest, query) = match rest.split_once('?') {
        Some((rest, query)) => (rest, query),
        None => (rest, ""),
    };
    set("raw_query", query.to_owned());
    if !rest.starts_with('/') {
        if !scheme.is_empty() {
            // What follows the scheme is opaque.
            return Ok(object);
        }
        if rest.split('/').next().is_some_and(|segment| segment.contains(':')) {
            return Err(fail("first path segment in URL cannot contain colon"));
        }
    }
    let mut path = rest;
    let has_authority = !scheme.is_empty() || !rest.starts_with("///");
    if has_authority && let Some(after) = rest.strip_prefix("//") {
        let (authority, after) = after.split_at(after.find('/').unwrap_or(after.len()));
        path = after;
        let host = match authority.rsplit_once('@') {
            Some((user, host)) => {
                let is_valid = user
                    .chars()
                    .all(|c| c.is_ascii_alphanumeric() || "-._:~!$&'()*+,;=%@".contains(c));
                if !is_valid {
                    return Err(fail("net/url: invalid userinfo"));
                }
                for part in user.splitn(2, ':') {
                    unescape(part).map_err(|error| fail(&error.message))?;
                }
                host
            }
            None => authority,
        };
        let (name, port) = host_parts(host).map_err(|error| fail(&error.message))?;
        set("hostname", name);
        set("port", port);
    }
    let bytes = unescape(path).map_err(|error| fail(&error.message))?;
    let decoded = text_of(bytes)?;
    set("path", decoded);
    set("raw_path", path.to_owned());
    Ok(object)
}

fn scheme(text: &str) -> Result<(&str, &str), &'static str> {
    for (at, c) in text.char_indices() {
        match c {
            'a'..='z' | 'A'..='Z' => {}
            '0'..='9' | '+' | '-' | '.' if at > 0 => {}
            ':' if at == 0 => return Err("missing protocol scheme"),
            ':' => {
                return Ok((
                    text.get(..at).unwrap_or_default(),
                    text.get(at + 1..).unwrap_or_default(),
                ));
            }
            _ => return Ok(("", text)),
        }
    }
    Ok(("", text))
}

fn host_parts(host: &str) -> Result<(String, String), Error> {
    let port_of = |text: &str| -> Result<String, Error> {
        match text.strip_prefix(':') {
            Some(port) if port.bytes().all(|byte| byte.is_ascii_digit()) => Ok(port.to_owned()),
            None if text.is_empty() => Ok(String::new()),
            _ => Err(Error::new(format!("invalid port {} after host", gofmt::quote(text)))),
        }
    };
    if let Some(inner) = host.strip_prefix('[') {
        let (name, rest) =
            inner.split_once(']').ok_or_else(|| Error::new("missing ']' in host"))?;
        return Ok((name.replace("%25", "%"), port_of(rest)?));
    }
    let (name, port) = match host.rfind(':') {
        Some(at) => host.split_at(at),
        None => (host, ""),
    };
    let port = port_of(port)?;
    let is_wrong = |c: char| {
        c.is_ascii() && !c.is_ascii_alphanumeric() && !"-._~!$&'()*+,;=:[]<>\"%".contains(c)
    };
    if let Some(c) = name.chars().find(|c| is_wrong(*c)) {
        return Err(Error::new(format!(
            "invalid character {} in host name",
            gofmt::quote(&c.to_string())
        )));
    }
    // In a host, an escape stands for a byte that is not ASCII.
    let bytes = unescape(name)?;
    let is_ascii_escape = name
        .match_indices('%')
        .any(|(at, _)| name.as_bytes().get(at + 1).is_some_and(|byte| (b'0'..b'8').contains(byte)));
    if is_ascii_escape {
        return Err(Error::new("invalid URL escape in host name"));
    }
    Ok((text_of(bytes)?, port))
}
