//! Small requests whose scores are their one measure, and a plain model of the slate, place by place, with the probability of every slate.
#![allow(dead_code, unreachable_pub, reason = "each test binary uses its own part")]

use equipoise::model::{Campaign, Campaigns, Exploration, Parties, Slate, mix};
use equipoise::policy::{Draft, NONE, Policy};
use equipoise::score::{Measures, Mix, Request, Similarity};

/// A small deterministic generator.
pub struct Random(pub u64);

impl Random {
    pub fn below(&mut self, n: usize) -> usize {
        self.0 = mix(self.0);
        (self.0 % n as u64) as usize
    }

    pub fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    pub fn unit(&mut self) -> f64 {
        self.below(1 << 30) as f64 / f64::from(1 << 30)
    }
}

/// The probability of each candidate that can stand next, from the picks so far and those candidates.
pub type Chances<'a> = dyn Fn(&[usize], &[usize]) -> Vec<f64> + 'a;

/// Everything of one request, and of the policy that scores it.
#[derive(Debug, Clone)]
pub struct World {
    pub slate: Slate,
    pub scores: Vec<f32>,
    pub organic: Vec<f32>,
    pub item: Vec<u32>,
    pub artist: Vec<u32>,
    pub width: usize,
    pub embeddings: Vec<f32>,
    pub category: Vec<u32>,
    pub target: Vec<f32>,
    pub uncertainty: Vec<f32>,
    pub key: u64,
}

impl World {
    pub fn random(random: &mut Random, most: usize) -> Self {
        let n = 1 + random.below(most);
        let width = 1 + random.below(11);
        let visible = 1 + random.below(6) as u32;
        let first_place = 1 + random.below(2) as u32;
        let fixed: Vec<u32> = (1..=visible + 1).filter(|_| random.chance(50)).collect();
        let slate = Slate {
            slots: random.below(4) as u32,
            visible: Some(visible),
            first_place,
            min_gap: 1 + random.below(3) as u32,
            max_per_artist: random.chance(40).then(|| 1 + random.below(2) as u32),
            fixed_places: if random.chance(50) { fixed } else { Vec::new() },
            max_positions_up: random.chance(50).then(|| random.below(4) as u32),
            ..Slate::default()
        };
        let mut organic: Vec<f32> = (0..n).map(|_| random.below(5) as f32 / 4.0 - 0.5).collect();
        let item: Vec<u32> = (0..n).map(|_| if random.chance(60) { NONE } else { random.below(3) as u32 }).collect();
        for i in 0..n {
            if let Some(first) = item[..i].iter().position(|other| *other == item[i] && item[i] != NONE) {
                organic[i] = organic[first];
            }
        }
        Self {
            slate,
            scores: (0..n).map(|_| random.below(6) as f32 / 4.0).collect(),
            organic,
            item,
            artist: (0..n).map(|_| if random.chance(40) { NONE } else { random.below(2) as u32 }).collect(),
            width,
            embeddings: (0..n * width).map(|_| random.below(5) as f32 - 2.0).collect(),
            category: (0..n).map(|_| if random.chance(20) { NONE } else { random.below(3) as u32 }).collect(),
            target: (0..3).map(|c| if c == 0 { 0.5 } else { random.below(3) as f32 }).collect(),
            uncertainty: (0..n).map(|_| random.below(4) as f32 / 4.0).collect(),
            key: random.0,
        }
    }

    pub fn explores(&mut self, random: &mut Random) {
        self.slate.exploration = Some(Exploration {
            temperature: random.chance(70).then(|| 0.05 + random.unit()),
            epsilon: if random.chance(50) { random.unit() } else { 0.0 },
            bonus: if random.chance(50) { random.unit() } else { 0.0 },
        });
    }

    pub fn has_list_terms(&mut self, random: &mut Random) {
        self.slate.diversity = random.chance(60).then(|| random.unit());
        self.slate.calibration = random.chance(60).then(|| random.unit());
    }

    pub fn len(&self) -> usize {
        self.scores.len()
    }

    /// A policy of one campaign that takes the measure `value` as it is.
    pub fn policy(&self) -> Policy {
        let campaign = Campaign { id: "c".into(), parties: Parties::default(), ..Campaign::default() };
        Policy::new(&Draft {
            measures: vec!["value".into()],
            weights: vec![0.0, 1.0],
            slate: self.slate.clone(),
            campaigns: Campaigns::new(vec![campaign]).expect("a good campaign"),
            ..Draft::default()
        })
        .expect("a good draft")
    }

