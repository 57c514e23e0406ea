//! Which rows count what: the linear maps from prices to charges and, transposed, from amounts to deliveries. A Newton step walks them hundreds of
//! times, so that keys are looked up once, and columns are taken for what they are: pairs of a campaign and a class.

use super::dual::{Membership, NONE, Row};
use crate::exchange::{Column, Layout};

/// Scopes whose keys campaigns have; those after them are keys of requests, but for [`ALL`].
const CAMPAIGN_SIDE: usize = 4;
/// The scope of everything, whose only key all units have.
const ALL: usize = 6;

/// The rows of a dual seen as a sparse matrix over columns and over campaigns.
pub(super) struct Incidence {
    /// How many measures are priced.
    priced: usize,
    entries: Vec<Entry>,
    /// Cells of all scopes by key and priced measure, those that nobody reads included: they come last.
    cells: usize,
    /// By scope: where its cells start, [`NONE`] if no row has it.
    starts: [usize; 7],
    campaigns: Keys,
    classes: Keys,
    /// The campaign and class of every column; `None` where columns are the campaigns themselves and no row tells classes apart.
    pairs: Option<Vec<Column>>,
}

/// A row: its cell, its measure's position among the priced, and its factors `a` of the cell and `b` of everything.
struct Entry {
    cell: usize,
    slot: usize,
    a: f64,
    b: f64,
}

/// For every unit (a campaign or a class) and scope, where the cells of its key start.
struct Keys {
    units: usize,
    scopes: usize,
    starts: Vec<u32>,
}

impl Keys {
    fn new(units: usize, scopes: &[Vec<u32>]) -> Self {
        Self { units, scopes: scopes.len(), starts: (0..units).flat_map(|u| scopes.iter().map(move |s| s[u])).collect() }
    }

    /// Every unit with its starts.
    fn each(&self) -> impl Iterator<Item = &[u32]> {
        (0..self.units).map(|u| &self.starts[u * self.scopes..][..self.scopes])
    }
}

/// What prices charge: by cell, and from everybody.
pub(super) struct Charges {
    cells: Vec<f64>,
    pub(super) all: Vec<f64>,
}

impl Incidence {
    /// The incidence of `rows`, whose measures stand at `slots` among `priced` ones and which are of these `scopes`.
    pub(super) fn new(rows: &[Row], slots: &[usize], priced: usize, members: &Membership, scopes: &[usize], layout: &Layout) -> Self {
        let Layout { columns, campaigns, classes, .. } = layout;
        let (campaigns, classes) = (*campaigns, *classes);
        let mut starts = [NONE; 7];
        let mut cells = 0;
        for s in scopes {
            starts[*s] = cells;
            cells += members.keys[*s] * priced;
        }
        let start = |s: usize, key: usize| (if key == NONE { cells } else { starts[s] + key * priced }) as u32;
        let keys = |side: &dyn Fn(usize) -> Option<Vec<usize>>, units: usize| {
            let of = |s: usize| side(s).map(|keys| keys.iter().map(|key| start(s, *key)).collect::<Vec<u32>>());
            Keys::new(units, &scopes.iter().filter_map(|s| of(*s)).collect::<Vec<_>>())
        };
        let campaign_side = |s: usize| (s < CAMPAIGN_SIDE).then(|| members.campaign[s].clone());
        let class_side = |s: usize| (CAMPAIGN_SIDE..ALL).contains(&s).then(|| members.class[s - CAMPAIGN_SIDE].clone());
        let classes = keys(&class_side, classes);
        let alike = classes.scopes == 0 && columns.len() == campaigns && columns.iter().enumerate().all(|(k, c)| c.campaign as usize == k);
        let entry =
            |(r, slot): (&Row, &usize)| Entry { cell: starts[r.scope as usize] + r.key * priced + slot, slot: *slot, a: r.a, b: r.b };
        Self {
            priced,
            entries: rows.iter().zip(slots).map(entry).collect(),
            cells: cells + priced,
            starts,
            campaigns: keys(&campaign_side, campaigns),
            classes,
            pairs: (!alike).then(|| columns.clone()),
        }
    }

    /// What prices `y` charge. O(rows).
    pub(super) fn charges(&self, y: &[f64]) -> Charges {
        let mut cells = vec![0.0; self.cells];
        let mut all = vec![0.0; self.priced];
        for (r, y) in self.entries.iter().zip(y) {
            if *y != 0.0 {
                cells[r.cell] += r.a * y;
                all[r.slot] += r.b * y;
            }
        }
        if let Some(everything) = cells.get(self.starts[ALL]..) {
            all.iter_mut().zip(everything).for_each(|(a, e)| *a += e);
        }
        Charges { cells, all }
    }

    /// The charge of one key of a scope by its own rows; nothing where it has none.
    pub(super) fn of_key(&self, charges: &Charges, scope: usize, key: usize, slot: usize) -> f64 {
        let start = self.starts[scope];
        if key == NONE || start == NONE { 0.0 } else { charges.cells[start + key * self.priced + slot] }
    }

