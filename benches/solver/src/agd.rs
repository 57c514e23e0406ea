//! A peer: accelerated gradient (FISTA) on the smoothed dual, over the very passes that the planner runs.
//!
//! Prices: one per campaign (cap and floor), a ceiling and a floor per licensor share, one for the guardrail. Steps are scaled per price by
//! the number of candidates it touches and, as a whole, by backtracking; momentum restarts where it points uphill (O'Donoghue and Candes,
//! "Adaptive restart for accelerated gradient schemes", 2015); the smoothing is lowered level by level as the planner lowers it. It stops, as
//! general first-order solvers do, once gap and violation are both within the tolerance: its decisions are judged, not repaired.

use crate::instance::UNBOUNDED;
use crate::npy;
use crate::options::Options;
use crate::sample::{self, DISPLACEMENT, EXPOSURE, MEASURES, VALUE};
use equipoise::exchange::{Ask, Exchange, Layout, Local, Packed, Prices};
use serde_json::{Value, json};
use std::error::Error;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Smoothing of the first level, in score units, and what a level multiplies it by.
const FIRST: f64 = 0.2;
const LOWER: f64 = 0.4;
/// A level ends once deliveries are this close to their bounds per unit of smoothing, on average.
const SETTLED: f64 = 0.1;
/// Iterations after which a level ends anyhow, the last aside.
const PER_LEVEL: usize = 300;

/// The bounds of an instance.
struct Bounds {
    cap: Vec<f64>,
    floor: Vec<f64>,
    group: Vec<usize>,
    least: Vec<f64>,
    most: Vec<f64>,
    budget: f64,
}

impl Bounds {
    fn load(folder: &Path) -> Result<Self, Box<dyn Error>> {
        Ok(Self {
            cap: npy::read(folder, "cap")?,
            floor: npy::read(folder, "floor")?,
            group: npy::read::<i32>(folder, "group")?.iter().map(|g| *g as usize).collect(),
            least: npy::read(folder, "glo")?,
            most: npy::read(folder, "ghi")?,
            budget: npy::read::<f64>(folder, "budget")?[0],
        })
    }

    /// Prices: campaigns, ceilings, floors of shares, guardrail.
    fn len(&self) -> usize {
        self.cap.len() + 2 * self.least.len() + 1
    }

    /// What each campaign is charged for an exposure, and everybody for displacement.
    fn charges(&self, y: &[f64]) -> (Vec<f64>, f64) {
        let (campaigns, groups) = (self.cap.len(), self.least.len());
        let (ceilings, floors) = (&y[campaigns..][..groups], &y[campaigns + groups..][..groups]);
        let all: f64 = (0..groups).map(|g| floors[g] * self.least[g] - ceilings[g] * self.most[g]).sum();
        let charge = |k: usize| y[k] + ceilings[self.group[k]] - floors[self.group[k]] + all;
        ((0..campaigns).map(charge).collect(), y[y.len() - 1])
    }

    /// The amount that each price charges: the transpose of [`Bounds::charges`].
    fn amounts(&self, exposures: &[f64], displacement: f64) -> Vec<f64> {
        let mut group = vec![0.0; self.least.len()];
        exposures.iter().zip(&self.group).for_each(|(d, g)| group[*g] += d);
        let total: f64 = exposures.iter().sum();
        let mut out = exposures.to_vec();
        out.extend(group.iter().zip(&self.most).map(|(d, most)| d - most * total));
        out.extend(group.iter().zip(&self.least).map(|(d, least)| least * total - d));
        out.push(displacement);
        out
    }

    /// The interval that an amount must lie in, or `None` where nothing is asked.
    fn interval(&self, i: usize) -> Option<(f64, f64)> {
        let (campaigns, groups) = (self.cap.len(), self.least.len());
        let most = |bound: f64| (f64::NEG_INFINITY, bound);
        if i < campaigns {
            let interval = (self.floor[i], if self.cap[i] < UNBOUNDED { self.cap[i] } else { f64::INFINITY });
            (interval != (0.0, f64::INFINITY)).then_some(interval)
        } else if i < campaigns + groups {
            (self.most[i - campaigns] < 1.0).then(|| most(0.0))
        } else if i < campaigns + 2 * groups {
            (self.least[i - campaigns - groups] > 0.0).then(|| most(0.0))
        } else {
            (self.budget < UNBOUNDED).then(|| most(self.budget))
        }
    }

