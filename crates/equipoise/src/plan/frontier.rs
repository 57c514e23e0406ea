//! The frontier: a problem solved at many levels of its objectives or goals, each from where its neighbour ended.

use super::changes::Changes;
use super::session::Session;
use super::warm::Warm;
use super::{Certificate, Deliveries, PriceRow, Settings, Status};
use crate::error::{Faults, Result, codes};
use crate::policy::Policy;
use std::time::Instant;

/// What is varied: numbers of a problem by path (as [`Changes::from_path`] takes them), each with its level at every point.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Vary {
    paths: Vec<(String, Vec<f64>)>,
}

impl Vary {
    /// Varies one number.
    #[must_use]
    pub fn new(path: impl Into<String>, levels: impl Into<Vec<f64>>) -> Self {
        Self::default().and(path, levels)
    }

    /// Varies one more number along with the others: `objectives.a` down while `objectives.b` goes up.
    #[must_use]
    pub fn and(mut self, path: impl Into<String>, levels: impl Into<Vec<f64>>) -> Self {
        self.paths.push((path.into(), levels.into()));
        self
    }

    fn check(&self) -> Result<usize> {
        let mut faults = Faults::new();
        let points = self.paths.first().map_or(0, |p| p.1.len());
        if points == 0 {
            faults.push(codes::EMPTY, "vary", None, || "there is no level to solve at".to_owned());
        }
        for (path, levels) in &self.paths {
            if levels.len() != points {
                faults.push(codes::SHAPE, "vary", None, || format!("{path} has {} levels, {} has {points}", levels.len(), self.paths[0].0));
            }
            for (i, v) in levels.iter().enumerate().filter(|(_, v)| !v.is_finite()) {
                faults.push(codes::NOT_FINITE, "vary", Some(i as u64), || format!("{path}: {v}"));
            }
        }
        faults.finish()?;
        Ok(points)
    }
}

/// The answer of [`Session::frontier`].
#[derive(Debug, Clone)]
pub struct Frontier {
    paths: Vec<String>,
    measures: Vec<String>,
    points: Vec<FrontierPoint>,
}

/// One point of a [`Frontier`], with its own certificate.
#[derive(Debug, Clone)]
pub struct FrontierPoint {
    /// The level of each path.
    pub levels: Vec<f64>,
    /// How the solve ended.
    pub status: Status,
    /// How good the point is.
    pub certificate: Certificate,
    /// What all campaigns together deliver of each measure.
    pub totals: Vec<f64>,
    /// Every ledger with its price.
    pub prices: Vec<PriceRow>,
    /// Campaign by measure.
    pub deliveries: Deliveries,
    /// The policy that serves these prices; no serving certificate was taken.
    pub policy: Policy,
}

impl Frontier {
    /// What was varied.
    #[must_use]
    pub fn paths(&self) -> &[String] {
        &self.paths
    }
    /// Names of the totals of every point, `exposure` first.
    #[must_use]
    pub fn measures(&self) -> &[String] {
        &self.measures
    }
    /// The points, in the order of the levels; after cancellation those that were begun.
    #[must_use]
    pub fn points(&self) -> &[FrontierPoint] {
        &self.points
    }
}

impl Session {
    /// Solves at every level, each point from where the one before ended, so that neighbours should be near each other.
    ///
    /// Limits of `settings` are for all points together: those that the time limit reaches are certified with what they have.
    ///
    /// # Errors
    /// No level, lists of different length, and as [`Session::what_if`].
    pub fn frontier(&self, vary: &Vary, settings: &Settings<'_>) -> Result<Frontier> {
        super::inputs::check(settings)?;
        let count = vary.check()?;
        let mut changes = Vec::with_capacity(count);
        for i in 0..count {
            let mut one = Changes::default();
            vary.paths.iter().try_for_each(|(path, levels)| one.set(path, levels[i]))?;
            // Names and ranges are known to be right before the first solve.
            one.apply(&self.problem, &self.campaigns)?;
            changes.push(one);
        }
        let started = Instant::now();
        let mut frontier = Frontier { paths: vary.paths.iter().map(|p| p.0.clone()).collect(), measures: Vec::new(), points: Vec::new() };
        let mut warm: Option<Warm> = None;
        for (i, changes) in changes.iter().enumerate() {
            if settings.is_cancelled() {
                break;
            }
            let mut left = settings.clone();
            left.time_limit = settings.time_limit.map(|t| t.saturating_sub(started.elapsed()));
            let solved = self.solve(changes, warm.as_ref(), &left)?;
            frontier.measures.clone_from(&solved.deliveries.measures);
            frontier.points.push(FrontierPoint {
                levels: vary.paths.iter().map(|p| p.1[i]).collect(),
                status: solved.status,
                certificate: solved.certificate,
                totals: solved.deliveries.columns.iter().map(|c| c.iter().sum()).collect(),
                prices: solved.prices,
                deliveries: solved.deliveries,
                policy: solved.policy,
            });
            warm = Some(solved.warm);
        }
        Ok(frontier)
    }
}
