//! The record of a decision: what was decided, on whose behalf and why, how probable it was, and what is needed to decide it again.

use super::cause::parties;
use super::{Blend, Measures, Mix, Request, Similarity, Term, TermKind, UNWRITTEN, Workspace};
use crate::error::{Error, Result, codes};
use crate::memory::spared;
use crate::model::Reason;
use crate::policy::{INDEX_BITS, NONE, ORGANIC, Policy, UNKNOWN};
use serde::{Deserialize, Serialize};

/// How many terms of a pick's score are its main parameters.
const MAIN: usize = 3;

/// What a record holds beside the picks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Recording {
    /// Every term of every pick's score.
    pub terms: bool,
    /// Every candidate: what [`DecisionRecord::replay`] needs.
    pub candidates: bool,
}

/// One decision, as plain lists: a row of a log. `n` candidates, `k` picks, `m` measures of the policy.
///
/// Names and types are those of Arrow and Avro: no unsigned numbers wider than Avro's `long`, no maps, lists of one type. Texts are ids as the policy
/// has them. Whole numbers that may be absent in a list are `None` there.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DecisionRecord {
    /// [`Policy::id_hex`].
    pub policy_id: String,
    /// The request's key, by its bits.
    pub key: i64,
    /// Microseconds since 1970 UTC.
    pub time: Option<i64>,
    /// The market, where the policy knows it.
    pub market: Option<String>,
    /// The surface, where the policy knows it.
    pub surface: Option<String>,
    /// Promoted places, where the request said how many.
    pub slots: Option<i32>,
    /// The reference, where the request gave it.
    pub reference: Option<f32>,
    /// The reference that was used, given or computed.
    pub used_reference: Option<f32>,
    /// Whether exploration was allowed to act.
    pub explore: bool,
    /// The probability of the slate; 1 where nothing was drawn.
    pub propensity: f64,
    /// What list terms and exploration cost, as [`Workspace::given_up`].
    pub given_up: f64,
    /// `k` indices of candidates, in the order in which they were picked.
    pub pick: Vec<i32>,
    /// `k` places, from 1.
    pub place: Vec<i32>,
    /// `k` organic ranks, from 1, over distinct items; by index where the request has no organic scores.
    pub organic_rank: Vec<i32>,
    /// `k` promotion scores.
    pub score: Vec<f32>,
    /// `k` probabilities, each given the picks before.
    pub pick_propensity: Vec<f64>,
    /// `k` campaigns.
    pub campaign: Vec<String>,
    /// On whose behalf: `k` artists of the campaigns.
    pub artist: Vec<Option<String>>,
    /// `k` labels.
    pub label: Vec<Option<String>>,
    /// `k` licensors.
    pub licensor: Vec<Option<String>>,
    /// The main parameters of each pick: its three largest terms, `name amount; name amount; ...`, the largest first.
    pub main_parameters: Vec<String>,
    /// Every term of every pick, on request; which of the picks it belongs to, from 0.
    pub term_pick: Vec<i32>,
    /// Its name.
    pub term_name: Vec<String>,
    /// Its kind, as [`TermKind::name`].
    pub term_kind: Vec<String>,
    /// Its amount.
    pub term_amount: Vec<f64>,
    /// What replay needs, on request.
    pub candidates: Option<RecordedCandidates>,
}

