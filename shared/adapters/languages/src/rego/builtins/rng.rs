//! Pseudo-random numbers that depend only on the run's seed and a key.

/// A number below `limit` that depends only on the seed and the key: as in OPA, the same call
/// returns the same number during a run.
pub(super) fn draw(seed: u64, key: &str, limit: u64) -> u64 {
    // FNV-1a spreads the key, splitmix64 the sum; neither needs to resist an attacker, because
    // the policy's author chooses both the key and what becomes of the number.
    let mut state = key.bytes().fold(0xcbf2_9ce4_8422_2325 ^ seed, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    state = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    state = (state ^ (state >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    state ^= state >> 31;
    u64::try_from((u128::from(state) * u128::from(limit)) >> 64).unwrap_or_default()
}

/// A random identifier (RFC 4122, version 4) that depends only on the seed and the key.
pub(super) fn identifier(seed: u64, key: &str) -> String {
    let half = |salt| u128::from(draw(seed ^ salt, key, u64::MAX));
    let bits = (half(0x0a5a_5a5a_5a5a_5a5a) << 64) | half(0x3c3c_3c3c_3c3c_3c3c);
    // Four bits of version, two of variant.
    let bits = bits & !(0xf << 76) & !(0x3 << 62) | (0x4 << 76) | (0x2 << 62);
    let digits = format!("{bits:032x}");
    let part = |from: usize, to: usize| digits.get(from..to).unwrap_or_default();
    [part(0, 8), part(8, 12), part(12, 16), part(16, 20), part(20, 32)].join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn random_numbers_follow_from_the_seed_and_stay_below_the_limit() {
        assert_eq!(draw(1, "a", 1_000_000), draw(1, "a", 1_000_000));
        assert_ne!(draw(1, "a", 1_000_000), draw(2, "a", 1_000_000));
        assert_ne!(draw(1, "a", 1_000_000), draw(1, "b", 1_000_000));
        assert_eq!(draw(1, "a", 0), 0);
        assert!((0..1_000).all(|seed| draw(seed, "a", 7) < 7));
    }

    #[test]
    fn identifiers_are_of_version_four_and_follow_from_the_seed() {
        for seed in 0..100 {
            let text = identifier(seed, "k");
            let letters: Vec<char> = text.chars().collect();
            assert_eq!((letters.len(), letters[14]), (36, '4'), "{text}");
            assert!("89ab".contains(letters[19]), "{text}");
            assert_eq!(text, identifier(seed, "k"));
            assert_ne!(text, identifier(seed + 1, "k"));
            assert_ne!(text, identifier(seed, "l"));
        }
    }
}
