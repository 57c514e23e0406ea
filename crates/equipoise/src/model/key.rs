//! Fixed hashes: request keys from opportunity ids, and the uniform numbers that break ties.
//!
//! Part of the serving rule: changing a constant here changes decisions.

pub use equipoise_kernel::mix;

/// The key of an integer id; equal for equal values of any integer type (unsigned values above `i64::MAX` by their bits).
#[must_use]
pub const fn hash_integer(id: i64) -> u64 {
    mix(id as u64)
}

/// The key of a text id: the first eight bytes, little-endian, of its BLAKE3 hash.
#[must_use]
pub fn hash_text(id: &str) -> u64 {
    hash_digest(text_digest(id))
}

/// The first 16 bytes of the BLAKE3 hash of a text: enough to tell texts apart.
pub(crate) fn text_digest(id: &str) -> [u8; 16] {
    let mut digest = [0; 16];
    digest.copy_from_slice(&blake3::hash(id.as_bytes()).as_bytes()[..16]);
    digest
}

/// [`hash_text`] of the text that has this digest.
pub(crate) const fn hash_digest(digest: [u8; 16]) -> u64 {
    u128::from_le_bytes(digest) as u64
}

/// `u(key, campaign)` of the serving rule: uniform on `[0, 1)` in steps of `2^-24`; `campaign` is [`hash_text`] of the campaign's id.
#[must_use]
pub fn uniform(key: u64, campaign: u64) -> f32 {
    (mix(key ^ mix(campaign)) >> 40) as f32 * (1.0 / 16_777_216.0)
}