    pub fn request<'a>(&'a self, rows: &'a [u32]) -> Request<'a> {
        Request {
            key: self.key,
            organic: Some(&self.organic),
            item: Some(&self.item),
            artist: Some(&self.artist),
            similarity: Some(Similarity::Embeddings { values: &self.embeddings, width: self.width }),
            mix: Some(Mix { category: &self.category, target: &self.target }),
            uncertainty: Some(&self.uncertainty),
            ..Request::new(rows, Measures::Columns { values: &self.scores, stride: self.len() })
        }
    }

    /// Items that stand above candidate `i`, and itself.
    pub fn rank(&self, i: usize) -> usize {
        let own = |j: usize| if self.item[j] == NONE { 1_000 + j } else { self.item[j] as usize };
        // The row of an item that stands first: the least index, scores being equal.
        let first = |j: usize| (0..self.len()).find(|k| own(*k) == own(j)).expect("itself");
        let i = first(i);
        let above = |j: usize| self.organic[j] > self.organic[i] || self.organic[j] == self.organic[i] && j < i;
        1 + (0..self.len()).filter(|j| first(*j) == *j && *j != i && above(*j)).count()
    }

    pub fn places(&self) -> Vec<u32> {
        let slate = &self.slate;
        (slate.first_place..=slate.visible.unwrap_or(255))
            .filter(|p| slate.fixed_places.is_empty() || slate.fixed_places.contains(p))
            .collect()
    }

    /// Whether these picks at these places keep every rule.
    pub fn keeps_the_rules(&self, picks: &[usize], positions: &[u32]) -> bool {
        let slate = &self.slate;
        let pairs = || (0..picks.len()).flat_map(|a| (0..a).map(move |b| (a, b)));
        picks.len() <= slate.slots as usize
            && picks.iter().all(|i| self.scores[*i] > 0.0)
            && positions.iter().all(|p| self.places().contains(p))
            && pairs().all(|(a, b)| positions[a].abs_diff(positions[b]) >= slate.min_gap)
            && pairs().all(|(a, b)| picks[a] != picks[b])
            && pairs().all(|(a, b)| self.item[picks[a]] == NONE || self.item[picks[a]] != self.item[picks[b]])
            && slate
                .max_per_artist
                .is_none_or(|most| (0..2).all(|artist| picks.iter().filter(|i| self.artist[**i] == artist).count() <= most as usize))
            && slate.max_positions_up.is_none_or(|up| picks.iter().zip(positions).all(|(i, p)| self.rank(*i) <= *p as usize + up as usize))
    }

    /// What a candidate is worth after these picks.
    pub fn utility(&self, picks: &[usize], i: usize) -> f64 {
        let slate = &self.slate;
        let bonus = slate.exploration.as_ref().map_or(0.0, |e| e.bonus);
        let mut u = f64::from(self.scores[i]) + bonus * f64::from(self.uncertainty[i]);
        if let Some(weight) = slate.diversity
            && !picks.is_empty()
        {
            u -= weight * picks.iter().map(|p| self.cosine(*p, i)).fold(f64::NEG_INFINITY, f64::max);
        }
        if let Some(weight) = slate.calibration {
            let list: Vec<usize> = picks.iter().copied().chain([i]).collect();
            let sum: f64 = self.target.iter().map(|t| f64::from(*t)).sum();
            for (c, target) in self.target.iter().enumerate().filter(|(_, t)| **t > 0.0) {
                let p = f64::from(*target) / sum;
                let q = list.iter().filter(|j| self.category[**j] as usize == c).count() as f64 / list.len() as f64;
                u -= weight * p * (p / (0.99 * q + 0.01 * p)).ln();
            }
        }
        u
    }

    pub fn cosine(&self, a: usize, b: usize) -> f64 {
        let row = |i: usize| &self.embeddings[i * self.width..(i + 1) * self.width];
        let dot = |x: &[f32], y: &[f32]| x.iter().zip(y).map(|(x, y)| f64::from(*x) * f64::from(*y)).sum::<f64>();
        let size = (dot(row(a), row(a)) * dot(row(b), row(b))).sqrt();
        if size > 0.0 { dot(row(a), row(b)) / size } else { 0.0 }
    }

