//! Networks and addresses, IPv4 and IPv6.

use std::net::IpAddr;

/// The most addresses that `net.cidr_expand` gives, as a power of two.
const EXPANDED_BITS_MAX: u32 = 16;

/// Refuses a network that is too large to expand. It accepts text that is no network, which the
/// library refuses.
pub(super) fn expansion_fits(network: &str) -> Result<(), String> {
    match cidr(network) {
        Some(((_, family), prefix)) if family - prefix > EXPANDED_BITS_MAX => Err(format!(
            "`net.cidr_expand` would give more than {} addresses",
            1_u32 << EXPANDED_BITS_MAX
        )),
        _ => Ok(()),
    }
}

/// Whether an address or a network lies inside a network; `None` for what is neither.
pub(super) fn cidr_contains(network: &str, inside: &str) -> Option<bool> {
    let (network, width) = cidr(network)?;
    let (inside, inside_width) = match inside.contains('/') {
        true => cidr(inside)?,
        false => address(inside).map(|(bits, family)| ((bits, family), family))?,
    };
    let ((network, family), (inside, inside_family)) = (network, inside);
    let shift = 128 - width;
    let same = shift == 128 || network >> shift == inside >> shift;
    Some(family == inside_family && inside_width >= width && same)
}

/// A network's bits, left-aligned in 128, its family's width in bits, and its prefix length.
fn cidr(text: &str) -> Option<((u128, u32), u32)> {
    let (base, prefix) = text.split_once('/')?;
    let (bits, family) = address(base)?;
    let prefix = prefix.parse::<u32>().ok().filter(|prefix| *prefix <= family)?;
    Some(((bits, family), prefix))
}

fn address(text: &str) -> Option<(u128, u32)> {
    Some(match text.parse::<IpAddr>().ok()? {
        IpAddr::V4(address) => (u128::from(u32::from(address)) << 96, 32),
        IpAddr::V6(address) => (u128::from(address), 128),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_contain_addresses_and_networks_of_their_family() {
        let cases = [
            ("10.0.0.0/8", "10.1.2.3", Some(true)),
            ("10.0.0.0/8", "11.1.2.3", Some(false)),
            ("0.0.0.0/0", "255.255.255.255", Some(true)),
            ("0.0.0.0/0", "::1", Some(false)),
            ("10.0.0.0/8", "10.128.0.0/9", Some(true)),
            ("10.128.0.0/9", "10.0.0.0/8", Some(false)),
            ("2001:db8::/32", "2001:db8:ffff::1", Some(true)),
            ("10.0.0.0/33", "10.0.0.1", None),
            ("10.0.0.0", "10.0.0.1", None),
            ("10.0.0.0/8", "ten", None),
        ];
        for (network, inside, expected) in cases {
            assert_eq!(cidr_contains(network, inside), expected, "{network} {inside}");
        }
    }

    #[test]
    fn only_small_networks_are_expanded() {
        let cases = [
            ("10.0.0.0/16", true),
            ("10.0.0.0/15", false),
            ("2001:db8::/112", true),
            ("2001:db8::/64", false),
            ("no network", true),
        ];
        for (network, fits) in cases {
            assert_eq!(expansion_fits(network).is_ok(), fits, "{network}");
        }
    }
}
