//! Addresses and networks, without a network.

use std::net::{Ipv4Addr, Ipv6Addr};

use crate::builtin::{Answer, Args, Call, some};
use crate::context::{Context, Error};
use crate::value::{Set, Value};

pub(crate) const TABLE: &[(&str, Call)] = &[
    ("net.cidr_contains", |_, args| {
        some(contains(&Network::parse(args.text(0)?)?, args.text(1)?)?)
    }),
    ("net.cidr_overlap", |_, args| some(contains(&Network::parse(args.text(0)?)?, args.text(1)?)?)),
    ("net.cidr_intersects", |_, args| {
        let (one, two) = (Network::parse(args.text(0)?)?, Network::parse(args.text(1)?)?);
        some(one.has(two.first) || two.has(one.first))
    }),
    ("net.cidr_is_valid", |_, args| {
        some(args.value(0).as_str().is_some_and(|text| Network::parse(text).is_ok()))
    }),
    ("net.cidr_expand", expand),
    ("net.cidr_merge", merge),
    ("net.cidr_contains_matches", contains_matches),
];

/// An address as its bits; one of version 4 in version 6 is one of version 4.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Address {
    Four(u32),
    Six(u128),
}

impl Address {
    fn parse(text: &str) -> Option<Self> {
        if let Ok(address) = text.parse::<Ipv4Addr>() {
            return Some(Address::Four(address.to_bits()));
        }
        let address = text.parse::<Ipv6Addr>().ok()?;
        Some(match address.to_ipv4_mapped() {
            Some(four) => Address::Four(four.to_bits()),
            None => Address::Six(address.to_bits()),
        })
    }

    fn bits(self) -> u128 {
        match self {
            Address::Four(bits) => u128::from(bits),
            Address::Six(bits) => bits,
        }
    }

    fn with_bits(self, bits: u128) -> Self {
        match self {
            Address::Four(_) => Address::Four(u32::try_from(bits).unwrap_or(u32::MAX)),
            Address::Six(_) => Address::Six(bits),
        }
    }

    fn width(self) -> u32 {
        match self {
            Address::Four(_) => 32,
            Address::Six(_) => 128,
        }
    }
}

impl std::fmt::Display for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Address::Four(bits) => Ipv4Addr::from_bits(*bits).fmt(f),
            Address::Six(bits) => Ipv6Addr::from_bits(*bits).fmt(f),
        }
    }
}

/// All addresses with the same first bits.
#[derive(Clone, Copy)]
struct Network {
    first: Address,
    prefix: u32,
}

impl Network {
    fn parse(text: &str) -> Result<Self, Error> {
        let wrong = || Error::new(format!("invalid CIDR address: {text}"));
        let (address, prefix) = text.split_once('/').ok_or_else(wrong)?;
        let is_number = !prefix.is_empty() && prefix.bytes().all(|byte| byte.is_ascii_digit());
        let prefix: u32 = prefix.parse().ok().filter(|_| is_number).ok_or_else(wrong)?;
        let (bits, width) = match (address.parse::<Ipv4Addr>(), address.parse::<Ipv6Addr>()) {
            (Ok(four), _) => (u128::from(four.to_bits()), 32),
            (_, Ok(six)) => (six.to_bits(), 128),
            _ => return Err(wrong()),
        };
        if prefix > width {
            return Err(wrong());
        }
        let masked = bits & !host_bits(width, prefix);
        if width == 32 {
            return Ok(Network {
                first: Address::Four(u32::try_from(masked).unwrap_or(0)),
                prefix,
            });
        }
        Ok(match Ipv6Addr::from_bits(masked).to_ipv4_mapped() {
            Some(four) if prefix >= 96 => {
                Network { first: Address::Four(four.to_bits()), prefix: prefix - 96 }
            }
            _ => Network { first: Address::Six(masked), prefix },
        })
    }

    fn last(&self) -> Address {
        self.first.with_bits(self.first.bits() | host_bits(self.first.width(), self.prefix))
    }

    fn has(&self, address: Address) -> bool {
        self.first.width() == address.width() && self.first <= address && address <= self.last()
    }
}

/// The bits behind a prefix, all set.
fn host_bits(width: u32, prefix: u32) -> u128 {
    1_u128.checked_shl(width - prefix).map_or(u128::MAX, |bits| bits - 1)
}

/// Whether a network has an address, or all of another network.
fn contains(network: &Network, text: &str) -> Result<bool, Error> {
    if let Some(address) = Address::parse(text) {
        return Ok(network.has(address));
    }
    let inner = Network::parse(text).map_err(|_| {
        Error::new(format!("not a valid textual representation of an IP address or CIDR: {text}"))
    })?;
    Ok(network.has(inner.first) && network.has(inner.last()))
}