    /// The charge of every campaign and priced measure by campaign-side rows alone, what everybody is charged included. O(campaigns).
    pub(super) fn of_campaigns(&self, charges: &Charges) -> Vec<f64> {
        let mut out = charges.all.repeat(self.campaigns.units);
        self.spread(&self.campaigns, charges, &mut out);
        out
    }

    /// The charge of every column and priced measure: its campaign's, which [`Incidence::of_campaigns`] gave, and its class's. O(columns).
    pub(super) fn of_columns(&self, of_campaigns: Vec<f64>, charges: &Charges) -> Vec<f64> {
        let Some(pairs) = &self.pairs else { return of_campaigns };
        let p = self.priced;
        let mut of_classes = vec![0.0; self.classes.units * p];
        self.spread(&self.classes, charges, &mut of_classes);
        let mut out = Vec::with_capacity(pairs.len() * p);
        for c in pairs {
            let (campaign, class) = (&of_campaigns[c.campaign as usize * p..][..p], &of_classes[c.class as usize * p..][..p]);
            out.extend(campaign.iter().zip(class).map(|(a, b)| a + b));
        }
        out
    }

    /// The delivery of every row from amounts by column and priced measure: the transpose of [`Incidence::of_columns`]; and of campaign-side rows
    /// (and of `all`) from further amounts by campaign.
    pub(super) fn deliveries(&self, by_column: &[f64], further: Option<Vec<f64>>) -> Vec<f64> {
        let p = self.priced;
        let (mut cells, mut all) = (vec![0.0; self.cells], vec![0.0; p]);
        if let Some(pairs) = &self.pairs {
            let mut by_campaign = further.unwrap_or_else(|| vec![0.0; self.campaigns.units * p]);
            let mut by_class = vec![0.0; self.classes.units * p];
            for (c, amount) in pairs.iter().zip(by_column.chunks_exact(p.max(1))) {
                by_campaign[c.campaign as usize * p..].iter_mut().zip(amount).for_each(|(a, b)| *a += b);
                by_class[c.class as usize * p..].iter_mut().zip(amount).for_each(|(a, b)| *a += b);
            }
            self.gather(&self.campaigns, &by_campaign, &mut cells, &mut all);
            if self.classes.scopes > 0 {
                self.gather(&self.classes, &by_class, &mut cells, &mut vec![0.0; p]);
            }
        } else if let Some(mut further) = further {
            further.iter_mut().zip(by_column).for_each(|(a, b)| *a += b);
            self.gather(&self.campaigns, &further, &mut cells, &mut all);
        } else {
            self.gather(&self.campaigns, by_column, &mut cells, &mut all);
        }
        self.rows(cells, &all)
    }

    /// The delivery of every campaign-side row (and of `all`) from amounts by campaign and priced measure: the transpose of
    /// [`Incidence::of_campaigns`].
    pub(super) fn by_campaigns(&self, amounts: &[f64]) -> Vec<f64> {
        let (mut cells, mut all) = (vec![0.0; self.cells], vec![0.0; self.priced]);
        self.gather(&self.campaigns, amounts, &mut cells, &mut all);
        self.rows(cells, &all)
    }

    fn rows(&self, mut cells: Vec<f64>, all: &[f64]) -> Vec<f64> {
        if self.starts[ALL] != NONE {
            cells[self.starts[ALL]..][..self.priced].clone_from_slice(all);
        }
        self.entries.iter().map(|r| r.a * cells[r.cell] + r.b * all[r.slot]).collect()
    }

    // The loops over measures unroll where their number is a constant.
    fn spread(&self, keys: &Keys, charges: &Charges, out: &mut [f64]) {
        match self.priced {
            0 => {}
            1 => spread(1, keys, charges, out),
            2 => spread(2, keys, charges, out),
            3 => spread(3, keys, charges, out),
            p => spread(p, keys, charges, out),
        }
    }

    fn gather(&self, keys: &Keys, amounts: &[f64], cells: &mut [f64], all: &mut [f64]) {
        match self.priced {
            0 => {}
            1 => gather(1, keys, amounts, cells, all),
            2 => gather(2, keys, amounts, cells, all),
            3 => gather(3, keys, amounts, cells, all),
            p => gather(p, keys, amounts, cells, all),
        }
    }
}

#[expect(clippy::inline_always, reason = "only inlined does the number of measures become a constant")]
#[inline(always)]
fn spread(p: usize, keys: &Keys, charges: &Charges, out: &mut [f64]) {
    for (out, starts) in out.chunks_exact_mut(p).zip(keys.each()) {
        for start in starts {
            let cell = &charges.cells[*start as usize..][..p];
            for j in 0..p {
                out[j] += cell[j];
            }
        }
    }
}

#[expect(clippy::inline_always, reason = "only inlined does the number of measures become a constant")]
#[inline(always)]
fn gather(p: usize, keys: &Keys, amounts: &[f64], cells: &mut [f64], all: &mut [f64]) {
    let all = &mut all[..p];
    for (amount, starts) in amounts.chunks_exact(p).zip(keys.each()) {
        for j in 0..p {
            all[j] += amount[j];
        }
        for start in starts {
            let cell = &mut cells[*start as usize..][..p];
            for j in 0..p {
                cell[j] += amount[j];
            }
        }
    }
}