    /// The largest violation, measured as the judge of the instances does.
    fn violation(&self, amounts: &[f64]) -> f64 {
        let (campaigns, groups) = (self.cap.len(), self.least.len());
        let share = (amounts[..campaigns].iter().sum::<f64>() / groups as f64).max(1.0);
        let one = |i: usize| {
            let Some((low, high)) = self.interval(i) else { return 0.0 };
            let size = |bound: f64| if (campaigns..campaigns + 2 * groups).contains(&i) { share } else { bound.abs().max(1.0) };
            let short = if low.is_finite() { (low - amounts[i]) / size(low) } else { 0.0 };
            let over = if high.is_finite() { (amounts[i] - high) / size(high) } else { 0.0 };
            short.max(over)
        };
        (0..amounts.len()).map(one).fold(0.0, f64::max)
    }
}

/// The smoothed dual at one point.
struct Point {
    ask: Ask,
    amounts: Vec<f64>,
    /// Without the bounds' own part.
    smooth: f64,
    bound: f64,
    value: f64,
}

struct Dual {
    local: Local,
    bounds: Bounds,
    intervals: Vec<Option<(f64, f64)>>,
    passes: u64,
}

impl Dual {
    fn layout(&self) -> &Layout {
        self.local.layout()
    }

    fn own(&self, y: &[f64]) -> f64 {
        let one = |(y, interval): (&f64, &Option<(f64, f64)>)| match interval {
            Some((_, high)) if *y > 0.0 => y * high,
            Some((low, _)) if *y < 0.0 => y * low,
            _ => 0.0,
        };
        y.iter().zip(&self.intervals).map(one).sum()
    }

    fn evaluate(&mut self, y: &[f64], gamma: f64) -> Result<Point, Box<dyn Error>> {
        let (charge, everybody) = self.bounds.charges(y);
        let mut v = vec![0.0; MEASURES];
        (v[VALUE], v[DISPLACEMENT]) = (1.0, -everybody);
        let mut p = vec![0.0; charge.len() * MEASURES];
        p.chunks_exact_mut(MEASURES).zip(&charge).for_each(|(p, q)| p[EXPOSURE] = *q);
        let prices = Prices { v, p, gamma, near: 0.0 };
        let ask = Ask::Prices(prices.clone());
        let sums = self.local.pass(&ask)?;
        self.passes += 1;
        let d = sample::deliveries(self.layout(), &sums);
        let exposures: Vec<f64> = d.iter().map(|d| d[EXPOSURE]).collect();
        let (value, displacement) = (d.iter().map(|d| d[VALUE]).sum::<f64>(), d.iter().map(|d| d[DISPLACEMENT]).sum::<f64>());
        let net = value - everybody * displacement - exposures.iter().zip(&charge).map(|(d, q)| d * q).sum::<f64>();
        let smooth = net - 0.5 * gamma * sample::squares(self.layout(), &sums, exposures.iter().sum());
        let bound = net + sample::slack(self.layout(), &prices, &sums) + self.own(y);
        Ok(Point { ask, amounts: self.bounds.amounts(&exposures, displacement), smooth, bound, value })
    }

    /// The proximal step from `from`, where amounts are `amounts`, with the step sizes `step`.
    fn step(&self, from: &[f64], amounts: &[f64], step: impl Fn(usize) -> f64) -> Vec<f64> {
        let one = |i: usize| {
            let Some((low, high)) = self.intervals[i] else { return 0.0 };
            let t = step(i);
            let free = from[i] + t * amounts[i];
            let (above, below) = (free - t * high, if low.is_finite() { free - t * low } else { f64::INFINITY });
            if above > 0.0 { above } else { below.min(0.0) }
        };
        (0..from.len()).map(one).collect()
    }

    /// Mean distance of amounts from what their prices ask, over the campaigns' caps.
    fn residual(&self, y: &[f64], amounts: &[f64]) -> f64 {
        let campaigns = self.bounds.cap.len();
        let one = |i: usize| {
            self.intervals[i].map_or(0.0, |(low, high)| {
                let wanted = if y[i] > 0.0 {
                    high
                } else if y[i] < 0.0 {
                    low
                } else {
                    amounts[i].clamp(low, high)
                };
                (amounts[i] - wanted).abs()
            })
        };
        let caps: f64 = self.bounds.cap.iter().filter(|c| **c < UNBOUNDED).sum();
        (0..campaigns).map(one).sum::<f64>() / caps.max(1.0)
    }
}

