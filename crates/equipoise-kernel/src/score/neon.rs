//! [`Serve`] on NEON.
#![allow(clippy::wildcard_imports, reason = "a list of fifty instructions tells nothing")]

use super::admit::{Admission, Look};
use super::rows::{FLIGHT, NEAR, word_of};
use super::serve::Serve;
use crate::block::{LANES, Lane};
use crate::lanes::Lanes;
use crate::neon::{Answer, Neon, QUAD, answer, bytes, mask};
use std::arch::aarch64::*;

/// For each mask of four lanes how many are set.
const COUNT: [u8; 16] = [0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4];

/// For each mask of four lanes where the bytes of those that are set are, ascending; outside after them, which gives zeros.
static PACKED: [[u8; 16]; 16] = shuffles(true);

/// For each mask of four lanes where the bytes of the packed numbers are that belong to those that are set; outside for the others.
static UNPACKED: [[u8; 16]; 16] = shuffles(false);

const fn shuffles(pack: bool) -> [[u8; 16]; 16] {
    let mut table = [[u8::MAX; 16]; 16];
    let mut mask = 0;
    while mask < 16 {
        let (mut lane, mut at) = (0, 0);
        while lane < QUAD {
            if mask >> lane & 1 != 0 {
                let (from, to) = if pack { (lane, at) } else { (at, lane) };
                let mut byte = 0;
                while byte < 4 {
                    table[mask][4 * to + byte] = (4 * from + byte) as u8;
                    byte += 1;
                }
                at += 1;
            }
            lane += 1;
        }
        mask += 1;
    }
    table
}

/// Words in another order: bytes from outside are zero.
#[inline]
#[target_feature(enable = "neon")]
fn shuffled(of: uint32x4_t, order: &[u8; 16]) -> uint32x4_t {
    // SAFETY: sixteen bytes are there.
    let order = unsafe { vld1q_u8(order.as_ptr()) };
    vreinterpretq_u32_u8(vqtbl1q_u8(vreinterpretq_u8_u32(of), order))
}

/// The masks of four lanes each.
#[inline]
fn quarters(mask: u16) -> [usize; 4] {
    let mask = usize::from(mask);
    [mask & 15, mask >> 4 & 15, mask >> 8 & 15, mask >> 12]
}

/// Writes the numbers of the lanes whose bit is set, one after the other; returns how many there are.
///
/// # Safety
/// [`LANES`] numbers can be written.
#[inline]
#[target_feature(enable = "neon")]
unsafe fn pack(mask: u16, from: [uint32x4_t; 4], to: *mut u32) -> usize {
    let mut count = 0;
    for (quarter, quad) in quarters(mask).into_iter().zip(from) {
        // SAFETY: the caller's promise; four numbers are written behind at most as many as came before.
        unsafe { vst1q_u32(to.add(count), shuffled(quad, &PACKED[quarter])) }
        count += usize::from(COUNT[quarter]);
    }
    count
}

/// The other way round: each lane whose bit is set takes the next number, others zero.
///
/// # Safety
/// [`LANES`] numbers must be there.
#[inline]
#[target_feature(enable = "neon")]
unsafe fn unpacked(mask: u16, from: *const u32) -> [uint32x4_t; 4] {
    let (mut count, mut out) = (0, [vdupq_n_u32(0); 4]);
    for (quarter, quad) in quarters(mask).into_iter().zip(&mut out) {
        // SAFETY: the caller's promise; four numbers are read behind at most as many as came before.
        *quad = shuffled(unsafe { vld1q_u32(from.add(count)) }, &UNPACKED[quarter]);
        count += usize::from(COUNT[quarter]);
    }
    out
}

/// Sixteen bytes of all ones or zeros as lanes.
#[inline]
#[target_feature(enable = "neon")]
fn lanes(of: uint8x16_t) -> Answer {
    let (low, high) = (vreinterpretq_u16_u8(vzip1q_u8(of, of)), vreinterpretq_u16_u8(vzip2q_u8(of, of)));
    [vzip1q_u16(low, low), vzip2q_u16(low, low), vzip1q_u16(high, high), vzip2q_u16(high, high)].map(|quad| vreinterpretq_u32_u16(quad))
}

/// Sixteen bytes as numbers.
#[inline]
#[target_feature(enable = "neon")]
fn widened(of: uint8x16_t) -> [uint32x4_t; 4] {
    let (low, high) = (vmovl_u8(vget_low_u8(of)), vmovl_high_u8(of));
    [vmovl_u16(vget_low_u16(low)), vmovl_high_u16(low), vmovl_u16(vget_low_u16(high)), vmovl_high_u16(high)]
}