/// The candidates of a decision: what was given of them, and what became of them. Of one that was dropped (reason `invalid`) measures and
/// uncertainty are 0, and an organic score that could not be used is the least there is, `-1e12`, as which it was ranked.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordedCandidates {
    /// `n` campaigns; `None` for organic ones, empty for one that the policy does not know.
    pub campaign: Vec<Option<String>>,
    /// `n` promotion scores.
    pub score: Vec<f32>,
    /// `n` names of reasons.
    pub reason: Vec<String>,
    /// `n * m` amounts, candidate by candidate; `None` for a displacement that was not written.
    pub measures: Vec<Option<f32>>,
    /// `n` organic scores.
    pub organic: Option<Vec<f32>>,
    /// `n` items; `None` for a row of its own.
    pub item: Option<Vec<Option<i64>>>,
    /// `n` artists in place of the campaigns'.
    pub artist: Option<Vec<Option<i64>>>,
    /// `n` counts of the listener.
    pub frequency: Option<Vec<i64>>,
    /// `n` uncertainties.
    pub uncertainty: Option<Vec<f32>>,
    /// `n` categories.
    pub category: Option<Vec<Option<i64>>>,
    /// The target shares of categories.
    pub target: Option<Vec<f32>>,
    /// Similarities as they were given.
    pub similarity: Option<Vec<f32>>,
    /// The width of embeddings; `None` where similarity was given by pairs.
    pub embedding_width: Option<i32>,
}

impl Policy {
    /// The record of a request that `workspace` has just scored by this policy. Allocates; `O(n log n)`, and the explanation of each pick.
    ///
    /// # Errors
    /// `usage.not_begun` where the workspace holds another outcome; `invalid_input.row` where candidates are recorded and a column of rows was
    /// changed to what is no campaign since; `resource_exhausted.memory`.
    pub fn record(&self, request: &Request<'_>, workspace: &Workspace, what: Recording) -> Result<DecisionRecord> {
        workspace.check_holds(self, request.len())?;
        spared("record", self.record_size(request.len(), what), || self.record_at_once(request, workspace, what))
    }

    /// About how many bytes a record takes, and what it is made from.
    fn record_size(&self, candidates: usize, what: Recording) -> usize {
        let each = if what.candidates { 256 + 16 * self.measures().len() } else { 32 };
        candidates.saturating_mul(each)
    }

    fn record_at_once(&self, request: &Request<'_>, workspace: &Workspace, what: Recording) -> Result<DecisionRecord> {
        let request = &workspace.dropped.stand_in(request);
        let n = request.len();
        let mut blend = Blend::default();
        let ranks = blend.ranks(n, request.organic, request.item)?;
        let roster = self.roster();
        let mut record = DecisionRecord {
            policy_id: self.id_hex(),
            key: request.key as i64,
            time: request.time,
            market: roster.markets.name(request.market).map(str::to_owned),
            surface: roster.surfaces.name(request.surface).map(str::to_owned),
            slots: request.slots.map(|slots| slots as i32),
            reference: request.reference,
            used_reference: workspace.reference(),
            explore: request.explore,
            propensity: workspace.slate_propensity(),
            given_up: workspace.given_up(),
            place: workspace.positions().iter().map(|p| *p as i32).collect(),
            pick_propensity: workspace.propensities().to_vec(),
            ..DecisionRecord::default()
        };
        if record.pick_propensity.is_empty() {
            record.pick_propensity = vec![1.0; workspace.picks().len()];
        }
        for (k, i) in workspace.picks().iter().map(|p| *p as usize).enumerate() {
            // As it was scored: the caller's column may have changed since.
            let campaign = workspace.campaigns[i];
            let terms = self.explain(request, workspace, i)?.terms;
            let [artist, label, licensor] = parties(self, campaign);
            record.pick.push(i as i32);
            record.organic_rank.push(ranks[i] as i32);
            record.score.push(workspace.scores()[i]);
            record.campaign.push(roster.id(campaign).to_owned());
            record.artist.push(artist);
            record.label.push(label);
            record.licensor.push(licensor);
            record.main_parameters.push(main_parameters(self, &terms));
            if what.terms {
                record.term_pick.extend(terms.iter().map(|_| k as i32));
                record.term_kind.extend(terms.iter().map(|t| t.kind.name().to_owned()));
                record.term_amount.extend(terms.iter().map(|t| t.amount));
                record.term_name.extend(terms.iter().map(|t| self.term_name(t)));
            }
        }
        if what.candidates {
            record.candidates = Some(self.recorded_candidates(request, workspace)?);
        }
        Ok(record)
    }