/// Solves the instance of `folder`; the decisions of the last point go to `--x`.
pub(crate) fn run(folder: &Path, options: &Options) -> Result<Value, Box<dyn Error>> {
    let bounds = Bounds::load(folder)?;
    let sample = sample::load(folder)?;
    let scale = scales(&sample, &bounds);
    let local = Local::new(Arc::new(Packed::new(&sample)), options.threads)?;
    let rows = sample.campaign.len();
    drop(sample);
    let intervals = (0..bounds.len()).map(|i| bounds.interval(i)).collect();
    let mut dual = Dual { local, bounds, intervals, passes: 0 };
    let limit = options.time_limit.unwrap_or(Duration::MAX);
    let started = Instant::now();
    let (point, finished) = descend(&mut dual, &scale, options.tolerance, started, limit)?;
    let seconds = started.elapsed().as_secs_f64();
    if let Some(path) = &options.x {
        let mut x = vec![0.0; rows];
        dual.local.decide(&point.ask, |i, v| x[i] = v)?;
        npy::write(path, &x)?;
    }
    Ok(json!({
        "status": if finished { "solved" } else { "time_limit" },
        "seconds": seconds,
        "passes": dual.passes,
        "value": point.value,
        "upper_bound": point.bound,
        "gap": gap(&point),
        "violation": dual.bounds.violation(&point.amounts),
    }))
}

/// How strongly the amount of each price can react: the weight of the candidates that it charges.
fn scales(sample: &equipoise::exchange::Sample, bounds: &Bounds) -> Vec<f64> {
    let mut exposures = vec![0.0; bounds.cap.len()];
    let mut displacement = 0.0;
    for (t, weight) in sample.weight.iter().enumerate() {
        for i in sample.starts[t] as usize..sample.starts[t + 1] as usize {
            exposures[sample.campaign[i] as usize] += weight;
            displacement += weight * f64::from(sample.measures[1][i]).powi(2);
        }
    }
    let mut group = vec![0.0; bounds.least.len()];
    exposures.iter().zip(&bounds.group).for_each(|(n, g)| group[*g] += n);
    let total: f64 = exposures.iter().sum();
    let mut scale = exposures;
    for share in [&bounds.most, &bounds.least] {
        scale.extend(group.iter().zip(share).map(|(n, s)| (1.0 - s).powi(2) * n + s * s * (total - n)));
    }
    scale.push(displacement);
    scale.iter().map(|s| s.max(1e-9)).collect()
}

fn gap(point: &Point) -> f64 {
    (point.bound - point.value).abs() / point.bound.abs().max(1.0)
}

/// Runs until gap and violation are within `tolerance`, or the time is over; the last point, and whether it is good enough.
fn descend(dual: &mut Dual, scale: &[f64], tolerance: f64, started: Instant, limit: Duration) -> Result<(Point, bool), Box<dyn Error>> {
    let mut last = (0.8 * tolerance.sqrt()).min(300.0 * tolerance);
    let mut gamma = FIRST;
    let mut y = vec![0.0; scale.len()];
    // The step is `gamma / (curvature * scale)`; rows seldom tie with all their candidates, so the curvature starts far below 1.
    let mut curvature = 0.05;
    loop {
        let (mut from, mut momentum) = (y.clone(), 1.0f64);
        for iteration in 0.. {
            let here = dual.evaluate(&from, gamma)?;
            if gap(&here) <= tolerance && dual.bounds.violation(&here.amounts) <= tolerance {
                return Ok((here, true));
            }
            if started.elapsed() >= limit {
                return Ok((here, false));
            }
            let settled = dual.residual(&from, &here.amounts) < SETTLED * gamma;
            if gamma > last && (settled || iteration >= PER_LEVEL) || (gamma <= last && iteration >= 10 * PER_LEVEL) {
                break;
            }
            let next = loop {
                let next = dual.step(&from, &here.amounts, |i| gamma / (curvature * scale[i]));
                let there = dual.evaluate(&next, gamma)?;
                let moved = |i: usize| next[i] - from[i];
                let linear: f64 = (0..next.len()).map(|i| -here.amounts[i] * moved(i)).sum();
                let square: f64 = (0..next.len()).map(|i| scale[i] * moved(i).powi(2)).sum();
                if there.smooth <= here.smooth + linear + 0.5 * curvature / gamma * square + 1e-12 * here.smooth.abs() {
                    break next;
                }
                curvature *= 2.0;
            };
            curvature *= 0.95;
            let uphill: f64 = (0..y.len()).map(|i| scale[i] * (from[i] - next[i]) * (next[i] - y[i])).sum();
            let following = if uphill > 0.0 { 1.0 } else { f64::midpoint(1.0, (1.0 + 4.0 * momentum * momentum).sqrt()) };
            let push = if uphill > 0.0 { 0.0 } else { (momentum - 1.0) / following };
            from = (0..y.len()).map(|i| next[i] + push * (next[i] - y[i])).collect();
            (y, momentum) = (next, following);
        }
        if gamma <= last {
            last *= 0.5;
        }
        gamma = (gamma * LOWER).max(last);
    }
}