fn expand(context: &mut Context<'_>, args: &Args<'_>) -> Answer {
    let network = Network::parse(args.text(0)?)?;
    let (first, last) = (network.first.bits(), network.last().bits());
    let count = usize::try_from(last - first).unwrap_or(usize::MAX);
    context.charge(count.saturating_mul(64))?;
    some(Value::set(
        (first..=last).map(|bits| Value::from(network.first.with_bits(bits).to_string())),
    ))
}

/// Addresses of version 4 lie among those of version 6.
const MAPPED: u128 = 0xffff << 32;

fn mapped(address: Address) -> u128 {
    match address {
        Address::Four(bits) => MAPPED | u128::from(bits),
        Address::Six(bits) => bits,
    }
}

fn merge(_: &mut Context<'_>, args: &Args<'_>) -> Answer {
    // First and last address, and the text of a network that is not merged.
    let mut ranges: Vec<(u128, u128, Option<String>)> = Vec::new();
    for text in args.texts(0)? {
        let (network, origin) = match Address::parse(text) {
            Some(first @ Address::Four(bits)) => {
                // An address alone has the mask of its class.
                let prefix = match bits >> 24 {
                    0..=127 => 8,
                    128..=191 => 16,
                    _ => 24,
                };
                let masked = first.bits() & !host_bits(32, prefix);
                (
                    Network { first: first.with_bits(masked), prefix },
                    Some(format!("{first}/{prefix}")),
                )
            }
            Some(Address::Six(_)) => return Err(Error::new("IPv6 invalid: needs prefix length")),
            None => (Network::parse(text)?, None),
        };
        ranges.push((mapped(network.first), mapped(network.last()), origin));
    }
    ranges.sort();
    let mut merged: Vec<(u128, u128, Option<String>)> = Vec::new();
    for (first, last, origin) in ranges {
        match merged.last_mut() {
            Some((_, end, text)) if first <= end.saturating_add(1) => {
                *end = (*end).max(last);
                *text = None;
            }
            _ => merged.push((first, last, origin)),
        }
    }
    let mut networks = Set::default();
    for (first, last, origin) in merged {
        match origin {
            Some(text) => {
                networks.insert(Value::from(text));
            }
            None => split(first, last, &mut networks),
        }
    }
    some(networks)
}

/// Adds the largest networks that make up a range of addresses.
fn split(first: u128, last: u128, networks: &mut Set) {
    let is_four = first >> 32 == MAPPED >> 32 && last >> 32 == MAPPED >> 32;
    let mut from = first;
    loop {
        let aligned = from.trailing_zeros();
        let fits =
            |size: &u32| from.checked_add(host_bits(*size, 0)).is_some_and(|end| end <= last);
        let size = (0..=aligned).rev().find(fits).unwrap_or(0);
        let text = match u32::try_from(from & 0xffff_ffff) {
            Ok(bits) if is_four => {
                format!("{}/{}", Address::Four(bits), 32_u32.saturating_sub(size))
            }
            _ => format!("{}/{}", Address::Six(from), 128 - size),
        };
        networks.insert(Value::from(text));
        match from.checked_add(host_bits(size, 0)).and_then(|end| end.checked_add(1)) {
            Some(next) if next <= last => from = next,
            _ => return,
        }
    }
}

/// The text of a network or address: a text, or the first item of an array.
fn text(place: usize, value: &Value) -> Result<&str, Error> {
    let found = match value {
        Value::String(text) => return Ok(text),
        Value::Array(array) => array.get(0),
        _ => None,
    };
    let found = found.ok_or_else(|| {
        Error::new(format!("operand {place}: element must be string or non-empty array"))
    })?;
    found.as_str().ok_or_else(|| {
        Error::new(format!("operand {place}: element must be string or non-empty array"))
    })
}

/// The members of an operand, each with what stands for it in the result.
fn members(value: &Value) -> Vec<(Value, &Value)> {
    match value {
        Value::String(_) => vec![(value.clone(), value)],
        _ => value.pairs().map(|(key, item)| (key.into_owned(), item)).collect(),
    }
}

/// Elements are read as they are needed: a wrong one that no pair needs does not matter.
fn contains_matches(context: &mut Context<'_>, args: &Args<'_>) -> Answer {
    let addresses = members(args.value(1));
    let mut matches = Set::default();
    for (key, network) in members(args.value(0)) {
        let network = text(1, network)?;
        context.charge(addresses.len() * 8)?;
        for (other, address) in &addresses {
            let address = text(2, address)?;
            if contains(&Network::parse(network)?, address)? {
                matches.insert(Value::array([key.clone(), other.clone()]));
            }
        }
    }
    some(matches)
}
