//! Random policies and requests, and a plain reference of the serving rule to compare with: loops and sorts, written from the rule's words.
#![allow(dead_code, unreachable_pub, reason = "each test binary uses its own part")]

use equipoise::model::{Campaign, Campaigns, GoalKind, Ledger, Parties, Scope, Slate, hash_text, mix, uniform};
use equipoise::policy::{Draft, NONE, ORGANIC, Policy};
use equipoise::score::{Request, UNWRITTEN};

/// A small deterministic generator.
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = mix(self.0);
        self.0
    }

    pub fn below(&mut self, n: usize) -> usize {
        (self.next() % n as u64) as usize
    }

    pub fn chance(&mut self, percent: u64) -> bool {
        self.next() % 100 < percent
    }

    /// Uniform on `[0, 1)`.
    pub fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    pub fn pick<'a, T>(&mut self, list: &'a [T]) -> &'a T {
        &list[self.below(list.len())]
    }
}

/// Who a candidate is.
#[derive(Debug, Clone, PartialEq)]
pub enum Who {
    Organic,
    /// May or may not be in the policy.
    Campaign(String),
}

/// A request in names, so that it fits any policy.
#[derive(Debug, Clone)]
pub struct Ask {
    pub market: Option<String>,
    pub surface: Option<String>,
    pub time: Option<i64>,
    pub slots: Option<u32>,
    pub key: u64,
    pub reference: Option<f32>,
    pub organic: Option<Vec<f32>>,
    pub who: Vec<Who>,
    /// One column per measure of the policy.
    pub measures: Vec<Vec<f32>>,
    pub item: Option<Vec<u32>>,
    pub artist: Option<Vec<u32>>,
    pub frequency: Option<Vec<u32>>,
}

impl Ask {
    pub fn rows(&self, policy: &Policy) -> Vec<u32> {
        let row = |who: &Who| match who {
            Who::Organic => ORGANIC,
            Who::Campaign(id) => policy.row(id),
        };
        self.who.iter().map(row).collect()
    }

    /// The request itself, over rows and measures that the caller holds.
    pub fn request<'a>(&'a self, policy: &Policy, rows: &'a [u32], measures: equipoise::score::Measures<'a>) -> Request<'a> {
        Request {
            market: self.market.as_ref().map_or(NONE, |m| policy.market(m)),
            surface: self.surface.as_ref().map_or(NONE, |s| policy.surface(s)),
            time: self.time,
            slots: self.slots,
            key: self.key,
            reference: self.reference,
            organic: self.organic.as_deref(),
            item: self.item.as_deref(),
            artist: self.artist.as_deref(),
            frequency: self.frequency.as_deref(),
            ..Request::new(rows, measures)
        }
    }

    /// All columns one after the other.
    pub fn flat(&self) -> Vec<f32> {
        self.measures.concat()
    }
}

/// What a request comes to.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    pub scores: Vec<u32>,
    pub picks: Vec<u32>,
    pub positions: Vec<u32>,
    pub reasons: Vec<&'static str>,
}

fn names(random: &mut Random, prefix: &str, most: usize) -> Vec<String> {
    (0..random.below(most + 1)).map(|i| format!("{prefix}{i}")).collect()
}

fn some_of(random: &mut Random, prefix: &str) -> Option<Vec<String>> {
    random.chance(35).then(|| (0..=random.below(3)).map(|_| format!("{prefix}{}", random.below(5))).collect())
}

/// A price, often one of few so that scores tie, sometimes zero, huge or tiny.
fn price(random: &mut Random, kind: GoalKind) -> f64 {
    let size = match random.below(10) {
        0 => 0.0,
        1..=5 => random.below(8) as f64 / 16.0,
        6..=8 => random.unit() * 2.0,
        _ => *random.pick(&[1e12, 1e-40, 1e6, f64::MIN_POSITIVE]),
    };
    match kind {
        GoalKind::Floor => -size,
        GoalKind::Share | GoalKind::Target if random.chance(50) => -size,
        _ => size,
    }
}