/// The first `count` of four numbers, zeros after them; nothing is read behind them.
///
/// # Safety
/// As many must be there.
#[inline]
#[target_feature(enable = "neon")]
unsafe fn first(from: *const f32, count: usize) -> float32x4_t {
    let zero = vdupq_n_f32(0.0);
    // SAFETY: the caller's promise.
    unsafe {
        match count {
            0 => zero,
            1 => vld1q_lane_f32::<0>(from, zero),
            2 => vcombine_f32(vld1_f32(from), vget_low_f32(zero)),
            3 => vcombine_f32(vld1_f32(from), vld1_lane_f32::<0>(from.add(2), vget_low_f32(zero))),
            _ => vld1q_f32(from),
        }
    }
}

/// Turns four rows of four words into columns.
#[inline]
#[target_feature(enable = "neon")]
fn turned(rows: [uint32x4_t; 4]) -> [uint32x4_t; 4] {
    let [a, b, c, d] = rows;
    let (even_low, even_high) = (vreinterpretq_u64_u32(vtrn1q_u32(a, b)), vreinterpretq_u64_u32(vtrn1q_u32(c, d)));
    let (odd_low, odd_high) = (vreinterpretq_u64_u32(vtrn2q_u32(a, b)), vreinterpretq_u64_u32(vtrn2q_u32(c, d)));
    [
        vreinterpretq_u32_u64(vtrn1q_u64(even_low, even_high)),
        vreinterpretq_u32_u64(vtrn1q_u64(odd_low, odd_high)),
        vreinterpretq_u32_u64(vtrn2q_u64(even_low, even_high)),
        vreinterpretq_u32_u64(vtrn2q_u64(odd_low, odd_high)),
    ]
}

/// Which flights of two rows do not hold the time.
///
/// # Safety
/// Both must have eight words.
#[inline]
#[target_feature(enable = "neon")]
unsafe fn outside(rows: [*const u32; 2], time: int64x2_t) -> uint32x4_t {
    // SAFETY: the caller's promise.
    let [a, b] = rows.map(|row| unsafe { vld1q_s64(row.add(FLIGHT).cast()) });
    let (start, end) = (vtrn1q_s64(a, b), vtrn2q_s64(a, b));
    vreinterpretq_u32_u64(vorrq_u64(vcgtq_s64(start, time), vcgtq_s64(time, end)))
}

/// The bit of each of sixteen sets as a byte of all ones or zeros.
///
/// # Safety
/// Every set must have a bit, and there must be sixteen words of them.
#[inline]
#[target_feature(enable = "neon")]
unsafe fn bits(bits: &[u32], sets: [uint16x8_t; 2]) -> uint8x16_t {
    // Bit `i` is bit `i % 8` of byte `i / 8`, the lowest byte of a word being the first.
    let words = bits.as_ptr().cast::<u8>();
    let own = if bits.len() == LANES {
        let place = vcombine_u8(vshrn_n_u16::<3>(sets[0]), vshrn_n_u16::<3>(sets[1]));
        // SAFETY: the caller's promise.
        unsafe { vqtbl4q_u8(vld1q_u8_x4(words), place) }
    } else {
        let (mut set, mut own) = ([0_u16; LANES], [0_u8; LANES]);
        // SAFETY: the caller's promise. NEON gathers nothing: byte after byte.
        unsafe {
            vst1q_u16(set.as_mut_ptr(), sets[0]);
            vst1q_u16(set.as_mut_ptr().add(8), sets[1]);
            for (own, set) in own.iter_mut().zip(set) {
                *own = *words.add(usize::from(set >> 3));
            }
            vld1q_u8(own.as_ptr())
        }
    };
    let within = vandq_u8(vcombine_u8(vmovn_u16(sets[0]), vmovn_u16(sets[1])), vdupq_n_u8(7));
    vtstq_u8(own, vshlq_u8(vdupq_n_u8(1), vreinterpretq_s8_u8(within)))
}

// SAFETY of every block below: the caller promises pointers that are good for what they are said to read or write. NEON is always there.
impl Serve for Neon {
    type Mask = Answer;

    #[inline]
    #[target_feature(enable = "neon")]
    unsafe fn load_first(from: *const f32, count: usize) -> Self {
        let mut out = [vdupq_n_f32(0.0); 4];
        for (q, quad) in out.iter_mut().enumerate() {
            // SAFETY: see above.
            *quad = unsafe { first(from.add((q * QUAD).min(count)), count.saturating_sub(q * QUAD)) };
        }
        Self(out)
    }

