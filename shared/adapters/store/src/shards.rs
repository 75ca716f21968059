//! Shards of an index that is written a thousand times per second. One partition takes fewer
//! writes, so a workspace's entries are spread over [`SHARDS`] partitions by their ids.

/// Partitions of a workspace in such an index. It must not change: entries stay where they were
/// written.
pub(crate) const SHARDS: u64 = 8;

/// The shard of an id: FNV-1a, and the first steps of MurmurHash3's 64-bit finalizer. Written out
/// here, because no release may change the shard of an id.
pub(crate) fn shard_of(id: &str) -> u64 {
    let hash = id.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    let stirred = (hash ^ (hash >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    (stirred ^ (stirred >> 33)) % SHARDS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_spread_over_every_shard() {
        let mut counts = [0_u32; SHARDS as usize];
        for number in 0..8_000_u32 {
            counts[shard_of(&format!("01999999-0000-7000-8000-{number:012x}")) as usize] += 1;
        }
        assert!(counts.iter().all(|count| (800..1_200).contains(count)), "{counts:?}");
    }

    #[test]
    fn an_id_stays_where_it_was_written() {
        for (id, shard) in [("", 2), ("a", 5), ("01999999-0000-7000-8000-000000000001", 6)] {
            assert_eq!(shard_of(id), shard, "{id}");
        }
    }
}