/// A random draft: up to 12 campaigns, 5 markets and surfaces, 6 measures, 20 ledgers of every kind and scope.
pub fn draft(random: &mut Random) -> Draft {
    let count = random.below(13);
    let list: Vec<Campaign> = (0..count)
        .map(|i| {
            let party = |random: &mut Random, prefix: &str, n: usize| random.chance(70).then(|| format!("{prefix}{}", random.below(n)));
            let start = random.chance(30).then(|| random.below(50) as i64);
            Campaign {
                // Neither in order nor all of one length.
                id: format!("{}-{i}", ["z", "å", "c\0", "campaign"][random.below(4)]),
                parties: Parties {
                    artist: party(random, "artist", 4),
                    label: party(random, "label", 3),
                    licensor: party(random, "licensor", 3),
                },
                surfaces: some_of(random, "surface"),
                markets: some_of(random, "market"),
                start,
                end: random.chance(30).then(|| start.unwrap_or(0) + 1 + random.below(50) as i64),
                frequency_cap: None,
                goals: Vec::new(),
            }
        })
        .collect();
    let campaigns = Campaigns::new(list).expect("good campaigns");
    let mut measures: Vec<String> = ["stream", "save", "displacement", "new_listener", "net_royalty", "ünïcode"].map(str::to_owned).into();
    while measures.len() > 1 && random.chance(35) {
        measures.remove(random.below(measures.len()));
    }
    let (markets, surfaces) = (names(random, "market", 4), names(random, "surface", 4));
    let weights = (0..=measures.len()).map(|_| if random.chance(20) { 0.0 } else { price(random, GoalKind::Share) }).collect();
    let goals: Vec<String> = (0..3).map(|i| format!("goal {i}")).collect();
    let tables = Tables::new(&campaigns, &markets, &surfaces);
    let kinds = [GoalKind::Cap, GoalKind::Floor, GoalKind::Target, GoalKind::Share, GoalKind::Guardrail];
    let scopes = [Scope::Campaign, Scope::Artist, Scope::Label, Scope::Licensor, Scope::Market, Scope::Surface, Scope::All];
    let mut ledgers = Vec::new();
    for _ in 0..random.below(21) {
        let (kind, scope) = (*random.pick(&kinds), *random.pick(&scopes));
        let keys = tables.keys(scope);
        if keys == 0 {
            continue;
        }
        let share = random.unit();
        let (inside, outside) = if kind == GoalKind::Share { (1.0 - share, -share) } else { (1.0, 0.0) };
        let ledger = Ledger {
            goal: random.below(goals.len()) as u32,
            kind,
            measure: random.below(measures.len() + 1) as u32,
            scope,
            key: random.below(keys) as u32,
            inside,
            outside,
        };
        ledgers.push((ledger, price(random, kind)));
    }
    let slate = Slate {
        slots: random.below(5) as u32,
        visible: random.chance(70).then(|| 1 + random.below(9) as u32),
        first_place: 1 + random.below(3) as u32,
        min_gap: 1 + random.below(3) as u32,
        max_per_artist: random.chance(30).then(|| 1 + random.below(2) as u32),
        max_per_label: random.chance(30).then(|| 1 + random.below(2) as u32),
        ..Slate::default()
    };
    let tie_breadth = if random.chance(30) { *random.pick(&[1e-6, 0.01, 1e-45]) } else { 0.0 };
    let valid_until = random.chance(10).then(|| random.below(100) as i64);
    Draft { measures, weights, slate, campaigns, markets, surfaces, goals, ledgers, tie_breadth, valid_until, ..Draft::default() }
}