    /// The next place that somebody can take after these picks, and who can.
    pub fn next(&self, picks: &[usize], positions: &[u32]) -> Option<(u32, Vec<usize>)> {
        self.places().into_iter().filter(|p| positions.last().is_none_or(|last| p > last)).find_map(|place| {
            let fits = |i: &usize| {
                let (mut all, mut at) = (picks.to_vec(), positions.to_vec());
                all.push(*i);
                at.push(place);
                self.keeps_the_rules(&all, &at)
            };
            let who: Vec<usize> = (0..self.len()).filter(fits).collect();
            (!who.is_empty()).then_some((place, who))
        })
    }

    /// Every slate that can be drawn, with its probability when each place is filled by `chances`.
    pub fn slates(&self, chances: &Chances<'_>) -> Vec<(Vec<usize>, Vec<u32>, f64)> {
        let mut done = Vec::new();
        let mut stack = vec![(Vec::new(), Vec::new(), 1.0)];
        while let Some((picks, positions, probability)) = stack.pop() {
            let Some((place, who)) = self.next(&picks, &positions) else {
                done.push((picks, positions, probability));
                continue;
            };
            for (i, p) in who.iter().zip(chances(&picks, &who)) {
                let (mut all, mut at) = (picks.clone(), positions.clone());
                all.push(*i);
                at.push(place);
                stack.push((all, at, probability * p));
            }
        }
        done
    }

    /// A place's chances by score: a softmax, or the best for certain.
    pub fn by_score(&self, picks: &[usize], who: &[usize]) -> Vec<f64> {
        let u: Vec<f64> = who.iter().map(|i| self.utility(picks, *i)).collect();
        if let Some(t) = self.slate.exploration.as_ref().and_then(|e| e.temperature) {
            let w: Vec<f64> = u.iter().map(|u| (u / t).exp()).collect();
            return w.iter().map(|x| x / w.iter().sum::<f64>()).collect();
        }
        let best = self.best(&u, who);
        (0..who.len()).map(|k| f64::from(u8::from(k == best))).collect()
    }

    /// The position in `who` of the best; differences within rounding are ties.
    pub fn best(&self, u: &[f64], who: &[usize]) -> usize {
        let above = |a: usize, b: usize| {
            let (x, y) = (self.organic[who[a]], self.organic[who[b]]);
            if (u[a] - u[b]).abs() > 1e-9 { u[a] > u[b] } else { x > y || x == y && who[a] < who[b] }
        };
        (1..who.len()).fold(0, |best, k| if above(k, best) { k } else { best })
    }

    /// Whether two candidates come so close in worth that rounding decides between them.
    pub fn is_close(&self) -> bool {
        let mut picks = Vec::new();
        let mut positions = Vec::new();
        while let Some((place, who)) = self.next(&picks, &positions) {
            let u: Vec<f64> = who.iter().map(|i| self.utility(&picks, *i)).collect();
            let close = |a: usize, b: usize| a != b && u[a] != u[b] && (u[a] - u[b]).abs() < 1e-6;
            if (0..u.len()).any(|a| (0..u.len()).any(|b| close(a, b))) {
                return true;
            }
            picks.push(who[self.best(&u, &who)]);
            positions.push(place);
        }
        false
    }

    /// The slate by the serving rule's own order, without list terms and exploration.
    pub fn plain(&self) -> Self {
        let mut plain = self.clone();
        plain.slate.diversity = None;
        plain.slate.calibration = None;
        plain.slate.exploration = None;
        plain
    }

    /// The slate that is certain where nothing is drawn.
    pub fn greedy(&self) -> (Vec<u32>, Vec<u32>) {
        let (mut picks, mut positions) = (Vec::new(), Vec::new());
        while let Some((place, who)) = self.next(&picks, &positions) {
            let u: Vec<f64> = who.iter().map(|i| self.utility(&picks, *i)).collect();
            picks.push(who[self.best(&u, &who)]);
            positions.push(place);
        }
        (picks.iter().map(|i| *i as u32).collect(), positions)
    }

    pub fn value(&self, picks: &[u32]) -> f64 {
        picks.iter().map(|i| f64::from(self.scores[*i as usize])).sum()
    }
}
