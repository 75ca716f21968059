//! Pseudo-random bytes that depend only on a run's seed.

/// SplitMix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, 2014). Not
/// cryptographic: policies spread load with it, and a replay must draw the same numbers.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Rng(u64);

impl Rng {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Fills a slice with the next bytes. Each call starts with a new 64-bit word.
    pub(crate) fn fill(&mut self, bytes: &mut [u8]) {
        for part in bytes.chunks_mut(size_of::<u64>()) {
            let word = self.word().to_le_bytes();
            part.iter_mut().zip(word).for_each(|(byte, random)| *byte = random);
        }
    }

    fn word(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = self.0;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        word ^ (word >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_decides_every_byte() {
        // The reference's first words for the seed 0.
        let mut bytes = [0; 20];
        Rng::new(0).fill(&mut bytes);
        let words = [0xe220_a839_7b1d_cdaf_u64, 0x6e78_9e6a_a1b9_65f4, 0x06c4_5d18_8009_454f];
        let expected: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).take(20).collect();
        assert_eq!(bytes.as_slice(), expected);
    }
}