/// A measure: often one of few, sometimes at an edge of the range or below the normal numbers.
fn amount(random: &mut Random) -> f32 {
    match random.below(12) {
        0 => 0.0,
        1 => -0.0,
        2..=6 => random.below(5) as f32 / 4.0,
        7..=10 => random.unit() as f32,
        _ => *random.pick(&[1e12, f32::MIN_POSITIVE / 8.0, f32::from_bits(1), 1e-30, 12_345.678]),
    }
}

/// A random request that `draft` can score.
pub fn ask(random: &mut Random, draft: &Draft) -> Ask {
    let n = if random.chance(2) { 300 } else { random.below(14) };
    let name = |random: &mut Random, prefix: &str| random.chance(85).then(|| format!("{prefix}{}", random.below(6)));
    let item: Option<Vec<u32>> = random
        .chance(50)
        .then(|| (0..n).map(|_| if random.chance(20) { NONE } else { random.below(n.div_ceil(2)) as u32 * 1_000 }).collect());
    let mut organic: Vec<f32> = (0..n).map(|_| random.below(6) as f32 / 4.0 - 0.25).collect();
    for i in 0..n {
        // Rows of one item share their organic score.
        if let Some(item) = &item
            && item[i] != NONE
            && let Some(first) = item[..i].iter().position(|other| *other == item[i])
        {
            organic[i] = organic[first];
        } else if organic[i] == 0.0 && random.chance(50) {
            organic[i] = -0.0;
        }
    }
    let displacement = draft.measures.iter().position(|m| m == "displacement");
    let unwritten = displacement.is_some() && random.chance(60);
    let measures: Vec<Vec<f32>> = (0..draft.measures.len())
        .map(|j| {
            let fill = unwritten && displacement == Some(j);
            (0..n).map(|_| if fill && random.chance(80) { f32::from_bits(UNWRITTEN) } else { amount(random) }).collect()
        })
        .collect();
    let who = (0..n)
        .map(|_| match random.below(10) {
            0 => Who::Organic,
            1 => Who::Campaign("nobody".to_owned()),
            _ if draft.campaigns.is_empty() => Who::Organic,
            _ => Who::Campaign(draft.campaigns.get(random.below(draft.campaigns.len())).id.clone()),
        })
        .collect();
    Ask {
        market: name(random, "market"),
        surface: name(random, "surface"),
        time: random.chance(80).then(|| random.below(100) as i64),
        slots: random.chance(50).then(|| random.below(6) as u32),
        key: random.next(),
        // Needed where displacement is to be filled and the slate does not say what is visible.
        reference: (random.chance(40) || unwritten && draft.slate.visible.is_none()).then(|| random.unit() as f32 - 0.1),
        organic: (unwritten || random.chance(70)).then_some(organic),
        who,
        measures,
        item,
        artist: random.chance(20).then(|| (0..n).map(|_| if random.chance(30) { NONE } else { random.below(3) as u32 }).collect()),
        frequency: None,
    }
}

/// The draft with frequency caps, a relevance floor and a limit of promoted places, each often absent.
pub fn with_limits(random: &mut Random, mut draft: Draft) -> Draft {
    if random.chance(50) {
        let capped = |c: &Campaign, random: &mut Random| Campaign {
            frequency_cap: random.chance(60).then(|| 1 + random.below(3) as u32),
            ..c.clone()
        };
        draft.campaigns = Campaigns::new(draft.campaigns.iter().map(|c| capped(c, random)).collect()).expect("good campaigns");
    }
    draft.slate.relevance_floor = random.chance(30).then(|| random.below(6) as f64 / 4.0 - 0.25);
    draft.slate.relevance_floor_share = random.chance(30).then(|| *random.pick(&[0.0, 0.1, 0.5, 0.9, 1.0]));
    draft.slate.max_promoted = random.chance(20).then(|| random.below(3) as u32);
    draft
}