    fn recorded_candidates(&self, request: &Request<'_>, workspace: &Workspace) -> Result<RecordedCandidates> {
        let columns = request.check(self)?;
        let (n, m) = (request.len(), self.measures().len());
        let campaign = |(i, row): (usize, &u32)| match *row {
            ORGANIC => Ok(None),
            UNKNOWN => Ok(Some(String::new())),
            row => {
                let campaign = row & ((1 << INDEX_BITS) - 1);
                if campaign as usize >= self.roster().len() {
                    let message = format!("row {row:#010x} is campaign {campaign} of {}", self.roster().len());
                    return Err(Error::new(codes::ROW, "campaign", Some(i as u64), message));
                }
                Ok(Some(self.roster().id(campaign).to_owned()))
            }
        };
        let numbers = |list: &[u32]| list.iter().map(|v| (*v != NONE).then_some(i64::from(*v))).collect();
        let (similarity, embedding_width) = match request.similarity {
            None => (None, None),
            Some(Similarity::Pairs { values }) => (Some(values.to_vec()), None),
            Some(Similarity::Embeddings { values, width }) => (Some(values.to_vec()), Some(width as i32)),
        };
        Ok(RecordedCandidates {
            campaign: request.campaign.iter().enumerate().map(campaign).collect::<Result<_>>()?,
            score: workspace.scores().to_vec(),
            reason: workspace.reasons().iter().map(|r| r.name().to_owned()).collect(),
            measures: (0..n)
                .flat_map(|i| (0..m).map(move |j| (i, j)))
                .map(|(i, j)| columns.get(i, j))
                .map(|y| (y.to_bits() != UNWRITTEN).then_some(y))
                .collect(),
            organic: request.organic.map(<[f32]>::to_vec),
            item: request.item.map(numbers),
            artist: request.artist.map(numbers),
            frequency: request.frequency.map(|counts| counts.iter().map(|c| i64::from(*c)).collect()),
            uncertainty: request.uncertainty.map(<[f32]>::to_vec),
            category: request.mix.map(|mix| numbers(mix.category)),
            target: request.mix.map(|mix| mix.target.to_vec()),
            similarity,
            embedding_width,
        })
    }
}

fn main_parameters(policy: &Policy, terms: &[Term]) -> String {
    let mut order: Vec<&Term> = terms.iter().filter(|t| t.kind != TermKind::Rounding && t.amount != 0.0).collect();
    order.sort_by(|a, b| b.amount.abs().total_cmp(&a.amount.abs()));
    let shown: Vec<String> = order.iter().take(MAIN).map(|t| format!("{} {}", policy.term_name(t), t.amount)).collect();
    shown.join("; ")
}

impl DecisionRecord {
    /// Decides again, by the same policy and what was recorded of the request. What switches and breakers kept out stays out: they are not part of a
    /// policy, but of the record; and so does what was dropped, whose numbers are not recorded.
    ///
    /// The outcome is that of the record, bit for bit, on every machine: compare with `==`. Needs a record of all candidates.
    ///
    /// # Errors
    /// `invalid_input.foreign_file` for another policy, `invalid_input.missing` without candidates, `resource_exhausted.memory`, and what scoring
    /// such a request says.
    pub fn replay(&self, policy: &Policy) -> Result<Self> {
        if self.policy_id != policy.id_hex() {
            let message = format!("is {}, and the record was made by {}", policy.id_hex(), crate::error::quote(&self.policy_id));
            return Err(Error::new(codes::FOREIGN_FILE, "policy", None, message));
        }
        let Some(given) = &self.candidates else {
            return Err(Error::new(codes::MISSING, "candidates", None, "the record has no candidates; record them to replay it"));
        };
        let what = Recording { terms: !self.term_pick.is_empty(), candidates: true };
        let bytes = policy.record_size(given.campaign.len(), what);
        spared("record", bytes.saturating_mul(2), || self.replay_at_once(policy, given, what))
    }

