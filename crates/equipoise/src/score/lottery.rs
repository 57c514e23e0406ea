//! A random slate whose noise is drawn once: where neither the worth of candidates nor who may stand somewhere changes from place to place, the
//! picks are the candidates of the highest keys, in order, and one softmax serves all places, less those who have left it.

use super::Request;
use super::explore::{Softmax, gumbels};
use crate::model::organic::ordered;
use equipoise_kernel::{LANES, score::positives};
use std::collections::TryReserveError;

/// The candidates that take part, side by side.
#[derive(Debug, Default, Clone)]
pub(super) struct Lottery {
    /// Numbers of candidates, ascending; all other lists are in this order, but for `order`.
    pub(super) indices: Vec<u32>,
    /// Minus infinity for those who have left.
    logits: Vec<f64>,
    /// Logits with noise, or noise alone.
    keys: Vec<f64>,
    weights: Vec<f64>,
    /// Places in these lists of the first, by descending key.
    order: Vec<u32>,
}

impl Lottery {
    /// Makes room for `n` candidates.
    pub(super) fn reserve(&mut self, n: usize, picks: usize) -> Result<(), TryReserveError> {
        self.clear();
        self.indices.try_reserve(n + LANES)?;
        self.logits.try_reserve(n)?;
        self.keys.try_reserve(n)?;
        self.weights.try_reserve(n)?;
        self.order.try_reserve(picks + 1)
    }

    pub(super) fn clear(&mut self) {
        self.indices.clear();
        self.logits.clear();
        self.keys.clear();
        self.order.clear();
    }

    /// Enters the candidates of positive scores.
    pub(super) fn enter(&mut self, scores: &[f32], base: impl Fn(usize, f32) -> f64, temperature: f64) {
        positives(scores, &mut self.indices);
        self.logits.extend(self.indices.iter().map(|i| base(*i as usize, scores[*i as usize]) / temperature));
    }

    /// Finds up to `need` candidates of the highest keys: logit and noise, or noise alone in a uniform slate. Among equals the organic score
    /// decides, then the lower index.
    pub(super) fn draw(&mut self, request: &Request<'_>, uniform: bool, need: usize) {
        gumbels(request.key, 0, &self.indices, &mut self.keys);
        if !uniform {
            for (key, logit) in self.keys.iter_mut().zip(&self.logits) {
                *key += logit;
            }
        }
        if need == 0 {
            return;
        }
        let organic = |at: u32| request.organic.map_or(0, |organic| ordered(organic[self.indices[at as usize] as usize]));
        let (keys, order) = (&self.keys, &mut self.order);
        // Later ones have higher indices.
        let above = |at: u32, other: u32| {
            let (own, others) = (keys[at as usize], keys[other as usize]);
            own > others || own == others && organic(at) > organic(other)
        };
        let mut least = f64::NEG_INFINITY;
        for (at, key) in (0..).zip(keys) {
            if order.len() == need && *key < least {
                continue;
            }
            let place = order.len() - order.iter().rev().take_while(|other| above(at, **other)).count();
            order.insert(place, at);
            order.truncate(need);
            if order.len() == need {
                least = keys[order[need - 1] as usize];
            }
        }
    }

    /// How many were drawn.
    pub(super) fn drawn(&self) -> usize {
        self.order.len()
    }

    /// The candidate that was drawn as number `nth`, its weight as of the last [`Lottery::weigh`], and takes it out.
    pub(super) fn leave(&mut self, nth: usize) -> (u32, f64) {
        let at = self.order[nth] as usize;
        self.logits[at] = f64::NEG_INFINITY;
        (self.indices[at], self.weights[at])
    }

    /// The softmax of those who remain, `left` of whom have left.
    pub(super) fn weigh(&mut self, left: usize) -> Softmax {
        self.weights.clear();
        self.weights.extend_from_slice(&self.logits);
        let softmax = Softmax::weigh(&mut self.weights);
        // Lanes are filled as if those who left had never been there.
        if left == 0 { softmax } else { Softmax::over(self.logits.iter().copied().filter(|logit| *logit > f64::NEG_INFINITY)) }
    }
}