/// The request with what a draft of [`with_limits`] needs, and counts where they are given.
pub fn limited(random: &mut Random, draft: &Draft, mut ask: Ask) -> Ask {
    let n = ask.who.len();
    let slate = &draft.slate;
    if slate.relevance_floor.is_some() || slate.relevance_floor_share.is_some() {
        ask.organic.get_or_insert_with(|| vec![0.25; n]);
    }
    if slate.relevance_floor_share.is_some() && slate.visible.is_none() {
        ask.reference.get_or_insert(0.5);
    }
    ask.frequency = random.chance(70).then(|| (0..n).map(|_| random.below(4) as u32).collect());
    ask
}

/// The name tables that ledger keys point to.
struct Tables {
    ids: Vec<String>,
    artists: Vec<String>,
    labels: Vec<String>,
    licensors: Vec<String>,
    markets: Vec<String>,
    surfaces: Vec<String>,
}

impl Tables {
    fn new(campaigns: &Campaigns, markets: &[String], surfaces: &[String]) -> Self {
        let sorted = |of: &dyn Fn(&Campaign) -> Option<String>| {
            let mut list: Vec<String> = campaigns.iter().filter_map(of).collect();
            list.sort();
            list.dedup();
            list
        };
        Self {
            ids: sorted(&|c| Some(c.id.clone())),
            artists: sorted(&|c| c.parties.artist.clone()),
            labels: sorted(&|c| c.parties.label.clone()),
            licensors: sorted(&|c| c.parties.licensor.clone()),
            markets: markets.to_vec(),
            surfaces: surfaces.to_vec(),
        }
    }

    fn keys(&self, scope: Scope) -> usize {
        match scope {
            Scope::Campaign => self.ids.len(),
            Scope::Artist => self.artists.len(),
            Scope::Label => self.labels.len(),
            Scope::Licensor => self.licensors.len(),
            Scope::Market => self.markets.len(),
            Scope::Surface => self.surfaces.len(),
            Scope::All => 1,
        }
    }

    /// Whether a ledger counts this campaign.
    fn counts(&self, ledger: &Ledger, campaign: &Campaign) -> bool {
        let key = ledger.key as usize;
        match ledger.scope {
            Scope::Campaign => self.ids[key] == campaign.id,
            Scope::Artist => campaign.parties.artist.as_ref() == Some(&self.artists[key]),
            Scope::Label => campaign.parties.label.as_ref() == Some(&self.labels[key]),
            Scope::Licensor => campaign.parties.licensor.as_ref() == Some(&self.licensors[key]),
            Scope::Market | Scope::Surface | Scope::All => false,
        }
    }
}

/// `V[q][j]` of a known segment; a name is absent where the log had no such column.
fn value(draft: &Draft, j: usize, market: Option<&String>, surface: Option<&String>) -> f32 {
    let mut v = draft.weights[j];
    for (ledger, price) in &draft.ledgers {
        if ledger.measure as usize != j {
            continue;
        }
        let inside = match ledger.scope {
            Scope::Market => market == Some(&draft.markets[ledger.key as usize]),
            Scope::Surface => surface == Some(&draft.surfaces[ledger.key as usize]),
            Scope::All => true,
            _ => continue,
        };
        v -= if inside { ledger.inside } else { ledger.outside } * price;
    }
    v as f32
}

/// `V[q][j]` of the request's segment: the lowest of all segments where the request's is not known.
fn value_for(draft: &Draft, ask: &Ask, j: usize) -> f32 {
    let one =
        |names: &[String]| -> Vec<Option<String>> { if names.is_empty() { vec![None] } else { names.iter().cloned().map(Some).collect() } };
    let (markets, surfaces) = (one(&draft.markets), one(&draft.surfaces));
    let known = |names: &[String], asked: &Option<String>| names.is_empty() || asked.as_ref().is_some_and(|a| names.contains(a));
    if known(&draft.markets, &ask.market) && known(&draft.surfaces, &ask.surface) {
        return value(draft, j, ask.market.as_ref(), ask.surface.as_ref());
    }
    let mut lowest = f32::INFINITY;
    for market in &markets {
        for surface in &surfaces {
            lowest = lowest.min(value(draft, j, market.as_ref(), surface.as_ref()));
        }
    }
    lowest
}