    #[inline]
    #[target_feature(enable = "neon")]
    unsafe fn store_first(self, to: *mut f32, count: usize) {
        let mut whole = [0.0; LANES];
        // SAFETY: see above; no more are written than are there.
        unsafe {
            self.store(&mut whole);
            std::ptr::copy_nonoverlapping(whole.as_ptr(), to, count.min(LANES));
        }
    }

    #[inline]
    #[target_feature(enable = "neon")]
    unsafe fn max_bits(self, other: Self) -> Self {
        Self(self.zip(other, |a, b| vreinterpretq_f32_u32(vmaxq_u32(vreinterpretq_u32_f32(a), vreinterpretq_u32_f32(b)))))
    }

    #[inline]
    #[target_feature(enable = "neon")]
    unsafe fn with_bits(self, bits: u32) -> Answer {
        let bits = vdupq_n_u32(bits);
        self.0.map(|quad| vceqq_u32(vreinterpretq_u32_f32(quad), bits))
    }

    #[inline]
    #[target_feature(enable = "neon")]
    unsafe fn above(self, other: Self) -> Answer {
        self.zip(other, |a, b| vcgtq_f32(a, b))
    }

    #[inline]
    #[target_feature(enable = "neon")]
    unsafe fn select(self, mask: Answer, other: Self) -> Self {
        self.pick(mask, other)
    }

    #[inline]
    #[target_feature(enable = "neon")]
    unsafe fn of_code(codes: &[u8; LANES], code: u8) -> Answer {
        // SAFETY: see above.
        lanes(vceqq_u8(unsafe { vld1q_u8(codes.as_ptr()) }, vdupq_n_u8(code)))
    }

    #[inline]
    #[target_feature(enable = "neon")]
    unsafe fn set_code(mask: Answer, codes: &mut [u8; LANES], code: u8) {
        // SAFETY: see above.
        unsafe { vst1q_u8(codes.as_mut_ptr(), vbslq_u8(bytes(mask), vdupq_n_u8(code), vld1q_u8(codes.as_ptr()))) }
    }

    #[inline]
    #[target_feature(enable = "neon")]
    unsafe fn pack_at_least(self, bar: Self, first: u32, to: *mut u32) -> usize {
        const LANE: [u32; LANES] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15];
        let reached = mask(self.zip(bar, |a, b| vcgeq_f32(a, b)));
        let mut number = [vdupq_n_u32(first); 4];
        // SAFETY: see above.
        unsafe {
            for (q, number) in number.iter_mut().enumerate() {
                *number = vaddq_u32(*number, vld1q_u32(LANE.as_ptr().add(q * QUAD)));
            }
            pack(reached, number, to)
        }
    }

    #[inline]
    #[target_feature(enable = "neon")]
    unsafe fn transpose(from: *const f32, stride: usize, lanes: usize, count: usize, to: *mut f32, to_stride: usize) {
        for first_row in (0..LANES).step_by(QUAD) {
            for j in (0..count).step_by(QUAD) {
                let (mut rows, columns) = ([vdupq_n_u32(0); 4], QUAD.min(count - j));
                // SAFETY: see above; no row but those that are there is read, and no more than `count` of each.
                unsafe {
                    for (r, row) in rows.iter_mut().enumerate() {
                        *row = vreinterpretq_u32_f32(first(from.add((first_row + r).min(lanes - 1) * stride + j), columns));
                    }
                    for (k, column) in turned(rows).into_iter().enumerate().take(columns) {
                        vst1q_f32(to.add((j + k) * to_stride + first_row), vreinterpretq_f32_u32(column));
                    }
                }
            }
        }
    }
}

