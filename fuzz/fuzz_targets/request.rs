//! A request of any bytes, read as the Java buffer lays it out (scalars in front, then columns one after another), is refused with a code that
//! names an argument, or is decided: scores finite, picks positive and in order of their places.
#![no_main]

use equipoise::model::{Campaign, Campaigns, GoalKind, Ledger, Parties, Scope, Slate};
use equipoise::policy::{Draft, ORGANIC, Policy, UNKNOWN};
use equipoise::score::{Measures, Request, Workspace};
use libfuzzer_sys::fuzz_target;
use std::cell::RefCell;
use std::sync::OnceLock;

const MEASURES: usize = 2;

fn policy() -> &'static Policy {
    static POLICY: OnceLock<Policy> = OnceLock::new();
    POLICY.get_or_init(|| {
        let campaign = |i: u32| Campaign {
            id: format!("c{i}"),
            parties: Parties { artist: Some(format!("a{}", i % 3)), ..Parties::default() },
            markets: (i % 3 == 0).then(|| vec!["SE".to_owned()]),
            start: (i % 4 == 0).then_some(10),
            frequency_cap: (i % 5 == 0).then_some(2),
            ..Campaign::default()
        };
        let ledger = |key| Ledger { goal: 0, kind: GoalKind::Cap, measure: 1, scope: Scope::Campaign, key, inside: 1.0, outside: 0.0 };
        Policy::new(&Draft {
            measures: vec!["stream".into(), "displacement".into()],
            weights: vec![0.0, 1.0, -0.5],
            slate: Slate { slots: 3, visible: Some(9), first_place: 2, min_gap: 2, max_per_artist: Some(1), ..Slate::default() },
            campaigns: Campaigns::new((0..16).map(campaign).collect()).expect("good campaigns"),
            markets: vec!["SE".into()],
            surfaces: vec!["radio".into()],
            goals: vec!["cap".into()],
            ledgers: (0..16).map(|c| (ledger(c), f64::from(c) / 32.0)).collect(),
            tie_breadth: 1e-6,
            valid_until: Some(1 << 40),
            ..Draft::default()
        })
        .expect("a good draft")
    })
}

/// Takes numbers off the front; zeros where there are no more.
struct Cut<'a>(&'a [u8]);

impl Cut<'_> {
    fn byte(&mut self) -> u8 {
        let (first, rest) = self.0.split_first().map_or((0, self.0), |(byte, rest)| (*byte, rest));
        self.0 = rest;
        first
    }

    fn word(&mut self) -> u32 {
        u32::from_le_bytes([self.byte(), self.byte(), self.byte(), self.byte()])
    }

    fn long(&mut self) -> u64 {
        u64::from(self.word()) | u64::from(self.word()) << 32
    }

    /// Any bits at times, else a number that is allowed.
    fn float(&mut self) -> f32 {
        match self.byte() {
            255 => f32::from_bits(self.word()),
            small => f32::from(small) / 64.0,
        }
    }

    fn row(&mut self) -> u32 {
        match self.byte() {
            255 => self.word(),
            254 => UNKNOWN,
            253 => ORGANIC,
            small => policy().row(&format!("c{}", small % 20)),
        }
    }

    fn list<T>(&mut self, n: usize, of: impl Fn(&mut Self) -> T) -> Vec<T> {
        (0..n).map(|_| of(self)).collect()
    }
}

thread_local! {
    /// Used again and again, as a server does.
    static WORKSPACE: RefCell<Workspace> = RefCell::default();
}

fuzz_target!(|bytes: &[u8]| {
    let mut cut = Cut(bytes);
    let (n, flags) = (usize::from(cut.byte() % 96), cut.word());
    let given = |bit: u32| flags >> bit & 1 == 1;
    // A column may have another length than was said.
    let other = |bit: u32, n: usize| if given(bit) && given(bit + 1) && given(bit + 2) { n + 1 } else { n };
    let (market, surface) = if given(0) { (cut.word(), cut.word()) } else { (0, 0) };
    let (time, key, slots, reference) = (cut.long() as i64, cut.long(), u32::from(cut.byte()) * 2, cut.float());
    let (rows, organic) = (cut.list(n, Cut::row), cut.list(other(1, n), Cut::float));
    let (item, artist) = (cut.list(other(4, n), Cut::word), cut.list(other(7, n), Cut::word));
    let frequency = cut.list(other(10, n), |cut| u32::from(cut.byte()));
    let values = cut.list(other(13, n * MEASURES), Cut::float);
    let stride = if given(31) { cut.long() as usize } else if given(30) { MEASURES } else { n };
    let measures = if given(30) { Measures::Rows { values: &values, stride } } else { Measures::Columns { values: &values, stride } };
    let request = Request {
        market,
        surface,
        time: given(16).then_some(time),
        slots: given(17).then_some(slots),
        key,
        reference: given(18).then_some(reference),
        organic: given(19).then_some(&organic),
        item: given(20).then_some(&item),
        artist: given(21).then_some(&artist),
        frequency: given(22).then_some(&frequency),
        ..Request::new(&rows, measures)
    };
    WORKSPACE.with_borrow_mut(|workspace| match policy().score(&request, workspace) {
        Ok(decision) => {
            assert_eq!(decision.scores().len(), n);
            assert!(decision.scores().iter().all(|score| score.is_finite() && (*score != 0.0 || score.is_sign_positive())));
            assert!(decision.picks().iter().all(|pick| decision.scores()[*pick as usize] > 0.0));
            assert!(decision.positions().windows(2).all(|pair| pair[0] + 2 <= pair[1]));
        }
        Err(error) => {
            assert!(error.code().starts_with("invalid_input.") && !error.argument().is_empty(), "{error}");
            assert!(workspace.scores().is_empty() && workspace.picks().is_empty());
        }
    });
});
