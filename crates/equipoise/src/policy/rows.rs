//! Rows: process-local numbers of a policy's campaigns, tagged so that rows of another policy are noticed.

use std::sync::{Mutex, PoisonError};

/// The row of a campaign that the policy does not know.
pub const UNKNOWN: u32 = u32::MAX;
/// The row of a candidate that is not promoted at all.
pub const ORGANIC: u32 = u32::MAX - 1;
/// Most campaigns that a policy can have: 24 bits of index, less the two numbers above.
pub const CAMPAIGN_LIMIT: usize = (1 << INDEX_BITS) - 2;

pub(crate) const INDEX_BITS: u32 = 24;

/// The last 256 policy ids that were given a tag, and whose turn is next.
struct Tags {
    ids: Vec<[u8; 16]>,
    next: u8,
}

static TAGS: Mutex<Tags> = Mutex::new(Tags { ids: Vec::new(), next: 0 });

/// The tag of a policy: the same for the same id while it is among the last 256 that were loaded.
pub(super) fn tag(id: [u8; 16]) -> u8 {
    let mut tags = TAGS.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(at) = tags.ids.iter().position(|known| *known == id) {
        return at as u8;
    }
    let tag = tags.next;
    if tags.ids.len() < 256 {
        tags.ids.push(id);
    } else {
        tags.ids[tag as usize] = id;
    }
    tags.next = tag.wrapping_add(1);
    tag
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn same_id_same_tag_and_neighbours_differ() {
        let id = |n: u32| blake3::hash(&n.to_le_bytes()).as_bytes()[..16].try_into().expect("sixteen bytes");
        let first = tag(id(1));
        for n in 2..200 {
            assert_ne!(tag(id(n)), first);
        }
        assert_eq!(tag(id(1)), first);
    }
}