// SAFETY of every block below: as above.
impl Look for Neon {
    #[inline]
    #[target_feature(enable = "neon")]
    unsafe fn sort_out(
        group: *const u32,
        count: usize,
        by: &Admission<'_>,
        home: *mut u32,
        codes: &mut [u8; LANES],
        places: *mut u32,
        promoted: &mut u16,
    ) -> bool {
        let mut part = [by.organic; LANES];
        let whole = count == LANES;
        let from = if whole {
            group
        } else {
            // SAFETY: see above.
            unsafe { std::ptr::copy_nonoverlapping(group, part.as_mut_ptr(), count) };
            part.as_ptr()
        };
        let none = vdupq_n_u32(by.rows.campaigns());
        let (organic, unknown) = (vdupq_n_u32(by.organic), vdupq_n_u32(by.unknown));
        let zero = [vdupq_n_u32(0); 4];
        let (mut known, mut organics, mut place, mut least) = (zero, zero, zero, zero);
        let mut told = vdupq_n_u32(u32::MAX);
        for q in 0..4 {
            // SAFETY: see above.
            let number = unsafe { vld1q_u32(from.add(q * QUAD)) };
            let campaign = veorq_u32(number, vdupq_n_u32(by.tag));
            known[q] = vcltq_u32(campaign, none);
            organics[q] = vceqq_u32(number, organic);
            // Every word of a row can be counted; places of others are not packed.
            place[q] = vmulq_n_u32(campaign, by.rows.stride() as u32);
            least[q] = vminq_u32(campaign, none);
            told = vandq_u32(told, vorrq_u32(vorrq_u32(known[q], organics[q]), vceqq_u32(number, unknown)));
        }
        *promoted = mask(known);
        let code = vbslq_u8(bytes(organics), vdupq_n_u8(by.codes.organic), vdupq_n_u8(by.codes.unknown));
        // SAFETY: see above; of the last group no more is written than is there.
        unsafe {
            pack(*promoted, place, places);
            let to = if whole { home } else { part.as_mut_ptr() };
            for (q, least) in least.into_iter().enumerate() {
                vst1q_u32(to.add(q * QUAD), least);
            }
            if !whole {
                std::ptr::copy_nonoverlapping(part.as_ptr(), home, count);
            }
            vst1q_u8(codes.as_mut_ptr(), code);
        }
        vminvq_u32(told) == u32::MAX
    }

    #[inline]
    unsafe fn ask_for(row: *const u32) {
        // SAFETY: asking for a line changes nothing, wherever it is. The library's own name for this is not stable yet.
        unsafe { std::arch::asm!("prfm pldl1keep, [{row}]", row = in(reg) row, options(nostack, preserves_flags, readonly)) }
    }

    #[inline]
    #[target_feature(enable = "neon")]
    unsafe fn look(places: &[u32; LANES], by: &Admission<'_>, found: *mut u32, charged: *mut f32, stride: usize) {
        let (width, words) = (by.rows.width(), by.rows.words().as_ptr());
        let zero = [vdupq_n_u32(0); 4];
        let (mut sets, mut late) = (zero, zero);
        // SAFETY: see above.
        unsafe {
            for q in 0..4 {
                let place = [places[q * QUAD], places[q * QUAD + 1], places[q * QUAD + 2], places[q * QUAD + 3]];
                let rows = place.map(|place| words.add(place as usize));
                let near = turned(rows.map(|row| vld1q_u32(row)));
                for (c, price) in near.into_iter().enumerate().take(width.min(NEAR)) {
                    vst1q_u32(charged.add(c * stride + q * QUAD).cast(), price);
                }
                for c in NEAR..width {
                    for (r, row) in rows.into_iter().enumerate() {
                        *charged.add(c * stride + q * QUAD + r) = f32::from_bits(*row.add(word_of(c)));
                    }
                }
                sets[q] = near[NEAR];
                if let Some(time) = by.time {
                    let time = vdupq_n_s64(time);
                    // The low word of each.
                    late[q] = vuzp1q_u32(outside([rows[0], rows[1]], time), outside([rows[2], rows[3]], time));
                }
            }
            let [a, b, c, d] = sets.map(|quad| vreinterpretq_u16_u32(quad));
            let market = bits(by.markets, [vuzp1q_u16(a, b), vuzp1q_u16(c, d)]);
            let surface = bits(by.surfaces, [vuzp2q_u16(a, b), vuzp2q_u16(c, d)]);
            let codes = by.codes;
            let code = vbslq_u8(bytes(late), vdupq_n_u8(codes.flight), vdupq_n_u8(codes.scored));
            let code = vbslq_u8(surface, code, vdupq_n_u8(codes.surface));
            let code = vbslq_u8(market, code, vdupq_n_u8(codes.market));
            for (q, code) in widened(code).into_iter().enumerate() {
                vst1q_u32(found.add(q * QUAD), code);
            }
        }
    }

    #[inline]
    #[target_feature(enable = "neon")]
    unsafe fn put_back(
        promoted: u16,
        found: *const u32,
        charged: *const f32,
        stride: usize,
        width: usize,
        codes: &mut [u8; LANES],
        prices: *mut Lane<f32>,
    ) {
        // SAFETY: see above.
        unsafe {
            let code = bytes(unpacked(promoted, found));
            let old = vld1q_u8(codes.as_ptr());
            vst1q_u8(codes.as_mut_ptr(), vbslq_u8(bytes(answer(promoted)), code, old));
            for c in 0..width {
                let to = prices.add(c).cast::<u32>();
                for (q, price) in unpacked(promoted, charged.add(c * stride).cast()).into_iter().enumerate() {
                    vst1q_u32(to.add(q * QUAD), price);
                }
            }
        }
    }
}