/// `P[c][j]`.
fn charge(draft: &Draft, tables: &Tables, campaign: &Campaign, j: usize) -> f32 {
    let mut p = 0.0;
    for (ledger, price) in &draft.ledgers {
        if ledger.measure as usize == j && ledger.scope.is_campaign_side() {
            p += if tables.counts(ledger, campaign) { ledger.inside } else { ledger.outside } * price;
        }
    }
    p as f32
}

/// Why a candidate is not scored.
fn refusal(draft: &Draft, ask: &Ask, i: usize) -> Option<&'static str> {
    if matches!((ask.time, draft.valid_until), (Some(time), Some(until)) if time >= until) {
        return Some("expired");
    }
    let id = match &ask.who[i] {
        Who::Organic => return Some("organic"),
        Who::Campaign(id) => id,
    };
    let Some(campaign) = draft.campaigns.iter().find(|c| c.id == *id) else { return Some("unknown") };
    let lists = |list: &Option<Vec<String>>, asked: &Option<String>| match (list, asked) {
        (None, _) => true,
        (Some(list), Some(asked)) => list.contains(asked),
        (Some(_), None) => false,
    };
    if !lists(&campaign.markets, &ask.market) {
        return Some("market");
    }
    if !lists(&campaign.surfaces, &ask.surface) {
        return Some("surface");
    }
    if let Some(time) = ask.time
        && (campaign.start.is_some_and(|start| time < start) || campaign.end.is_some_and(|end| time >= end))
    {
        return Some("flight");
    }
    if let (Some(counts), Some(cap)) = (&ask.frequency, campaign.frequency_cap)
        && counts[i] >= cap
    {
        return Some("frequency");
    }
    let organic = || f64::from(ask.organic.as_ref().expect("organic scores")[i]);
    if draft.slate.relevance_floor.is_some_and(|floor| organic() < floor) {
        return Some("relevance");
    }
    if let Some(share) = draft.slate.relevance_floor_share {
        let slots = slots(draft, ask);
        let reference = f64::from(ask.reference.unwrap_or_else(|| reference_of(ask, slots, draft.slate.visible.expect("visible"))));
        // A share of a positive reference; below a negative one by as much of it as a share leaves out.
        let floor = if reference < 0.0 { (2.0 - share) * reference } else { share * reference };
        if organic() < floor {
            return Some("relevance");
        }
    }
    None
}

fn slots(draft: &Draft, ask: &Ask) -> u32 {
    ask.slots.unwrap_or(draft.slate.slots).min(draft.slate.max_promoted.unwrap_or(255))
}

/// The reference of an opportunity: the mean organic score of the last `slots` of the first `visible` places, over distinct items.
fn reference_of(ask: &Ask, slots: u32, visible: u32) -> f32 {
    let organic = ask.organic.as_ref().expect("organic scores");
    let mut seen = Vec::new();
    let mut places = Vec::new();
    for (i, score) in organic.iter().enumerate() {
        let item = ask.item.as_ref().map_or(NONE, |items| items[i]);
        if item == NONE || !seen.contains(&item) {
            seen.push(item);
            places.push(*score);
        }
    }
    places.sort_by(|a, b| b.partial_cmp(a).expect("finite"));
    places.truncate(visible as usize);
    let count = places.len().min(slots.max(1) as usize);
    if count == 0 {
        return 0.0;
    }
    let mut sum = 0.0_f64;
    for score in &places[places.len() - count..] {
        sum += f64::from(*score);
    }
    (sum / count as f64) as f32
}

