//! Large tables in large pages: fewer faults while they are filled, fewer misses while they are read at random.

/// Bytes from which a table is worth it: a few pages of 2 MiB.
const LARGE: usize = 8 << 20;

/// Asks the system to back the memory of a list by large pages, as far as it has them; nothing but speed depends on the answer.
///
/// To be asked before the memory is first written. Lists below 8 MiB stay as they are, and so does everything where the system is not Linux.
pub fn prefer_large<T>(list: &mut Vec<T>) {
    let bytes = list.capacity().saturating_mul(size_of::<T>());
    if bytes >= LARGE {
        advise(list.as_mut_ptr().cast(), bytes);
    }
}

#[cfg(target_os = "linux")]
fn advise(start: *mut u8, bytes: usize) {
    use std::ffi::{c_int, c_void};

    /// `MADV_HUGEPAGE` of Linux, the same on every processor.
    const HUGE: c_int = 14;
    /// The least page of Linux; where pages are larger the call is refused, which is as good as not asking.
    const PAGE: usize = 4096;

    unsafe extern "C" {
        fn madvise(start: *mut c_void, bytes: usize, advice: c_int) -> c_int;
    }

    let skipped = start.align_offset(PAGE);
    if skipped < bytes {
        // SAFETY: the range lies within one allocation, and this advice changes no contents and no access; a refusal changes nothing.
        unsafe { madvise(start.add(skipped).cast(), bytes - skipped, HUGE) };
    }
}

#[cfg(not(target_os = "linux"))]
fn advise(_start: *mut u8, _bytes: usize) {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contents_stay_and_any_list_will_do() {
        for n in [0, 1, 1000, 3 << 20] {
            let mut list: Vec<u32> = (0..n).collect();
            prefer_large(&mut list);
            assert!(list.iter().copied().eq(0..n));
        }
        prefer_large(&mut vec![(); 5]);
        prefer_large(&mut Vec::<u64>::with_capacity(2 << 20));
    }
}