    fn replay_at_once(&self, policy: &Policy, given: &RecordedCandidates, what: Recording) -> Result<Self> {
        let n = given.campaign.len();
        if given.reason.len() != n || given.score.len() != n {
            return Err(Error::new(
                codes::SHAPE,
                "reason",
                None,
                format!("{} reasons and {} scores for {n} candidates", given.reason.len(), given.score.len()),
            ));
        }
        let kept_out = |i: usize| [Reason::SwitchedOff, Reason::Breaker, Reason::Invalid].into_iter().find(|r| r.name() == given.reason[i]);
        let row = |(i, id): (usize, &Option<String>)| match id {
            None => ORGANIC,
            Some(_) if kept_out(i).is_some() => UNKNOWN,
            Some(id) => policy.row(id),
        };
        let rows: Vec<u32> = given.campaign.iter().enumerate().map(row).collect();
        let measures: Vec<f32> = given.measures.iter().map(|y| y.unwrap_or(f32::from_bits(UNWRITTEN))).collect();
        let numbers = |argument: &str, list: &Option<Vec<Option<i64>>>| -> Result<Option<Vec<u32>>> {
            list.as_ref()
                .map(|list| list.iter().enumerate().map(|(i, v)| v.map_or(Ok(NONE), |v| number(argument, i, v))).collect())
                .transpose()
        };
        let (item, artist) = (numbers("item", &given.item)?, numbers("artist", &given.artist)?);
        let category = numbers("category", &given.category)?;
        let frequency = given.frequency.as_ref().map(|list| list.iter().enumerate().map(|(i, v)| number("frequency", i, *v)).collect());
        let frequency: Option<Vec<u32>> = frequency.transpose()?;
        let similarity = match (&given.similarity, given.embedding_width) {
            (None, _) => None,
            (Some(values), None) => Some(Similarity::Pairs { values }),
            (Some(values), Some(width)) => {
                Some(Similarity::Embeddings { values, width: number("embedding_width", 0, width.into())? as usize })
            }
        };
        let request = Request {
            market: self.market.as_ref().map_or(NONE, |name| policy.market(name)),
            surface: self.surface.as_ref().map_or(NONE, |name| policy.surface(name)),
            time: self.time,
            slots: self.slots.map(|slots| number("slots", 0, slots.into())).transpose()?,
            key: self.key as u64,
            reference: self.reference,
            organic: given.organic.as_deref(),
            item: item.as_deref(),
            artist: artist.as_deref(),
            frequency: frequency.as_deref(),
            uncertainty: given.uncertainty.as_deref(),
            mix: category.as_deref().zip(given.target.as_deref()).map(|(category, target)| Mix { category, target }),
            similarity,
            explore: self.explore,
            ..Request::new(&rows, Measures::Rows { values: &measures, stride: policy.measures().len() })
        };
        let mut workspace = Workspace::default();
        policy.score(&request, &mut workspace)?;
        let mut again = policy.record(&request, &workspace, what)?;
        if let Some(found) = &mut again.candidates {
            for i in 0..n {
                let is_out = |reason: &Reason| match reason {
                    // Whatever else would have kept it out.
                    Reason::Invalid => ["unknown", "organic", "expired"].contains(&found.reason[i].as_str()),
                    _ => found.reason[i] == Reason::Unknown.name(),
                };
                if let Some(reason) = kept_out(i).filter(is_out) {
                    reason.name().clone_into(&mut found.reason[i]);
                    found.campaign[i].clone_from(&given.campaign[i]);
                }
            }
        }
        Ok(again)
    }
}

fn number(argument: &str, index: usize, value: i64) -> Result<u32> {
    u32::try_from(value).map_err(|_| Error::new(codes::RANGE, argument, Some(index as u64), format!("{value} is not in [0, 2^32)")))
}