/// The serving rule, plainly.
pub fn reference_outcome(draft: &Draft, ask: &Ask) -> Outcome {
    let tables = Tables::new(&draft.campaigns, &draft.markets, &draft.surfaces);
    let slots = slots(draft, ask);
    let displacement = draft.measures.iter().position(|m| m == "displacement");
    let n = ask.who.len();
    let (mut scores, mut reasons) = (vec![0.0_f32; n], vec![""; n]);
    for i in 0..n {
        if let Some(reason) = refusal(draft, ask, i) {
            reasons[i] = reason;
            continue;
        }
        let Who::Campaign(id) = &ask.who[i] else { unreachable!("organic candidates are refused") };
        let campaign = draft.campaigns.iter().find(|c| c.id == *id).expect("a known campaign");
        let mut s = value_for(draft, ask, 0) - charge(draft, &tables, campaign, 0);
        for j in 0..draft.measures.len() {
            let mut y = ask.measures[j][i];
            if displacement == Some(j) && y.to_bits() == UNWRITTEN {
                let reference =
                    ask.reference.unwrap_or_else(|| reference_of(ask, slots, draft.slate.visible.expect("visible or a reference")));
                let lost = reference - ask.organic.as_ref().expect("organic scores")[i];
                y = if lost > 0.0 { lost } else { 0.0 };
            }
            let c = value_for(draft, ask, j + 1) - charge(draft, &tables, campaign, j + 1);
            let product = c * y;
            s += product;
        }
        if draft.tie_breadth > 0.0 {
            s += draft.tie_breadth as f32 * uniform(ask.key, hash_text(id));
        }
        if s == 0.0 {
            s = 0.0;
        }
        scores[i] = s;
        reasons[i] = if s > 0.0 { "outscored" } else { "price" };
    }

    let organic = |i: usize| ask.organic.as_ref().map_or(0.0, |organic| organic[i]);
    let mut order: Vec<usize> = (0..n).filter(|i| scores[*i] > 0.0).collect();
    order.sort_by(|a, b| {
        scores[*b].partial_cmp(&scores[*a]).expect("finite").then(organic(*b).partial_cmp(&organic(*a)).expect("finite")).then(a.cmp(b))
    });
    let party = |i: usize, of: fn(&Parties) -> &Option<String>| -> Option<String> {
        let Who::Campaign(id) = &ask.who[i] else { return None };
        of(&draft.campaigns.iter().find(|c| c.id == *id)?.parties).clone()
    };
    let artist = |i: usize| match &ask.artist {
        Some(artist) => (artist[i] != NONE).then(|| artist[i].to_string()),
        None => party(i, |p| &p.artist),
    };
    let label = |i: usize| party(i, |p| &p.label);
    let (mut picks, mut positions): (Vec<u32>, Vec<u32>) = (Vec::new(), Vec::new());
    for i in order {
        let place = positions.last().map_or(draft.slate.first_place, |last| last + draft.slate.min_gap);
        let same_item = |p: &u32| ask.item.as_ref().is_some_and(|item| item[i] != NONE && item[*p as usize] == item[i]);
        let crowded = |limit: Option<u32>, own: Option<String>, of: &dyn Fn(usize) -> Option<String>| {
            limit.is_some_and(|limit| own.is_some() && picks.iter().filter(|p| of(**p as usize) == own).count() >= limit as usize)
        };
        reasons[i] = if picks.len() >= slots as usize {
            "outscored"
        } else if place > draft.slate.visible.unwrap_or(255) {
            "no_place"
        } else if picks.iter().any(same_item) {
            "item"
        } else if crowded(draft.slate.max_per_artist, artist(i), &artist) {
            "artist"
        } else if crowded(draft.slate.max_per_label, label(i), &label) {
            "label"
        } else {
            picks.push(i as u32);
            positions.push(place);
            "picked"
        };
    }
    Outcome { scores: scores.iter().map(|s| s.to_bits()).collect(), picks, positions, reasons }
}
